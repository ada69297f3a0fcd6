# SPDX-License-Identifier: GPL-3.0-or-later
"""Numbers of the web side, in the text format of Prometheus.

What is so now is looked up in the database, which all web processes share; how many
requests there are, and how long they take, nginx's log tells.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.models import Count, Max, Min, Q
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from django_q.models import Failure, OrmQ
from django_q.status import Stat
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import generate_latest
from prometheus_client.metrics_core import GaugeMetricFamily, Metric

from qnet_mailman.web.core import CoreUnavailable, get_text
from qnet_mailman.web.harp.models import ProviderPerson, ProviderSession

TEXT = 'text/plain; version=0.0.4; charset=utf-8'


class _Web:
    """Looks when it is asked."""

    def collect(self) -> Iterator[Metric]:
        """See prometheus_client."""
        begun = time.perf_counter()
        try:
            with connection.cursor() as cursor:
                cursor.execute('SELECT 1')
            took = time.perf_counter() - begun
            found = [*_jobs(), *_people()]
        except DatabaseError:
            yield _gauge('database_up', "Whether the web side's database answers.", 0)
            return
        yield _gauge('database_up', "Whether the web side's database answers.", 1)
        yield _gauge('database_ping_seconds', 'How long it took to answer.', took)
        yield from found


def _gauge(name: str, meaning: str, value: float) -> Metric:
    return GaugeMetricFamily(f'qnet_web_{name}', meaning, value=value)


def _jobs() -> Iterator[Metric]:
    """HyperKitty's jobs."""
    inline = bool(settings.Q_CLUSTER.get('sync'))
    clusters = 1 if inline else len(Stat.get_all())
    yield _gauge('clusters', 'Processes that do jobs (qcluster).', clusters)
    # A job that is at work is locked until its time is up.
    moment = timezone.now()
    waiting = OrmQ.objects.filter(lock__lte=moment).aggregate(Count('id'), Min('lock'))
    age = (moment - (waiting['lock__min'] or moment)).total_seconds()
    yield _gauge('jobs_waiting', 'Jobs that nobody does yet.', waiting['id__count'])
    yield _gauge('job_oldest_age_seconds', 'Since when the oldest waits.', age)
    failed = Failure.objects.count()
    yield _gauge('jobs_failed', 'Jobs that failed, as far as they are kept.', failed)


def _people() -> Iterator[Metric]:
    """Who is signed in, and how fresh their roles are (R26)."""
    sessions = ProviderSession.objects.count()
    yield _gauge('sessions', 'Sessions of people signed in at a provider.', sessions)
    refreshed = ~Q(refresh_token='')
    known = ProviderPerson.objects.filter(refreshed).aggregate(
        Count('id'), Min('checked_at'), Max('checked_at')
    )
    yield _gauge(
        'people_refreshed', 'People whose roles are refreshed.', known['id__count']
    )
    for name, meaning, at in (
        ('roles_checked_oldest', 'of whom it was asked longest ago', 'checked_at__min'),
        ('roles_checked_last', 'of whom it was asked last', 'checked_at__max'),
    ):
        moment: datetime | None = known[at]
        if moment is not None:
            yield _gauge(
                f'{name}_timestamp_seconds',
                f'When a provider was asked about the person {meaning}.',
                moment.timestamp(),
            )


@never_cache
@require_safe
def web(_request: HttpRequest) -> HttpResponse:
    """The web side's own."""
    registry = CollectorRegistry()
    registry.register(_Web())
    return HttpResponse(generate_latest(registry), content_type=TEXT)


@never_cache
@require_safe
def core(_request: HttpRequest) -> HttpResponse:
    """Core's, as it gives them; 502 where it does not answer (RFC 9110, 15.6.3)."""
    try:
        return HttpResponse(get_text('metrics'), content_type=TEXT)
    except CoreUnavailable:
        return HttpResponse('core does not answer\n', TEXT, status=502)

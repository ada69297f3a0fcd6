# SPDX-License-Identifier: GPL-3.0-or-later
"""What the database knows: the same on all hosts of a site.

A handful of statements, whatever the number of lists and members.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from mailman.config import config
from mailman.model.requests import _Request
from mailman.utilities.datetime import now
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    Metric,
)
from sqlalchemy import func, select, text
from sqlalchemy.exc import SQLAlchemyError

from qnet_mailman import site
from qnet_mailman.model import counters, fan_outs
from qnet_mailman.model.base import store
from qnet_mailman.model.bounces import QNetJob, QNetSuspension
from qnet_mailman.model.people import QNetGrant
from qnet_mailman.review.requests import how_many

LATELY = timedelta(hours=1)
"""Of the posts of this time, the slowest is told."""

COUNTERS = {
    'copies': (
        'qnet_copies',
        'Copies handed to the mail server, and what it said to them; small domains '
        f'together are "{counters.OTHER}".',
        ('domain', 'answer'),
    ),
    'bounces': (
        'qnet_bounces',
        'Messages that came to the addresses for bounces, and what became of them.',
        ('kind', 'outcome'),
    ),
    'provider bounces': (
        'qnet_provider_bounces',
        'Bounces of members, by whose host refused.',
        ('provider', 'kind'),
    ),
    'holds': (
        'qnet_holds',
        'Posts that were held: for a moderator (hold) or their author (confirm).',
        ('fate',),
    ),
    'sign-ups': (
        'qnet_sign_ups',
        'Requests of the sign-up page, and what became of them.',
        ('step',),
    ),
    'limits': (
        'qnet_limits_hit',
        'Requests and mails beyond what is allowed to one client, or for one address.',
        ('limit',),
    ),
}
"""Name, meaning and labels of what is counted in `qnet_mailman.model.counters`."""

log = logging.getLogger('mailman.http')


def database() -> Iterator[Metric]:
    """All of it; where the database does not answer, that it does not."""
    begun = time.perf_counter()
    try:
        store().execute(text('SELECT 1'))
        took = time.perf_counter() - begun
        found = [*_counted(), *_posts(), *_waiting(), *_roles(), *_jobs()]
        config.db.commit()
    except SQLAlchemyError as error:
        config.db.abort()
        log.error('no metrics of the database: %s', site.describe(error))
        yield GaugeMetricFamily('qnet_database_up', 'Whether it answers.', value=0)
        return
    yield GaugeMetricFamily('qnet_database_up', 'Whether it answers.', value=1)
    yield GaugeMetricFamily(
        'qnet_database_ping_seconds', 'How long it took to answer.', value=took
    )
    yield from found


def _counted() -> Iterator[Metric]:
    families = {
        name: CounterMetricFamily(metric, meaning, labels=labels)
        for name, (metric, meaning, labels) in COUNTERS.items()
    }
    for name, label, detail, value in counters.counted():
        if name in families:
            labels = [label, detail][: len(COUNTERS[name][2])]
            families[name].add_metric(labels, value)
    yield from families.values()


def _posts() -> Iterator[Metric]:
    found = fan_outs.slowest(now() - LATELY)
    for name, meaning, value in (
        ('qnet_posts_sent', 'Posts of which copies left', found.posts),
        (
            'qnet_post_first_copy_seconds',
            'From the coming of the slowest post to its first copies, of those sent',
            found.first,
        ),
        (
            'qnet_post_last_copy_seconds',
            'To its last copies so far, of those sent',
            found.last,
        ),
    ):
        meaning = f'{meaning} in the last {LATELY // timedelta(minutes=1)} minutes.'
        yield GaugeMetricFamily(name, meaning, value=value)


def _waiting() -> Iterator[Metric]:
    held = GaugeMetricFamily(
        'qnet_held', 'What waits for a moderator or an author.', labels=['kind']
    )
    kinds = select(_Request.request_type, func.count()).group_by(_Request.request_type)
    for kind, number in store().execute(kinds).tuples():
        held.add_metric([kind.name], number)
    yield held
    yield GaugeMetricFamily(
        'qnet_forms_waiting',
        'Request forms that wait for an operator.',
        value=how_many(),
    )
    suspended = store().scalar(select(func.count(QNetSuspension.id)))
    yield GaugeMetricFamily(
        'qnet_suspended_members',
        'Members whom bounces suspended.',
        value=suspended or 0,
    )


def _roles() -> Iterator[Metric]:
    grants = GaugeMetricFamily(
        'qnet_grants', 'Roles that people have, or had.', labels=['role', 'status']
    )
    changed: list[datetime] = []
    query = select(
        QNetGrant.role, QNetGrant.status, func.count(), func.max(QNetGrant.changed_at)
    ).group_by(QNetGrant.role, QNetGrant.status)
    for role, status, number, at in store().execute(query).tuples():
        grants.add_metric([role, status], number)
        changed.append(at)
    yield grants
    if changed:
        yield GaugeMetricFamily(
            'qnet_grants_changed_timestamp_seconds',
            "When a provider, a file or an operator last changed anybody's role.",
            value=_timestamp(max(changed)),
        )


def _jobs() -> Iterator[Metric]:
    begun = GaugeMetricFamily(
        'qnet_job_begun_timestamp_seconds',
        'When timed work was last begun, on whichever host.',
        labels=['job'],
    )
    for name, at in store().execute(select(QNetJob.name, QNetJob.begun_at)).tuples():
        begun.add_metric([name], _timestamp(at))
    yield begun


def _timestamp(moment: datetime) -> float:
    return moment.replace(tzinfo=UTC).timestamp()

# SPDX-License-Identifier: GPL-3.0-or-later
"""One clock: times are in the reader's zone, else in the site's, and say which."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, tzinfo
from functools import cached_property
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.conf import settings
from django.core.exceptions import ObjectDoesNotExist
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from qnet_mailman.letter import times


class TimezoneMiddleware:
    """Stands after the one that knows who is signed in.

    django-mailman3's sets the zone when the page is made already, and so for whomever
    the process serves next.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer, with the reader's time zone.

        :param request: The request.
        """
        with timezone.override(_OfReader(request)):
            return self.get_response(request)


class _OfReader(tzinfo):
    """The zone of whoever reads, which nobody is asked for where no time is shown.

    Some pages must not look at the session at all.
    """

    def __init__(self, request: HttpRequest) -> None:
        self._request = request

    @cached_property
    def _zone(self) -> ZoneInfo:
        return zone_of(self._request) or ZoneInfo(settings.TIME_ZONE)

    def fromutc(self, moment: datetime) -> datetime:
        """See `tzinfo`."""
        found = self._zone.fromutc(moment.replace(tzinfo=self._zone))
        return found.replace(tzinfo=self)

    def utcoffset(self, moment: datetime | None) -> timedelta | None:
        """See `tzinfo`."""
        return None if moment is None else self._zone.utcoffset(moment)

    def dst(self, moment: datetime | None) -> timedelta | None:
        """See `tzinfo`."""
        return None if moment is None else self._zone.dst(moment)

    def tzname(self, moment: datetime | None) -> str | None:
        """See `tzinfo`; of no moment, the zone's own name."""
        return self._zone.key if moment is None else self._zone.tzname(moment)


def zone_of(request: HttpRequest) -> ZoneInfo | None:
    """The time zone that a reader has chosen; None where they have not, for the site's.

    :param request: The request.
    """
    if not request.user.is_authenticated:
        return None
    try:
        return ZoneInfo(request.user.mailman_profile.timezone)
    except (ObjectDoesNotExist, ZoneInfoNotFoundError, ValueError, OSError):
        return None


def moment(value: datetime | str | None) -> datetime | None:
    """A time in the zone of the page; None where it is none.

    :param value: A time, or what core writes for one: without a zone it is UTC.
    """
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            return None
    if not isinstance(value, datetime):
        return None
    return timezone.localtime(value if value.tzinfo else value.replace(tzinfo=UTC))


def in_words(value: datetime | str | None, *, seconds: bool = False) -> str:
    """A time as people read it: ``December 1, 2026, 14:05 EST``; empty for none.

    :param value: As of `moment`.
    :param seconds: Whether they are said, too.
    """
    local = moment(value)
    # Django's own format leaves the zone out of an hour that there is twice.
    return '' if local is None else times.in_words(local, seconds=seconds)

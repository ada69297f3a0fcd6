# SPDX-License-Identifier: GPL-3.0-or-later
"""`mailman qnet audit`: the audit log (R31)."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta

import click
from mailman.utilities.datetime import now

from qnet_mailman import site
from qnet_mailman.commands.qnet.common import INVALID, needs_service, printable, stop
from qnet_mailman.model.audit import QNetAudit, as_dict, written
from qnet_mailman.model.base import store
from qnet_mailman.review import requests

_UNITS = {'m': 60, 'h': 3600, 'd': 86400, 'w': 7 * 86400}


@click.command()
@click.option('--list', 'name', metavar='LIST', help='Only of this list.')
@click.option(
    '--request',
    metavar='NUMBER',
    help='Only of this request: its number (QM-000123) or a ticket.',
)
@click.option(
    '--since', metavar='WHEN', help='Only from then on: 2026-01-31, or 7d, 12h, 30m.'
)
@click.option('--json', 'as_json', is_flag=True, help='Print JSON.')
@needs_service
def audit(
    name: str | None, request: str | None, since: str | None, as_json: bool
) -> None:
    """Print the audit log, newest last.

    LIST is an address or List-ID; the list may be one that has been deleted. WHEN
    is a date or time (ISO 8601, in the site's time zone where it has none), or how
    long ago. Times are printed in UTC.
    """
    about = None if request is None else requests.names_of(request.strip())
    begin = None
    if since is not None:
        try:
            begin = moment(since)
        except (ValueError, OverflowError):
            stop(
                INVALID,
                f'--since: found "{since}"; expected a date such as 2026-01-31, a time '
                'such as 2026-01-31T08:00, or how long ago: 7d, 12h, 30m',
            )
    query = written(name, about, begin).order_by(QNetAudit.id)
    rows = store().scalars(query.execution_options(yield_per=1000))
    if as_json:
        click.echo(json.dumps([as_dict(row) for row in rows], indent=2))
        return
    for row in rows:
        entry = as_dict(row)
        detail = ', '.join(f'{key}={value}' for key, value in entry['detail'].items())
        parts = (entry['at'], row.actor, row.action, row.list_id, row.subject, detail)
        click.echo(printable('  '.join(part for part in parts if part)))


def moment(since: str) -> datetime:
    """A point of time as people write it, in UTC without a zone.

    :raises ValueError: if it is none.
    """
    ago = re.fullmatch(r'(\d{1,6})\s*([mhdw])', since.strip().lower())
    if ago is not None:
        return now() - timedelta(seconds=int(ago[1]) * _UNITS[ago[2]])
    when = datetime.fromisoformat(since.strip())
    if when.tzinfo is None:
        when = when.replace(tzinfo=site.settings().time_zone)
    return when.astimezone(UTC).replace(tzinfo=None)

# SPDX-License-Identifier: GPL-3.0-or-later
"""`mailman qnet audit`: the audit log (R31)."""

from __future__ import annotations

import csv
import json
import re
import sys
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import click
from mailman.config import config
from mailman.utilities.datetime import now

from qnet_mailman import site
from qnet_mailman.bounces.notice_table import cell
from qnet_mailman.commands.qnet.common import INVALID, needs_service, printable, stop
from qnet_mailman.model import seals
from qnet_mailman.model.audit import About, Action, QNetAudit, as_dict, written
from qnet_mailman.model.base import store
from qnet_mailman.review import requests

HIDDEN = '(hidden; --senders)'
"""In the place of who sent a post."""

_UNITS = {'m': 60, 'h': 3600, 'd': 86400, 'w': 7 * 86400}


@click.command()
@click.option('--list', 'name', metavar='LIST', help='Only of this list.')
@click.option(
    '--request',
    metavar='NUMBER',
    help='Only of this request: its number (QM-000123) or a ticket.',
)
@click.option(
    '--person',
    metavar='WHO',
    help='Only what somebody did or what was done to them: a HARP ID or an address.',
)
@click.option(
    '--action',
    type=click.Choice([each.value for each in Action]),
    metavar='ACTION',
    help='Only this, such as "setting changed".',
)
@click.option(
    '--since', metavar='WHEN', help='Only from then on: 2026-01-31, or 7d, 12h, 30m.'
)
@click.option('--until', metavar='WHEN', help='Only before then.')
@click.option(
    '--senders',
    is_flag=True,
    help='With who sent posts that are masked; that you look is in the log.',
)
@click.option('--json', 'form', flag_value='json', help='Print JSON.')
@click.option('--jsonl', 'form', flag_value='jsonl', help='Print JSON Lines.')
@click.option('--csv', 'form', flag_value='csv', help='Print CSV, for a spreadsheet.')
@click.option(
    '--verify',
    is_flag=True,
    help='Print nothing of it, but see whether a row was changed or is missing.',
)
@click.option(
    '--checkpoint',
    metavar='COUNT:DIGEST',
    help='Of the log server, to verify against, too.',
)
@needs_service
def audit(
    name: str | None,
    request: str | None,
    person: str | None,
    action: str | None,
    since: str | None,
    until: str | None,
    senders: bool,
    form: str | None,
    verify: bool,
    checkpoint: str | None,
) -> None:
    """Print the audit log, newest last.

    LIST is an address or List-ID; the list may be one that has been deleted. WHEN
    is a date or time (ISO 8601, in the site's time zone where it has none), or how
    long ago. Times are printed in UTC.

    Exit status with --verify: 0 all is there as it was written, 1 something is not.
    """
    if verify or checkpoint is not None:
        _verify(checkpoint)
        return
    about = About(
        list_name=name,
        names=None if request is None else requests.names_of(request.strip()),
        person=person,
        action=action,
        since=None if since is None else _moment('--since', since),
        until=None if until is None else _moment('--until', until),
    )
    if senders:
        about = about.look_at_senders()
        config.db.commit()
    query = written(about).order_by(QNetAudit.id)
    rows = store().scalars(query.execution_options(yield_per=1000))
    _PRINT.get(form or '', _as_text)(as_dict(row, senders=senders) for row in rows)


def _verify(known: str | None) -> None:
    told = None
    if known is not None:
        parts = re.fullmatch(r'(\d{1,9}):([0-9a-f]{64})', known.strip())
        if parts is None:
            stop(INVALID, '--checkpoint: expected COUNT:DIGEST, as the log has it')
        told = seals.Checkpoint(int(parts[1]), parts[2])
    found = seals.verify(told)
    count, digest = found.sealed.count, found.sealed.digest
    if found.wrong is not None:
        stop(INVALID, f'{found.wrong} (seals 1 to {count} fit)')
    click.echo(f'as they were written: {count}; checkpoint {count}:{digest}')
    click.echo(f'redacted, on record: {found.redacted}')
    click.echo(f'newer than the last seal: {found.waiting}')


def _as_json(rows: Iterable[dict[str, Any]]) -> None:
    click.echo(json.dumps(list(rows), indent=2))


def _as_json_lines(rows: Iterable[dict[str, Any]]) -> None:
    for row in rows:
        click.echo(json.dumps(row))


def _as_csv(rows: Iterable[dict[str, Any]]) -> None:
    writer = csv.writer(sys.stdout, lineterminator='\r\n')
    writer.writerow(('at', 'actor', 'action', 'list', 'subject', 'detail'))
    for row in rows:
        values = {**row, 'list': row['list'] or '', 'detail': json.dumps(row['detail'])}
        values.pop('hidden', None)
        writer.writerow([cell(text) for text in values.values()])


def _as_text(rows: Iterable[dict[str, Any]]) -> None:
    for row in rows:
        detail = ', '.join(f'{key}={value}' for key, value in row['detail'].items())
        actor = HIDDEN if row.get('hidden') else row['actor']
        parts = (
            *(row['at'], actor, *(row[key] for key in ('action', 'list', 'subject'))),
            detail,
        )
        click.echo(printable('  '.join(part for part in parts if part)))


_PRINT = {'json': _as_json, 'jsonl': _as_json_lines, 'csv': _as_csv}


def _moment(option: str, text: str) -> datetime:
    try:
        return moment(text)
    except (ValueError, OverflowError):
        stop(
            INVALID,
            f'{option}: found "{text}"; expected a date such as 2026-01-31, a time '
            'such as 2026-01-31T08:00, or how long ago: 7d, 12h, 30m',
        )


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

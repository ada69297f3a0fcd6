# SPDX-License-Identifier: GPL-3.0-or-later
"""`mailman qnet audit`: the audit log (R31)."""

from __future__ import annotations

import csv
import json
import re
import sys
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import click
from mailman.config import config
from mailman.utilities.datetime import now

from qnet_mailman import site
from qnet_mailman.bounces.notice_table import cell
from qnet_mailman.commands.qnet.common import INVALID, needs_service, printable, stop
from qnet_mailman.model import holds, log_owner, redaction, seals
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
    'what',
    flag_value='verify',
    help='Print nothing of it, but see whether a row was changed or is missing.',
)
@click.option(
    '--checkpoint',
    metavar='COUNT:DIGEST',
    help='Of the log server, to verify against, too.',
)
@click.option(
    '--hold',
    'what',
    flag_value='hold',
    help='Put a legal hold on --list or --person: nothing about it is redacted.',
)
@click.option('--release', 'what', flag_value='release', help='Lift it.')
@click.option('--holds', 'what', flag_value='holds', help='Print what is on hold.')
@click.option(
    '--redact',
    'what',
    flag_value='redact',
    help='Take out addresses older than audit_retention, or those of --person.',
)
@click.option('--why', metavar='TEXT', help='For the log: --hold, --release, --redact.')
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
    what: str | None,
    checkpoint: str | None,
    why: str | None,
) -> None:
    """Print the audit log, newest last, or do what is said with it.

    LIST is an address or List-ID; the list may be one that has been deleted. WHEN
    is a date or time (ISO 8601, in the site's time zone where it has none), or how
    long ago. Times are printed in UTC.

    Who moderates or administers what is never redacted, nor what is on hold. Both are
    on record themselves.

    Exit status with --verify: 0 all is there as it was written, 1 something is not.
    With --redact: 1 where it cannot be done.
    """
    match 'verify' if checkpoint is not None else what:
        case 'verify':
            _verify(checkpoint)
            return
        case 'hold' | 'release':
            _hold(name, person, is_set=what == 'hold', why=why)
            return
        case 'holds':
            _holds()
            return
        case 'redact':
            _redact(person, why)
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


def _hold(
    name: str | None, person: str | None, *, is_set: bool, why: str | None
) -> None:
    if (name is None) == (person is None) or not (name or person or '').strip():
        stop(INVALID, 'name what it is about: --list LIST or --person WHO')
    if not (why or '').strip():
        stop(INVALID, '--why is missing: the log says what a hold was for')
    if not holds.put(name, person, is_set=is_set, why=str(why).strip()):
        stop(INVALID, 'it is on hold already' if is_set else 'it is not on hold')
    config.db.commit()
    _holds()


def _holds() -> None:
    for each in holds.in_force():
        about = f'list {each.list_id}' if each.list_id else f'person {each.person}'
        since = f'{each.since.isoformat(timespec="seconds")}Z'
        click.echo(printable(f'{about}  since {since}  {each.actor}  {each.why}'))


def _redact(person: str | None, why: str | None) -> None:
    if (lend := log_owner.how_to_lend(store())) is not None:
        stop(
            INVALID,
            'the audit log belongs to a role of its own; have it lent first:',
            f'  {lend}',
            f'then do this again; {log_owner.GIVE_BACK}',
        )
    if person is None:
        before = now() - site.settings().audit_retention
        find = partial(redaction.due, before)
        why = why or f'older than {before:%Y-%m-%d}'
    elif not (why or '').strip() or not person.strip():
        stop(INVALID, '--person and --why are needed: the log says what it was for')
    else:
        find = partial(redaction.of_person, person.strip())
    click.echo(f'redacted: {redaction.redact_all(find, str(why).strip())}')
    if holds.in_force():
        click.echo('what is on hold stays as it is (--holds)')
    if find():
        stop(INVALID, 'some rows were too new, or in use: do it again in a minute')


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

# SPDX-License-Identifier: GPL-3.0-or-later
"""Grants from a file that a provider, or somebody on its behalf, wrote (R24, R25).

A *delta* says what has changed.  A *full* file names everybody who has a role at a
provider: whoever is missing has lost it.  A file with a mistake changes nothing, and
all its mistakes are told at once.  So that a file that was cut off does not lock
everybody out, a full one is refused that is empty, or that takes away more than a share
of the provider's active grants.

The columns are `user_id` and `role`, and if need be `provider` (`harp` where it is
missing), `name`, `email`, `expires_at` and `status` (`active` where it is missing).  An
address in such a file counts as verified by the provider.
"""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from enum import StrEnum
from typing import Any

from mailman.utilities.datetime import now
from sqlalchemy import select

from qnet_mailman import site, values
from qnet_mailman.model import audit
from qnet_mailman.model.base import store
from qnet_mailman.model.people import QNetGrant
from qnet_mailman.roles import grants, projection
from qnet_mailman.roles.grants import KEEP, Decision, Route
from qnet_mailman.roles.overview import status_of
from qnet_mailman.roles.rights import (
    DEFAULT_PROVIDER,
    HARP_NAMES,
    Identity,
    Role,
    Status,
    has_passed,
)

MAX_BYTES = 20 * 1024 * 1024
MAX_REASON = 1000
REQUIRED = ('user_id', 'role')
OPTIONAL = ('provider', 'name', 'email', 'expires_at', 'status')
NOT_IN_FILE = 'The list of people who have this role does not name you any more.'
_EXPECTED_TIME = (
    'a date such as 2026-12-31, or a time such as 2026-12-31T17:00, perhaps with a '
    'time zone'
)


class Mode(StrEnum):
    """What it means that a file does not name somebody."""

    full = 'full'
    delta = 'delta'


class FileInvalid(Exception):
    """A file that cannot be imported.

    :ivar mistakes: A line of plain language for each.
    """

    def __init__(self, mistakes: list[str]) -> None:
        super().__init__('\n'.join(mistakes))
        self.mistakes = mistakes


@dataclass(frozen=True)
class Entry:
    """One grant as a file names it.

    :ivar place: Where: `line 3` or `entry 2`.
    """

    place: str
    identity: Identity
    role: Role
    decision: Decision

    @property
    def key(self) -> tuple[Identity, Role]:
        """Whose grant of what."""
        return self.identity, self.role


@dataclass(frozen=True)
class Change:
    """What an import does to a grant."""

    identity: Identity
    role: Role
    before: Status | None
    after: Status

    def __str__(self) -> str:
        before = 'new' if self.before is None else self.before.value
        return f'{self.identity}  {self.role.value}: {before} -> {self.after.value}'

    def as_dict(self) -> dict[str, Any]:
        """The change as plain data."""
        return {
            'provider': self.identity.provider,
            'user_id': self.identity.user_id,
            'role': self.role.value,
            'before': None if self.before is None else self.before.value,
            'after': self.after.value,
        }


@dataclass
class Plan:
    """What an import is going to do.

    :ivar changes: Grants whose status changes.
    :ivar lost: How many active grants end.
    :ivar active: How many the providers in the file have now.
    """

    decisions: list[tuple[Identity, Role, Decision]] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    lost: int = 0
    active: int = 0

    def as_dict(self) -> dict[str, Any]:
        """The plan as plain data."""
        return {
            'entries': len(self.decisions),
            'changes': [change.as_dict() for change in self.changes],
            'taken_away': self.lost,
        }


# ------------------------------------------------------------------- reading


def point_of_time(text: str, zone: tzinfo) -> datetime:
    """A time as people write it, in UTC without a zone; a date is its beginning.

    :param zone: The zone of a time that names none.
    :raises ValueError: with what follows "expected".
    """
    try:
        when = datetime.fromisoformat(text.strip())
        if when.tzinfo is None:
            when = when.replace(tzinfo=zone)
        return when.astimezone(UTC).replace(tzinfo=None)
    except (ValueError, OverflowError):
        raise ValueError(_EXPECTED_TIME) from None


def role_of(text: object) -> Role:
    """The role that a word stands for: ours, or as HARP writes it (R24).

    :raises ValueError: with what follows "expected".
    """
    word = ' '.join(str(text).lower().split())
    for role, name in HARP_NAMES.items():
        if word in (role.value, name.lower()):
            return role
    raise ValueError(
        values.alternatives([*(role.value for role in Role), *HARP_NAMES.values()])
    )


def read(data: bytes, *, as_json: bool, zone: tzinfo) -> list[Entry]:
    """The entries of a file.

    :param as_json: A list of objects; else CSV with a header.
    :param zone: The zone of times that name none.
    :raises FileInvalid: with every mistake.
    """
    if len(data) > MAX_BYTES:
        raise FileInvalid([f'the file is larger than {MAX_BYTES} bytes'])
    try:
        text = data.decode('utf-8-sig')
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b'\n') + 1
        raise FileInvalid([f'line {line}: expected UTF-8 text']) from None
    mistakes: list[str] = []
    rows = list(_json_rows(text, mistakes) if as_json else _csv_rows(text, mistakes))
    entries: list[Entry] = []
    seen: dict[tuple[Identity, Role], str] = {}
    for place, row in rows:
        entry = _entry(place, row, zone, mistakes)
        if entry is None:
            continue
        if entry.key in seen:
            mistakes.append(
                f'{place}: {entry.identity} is {entry.role.value} in {seen[entry.key]} '
                'already'
            )
        seen.setdefault(entry.key, place)
        entries.append(entry)
    if mistakes:
        raise FileInvalid(mistakes)
    return entries


def _csv_rows(text: str, mistakes: list[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    reader = csv.reader(io.StringIO(text, newline=''), strict=True)
    columns: list[str] = []
    begun = 1
    try:
        for cells in reader:
            place, begun = f'line {begun}', reader.line_num + 1
            if not any(cell.strip() for cell in cells):
                continue
            if not columns:
                columns = _columns(place, cells)
                continue
            if len(cells) != len(columns):
                mistakes.append(
                    f'{place}: found {len(cells)} cells; expected {len(columns)}, as '
                    'in the first line'
                )
                continue
            yield place, dict(zip(columns, cells, strict=True))
    except csv.Error as error:
        raise FileInvalid([f'line {reader.line_num}: not CSV: {error}']) from None


def _columns(place: str, cells: list[str]) -> list[str]:
    columns = ['_'.join(cell.lower().replace('-', ' ').split()) for cell in cells]
    known = (*REQUIRED, *OPTIONAL)
    mistakes = [
        f'{place}: column {values.found(name)} is not known; expected '
        f'{values.alternatives(known)}'
        for name in columns
        if name not in known
    ]
    mistakes += [
        f'{place}: the column {name} is missing'
        for name in REQUIRED
        if name not in columns
    ]
    mistakes += [
        f'{place}: the column {name} is there {times} times'
        for name, times in Counter(columns).items()
        if times > 1
    ]
    if mistakes:
        raise FileInvalid(mistakes)
    return columns


def _json_rows(text: str, mistakes: list[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    try:
        data = json.loads(text)
    except RecursionError:
        raise FileInvalid(['not JSON: nested too deep']) from None
    except json.JSONDecodeError as error:
        raise FileInvalid([f'line {error.lineno}: not JSON: {error.msg}']) from None
    except ValueError:
        raise FileInvalid(['not JSON: a number that is too long']) from None
    if not isinstance(data, list):
        raise FileInvalid(['expected a list of objects, one a grant'])
    known = (*REQUIRED, *OPTIONAL)
    for number, row in enumerate(data, 1):
        if not isinstance(row, dict):
            mistakes.append(f'entry {number}: expected an object with keys')
            continue
        mistakes += [
            f'entry {number}: key {values.found(name)} is not known; expected '
            f'{values.alternatives(known)}'
            for name in row
            if name not in known
        ]
        yield f'entry {number}', row


def _entry(
    place: str, row: Mapping[str, Any], zone: tzinfo, mistakes: list[str]
) -> Entry | None:
    fine: dict[str, Any] = {}
    for name, read_one in (
        ('provider', lambda text: Identity.of('x', text or DEFAULT_PROVIDER).provider),
        ('user_id', lambda text: Identity.of(text).user_id),
        ('role', role_of),
        ('name', lambda text: values.line(text, values.MAX_NAME, optional=True)),
        ('email', lambda text: values.email(text, optional=True).lower()),
        ('expires_at', lambda text: point_of_time(text, zone) if text else None),
        ('status', lambda text: Status(values.choice(text or 'active', Status))),
    ):
        raw = row.get(name)
        text = '' if raw is None else raw
        if isinstance(text, int) and not isinstance(text, bool):
            text = str(text)
        if not isinstance(text, str):
            mistakes.append(
                f'{place}: {name}: found {values.found(raw)}; expected text'
            )
            continue
        try:
            fine[name] = read_one(text.strip())
        except ValueError as error:
            mistakes.append(
                f'{place}: {name}: found {values.found(text)}; expected {error}'
            )
    if len(fine) < len(REQUIRED) + len(OPTIONAL):
        return None
    status = fine['status']
    if status is Status.active and has_passed(fine['expires_at'], now()):
        status = Status.expired
    decision = Decision(
        status,
        # What a file leaves out stays as it is.
        fine['name'] or None,
        fine['email'] or None,
        fine['expires_at'] if 'expires_at' in row else KEEP,
    )
    return Entry(
        place, Identity(fine['provider'], fine['user_id']), fine['role'], decision
    )


# ------------------------------------------------------------------ planning


def make_plan(
    entries: Iterable[Entry],
    known: Mapping[tuple[Identity, Role], Status],
    mode: Mode,
) -> Plan:
    """Compare a file with what there is.

    :param known: The status of all grants.
    """
    plan = Plan()
    entries = list(entries)
    named = {entry.key for entry in entries}
    providers = {entry.identity.provider for entry in entries}
    for entry in entries:
        plan.decisions.append((*entry.key, entry.decision))
        _note(plan, entry.key, known.get(entry.key), entry.decision.status)
    for key, status in known.items():
        identity, role = key
        if identity.provider not in providers or status is not Status.active:
            continue
        plan.active += 1
        if mode is Mode.full and key not in named:
            decision = Decision(Status.revoked, reason=NOT_IN_FILE)
            plan.decisions.append((identity, role, decision))
            _note(plan, key, status, Status.revoked)
    return plan


def _note(
    plan: Plan, key: tuple[Identity, Role], before: Status | None, after: Status
) -> None:
    if before is not after:
        plan.changes.append(Change(*key, before, after))
        plan.lost += before is Status.active


def objection(entries: list[Entry], plan: Plan, mode: Mode, percent: int) -> str | None:
    """Why a file is refused that is not to be forced; None if it is not.

    :param percent: Of the active grants: more must not be lost by a full file.
    """
    if not entries:
        return 'the file names nobody'
    if mode is Mode.full and plan.lost * 100 > percent * plan.active:
        return (
            f'the file would take away {plan.lost} of {plan.active} active roles, more '
            f'than {percent} % (role_import_loss_percent)'
        )
    return None


# ------------------------------------------------------------------ applying


def known_grants() -> dict[tuple[Identity, Role], Status]:
    """The status of all grants."""
    query = select(QNetGrant).order_by(QNetGrant.id)
    return {
        (Identity(row.provider, row.user_id), Role(row.role)): status_of(row)
        for row in store().scalars(query.execution_options(populate_existing=True))
    }


def run(
    data: bytes,
    *,
    as_json: bool,
    mode: Mode,
    source: str,
    dry_run: bool = False,
    force: bool = False,
    silent: bool = False,
) -> Plan:
    """Import a file, or say what that would do; the caller commits.

    :param source: What the file is called, for the audit log.
    :param force: Whether to import a file that is empty or takes away much.
    :param silent: Whether the people are not told (R28).
    :return: What was done.
    :raises FileInvalid: with every mistake; nothing has changed then.
    """
    settings = site.settings()
    entries = read(data, as_json=as_json, zone=settings.time_zone)
    if not dry_run:
        projection.lock()
    plan = make_plan(entries, known_grants(), mode)
    against = objection(entries, plan, mode, settings.role_import_loss_percent)
    if against is not None and not force:
        raise FileInvalid([f'{against}; this can be forced'])
    if dry_run:
        return plan
    changed = grants.apply(plan.decisions, Route.imported, silent=silent)
    if changed:
        audit.record(
            audit.Action.grants_imported,
            None,
            source,
            mode=mode.value,
            entries=len(entries),
            changed=changed,
            taken_away=plan.lost,
        )
    return plan

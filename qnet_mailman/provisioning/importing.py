# SPDX-License-Identifier: GPL-3.0-or-later
"""Members of another service, made members of a list.

Who cannot be one is counted and told, and never stops the others.  Members are
made in batches, each in a transaction with its line of the audit log: a running
service is kept from its database for less than a second, and an import that was
killed is completed by importing the same file again.  A list that tells its
administrators of every new member does not tell them of these.
"""

from __future__ import annotations

import csv
import gc
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from mailman.config import config

from qnet_mailman import values
from qnet_mailman.forms.member_files import ACTIVE, GONE, HELD, Row, word
from qnet_mailman.mlist import Mlist
from qnet_mailman.model.finding import banned_among, lists_at, members_among
from qnet_mailman.provisioning.subscribing import (
    MANY,
    refresh_statistics,
    subscribe_people,
)
from qnet_mailman.subscriptions import welcoming

BATCH = 5000
"""New members in one transaction."""
WELCOMED = 100
"""New members in one transaction where each is sent a welcome message."""
PAUSE = 1.0
"""Seconds between two such batches, so that other mail is delivered meanwhile."""


class Left(StrEnum):
    """Why a row of the file became no member."""

    already = 'already subscribed'
    duplicate = 'duplicate'
    invalid = 'invalid'
    banned = 'banned'
    list_address = 'address of a list'
    held = 'held'
    unsubscribed = 'unsubscribed'
    inactive = 'not active'


@dataclass(frozen=True, slots=True)
class LeftOut:
    """One row that became no member.

    :ivar reason: More about it; may be empty.
    """

    row: Row
    why: Left
    reason: str = ''


@dataclass(frozen=True)
class Sorted:
    """The rows of a file.

    :ivar new: Who is to become a member.
    :ivar left_out: All others, in the order of the file.
    """

    new: tuple[Row, ...]
    left_out: tuple[LeftOut, ...]

    def counts(self) -> dict[str, int]:
        """How many rows were left out, by the name of each reason."""
        found = Counter(each.why for each in self.left_out)
        return {why.name: found[why] for why in Left}


def sort_out(mlist: Mlist, rows: Sequence[Row]) -> Sorted:
    """Find out who of a file is to become a member of a list."""
    wanted: dict[str, Row] = {}
    left: list[LeftOut] = []
    # An address that is told to be held or gone in one row, and normal in another,
    # is not revived by the other.
    inactive = {row.email.lower() for row in rows if word(row.state) not in ACTIVE}
    for row in rows:
        lower = row.email.lower()
        # Not the same text twice, a hundred thousand times.
        email = row.email if row.email == lower else lower
        found = _inactive(row) or _invalid(row)
        if found is None and email in wanted:
            found = LeftOut(
                row, Left.duplicate, f'line {wanted[email].line} has it first'
            )
        if found is None and email in inactive:
            found = LeftOut(row, Left.inactive, 'another line says so')
        if found is None:
            wanted[email] = row
        else:
            left.append(found)
    why: Left
    emails: Iterable[str]
    for why, emails in (
        (Left.already, members_among(mlist.list_id, wanted)),
        (Left.list_address, lists_at(wanted)),
        (Left.banned, banned_among(mlist.list_id, wanted)),
    ):
        left += [LeftOut(wanted.pop(each), why) for each in emails if each in wanted]
    left.sort(key=lambda each: each.row.line)
    return Sorted(tuple(wanted.values()), tuple(left))


def _inactive(row: Row) -> LeftOut | None:
    state = word(row.state)
    if state in ACTIVE:
        return None
    why = (
        Left.held
        if state in HELD
        else Left.unsubscribed
        if state in GONE
        else Left.inactive
    )
    return LeftOut(row, why, f'the file says {values.found(row.state)}')


def _invalid(row: Row) -> LeftOut | None:
    try:
        values.email(row.email)
    except ValueError as error:
        return LeftOut(row, Left.invalid, f'expected {error}')
    try:
        values.line(row.name, values.MAX_NAME, optional=True)
    except ValueError as error:
        return LeftOut(row, Left.invalid, f'the name: expected {error}')
    return None


def import_members(
    mlist: Mlist, people: Sequence[Row], *, welcome: bool = False
) -> int:
    """Make people members, their addresses taken for verified; commits.

    :param people: Nobody twice, and nobody who may not be a member.
    :param welcome: Whether each is sent the list's welcome message.  A process that
        is killed leaves at most one batch of them unsent.
    :return: How many are new.
    """
    size = WELCOMED if welcome else BATCH
    count = 0
    for start in range(0, len(people), size):
        if welcome and start:
            time.sleep(PAUSE)
        with _without_collections():
            new = subscribe_people(mlist, people[start : start + size])
        config.db.store.commit()
        count += len(new)
        if welcome:
            _welcome(mlist, new)
            config.db.store.commit()
    if count >= MANY:
        refresh_statistics()
        config.db.store.commit()
    return count


@contextmanager
def _without_collections() -> Iterator[None]:
    # Looking for cycles among the rows of a whole file, again and again while one
    # batch is made, takes a third of the time and finds none.
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _welcome(mlist: Mlist, emails: Iterable[str]) -> None:
    for email in emails:
        member = mlist.members.get_member(email)
        if member is not None:
            welcoming.welcome(mlist, member, member.preferred_language)


def write_report(path: Path, left_out: Iterable[LeftOut]) -> None:
    """Write who was left out, and why, as CSV for a spreadsheet.

    :raises OSError: if the file cannot be written, or is there already.
    """
    with path.open('x', encoding='utf-8-sig', newline='') as file:
        report = csv.writer(file)
        report.writerow(('line', 'email', 'name', 'result', 'reason'))
        for each in left_out:
            row = each.row
            cells = (row.email, row.name, each.why.value, each.reason)
            report.writerow((row.line, *map(_harmless, cells)))


def _harmless(text: str) -> str:
    # A spreadsheet would take it for a formula.
    return f"'{text}" if text.startswith(('=', '+', '-', '@', '\t', '\r')) else text

# SPDX-License-Identifier: GPL-3.0-or-later
"""Request forms that came in and wait for an operator, or were decided (R29)."""

from __future__ import annotations

import re
from datetime import datetime
from enum import StrEnum

from sqlalchemy import (
    DateTime,
    Integer,
    LargeBinary,
    String,
    Text,
    UniqueConstraint,
    select,
)
from sqlalchemy.orm import Mapped, mapped_column

from qnet_mailman.model.base import Base, store


class Status(StrEnum):
    """What became of a request."""

    waiting = 'waiting'
    applying = 'applying'
    """An operator has approved it, and it is not known yet whether it was applied."""
    approved = 'approved'
    returned = 'returned'


OPEN = (Status.waiting.value, Status.applying.value)
"""What is still to be decided, or finished."""

_MAX_ID = 2**31 - 1
_LABEL = re.compile(r'QM-(\d{6,10})', re.ASCII)


def label(number: int) -> str:
    """A request's intake number as people are told it: `QM-000123` (R38)."""
    return f'QM-{number:06}'


def number_of(text: str) -> int | None:
    """The number that somebody wrote, with or without what is before it."""
    match = re.fullmatch(r'(?:QM-?)?(\d{1,10})', text.strip(), re.ASCII | re.IGNORECASE)
    if match is None or not 0 < int(match[1]) <= _MAX_ID:
        return None
    return int(match[1])


def is_label(ticket: str) -> bool:
    """Whether a ticket is an intake number, and not one of a service desk."""
    return _LABEL.fullmatch(ticket) is not None


class QNetSubmission(Base):
    """What came in at once: a mail, or a file; whole, as it came."""

    __tablename__ = 'qnet_submission'
    __table_args__ = (UniqueConstraint('digest', 'turn'),)

    id: Mapped[int] = mapped_column(primary_key=True)
    received_at: Mapped[datetime] = mapped_column(DateTime)
    """In UTC."""
    route: Mapped[str] = mapped_column(String(20))
    """`mail`, `web`, `REST` or `command line`; `provision` for what nobody had to
    decide."""
    sender: Mapped[str] = mapped_column(String(320))
    """From whom it claims to be: of a mail, what From: says; may be empty.  On the
    web, whose it is shown to be."""
    shown_by: Mapped[str] = mapped_column(String(255), default='')
    """What showed, when it came, that it is from the sender (R6); may be empty."""
    message_id: Mapped[str] = mapped_column(String(255))
    digest: Mapped[str] = mapped_column(String(64))
    """SHA-256, in hexadecimal, of what makes it the same one if it comes again."""
    turn: Mapped[int] = mapped_column(Integer)
    """How often the same was decided before; always 0 for a mail."""
    name: Mapped[str] = mapped_column(String(255))
    """Of the file; its end tells the format."""
    content: Mapped[bytes | None] = mapped_column(LargeBinary)
    """None once it is not kept any more."""
    beside: Mapped[str] = mapped_column(Text)
    """JSON object: the CSV files that came with it, by name, in base64."""
    acknowledged_at: Mapped[datetime | None] = mapped_column(DateTime)
    """When the numbers were told, or it was decided not to; in UTC."""


class QNetRequest(Base):
    """One form of a submission.

    Rows are never deleted: their numbers are told to people.
    """

    __tablename__ = 'qnet_request'
    __table_args__ = (UniqueConstraint('submission_id', 'position'),)

    id: Mapped[int] = mapped_column(primary_key=True)
    """The number that people are told; see `label()`."""
    submission_id: Mapped[int] = mapped_column(Integer)
    position: Mapped[int] = mapped_column(Integer)
    """Which form of the submission it is, from 0."""
    place: Mapped[str] = mapped_column(String(255))
    """Where in it the form is: the name of an attachment, the row of a CSV file."""
    kind: Mapped[str] = mapped_column(String(40))
    """This and the following four as they were when it came; empty if unreadable."""
    list_address: Mapped[str] = mapped_column(String(320))
    ticket: Mapped[str] = mapped_column(String(100))
    """The form's own; where it has none, the number under which it is known (R38)."""
    desk_ticket: Mapped[str] = mapped_column(String(100), default='', index=True)
    """The service desk's number that is linked to it; may be empty."""
    requester: Mapped[str] = mapped_column(String(320))
    mistakes: Mapped[int] = mapped_column(Integer)
    text: Mapped[str | None] = mapped_column(Text)
    """The form, or its mistakes, as it was read when it came (`provisioning.kept`);
    None once the file is not kept any more."""
    tell: Mapped[str] = mapped_column(String(320))
    """Who is told what becomes of it; may be empty."""
    status: Mapped[str] = mapped_column(String(20), index=True)
    decided_at: Mapped[datetime | None] = mapped_column(DateTime)
    """In UTC."""
    decided_by: Mapped[str] = mapped_column(String(320), default='')
    reason: Mapped[str] = mapped_column(Text, default='')
    """Why it was returned, in the operator's words."""
    findings: Mapped[str] = mapped_column(Text, default='')
    """Its mistakes when it was returned, a line for each."""
    notified_at: Mapped[datetime | None] = mapped_column(DateTime)
    """When the decision was told; None while that is still to be done."""


def ticket_in_words(ticket: str) -> str:
    """A ticket as mails name it: with the service desk's number, if one is linked."""
    number = number_of(ticket) if is_label(ticket) else None
    query = select(QNetRequest.desk_ticket).where(QNetRequest.id == number)
    linked = '' if number is None else store().scalar(query)
    return f'{ticket} ({linked})' if linked else ticket

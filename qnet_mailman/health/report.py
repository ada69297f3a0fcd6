# SPDX-License-Identifier: GPL-3.0-or-later
"""A report for whoever helps with a problem, without anybody's personal data.

It is one text, to be read before it is sent.  Passwords, keys and tokens are replaced,
and so are mail addresses, Message-IDs and IP addresses, and in what programs wrote (log
lines and findings) the names and IDs of everybody whom the database knows.
"""

from __future__ import annotations

import json
import platform
import re
from collections.abc import Iterator
from configparser import Error as ConfigError
from configparser import RawConfigParser
from importlib.metadata import distributions
from pathlib import Path

from mailman.config import config
from mailman.interfaces.member import MemberRole
from mailman.model.address import Address
from mailman.model.mailinglist import MailingList
from mailman.model.member import Member
from mailman.model.user import User
from sqlalchemy import func, inspect, select
from sqlalchemy.exc import SQLAlchemyError

from qnet_mailman import __version__, site
from qnet_mailman.health.looking import examine
from qnet_mailman.logs.hiding import without_names, without_people
from qnet_mailman.model import migrations
from qnet_mailman.model.base import store
from qnet_mailman.model.lists import QNetList
from qnet_mailman.model.people import QNetAssignment, QNetGrant
from qnet_mailman.queues import shunted, waiting
from qnet_mailman.setup import startup

LAST_LINES = 200
"""Of each log."""
LAST_BYTES = 200_000
PACKAGES = re.compile(
    r'(?i)mailman|postorius|hyperkitty|django|sqlalchemy|alembic|psycopg|falcon|gunicorn'
    r'|aiosmtpd|flufl|lazr|zope\.(component|interface)|authheaders|dkimpy|click|pydantic'
)
"""Distributions whose versions are told."""

_SECRET = re.compile(r'pass|secret|key|token|credential', re.IGNORECASE)
_HIDDEN = '(hidden)'


def report() -> Iterator[tuple[str, str]]:
    """Its sections, each with its heading; none fails because another cannot be had."""
    try:
        names = _names()
    except SQLAlchemyError as error:
        # What they wrote cannot be shown where it is not known who they are.
        config.db.abort()
        names = None
        yield 'database', f'it does not answer: {without_people(site.describe(error))}'
    yield 'versions', '\n'.join(_versions())
    yield 'mailman.cfg', '\n'.join(_settings_in(Path(config.filename)))
    yield 'qnet.cfg', '\n'.join(_settings_in(startup.settings_path()))
    yield 'queues', '\n'.join(_queues())
    if names is None:
        return
    yield 'database', '\n'.join(_tables())
    yield 'lists', '\n'.join(_lists())
    found = [each.as_dict() for each in examine(mail=False)]
    told = json.dumps(found, indent=1, ensure_ascii=False)
    yield 'check', without_names(without_people(told), names)
    for path in sorted(Path(config.LOG_DIR).glob('*.log')):
        lines = without_names(without_people(_end_of(path)), names)
        yield f'the end of {path.name}', lines


def _versions() -> Iterator[str]:
    yield f'qnet-mailer {__version__}'
    yield f'Python {platform.python_version()} on {platform.platform()}'
    named = {each.metadata['Name'] or '': each.version for each in distributions()}
    for name in sorted(filter(PACKAGES.search, named), key=str.lower):
        yield f'{name} {named[name]}'


def _settings_in(path: Path) -> Iterator[str]:
    """What an INI file sets, without what is secret."""
    parser = RawConfigParser(strict=False)
    try:
        parser.read(path, encoding='utf-8')
    except (ConfigError, OSError, UnicodeDecodeError) as error:
        yield f'it cannot be read: {type(error).__name__}'
        return
    for section in parser.sections():
        yield f'[{section}]'
        for key, value in parser.items(section):
            shown = _HIDDEN if _SECRET.search(key) else without_people(value)
            yield f'{key} = {shown}'.rstrip().replace('\n', '\n    ')


def _queues() -> Iterator[str]:
    for name, board in sorted(config.switchboards.items()):
        found = waiting.of(board.queue_directory)
        yield f'{name}: {found.number}'
    for name in ('shunt', 'bad'):
        if number := shunted.how_many(name):
            yield f'{name}: {number} need a look; "mailman qnet check" has the reasons'


def _tables() -> Iterator[str]:
    with config.db.engine.connect() as connection:
        yield f'{connection.dialect.name}, ours is at {migrations.current(connection)}'
        names = inspect(connection).get_table_names()
        for name in sorted(names):
            quoted = connection.dialect.identifier_preparer.quote(name)
            count = connection.exec_driver_sql(f'SELECT count(*) FROM {quoted}')
            yield f'{name}: {count.scalar_one()} rows'


def _lists() -> Iterator[str]:
    """Their settings and how many people they have, but nobody's name."""
    members = dict(
        store()
        .execute(
            select(Member.list_id, func.count())
            .where(Member.role == MemberRole.member)
            .group_by(Member.list_id)
        )
        .tuples()
        .all()
    )
    rows = {row.list_id: row for row in store().scalars(select(QNetList))}
    query = select(
        MailingList._list_id,
        MailingList.bounce_score_threshold,
        MailingList.anonymous_list,
        MailingList.default_member_action,
        MailingList.posting_pipeline,
    ).order_by(MailingList._list_id)
    for list_id, threshold, anonymous, action, pipeline in store().execute(query):
        row = rows.get(list_id)
        kind = 'another style'
        if row is not None:
            mask = 'everyone' if anonymous else row.mask
            kind = f'{row.list_type}, {row.visibility}, mask {mask}'
        yield (
            f'{list_id}: {kind}, threshold {threshold}, members {action.name}, '
            f'{pipeline}, {members.get(list_id, 0)} members'
        )
    config.db.commit()


def _end_of(path: Path) -> str:
    try:
        with path.open('rb') as file:
            file.seek(max(0, path.stat().st_size - LAST_BYTES))
            text = file.read().decode('utf-8', 'replace')
    except OSError as error:
        return f'it cannot be read: {type(error).__name__}'
    # The first line may be half a line, and an address cut in two is none.
    lines = text.splitlines()[1 if len(text) >= LAST_BYTES // 4 else 0 :]
    return '\n'.join(map(_readable, lines[-LAST_LINES:]))


def _readable(line: str) -> str:
    """A line without the escapes of JSON, in which a name would not be found."""
    try:
        found = json.loads(line)
    except ValueError:
        return line
    if not isinstance(found, dict):
        return line
    return ' '.join(f'{key}={value}' for key, value in found.items())


def _names() -> set[str]:
    """What people are called, and the IDs of those with roles."""
    columns = (
        User.display_name,
        Address.display_name,
        QNetGrant.name,
        QNetGrant.user_id,
        QNetAssignment.name,
        QNetAssignment.harp_id,
    )
    found: set[str] = set()
    for column in columns:
        found.update(filter(None, store().scalars(select(column).distinct())))
    return found

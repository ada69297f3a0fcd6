# SPDX-License-Identifier: GPL-3.0-or-later
"""The site's settings: `qnet.cfg`, typed and validated.

The file is INI with the one section ``[qnet]``.  `load()` reads it whole and says all
that is wrong at once, with file, line, key and what is allowed; it guesses nothing.
"""

from __future__ import annotations

import configparser
import difflib
import ipaddress
import re
import shlex
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, fields
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, get_type_hints
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from qnet_mailman.letter.page import about

SECTION = 'qnet'
UNSEEN = ('ticket_system_url', 'ticket_system_command')
"""Keys whose values may hold what no log is to have."""
MEBIBYTE = 1024 * 1024
_SIZE_UNITS = {'b': 1, 'kb': 1024, 'mb': MEBIBYTE, 'gb': 1024 * MEBIBYTE}
_UTC = ZoneInfo('UTC')
_TIME_UNITS = {'s': 1, 'm': 60, 'h': 3600, 'd': 86400, 'w': 7 * 86400}


class SettingsError(Exception):
    """The settings file is missing or wrong.

    :ivar problems: One line of plain language per mistake.
    """

    def __init__(self, problems: list[str]) -> None:
        super().__init__('\n'.join(problems))
        self.problems = problems


class PosterAuthentication(StrEnum):
    """How a post in somebody's name is shown to come from them (R6)."""

    required = 'required'
    confirm = 'confirm'
    off = 'off'


def _size(value: str) -> int:
    match = re.fullmatch(r'(\d+)\s*([kmg]?b)', value.strip().lower())
    if match is None:
        raise ValueError('a size such as "10 MB" or "500 KB"')
    return int(match[1]) * _SIZE_UNITS[match[2]]


def _duration(value: str) -> timedelta:
    match = re.fullmatch(r'(\d+)\s*([smhdw])', value.strip().lower())
    if match is None or int(match[1]) == 0:
        raise ValueError('a time such as "3d", "12h" or "30m"')
    return timedelta(seconds=int(match[1]) * _TIME_UNITS[match[2]])


def _duration_or_none(value: str) -> timedelta:
    if value.strip().lower() in ('0', '0d'):
        return timedelta(0)
    try:
        return _duration(value)
    except ValueError:
        raise ValueError('a time such as "14d", or 0') from None


def _durations_or_none(value: str) -> tuple[timedelta, ...]:
    try:
        found = {_duration_or_none(each) for each in _words(value)}
    except ValueError:
        raise ValueError('times such as "3d 7d", or 0') from None
    return tuple(sorted(found - {timedelta(0)}))


def _two_months(value: timedelta) -> timedelta:
    if value < timedelta(days=60):
        raise ValueError('a time of at least 60d')
    return value


def _words(value: str) -> tuple[str, ...]:
    return tuple(value.replace(',', ' ').lower().split())


def _boolean(value: str) -> bool:
    known = {'yes': True, 'no': False, 'true': True, 'false': False}
    try:
        return known[value.strip().lower()]
    except KeyError:
        raise ValueError('yes or no') from None


def _zone(value: str) -> ZoneInfo:
    try:
        return ZoneInfo(value)
    except (KeyError, ValueError, OSError):
        raise ValueError(
            'a time zone of the IANA database, such as "UTC" or "America/New_York"'
        ) from None


def _address(value: str) -> str:
    if re.fullmatch(r'[^@\s<>,;"()]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+', value) is None:
        raise ValueError('an e-mail address')
    return value


def _lower_address(value: str) -> str:
    return _address(value).lower()


def _host(value: str) -> str:
    if re.fullmatch(r'([A-Za-z0-9-]+\.)*[A-Za-z0-9-]+', value) is None:
        raise ValueError('a host name')
    return value.lower()


def _host_names(value: str) -> tuple[str, ...]:
    return tuple(_host(name) for name in _words(value))


def _host_and_port(value: str) -> str:
    """A host name or IPv4 address, with its port; 25 where none stands there."""
    host, _, port = value.partition(':')
    number = port or '25'
    if not number.isdecimal() or not 0 < int(number) < 65536:
        raise ValueError('a host name and a port, such as mx.example.gov:25')
    return f'{_host(host)}:{number}'


_WEB_ADDRESS = re.compile(r'https?://[^\s/]+(/\S*)?')


def _links(value: str) -> tuple[tuple[str, str], ...]:
    """Lines such as ``Privacy policy: https://agency.example.gov/privacy``."""
    links = []
    for line in value.split('\n'):
        label, _, url = line.strip().partition(': ')
        if not label or _WEB_ADDRESS.fullmatch(url) is None:
            raise ValueError('lines with a label, a colon, and a web address')
        links.append((label, url))
    return tuple(links)


def _url(value: str) -> str:
    if _WEB_ADDRESS.fullmatch(value) is None:
        raise ValueError('a web address that starts with https:// (or http://)')
    return value.rstrip('/')


def _safe_url(value: str) -> str:
    """A web address that shows nobody on the way what is sent there."""
    expected = (
        'a web address that starts with https:// (or http:// and a name or address of '
        'this host), without a user name or password'
    )
    try:
        parts = urlsplit(value)
        host, port = parts.hostname or '', parts.port
    except ValueError:
        raise ValueError(expected) from None
    local = host == 'localhost' or _is_loopback(host)
    if (
        not re.fullmatch(r'[!-~]+', value)
        or not host
        or port == 0
        or parts.scheme not in ('https', 'http')
        or (parts.scheme == 'http' and not local)
        or '@' in parts.netloc
        or parts.fragment
    ):
        raise ValueError(expected)
    return value


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _command(value: str) -> str:
    try:
        words = shlex.split(value)
    except ValueError:
        words = []
    if not words or not Path(words[0]).is_absolute():
        raise ValueError('a command that begins with its whole path')
    return value


def _half_a_minute(value: timedelta) -> timedelta:
    if value > timedelta(seconds=30):
        raise ValueError('a time of at most 30s')
    return value


def _from_one(most: int | None = None) -> Callable[[str], int]:
    expected = 'of at least 1' if most is None else f'from 1 to {most}'

    def read(value: str) -> int:
        with suppress(ValueError):
            number = int(value)
            if 1 <= number <= (most or number):
                return number
        raise ValueError(f'a whole number {expected}')

    return read


_count, _percentage = _from_one(), _from_one(100)


def _one_of(*words: str) -> Callable[[str], str]:
    def read(value: str) -> str:
        if value not in words:
            raise ValueError('one of ' + ', '.join(words))
        return value

    return read


_mask = _one_of('off', 'administrators', 'everyone')


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class Settings:
    """The settings of `qnet.cfg`, one attribute a key; see `etc/qnet.cfg`."""

    domain: Annotated[str, _host]
    """Mail host of lists whose form names none."""
    support_address: Annotated[str, _address]
    """Whom the messages of the service name for help (R34)."""
    support_phone: str = ''
    support_chat: str = ''
    service_name: str = 'QualityNet Mailer'
    """What the service calls itself."""
    agency: str = ''
    """Whose service it is."""
    agency_links: Annotated[tuple[tuple[str, str], ...], _links] = ()
    """Labels and addresses of the pages that an agency names in all it publishes."""
    web_url: Annotated[str | None, _url] = None
    """Where the web side is reached from outside, without a final slash."""
    time_zone: Annotated[ZoneInfo, _zone] = _UTC
    """The zone whose midnight begins a day (R17)."""
    max_message_size: Annotated[int, _size] = 10 * MEBIBYTE
    """Largest post of a new list, in bytes."""
    poster_authentication: Annotated[
        PosterAuthentication, _one_of(*PosterAuthentication), PosterAuthentication
    ] = PosterAuthentication.confirm
    trusted_authserv_ids: Annotated[tuple[str, ...], _words] = ()
    """authserv-ids (RFC 8601 section 2.5) whose Authentication-Results count."""
    inside_mail_servers: Annotated[tuple[str, ...], _host_names] = ()
    """Names, as in their Received fields, of servers behind that check nothing."""
    fields_below_received: Annotated[bool, _boolean] = False
    """Whether the checker writes its fields below the first Received, not above."""
    outside_mail_server: Annotated[str | None, _host_and_port] = None
    """Host and port of the server that takes mail from outside, which `check` tries."""
    post_confirmation_lifetime: Annotated[timedelta, _duration] = timedelta(days=3)
    notices_per_day: Annotated[int, _count] = 10
    """Rejection and hold notices to one address and list in a day."""
    bounce_cycle: Annotated[timedelta, _duration] = timedelta(hours=1)
    """Between two notices about bounces to the administrators of a list (R20)."""
    bounce_token_lifetime: Annotated[timedelta, _duration] = timedelta(days=30)
    """How long after a copy was sent its bounce counts (R35)."""
    old_bounce_addresses: Annotated[timedelta, _duration_or_none] = timedelta(days=14)
    """How long after the upgrade bounces of copies without a token count (R35)."""
    bounce_ledger_lifetime: Annotated[timedelta, _duration] = timedelta(days=400)
    """How long a bounce is remembered, at least as long as any list's window."""
    provider_refusals: Annotated[bool, _boolean] = True
    """Whether refusals of the list by a provider are recorded without points (R23)."""
    provider_refusal_members: Annotated[int, _count] = 10
    """Members at one domain who must be refused in a day (R23)."""
    provider_refusal_percent: Annotated[int, _percentage] = 20
    """Of the list's members at that domain (R23)."""
    signup_lifetime: Annotated[timedelta, _duration] = timedelta(days=7)
    """How long a request to join waits for its confirmation (R11, R12)."""
    signup_reminder: Annotated[timedelta, _duration_or_none] = timedelta(days=3)
    """After which whoever has not confirmed it is reminded, once; 0: never."""
    join_request_reminders: Annotated[tuple[timedelta, ...], _durations_or_none] = (
        timedelta(days=3),
        timedelta(days=7),
    )
    """After which administrators are reminded of a request to join (R12)."""
    decide_by_mail: Annotated[bool, _boolean] = True
    """Whether moderators decide by answering a notice, and by its link."""
    unproven_mails_per_day: Annotated[int, _count] = 5
    """Mails to one mailbox in a day, by requests that are not shown to come from it."""
    signup_requests_per_hour: Annotated[int, _count] = 30
    """Requests to join that one client of the sign-up page makes in an hour (R13)."""
    unsubscribe_link_lifetime: Annotated[timedelta, _duration, _two_months] = timedelta(
        days=400
    )
    """How long the link in a message with which its reader leaves works (R15)."""
    role_warning: Annotated[timedelta, _duration] = timedelta(days=14)
    """How long before a role expires its holder is told (R28)."""
    role_import_loss_percent: Annotated[int, _percentage] = 20
    """Of a provider's active grants: a full import that takes away more is refused."""
    approver_required: Annotated[bool, _boolean] = False
    """Whether a list request must name an approver."""
    audit_retention: Annotated[timedelta, _duration] = timedelta(days=548)
    """How long senders' and strangers' addresses stay in the audit log (R31)."""
    closure_undo_days: Annotated[int, _count] = 30
    """How long a closed list can be opened again as it was, in days (R29)."""

    other_lists_fast_delivery: Annotated[bool, _boolean] = False
    """Whether other lists (R40) are sent as fast as ours, in Mailman's bytes."""
    other_lists_one_click: Annotated[bool, _boolean] = False
    """Whether their copies carry a link to leave (RFC 8058), by their leave policy."""
    other_lists_bounce_scores: Annotated[bool, _boolean] = False
    """Whether their bounces are scored, and followed up, by R16 to R20."""
    other_lists_mask: Annotated[str, _mask] = 'off'
    """Whose posts are masked there (R7 to R10)."""
    other_lists_posting_rights: Annotated[bool, _boolean] = False
    """Whether who may post there is decided by R3 to R6."""

    smtp_connect_timeout: Annotated[timedelta, _duration] = timedelta(minutes=1)
    """For each step until a mail server takes the first message."""
    smtp_timeout: Annotated[timedelta, _duration] = timedelta(minutes=10)
    """For each answer of a mail server (RFC 5321 section 4.5.3.2)."""
    smtp_connections: Annotated[int, _from_one(100)] = 12
    """That a runner has to one mail server at a time, at most."""

    form_max_size: Annotated[int, _size] = 5 * MEBIBYTE
    """Largest file with a form in it, and each file attached to a mail, in bytes."""
    form_max_unpacked: Annotated[int, _size] = 20 * MEBIBYTE
    """Largest XLSX once it is unpacked, and largest mail with forms, in bytes."""
    form_max_forms: Annotated[int, _count] = 1000
    """Forms in one file: attached to a mail, or rows of a CSV file (R29)."""
    form_max_people: Annotated[int, _count] = 200
    """Administrators, and moderators, in one form."""
    form_max_cpu: Annotated[timedelta, _duration] = timedelta(seconds=2)
    """Computing time for one file or mail with forms; an operator's: 30 times it."""
    form_max_memory: Annotated[int, _size] = 200 * MEBIBYTE
    """Memory for it, in bytes; where an operator hands it in, 10 times as much."""
    forms_address: Annotated[str | None, _lower_address] = None
    """Where forms come in by mail, to wait for an operator; None: nowhere."""
    forms_mails_per_day: Annotated[int, _count] = 20
    """Mails with forms that one sender sends in a day, and answers to one address."""
    forms_max_waiting: Annotated[int, _count] = 1000
    """Requests that wait for an operator; from then on more are put off."""
    forms_waiting_per_sender: Annotated[int, _count] = 50
    """Of these, those of one sender by mail who is no known administrator."""
    forms_waiting_per_domain: Annotated[int, _count] = 200
    """Of these, those of all such senders of one mail domain."""
    forms_reserved_percent: Annotated[int, _percentage] = 20
    """Of `forms_max_waiting`, what is kept for administrators of lists."""
    forms_wait_days: Annotated[int, _count] = 3
    """Days after which `mailman qnet check` warns of a request that waits."""
    queue_wait: Annotated[timedelta, _duration] = timedelta(minutes=30)
    """Time in a queue after which `mailman qnet check` says that it is stuck."""
    forms_keep_days: Annotated[int, _count] = 365
    """Days for which the files of a request are kept after the decision."""
    ticket_system_url: Annotated[str | None, _safe_url] = None
    """Where the steps of requests are told to (https, or on this host)."""
    ticket_system_command: Annotated[str, _command] = ''
    """What is told of them instead; without a shell."""
    ticket_system_secret_file: Annotated[Path | None, Path] = None
    """The file with the secret that signs them."""
    ticket_system_timeout: Annotated[timedelta, _duration, _half_a_minute] = timedelta(
        seconds=10
    )
    """How long the ticket system may take to answer."""
    audit_file: Annotated[Path | None, Path] = None
    """Where the audit log goes, too, as JSON Lines (R31)."""
    members_max_size: Annotated[int, _size] = 100 * MEBIBYTE
    """Largest file of `mailman qnet import-members`, in bytes."""
    members_max_rows: Annotated[int, _count] = 1_000_000
    """Rows of it."""
    rest_max_size: Annotated[int, _size] = MEBIBYTE
    """Largest request that Mailman's REST server takes, in bytes; but for files."""

    @property
    def has_ticket_system(self) -> bool:
        """Whether somebody wants to hear what happens to requests."""
        return bool(self.ticket_system_url or self.ticket_system_command)

    @property
    def support_lines(self) -> str:
        """The support contact, a line for each way there is (R34)."""
        lines = [f'  E-mail: {self.support_address}']
        if self.support_phone:
            lines.append(f'  Phone:  {self.support_phone}')
        if self.support_chat:
            lines.append(f'  Chat:   {self.support_chat}')
        return '\n'.join(lines)

    @property
    def about(self) -> str:
        """The last lines of each mail: the service, the agency, its links."""
        return about(self.service_name, self.agency, self.agency_links)


KEYS = tuple(each.name for each in fields(Settings))
"""What may stand in the file."""


def _readers() -> dict[str, Iterable[Any]]:
    """What makes a value of the text of each key, one after the other."""
    hints = get_type_hints(Settings, include_extras=True)
    return {key: getattr(hints[key], '__metadata__', ()) for key in KEYS}


def _read(key: str, values: dict[str, str], readers: Iterable[Any]) -> Any:
    value: Any = values[key]
    for reader in readers:
        value = reader(value)
    if key == 'other_lists_one_click' and value and 'web_url' not in values:
        raise ValueError('no while web_url is not set, as the link leads there')
    return value


def load(path: Path) -> Settings:
    """Read and check a settings file.

    :param path: The file.
    :return: The settings.
    :raises SettingsError: with one line for each mistake in the file.
    """
    try:
        text = path.read_text(encoding='utf-8')
    except OSError as error:
        raise SettingsError(
            [
                f'{path}: cannot be read ({error.strerror}); '
                '[plugin.qnet] configuration in mailman.cfg names this file'
            ]
        ) from None
    except UnicodeDecodeError:
        raise SettingsError([f'{path}: is not UTF-8 text']) from None
    parser = configparser.ConfigParser(interpolation=None, strict=True)
    try:
        parser.read_string(text, source=str(path))
    except configparser.Error as error:
        message = ' '.join(str(error.message).split())
        raise SettingsError([f'{path}: {message}']) from None
    problems = [
        f'{path}: unknown section [{name}]; the only section is [{SECTION}]'
        for name in parser.sections()
        if name != SECTION
    ]
    if not parser.has_section(SECTION):
        raise SettingsError([*problems, f'{path}: section [{SECTION}] is missing'])
    values = {key: value.strip() for key, value in parser.items(SECTION)}
    # A key that is there and empty means its default, so that a line can stay.
    values = {key: value for key, value in values.items() if value}
    found: dict[str, Any] = {}
    for key, readers in _readers().items():
        where = f'{path}:{_line_of(key, text)}: ' if key in values else f'{path}: '
        if key in values:
            try:
                found[key] = _read(key, values, readers)
            except ValueError as error:
                value = '' if key in UNSEEN else f' = {values[key]!r}'
                problems.append(f'{where}{key}{value}: expected {error}')
        elif not hasattr(Settings, key):
            problems.append(f'{where}{key} is missing; it must be set')
    problems += [
        f'{path}:{_line_of(key, text)}: unknown key {key!r}; {_allowed(key)}'
        for key in values
        if key not in KEYS
    ]
    if problems:
        raise SettingsError(problems)
    settings = Settings(**found)
    if problems := [f'{path}: {each}' for each in _incomplete(settings)]:
        raise SettingsError(problems)
    return settings


def _incomplete(settings: Settings) -> Iterator[str]:
    """What is wrong with settings that need, or exclude, each other."""
    if settings.ticket_system_url and settings.ticket_system_command:
        yield 'expected ticket_system_url or ticket_system_command, and not both'
    if settings.has_ticket_system and settings.ticket_system_secret_file is None:
        yield 'ticket_system_secret_file is missing: what is told is signed with it'


def _line_of(key: str, text: str) -> int:
    is_it = re.compile(rf'\s*{re.escape(key)}\s*[=:]', re.IGNORECASE).match
    lines = enumerate(text.splitlines(), start=1)
    return next((number for number, line in lines if is_it(line)), 1)


def _allowed(key: str) -> str:
    close = difflib.get_close_matches(key, KEYS, n=1)
    hint = f'did you mean {close[0]!r}? ' if close else ''
    return f'{hint}allowed are {", ".join(KEYS)}'

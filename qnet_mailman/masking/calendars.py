# SPDX-License-Identifier: GPL-3.0-or-later
"""Meeting invitations (RFC 5545) without their sender (R9).

A calendar is worked on as bytes, line by line: a line without a secret keeps its
bytes and its folding, and a file that no calendar library would read is masked all
the same.
"""

from __future__ import annotations

import hashlib
import hmac
import quopri
import re
from collections.abc import Iterator
from dataclasses import dataclass

from qnet_mailman.mail.addresses import find_addresses
from qnet_mailman.mail.text import charset_name, clean, decode_bytes
from qnet_mailman.masking import keep
from qnet_mailman.masking.identity import CannotMask, ListIdentity
from qnet_mailman.masking.secrets import Secrets, with_person

_LINE = re.compile(rb'[^\r\n]*(?:\r\n|\r|\n|$)')
_BREAK = re.compile(r'[\r\n]+')
_NAME = re.compile(rb'[A-Za-z0-9-]+(?=[;:])')
_PARAMETER = re.compile(rb';([A-Za-z0-9-]+)(?:=((?:"[^"]*"|[^";:])*))?')
_STRUCTURAL_VALUE = re.compile(r'[A-Z0-9;=,+.-]{1,200}')
_PRODUCT = b'-//QualityNet Mailer//EN'
# UIDs that are numbers: a UUID, Outlook's (MS-OXOCAL section 2.2.1.27), Google's.
_NUMBERS = re.compile(
    rb'\{?([0-9A-Fa-f]{8,400}|[0-9A-Fa-f-]{36})\}?|[0-9a-v]{26}(?:_R?[0-9TZ]{8,17})?@google\.com'
)
_READABLE = re.compile(rb'[ -~]{6}')
_NOT_HEXADECIMAL = re.compile(rb'[^0-9A-Fa-f]+')
# RFC 5545 section 3.1, without the line break.
_LINE_OCTETS = 75
# Of one calendar; each has a few forms that are looked for in every line.
_MOST_ORGANIZERS = 40
_MOST_PARAMETERS = 20

_Line = tuple[bytes, bytes, bytes]


@dataclass(frozen=True)
class _Property:
    """A content line taken apart; the values are as they stand in the file."""

    name: bytes
    parameters: tuple[tuple[bytes, bytes], ...]
    value: bytes

    @property
    def kind(self) -> str:
        return self.name.decode('ascii').upper()

    def __bytes__(self) -> bytes:
        parameters = (b';' + name + b'=' + value for name, value in self.parameters)
        return self.name + b''.join(parameters) + b':' + self.value


def mask_calendar(
    data: bytes,
    charset: str | None,
    identity: ListIdentity,
    secrets: Secrets,
    key: bytes = b'',
) -> bytes:
    """Mask the sender in a calendar.

    :param data: The decoded content of the part.
    :param charset: The part's charset; UTF-8 where it names none.
    :param key: Makes the new UIDs unguessable; the same key gives the same UID, so
        that an update or a cancellation finds its meeting.
    :return: The masked calendar; the very same bytes where there was nothing to
        mask.
    """
    codec = charset_name(charset)
    if codec is not None and not _extends_ascii(codec):
        try:
            text = data.decode(codec)
            masked = _masked(text.encode('utf-8'), None, identity, secrets, key)
            return masked.decode('utf-8').encode(codec)
        except ValueError:
            codec = None
    return _masked(data, codec, identity, secrets, key)


def _masked(
    data: bytes,
    codec: str | None,
    identity: ListIdentity,
    secrets: Secrets,
    key: bytes,
) -> bytes:
    lines = list(_logical_lines(data))
    secrets = _with_organizers(lines, codec, identity, secrets)
    masked = _Calendar(codec, identity, secrets, key).mask(lines)
    return data if masked == data else masked


def _with_organizers(
    lines: list[_Line], codec: str | None, identity: ListIdentity, secrets: Secrets
) -> Secrets:
    """The secrets, and who called the meeting.

    Where a colleague updates or cancels it, that is somebody else, whom the list has
    masked before.
    """
    addresses: set[str] = set()
    names: set[str] = set()
    for _raw, line, _end in lines:
        if line[:9].upper() != b'ORGANIZER' or (found := _parse(line)) is None:
            continue
        values = [found.value, *(v for _name, v in found.parameters)]
        for value in values[:_MOST_PARAMETERS]:
            addresses |= find_addresses(decode_bytes(value, codec))
        names |= {
            clean(decode_bytes(value, codec)).strip('" ')
            for name, value in found.parameters[:_MOST_PARAMETERS]
            if name.upper() == b'CN'
        }
        if len(addresses) + len(names) > _MOST_ORGANIZERS:
            raise CannotMask('its invitation names too many organizers')
    return with_person(secrets, identity, addresses, names)


def _extends_ascii(codec: str) -> bool:
    """Whether ASCII has its own bytes in a charset; it has not in UTF-16."""
    try:
        return 'BEGIN:VCALENDAR'.encode(codec) == b'BEGIN:VCALENDAR'
    except (LookupError, ValueError):
        return True


def _logical_lines(data: bytes) -> Iterator[_Line]:
    """The unfolded lines of a file (RFC 5545 section 3.1).

    :return: The bytes as they stand, the unfolded line, and its line break.
    """
    raw: list[bytes] = []
    soft = False
    for match in _LINE.finditer(data):
        line = match[0]
        if not line:
            continue
        if raw and not soft and line[:1] not in (b' ', b'\t'):
            yield _logical_line(raw)
            raw = []
        raw.append(line)
        # vCalendar 1.0 folds in the manner of quoted-printable.
        soft = line.rstrip(b'\r\n').endswith(b'=') and (
            b'QUOTED-PRINTABLE' in raw[0].upper()
        )
    if raw:
        yield _logical_line(raw)


def _logical_line(raw: list[bytes]) -> _Line:
    lines = [line.rstrip(b'\r\n') for line in raw]
    pieces = lines[:1]
    for line in lines[1:]:
        if line[:1] in (b' ', b'\t'):
            pieces.append(line[1:])
        else:
            pieces[-1] = pieces[-1].removesuffix(b'=')
            pieces.append(line)
    return b''.join(raw), b''.join(pieces), raw[-1][len(lines[-1]) :]


def _parse(line: bytes) -> _Property | None:
    """A content line taken apart, or None where it is none."""
    match = _NAME.match(line)
    if match is None:
        return None
    name = match[0]
    index = match.end()
    parameters: list[tuple[bytes, bytes]] = []
    while line[index : index + 1] == b';':
        match = _PARAMETER.match(line, index)
        if match is None:
            return None
        parameters.append((match[1], match[2] or b''))
        index = match.end()
    if line[index : index + 1] != b':':
        return None
    return _Property(name, tuple(parameters), line[index + 1 :])


def _fold(line: bytes, end: bytes) -> bytes:
    """Fold a content line, not inside of a UTF-8 sequence."""
    pieces: list[bytes] = []
    room = _LINE_OCTETS
    while len(line) > room:
        cut = room
        while cut > room - 4 and line[cut] & 0xC0 == 0x80:
            cut -= 1
        pieces.append(line[:cut])
        line = line[cut:]
        room = _LINE_OCTETS - 1
    pieces.append(line)
    return ((end or b'\n') + b' ').join(pieces) + end


def _is_number(uid: bytes) -> bool:
    """Whether a UID says nothing of anybody."""
    if not _NUMBERS.fullmatch(uid):
        return False
    # Outlook writes another program's UID in hexadecimal into its own.
    digits = _NOT_HEXADECIMAL.sub(b'', uid.partition(b'@')[0])
    return not _READABLE.search(bytes.fromhex(digits[: len(digits) // 2 * 2].decode()))


class _Calendar:
    """Masks the lines of one calendar file."""

    def __init__(
        self,
        codec: str | None,
        identity: ListIdentity,
        secrets: Secrets,
        key: bytes,
    ) -> None:
        self._codec = codec
        self._identity = identity
        self._secrets = secrets
        self._key = key
        # What an attendee's line says is asked for when it may go and when it stays.
        self._found_before: dict[tuple[bytes, bool], bool] = {}

    def mask(self, lines: list[_Line]) -> bytes:
        masked: list[bytes] = []
        for raw, line, end in lines:
            parsed = _parse(line)
            if parsed is None:
                masked.append(self._unparsed(raw, line))
                continue
            new = self._property(parsed)
            if new is parsed:
                masked.append(raw)
            elif new is not None:
                masked.append(_fold(bytes(new), end))
        return b''.join(masked)

    def _unparsed(self, raw: bytes, line: bytes) -> bytes:
        name = re.split(rb'[;:]', line, maxsplit=1)[0].strip().upper()
        if name.decode('latin-1') in keep.WRITTEN_PROPERTIES or not self._found(line):
            return raw
        return b''

    def _property(self, line: _Property) -> _Property | None:
        """The masked property: the same object unchanged, or None to drop it."""
        kind = line.kind
        if kind == 'ORGANIZER':
            return self._organizer(line)
        if kind == 'ATTENDEE' and self._is_sender(line):
            return None
        parameters = tuple(p for p in line.parameters if not self._found(p[1]))
        value: bytes | None = line.value
        if kind not in keep.WRITTEN_PROPERTIES:
            value = self._value(kind, line)
        if value is None:
            return None
        if value == line.value and parameters == line.parameters:
            return line
        return _Property(line.name, parameters, value)

    def _value(self, kind: str, line: _Property) -> bytes | None:
        if kind in {'UID', 'RELATED-TO'}:
            return self._uid(line.value)
        weak = kind not in keep.STRUCTURAL_PROPERTIES or not (
            _STRUCTURAL_VALUE.fullmatch(line.value.decode('latin-1'))
        )
        if not self._found(line.value, weak=weak):
            return line.value
        # RFC 5545 section 3.7.3: a calendar must have this one.
        return _PRODUCT if kind == 'PRODID' else None

    def _organizer(self, line: _Property) -> _Property:
        """The list's administrators, to whom the answers go (R9)."""
        # RFC 5545 section 3.2: no quotation mark within a parameter.
        name = clean(self._identity.display_name).replace('"', "'")
        try:
            encoded = name.encode(self._codec or 'utf-8')
        except ValueError:
            encoded = name.encode('ascii', 'replace')
        address = f'mailto:{self._identity.owner_address}'
        return _Property(
            line.name, ((b'CN', b'"' + encoded + b'"'),), address.encode('utf-8')
        )

    def _is_sender(self, line: _Property) -> bool:
        texts = [line.value]
        texts += [v for n, v in line.parameters if n.upper() in (b'CN', b'EMAIL')]
        return any(self._found(text) for text in texts)

    def _uid(self, value: bytes) -> bytes:
        """The UID, or what is always written for it where it might name somebody.

        Whoever sends an update or a cancellation, and whatever is known of them: it
        must be found by what the invitation was given.
        """
        own = re.compile(rb'[0-9a-f]{40}@' + re.escape(self._identity.domain.encode()))
        if _is_number(value.strip()) or own.fullmatch(value.strip()):
            return value
        digest = hmac.new(self._key, value.strip(), hashlib.sha256).hexdigest()
        return f'{digest[:40]}@{self._identity.domain}'.encode()

    def _found(self, raw: bytes, *, weak: bool = True) -> bool:
        known = self._found_before.get((raw, weak))
        if known is None:
            known = self._found_before[raw, weak] = self._look(raw, weak)
        return known

    def _look(self, raw: bytes, weak: bool) -> bool:
        readings = {decode_bytes(raw, self._codec), decode_bytes(raw)}
        if b'=' in raw:
            readings |= {decode_bytes(quopri.decodestring(raw), self._codec)}
        return any(
            self._secrets.found_in(_BREAK.sub(' ', text), weak=weak)
            for text in readings
        )

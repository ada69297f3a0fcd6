# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes a message apart: what the report says, and what it only returns.

Whatever arrives at a bounces address was written by strangers, so everything that is
read is capped, and damaged MIME (RFC 2045) is read as far as it goes.
"""

from __future__ import annotations

import binascii
import email
import html
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from email.message import Message
from itertools import islice
from typing import Any

from qnet_mailman.mail.guessing import guess, header_text

#: What is read of a message as bytes, and of one text in it.
MAX_BYTES = 192 * 1024
MAX_LINES = 3000
MAX_TEXT = 48 * 1024
MAX_TEXT_LINES = 1000
MAX_LINE = 8000
#: How many header fields of a part are looked at, and how much of each.
MAX_HEADERS = 300
MAX_VALUE = 2000
#: How many parts are looked at, and how deep they may be nested.
MAX_PARTS = 40
MAX_DEPTH = 8
#: How many blocks of delivery-status fields are looked at.
MAX_BLOCKS = 150

#: The copy of the message that could not be delivered.
RETURNED = frozenset(
    {
        'message/rfc822',
        'message/global',
        'message/partial',
        'message/rfc822-headers',
        'message/global-headers',
        'text/rfc822-headers',
        'text/rfc822-header',
        'text/rfc822',
    }
)
DELIVERY_STATUS = frozenset(
    {'message/delivery-status', 'message/global-delivery-status'}
)

_NESTING = re.compile(rb'boundary|content-type:[ \t]*message/', re.IGNORECASE)
_LONG_CONTENT_FIELD = re.compile(
    rb'^(content-[a-z-]{1,30}:[^\n]{0,500})[^\n]*', re.IGNORECASE | re.MULTILINE
)
_CHARSET = re.compile(r'charset\s{0,9}=\s{0,9}"?([\w.:+-]{1,40})', re.IGNORECASE)
_REPORT_TYPE = re.compile(r'report-type\s{0,9}=\s{0,9}"?([\w.-]{1,40})', re.IGNORECASE)
_TAG = re.compile(r'<[^<>]{0,2000}>')
_BLOCK_TAG = re.compile(
    r'</?(?:br|p|div|tr|li|h[1-6]|table|ul|pre|title|td)\b[^<>]{0,500}>', re.IGNORECASE
)
_FIELD = re.compile(r'([A-Za-z][\w-]{0,60}):[ \t]{0,20}(.{0,2000})')


class Headers(dict[str, list[str]]):
    """Header fields by lower-case name, decoded when they are looked at (RFC 2047).

    A message has dozens, and few of them say anything.
    """

    def __init__(self) -> None:
        super().__init__()
        self._undecoded: set[str] = set()

    def add(self, name: str, value: str) -> None:
        """Add a field as it was read."""
        self.setdefault(name, []).append(value)
        self._undecoded.add(name)

    def __getitem__(self, name: str) -> list[str]:
        values = super().__getitem__(name)
        if name in self._undecoded:
            self._undecoded.discard(name)
            values[:] = [
                header_text(_from_surrogates(value[:MAX_VALUE])) for value in values
            ]
        return values

    def get(self, name: str, default: Any = None) -> Any:
        """See `dict.get`."""
        values = super().get(name, default)
        return self[name] if name in self._undecoded else values


@dataclass
class Report:
    """A message at the bounces address, taken apart.

    :ivar headers: Its header fields by lower-case name, decoded.
    :ivar content_type: Lower case, as declared.
    :ivar report_type: RFC 6522 ``report-type``, lower case, or empty.
    :ivar types: The types of all parts that were seen outside the returned message.
    :ivar status_lines: The lines of its ``message/delivery-status`` parts (RFC 3464).
    :ivar disposition_lines: Those of its ``message/disposition-notification`` (MDN).
    :ivar texts: Its texts for people, plain before HTML, in order.
    :ivar data: Its first text in one piece where that is JSON (RFC 8259), or empty.
    :ivar attached: Messages inside it (usually the returned one), not looked into.
    :ivar returned_lines: The first lines of what it returns, where that is text.
    """

    headers: Headers = field(default_factory=Headers)
    content_type: str = 'text/plain'
    report_type: str = ''
    types: list[str] = field(default_factory=list)
    status_lines: list[str] = field(default_factory=list)
    disposition_lines: list[str] = field(default_factory=list)
    texts: list[list[str]] = field(default_factory=list)
    data: str = ''
    attached: list[Message] = field(default_factory=list)
    returned_lines: list[str] = field(default_factory=list)

    def get(self, name: str) -> str:
        """The first header field of this name, or an empty string."""
        return self.headers.get(name, [''])[0]

    def has_part(self, types: Iterable[str]) -> bool:
        return not set(types).isdisjoint(self.types)


def parse(data: bytes) -> Message:
    """Parse a message of any size and shape without going over the caps."""
    data = data[:MAX_BYTES].replace(b'\r\n', b'\n').replace(b'\r', b'\n')
    if data.startswith(b'From '):
        data = data.partition(b'\n')[2]  # The separator line of an mbox file.
    data = data.lstrip(b'\n')
    if data.count(b'\n') >= MAX_LINES:
        data = b'\n'.join(data.split(b'\n', MAX_LINES)[:MAX_LINES])
    # The parser's work grows with the depth of nesting times the number of lines.
    lower, most = data.lower(), 2 * MAX_DEPTH + 4
    if lower.count(b'boundary') + lower.count(b'message/') > most:
        for count, found in enumerate(_NESTING.finditer(data)):
            if count == most:
                data = data[: found.start()]
                break
    # And with the square of the parameters of a field.
    if max(map(len, data.split(b'\n'))) > 500:
        data = _LONG_CONTENT_FIELD.sub(rb'\1', data)
    return email.message_from_bytes(data)


def take_apart(message: Message) -> Report:
    """Sort a message's parts into what it reports and what it returns."""
    report = Report(headers=read_headers(message))
    content_type = report.get('content-type')
    report.content_type = _main_type(content_type, message)
    if found := _REPORT_TYPE.search(content_type):
        report.report_type = found[1].lower()
    htmls: list[list[str]] = []
    stack: list[tuple[Message, int]] = [(message, 0)]
    for _count in range(MAX_PARTS):
        if not stack:
            break
        part, depth = stack.pop()
        headers = report.headers if part is message else read_headers(part, 30)
        declared = headers.get('content-type', [''])[0]
        kind = _main_type(declared, part)
        report.types.append(kind)
        payload = _payload(part)
        if kind in DELIVERY_STATUS:
            report.status_lines += _field_lines(payload, headers, declared)
        elif kind == 'message/disposition-notification':
            report.disposition_lines += _field_lines(payload, headers, declared)
        elif kind in RETURNED and part is not message:
            _keep_returned(report, payload, headers, declared)
        elif isinstance(payload, list):
            if depth < MAX_DEPTH and kind.startswith('multipart/'):
                children = [one for one in payload if isinstance(one, Message)]
                stack.extend((one, depth + 1) for one in reversed(children[:MAX_PARTS]))
                if isinstance(part.preamble, str) and 'ontent-' in part.preamble:
                    _read_loose(report, part.preamble)
        elif kind.startswith('multipart/'):
            # Declared, but its boundary never came.
            _read_loose(report, _decode(payload, headers, declared))
        elif kind == 'text/html':
            htmls.append(_lines(strip_html(_decode(payload, headers, declared))))
        elif kind.startswith(('text/', 'message/', 'application/json')) or (
            part is message
        ):
            text = _decode(payload, headers, declared)
            if text.lstrip().startswith('{') and not report.texts:
                report.data = text
            if _looks_like_mime(text):
                _read_loose(report, text)
            else:
                report.texts.append(_lines(text))
    report.texts += htmls
    return report


def read_headers(message: Message, limit: int = MAX_HEADERS) -> Headers:
    """Read a part's header fields, capped and, once they are asked for, decoded."""
    headers = Headers()
    for name, value in islice(message.raw_items(), limit):
        headers.add(str(name).lower(), str(value))
    return headers


def strip_html(text: str) -> str:
    """Reduce HTML to its text, one block a line."""
    for name in ('head', 'style', 'script'):
        text = _without_element(text, name)
    text = _BLOCK_TAG.sub('\n', text)
    return html.unescape(_TAG.sub('', text)).replace('\xa0', ' ')


def _without_element(text: str, name: str) -> str:
    for _count in range(20):
        lower = text.lower()
        start = lower.find('<' + name)
        end = lower.find('</' + name, start)
        if start < 0 or end < 0:
            break
        text = text[:start] + text[end + len(name) + 2 :].partition('>')[2]
    return text


def _payload(part: Message) -> object:
    """A part's payload as the parser left it.

    ``get_payload()`` replaces what is not in the declared charset, so that nobody could
    find out the true one, and takes apart a field of any length to learn it.
    """
    return getattr(part, '_payload', None)


def _main_type(declared: str, part: Message) -> str:
    kind = declared.partition(';')[0].strip().lower()[:100]
    if '/' in kind:
        return kind.replace(' ', '')
    if isinstance(_payload(part), list) and not declared:
        return 'message/rfc822'  # A child of multipart/digest.
    return 'text/plain'


def _field_lines(
    payload: object, headers: Mapping[str, list[str]], kind: str
) -> list[str]:
    if not isinstance(payload, list):
        return _lines(_decode(payload, headers, kind))
    lines: list[str] = []
    for block in payload[:MAX_BLOCKS]:
        if not isinstance(block, Message):
            continue
        for name, value in list(block.raw_items())[:MAX_HEADERS]:
            text = _from_surrogates(f'{name}: {str(value)[:MAX_VALUE]}')
            lines += text.splitlines()[:20]
        lines.append('')
        rest = _payload(block)
        if isinstance(rest, str) and rest.strip():
            lines += _lines(_from_surrogates(rest[:MAX_TEXT]))
    return lines[:MAX_TEXT_LINES]


def _keep_returned(
    report: Report, payload: object, headers: Mapping[str, list[str]], kind: str
) -> None:
    if isinstance(payload, list):
        report.attached += [one for one in payload[:3] if isinstance(one, Message)]
    else:
        report.returned_lines += _lines(_decode(payload, headers, kind))[:100]


def _decode(payload: object, headers: Mapping[str, list[str]], declared: str) -> str:
    """Undo the transfer encoding (RFC 2045 6) and the charset of a text."""
    if not isinstance(payload, str):
        return ''
    text = payload[: 2 * MAX_TEXT]
    encoding = headers.get('content-transfer-encoding', [''])[0].strip().lower()
    data = text.encode('utf-8', 'surrogateescape')
    if encoding == 'base64':
        data = _base64(data)
    elif encoding == 'quoted-printable' or _looks_quoted_printable(data):
        data = binascii.a2b_qp(data)
    charset = _CHARSET.search(declared)
    return guess(data[:MAX_TEXT], charset[1] if charset else '')


def _base64(data: bytes) -> bytes:
    compact = b''.join(data.split())
    try:
        return binascii.a2b_base64(compact[: len(compact) // 4 * 4])
    except binascii.Error:
        return data


def _looks_quoted_printable(data: bytes) -> bool:
    # Soft line breaks (RFC 2045 6.7) that nobody declared.
    return data.count(b'=\n') >= 2 or (b'=\n' in data and b'=3D' in data)


def _from_surrogates(text: str) -> str:
    if text.isascii():
        if '\x1b$' not in text:
            return text
        return guess(text.encode('ascii'))
    return guess(text.encode('utf-8', 'surrogateescape'))


def _lines(text: str) -> list[str]:
    lines = text[:MAX_TEXT].replace('\r\n', '\n').replace('\r', '\n').split('\n')
    return [line[:MAX_LINE].rstrip() for line in lines[:MAX_TEXT_LINES]]


def _looks_like_mime(text: str) -> bool:
    """Does a text begin as the body of a multipart does (a damaged one)?"""
    head = text[:2000].lower()
    return '\n--' in '\n' + head and '\ncontent-type:' in head


def _read_loose(report: Report, text: str) -> None:
    """Read a multipart whose boundaries do not fit its declaration.

    A line of dashes followed by ``Content-...:`` starts a part, whatever the boundary
    should have been.
    """
    for headers, lines in _loose_parts(_lines(text)):
        declared = headers.get('content-type', [''])[0]
        kind = declared.partition(';')[0].strip().lower() or 'text/plain'
        report.types.append(kind)
        if kind in DELIVERY_STATUS:
            report.status_lines += lines
        elif kind in RETURNED:
            report.returned_lines += lines[:100]
            break
        elif kind.startswith('text/html'):
            report.texts.append(_lines(strip_html('\n'.join(lines))))
        elif kind.startswith(('text/', 'multipart/')):
            body = '\n'.join(lines)
            if body.count('=\n') >= 2:
                body = _decode(body, headers, declared)
            report.texts.append(_lines(body))


def _loose_parts(
    lines: list[str],
) -> Iterator[tuple[dict[str, list[str]], list[str]]]:
    headers: dict[str, list[str]] = {}
    body: list[str] = []
    number = 0
    while number < len(lines):
        line = lines[number]
        follows = lines[number + 1].lower() if number + 1 < len(lines) else ''
        if line.lstrip().startswith('--') and follows.lstrip().startswith('content-'):
            if any(body):
                yield headers, body
            headers, body = {}, []
            number += 1
            while number < len(lines) and lines[number].strip():
                if found := _FIELD.match(lines[number].strip()):
                    headers.setdefault(found[1].lower(), []).append(found[2])
                number += 1
        else:
            body.append(line)
        number += 1
    if any(body):
        yield headers, body

# SPDX-License-Identifier: GPL-3.0-or-later
"""Charsets that Mailman can read, whatever a stranger named theirs.

Mailman decodes texts in many places (rules, content filters, footers, digests), each in
the charset that the text says it has, and fails where Python has no such codec, or one
that is no charset of mail (``base64``, ``idna``).  So a text gets, once and before any
of that, a name that can be decoded:

- Other programs' names for a charset that Python knows: the text is written in UTF-8.
- Anything else: its bytes stay, and are called UTF-8 where they are that, else Latin-1,
  in which any byte is a character.

A text whose charset can be read is not touched.

What says that it has several parts and has none is a text, too, unless its boundary is
only stated oddly: Python cannot write it again where there are 8-bit bytes in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from email import message_from_bytes
from email.message import Message
from itertools import islice

from qnet_mailman.mail import parameters
from qnet_mailman.mail.body import Body, raw_payload, transfer_encoding
from qnet_mailman.mail.guessing import guess_whole
from qnet_mailman.mail.text import charset_name, raw_text, to_bytes

_OTHER_NAMES = {
    # The WHATWG's labels (Encoding Standard, section 4.2) that Python lacks.
    'utf-8': 'unicode-1-1-utf-8 unicode11utf8 unicode20utf8 x-unicode20utf8',
    'iso8859-2': 'iso88592',
    'iso8859-3': 'iso88593',
    'iso8859-4': 'iso88594',
    'iso8859-5': 'iso88595',
    'iso8859-6': 'csiso88596e csiso88596i iso-8859-6-e iso-8859-6-i iso88596',
    'iso8859-7': 'iso88597 sun_eu_greek',
    'iso8859-8': 'csiso88598e csiso88598i iso-8859-8-e iso-8859-8-i iso88598 '
    'visual logical',
    'iso8859-10': 'iso885910',
    'iso8859-13': 'iso885913',
    'iso8859-14': 'iso885914',
    'iso8859-15': 'csisolatin9 iso885915',
    'koi8-r': 'koi koi8',
    'koi8-u': 'koi8-ru',
    'mac-roman': 'csmacintosh mac x-mac-roman',
    'mac-cyrillic': 'x-mac-cyrillic x-mac-ukrainian',
    'cp874': 'dos-874 iso885911 windows-874',
    'cp1250': 'x-cp1250',
    'cp1251': 'x-cp1251',
    'cp1252': 'iso88591 x-cp1252',
    'cp1253': 'x-cp1253',
    'cp1254': 'iso88599 x-cp1254',
    'cp1255': 'x-cp1255',
    'cp1256': 'x-cp1256',
    'cp1257': 'x-cp1257',
    'cp1258': 'x-cp1258',
    'gbk': 'csgb2312 gb_2312 gb_2312-80 x-gbk windows-936',
    'big5': 'cn-big5 x-x-big5',
    'euc_jp': 'cseucpkdfmtjapanese x-euc-jp',
    'cp932': 'windows-31j cswindows31j x-sjis',
    'cp949': 'cseuckr csksc56011987 iso-ir-149 ks_c_5601-1989 ksc_5601 windows-949',
    'utf-16-be': 'unicodefffe',
    'utf-16-le': 'csunicode iso-10646-ucs-2 ucs-2 unicode unicodefeff',
}
_CODEC_OF = {
    label: codec for codec, labels in _OTHER_NAMES.items() for label in labels.split()
}
# As RFC 2046 section 5.1.1 has it, and longer.
_BOUNDARY = re.compile(r'[ -!#-\[\]-~]{1,200}')
_LONGEST_FIELD = 10_000
"""Characters; a name of a file has a few hundred."""
_MOST_PARAMETERS = 100
_WITH_PARAMETERS = ('Content-Type', 'Content-Disposition')


def settle_charsets(message: Message) -> None:
    """Give every text of a message a charset that Mailman can read."""
    for part in _leaves(message):
        for field in _WITH_PARAMETERS:
            if not _can_be_read(part, field):
                _rewrite(part, field)
        _settle(part)


def settle_contents(message: Message) -> None:
    """Write in UTF-8 what is not in the charset that it says, or says none.

    For an archive, which shows replacement characters there, and keeps no bytes.
    """
    for part in _leaves(message):
        if part.get_content_maintype() != 'text':
            continue
        value, given = parameters.parse(raw_text(part.get('Content-Type', '')))
        label = given.get('charset', '').strip()
        body = Body.of(raw_payload(part), _encoding(part))
        data = body.decode()
        if _decoded(data, charset_name(label) or 'us-ascii') is None:
            _write(part, value, given, body, guess_whole(data, label))


def _leaves(message: Message) -> Iterator[Message]:
    """The parts without parts; not by recursion, as a message may be nested deeply."""
    waiting = [message]
    while waiting:
        part = waiting.pop()
        if part.get_content_maintype() == 'multipart':
            _take_apart(part)
        payload = raw_payload(part)
        if isinstance(payload, list):
            waiting += [each for each in payload if isinstance(each, Message)]
        else:
            yield part


def _take_apart(part: Message) -> None:
    """Give a multipart that the parser left whole its parts, or make it a text."""
    payload = raw_payload(part)
    if not isinstance(payload, str) or payload.isascii():
        return
    _, given = parameters.parse(raw_text(part.get('Content-Type', '')))
    boundary = given.get('boundary', '')
    if _BOUNDARY.fullmatch(boundary):
        field = f'{part.get_content_type()}; boundary="{boundary}"'
        start = f'Content-Type: {field}\n\n'.encode('ascii', 'replace')
        found = raw_payload(message_from_bytes(start + to_bytes(payload), type(part)))
        if isinstance(found, list):
            _replace(part, 'Content-Type', field)
            part.set_payload(found)  # type: ignore[arg-type]
            return
    _replace(part, 'Content-Type', 'text/plain; charset=x-unknown')


def _can_be_read(part: Message, field: str) -> bool:
    """Whether the standard library can read a field with parameters."""
    value = part.get(field)
    if value is None:
        return True
    if not isinstance(value, str):
        # 8-bit bytes: one place takes it for text, another for something else.
        return False
    if len(value) > _LONGEST_FIELD:
        # The standard library takes time for the square of what is in it.
        return False
    if '*' not in value:
        return True
    # RFC 2231 has charsets of its own, which are decoded by their names as well.
    try:
        given = part.get_params([], field)
        return all(
            charset_name(value[0] or 'us-ascii') is not None
            for _, value in given
            if isinstance(value, tuple)
        )
    except (LookupError, TypeError, ValueError):
        return False


def _rewrite(part: Message, field: str) -> None:
    value, given = parameters.parse(raw_text(part.get(field)))
    few = dict(islice(given.items(), _MOST_PARAMETERS))
    _replace(part, field, parameters.write(value, few))


def _replace(part: Message, field: str, value: str) -> None:
    if field in part:
        part.replace_header(field, value)
    else:
        part[field] = value


def _settle(part: Message) -> None:
    """Give one part a charset that can be read; not where it has one or names none."""
    value, given = parameters.parse(raw_text(part.get('Content-Type', '')))
    if 'charset' not in given:
        return
    label = given['charset'].strip()
    if charset_name(label) is not None and charset_name(_as_mailman_reads(part)):
        return
    if part.get_content_maintype() != 'text':
        # A charset says nothing of it.
        del given['charset']
        _replace(part, 'Content-Type', parameters.write(value, given))
        return
    body = Body.of(raw_payload(part), _encoding(part))
    data = body.decode()
    codec = charset_name(label) or _CODEC_OF.get(label.lower())
    if (text := _decoded(data, codec)) is not None:
        _write(part, value, given, body, text)
        return
    charset = 'iso-8859-1' if _decoded(data, 'utf-8') is None else 'utf-8'
    given = {**given, 'charset': charset}
    _replace(part, 'Content-Type', parameters.write(value or 'text/plain', given))


def _write(
    part: Message, value: str, given: dict[str, str], body: Body, text: str
) -> None:
    """Make a text the content of a part, in UTF-8."""
    body = body.with_content(text.encode('utf-8', 'replace'))
    part.set_payload(body.payload)
    _replace(part, 'Content-Transfer-Encoding', body.encoding or '7bit')
    given = {**given, 'charset': 'utf-8'}
    _replace(part, 'Content-Type', parameters.write(value or 'text/plain', given))


def _as_mailman_reads(part: Message) -> str | None:
    try:
        return part.get_content_charset('us-ascii')
    except (LookupError, TypeError, ValueError):
        return None


def _encoding(part: Message) -> str:
    return transfer_encoding(raw_text(part.get('Content-Transfer-Encoding', '')))


def _decoded(data: bytes, codec: str | None) -> str | None:
    if codec is None:
        return None
    try:
        return data.decode(codec)
    except ValueError:
        return None

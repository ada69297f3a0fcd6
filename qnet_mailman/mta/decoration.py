# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a message takes a header and a footer: message in, message out, no database.

- Text and HTML take them as part of their own text; of alternatives, each.
- In ``multipart/mixed`` the first text that is no attachment takes the header, and the
  last one of its type the footer: Apple Mail writes a text, what is attached, and the
  rest of the text.
- Nothing that is signed or encrypted is touched, and no calendar.  A message that is
  signed as a whole goes without: wrapped into another part, many mail programs would
  no longer show that it is signed, and its List-Unsubscribe says how to leave.
- Everything else becomes one part of several, beside a part with the footer.
"""

from __future__ import annotations

from dataclasses import replace
from email.message import Message

from qnet_mailman.mail.body import raw_payload
from qnet_mailman.mta.bodies import CannotAdd, Place, Texts, add_to, write

UNTOUCHABLE = frozenset(
    {
        'application/pkcs7-mime',
        'application/pkcs7-signature',
        'application/x-pkcs7-mime',
        'multipart/encrypted',
        'multipart/signed',
        'text/calendar',
    }
)
"""Messages of these types get neither header nor footer."""

TEXTS = frozenset({'text/plain', 'text/html'})
_DEPTH = 20


def decorate(msg: Message, texts: Texts) -> list[Place]:
    """Put a header and a footer into a message, in place.

    :return: Where the stand-in is.
    """
    if not texts or msg.get_content_type() in UNTOUCHABLE:
        return []
    if msg.get_content_maintype() == 'multipart' and not msg.is_multipart():
        # Its parts cannot be told from each other.
        return []
    places: list[Place] = []
    left = texts
    heads, feet = _texts_of(msg), _texts_of(msg, -1)
    for part in {id(one): one for one in heads + feet}.values():
        header = texts.header if any(part is one for one in heads) else ''
        footer = texts.footer if any(part is one for one in feet) else ''
        if not (header or footer):
            continue
        try:
            places += add_to(part, replace(texts, header=header, footer=footer))
        except CannotAdd:
            continue
        left = replace(
            left,
            header='' if header else left.header,
            footer='' if footer else left.footer,
        )
    if left:
        places += _beside(msg, left)
    if 'MIME-Version' not in msg and 'Content-Type' in msg:
        # RFC 2045 section 4: without it, the other fields might mean nothing.
        msg['MIME-Version'] = '1.0'
    return places


def _texts_of(part: Message, end: int = 0, depth: int = 0) -> list[Message]:
    """The parts that take the header, or the footer.

    :param end: Which of several texts in a row: 0 the first, -1 the last.
    """
    kind = part.get_content_type()
    if _is_attachment(part) or depth > _DEPTH:
        return []
    if kind in TEXTS:
        return [part] if isinstance(raw_payload(part), str) else []
    children = raw_payload(part)
    if not isinstance(children, list):
        return []
    if kind == 'multipart/alternative':
        return [text for child in children for text in _texts_of(child, end, depth + 1)]
    if kind == 'multipart/related':
        root = _root(part, children) if children else None
        return [] if root is None else _texts_of(root, end, depth + 1)
    if kind == 'multipart/mixed':
        return _texts_in_a_row(children, end, depth)
    return []


def _texts_in_a_row(children: list[Message], end: int, depth: int) -> list[Message]:
    found: list[list[Message]] = []
    for child in children:
        if (texts := _texts_of(child, end, depth + 1)) and (
            # What is of another type is a remark of some server's.
            not found or _kinds(texts) == _kinds(found[0])
        ):
            found.append(texts)
            if end == 0:
                break
    return found[end] if found else []


def _kinds(texts: list[Message]) -> list[str]:
    return [text.get_content_type() for text in texts]


def _is_attachment(part: Message) -> bool:
    return part.get_content_disposition() == 'attachment' or bool(part.get_filename())


def _root(part: Message, children: list[Message]) -> Message:
    """The part of multipart/related that the others belong to (RFC 2387 3.2)."""
    start = str(part.get_param('start', ''))
    return next(
        (child for child in children if start and child.get('Content-ID') == start),
        children[0],
    )


def _beside(msg: Message, texts: Texts) -> list[Place]:
    """Add the texts as parts of their own."""
    children = raw_payload(msg)
    if msg.get_content_type() != 'multipart/mixed' or not isinstance(children, list):
        inner = Message()
        for name, value in msg.raw_items():
            if name.lower().startswith('content-'):
                inner.set_raw(name, value)
        inner.set_payload(raw_payload(msg))  # type: ignore[arg-type]
        inner.preamble, inner.epilogue = msg.preamble, msg.epilogue
        inner.set_default_type(msg.get_default_type())
        msg.preamble = msg.epilogue = None
        for name in {name for name in msg if name.lower().startswith('content-')}:
            del msg[name]
        msg['Content-Type'] = 'multipart/mixed'
        children = [inner]
    places: list[Place] = []
    parts = list(children)
    for text, where in ((texts.header, 0), (texts.footer, len(parts) + 1)):
        if text:
            part = Message()
            part['Content-Type'] = 'text/plain'
            part['Content-Disposition'] = 'inline'
            part.set_param(
                'charset', 'us-ascii' if text.isascii() else 'utf-8', 'Content-Type'
            )
            places += write(part, text.encode(), '', texts.token)
            parts.insert(where, part)
    msg.set_payload(parts)  # type: ignore[arg-type]
    return places

# SPDX-License-Identifier: GPL-3.0-or-later
"""The body parts of a masked message, built anew from those it came with (R8, R9)."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from email import message_from_bytes
from email.generator import BytesGenerator
from email.message import Message
from email.policy import compat32
from io import BytesIO
from mimetypes import types_map

from qnet_mailman.mail import parameters
from qnet_mailman.mail.body import Body, raw_payload, transfer_encoding
from qnet_mailman.mail.text import charset_name, raw_text
from qnet_mailman.masking import headers, keep
from qnet_mailman.masking.calendars import mask_calendar
from qnet_mailman.masking.cards import mask_cards
from qnet_mailman.masking.certificates import (
    has_certificates_alone,
    is_own_key,
    is_signature,
    names_sender,
)
from qnet_mailman.masking.content_ids import PAGES, ContentIds
from qnet_mailman.masking.headers import Fields, Header
from qnet_mailman.masking.identity import CannotMask, ListIdentity
from qnet_mailman.masking.media import Media
from qnet_mailman.masking.secrets import Secrets
from qnet_mailman.masking.signatures import signed_content, unsign_clear_text

MAXIMUM_DEPTH = 50
_KNOWN_TYPES = frozenset(types_map.values()) | {
    'text/plain',
    'text/html',
    'text/calendar',
    'text/enriched',
    'application/octet-stream',
    'multipart/mixed',
    'multipart/alternative',
    'multipart/related',
    'multipart/digest',
    'multipart/report',
    'multipart/parallel',
    'message/rfc822',
    *keep.FIELD_BLOCKS,
}
_EXTENSION = re.compile(r'\.[A-Za-z0-9]{1,8}')
_LANGUAGES = re.compile(r'[A-Za-z0-9-]{1,40}(?: *, *[A-Za-z0-9-]{1,40}){0,20}')
_CHARSET = re.compile(r'[A-Za-z0-9_.:+-]{1,40}')
_BOUNDARY = re.compile(r'[ -!#-\[\]-~]{1,200}')


class Parts:
    """Masks the parts of one message.

    :param factory: Makes an empty message object.
    :param seed: What boundaries and new Content-IDs are derived from; nobody who
        wrote the message may know it beforehand.
    :param key: For new UIDs, see :func:`~.calendars.mask_calendar`.
    """

    def __init__(
        self,
        identity: ListIdentity,
        secrets: Secrets,
        factory: Callable[[], Message],
        seed: str,
        key: bytes,
    ) -> None:
        self._identity = identity
        self._secrets = secrets
        self._factory = factory
        self._seed = seed
        self._key = key
        self._numbers: dict[str, int] = {}
        self._content_ids = ContentIds(self._new_content_id)
        self._pages: list[tuple[Message, Body, str | None]] = []
        self._starts: list[tuple[Message, str, str, dict[str, str]]] = []

    def mask(self, message: Message) -> Message:
        """The body of a message.

        :param message: The message as it came; it is not changed.
        :return: A part with content fields only.
        :raises CannotMask: Where some part cannot be made safe.
        """
        root = self._or_empty(self._entity(message, 0))
        if self._content_ids:
            self._follow_content_ids()
        return root

    def _new_content_id(self) -> str:
        return f'part-{self._derived("content-id")}@{self._identity.domain}'

    # Building blocks.

    def _number(self, what: str) -> int:
        self._numbers[what] = self._numbers.get(what, 0) + 1
        return self._numbers[what]

    def _derived(self, what: str) -> str:
        text = f'{self._seed} {what} {self._number(what)}'
        return hashlib.sha256(text.encode('utf-8', 'replace')).hexdigest()[:24]

    def _new(self, fields: Fields, payload: str | list[Message]) -> Message:
        node = self._factory()
        for name, value in fields:
            node.set_raw(name, value)
        node.set_payload(payload)  # type: ignore[arg-type]
        return node

    def _or_empty(self, node: Message | None) -> Message:
        """The part itself, or an empty text where nothing is left of it."""
        # Not "node or ...": a message without fields counts as false.
        return self._new([], '') if node is None else node

    def _parse(self, data: bytes) -> Message:
        try:
            return message_from_bytes(data, policy=compat32)
        except RecursionError:
            raise CannotMask('its parts are nested too deeply') from None

    # The walk.

    def _entity(self, part: Message, depth: int) -> Message | None:
        """A part masked, or None where nothing of it is kept."""
        if depth > MAXIMUM_DEPTH:
            raise CannotMask('its parts are nested too deeply')
        media = Media.of(part)
        refused = keep.REFUSED_NAMES.get(media.filename.lower(), media.kind)
        if refused in keep.REFUSED:
            raise CannotMask(keep.REFUSED[refused])
        payload = raw_payload(part)
        if isinstance(payload, list):
            parts = [p for p in payload if isinstance(p, Message)]
            main = part.get_content_maintype()
            if media.kind in keep.FIELD_BLOCKS:
                return self._field_blocks(part, media, parts, depth)
            if main == 'message' or media.main == 'message':
                return self._forwarded(part, media, parts, depth)
            return self._multipart(part, media, parts, depth)
        body = Body.of(payload, _encoding(part))
        if media.main == 'multipart':
            return self._unparsed_multipart(part, media, body, depth)
        if media.main == 'message':
            start = f'Content-Type: {media.kind}\n\n'.encode('ascii')
            inner = self._parse(start + body.decode())
            return self._entity(inner, depth + 1)
        return self._leaf(part, media, body, depth)

    def _multipart(
        self, part: Message, media: Media, parts: list[Message], depth: int
    ) -> Message | None:
        kind = media.kind if media.main == 'multipart' else 'multipart/mixed'
        if kind == 'multipart/signed':
            parts = _signed_parts(parts)
            if len(parts) == 1:
                return self._entity(parts[0], depth + 1)
            kind = 'multipart/mixed'
        nodes = [
            n for n in (self._entity(p, depth + 1) for p in parts) if n is not None
        ]
        if not nodes:
            return None
        kind = self._kind(kind)
        for node in nodes:
            # In multipart/digest a part without a type is a message (RFC 2046
            # section 5.1.5), and an unwrapped one would be taken for that.
            if kind == 'multipart/digest' and 'Content-Type' not in node:
                node.set_raw('Content-Type', 'text/plain')
        boundary = {'boundary': f'=_{self._derived("boundary")}'}
        params = {**self._parameters(media, kind), **boundary}
        node = self._new(self._fields(part, media, kind, params, ''), nodes)
        if 'start' in media.parameters:
            self._starts.append((node, media.parameters['start'], kind, params))
        return node

    def _unparsed_multipart(
        self, part: Message, media: Media, body: Body, depth: int
    ) -> Message | None:
        """A multipart that the parser could not take apart.

        Some are wrongly encoded as a whole, or state their boundary in a way that
        other mail programs understand; the others are read as plain text.
        """
        boundary = media.parameters.get('boundary', '')
        if _BOUNDARY.fullmatch(boundary):
            start = f'Content-Type: {media.kind}; boundary="{boundary}"\n\n'
            again = self._parse(start.encode('ascii') + body.decode())
            payload = raw_payload(again)
            if isinstance(payload, list):
                parts = [p for p in payload if isinstance(p, Message)]
                return self._multipart(part, media, parts, depth + 1)
        text = Media(True, 'text/plain', {}, media.disposition, media.filename)
        return self._leaf(part, text, body, depth)

    def _forwarded(
        self, part: Message, media: Media, parts: list[Message], depth: int
    ) -> Message | None:
        """A forwarded message, or the header of one (RFC 2046 section 5.2.1)."""
        if not parts:
            return None
        kind = self._kind(media.kind if media.main == 'message' else 'message/rfc822')
        inner = self._decoded(part, parts[0])
        if kind == 'message/external-body':
            node = self._new(self._content_fields(inner, Media.of(inner)), '')
        else:
            node = self._message(inner, depth)
        params = self._parameters(media, kind)
        return self._new(self._fields(part, media, kind, params, ''), [node])

    def _message(self, message: Message, depth: int) -> Message:
        """A whole forwarded message."""
        body = self._or_empty(self._entity(message, depth + 1))
        fields = headers.forwarded(message, self._identity, self._secrets)
        content = list(body.raw_items())
        for name, _ in content:
            del body[name]
        for name, value in (*fields, *content):
            body.set_raw(name, value)
        return body

    def _decoded(self, part: Message, inner: Message) -> Message:
        """A forwarded message that was, against RFC 2046, encoded as a whole."""
        encoding = _encoding(part)
        if encoding == 'base64' and not inner.keys():
            body = Body.of(raw_payload(inner), encoding)
        elif encoding == 'quoted-printable':
            file = BytesIO()
            BytesGenerator(file, mangle_from_=False, maxheaderlen=0).flatten(inner)
            body = Body(file.getvalue().decode('ascii', 'surrogateescape'), encoding)
        else:
            return inner
        return self._parse(body.decode().lstrip(b'\r\n'))

    def _field_blocks(
        self, part: Message, media: Media, parts: list[Message], depth: int
    ) -> Message | None:
        """A machine's report in header fields (RFC 3464, RFC 8098, RFC 5965)."""
        if _encoding(part) in {'base64', 'quoted-printable'} and parts:
            start = f'Content-Type: {media.kind}\n\n'.encode('ascii')
            inner = '\n\n'.join(str(raw_payload(p)) for p in parts if not p.keys())
            if inner:
                decoded = Body.of(inner, _encoding(part)).decode()
                again = raw_payload(self._parse(start + decoded))
                parts = again if isinstance(again, list) else []
        blocks: list[Message] = []
        for block in parts:
            fields = [
                (name, text)
                for name, value in block.raw_items()
                if (text := headers.free_text(raw_text(value), self._secrets))
                and not name.lower().startswith('content-')
                and not self._secrets.found_in(name, weak=False)
            ]
            if fields:
                blocks.append(self._new(fields, ''))
        if not blocks:
            return None
        params = self._parameters(media, media.kind)
        return self._new(self._fields(part, media, media.kind, params, ''), blocks)

    # Leaves.

    def _leaf(
        self, part: Message, media: Media, body: Body, depth: int
    ) -> Message | None:
        kind = media.kind
        charset = media.parameters.get('charset')
        if is_signature(media, body, self._secrets) or is_own_key(
            media, body, self._secrets
        ):
            return None
        if media.is_any(keep.PKCS7, keep.PKCS7_SUFFIXES):
            data = body.decode()
            content = signed_content(data)
            if content is not None:
                return self._entity(self._parse(content), depth + 1)
            if not has_certificates_alone(data) or names_sender(data, self._secrets):
                return None
        if media.is_any(keep.CALENDARS, keep.CALENDAR_SUFFIXES):
            data = body.decode()
            masked = mask_calendar(
                data, charset, self._identity, self._secrets, self._key
            )
            body = body if masked is data else body.with_content(masked)
        elif media.is_any(keep.CARDS, keep.CARD_SUFFIXES):
            data = body.decode()
            masked = mask_cards(data, charset, self._secrets)
            if not masked:
                return None
            body = body if masked == data else body.with_content(masked)
        elif kind == 'text/rfc822-headers':
            inner = self._parse(body.decode())
            node = self._new(
                headers.forwarded(inner, self._identity, self._secrets), ''
            )
            body = Body(node.as_bytes().decode('ascii'), '')
        elif kind == 'text/plain':
            body = _unsigned(body, charset)
        node = self._new(self._content_fields(part, media, body.encoding), body.payload)
        if kind in PAGES or kind in keep.CALENDARS:
            self._pages.append((node, body, charset))
        return node

    # Fields.

    def _content_fields(
        self, part: Message, media: Media, encoding: str = ''
    ) -> Fields:
        kind = self._kind(media.kind)
        params = self._parameters(media, kind)
        return self._fields(part, media, kind, params, encoding)

    def _fields(
        self,
        part: Message,
        media: Media,
        kind: str,
        params: dict[str, str],
        encoding: str,
    ) -> Fields:
        """The content fields of a part; all but the boundary may be absent."""
        header = Header(part)
        fields: Fields = []
        filename = media.filename
        if filename and self._secrets.found_in(filename):
            extension = _EXTENSION.search(filename, max(filename.rfind('.'), 0))
            suffix = extension[0] if extension else ''
            if self._secrets.found_in(suffix):
                suffix = ''
            filename = f'attachment-{self._number("attachment")}{suffix}'
        if filename and 'name' in media.parameters:
            params = {**params, 'name': filename}
        if media.stated or kind != 'text/plain':
            fields.append(('Content-Type', parameters.write(kind, params)))
        if encoding:
            fields.append(('Content-Transfer-Encoding', encoding))
        if 'Content-Disposition' in header and media.main != 'multipart':
            word = 'inline' if media.disposition == 'inline' else 'attachment'
            more = {'filename': filename} if filename else {}
            fields.append(('Content-Disposition', parameters.write(word, more)))
        content_id = self._content_ids.of(
            header.first('Content-ID'), header.first('Content-Location')
        )
        if content_id is not None:
            fields.append(('Content-ID', f'<{content_id}>'))
        description = header.first('Content-Description')
        if text := headers.free_text(description, self._secrets):
            fields.append(('Content-Description', text))
        language = header.first('Content-Language')
        if _LANGUAGES.fullmatch(language) and not self._secrets.found_in(language):
            fields.append(('Content-Language', language))
        return fields

    def _kind(self, kind: str) -> str:
        """The media type, or a general one where it holds a secret."""
        if kind in _KNOWN_TYPES or not self._secrets.found_in(kind):
            return kind
        main = kind.partition('/')[0]
        general = {'multipart': 'multipart/mixed', 'message': 'message/rfc822'}
        return general.get(main, 'application/octet-stream')

    def _parameters(self, media: Media, kind: str) -> dict[str, str]:
        """The parameters of Content-Type that are kept, except ``name``."""
        params: dict[str, str] = {}
        given = media.parameters
        charset = given.get('charset', '')
        if _CHARSET.fullmatch(charset) and (
            charset_name(charset) or not self._secrets.found_in(charset)
        ):
            params['charset'] = charset
        for name, words in keep.PARAMETER_WORDS.items():
            if given.get(name, '').lower() in words:
                params[name] = given[name]
        for name in keep.PARAMETER_TEXTS:
            if name in given and not self._secrets.found_in(given[name]):
                params[name] = given[name]
        root, slash, sub = given.get('type', '').lower().partition('/')
        if (
            slash
            and parameters.TOKEN.fullmatch(root)
            and parameters.TOKEN.fullmatch(sub)
        ):
            params['type'] = self._kind(f'{root}/{sub}')
        return params

    def _follow_content_ids(self) -> None:
        """Point whatever refers to a part to its new identifier."""
        for node, start, kind, params in self._starts:
            if new := self._content_ids.start(start):
                params = {**params, 'start': new}
                node.replace_header('Content-Type', parameters.write(kind, params))
        for node, body, charset in self._pages:
            masked = _edited(body, charset, self._content_ids.follow)
            if masked is body:
                continue
            node.set_payload(masked.payload)
            del node['Content-Transfer-Encoding']
            if masked.encoding:
                node.set_raw('Content-Transfer-Encoding', masked.encoding)


def _encoding(part: Message) -> str:
    return transfer_encoding(Header(part).first('Content-Transfer-Encoding'))


def _signed_parts(parts: list[Message]) -> list[Message]:
    """What was signed (RFC 1847 section 2.1): the first of two parts.

    A mailing list on the way may have added parts of its own.
    """
    content = [p for p in parts if Media.of(p).kind not in keep.SIGNATURES]
    return content[:1] if len(parts) == 2 else content


def _unsigned(body: Body, charset: str | None) -> Body:
    """A text without PGP clear signatures; the same body where there are none."""
    if body.encoding not in {'base64', 'quoted-printable'} and not (
        'BEGIN PGP SIGNED' in body.payload or '\0' in body.payload
    ):
        return body
    return _edited(body, charset, unsign_clear_text)


def _edited(body: Body, charset: str | None, edit: Callable[[str], str]) -> Body:
    """The body with its text edited; the same body where nothing changes.

    The text is edited byte by byte where its charset extends ASCII, so that bytes
    which are wrong in the charset survive.
    """
    data = body.decode()
    codec = charset_name(charset)
    wide = codec is not None and codec.startswith(('utf-16', 'utf-32'))
    try:
        text = data.decode(codec if wide and codec else 'latin-1')
    except ValueError:
        return body
    edited = edit(text)
    if edited == text:
        return body
    return body.with_content(edited.encode(codec if wide and codec else 'latin-1'))

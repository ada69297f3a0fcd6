# SPDX-License-Identifier: GPL-3.0-or-later
"""What the header of a part says about its content (RFC 2045, RFC 2183)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from email.message import Message

from qnet_mailman.mail import parameters
from qnet_mailman.masking.headers import Header


@dataclass(frozen=True)
class Media:
    """What the header of a part says.

    :ivar stated: Whether the header states the type at all.
    :ivar kind: The media type in lower case; application/octet-stream where it is
        none.
    :ivar filename: The name of the file, decoded; may be empty.
    """

    stated: bool
    kind: str
    parameters: dict[str, str]
    disposition: str
    filename: str

    @classmethod
    def of(cls, part: Message) -> Media:
        header = Header(part)
        value, params = parameters.parse(header.first('Content-Type'))
        kind = re.sub(r'\s*/\s*', '/', value.lower())
        main, slash, sub = kind.partition('/')
        stated = 'Content-Type' in header
        if not stated:
            kind = part.get_default_type()
        elif not slash and main in {'', 'text'}:
            kind = 'text/plain'
        elif not (parameters.TOKEN.fullmatch(main) and parameters.TOKEN.fullmatch(sub)):
            kind = 'application/octet-stream'
        disposition, more = parameters.parse(header.first('Content-Disposition'))
        filename = more.get('filename') or params.get('name') or ''
        return cls(stated, kind, params, disposition.lower(), filename.strip())

    @property
    def main(self) -> str:
        return self.kind.partition('/')[0]

    def is_any(self, kinds: Iterable[str], suffixes: tuple[str, ...]) -> bool:
        """Whether the type or the ending of the file's name is one of these."""
        return self.kind in kinds or self.filename.lower().endswith(suffixes)

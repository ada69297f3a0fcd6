# SPDX-License-Identifier: GPL-3.0-or-later
"""What came in, as forms: read once, when it comes.

It is a stranger's.  Whatever the readers of forms do at it, it costs no more than the
limits of the site, and there is an answer for each form: the form, or what is wrong.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from qnet_mailman.forms import limited, loading
from qnet_mailman.forms.attempts import what_was_tried
from qnet_mailman.forms.kept import Found
from qnet_mailman.forms.limited import Ending, Send
from qnet_mailman.forms.mail import attachments
from qnet_mailman.forms.mistakes import FormError, FormInvalid
from qnet_mailman.forms.readers import Unreadable
from qnet_mailman.posting.authentication import Servers
from qnet_mailman.review.heading import Heading, heading_of
from qnet_mailman.settings import Settings
from qnet_mailman.templates.sending import one_line

MAIL = 'request.eml'
"""The name under which a mail is kept."""


@dataclass(frozen=True)
class Sent:
    """A file as it was sent.

    :ivar beside: The CSV files that came with it, by name.
    """

    name: str
    content: bytes
    beside: Mapping[str, bytes] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """Bytes of all that was sent."""
        return len(self.content) + sum(map(len, self.beside.values()))

    def beside_as_text(self) -> str:
        """The files beside it, as they are kept."""
        return json.dumps(
            {
                name: base64.b64encode(data).decode()
                for name, data in self.beside.items()
            }
        )

    @classmethod
    def kept(cls, name: str, content: bytes, beside: str) -> Sent:
        """What was kept."""
        files = {
            each: base64.b64decode(data) for each, data in json.loads(beside).items()
        }
        return cls(name, content, files)


@dataclass(frozen=True)
class Mail:
    """What a mail says.

    :ivar heading: What its header does; None where that takes too much to read.
    :ivar digest: What it has in common with the same one that comes again.
    :ivar has_form: Whether anything in it may be a form.
    :ivar tried: What to tell who tried to send one; empty where nobody did.
    :ivar found: Every form in it, in order; at least one where it may have some.
    """

    heading: Heading | None
    digest: str
    has_form: bool
    tried: str
    found: tuple[Found, ...]


def read(sent: Sent, settings: Settings, *, operators: bool = False) -> list[Found]:
    """Every form that was sent, in order; at least one.

    :param operators: Whether an operator hands it in, and no stranger.
    """
    return [
        _placed(found, sent.name)
        for found in loading.load_content(
            sent.name, sent.content, settings, sent.beside, operators=operators
        )
    ]


def _placed(found: Found, name: str) -> Found:
    """With a place in what was sent, fit to be shown; empty for the file as a whole."""
    place = found.where.removeprefix(name).removeprefix(': ')
    return replace(found, where=one_line(place))


@dataclass(frozen=True)
class _Attached:
    """What is attached to a mail.

    :ivar digest: Empty where only the whole mail tells it from others.
    """

    has_form: bool
    digest: str
    tried: str = ''


def read_mail(mail: bytes, envelope_sender: str, settings: Settings) -> Mail:
    """Read a mail, once and within limits."""

    def work(send: Send) -> None:
        heading = heading_of(mail, envelope_sender, Servers.of(settings))
        send(heading)
        try:
            files = attachments(mail, settings)
        except Unreadable as error:
            send(Found.of(MAIL, FormInvalid([FormError('', error.line, str(error))])))
            return
        has_form = any(loading.may_be_form(name, content) for name, content in files)
        tried = '' if has_form else what_was_tried(mail, files)
        send(_Attached(has_form, _digest_of_files(heading, files), tried))
        if has_form:
            loading.send_attached(send, MAIL, files, settings)

    budget = loading.budget_for(settings)
    loading.get_ready('.eml')
    outcome = limited.run(work, budget)
    heading: Heading | None = None
    attached = _Attached(True, '')
    found: list[Found] = []
    for value in outcome.values:
        if isinstance(value, Heading):
            heading = value
        elif isinstance(value, _Attached):
            attached = value
        else:
            found.append(_placed(value, MAIL))
    if outcome.ending is not Ending.done:
        found.append(Found.of('', loading.too_dear(outcome.ending, budget)))
    digest = attached.digest or digest_of(Sent(MAIL, mail))
    return Mail(heading, digest, attached.has_form, attached.tried, tuple(found))


def _digest_of_files(heading: Heading, files: Sequence[tuple[str, bytes]]) -> str:
    # A mail server on its way may have tried twice, and written other trace fields.
    if not files or not heading.message_id:
        return ''
    parts = (x for file in files for x in file)
    return _digest('mail', heading.message_id, heading.sender, *parts)


def digest_of(sent: Sent) -> str:
    """What a file has in common with the same one that comes again."""
    beside = sorted(sent.beside.items())
    return _digest(sent.name, sent.content, *(x for file in beside for x in file))


def _digest(*parts: str | bytes) -> str:
    whole = hashlib.sha256()
    for part in parts:
        data = part if isinstance(part, bytes) else part.encode('utf-8', 'replace')
        whole.update(hashlib.sha256(data).digest())
    return whole.hexdigest()

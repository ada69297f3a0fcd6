# SPDX-License-Identifier: GPL-3.0-or-later
"""What came in, as forms: when it comes, and again whenever somebody looks at it.

It is a stranger's.  Whatever the readers of forms do at it, there is an answer for
each form: the form, or what is wrong.
"""

from __future__ import annotations

import base64
import hashlib
import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field

from qnet_mailman.provisioning import forms
from qnet_mailman.provisioning.forms import Loaded
from qnet_mailman.provisioning.mail_forms import attachments
from qnet_mailman.provisioning.mistakes import FormError, FormInvalid
from qnet_mailman.provisioning.readers import Unreadable
from qnet_mailman.settings import Settings
from qnet_mailman.templates.notices import one_line

MAIL = 'request.eml'
"""The name under which a mail is kept."""

log = logging.getLogger('mailman.plugins')


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
class Found:
    """One form of it.

    :ivar place: Where in it, fit to be shown; empty for the file as a whole.
    """

    place: str
    form: Loaded | FormInvalid


def read(sent: Sent, settings: Settings) -> list[Found]:
    """Every form that was sent, in order; at least one."""
    found = []
    try:
        for where, form in forms.load_content(
            sent.name, sent.content, settings, sent.beside
        ):
            place = where.removeprefix(sent.name).removeprefix(': ')
            found.append(Found(one_line(place), form))
    except Exception:
        # A bug of ours, or of a library: an operator looks at it with other means.
        log.exception('A form that was sent could not be read')
        error = FormError('', None, 'cannot be read; the log of Mailman says why')
        found.append(Found('', FormInvalid([error])))
    return found


def has_form(mail: bytes, settings: Settings) -> bool:
    """Whether anything may be a form; also where that cannot be told."""
    try:
        files = attachments(mail, settings)
    except Unreadable:
        return True
    return any(forms.may_be_form(name, content) for name, content in files)


def digest_of_mail(
    mail: bytes, message_id: str, sender: str, settings: Settings
) -> str:
    """What a mail has in common with the same one that comes again.

    A mail server on its way may have tried twice, and written other trace fields.
    """
    try:
        files = attachments(mail, settings)
    except Unreadable:
        files = []
    if not files or not message_id:
        return digest_of(Sent(MAIL, mail))
    return _digest('mail', message_id, sender, *(x for file in files for x in file))


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

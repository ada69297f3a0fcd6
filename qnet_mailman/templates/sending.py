# SPDX-License-Identifier: GPL-3.0-or-later
"""Writing to people: a text of ours, filled in and sent (R34)."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from email.message import Message as StandardMessage
from email.mime.text import MIMEText
from email.utils import formatdate, make_msgid
from typing import Any

from mailman.config import config
from mailman.email.message import UserNotification
from mailman.interfaces.languages import ILanguageManager
from mailman.interfaces.template import ITemplateLoader
from mailman.utilities.string import expand
from zope.component import getUtility

from qnet_mailman import site
from qnet_mailman.mlist import Mlist
from qnet_mailman.templates.dress import dress

WIDTH = 76
"""Columns to which a notice is laid out."""
MAX_WIDTH = 78
"""Columns that no line of prose passes (RFC 5322 section 2.1.1)."""
AUTO_GENERATED = 'auto-generated'
"""RFC 3834 section 5.1: written by a program, not in answer to a message."""
AUTO_REPLIED = 'auto-replied'
"""RFC 3834 section 5.1: written by a program in answer to a message."""
NO_REPLIES = 'X-Auto-Response-Suppress'
NO_REPLIES_OF_ANY_KIND = 'All'
"""Exchange heeds this field (MS-OXCMAIL) where others heed Auto-Submitted."""
SITE_MAIL = 'qnet_site_mail'
"""In the metadata of an entry of `out` or `retry` that belongs to no list."""


def operators() -> list[str]:
    """The addresses of the operators."""
    known = {config.mailman.site_owner, site.settings().support_address}
    return sorted(known - {'', None})


def one_line(text: str) -> str:
    """Text of strangers, fit to be quoted in a line of a notice."""
    clean = ''.join(
        char if char.isprintable() else ' '
        for char in text.encode('utf-8', 'replace').decode('utf-8')
    )
    return ' '.join(clean.split())[:200]


def _folded(text: str) -> str:
    """A text without overlong lines of prose.

    Indented lines hold addresses and links, and stay; so does every line that is
    short enough, as the texts are laid out by hand.
    """
    return '\n'.join(
        line
        if len(line) <= MAX_WIDTH or line[:1].isspace()
        else textwrap.fill(line, WIDTH, break_long_words=False, break_on_hyphens=False)
        for line in text.split('\n')
    )


@dataclass(frozen=True)
class Prepared:
    """A text for many mails about one list, which is looked up once."""

    text: str

    @classmethod
    def of(cls, mlist: Mlist, template: str, names: Iterable[str]) -> Prepared:
        """The text with what is the same in all of the mails.

        :param names: Of what is filled in for each.
        """
        text = getUtility(ITemplateLoader).get(template, mlist)
        places = {name: f'\0{name}\0' for name in names}
        return cls(expand(text, mlist, places))

    def filled(self, substitutions: Mapping[str, str]) -> str:
        """The text of one mail."""
        return re.sub('\0(\\w+)\0', lambda place: substitutions[place[1]], self.text)


def send(
    mlist: Mlist | None,
    recipients: str | Iterable[str],
    template: str | Prepared,
    subject: str,
    substitutions: dict[str, str],
    *,
    sender: str | None = None,
    automatic: str = AUTO_GENERATED,
    in_reply_to: str | None = None,
    attachments: Iterable[StandardMessage] = (),
    language: str | None = None,
) -> None:
    """Fill in a text and hand it to the outgoing side.

    What the site itself writes needs no list that exists, now or when it is delivered.
    It comes from the support address, in the language of the site, and what becomes of
    it is told to the site owner, whose address is its envelope sender.

    :param mlist: The list that it is about; None where the site itself writes.
    :param recipients: One address or several.
    :param template: Name of the text, as operators override it; or what was
        prepared of it for this list.
    :param subject: The subject line.
    :param substitutions: What the text's ``$names`` stand for, beside those
        that Mailman gives every text.
    :param sender: The From address; the list's owners', or support, if not given.
    :param automatic: The value of Auto-Submitted.
    :param in_reply_to: The Message-ID that is answered.
    :param attachments: What goes along.
    :param language: The code of the text's language; the list's, if not given.
    """
    if isinstance(template, Prepared):
        text = _folded(template.filled(substitutions))
    else:
        chosen = {} if language is None else {'language': language}
        template_text = getUtility(ITemplateLoader).get(template, mlist, **chosen)
        text = _folded(expand(template_text, mlist, substitutions))
    to = recipients if isinstance(recipients, str) else list(recipients)
    attachments = list(attachments)
    if mlist is None:
        settings = site.settings()
        author, domain = settings.support_address, settings.domain
        spoken = getUtility(ILanguageManager)[config.mailman.default_language]
    else:
        author, domain = mlist.owner_address, mlist.mail_host
        spoken = mlist.preferred_language
    notice = UserNotification(
        to,
        sender or author,
        one_line(subject),
        None if attachments else text,
        spoken,
    )
    if attachments:
        notice.set_type('multipart/mixed')
        notice.attach(MIMEText(text, _charset='utf-8'))
        for attachment in attachments:
            notice.attach(attachment)
    notice['Auto-Submitted'] = automatic
    notice[NO_REPLIES] = NO_REPLIES_OF_ANY_KIND
    notice['Message-ID'] = make_msgid(domain=domain)
    if in_reply_to is not None:
        notice['In-Reply-To'] = in_reply_to
    # RFC 3834 section 3.3: a notice that cannot be delivered ends there.
    how = {'sender': '', 'verp': False} if automatic == AUTO_REPLIED else {}
    if mlist is None:
        _send_from_site(notice, **how)
    else:
        notice.send(mlist, **how)


def _send_from_site(notice: UserNotification, **how: Any) -> None:
    notice['Date'] = formatdate(localtime=True)
    notice['Precedence'] = 'bulk'
    dress(notice, None)
    # What the runner of `virgin` would add is about lists.
    config.switchboards['out'].enqueue(
        notice,
        {'recipients': notice.recipients, 'verp': False, SITE_MAIL: True, **how},
    )

# SPDX-License-Identifier: GPL-3.0-or-later
"""What all mails of the service have in common: a name, a last line, and HTML.

The inbox shows a name and not an address that was made for one answer.  Below the text
stand the service, whose it is, and the pages that an agency has to name.  HTML is made
of the text (:mod:`qnet_mailman.letter`) within a frame that operators override as any
text (`qnet:mail:frame`).
"""

from __future__ import annotations

from email.charset import QP, Charset
from email.message import Message
from email.mime.text import MIMEText
from email.utils import formataddr, parseaddr
from typing import Any

from mailman.config import config
from mailman.interfaces.template import ITemplateLoader
from zope.component import getUtility

from qnet_mailman import site
from qnet_mailman.letter.page import FRAME, page, signed
from qnet_mailman.mail.text import decode_bytes, decode_words
from qnet_mailman.mlist import Mlist

_UTF_8 = Charset('utf-8')
_UTF_8.body_encoding = QP


def dress(msg: Any, mlist: Mlist | None) -> None:
    """Give a mail of ours the sender's name, the last lines, and HTML.

    Its text is the message itself or its first part; where that is something else, or
    HTML is there already, only the name is added.

    :param msg: A message that Mailman or the service wrote.
    :param mlist: The list that it is about; None where the site itself writes.
    """
    settings = site.settings()
    name, address = parseaddr(str(msg.get('from', '')))
    if address and not name:
        shown = settings.service_name if mlist is None else mlist.display_name
        msg.replace_header('From', formataddr((shown, address)))
    part = msg.get_payload(0) if _is_mixed(msg) else msg
    if part.get_content_type() != 'text/plain' or part.get_filename():
        return
    text = decode_bytes(part.get_payload(decode=True), part.get_content_charset())
    shown = _page(text, decode_words(str(msg.get('subject', ''))), mlist)
    for field in ('Content-Type', 'Content-Transfer-Encoding', 'MIME-Version'):
        del part[field]
    if part is msg:
        msg['MIME-Version'] = '1.0'
    part['Content-Type'] = 'multipart/alternative'
    whole = signed(text, settings.about)
    part.set_payload([_part(whole, 'plain'), _part(shown, 'html')])


def _is_mixed(msg: Message) -> bool:
    return msg.get_content_type() == 'multipart/mixed' and bool(msg.get_payload())


def _part(text: str, subtype: str) -> MIMEText:
    part = MIMEText('', subtype)
    part.set_payload(text, _UTF_8)
    return part


def _page(text: str, subject: str, mlist: Mlist | None) -> str:
    settings = site.settings()
    language = config.mailman.default_language
    if mlist is not None:
        language = mlist.preferred_language.code
    return page(
        getUtility(ITemplateLoader).get(FRAME, mlist),
        text,
        settings.about,
        language=language,
        subject=subject,
        service=settings.service_name,
    )

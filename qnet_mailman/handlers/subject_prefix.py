# SPDX-License-Identifier: GPL-3.0-or-later
"""The handler `qnet-subject-prefix`: the list's prefix before the subject."""

from __future__ import annotations

from typing import Any

from mailman.core.i18n import _
from mailman.interfaces.handler import IHandler
from public import public
from zope.interface import implementer

from qnet_mailman.mail.fields import raw_values
from qnet_mailman.mail.subjects import with_prefix
from qnet_mailman.mail.text import decode_words, encode_words, raw_text
from qnet_mailman.mlist import Mlist


@public
@implementer(IHandler)
class SubjectPrefix:
    """Mailman's `subject-prefix`, in time that grows as the subject does.

    Mailman encodes the whole subject anew for each of its characters.
    """

    name = 'qnet-subject-prefix'
    description = 'Put the prefix of the list before the subject.'

    def process(self, mlist: Mlist, msg: Any, msgdata: dict[str, Any]) -> None:
        """See `IHandler`."""
        if not mlist.subject_prefix.strip():
            return
        old = next(iter(raw_values(msg, 'subject')), '')
        with _.using(mlist.preferred_language.code):
            nothing = _('(no subject)')
        subject, bare = with_prefix(
            decode_words(raw_text(old)), mlist.subject_prefix, mlist.post_id, nothing
        )
        # As Mailman's, for its gateway to news.
        msgdata['original_subject'] = msg.get('subject', '')
        msgdata['stripped_subject'] = bare
        del msg['subject']
        msg['Subject'] = encode_words(subject)

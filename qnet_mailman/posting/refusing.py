# SPDX-License-Identifier: GPL-3.0-or-later
"""What people are told whose post, or whose wish to join, a moderator refuses (R12).

Mailman writes it from two places, for REST (and so Postorius) and for answers by mail,
with "[No reason given]" where the moderator wrote nothing.  On lists of other styles it
does so still (R40).
"""

from __future__ import annotations

from typing import Any

from mailman.app import moderator
from mailman.core.i18n import _

from qnet_mailman import site
from qnet_mailman.mlist import Mlist
from qnet_mailman.model.lists import row_of
from qnet_mailman.templates.sending import one_line, send

_stock = moderator.send_rejection


def _post_refused(
    mlist: Mlist,
    request: str,
    recip: str,
    comment: str,
    origmsg: Any = None,
    lang: Any = None,
) -> None:
    """See Mailman's `send_rejection`, for a message that was held."""
    if row_of(mlist) is None:
        _stock(mlist, request, recip, comment, origmsg, lang)
        return
    # Mailman gives the subject within a sentence of its own.
    named = one_line(request.partition('"')[2].rpartition('"')[0])
    _tell(
        mlist,
        recip,
        f'Your message to {mlist.display_name} was refused',
        f'Your message "{named}"' if named else 'Your message to the list',
        comment,
        'The message was not delivered. You can change it and send it again.',
    )


def joining_refused(mlist: Mlist, request: str, recip: str, comment: str) -> None:
    """See Mailman's `send_rejection`, for a request to join."""
    if row_of(mlist) is None:
        _stock(mlist, request, recip, comment)
        return
    web_url = site.settings().web_url
    others = '' if web_url is None else f'\n\n  See other lists:\n  {web_url}/signup/'
    _tell(
        mlist,
        recip,
        f'Your request to join {mlist.display_name} was refused',
        'Your request to join the list',
        comment,
        f'You are not subscribed to this list.{others}',
    )


def _tell(
    mlist: Mlist, recip: str, subject: str, request: str, comment: str, then: str
) -> None:
    lines = [one_line(line) for line in (comment or '').splitlines()]
    said = '\n'.join(f'  {line}' if line else '' for line in lines)
    given = said.strip() and comment != _('[No reason given]')
    send(
        mlist,
        recip,
        'list:user:notice:refuse',
        subject,
        {
            'request': request,
            'reason': f'Their reason:\n\n{said}' if given else 'They gave no reason.',
            'then': then,
        },
    )


def install() -> None:
    """Put ours in the place of Mailman's, but for REST's; again is harmless."""
    moderator.send_rejection = _post_refused

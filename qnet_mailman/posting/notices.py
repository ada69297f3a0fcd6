# SPDX-License-Identifier: GPL-3.0-or-later
"""What authors and moderators are told about a post (R3-R6, R34)."""

from __future__ import annotations

import logging
from typing import Any

from mailman.app.replybot import can_acknowledge
from mailman.interfaces.autorespond import IAutoResponseSet, Response
from mailman.interfaces.usermanager import IUserManager
from mailman.utilities.string import oneline
from zope.component import getUtility

from qnet_mailman import site
from qnet_mailman.mail.answers import Question, how_to_answer
from qnet_mailman.mail.author import author_of
from qnet_mailman.mlist import Mlist
from qnet_mailman.model import limits
from qnet_mailman.posting import backscatter, confirmation
from qnet_mailman.templates.sending import AUTO_REPLIED, one_line, operators, send

log = logging.getLogger('mailman.vette')


def subject_of(msg: Any) -> str:
    """The subject of a post, in a line."""
    return one_line(oneline(str(msg.get('subject', '')), in_unicode=True)) or (
        '(no subject)'
    )


def _quotable(msg: Any, author: str) -> str:
    """The subject, for a text that an operator wrote; not of somebody else's making."""
    return subject_of(msg) if backscatter.is_proven(msg, author) else '(not shown here)'


def message_id(msg: Any) -> str | None:
    """The Message-ID of a message that is answered, to be quoted; else None.

    Whoever writes in another's name has chosen it, and it may say anything.
    """
    author = author_of(msg).address
    if author is None or not backscatter.is_proven(msg, author):
        return None
    found = str(msg.get('message-id', ''))
    return found if found.isascii() and found.isprintable() else None


def _may_tell(mlist: Mlist, msg: Any, author: str | None) -> bool:
    """Whether the author gets a notice: there is one, and not too many today."""
    if author is None or not can_acknowledge(msg):
        return False
    manager = getUtility(IUserManager)
    address = manager.get_address(author) or manager.create_address(author)
    responses = IAutoResponseSet(mlist)
    sent = responses.todays_count(address, Response.hold)
    if sent >= site.settings().notices_per_day:
        log.info('No further notice to %s about %s today', author, mlist.list_id)
        return False
    if not backscatter.mail_allowed(author, msg):
        return False
    responses.response_sent(address, Response.hold)
    return True


def contact_of(mlist: Mlist) -> str:
    """Whom to write to instead of the list (R3)."""
    return mlist.reply_to_address or mlist.owner_address


def rejected(mlist: Mlist, msg: Any, author: str | None, reason: str) -> None:
    """Tell the author that a post was rejected, why, and where to turn (R3)."""
    if _may_tell(mlist, msg, author):
        assert author is not None
        send(
            mlist,
            author,
            'qnet:user:notice:rejected',
            f'Your message to {mlist.display_name} was not delivered',
            {
                'reason': reason,
                'which': backscatter.which(msg, author, subject_of(msg)),
                'subject': _quotable(msg, author),
                'contact': contact_of(mlist),
            },
            automatic=AUTO_REPLIED,
            in_reply_to=message_id(msg),
        )


def looked_automatic(mlist: Mlist, msg: Any, author: str, why: str) -> None:
    """Tell a person with posting privileges that a post is discarded: once a day (R5).

    Not limited by what Mailman takes for worth an answer: such mail never is.

    :param why: What makes it look automatic.
    """
    if not limits.allowed(
        'looks automatic', f'{mlist.list_id} {author}', 1, limits.DAY
    ) or not backscatter.mail_allowed(author, msg):
        return
    send(
        mlist,
        author,
        'qnet:user:notice:looked-automatic',
        f'Your message to {mlist.display_name} was not delivered',
        {
            'which': backscatter.which(msg, author, subject_of(msg)),
            'subject': _quotable(msg, author),
            'why': why,
            'contact': contact_of(mlist),
        },
        automatic=AUTO_REPLIED,
        in_reply_to=message_id(msg),
    )


def held(mlist: Mlist, msg: Any, author: str | None, reason: str) -> None:
    """Tell the author that a post waits for a moderator, and why."""
    if mlist.respond_to_post_requests and _may_tell(mlist, msg, author):
        assert author is not None
        send(
            mlist,
            author,
            'qnet:user:notice:held',
            f'Your message to {mlist.display_name} waits for a moderator',
            {
                'reason': reason,
                'which': backscatter.which(msg, author, subject_of(msg)),
                'subject': _quotable(msg, author),
            },
            automatic=AUTO_REPLIED,
            in_reply_to=message_id(msg),
        )


def to_confirm(mlist: Mlist, msg: Any, author: str, token: str) -> bool:
    """Ask the person in whose name a post came whether it is theirs (R6).

    :return: Whether they were asked; if not, they have had too many mails today.
    """
    if not _may_tell(mlist, msg, author):
        return False
    lifetime = site.settings().post_confirmation_lifetime
    send(
        mlist,
        author,
        'qnet:user:action:confirm-post',
        f'Did you write to {mlist.display_name}?',
        {
            'which': backscatter.which(msg, author, subject_of(msg)),
            'subject': _quotable(msg, author),
            'by_web': _by_web(token),
            'how_to_answer': how_to_answer(mlist, Question.post),
            'reply_address': confirmation.reply_address(mlist, token),
            'hours': str(int(lifetime.total_seconds() // 3600)),
        },
        sender=confirmation.reply_address(mlist, token),
    )
    return True


def _by_web(token: str) -> str:
    link = confirmation.link(token)
    return f'open\n\n  See the message:\n  {link}\n\nor ' if link is not None else ''


def kept(mlist: Mlist, msg: Any, author: str, token: str) -> None:
    """Tell who answered the question about a post that it is not delivered (R39)."""
    if _may_tell(mlist, msg, author):
        send(
            mlist,
            author,
            'qnet:user:notice:post-kept',
            f'The message to {mlist.display_name} is not delivered',
            {
                'by_web': _by_web(token),
                'how_to_answer': how_to_answer(mlist, Question.post),
            },
            automatic=AUTO_REPLIED,
            in_reply_to=message_id(msg),
        )


def disputed(mlist: Mlist, author: str, held_id: str, answer: str) -> None:
    """Tell the operators that a held post may be forged (R39).

    :param author: In whose name it came.
    :param held_id: The Message-ID under which it is held.
    :param answer: How the answer begins.
    """
    send(
        None,
        operators(),
        'qnet:operator:notice:disputed-post',
        f'{mlist.display_name}: a message may be forged',
        {
            'display_name': mlist.display_name,
            'listname': mlist.fqdn_listname,
            'author': one_line(author),
            'answer': one_line(answer) or '(nothing)',
            'message_id': one_line(held_id),
            'where': where_held(mlist),
        },
    )


def where_held(mlist: Mlist) -> str:
    """Where the messages of a list are decided about."""
    web_url = site.settings().web_url
    if web_url is None:
        return 'Postorius, under "Held messages"'
    page = f'{web_url}/mailman3/lists/{mlist.list_id}/held_messages'
    return f'Decide about the message:\n  {page}'

# SPDX-License-Identifier: GPL-3.0-or-later
"""The handler `qnet-mask`: take the sender out of a post (R7-R10)."""

from __future__ import annotations

import secrets
from functools import partial
from typing import TYPE_CHECKING, Any

from mailman.config import config
from mailman.email.message import Message
from mailman.interfaces.handler import IHandler
from mailman.interfaces.pipeline import DiscardMessage
from mailman.utilities.email import add_message_hash
from public import public
from zope.interface import implementer

from qnet_mailman.features import features_of
from qnet_mailman.lists import digests
from qnet_mailman.mail import intake
from qnet_mailman.mail.author import Author, author_of
from qnet_mailman.mail.legible import make_legible
from qnet_mailman.mlist import Mlist
from qnet_mailman.model import audit, posts
from qnet_mailman.model.lists import mask_of, type_of
from qnet_mailman.posting import notices, oversize, trace
from qnet_mailman.posting.decision import Standing
from qnet_mailman.posting.standing import Person, identify
from qnet_mailman.queues.handover import later
from qnet_mailman.values import ListType, Mask

if TYPE_CHECKING:
    # Read with the first post: of a dozen processes few see any.
    from qnet_mailman.masking import ListIdentity

STAFF = frozenset({Standing.poster, Standing.administrator, Standing.moderator})
"""Whose posts `mask = administrators` masks (R7), and those of nobody in particular."""

MOST_AUTHORS = 20
"""Of how many people a post may seem to be before we stop asking who they are."""

NEVER_DELIVERED = (
    # Passwords, then what can be used to find out who reads the list.
    'approved',
    'approve',
    'x-approved',
    'x-approve',
    'urgent',
    'return-receipt-to',
    'disposition-notification-to',
    'x-confirm-reading-to',
    'x-pmrqc',
    'archived-at',
)
"""What is removed from posts that are not masked; of a masked one far more is."""

CANNOT = (
    'This list passes messages on without their sender. That is not possible with '
    'your message, because'
)


@public
@implementer(IHandler)
class MaskSender:
    """Mask the sender where the list wants it, and keep threads together.

    On a list of another style, a post that is not masked stays as it is (R40).
    """

    name = 'qnet-mask'
    description = 'Mask the sender of a post.'

    def process(self, mlist: Mlist, msg: Any, msgdata: dict[str, Any]) -> None:
        """See `IHandler`."""
        author = author_of(msg)
        claimed = _claimed(author, msg)
        people = [identify(mlist, email) for email in claimed]
        received_id = str(msg.get('message-id', ''))
        passed, servers = trace.read(msg), trace.servers(msg)
        features = features_of(mlist)
        # A list of another style may also have been given our whole pipeline.
        on_other_list = not features.style and features.mask is not Mask.off
        setting = features.mask if on_other_list else mask_of(mlist)
        masked = _is_masked(setting, author, people)
        oversize.note_author(msg, msgdata, masked=masked)
        if masked:
            if on_other_list:
                # At its place in Mailman's pipeline nobody knows who wrote the post.
                config.handlers['acknowledge'].process(mlist, msg, msgdata)
            delivered_id = f'<{secrets.token_hex(16)}@{mlist.mail_host}>'
            _mask(mlist, msg, author, claimed, people, delivered_id)
            # Nothing downstream has to know, and queue files are read by people.
            msgdata.pop('dmarc', None)
            visible_author = None
        else:
            delivered_id = received_id
            _redirect(msg, posts.thread_of(mlist, _referenced_ids(msg)))
            if not on_other_list:
                for name in NEVER_DELIVERED:
                    del msg[name]
            visible_author = author.address
        if masked or not on_other_list:
            lost = servers - trace.servers(msg)
            trace.leave(msg, passed, mlist.list_id, lost)
        later(partial(posts.remember, mlist, received_id, delivered_id, visible_author))


def mask_late(mlist: Mlist, msg: Any) -> None:
    """Mask a post that Mailman's pipeline let pass, before its list was adopted (R40).

    What has been through ours is left alone.  In the archive, in a digest and in the
    copies the post has the same new Message-ID, though each is masked by itself.

    :raises DiscardMessage: if it cannot be masked; the author has been told.
    """
    passed, servers = trace.read(msg), trace.servers(msg)
    if trace.has_passed(passed, mlist.list_id):
        return
    author, setting = author_of(msg), mask_of(mlist)
    claimed = _claimed(author, msg)
    people = [identify(mlist, email) for email in claimed]
    # Mailman names the list itself in From where it hides somebody for DMARC.
    hidden = setting is not Mask.off and mlist.posting_address in claimed
    if hidden or _is_masked(setting, author, people):
        received_id = str(msg.get('message-id', ''))
        name = trace.stand_in(received_id) if received_id else secrets.token_hex(16)
        _mask(mlist, msg, author, claimed, people, f'<{name}@{mlist.mail_host}>')
    trace.leave(msg, passed, mlist.list_id, servers - trace.servers(msg))


def mask_kept(mlist: Mlist, content: bytes) -> bytes:
    """A post out of Mailman's digest file, as we keep it; see `mask_late`."""
    msg, _is_too_deep = intake.parse(content, Message)
    make_legible(msg)
    try:
        mask_late(mlist, msg)
    except DiscardMessage:
        return digests.UNREADABLE
    return bytes(msg.as_bytes())


def _mask(
    mlist: Mlist,
    msg: Any,
    author: Author,
    claimed: list[str],
    people: list[Person],
    delivered_id: str,
) -> None:
    """Mask a post and note who sent it.

    :param claimed: Every address that the post may be read to come from.
    :param people: What is known of those.
    :param delivered_id: Its new Message-ID.
    :raises DiscardMessage: if it cannot be masked; the author has been told.
    """
    from qnet_mailman.masking import CannotMask, Sender, mask

    sender = Sender(
        frozenset(claimed).union(*(person.addresses for person in people)),
        frozenset().union(*(person.names for person in people)),
    )
    received_id = str(msg.get('message-id', ''))
    envelope_sender = msg.get_unixfrom()
    try:
        mask(
            msg,
            _identity(mlist),
            sender,
            message_id=delivered_id,
            thread=posts.thread_of(mlist, _referenced_ids(msg), sender.addresses),
            key=mlist.list_id.encode(),
        )
    except CannotMask as error:
        notices.rejected(mlist, msg, author.address, f'{CANNOT} {error}.')
        raise DiscardMessage(f'cannot be masked: {error}') from error
    add_message_hash(msg)
    later(
        partial(
            audit.record,
            audit.Action.post_masked,
            mlist.list_id,
            delivered_id,
            actor=author.address or ', '.join(claimed) or 'unknown',
            received_id=received_id,
            envelope_sender=envelope_sender,
        )
    )


def _claimed(author: Author, msg: Any) -> list[str]:
    """Every address that a post may be read to come from."""
    if author.address is not None:
        return [author.address]
    from qnet_mailman.masking import authors

    return list(dict.fromkeys((*author.claimed, *authors(msg, MOST_AUTHORS))))[
        :MOST_AUTHORS
    ]


def _is_masked(setting: Mask, author: Author, people: list[Person]) -> bool:
    """Whether a post is masked: where it is not known whose it is, it is (R8)."""
    match setting:
        case Mask.everyone:
            return True
        case Mask.off:
            return False
        case Mask.administrators:
            return author.address is None or any(
                person.standing in STAFF or person.standing is Standing.nobody
                for person in people
            )


def _identity(mlist: Mlist) -> ListIdentity:
    from qnet_mailman.masking import ListIdentity

    # `cook-headers` adds the list's explicit Reply-To, if it has one (R8).
    discussion = type_of(mlist) is ListType.discussion
    return ListIdentity(
        display_name=mlist.display_name,
        posting_address=mlist.posting_address,
        owner_address=mlist.owner_address,
        reply_to=mlist.posting_address if discussion else None,
        domain=mlist.mail_host,
    )


def _referenced_ids(msg: Any) -> list[str]:
    from qnet_mailman.masking import referenced_ids

    return referenced_ids(msg)


def _redirect(msg: Any, thread: dict[str, str]) -> None:
    """Let the references of a post name masked posts by their public ids (R8)."""
    for name in ('In-Reply-To', 'References'):
        value = msg.get(name)
        if value is None:
            continue
        text = str(value)
        for old, new in thread.items():
            text = text.replace(old, new)
        if text != str(value):
            del msg[name]
            msg[name] = text

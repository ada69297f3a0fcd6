# SPDX-License-Identifier: GPL-3.0-or-later
"""What a list has beyond Mailman's own columns: type, visibility, masking."""

from __future__ import annotations

from mailman.interfaces.action import Action
from mailman.model.mailinglist import MailingList
from sqlalchemy import Boolean, String, bindparam, select, true
from sqlalchemy.orm import Mapped, mapped_column

from qnet_mailman.mlist import Mlist
from qnet_mailman.model.base import Base, OfAList, is_there, read_in_transaction, store
from qnet_mailman.settings import PosterAuthentication
from qnet_mailman.values import ListType, Mask, Replies, Visibility

ACTIONS = {
    Replies.accept: Action.defer,
    Replies.hold: Action.hold,
    Replies.reject: Action.reject,
}
"""R4's words as Mailman's default member action, where Postorius shows them.
`defer`, not `accept`, lets Mailman's other checks still look at the message."""


class QNetList(OfAList, Base):
    """One row a list that has one of our styles."""

    __tablename__ = 'qnet_list'

    id: Mapped[int] = mapped_column(primary_key=True)
    list_id: Mapped[str] = mapped_column(String(255), unique=True)
    list_type: Mapped[str] = mapped_column(String(20))
    visibility: Mapped[str] = mapped_column(String(20))
    mask: Mapped[str] = mapped_column(String(20), default=Mask.administrators.value)
    """`administrators` or `off`.  `everyone` is Mailman's `anonymous_list`
    and is kept nowhere else, so that Postorius and we cannot disagree."""
    personal: Mapped[bool] = mapped_column(Boolean, default=True, server_default=true())
    """Whether each copy has its own envelope sender and link to leave (R15)."""
    member_authentication: Mapped[str] = mapped_column(
        String(20), default='off', server_default='off'
    )
    """A word of `PosterAuthentication`, for posts of members (R6)."""


_BY_LIST_ID = select(QNetList).where(QNetList.list_id == bindparam('list_id'))
_OF_OURS = select(MailingList, QNetList).where(
    MailingList._list_id == bindparam('list_id'),
    QNetList.list_id == MailingList._list_id,
)


def row_of(mlist: Mlist) -> QNetList | None:
    """The row of a list; None where the list has a style of somebody else."""
    return row_by_id(mlist.list_id)


def forget_row(mlist: Mlist) -> None:
    """Have the row of a list read again: it was changed by a statement."""
    read_in_transaction('lists').pop(mlist.list_id, None)


def row_by_id(list_id: str) -> QNetList | None:
    """The same, of the list with a List-ID."""
    known = read_in_transaction('lists')
    row: QNetList | None = known.get(list_id)
    if row is None or not is_there(row):
        row = store().scalar(_BY_LIST_ID, {'list_id': list_id})
        known[list_id] = row
    return row


def of_ours(list_id: str) -> Mlist | None:
    """The list with a List-ID, where it has a row: both with one statement."""
    found = store().execute(_OF_OURS, {'list_id': list_id}).first()
    if found is None:
        return None
    mlist: Mlist
    mlist, read_in_transaction('lists')[list_id] = found
    return mlist


def define(mlist: Mlist, list_type: ListType, visibility: Visibility) -> None:
    """Say what kind a list is; masking starts at its default (R7)."""
    row = row_of(mlist)
    if row is None:
        row = QNetList(list_id=mlist.list_id)
        store().add(row)
        read_in_transaction('lists')[mlist.list_id] = row
    row.list_type = list_type.value
    row.visibility = visibility.value
    row.mask = Mask.administrators.value


def type_of(mlist: Mlist) -> ListType:
    """The type of a list.

    A list that was not made with one of our styles, but was given our chain,
    is what Mailman's `allow_list_posts` says.
    """
    row = row_of(mlist)
    if row is not None:
        return ListType(row.list_type)
    return ListType.discussion if mlist.allow_list_posts else ListType.notification


def mask_of(mlist: Mlist) -> Mask:
    """Whose posts are masked on a list (R7)."""
    return mask_with(mlist, row_of(mlist))


def mask_with(mlist: Mlist, row: QNetList | None) -> Mask:
    """The same, where the list's row is at hand."""
    if mlist.anonymous_list:
        return Mask.everyone
    return Mask.administrators if row is None else Mask(row.mask)


def set_mask(mlist: Mlist, mask: Mask) -> None:
    """Change whose posts are masked (R7).

    :raises LookupError: if the list has none of our styles.
    """
    row = row_of(mlist)
    if row is None:
        raise LookupError(f'{mlist.fqdn_listname} has no QualityNet style')
    mlist.anonymous_list = mask is Mask.everyone
    if mask is not Mask.everyone:
        row.mask = mask.value


def is_personal(mlist: Mlist) -> bool:
    """Whether each member has a copy of their own (R15)."""
    row = row_of(mlist)
    return row is None or row.personal


def set_personal(mlist: Mlist, personal: bool) -> None:
    """Change whether each member has a copy of their own.

    :raises LookupError: if the list has none of our styles.
    """
    row = row_of(mlist)
    if row is None:
        raise LookupError(f'{mlist.fqdn_listname} has no QualityNet style')
    row.personal = personal


def member_authentication_of(mlist: Mlist) -> PosterAuthentication:
    """How a post in the name of a member is shown to come from them (R6)."""
    row = row_of(mlist)
    if row is None:
        return PosterAuthentication.off
    return PosterAuthentication(row.member_authentication)


def set_member_authentication(mlist: Mlist, word: PosterAuthentication) -> None:
    """Change how a post in the name of a member is shown to come from them.

    :raises LookupError: if the list has none of our styles.
    """
    row = row_of(mlist)
    if row is None:
        raise LookupError(f'{mlist.fqdn_listname} has no QualityNet style')
    row.member_authentication = word.value


def replies_of(mlist: Mlist) -> Replies:
    """What becomes of a member's message (R3, R4)."""
    if type_of(mlist) is ListType.notification:
        return Replies.reject
    for replies, action in ACTIONS.items():
        if mlist.default_member_action is action:
            return replies
    # Postorius offers `accept` and `discard` too; of ours, hold is the nearest
    # that loses nothing.
    if mlist.default_member_action is Action.accept:
        return Replies.accept
    return Replies.hold


def set_replies(mlist: Mlist, replies: Replies) -> None:
    """Change what becomes of a member's message (R4).

    :raises ValueError: if the list is a notification list (R3).
    """
    if type_of(mlist) is ListType.notification and replies is not Replies.reject:
        raise ValueError('replies to a notification list are always rejected')
    mlist.default_member_action = ACTIONS[replies]

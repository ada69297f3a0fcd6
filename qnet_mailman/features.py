# SPDX-License-Identifier: GPL-3.0-or-later
"""What of this package a list gets (R40).

A list with one of our styles gets all of it.  On others Mailman's own parts work, but
for those that the site wants there, by the settings ``other_lists_...``.  Whoever does
one of these things differently on lists of ours asks here; what is for ours alone, asks
whether there is a row (:func:`.model.lists.row_of`).

Nothing is kept of a setting in the database: switched off, the list is Mailman's again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, select, true

from qnet_mailman import site
from qnet_mailman.mlist import Mlist
from qnet_mailman.model.lists import QNetList, mask_with, row_of
from qnet_mailman.values import Mask


@dataclass(frozen=True)
class Features:
    """What a list gets.

    :ivar style: Whether it has one of our styles, and so everything.
    :ivar fast_delivery: Copies of a batch from the bytes of one message.
    :ivar one_click: A link to leave in each copy (R15, RFC 8058).
    :ivar bounce_scores: Scores, suspensions, warnings and notices of ours (R16 to R20).
    :ivar mask: Whose posts are masked (R7).
    :ivar posting_rights: The posting chain of ours (R3 to R6).
    """

    style: bool
    fast_delivery: bool
    one_click: bool
    bounce_scores: bool
    mask: Mask
    posting_rights: bool


def features_of(mlist: Mlist) -> Features:
    """What a list gets.

    :raises NotReady: on a list of another style, while this process may not work.
    """
    row = row_of(mlist)
    if row is not None:
        return Features(True, True, True, True, mask_with(mlist, row), True)
    return features_of_others()


def features_of_others() -> Features:
    """What lists of other styles get.

    :raises NotReady: while this process may not work.
    """
    settings = site.settings()
    return Features(
        style=False,
        fast_delivery=settings.other_lists_fast_delivery,
        one_click=settings.other_lists_one_click,
        bounce_scores=settings.other_lists_bounce_scores,
        mask=Mask(settings.other_lists_mask),
        posting_rights=settings.other_lists_posting_rights,
    )


def scores_bounces(list_id: Any) -> ColumnElement[bool]:
    """Whether the list of a row is one with our bounce scores, for a statement.

    :param list_id: The column with its List-ID.
    """
    if site.settings().other_lists_bounce_scores:
        return true()
    # Not `IN`, for which SQLite would look at all lists first.
    return select(QNetList.id).where(QNetList.list_id == list_id).exists()

# SPDX-License-Identifier: GPL-3.0-or-later
"""What of a list waits for its people, and what may be wrong with it.

A few statements for any number of lists: a person may look after hundreds.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from mailman.interfaces.member import DeliveryStatus, MemberRole
from mailman.interfaces.pending import PendType
from mailman.interfaces.requests import RequestType
from mailman.interfaces.subscriptions import TokenOwner
from mailman.model.address import Address
from mailman.model.mailinglist import MailingList
from mailman.model.member import Member
from mailman.model.pending import PendedKeyValue
from mailman.model.preferences import Preferences
from mailman.model.requests import _Request
from mailman.model.user import User
from sqlalchemy import Select, func, select
from sqlalchemy.orm import aliased

from qnet_mailman.bounces.overview import native, word
from qnet_mailman.bounces.scoring import window_days
from qnet_mailman.mlist import Mlist
from qnet_mailman.model.base import store
from qnet_mailman.model.bounces import QNetSuspension
from qnet_mailman.model.people import QNetPoster


@dataclass(frozen=True)
class Attention:
    """Numbers of a list.

    :ivar requests: Requests to join that wait for approval (R12).
    :ivar held: Messages that wait for a moderator.
    :ivar suspended: Members whose delivery is disabled for bounces (R18).
    :ivar posters: People with posting privileges (R3).
    :ivar administrators: People who are that now (R25).
    """

    requests: int = 0
    held: int = 0
    suspended: int = 0
    posters: int = 0
    administrators: int = 0


def of_lists(list_ids: Collection[str]) -> dict[str, Attention]:
    """The numbers of some lists, in a statement for each."""
    queries = {
        'requests': _requests(list_ids),
        'held': _held(list_ids),
        'suspended': _suspended(list_ids),
        'posters': select(QNetPoster.list_id, func.count())
        .where(QNetPoster.list_id.in_(list_ids))
        .group_by(QNetPoster.list_id),
        'administrators': select(Member.list_id, func.count())
        .where(Member.list_id.in_(list_ids), Member.role == MemberRole.owner)
        .group_by(Member.list_id),
    }
    numbers: dict[str, dict[str, int]] = {list_id: {} for list_id in list_ids}
    for name, query in queries.items():
        for list_id, number in store().execute(query):
            numbers[list_id][name] = number
    return {list_id: Attention(**found) for list_id, found in numbers.items()}


def _requests(list_ids: Collection[str]) -> Select[Any]:
    """What Postorius shows under "Subscription requests".

    A pending is a bag of keys and values in JSON, but for its type.
    """
    of_list, of_type, of_owner = (aliased(PendedKeyValue) for _ in range(3))
    # As text: this leads from the value that the database knows back to the ID.
    written = {json.dumps(list_id) for list_id in list_ids}
    list_id = func.substr(of_list.value, 2, func.length(of_list.value) - 2)
    return (
        select(list_id, func.count())
        .join(of_type, of_type.pended_id == of_list.pended_id)
        .join(of_owner, of_owner.pended_id == of_list.pended_id)
        .where(
            of_list.key == 'list_id',
            of_list.value.in_(written),
            of_type.key == 'type',
            of_type.value == PendType.subscription.name,
            of_owner.key == 'token_owner',
            of_owner.value == json.dumps(TokenOwner.moderator.name),
        )
        .group_by(list_id)
    )


def _held(list_ids: Collection[str]) -> Select[Any]:
    return (
        select(MailingList._list_id, func.count())
        .join(_Request, _Request.mailing_list_id == MailingList.id)
        .where(
            MailingList._list_id.in_(list_ids),
            _Request.request_type == RequestType.held_message,
        )
        .group_by(MailingList._list_id)
    )


def _suspended(list_ids: Collection[str]) -> Select[Any]:
    # Who was enabled again a moment ago may still have a suspension.
    return (
        select(QNetSuspension.list_id, func.count())
        .join(Member, Member._member_id == native(QNetSuspension.member_id))
        .join(Preferences, Preferences.id == Member.preferences_id)
        .where(
            QNetSuspension.list_id.in_(list_ids),
            Preferences.delivery_status == DeliveryStatus.by_bounces,
        )
        .group_by(QNetSuspension.list_id)
    )


def by_delivery(mlist: Mlist) -> dict[str, int]:
    """How many members of a list get its messages, and how many do not for what.

    :return: Numbers by Mailman's words, `enabled` first of all.
    """
    own, of_address, of_user = (aliased(Preferences) for _ in range(3))
    subscriber, holder = aliased(User), aliased(User)
    statuses = (
        own.delivery_status,
        of_address.delivery_status,
        of_user.delivery_status,
    )
    address_id = func.coalesce(Member.address_id, subscriber._preferred_address_id)
    query = (
        select(*statuses, func.count())
        .select_from(Member)
        .join(own, own.id == Member.preferences_id)
        .outerjoin(subscriber, subscriber.id == Member.user_id)
        .outerjoin(Address, Address.id == address_id)
        .outerjoin(of_address, of_address.id == Address.preferences_id)
        .outerjoin(holder, holder.id == Address.user_id)
        .outerjoin(of_user, of_user.id == holder.preferences_id)
        .where(Member.list_id == mlist.list_id, Member.role == MemberRole.member)
        .group_by(*statuses)
    )
    numbers = dict.fromkeys((status.name for status in DeliveryStatus), 0)
    for *found, number in store().execute(query):
        numbers[word(*found)] += number
    return numbers


def heading(mlist: Mlist) -> dict[str, Any]:
    """What the head of every page about a list tells.

    :return: Names, settings of bounces, and what waits.
    """
    numbers = of_lists([mlist.list_id])[mlist.list_id]
    return {
        'list_id': mlist.list_id,
        'list': mlist.fqdn_listname,
        'display_name': mlist.display_name,
        'mail_host': mlist.mail_host,
        'threshold': mlist.bounce_score_threshold,
        'window_days': window_days(mlist.bounce_info_stale_after),
        'requests': numbers.requests,
        'held': numbers.held,
        'suspended': numbers.suspended,
    }

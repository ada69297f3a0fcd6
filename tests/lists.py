# SPDX-License-Identifier: GPL-3.0-or-later
"""A list with people, as a test wants it; see the fixture `mlist`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from mailman.app.lifecycle import create_list
from mailman.config import config
from mailman.interfaces.bans import IBanManager
from mailman.interfaces.domain import IDomainManager
from mailman.interfaces.member import DeliveryMode
from zope.component import getUtility

from qnet_mailman.model.lists import set_mask
from qnet_mailman.values import Mask
from tests.helpers import appoint, empty, subscribe

MARKER = (
    'mlist(list_type, visibility, members=, administrators=, ...): the list that the '
    'fixture `mlist` gives; see tests/lists.py'
)


def furnish(
    mlist: Any,
    *,
    members: Iterable[str] = (),
    digests: Mapping[str, DeliveryMode] | None = None,
    moderators: Iterable[str] = (),
    administrators: Iterable[str] = (),
    banned: Iterable[str] = (),
    mask: Mask | None = None,
    **settings: Any,
) -> Any:
    """Give a list people and settings; nobody is told, and all is committed.

    :param members: Addresses that get each post.
    :param digests: Addresses that get digests, and of which kind.
    :param administrators: Addresses that are assigned, and may post.
    :param banned: Addresses that the list does not take.
    :param mask: As in the settings of ours; None for the style's.
    :param settings: Further ones, Mailman's.  Who joins is not welcomed by mail, as
        hardly a test is about that.
    """
    for name, value in {'send_welcome_message': False, **settings}.items():
        setattr(mlist, name, value)
    if mask is not None:
        set_mask(mlist, mask)
    for address in administrators:
        appoint(mlist, address, may_post=True)
    for address in moderators:
        appoint(mlist, address, 'moderator')
    for address in members:
        subscribe(mlist, address)
    for address, mode in (digests or {}).items():
        subscribe(mlist, address).preferences.delivery_mode = mode
    for address in banned:
        IBanManager(mlist).ban(address)
    config.db.commit()
    empty('virgin')
    return mlist


def list_of_another_style(
    name: str = 'stock', style: str = 'legacy-default', **furniture: Any
) -> Any:
    """A list with a style of Mailman's own (R40).

    :param furniture: As `furnish` takes it.
    """
    domain = 'lists.example.gov'
    if domain not in getUtility(IDomainManager):
        getUtility(IDomainManager).add(domain)
    return furnish(create_list(f'{name}@{domain}', style_name=style), **furniture)

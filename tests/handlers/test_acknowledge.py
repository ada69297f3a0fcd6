# SPDX-License-Identifier: GPL-3.0-or-later
"""Which members hear that their post is out: whom Mailman's own roster finds."""

from __future__ import annotations

from typing import Any

import pytest
from mailman.interfaces.usermanager import IUserManager
from zope.component import getUtility

from qnet_mailman.handlers.acknowledge import _wants_to_hear
from qnet_mailman.model.base import store
from tests.helpers import make_user, subscribe

AUTHOR = 'pat@example.org'

pytestmark = pytest.mark.mlist()


def test_a_member_by_address(mlist: Any) -> None:
    assert not _wants_to_hear(mlist, AUTHOR)
    member = subscribe(mlist, AUTHOR)
    assert not _wants_to_hear(mlist, AUTHOR)
    member.preferences.acknowledge_posts = True
    store().flush()
    assert _wants_to_hear(mlist, AUTHOR)


@pytest.mark.parametrize('linked', [True, False])
def test_a_member_by_the_address_that_a_user_prefers(mlist: Any, linked: bool) -> None:
    user = make_user(AUTHOR)
    address = getUtility(IUserManager).get_address(AUTHOR)
    user.preferred_address = address
    mlist.subscribe(user).preferences.acknowledge_posts = True
    if not linked:
        # Mailman takes an address from a user who goes on to prefer it.
        user.unlink(address)
    store().flush()
    assert mlist.members.get_member(AUTHOR) is not None
    assert _wants_to_hear(mlist, AUTHOR)

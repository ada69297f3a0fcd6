# SPDX-License-Identifier: GPL-3.0-or-later
"""What core says about a request to a list, under another list's address.

The gate relies on it: `handle_subscription_request` in `qnet_mailman/web/gate/guards.py`.
"""

from __future__ import annotations

from typing import Any

import pytest
from mailman.config import config
from mailman.interfaces.subscriptions import ISubscriptionManager
from mailman.interfaces.usermanager import IUserManager
from zope.component import getUtility

from tests.rest.test_roles_resource import ask


@pytest.mark.parametrize('style', ['qnet-notification-private', 'legacy-default'])
def test_it_names_the_list_of_the_request(make_list: Any, style: str) -> None:
    """Ours and stock's; and core does what it is told under any list's address."""
    own = make_list('own@lists.example.gov').list_id
    mlist = make_list('other@lists.example.gov', style_name=style)
    other = mlist.list_id
    address = getUtility(IUserManager).create_address('new@agency.test')
    token, _owner, _member = ISubscriptionManager(mlist).register(address)
    config.db.commit()
    for named in (own, other):
        found = ask('GET', f'lists/{named}/requests/{token}')
        assert (found.status_code, found.json['list_id']) == (200, other)
        assert found.json['type'] == 'subscription'
    done = ask('POST', f'lists/{own}/requests/{token}', {'action': 'discard'})
    assert done.status_code == 204
    assert ask('GET', f'lists/{other}/requests/{token}').status_code == 404

# SPDX-License-Identifier: GPL-3.0-or-later
"""What core says about a request to a list, under another list's address.

`handle_subscription_request` in `qnet_mailman/web/gate/guards.py` relies on it.
"""

from __future__ import annotations

from typing import Any

import pytest
from mailman.app.lifecycle import create_list
from mailman.config import config
from mailman.interfaces.subscriptions import ISubscriptionManager
from mailman.interfaces.usermanager import IUserManager
from zope.component import getUtility

from tests.rest.client import ask


@pytest.mark.parametrize('ours', [True, False])
def test_it_names_the_list_of_the_request(make_list: Any, ours: bool) -> None:
    """Ours and stock's; and core does what it is told under any list's address."""
    own = make_list().list_id
    if ours:
        mlist = make_list('notification', 'private')
    else:
        mlist = create_list('stock@lists.example.gov', style_name='legacy-default')
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

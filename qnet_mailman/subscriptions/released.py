# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests that wait on a list which is handed back to Mailman (R40).

Mailman's requests are ours, too: ours go on with any of them.  Not the other way round:
what Mailman goes on with is a workflow's state, of which ours need less.  Does not
commit.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from mailman.app.subscriptions import WhichSubscriber
from mailman.interfaces.subscriptions import TokenOwner
from mailman.model.address import Address
from mailman.model.user import User
from mailman.model.workflow import WorkflowState
from sqlalchemy import select

from qnet_mailman.mlist import Mlist
from qnet_mailman.model import pendings
from qnet_mailman.model.base import store
from qnet_mailman.model.statements import chunks
from qnet_mailman.subscriptions import joining, leaving


def hand_back(mlist: Mlist) -> None:
    """Let Mailman go on with the requests to join a list, and to leave it."""
    waiting = dict(_waiting(mlist.list_id))
    states = {}
    for some in chunks(waiting):
        found = store().scalars(
            select(WorkflowState).where(WorkflowState.token.in_(some))
        )
        states.update({state.token: state for state in found})
    users = _users_of(
        {
            pended['email']
            for token, pended in waiting.items()
            if pended['type'] == leaving.PEND_TYPE and token not in states
        }
    )
    for token, pended in waiting.items():
        state = states.get(token)
        if pended['type'] == joining.PEND_TYPE and state is not None:
            _require_confirmation(pended, state)
        elif pended['type'] == leaving.PEND_TYPE and state is None:
            user = users.get(pended['email'])
            if user is not None:
                store().add(_asked_to_leave(token, pended['email'], user))


def _waiting(list_id: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The pendings of a list, by token."""
    for one in pendings.read(pendings.having('list_id', [list_id])):
        if one.values.get('type') in (joining.PEND_TYPE, leaving.PEND_TYPE):
            yield one.token, one.values


def _require_confirmation(pended: dict[str, Any], state: WorkflowState) -> None:
    """Whoever we let approve first has not confirmed; Mailman takes that for done."""
    ours = 'why' in pended and pended['token_owner'] == TokenOwner.moderator.name
    if ours and state.step == 'subscribe_from_restored':
        state.step = 'send_confirmation'
        # What comes is the approval.
        state.data = json.dumps({**json.loads(state.data), 'pre_approved': True})


def _users_of(emails: set[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for some in chunks(emails):
        query = (
            select(Address.email, User._user_id)
            .join(User, User.id == Address.user_id)
            .where(Address.email.in_(some))
        )
        found.update(row._tuple() for row in store().execute(query))
    return found


def _asked_to_leave(token: str, email: str, user_id: Any) -> WorkflowState:
    data = {
        'pre_approved': False,
        'pre_confirmed': False,
        'address_key': email,
        'user_key': user_id.hex,
        'subscriber_key': WhichSubscriber.address.value,
        'token_owner_key': TokenOwner.subscriber.value,
    }
    return WorkflowState(token=token, step='do_confirm_verify', data=json.dumps(data))

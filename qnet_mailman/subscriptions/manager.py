# SPDX-License-Identifier: GPL-3.0-or-later
"""Who becomes a member and who leaves, whatever the route (R11, R12, R14).

Mailman asks the adapter of a list to `ISubscriptionManager`: for the ``-join`` and
``-leave`` addresses, for REST and so for Postorius, and for its command line.  Ours is
in its place for lists with one of our styles.
"""

from __future__ import annotations

from typing import Any

from mailman.app import subscriptions as stock
from mailman.interfaces.subscriptions import ISubscriptionManager
from mailman.model.pending import Pended
from sqlalchemy import update
from zope.interface import implementer

from qnet_mailman.mlist import Mlist
from qnet_mailman.model import tokens
from qnet_mailman.model.base import store
from qnet_mailman.model.lists import row_of
from qnet_mailman.subscriptions.joining import SubscriptionWorkflow
from qnet_mailman.subscriptions.leaving import UnsubscriptionWorkflow


def manager_of(mlist: Mlist) -> Any:
    """The adapter of a list: ours, or Mailman's where the list is not ours."""
    if row_of(mlist) is None:
        return stock.SubscriptionManager(mlist)
    return SubscriptionManager(mlist)


@implementer(ISubscriptionManager)
class SubscriptionManager(stock.SubscriptionManager):
    """See `ISubscriptionManager`."""

    def register(self, subscriber: Any = None, **options: Any) -> Any:
        """See `ISubscriptionManager`."""
        return _run(SubscriptionWorkflow(self._mlist, subscriber, **options))

    def unregister(self, subscriber: Any = None, **options: Any) -> Any:
        """See `ISubscriptionManager`."""
        return _run(UnsubscriptionWorkflow(self._mlist, subscriber, **options))

    def confirm(self, token: Any) -> Any:
        """See `ISubscriptionManager`.

        :raises LookupError: if there is no such token, it expired, or it is for
            something else or for another list.
        """
        claim(str(token))
        pended = tokens.look_up(str(token))
        if pended is None or pended.get('list_id') != self._mlist.list_id:
            raise LookupError(token)
        match pended.get('type'):
            case stock.PendableSubscription.PEND_TYPE:
                workflow: Any = SubscriptionWorkflow(self._mlist)
            case stock.PendableUnsubscription.PEND_TYPE:
                workflow = UnsubscriptionWorkflow(self._mlist)
            case _:
                raise LookupError(token)
        workflow.token = token
        workflow.restore()
        return _run(workflow)


def claim(token: str) -> None:
    """Let nobody else use a token until this transaction ends.

    Two that come at once, from a double click or from two runners, would both find
    it and both subscribe.  A write to its row makes the second wait, on SQLite too; it
    then finds the token spent.
    """
    if not (token.isascii() and token.isalnum()):
        # Nobody's token, and PostgreSQL refuses NUL.
        return
    store().execute(
        update(Pended)
        .where(Pended.token == token)
        .values(expiration_date=Pended.expiration_date)
        .execution_options(synchronize_session=False)
    )


def _run(workflow: Any) -> Any:
    """Go on until the end, or until somebody has to answer."""
    for _step in workflow:
        pass
    return workflow.token, workflow.token_owner, workflow.member

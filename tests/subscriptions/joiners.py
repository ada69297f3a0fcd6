# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of joining share: the mail that was sent, REST, and the clock."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

from mailman.config import config
from mailman.interfaces.listmanager import IListManager
from mailman.interfaces.pending import IPendings
from mailman.interfaces.subscriptions import ISubscriptionManager, TokenOwner
from mailman.interfaces.usermanager import IUserManager
from mailman.model.pending import Pended
from mailman.utilities.datetime import now
from sqlalchemy import update
from zope.component import getUtility

from qnet_mailman.model.base import store
from qnet_mailman.subscriptions import sign_up
from tests.helpers import empty, message, queued
from tests.rest.client import ask

READER = 'reader@example.net'


def rest(method: str, path: str, **fields: Any) -> Any:
    """Ask Mailman's REST server, as Postorius and the web side do."""
    return ask(method, path, fields)


def mails() -> list[Any]:
    """What was sent since the last look, in order."""
    found = [msg for msg, _msgdata in queued('virgin')]
    empty('virgin')
    return found


def the_mail(to: str = READER) -> Any:
    """The one mail that was sent."""
    (msg,) = mails()
    assert msg['to'] == to
    return msg


def text(msg: Any) -> str:
    """What its reader sees."""
    return msg.get_payload(decode=True).decode()


def token_of(msg: Any) -> str:
    """The token in a mail."""
    tokens = set(re.findall(r'[0-9a-f]{40}(?![0-9a-f])', f'{msg["from"]}\n{text(msg)}'))
    (token,) = tokens
    return token


def undecided(mlist: Any) -> str:
    """The token of the one request that waits for the list's administrators."""
    pendings = getUtility(IPendings)
    ((token, _pended),) = pendings.find(mlist, token_owner=TokenOwner.moderator)
    return str(token)


def work() -> int:
    """Work off the queued requests, each in a transaction of its own."""
    entries = [msgdata for _msg, msgdata in queued('command')]
    empty('command')
    for msgdata in entries:
        assert sign_up.handle_queued(msgdata)
        config.db.commit()
    return len(entries)


def register(mlist: Any, email: str = READER, **options: Any) -> Any:
    """Register an address with a list, by whatever route."""
    users = getUtility(IUserManager)
    address = users.get_address(email) or users.create_address(email, 'Rea Reader')
    try:
        return ISubscriptionManager(mlist).register(address, **options)
    finally:
        config.db.commit()


def confirm(mlist: Any, token: str) -> Any:
    """Return a token; all that is known of it is what the database has."""
    config.db.commit()
    store().expire_all()
    try:
        return ISubscriptionManager(mlist).confirm(token)
    finally:
        config.db.commit()


def members(mlist: Any) -> list[str]:
    """Who is a member."""
    return sorted(member.address.email for member in mlist.members.members)


def find_list(list_id: str) -> Any:
    """A list, after REST has ended the session of the one that was there."""
    return getUtility(IListManager).get_by_list_id(list_id)


def let_expire(token: str) -> None:
    """Let the time of a token be over."""
    store().execute(
        update(Pended)
        .where(Pended.token == token)
        .values(expiration_date=now() - timedelta(days=999))
        .execution_options(synchronize_session=False)
    )
    config.db.commit()


def command(mlist: Any, subaddress: str, raw: str, sender: str = READER) -> None:
    """Put a message where LMTP puts one to an address for commands."""
    msg = message(raw, sender)
    config.switchboards['command'].enqueue(
        msg, listid=mlist.list_id, subaddress=subaddress
    )

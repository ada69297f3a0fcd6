# SPDX-License-Identifier: GPL-3.0-or-later
"""What several rooms' tests need: people, posts and running a queue."""

from __future__ import annotations

import email
import os
from typing import Any

from mailman.config import config
from mailman.email.message import Message
from mailman.interfaces.member import MemberRole
from mailman.interfaces.usermanager import IUserManager
from mailman.utilities.datetime import now
from mailman.utilities.email import add_message_hash
from zope.component import getUtility

from qnet_mailman.model import digests
from qnet_mailman.model.lists import row_of
from qnet_mailman.roles import grants
from qnet_mailman.roles.people import Assignee, assign
from qnet_mailman.roles.projection import ROSTERS
from qnet_mailman.roles.rights import Identity, Role
from qnet_mailman.runners import command, incoming, pipeline, virgin
from qnet_mailman.runners.forms import FormsRunner


def text_of(msg: Any) -> str:
    """The text of a mail, which may have HTML beside it."""
    part = next(p for p in msg.walk() if p.get_content_type() == 'text/plain')
    return bytes(part.get_payload(decode=True)).decode().replace('\r\n', '\n')


def make_user(address: str, name: str = '', *, verified: bool = True) -> Any:
    """A user with one address."""
    user = getUtility(IUserManager).make_user(address, name)
    if verified:
        next(iter(user.addresses)).verified_on = now()
    return user


def add_address(user: Any, address: str, *, verified: bool = True) -> None:
    """A further address of a user."""
    user.register(address).verified_on = now() if verified else None


def subscribe(mlist: Any, address: str, role: MemberRole = MemberRole.member) -> Any:
    """Subscribe an address, known or not; for owners and moderators, appoint it."""
    manager = getUtility(IUserManager)
    found = manager.get_address(address)
    if found is None:
        make_user(address)
        found = manager.get_address(address)
    for ours, roster in ROSTERS.items():
        if role is roster and row_of(mlist) is not None:
            appoint(mlist, address, ours)
            return mlist.get_roster(role).get_member(address)
    return mlist.subscribe(found, role)


def appoint(
    mlist: Any, address: str, role: str = 'administrator', *, may_post: bool = False
) -> None:
    """Assign somebody to a list who has the role for it."""
    make_user(address)
    grants.approve(Identity.of(address), Role(role), email=address, silent=True)
    assign(mlist, Role(role), Assignee(address, may_post=may_post))


def message(raw: str | bytes, envelope_sender: str | None = 'x@example.net') -> Message:
    """A message as the LMTP runner makes it."""
    data = raw.encode() if isinstance(raw, str) else raw
    msg = email.message_from_bytes(data, Message)
    msg.set_unixfrom(envelope_sender)
    if 'message-id' not in msg:
        msg['Message-ID'] = '<m1@example.net>'
    msg.original_size = len(data)
    add_message_hash(msg)
    msg['X-MailFrom'] = envelope_sender or ''
    return msg


def post(mlist: Any, msg: Message) -> None:
    """Put a message where LMTP puts a post to a list."""
    config.switchboards['in'].enqueue(
        msg,
        listid=mlist.list_id,
        to_list=True,
        original_size=msg.original_size,
        received_time=now(strip_tzinfo=False),
    )
    config.db.commit()


RUNNERS = {
    'forms': FormsRunner,
    'in': incoming.IncomingRunner,
    'pipeline': pipeline.PipelineRunner,
    'command': command.CommandRunner,
    'virgin': virgin.VirginRunner,
}


def run(*names: str) -> None:
    """Work off queues, in this order."""
    for name in names:
        runner = RUNNERS[name](name)
        while runner._one_iteration():
            pass
    config.db.commit()


def queued(name: str) -> list[tuple[Message, dict[str, Any]]]:
    """What is in a queue; the queue keeps it."""
    switchboard = config.switchboards[name]
    found = []
    for filebase in switchboard.files:
        found.append(switchboard.dequeue(filebase))
    for filebase in switchboard.get_files('.bak'):
        path = f'{switchboard.queue_directory}/{filebase}'
        os.rename(path + '.bak', path + '.pck')
    return found


def digested(mlist: Any) -> list[Message]:
    """What waits for the next digest of a list."""
    return [
        email.message_from_bytes(content, Message)
        for _row, content in digests.waiting(mlist.list_id)
    ]


def empty(*names: str) -> None:
    """Throw away what is in queues."""
    for name in names:
        folder = config.switchboards[name].queue_directory
        for each in os.listdir(folder):
            os.unlink(os.path.join(folder, each))

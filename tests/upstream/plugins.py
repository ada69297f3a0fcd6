# SPDX-License-Identifier: GPL-3.0-or-later
"""A core with plugins of others beside ours, each of which does what it is for.

Usage: ``python -m tests.upstream.plugins FOLDER``.  The folder has a mailman.cfg; what
the plugins say goes to a server in this process.  Prints JSON: what each said, the
mails that went out, and what `mailman qnet check` finds.
"""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from unittest import mock

from mailman.app.lifecycle import create_list
from mailman.config import config
from mailman.interfaces.domain import IDomainManager
from mailman.interfaces.listmanager import IListManager
from mailman.interfaces.mailinglist import SubscriptionPolicy
from mailman.interfaces.subscriptions import ISubscriptionManager
from mailman.utilities.modules import find_name
from zope.component import getUtility

from qnet_mailman.health.looking import examine
from tests.helpers import make_user, subscribe
from tests.neighbour.doors import post
from tests.neighbour.walk import DOMAIN, Walk, walking

AUTHOR = 'ann@clinic.example.org'
READER = 'reader@else.example.net'
PASSWORD = 'only for this test'


@contextmanager
def hearing() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """An address to which events are posted, and those that were."""
    heard: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            heard.append(
                json.loads(self.rfile.read(int(self.headers['content-length'])))
            )
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(('127.0.0.1', 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f'http://127.0.0.1:{server.server_port}/', heard
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def on_a_list(walk: Walk, name: str, style: str) -> None:
    """Somebody joins, posts, leaves; a moderator accepts another by mail."""
    mlist = create_list(f'{name}@{DOMAIN}', style_name=style)
    mlist.send_welcome_message = mlist.send_goodbye_message = False
    subscribe(mlist, AUTHOR)
    subscribe(mlist, READER)
    # Everybody's posts are masked on ours (R7), and nobody's on the other.
    mlist.anonymous_list = name == 'ours'
    mlist.subscription_policy = SubscriptionPolicy.moderate
    mlist.moderator_password = config.password_context.encrypt(PASSWORD).encode()
    asker = make_user(f'asker-{name}@else.example.net')
    ISubscriptionManager(mlist).register(next(iter(asker.addresses)))
    config.db.commit()
    walk.mail(mlist.posting_address, post(f'post-{name}', mlist, AUTHOR), AUTHOR)
    command = post(
        f'accept-{name}', mlist, AUTHOR, subject=f'accept asker-{name}@else.example.net'
    )
    walk.mail(mlist.request_address, f'Approved: {PASSWORD}\n{command}', AUTHOR)
    walk.work_off()
    find_name(getattr(config, 'runner.archive')['class'])('archive')._one_iteration()
    mlist.members.get_member(READER).unsubscribe()
    config.db.commit()


def main() -> None:
    """See the module's docstring."""
    folder = Path(sys.argv[1])
    published: list[Any] = []
    with hearing() as (url, events):
        (folder / 'rest-event.cfg').write_text(f'[general]\nwebhook_url: {url}\n')
        with (
            # In place of a message broker.
            mock.patch('fedora_messaging.api.publish', published.append),
            walking(str(folder / 'mailman.cfg')) as walk,
        ):
            getUtility(IDomainManager).add(DOMAIN)
            on_a_list(walk, 'ours', 'qnet-discussion-public')
            on_a_list(walk, 'stock', 'legacy-default')
            found = {
                'events': events,
                'published': [message.body for message in published],
                'mails': [data.decode('latin-1') for _, _, data in walk.sink.mails],
                'check': [each.as_dict() for each in examine(web=False, mail=False)],
                'members': {name: members(name) for name in ('ours', 'stock')},
                'plugins': sorted(config.plugins),
                'rules': sorted(config.rules),
                'shunted': len(config.switchboards['shunt'].files),
            }
    json.dump(found, sys.stdout)


def members(name: str) -> list[str]:
    """The members of a list."""
    mlist = getUtility(IListManager).get(f'{name}@{DOMAIN}')
    return sorted(member.address.email for member in mlist.members.members)


if __name__ == '__main__':
    main()

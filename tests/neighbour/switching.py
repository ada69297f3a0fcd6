# SPDX-License-Identifier: GPL-3.0-or-later
"""A site with both kinds of lists, before, while and after the plugin is switched off.

Usage: ``python -m tests.neighbour.switching MAILMAN.CFG STAGE``, with the stages `on`,
`off` and `again` in processes of their own, as Mailman reads its configuration once.
Prints JSON: the mails that went out, the entries of each queue, and Mailman's log.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mailman.app.lifecycle import create_list
from mailman.app.moderator import handle_message
from mailman.interfaces.action import Action
from mailman.interfaces.domain import IDomainManager
from mailman.interfaces.listmanager import IListManager
from mailman.interfaces.requests import IListRequests
from mailman.utilities.modules import find_name
from zope.component import getUtility

from tests.helpers import subscribe
from tests.neighbour.doors import post
from tests.neighbour.steps import DSN
from tests.neighbour.walk import DOMAIN, QUEUES, Walk, walking

OURS = f'ours@{DOMAIN}'
STOCK = f'stock@{DOMAIN}'
AUTHOR = 'ann@clinic.example.org'


def on(walk: Walk) -> None:
    """Both lists, and what is in each queue when the plugin is switched off."""
    getUtility(IDomainManager).add(DOMAIN)
    for address, style in ((OURS, 'qnet-discussion-public'), (STOCK, 'legacy-default')):
        mlist = create_list(address, style_name=style)
        mlist.send_welcome_message = False
        mlist.admin_immed_notify = False
        for who in (AUTHOR, 'bob@clinic.example.org'):
            subscribe(mlist, who)
    walk.config.db.commit()
    _post(walk, 'held', sender='eve@else.example.net')
    _work_off(walk, 'in')
    _post(walk, 'on its way out')
    _work_off(walk, 'in', 'pipeline')
    _post(walk, 'decided')
    _work_off(walk, 'in')
    _post(walk, 'new')


def off(walk: Walk) -> None:
    """What comes in meanwhile; then each runner works its queue off, twice."""
    for address in (OURS, STOCK):
        mlist = getUtility(IListManager).get(address)
        [held] = IListRequests(mlist).held_requests
        handle_message(mlist, held.id, Action.accept)
    walk.config.db.commit()
    _post(walk, 'meanwhile')
    for address in (OURS, STOCK):
        mlist = getUtility(IListManager).get(address)
        report = DSN.format(to=mlist.bounces_address, number=1, address=AUTHOR)
        walk.mail(mlist.bounces_address, report, '')
        text = post(f'help-{mlist.list_name}', mlist, AUTHOR, subject='help')
        walk.mail(mlist.request_address, text, AUTHOR)
    for _ in range(2):
        _work_off(walk, *QUEUES)
        walk.periodic()


def again(walk: Walk) -> None:
    """All that waited is worked off."""
    walk.work_off()


STAGES: dict[str, Callable[[Walk], None]] = {'on': on, 'off': off, 'again': again}


def _post(walk: Walk, subject: str, sender: str = AUTHOR) -> None:
    for address in (OURS, STOCK):
        mlist = getUtility(IListManager).get(address)
        name = f'{subject.replace(" ", "-")}-{mlist.list_name}'
        walk.mail(address, post(name, mlist, sender, subject=subject), sender)


def _work_off(walk: Walk, *queues: str) -> None:
    for name in queues:
        runner = find_name(getattr(walk.config, f'runner.{name}')['class'])(name)
        runner._one_iteration()
        walk.config.db.commit()


def main() -> None:
    """See the module's docstring."""
    with walking(sys.argv[1]) as walk:
        STAGES[sys.argv[2]](walk)
        config: Any = walk.config
        found = {
            'mails': [data.decode('latin-1') for _, _, data in walk.sink.mails],
            'lmtp': walk.notes,
            'queues': {
                name: len(board.files)
                for name, board in config.switchboards.items()
                if board.files
            },
            'log': '\n'.join(
                path.read_text('utf-8') for path in Path(config.LOG_DIR).glob('*.log')
            ),
        }
    json.dump(found, sys.stdout)


if __name__ == '__main__':
    main()

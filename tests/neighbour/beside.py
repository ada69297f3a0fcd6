# SPDX-License-Identifier: GPL-3.0-or-later
"""A list of Mailman's own style for 35 days, and where there is the plugin one of ours.

What goes to people of ours is told apart by their domain, so that the rest can be
compared with a site that has no such list.
"""

from __future__ import annotations

import re
from typing import Any

from mailman.app.lifecycle import create_list
from mailman.interfaces.listmanager import IListManager
from zope.component import getUtility

from tests.neighbour.doors import KEPT, ask_to_join, make_list, note, post
from tests.neighbour.steps import DSN
from tests.neighbour.walk import BESIDE, DOMAIN, Walk
from tests.rest.client import ask

DAYS = 35
WEEK = 7


class Ours:
    """A list of ours, with its own business; nothing where the plugin is not."""

    def __init__(self, walk: Walk) -> None:
        self.walk = walk
        self.is_there = 'qnet' in walk.config.plugins
        self.names: Any = None

    def begin(self) -> None:
        """Make it."""
        if not self.is_there:
            return
        mlist = create_list(f'beside@{DOMAIN}', (), 'qnet-discussion-public')
        mlist.send_welcome_message = False
        mlist.digest_size_threshold = 1000
        self.names = type('Names', (), {name: getattr(mlist, name) for name in KEPT})
        self.walk.config.db.commit()
        for name in ('writer', 'gone', 'digest'):
            ask_to_join(self.names, f'{name}{BESIDE}')
        path = f'lists/beside.{DOMAIN}/member/digest{BESIDE}'
        member = ask('GET', path).json['member_id']
        ask('PATCH', f'members/{member}', {'delivery_mode': 'mime_digests'})

    def day(self, day: int) -> None:
        """A post each day, a report of each copy that bounces, and a digest a week."""
        if not self.is_there:
            return
        notes, self.walk.notes = self.walk.notes, []
        writer = f'writer{BESIDE}'
        text = post(f'ours{day}', self.names, writer)
        self.walk.mail(self.names.posting_address, text, writer)
        self.walk.work_off()
        for sender, to, _data in list(self.walk.sink.mails):
            if to == (f'gone{BESIDE}',) and sender.startswith('bounces+'):
                report = DSN.format(to=sender, number=f'ours{day}', address=to[0])
                self.walk.mail(sender, report, '')
        if day % WEEK == WEEK - 1:
            ask('POST', f'lists/beside.{DOMAIN}/digest', {'send': 'True'})
        assert all('250' in one for one in self.walk.notes), self.walk.notes
        self.walk.notes = notes

    def members(self) -> list[str]:
        """Who is there, and how."""
        if not self.is_there:
            return []
        mlist = getUtility(IListManager).get(f'beside@{DOMAIN}')
        return sorted(
            f'{member.address.email.partition("@")[0]} {member.delivery_status.name}'
            for member in mlist.members.members
        )


def side_by_side(walk: Walk, style: str) -> None:
    """Both kinds of list, day by day; what became of ours is in `walk.of_ours`."""
    mlist = make_list(walk, style, 'days', bounce_score_threshold=5)
    ours = Ours(walk)
    ours.begin()
    for one in ('ann', 'bob', 'cleo'):
        ask_to_join(mlist, f'{one}@clinic.example.org', one.title())
    path = f'lists/{mlist.list_id}/member/cleo@clinic.example.org'
    member = ask('GET', path).json['member_id']
    ask('PATCH', f'members/{member}', {'delivery_mode': 'mime_digests'})
    for day in range(DAYS):
        walk.beside.clear()
        with walk.step(f'{style}, side by side, day {day}', mlist):
            ours.day(day)
            text = post(f'{style}day{day}', mlist, 'ann@clinic.example.org')
            walk.mail(mlist.posting_address, text, 'ann@clinic.example.org')
            report = DSN.format(
                to=mlist.bounces_address,
                number=f'{style}day{day}',
                address='bob@clinic.example.org',
            )
            walk.mail(mlist.bounces_address, report, '')
            if day % WEEK == WEEK - 1:
                fields = {'send': 'True', 'bump': 'True'}
                note(walk, ask('POST', f'lists/{mlist.list_id}/digest', fields))
            walk.work_off()
            walk.periodic()
        mails = sorted(
            f'{to[0].partition("@")[0]}: {_subject(data)}'
            for _sender, to, data in walk.beside
        )
        walk.of_ours.append((ours.members(), mails))
        walk.forward(days=1)


def _subject(data: bytes) -> str:
    found = re.search(rb'^Subject: (.*)$', data, re.M)
    return '' if found is None else found[1].decode().strip()

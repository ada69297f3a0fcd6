# SPDX-License-Identifier: GPL-3.0-or-later
"""Masking on lists of other styles, where a site wants it (R7 to R10, R40)."""

from __future__ import annotations

from typing import Any

import pytest
from mailman.config import config
from mailman.interfaces.archiver import ArchivePolicy
from mailman.interfaces.mailinglist import IListArchiverSet
from mailman.interfaces.member import MemberRole

from qnet_mailman.model.audit import QNetAudit
from qnet_mailman.model.base import store
from tests.effort import effort
from tests.helpers import empty, message, post, queued, run, subscribe
from tests.lists import list_of_another_style

OWNER = 'pat@agency.example.gov'
MEMBER = 'lee@example.org'
TRACES = (b'pat@agency', b'Pat Example', b'laptop7', b'192.0.2.77', b'PatMail')


@pytest.fixture
def stock(core: Any) -> Any:
    mlist = list_of_another_style(
        members=[MEMBER, 'reader@example.net'],
        subject_prefix='[Stock] ',
        archive_policy=ArchivePolicy.public,
        digest_size_threshold=100,
    )
    subscribe(mlist, OWNER, MemberRole.owner)
    subscribe(mlist, OWNER)
    IListArchiverSet(mlist).get('prototype').is_enabled = True
    config.db.commit()
    return mlist


def through_the_pipeline(mlist: Any, author: str, more: str = '') -> bytes:
    """A post to the list; the copy in the `out` queue."""
    text = (
        'Received: from laptop7.agency.example.gov ([192.0.2.77]) by mx.example.gov\n'
        f'From: Pat Example <{author}>\nTo: {mlist.posting_address}\n'
        f'Subject: News\nMessage-ID: <m1@laptop7.agency.example.gov>\n'
        'Date: Mon, 02 Mar 2026 11:00:00 +0000\nUser-Agent: PatMail\n'
        f'Return-Receipt-To: {author}\n{more}\nHello.\n'
    )
    empty('out', 'archive')
    post(mlist, message(text, author))
    run('in', 'pipeline')
    assert not queued('shunt')
    ((msg, _msgdata),) = queued('out')
    data: bytes = msg.as_bytes()
    return data


def of_no_time(data: bytes) -> list[bytes]:
    return [line for line in data.splitlines() if not line.startswith(b'Message-ID')]


def test_only_posts_that_are_masked_change(
    stock: Any, configure: Any, core: Any
) -> None:
    as_mailman_does = through_the_pipeline(stock, MEMBER)
    configure(other_lists_mask='administrators')
    assert through_the_pipeline(stock, MEMBER) == as_mailman_does
    configure(other_lists_mask='everyone')
    masked = through_the_pipeline(stock, MEMBER)
    assert MEMBER.encode() not in masked
    configure()
    assert through_the_pipeline(stock, MEMBER) == as_mailman_does


def test_no_copy_nor_archive_nor_digest_tells_the_sender(
    stock: Any, configure: Any, core: Any
) -> None:
    configure(other_lists_mask='administrators', poster_authentication='off')
    stock.members.get_member(OWNER).preferences.acknowledge_posts = True
    copy = through_the_pipeline(stock, OWNER)
    ((archived, _),) = queued('archive')
    digest = (core.var / 'lists' / stock.list_id / 'digest.mmdf').read_bytes()
    for data in (copy, archived.as_bytes(), digest):
        assert b'From: "Stock" <stock@lists.example.gov>' in data
        assert not [trace for trace in TRACES if trace in data]
    # What Mailman's pipeline does to any post, it does to this.
    for field in (
        b'Subject: [Stock] News',
        b'Precedence: list',
        b'List-Unsubscribe: <mailto:stock-leave@lists.example.gov>',
    ):
        assert field in copy
    # Who wrote it is known, for operators; and it was acknowledged to them.
    [row] = store().query(QNetAudit).filter_by(action='post masked')
    assert (row.actor, row.list_id) == (OWNER, stock.list_id)
    assert [msg['to'] for msg, _ in queued('virgin')] == [OWNER]


def test_each_recipient_costs_nothing_more(
    stock: Any, configure: Any, core: Any
) -> None:
    def cost(mask: str) -> int:
        configure(other_lists_mask=mask)
        with effort() as spent:
            through_the_pipeline(stock, MEMBER)
        return len(spent.statements)

    cost('everyone')
    more = cost('everyone') - cost('off')
    for number in range(10):
        subscribe(stock, f'reader{number}@example.net')
    config.db.commit()
    assert cost('everyone') - cost('off') == more

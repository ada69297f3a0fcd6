# SPDX-License-Identifier: GPL-3.0-or-later
"""The attack: a post built so that some part of Mailman fails at it.

Any post ends somewhere: delivered, held, or sent back.  None waits in a queue that
nobody empties.
"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from mailman.interfaces.mime import FilterAction

from qnet_mailman.model.lists import set_mask
from qnet_mailman.values import Mask
from tests.attacks.posts.test_charsets import MEMBER, send_digest
from tests.helpers import empty, message, post, queued, run
from tests.masking.test_masking_properties import FROM
from tests.masking.test_masking_properties import message as any_post

pytestmark = pytest.mark.mlist(
    'discussion',
    members=[MEMBER],
    mask=Mask.off,
    digest_size_threshold=0,
    filter_action=FilterAction.discard,
    require_explicit_destination=False,
)


@pytest.mark.parametrize('filters', [False, True])
def test_any_structure(mlist: Any, filters: bool) -> None:
    mlist.filter_content = filters
    mlist.convert_html_to_plaintext = False

    @settings(max_examples=25, suppress_health_check=list(HealthCheck), deadline=None)
    @given(any_post)
    def check(data: bytes) -> None:
        empty('in', 'pipeline', 'out', 'archive', 'virgin', 'digest', 'shunt')
        head = f'From: {MEMBER}\nTo: {mlist.fqdn_listname}\n'.encode()
        try:
            msg = message(head + data.replace(FROM, b''), MEMBER)
        except AttributeError:
            # LMTP refuses what has a Message-ID of 8-bit bytes (554).
            return
        post(mlist, msg)
        run('in', 'pipeline')
        assert not queued('shunt')
        send_digest(mlist)
        assert not queued('shunt')

    check()


@pytest.mark.parametrize('depth', [10, 60, 150])
@pytest.mark.parametrize('kind', ['multipart/mixed', 'message/rfc822'])
@pytest.mark.parametrize('mask', [Mask.off, Mask.everyone])
def test_parts_in_parts(mlist: Any, depth: int, kind: str, mask: Mask) -> None:
    set_mask(mlist, mask)
    data = b'From: ' + MEMBER.encode() + b'\r\nSubject: Deep\r\n'
    for level in range(depth):
        if kind == 'message/rfc822':
            data += b'Content-Type: message/rfc822\r\n\r\nSubject: Deeper\r\n'
        else:
            data += b'Content-Type: multipart/mixed; boundary=b%d\r\n\r\n' % level
            data += b'--b%d\r\n' % level
    post(mlist, message(data + b'\r\nHello.\r\n', MEMBER))
    run('in', 'pipeline')
    assert not queued('shunt')
    assert queued('out') or queued('virgin')
    if queued('out'):
        send_digest(mlist)
        assert not queued('shunt')


@pytest.mark.parametrize('name', ['Reply-To', 'Cc', 'Sender'])
@pytest.mark.parametrize('value', ['jö@b.test', 'Jö <j@b.test>, Kö <kö@b.test>', 'ö'])
def test_addresses_of_raw_bytes(mlist: Any, name: str, value: str) -> None:
    mlist.dmarc_mitigate_unconditionally = True
    head = f'From: {MEMBER}\r\nTo: {mlist.fqdn_listname}\r\nSubject: News\r\n'
    data = f'{head}{name}: {value}\r\n\r\nHello.\r\n'
    post(mlist, message(data.encode(), MEMBER))
    run('in', 'pipeline')
    assert not queued('shunt')
    ((copy, _data),) = queued('out')
    written = copy.as_string()
    assert MEMBER in written and ('j@b.test' in written) == (
        '<j@b.test>' in value and name != 'Sender'
    )
    assert copy['Reply-To']


@pytest.mark.parametrize(
    'lines',
    [
        b'Subject: \xa0\r\n\x0b\r\n',
        b'Subject: =?utf-8?q?=20?=\r\n',
        b'Subject:\r\n \r\n',
        b'Content-Transfer-Encoding: \xff\r\n',
        b'Content-Transfer-Encoding: x-unknown\r\n',
        b'Content-Type: \xe9\xe9\r\n',
        b'Content-Type: text/plain; charset=us-ascii\r\nContent-Type: text/html\r\n',
        b"Content-Type: text/plain; charset*=idna''idna\r\n",
        b"Content-Type: text/plain; name*0*=idna''%E9; name*x=\r\n",
        b'Date: Xyz, 99 Abc 0000 99:99:99 +99999999\r\n',
        b'Date: \xff\r\n',
        b'Cc: =?idna?q?x?= <a@b.test>, =?x-unknown?b?//?= <c@d.test>\r\n',
        b'To: =?undefined?q?x?= <a@b.test>\r\n',
        b'List-Id: \xff\r\nList-Post: =?\xff?q?x?=\r\nX-Mailman-Version: \xff\r\n',
        b'References: \xff <a@b>\r\nIn-Reply-To: =?idna?q?x?=\r\n',
        b'Mime-Version: \xff\r\n',
        b'Keywords: =?idna?q?x?=\r\nContent-Description: =?idna?b?/?=\r\n',
        b'Precedence: =?idna?q?x?=\r\nAuto-Submitted: \xff\r\n',
        b'DKIM-Signature: \xff\r\nAuthentication-Results: \xff\r\n',
    ],
)
@pytest.mark.parametrize('filters', [False, True])
def test_odd_fields(mlist: Any, lines: bytes, filters: bool) -> None:
    mlist.filter_content = filters
    head = b'From: ' + MEMBER.encode() + b'\r\nMessage-ID: <1@b.test>\r\n'
    if not lines.startswith(b'To:'):
        head += b'To: ' + mlist.fqdn_listname.encode() + b'\r\n'
    post(mlist, message(head + lines + b'\r\nGr\xfc\xdfe.\r\n', MEMBER))
    run('in', 'pipeline')
    assert not queued('shunt')
    if queued('out'):
        send_digest(mlist)
        assert not queued('shunt')

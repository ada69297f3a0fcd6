# SPDX-License-Identifier: GPL-3.0-or-later
"""The attack: a reader uses, over SMTP, what a member quotes, over LMTP (R39)."""

from __future__ import annotations

from qnet_mailman.demo.site import Site
from tests.attacks.posts.test_lists_as_members import rosters
from tests.attacks.posts.test_mail_loops import AUTHOR, make_list, news
from tests.attacks.stranger import links_in

VICTIM = 'victim@hospital.test'


def test_forwarded_with_its_header_fields(site: Site) -> None:
    talk = make_list(site, 'quoting', 'off', [VICTIM, AUTHOR])
    site.lmtp_send(AUTHOR, talk, news(talk, 'quoted'))
    (got,) = site.delivered(
        lambda mail: VICTIM in mail.recipients and 'quoted' in mail.subject
    )
    tokens = links_in(got.data)
    assert tokens
    head = (
        f'From: {VICTIM}\r\nTo: {talk}\r\nSubject: Fwd: quoted\r\n'
        'Message-ID: <2@hospital.test>\r\nMIME-Version: 1.0\r\n'
        'Content-Type: multipart/mixed; boundary=b\r\n\r\n'
        '--b\r\n\r\nSee below.\r\n--b\r\nContent-Type: message/rfc822\r\n\r\n'
    )
    site.lmtp_send(VICTIM, talk, head.encode() + got.data + b'\r\n--b--\r\n')
    (copy,) = site.delivered(
        lambda mail: AUTHOR in mail.recipients and 'Fwd: quoted' in mail.subject
    )
    site.wait_idle()
    files = [path for path in site.var.glob('archives/**/*') if path.is_file()]
    archived = [data for path in files if b'Fwd: quoted' in (data := path.read_bytes())]
    assert archived
    for data in (copy.data, *archived):
        assert b'See below.' in data
        assert b'unsubscribe%20' + b'x' * 72 in data.replace(b'=\r\n', b'')
        assert not links_in(data) & tokens
    # Tried all the same, but for the reader's own.
    found = {one for data in (copy.data, *archived) for one in links_in(data)}
    for token in found - links_in(str(copy.message['List-Unsubscribe']).encode()):
        raw = f'From: {AUTHOR}\r\nTo: x\r\nSubject: unsubscribe {token}\r\n\r\n\r\n'
        site.lmtp_send(AUTHOR, talk.replace('@', '-leave@'), raw.encode())
    site.wait_idle()
    assert sorted(rosters(site, talk)[0]) == sorted([VICTIM, AUTHOR])
    assert not site.queued('shunt'), site.log_tails()

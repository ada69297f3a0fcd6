# SPDX-License-Identifier: GPL-3.0-or-later
"""The attack: a header that speaks for the list, or says where its author sits.

From LMTP to the copy that a reader gets, and to the archive.
"""

from __future__ import annotations

import email
import re
from email.utils import parsedate_to_datetime

from qnet_mailman.demo.site import Site
from tests.end_to_end.conftest import LIST, POSTER, READER

POST = f"""\
From: Pat Poster <{POSTER}>
To: {LIST}
Subject: Foreign fields
Message-ID: <foreign@laptop7.agency.test>
Date: the day before yesterday
X-No-Archive: yes
List-Id: Others <others.other.test>
List-Archive: <https://other.test/archive>
List-Unsubscribe: <https://other.test/leave>
List-Software: other.test
Archived-At: <https://other.test/1>
MIME-Version: 1.0
Content-Type: multipart/related; boundary=b

--b
Content-Type: text/html; charset=utf-8

<p>Hello <img src="cid:logo@laptop7.agency.test">
<img src="http://intranet.agency.test/plan.png">
--b
Content-Type: image/png
Content-ID: <logo@laptop7.agency.test>

one
--b
Content-Type: image/png
Content-Location: http://intranet.agency.test/plan.png

two
--b--
"""


def test_from_lmtp_to_copy_and_archive(site: Site) -> None:
    mark = len(site.messages())
    site.lmtp_send(POSTER, LIST, POST.replace('\n', '\r\n').encode())
    (mail,) = site.delivered(
        lambda mail: mail.number > mark and READER in mail.recipients, count=1
    )
    site.wait_idle()
    assert not site.queued('shunt'), site.log_tails()
    for trace in (b'other.test', b'laptop7', b'intranet'):
        assert trace not in mail.data
    copy = email.message_from_bytes(mail.data)
    assert parsedate_to_datetime(copy['Date'])
    assert len(copy.get_all('List-Id')) == 1
    page, *images = copy.get_payload()
    text = page.get_payload(decode=True).decode()
    shown = re.findall(r'src="cid:([^"]+)"', text)
    assert shown == [image['Content-ID'].strip('<>') for image in images]
    kept = list((site.var / 'archives').rglob('new/*'))
    assert not [path for path in kept if b'Foreign fields' in path.read_bytes()]

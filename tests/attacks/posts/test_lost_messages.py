# SPDX-License-Identifier: GPL-3.0-or-later
"""The accident: a moderator accepts what a restored site has no text of any more.

Stock Mailman sends "The content of this message was lost" to the whole list, and the
request is gone (R33).
"""

from __future__ import annotations

import shutil
from urllib.error import HTTPError

import pytest
from mailmanclient import Client

from qnet_mailman.demo.site import Site
from tests.end_to_end.conftest import LIST


def test_it_is_refused_in_words_and_stays(site: Site) -> None:
    raw = f'From: strange@agency.test\r\nTo: {LIST}\r\nSubject: Lost\r\n\r\nText.\r\n'
    site.lmtp_send('strange@agency.test', LIST, raw.encode())
    site.wait_idle()
    # As Postorius asks.
    client = Client(f'{site.rest_url}/3.1', site.rest_user, site.rest_password)
    mlist = client.get_list(LIST)
    (held,) = [each for each in mlist.get_held_page(50) if each.subject == 'Lost']
    shutil.rmtree(site.var / 'messages')
    (site.var / 'messages').mkdir()
    mark = len(site.messages())
    for _ in range(2):
        with pytest.raises(HTTPError) as refused:
            mlist.accept_message(held.request_id)
        assert refused.value.code == 409
        # Postorius shows this to the moderator.
        assert 'The text of this message is gone' in str(refused.value)
        assert any(each.subject == 'Lost' for each in mlist.get_held_page(50))
    site.wait_idle()
    assert [mail for mail in site.messages()[mark:] if 'lost' in mail.subject] == []
    assert not site.queued('shunt'), site.log_tails()
    assert mlist.discard_message(held.request_id).status_code == 204
    assert not any(each.subject == 'Lost' for each in mlist.get_held_page(50))

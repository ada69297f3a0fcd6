# SPDX-License-Identifier: GPL-3.0-or-later
"""All mails of the service say who they are from, and have HTML beside their text."""

from __future__ import annotations

from email.mime.text import MIMEText
from typing import Any

from mailman.email.message import UserNotification

from qnet_mailman.templates.sending import send
from tests.helpers import queued, run, text_of


def test_mail_about_a_list_names_the_list(mlist: Any) -> None:
    mlist.display_name = 'Qualität'
    send(
        mlist,
        'ana@example.net',
        'list:user:notice:goodbye',
        'Tschüß & goodbye',
        {'user_email': 'ana@example.net', 'how_to_join': ''},
        sender='confirm+0a@lists.example.gov',
    )
    run('virgin')
    ((msg, _),) = queued('out')
    assert msg['from'] == '=?utf-8?b?UXVhbGl0w6R0?= <confirm+0a@lists.example.gov>'
    assert msg.get_content_type() == 'multipart/alternative'
    assert text_of(msg).endswith('\n-- \nQualityNet Mailer\n')
    page = msg.get_payload(1).get_payload(decode=True).decode()
    assert page.startswith('<!DOCTYPE html>\n<html lang="en">')
    assert '<title>Tschüß &amp; goodbye</title>' in page
    assert '<p>You are no longer subscribed to the mailing list &quot;Qualität' in page
    assert '$' not in page


def test_attachments_stay(mlist: Any) -> None:
    table = MIMEText('a,b\n', 'csv', 'utf-8')
    send(
        None,
        'ana@example.net',
        'qnet:requester:notice:forms-approved',
        'Done',
        {'requests': '  QM-000001'},
        attachments=[table],
    )
    ((msg, _),) = queued('out')
    assert msg['from'] == 'QualityNet Mailer <help@example.gov>'
    kinds = [part.get_content_type() for part in msg.walk()]
    assert kinds == [
        *('multipart/mixed', 'multipart/alternative', 'text/plain', 'text/html'),
        'text/csv',
    ]
    assert text_of(msg).count('MIME-Version') == 0


def test_a_name_and_html_that_are_there_stay(mlist: Any) -> None:
    notice = UserNotification(
        'ana@example.net', 'Ana <ana@example.org>', 'Hello', '<p>Hello</p>'
    )
    notice.set_type('text/html')
    notice.send(mlist)
    run('virgin')
    ((msg, _),) = queued('out')
    assert msg['from'] == 'Ana <ana@example.org>'
    assert msg.get_payload() == '<p>Hello</p>'


def test_the_agency_stands_below(mlist: Any, configure: Any) -> None:
    configure(
        service_name='Mailer & more',
        agency='Agency of Examples',
        agency_links='\n  Privacy policy: https://agency.example.gov/privacy\n'
        '  No FEAR Act: https://agency.example.gov/no-fear',
    )
    send(mlist, 'ana@example.net', 'list:user:notice:goodbye', 'Bye', {})
    run('virgin')
    ((msg, _),) = queued('out')
    assert text_of(msg).endswith(
        '\n-- \nMailer & more\nAgency of Examples\n\n'
        '  Privacy policy: https://agency.example.gov/privacy\n'
        '  No FEAR Act: https://agency.example.gov/no-fear\n'
    )
    page = msg.get_payload(1).get_payload(decode=True).decode()
    assert 'href="https://agency.example.gov/no-fear">No FEAR Act</a>' in page
    assert '<header class="from">Mailer &amp; more</header>' in page

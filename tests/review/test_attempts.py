# SPDX-License-Identifier: GPL-3.0-or-later
"""Every mail with an attempt at a form gets an answer that says what to do."""

from __future__ import annotations

from email.message import EmailMessage

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qnet_mailman.forms import attempts
from qnet_mailman.model.requests import OPEN
from qnet_mailman.review import requests
from tests.helpers import text_of
from tests.provisioning.samples import EXAMPLES
from tests.review.senders import SENDER, answers, form, mail, take_in

COPIED = """\
Your name (required): Pat Example
Your e-mail address (required): pat@agency.example.gov
Are the members to be told? (required) Yes
"""
BODY = """\
I would like to have a list.

Requester name: Pat Example
E-mail: pat@agency.example.gov
List name: hqr-updates
Display_name: HQR Updates
"""


def typed_in(text: str, subtype: str = 'plain') -> EmailMessage:
    message = mail()
    message.set_content(text, subtype=subtype)
    return message


@pytest.mark.parametrize(
    ('message', 'told'),
    [
        (mail(('Form.XLS', b'\xd0\xcf\x11\xe0')), 'save it as "Excel Workbook'),
        (mail(('form.ods', b'PK')), 'save it as "Excel Workbook'),
        (mail(('request.docx', b'PK\x03\x04')), 'has a text document'),
        (mail(('forms.zip', b'PK\x03\x04')), 'has a packed file'),
        (mail(('scan.jpg', b'\xff\xd8' * 100_000)), 'has a picture'),
        (mail(('people.csv', b'email\na@example.org\n')), 'is none of our forms'),
        (mail(('._Form.xlsx', attempts.APPLE_DOUBLE)), 'is none of our forms'),
        (typed_in(BODY), 'to have a form in its text'),
        (typed_in(COPIED), 'to have a form in its text'),
        (typed_in(f'<p>{BODY.replace(chr(10), "<br>")}', 'html'), 'a form in its text'),
    ],
)
def test_each_attempt_is_answered_with_what_to_do(
    message: EmailMessage, told: str
) -> None:
    # A mail without any had its answer today.
    take_in(mail(message_id='<first@agency.example.gov>'))
    for number in (1, 2):
        message.replace_header('Message-ID', f'<again{number}@agency.example.gov>')
        take_in(message)
    assert not requests.of(OPEN)
    assert [str(each['to']) for each in answers()] == 3 * [SENDER]
    first, *others = (' '.join(text_of(each).split()) for each in answers())
    assert told not in first
    for text in others:
        assert told in text and 'found no form in it' in text
        # Nothing of what was sent: the address may be somebody else's.
        assert 'hqr-updates' not in text and 'again' not in text


def test_answers_to_attempts_have_a_limit() -> None:
    for number in range(8):
        message_id = f'<form{number}@agency.example.gov>'
        take_in(mail(('form.xls', b'\xd0'), message_id=message_id))
    # unproven_mails_per_day: nothing shows that they are the sender's.
    assert len(answers()) == 5


def test_the_other_half_of_a_file_is_no_form() -> None:
    content = (EXAMPLES / 'list-request.xlsx').read_bytes()
    twin = attempts.APPLE_DOUBLE + b'\x00\x02\x00\x00Mac OS X        '
    take_in(mail(('._Form.xlsx', twin), ('Form.xlsx', content), ('Form.xlsx', twin)))
    [(request, _submission)] = requests.of(OPEN)
    assert (request.place, request.mistakes) == ('Form.xlsx', 0)


def test_a_form_that_was_typed_in_beside_an_attached_one_is_a_remark() -> None:
    message = mail()
    message.set_content(BODY)
    message.add_attachment(
        form(), maintype='application', subtype='yaml', filename='a.yaml'
    )
    take_in(message)
    assert len(requests.of(OPEN)) == 1 and len(answers()) == 1


@given(st.binary(max_size=200), st.text(max_size=12), st.binary(max_size=40))
def test_no_mail_breaks_the_look(mail: bytes, name: str, content: bytes) -> None:
    assert isinstance(attempts.what_was_tried(mail, [(name, content)]), str)

# SPDX-License-Identifier: GPL-3.0-or-later
"""Content filters take what they name, and nothing else."""

from __future__ import annotations

import base64
import email
from typing import Any

import pytest
from mailman.config import config
from mailman.interfaces.mime import FilterAction

from qnet_mailman.values import Mask
from tests.helpers import message, post, queued, run

MEMBER = 'lee@example.org'
PDF = b'%PDF-1.7\n\xe2\xe3\xcf\xd3 \xff\x00\x01'

pytestmark = pytest.mark.mlist(
    'discussion',
    members=[MEMBER],
    mask=Mask.off,
    filter_content=True,
    collapse_alternatives=True,
    filter_action=FilterAction.discard,
)


def sent(mlist: Any, body: str) -> Any:
    head = f'From: {MEMBER}\nTo: {mlist.fqdn_listname}\nSubject: News\n'
    post(mlist, message(f'{head}MIME-Version: 1.0\n{body}', MEMBER))
    run('in', 'pipeline')
    assert not queued('shunt')
    ((copy, _data),) = queued('out')
    return email.message_from_bytes(copy.as_bytes())


def types(msg: Any) -> list[str]:
    return [part.get_content_type() for part in msg.walk()]


INVITATION = (
    'Content-Type: multipart/alternative; boundary=b\n\n'
    '--b\n\nCome.\n--b\nContent-Type: text/html\n\n<p>Come.\n'
    '--b\nContent-Type: text/calendar; method=REQUEST\n\nBEGIN:VCALENDAR\n--b--\n'
)
FILE = (
    'Content-Type: application/pdf; name=plan.pdf\n'
    'Content-Transfer-Encoding: base64\n\n' + base64.encodebytes(PDF).decode()
)


def test_empty_lists_take_nothing(mlist: Any) -> None:
    copy = sent(mlist, INVITATION)
    assert types(copy) == [
        'multipart/alternative',
        'text/plain',
        'text/html',
        'text/calendar',
    ]


def test_a_new_list_loses_no_alternative(make_list: Any) -> None:
    assert make_list('discussion').collapse_alternatives is False


@pytest.mark.parametrize('around', ['{}', 'Content-Type: multipart/mixed; boundary=a'])
def test_where_alternatives_collapse_an_invitation_stays(
    mlist: Any, around: str
) -> None:
    mlist.filter_extensions = ['exe']
    body = INVITATION
    if around != '{}':
        body = f'{around}\n\n--a\n{INVITATION}\n--a\n{FILE}\n--a--\n'
    copy = sent(mlist, body)
    assert 'text/calendar' in types(copy) and 'text/html' not in types(copy)
    assert 'Come.' in copy.as_string()


def test_without_an_invitation_the_first_is_left(mlist: Any) -> None:
    mlist.filter_extensions = ['exe']
    copy = sent(
        mlist,
        'Content-Type: multipart/alternative; boundary=b\n\n'
        '--b\nContent-Type: text/plain; charset=utf-8\n'
        'Content-Transfer-Encoding: quoted-printable\n\nGr=C3=BC=C3=9Fe.\n'
        '--b\nContent-Type: text/html\n\n<p>x\n--b--\n',
    )
    assert types(copy) == ['text/plain']
    assert copy.get_payload(decode=True).decode().strip() == 'Grüße.'


@pytest.mark.parametrize('report', ['no', 'yes'])
@pytest.mark.parametrize(
    'parts', [[FILE], ['\n', FILE], ['Content-Type: text/x-exe; name=a.exe\n\nx', FILE]]
)
def test_a_file_by_itself_comes_as_it_was(
    mlist: Any, parts: list[str], report: str
) -> None:
    mlist.filter_extensions = ['exe']
    config.push('report', f'[mailman]\nfilter_report: {report}\n')
    try:
        middle = ''.join(f'--b\n{part}\n' for part in parts)
        copy = sent(
            mlist, f'Content-Type: multipart/mixed; boundary=b\n\n{middle}--b--\n'
        )
    finally:
        config.pop('report')
    (file,) = [p for p in copy.walk() if p.get_content_type() == 'application/pdf']
    assert file.get_payload(decode=True) == PDF
    assert file.get_filename() == 'plan.pdf'


@pytest.mark.parametrize(
    'body',
    [
        'Content-Type: multipart/alternative; boundary=b\n\nNo parts.\n',
        'Content-Type: multipart/mixed; boundary=a\n\n--a\n'
        'Content-Type: multipart/alternative; boundary=b\n\nNo parts.\n--a--\n',
    ],
)
def test_what_has_no_parts_is_a_text(mlist: Any, body: str) -> None:
    mlist.filter_extensions = ['exe']
    assert 'No parts.' in sent(mlist, body).as_string()


def test_what_a_filter_names_is_taken(mlist: Any) -> None:
    mlist.filter_types = ['text/html']
    assert 'text/html' not in types(sent(mlist, INVITATION))

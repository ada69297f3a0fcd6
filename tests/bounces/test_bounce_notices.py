# SPDX-License-Identifier: GPL-3.0-or-later
"""What administrators are told about bounces, once a cycle (R20, R23)."""

from __future__ import annotations

import csv
import email
import io
from datetime import datetime, timedelta
from typing import Any
from unittest.mock import patch
from zoneinfo import ZoneInfo

import pytest
from mailman.app.lifecycle import remove_list
from mailman.config import config
from mailman.interfaces.bounce import UnrecognizedBounceDisposition
from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError

from qnet_mailman.bounces import notice_table, notices
from qnet_mailman.bounces.notice_table import Event, Row, as_csv, cell, table
from qnet_mailman.bounces.notices import note
from qnet_mailman.model import keys
from qnet_mailman.model.base import store
from qnet_mailman.model.bounces import QNetBounceNotice
from qnet_mailman.mta.wire import on_the_wire
from qnet_mailman.subscriptions import one_click
from tests.bounces.rounds import steps_and_cycle
from tests.expected import require_expected
from tests.helpers import appoint, queued, subscribe

START = datetime(2026, 1, 5, 15, 30)
OWNER = 'pat@agency.example.gov'
REPORT = (
    b'From: MAILER-DAEMON@example.net\nSubject: Returned mail\n'
    b'Content-Type: multipart/report; boundary=x\n\n--x\n\nNo such user.\n--x--\n'
)

pytestmark = pytest.mark.mlist(
    administrators=[OWNER], moderators=['mod@agency.example.gov']
)


def bounced(mlist: Any, number: int = 1, event: Event = Event.bounced) -> None:
    """Events about so many addresses."""
    who = 'reader' if event is Event.bounced else event.value
    for each in range(number):
        note(
            mlist,
            event,
            email=f'{who}{each}@example.net',
            kind='soft',
            reason='mailbox full',
            evidence='452 4.2.2 mailbox full',
            half_score=3,
            report=REPORT + b'%s %d\n' % (event.encode(), each),
            now=START,
        )
    config.db.commit()


def sent() -> list[tuple[Any, set[str]]]:
    return [(msg, data['recipients']) for msg, data in queued('virgin')]


def the_one() -> tuple[Any, set[str], str]:
    """The only message there is; to whom; its text."""
    ((msg, recipients),) = sent()
    text = msg.get_payload(0).get_payload(decode=True).decode()
    return msg, recipients, text


def cells(msg: Any) -> list[list[str]]:
    (part,) = [p for p in msg.walk() if p.get_content_type() == 'text/csv']
    return list(csv.reader(io.StringIO(part.get_payload(decode=True).decode())))


def waiting() -> int:
    return store().scalar(select(func.count(QNetBounceNotice.id))) or 0


def test_one_message(mlist: Any) -> None:
    bounced(mlist, 3)
    bounced(mlist, 1, Event.disabled)
    bounced(mlist, 2, Event.removed)
    notices.send_all(START)
    msg, recipients, text = the_one()
    assert recipients == {OWNER}
    assert msg['subject'] == 'HQR Updates: 2 removed, 1 stopped, 3 came back'
    assert msg['auto-submitted'] == 'auto-generated'
    assert [p.get_content_type() for p in msg.get_payload()] == [
        'text/plain',
        'text/csv',
        *6 * ['message/rfc822'],
    ]
    assert len(cells(msg)) == 7
    assert 'help@example.gov' in text
    assert '$' not in text
    assert waiting() == 0


def test_the_text(mlist: Any) -> None:
    """The whole of it, as a file to read."""

    def about(event: Event, address: str, **kws: Any) -> None:
        note(mlist, event, email=address, now=START, **kws)

    full = {'kind': 'soft', 'reason': 'mailbox full'}
    unknown = {'kind': 'hard', 'reason': 'address unknown'}
    about(Event.bounced, 'reader@example.net', half_score=1, **full)
    about(Event.bounced, 'a' * 60 + '@department.example.org', half_score=4, **unknown)
    about(Event.disabled, 'gone@example.net', half_score=10, **unknown)
    about(Event.removed, 'late@example.net', half_score=10, **unknown)
    about(
        Event.refused,
        'hospital.example.org',
        kind='hard',
        reason='policy or blocklist',
        evidence='12 members refused: 550 5.7.1 Service unavailable, client host '
        '[192.0.2.1] blocked using a list of our own',
    )
    note(mlist, Event.unrecognized, report=REPORT, now=START)
    notices.send_all(START)
    (text,) = [
        msg.get_payload(0).get_payload(decode=True).decode()
        for msg, recipients in sent()
        if recipients == {OWNER}
    ]
    require_expected(text, __file__, 'notice')


def test_fifty_rows_and_the_whole_table(mlist: Any) -> None:
    bounced(mlist, 120)
    notices.send_all(START)
    msg, _recipients, text = the_one()
    assert text.count('@example.net') == 50
    assert 'Above are 50 of 120 rows. All of them are attached' in text
    assert len(cells(msg)) == 121
    reports = [p for p in msg.walk() if p.get_content_type() == 'message/rfc822']
    assert len(reports) == 10
    assert len({row[2] for row in cells(msg)}) == 121


@pytest.mark.parametrize(
    ('events', 'kept'),
    [
        ([Event.bounced, Event.disabled], 'disabled'),
        ([Event.bounced, Event.disabled, Event.removed], 'removed'),
        ([Event.bounced], 'bounced'),
    ],
)
def test_an_address_has_one_row(mlist: Any, events: list[Event], kept: str) -> None:
    for event in events:
        note(mlist, event, email='reader@example.net', report=REPORT, now=START)
    notices.send_all(START)
    msg, _recipients, text = the_one()
    assert [row[1] for row in cells(msg)[1:]] == [kept]
    assert text.count('reader@example.net') == 1


def test_a_report_has_no_link_of_its_member(mlist: Any) -> None:
    # It returns what the member got (R39).
    subscribe(mlist, 'reader@example.net')
    members = one_click.memberships(mlist, ['reader@example.net'])
    (tokens,) = one_click.tokens_for(mlist, members, keys.signing()).values()
    report = REPORT.replace(
        b'No such user.',
        b'No such user.\n--x\nContent-Type: message/rfc822\n\nList-Unsubscribe:'
        b' <https://lists.example.gov/unsubscribe/%s/>\n\nLeave:\n%s=\n%s\n'
        % tuple(
            piece.encode()
            for piece in (tokens.header, tokens.footer[:9], tokens.footer[9:])
        ),
    )
    note(mlist, Event.unrecognized, report=report, now=START)
    notices.send_all(START)
    notice = the_one()[0].as_string()
    assert 'No such user.' in notice
    assert f'/unsubscribe/{"x" * 72}/' in notice
    assert f'Leave:\n{"x" * 9}=\n{"x" * 63}\n' in notice


def test_a_report_is_attached_once(mlist: Any) -> None:
    for event in (Event.bounced, Event.disabled):
        note(mlist, event, email='reader@example.net', report=REPORT, now=START)
    notices.send_all(START)
    msg, _recipients, text = the_one()
    assert len(msg.get_payload()) == 3
    assert 'The first original report is attached, too.' in ' '.join(text.split())


def test_once_a_cycle(mlist: Any, configure: Any) -> None:
    configure(bounce_cycle='2h')
    bounced(mlist)
    steps_and_cycle(START)
    bounced(mlist)
    steps_and_cycle(START + timedelta(minutes=119))
    assert len(sent()) == 1
    steps_and_cycle(START + timedelta(minutes=120))
    assert len(sent()) == 2
    steps_and_cycle(START + timedelta(minutes=240))
    assert len(sent()) == 2


def test_a_message_for_each_list(mlist: Any, make_list: Any) -> None:
    bounced(mlist)
    other = make_list()
    bounced(other, 2)
    notices.send_all(START)
    # One without administrators: the support address is told.
    assert sorted(next(iter(r)) for _msg, r in sent()) == ['help@example.gov', OWNER]


@pytest.mark.parametrize(
    ('setting', 'event'),
    [
        ('bounce_notify_owner_on_bounce_increment', Event.bounced),
        ('bounce_notify_owner_on_disable', Event.disabled),
        ('bounce_notify_owner_on_removal', Event.removed),
    ],
)
@pytest.mark.parametrize('before', [True, False])
def test_what_a_list_wants(
    mlist: Any, setting: str, event: Event, before: bool
) -> None:
    if before:
        setattr(mlist, setting, False)
    for each in (Event.bounced, Event.disabled, Event.removed):
        bounced(mlist, 1, each)
    setattr(mlist, setting, False)
    notices.send_all(START)
    msg, _recipients, _text = the_one()
    assert event.value not in {row[1] for row in cells(msg)}
    assert len(cells(msg)) == 3
    assert waiting() == 0


def test_nothing_that_anybody_wants(mlist: Any) -> None:
    bounced(mlist)
    mlist.bounce_notify_owner_on_bounce_increment = False
    notices.send_all(START)
    assert sent() == []
    assert waiting() == 0


@pytest.mark.parametrize(
    ('disposition', 'to'),
    [
        (UnrecognizedBounceDisposition.administrators, [{OWNER}]),
        (UnrecognizedBounceDisposition.site_owner, [{'operators@example.gov'}]),
        (UnrecognizedBounceDisposition.discard, []),
    ],
)
def test_unrecognized(mlist: Any, disposition: Any, to: list[set[str]]) -> None:
    mlist.forward_unrecognized_bounces_to = disposition
    for number in range(3):
        report = REPORT + b'%d\n' % number
        note(mlist, Event.unrecognized, report=report, now=START)
    notices.send_all(START)
    assert [recipients for _msg, recipients in sent()] == to
    if to:
        msg, _recipients, text = the_one()
        assert msg['subject'] == 'HQR Updates: 3 not understood'
        assert text.count('2026-01-05 15:30 UTC Returned mail') == 3


def test_a_provider_that_refuses_the_list(mlist: Any) -> None:
    note(
        mlist,
        Event.refused,
        email='hospital.example.org',
        reason='policy or blocklist',
        evidence='12 members refused: 550 5.7.1 blocked',
        now=START,
    )
    bounced(mlist)
    notices.send_all(START)
    found = {next(iter(recipients)): msg for msg, recipients in sent()}
    assert set(found) == {OWNER, 'operators@example.gov'}
    # Operators hear of the refusal only.
    assert [row[1] for row in cells(found['operators@example.gov'])[1:]] == ['refused']
    assert [row[1] for row in cells(found[OWNER])[1:]] == ['refused', 'bounced']
    for msg in found.values():
        text = ' '.join(msg.get_payload(0).get_payload(decode=True).decode().split())
        assert 'hospital.example.org: policy or blocklist' in text
        assert 'the domain lists.example.gov must be allowed there' in text
        assert 'IT department' in text
        assert 'not on a blocklist' in text


def test_never_to_the_address_that_bounces(mlist: Any) -> None:
    appoint(mlist, 'reader0@example.net')
    bounced(mlist)
    notices.send_all(START)
    assert [recipients for _msg, recipients in sent()] == [{OWNER}]
    note(mlist, Event.bounced, email=OWNER.upper(), now=START)
    bounced(mlist)
    notices.send_all(START)
    assert sent()[1][1] == {'help@example.gov'}


def test_a_list_that_is_gone(mlist: Any) -> None:
    bounced(mlist)
    remove_list(mlist)
    notices.send_all(START)
    assert sent() == []
    assert waiting() == 0


def test_a_kill_before_the_commit_repeats_one_notice(
    mlist: Any, make_list: Any
) -> None:
    other = make_list()
    appoint(other, 'lee@agency.example.gov')
    bounced(mlist)
    bounced(other)
    real = config.db.commit
    calls = []

    def die() -> None:
        calls.append(1)
        if len(calls) == 2:
            raise OperationalError('x', {}, Exception('the power is gone'))
        real()

    with patch.object(config.db, 'commit', die), pytest.raises(OperationalError):
        notices.send_all(START)
    config.db.abort()
    assert waiting() == 1
    notices.send_all(START)
    assert len(sent()) == 3
    assert waiting() == 0


def test_a_list_that_fails_keeps_nobody_waiting(mlist: Any, make_list: Any) -> None:
    other = make_list()
    bounced(mlist)
    bounced(other)
    real = notices._send_to

    def fail(which: Any, *args: Any) -> None:
        if which.list_id == mlist.list_id:
            raise RuntimeError
        real(which, *args)

    with patch.object(notices, '_send_to', fail):
        notices.send_all(START)
    assert len(sent()) == 1
    assert waiting() == 1


HOSTILE = [
    b'\x00\xff\xfe',
    b'Subject: \xff\xfe\n\n\xe9\x80',
    b'Content-Type: multipart/mixed; boundary="a"\n\n--a\n' * 600,
    b'Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\nx',
    b'Content-Type: text/plain; charset=no-such\n\n\xe9',
    b'Subject: =?utf-8?b?////?=\nSubject: two\n\nx',
    b'x' * 40_000,
]


@pytest.mark.parametrize('report', HOSTILE)
def test_hostile_reports(mlist: Any, report: bytes) -> None:
    """They go along as they are, through the queue and over the wire."""
    note(mlist, Event.unrecognized, report=report, now=START)
    notices.send_all(START)
    msg, _recipients, text = the_one()
    wire = on_the_wire(msg)
    assert text
    part = email.message_from_bytes(wire).get_payload(2)
    assert part.get_content_type() == 'message/rfc822'
    assert len(wire) < 48_000
    body = report.partition(b'\n\n')[2][:100].replace(b'\n', b'\r\n')
    assert body in wire
    assert b'\n' not in wire.replace(b'\r\n', b'')


def row(**changes: Any) -> Row:
    known: dict[str, Any] = {
        'id': 1,
        'event': 'bounced',
        'email': 'reader@example.net',
        'kind': 'hard',
        'reason': 'address unknown',
        'evidence': '550 no',
        'half_score': 3,
        'threshold': 5,
        'at': START,
    }
    return Row(**{**known, **changes})


@pytest.mark.parametrize(
    ('text', 'safe'),
    [
        ('=1+1', "'=1+1"),
        ('+1', "'+1"),
        ('-1', "'-1"),
        ('@SUM(A1)', "'@SUM(A1)"),
        (' =1', "' =1"),
        ('\t=1', "' =1"),
        ('a\r\nb', 'a  b'),
        ('reader@example.net', 'reader@example.net'),
        ('', ''),
    ],
)
def test_no_cell_is_a_formula(text: str, safe: str) -> None:
    assert cell(text) == safe


def test_csv() -> None:
    hostile = row(email='=cmd@example.net', evidence='a, "b"\r\nc')
    assert as_csv([hostile, row()]) == (
        'time (UTC),event,address,kind,reason,score,threshold,evidence\r\n'
        "2026-01-05 15:30:00,bounced,'=cmd@example.net,hard,address unknown,1.5,5,"
        '"a, ""b""  c"\r\n'
        '2026-01-05 15:30:00,bounced,reader@example.net,hard,address unknown,1.5,5,'
        '550 no\r\n'
    )


@pytest.mark.parametrize(
    'address', ['a@b.example', 'a' * 40, 'a' * 41, 'a' * 300, 'x y\r\nz', '\ud800@x']
)
def test_the_table_keeps_its_width(address: str) -> None:
    rows = [
        row(event=event, email=address, reason='message too large', half_score=199)
        for event in Event
    ]
    lines = table(rows, ZoneInfo('UTC'), 'lists.example.gov', {}).splitlines()
    assert max(map(len, lines)) <= 78


def test_points() -> None:
    assert [notice_table.points(n) for n in range(4)] == ['0', '0.5', '1', '1.5']

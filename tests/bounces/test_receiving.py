# SPDX-License-Identifier: GPL-3.0-or-later
"""What becomes of what arrives at a bounces address (R16-R18, R22, R23)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from mailman.app.lifecycle import create_list
from mailman.config import config
from mailman.interfaces.bounce import (
    BounceContext,
    IBounceProcessor,
    UnrecognizedBounceDisposition,
)
from mailman.interfaces.member import DeliveryStatus, MemberRole
from mailman.interfaces.usermanager import IUserManager
from sqlalchemy import select
from zope.component import getUtility

from qnet_mailman.bounces import discipline, ledger, other_lists, whose
from qnet_mailman.bounces.receiving import receive_all
from qnet_mailman.model.base import store
from qnet_mailman.model.bounces import QNetBounceNotice, QNetSuspension
from qnet_mailman.model.return_addresses import Verifier
from qnet_mailman.runners.bounce import BounceRunner, _arrival
from tests.bounces.reports import (
    BLOCKED,
    FULL,
    UNKNOWN,
    VACATION,
    received,
    report,
    rows,
    verp,
)
from tests.clock import Clock
from tests.effort import effort
from tests.helpers import add_address, make_user, message, subscribe

READER = 'reader@example.net'


def dispose(mlist: Any, msg: Any, **msgdata: Any) -> None:
    BounceRunner('bounces')._dispose(mlist, msg, received(msg, **msgdata))
    config.db.commit()


def notices(**where: Any) -> list[QNetBounceNotice]:
    query = select(QNetBounceNotice).order_by(QNetBounceNotice.id)
    return list(store().scalars(query.filter_by(**where)))


def halves(member: Any) -> int:
    store().expire_all()
    return sum(
        row.half_points
        for row in rows(member_id=str(member.member_id), state='counted')
    )


# ------------------------------------------------------------------- the days


def test_a_hard_bounce_is_one_point_and_mailmans_columns_show_it(
    mlist: Any, clock: Clock
) -> None:
    member = subscribe(mlist, READER)
    dispose(mlist, report(mlist, READER))
    [row] = rows()
    assert (row.half_points, row.kind, row.reason) == (2, 'hard', 'address unknown')
    assert (row.status, row.reply_code) == ('5.1.1', '550')
    assert (row.email, row.domain, row.list_id) == (
        READER,
        'example.net',
        mlist.list_id,
    )
    assert member.bounce_score == 1
    assert member.last_bounce_received == clock.moment


def test_half_points_add_up_though_mailmans_column_is_whole(
    mlist: Any, clock: Clock
) -> None:
    member = subscribe(mlist, READER)
    shown = []
    for _ in range(3):
        dispose(mlist, report(mlist, READER, FULL))
        shown.append(member.bounce_score)
        clock.moment += timedelta(days=1)
    assert halves(member) == 3
    assert shown == [0, 1, 1]


def test_the_first_bounce_of_a_day_decides_about_it(mlist: Any, clock: Clock) -> None:
    member = subscribe(mlist, READER)
    dispose(mlist, report(mlist, READER, FULL))
    dispose(mlist, report(mlist, READER, UNKNOWN, serial=2))
    assert halves(member) == 1
    assert len(notices(event='bounced')) == 1


def test_the_threshold_disables_delivery_and_keeps_the_membership(
    mlist: Any, clock: Clock
) -> None:
    member = subscribe(mlist, READER)
    for day in range(5):
        assert member.preferences.delivery_status is None
        dispose(mlist, report(mlist, READER, serial=day))
        clock.moment += timedelta(days=1)
    assert member.preferences.delivery_status is DeliveryStatus.by_bounces
    assert mlist.members.get_member(READER) is member
    assert store().scalar(select(QNetSuspension.email)) == READER
    assert [one.half_score for one in notices(event='bounced')] == [2, 4, 6, 8, 10]
    # Reports of earlier posts still come, and change nothing about it.
    dispose(mlist, report(mlist, READER, serial='late'))
    assert len(rows()) == 6
    assert len(notices(event='disabled')) == 1


def test_what_somebody_writes_into_mailmans_column_changes_nothing(
    mlist: Any, clock: Clock
) -> None:
    member = subscribe(mlist, READER)
    dispose(mlist, report(mlist, READER))
    member.bounce_score = 40
    config.db.commit()
    clock.moment += timedelta(days=1)
    dispose(mlist, report(mlist, READER, serial=2))
    assert member.preferences.delivery_status is None
    assert member.bounce_score == 2


def test_the_day_is_that_on_which_lmtp_received_the_report(
    mlist: Any, clock: Clock
) -> None:
    subscribe(mlist, READER)
    received = clock.moment
    dispose(mlist, report(mlist, READER), received_time=received)
    clock.moment += timedelta(days=1)
    # The runner was killed before the file left the queue.
    dispose(mlist, report(mlist, READER), received_time=received)
    assert [row.day for row in rows()] == [received.date()]


def test_reports_that_waited_for_the_runner_count_as_if_it_had_run(
    mlist: Any, clock: Clock
) -> None:
    member = subscribe(mlist, READER)
    days = [clock.moment + timedelta(days=day) for day in (3, 0, 4, 1, 2)]
    clock.moment += timedelta(days=20)
    for serial, day in enumerate(days):
        dispose(mlist, report(mlist, READER, serial=serial), received_time=day)
    assert member.preferences.delivery_status is DeliveryStatus.by_bounces


def test_a_day_begins_at_midnight_of_the_sites_time_zone(
    mlist: Any, clock: Clock, configure: Any
) -> None:
    configure(time_zone='America/New_York')
    subscribe(mlist, READER)
    for moment in (datetime(2026, 3, 8, 4, 59), datetime(2026, 3, 8, 5, 1)):
        dispose(mlist, report(mlist, READER, serial=moment), received_time=moment)
    # Clocks were set forward at 2 o'clock: midnight is an hour earlier in UTC.
    for moment in (datetime(2026, 3, 9, 3, 59), datetime(2026, 3, 9, 4, 1)):
        dispose(mlist, report(mlist, READER, serial=moment), received_time=moment)
    assert [row.day.day for row in rows()] == [7, 8, 9]


# ------------------------------------------------------------------- who it is


def test_only_the_list_whose_message_bounced_is_concerned(
    mlist: Any, make_list: Any, clock: Clock
) -> None:
    other = make_list()
    subscribe(mlist, READER)
    elsewhere = subscribe(other, READER)
    dispose(mlist, report(mlist, READER))
    assert [row.list_id for row in rows()] == [mlist.list_id]
    assert elsewhere.bounce_score == 0


def test_a_member_may_be_subscribed_as_a_user(mlist: Any, clock: Clock) -> None:
    user = make_user('Reader@Example.net')
    user.preferred_address = next(iter(user.addresses))
    member = mlist.subscribe(user, MemberRole.member)
    dispose(mlist, report(mlist, 'READER@example.NET'))
    assert halves(member) == 2
    # The address that bounced is not the member's any more.
    add_address(user, 'new@example.net')
    user.preferred_address = getUtility(IUserManager).get_address('new@example.net')
    clock.moment += timedelta(days=1)
    dispose(mlist, report(mlist, READER, serial=2))
    assert halves(member) == 2
    dispose(mlist, report(mlist, 'new@example.net', serial=3))
    assert [row.email for row in rows(member_id=str(member.member_id))] == [
        READER,
        'new@example.net',
    ]


def test_owners_and_strangers_are_not_scored(mlist: Any, clock: Clock) -> None:
    subscribe(mlist, 'owner@example.net', MemberRole.owner)
    dispose(mlist, report(mlist, 'owner@example.net'))
    dispose(mlist, report(mlist, 'stranger@example.net', serial=2))
    assert rows() == []
    assert notices() == []


def test_our_address_says_who_bounced_whatever_the_report_names(
    mlist: Any, clock: Clock
) -> None:
    subscribe(mlist, READER)
    # Where the reader's mail is forwarded to.
    dispose(mlist, report(mlist, 'elsewhere@example.org', to=verp(mlist, READER)))
    assert [row.email for row in rows()] == [READER]


def test_local_parts_with_an_equals_sign_are_found(mlist: Any, clock: Clock) -> None:
    subscribe(mlist, 'a=b@example.net')
    dispose(mlist, report(mlist, 'a=b@example.net'))
    assert [row.email for row in rows()] == ['a=b@example.net']


def test_a_report_without_our_address_scores_nobody_where_verp_is_on(
    mlist: Any, clock: Clock
) -> None:
    subscribe(mlist, READER)
    forged = report(mlist, READER, to=mlist.bounces_address)
    dispose(mlist, forged)
    assert rows() == []
    [notice] = notices()
    assert notice.event == 'unrecognized'
    assert notice.report.startswith(b'From: MAILER-DAEMON')


def test_a_list_of_another_style_has_its_bounces_as_ever(
    mlist: Any, clock: Clock
) -> None:
    ours = subscribe(mlist, READER)
    for day in range(5):
        dispose(mlist, report(mlist, READER, serial=day))
        clock.moment += timedelta(days=1)
    stock = create_list('stock@lists.example.gov', style_name='legacy-default')
    stock.bounce_score_threshold = 1
    member = subscribe(stock, READER)
    before = len(rows())
    dispose(stock, report(stock, READER, to=stock.bounces_address))
    other_lists.do_due(clock.moment)
    assert member.preferences.delivery_status is DeliveryStatus.by_bounces
    assert member.total_warnings_sent == 1
    # Nothing of it is in our tables, and it counts nothing for our members.
    assert len(rows()) == before
    assert ours.preferences.delivery_status is DeliveryStatus.by_bounces
    assert ours.total_warnings_sent == 0
    for _ in range(4):
        clock.moment += timedelta(days=7)
        other_lists.do_due(clock.moment)
        discipline.reconcile(clock.moment)
    assert stock.members.get_member(READER) is None
    assert mlist.members.get_member(READER) is ours
    assert ours.total_warnings_sent == 0


# ------------------------------------------------------------------- no bounce


def test_vacation_replies_score_nothing_and_tell_nobody(
    mlist: Any, clock: Clock
) -> None:
    subscribe(mlist, READER)
    text = VACATION.format(address=READER, to=verp(mlist, READER))
    dispose(mlist, message(text, ''))
    assert rows() == []
    assert notices() == []


def test_unrecognized_messages_go_where_the_list_says_once(
    mlist: Any, clock: Clock
) -> None:
    def letter() -> Any:
        return message(f'From: a@example.net\nTo: {mlist.bounces_address}\n\nHello\n')

    dispose(mlist, letter())
    dispose(mlist, letter())
    assert [one.event for one in notices()] == ['unrecognized']
    mlist.forward_unrecognized_bounces_to = UnrecognizedBounceDisposition.discard
    dispose(mlist, message(f'From: b@example.net\nTo: {mlist.bounces_address}\n\nX\n'))
    assert len(notices()) == 1


def test_a_list_that_does_not_process_bounces_takes_no_notice(
    mlist: Any, clock: Clock
) -> None:
    subscribe(mlist, READER)
    mlist.process_bounces = False
    dispose(mlist, report(mlist, READER))
    getUtility(IBounceProcessor).register(mlist, READER, report(mlist, READER))
    assert rows() == []


def test_a_report_is_kept_up_to_32_kilobytes(mlist: Any, clock: Clock) -> None:
    subscribe(mlist, READER)
    long = report(mlist, READER)
    long.get_payload()[2].set_payload('Subject: News\n' * 100_000)
    dispose(mlist, long)
    [notice] = notices()
    assert len(notice.report) == 32 * 1024


# ---------------------------------------------------------------------- R22


def test_a_member_enabled_again_starts_from_zero(mlist: Any, clock: Clock) -> None:
    member = subscribe(mlist, READER)
    for day in range(5):
        dispose(mlist, report(mlist, READER, serial=day))
        clock.moment += timedelta(days=1)
    member.preferences.delivery_status = DeliveryStatus.enabled
    config.db.commit()
    dispose(mlist, report(mlist, READER, serial='again'))
    assert halves(member) == 2
    assert {row.state for row in rows()} == {'cleared', 'counted'}
    assert store().scalar(select(QNetSuspension.id)) is None
    assert member.bounce_score == 1


def test_leaving_and_rejoining_starts_from_zero(mlist: Any, clock: Clock) -> None:
    member = subscribe(mlist, READER)
    dispose(mlist, report(mlist, READER))
    member.unsubscribe()
    config.db.commit()
    again = subscribe(mlist, READER)
    clock.moment += timedelta(days=1)
    dispose(mlist, report(mlist, READER, serial=2))
    assert halves(again) == 2


def test_who_turned_delivery_off_is_scored_but_not_disabled(
    mlist: Any, clock: Clock
) -> None:
    member = subscribe(mlist, READER)
    member.preferences.delivery_status = DeliveryStatus.by_user
    for day in range(6):
        dispose(mlist, report(mlist, READER, serial=day))
        clock.moment += timedelta(days=1)
    assert member.preferences.delivery_status is DeliveryStatus.by_user
    assert store().scalar(select(QNetSuspension.id)) is None


# ----------------------------------------------------------- stock's own ways


def test_the_bounce_processor_is_ours_and_scores_at_once(
    mlist: Any, clock: Clock
) -> None:
    member = subscribe(mlist, READER)
    processor = getUtility(IBounceProcessor)
    made = processor.register(
        mlist, READER, message('Subject: SMTP Delivery Failure\n\nno'), None
    )
    config.db.commit()
    assert halves(member) == 2
    assert (made.list_id, made.email, made.processed) == (mlist.list_id, READER, True)
    assert made.context is BounceContext.normal
    assert list(processor.unprocessed) == list(processor.events) == []
    processor.process_event(made)
    processor.send_warnings_and_remove()
    assert halves(member) == 2


# ----------------------------------------------------------------------- cost


@pytest.mark.parametrize('stored', [0, 3000])
@pytest.mark.parametrize('said', [UNKNOWN, FULL, BLOCKED])
def test_a_report_costs_at_most_six_statements(
    mlist: Any, clock: Clock, said: str, stored: int
) -> None:
    for number in range(12):
        subscribe(mlist, f'reader{number}@example.net')
    ledger_row = {
        'list_id': mlist.list_id,
        'email': '',
        'domain': 'example.org',
        'day': clock.moment.date(),
        'half_points': 2,
        'state': 'counted',
        'kind': 'hard',
        'reason': 'address unknown',
        'evidence': '',
        'received_at': clock.moment,
    }
    if stored:
        store().execute(
            ledger.bounces.insert(),
            [{**ledger_row, 'member_id': f'm{n}'} for n in range(stored)],
        )
    config.db.commit()
    for number in range(9):
        msg = report(mlist, f'reader{number}@example.net', said, serial=number)
        # As in a batch, which reads the list and the key once.
        place, verifier = whose.Place.of(mlist), Verifier()
        assert verifier.read(str(msg['to'])[8:56])
        data = received(msg)
        with effort() as spent:
            receive_all([_arrival(place, msg, data)], now=clock(), verifier=verifier)
        assert len(spent.statements) <= 6, spent.statements
        with effort() as spent:
            receive_all([_arrival(place, msg, data)], now=clock(), verifier=verifier)
        assert len(spent.statements) <= 2
        config.db.commit()
    assert len(rows(domain='example.net')) == 9

# SPDX-License-Identifier: GPL-3.0-or-later
"""What a closed list does not do, and what it does nonetheless."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from mailman.app.moderator import handle_message
from mailman.commands.cli_addmembers import addmembers
from mailman.config import config
from mailman.interfaces.action import Action
from mailman.interfaces.member import DeliveryStatus
from mailman.interfaces.requests import IListRequests, RequestType
from mailman.interfaces.subscriptions import ISubscriptionManager
from mailman.interfaces.usermanager import IUserManager
from sqlalchemy import select
from zope.component import getUtility

from qnet_mailman.bounces import discipline, ledger, receiving
from qnet_mailman.bounces.whose import Place
from qnet_mailman.commands.cli_qnet import qnet
from qnet_mailman.lists import closing, digests
from qnet_mailman.model import listing
from qnet_mailman.model.base import store
from qnet_mailman.model.bounces import QNetBounceNotice, QNetSuspension
from qnet_mailman.provisioning.apply import apply_form
from qnet_mailman.runners import digest
from qnet_mailman.subscriptions import confirming, sign_up
from tests.bounces.reports import verp
from tests.bounces.rounds import steps_and_cycle
from tests.clock import BEGIN, Clock
from tests.helpers import appoint, digested, make_user, message, post, queued, run
from tests.provisioning import samples
from tests.provisioning.closures import ADMIN, CLOSABLE, letter, provision, taken
from tests.provisioning.samples import DOMAIN
from tests.subscriptions.joiners import command, token_of

pytestmark = CLOSABLE


def test_posts_are_rejected_administrators_too(mlist: Any, clock: Clock) -> None:
    provision()
    taken()
    for number, sender in enumerate((ADMIN, 'ann@example.org', 'x@example.com')):
        post(mlist, letter(sender, number=number))
    run('in')
    assert queued('pipeline') == []
    found = {', '.join(more['recipients']): msg.get_payload() for msg, more in taken()}
    assert set(found) == {ADMIN, 'ann@example.org', 'x@example.com'}
    for text in found.values():
        assert 'This list is closed. It takes no messages any more' in text


def test_posts_on_their_way_while_it_closes_are_rejected(
    mlist: Any, clock: Clock
) -> None:
    mlist.default_member_action = Action.hold
    post(mlist, letter('ann@example.org', 'held'))
    post(mlist, letter(ADMIN, 'accepted'))
    run('in')
    assert len(queued('pipeline')) == 1
    post(mlist, letter(ADMIN, 'waiting'))
    provision()
    (held,) = IListRequests(mlist).of_type(RequestType.held_message)
    handle_message(mlist, held.id, Action.accept)
    config.db.commit()
    taken()
    run('in', 'pipeline')
    assert queued('out') == []
    assert [msg['subject'] for msg, _more in taken()] == [
        'Your message to HQR Updates was not delivered'
    ] * 3


def test_a_program_is_not_answered(mlist: Any, clock: Clock) -> None:
    provision()
    taken()
    msg = letter('ann@example.org')
    msg['Auto-Submitted'] = 'auto-replied'
    post(mlist, msg)
    run('in')
    assert taken() == []


def test_nobody_joins_by_any_route(mlist: Any, clock: Clock, tmp_path: Path) -> None:
    make_user('new@example.org')
    new = getUtility(IUserManager).get_address('new@example.org')
    sign_up.take(sign_up.Request('late@example.org', '', (mlist.list_id,), BEGIN))
    ((asked, _more),) = taken()
    token = token_of(asked)
    provision()
    taken()
    assert [one.list_id for one in listing.advertised()] == []
    assert listing.advertised_among([mlist.list_id]) == []
    manager = ISubscriptionManager(mlist)
    for options in (
        {},
        {'pre_verified': True, 'pre_confirmed': True, 'pre_approved': True},
        {'invitation': True},
    ):
        with pytest.raises(Exception, match=f'news1@{DOMAIN} is closed: nobody can'):
            manager.register(new, **options)
        config.db.abort()
    # By mail, and by the answer to a mail from before.
    sign_up.take(sign_up.Request('new@example.org', '', (mlist.list_id,), BEGIN))
    ((note, _more),) = taken()
    assert note['subject'] == 'You cannot join a list that is closed'
    assert 'Nobody can join it.' in note.get_payload()
    confirmed = confirming.confirm(token, route='test')
    assert confirmed is not None
    assert [outcome.value for _one, outcome in confirmed.lists] == ['closed']
    # By operators.
    path = tmp_path / 'people.csv'
    path.write_text('email\nnew@example.org\n', 'utf-8')
    result = CliRunner().invoke(qnet, ['import-members', mlist.list_id, str(path)])
    assert (result.exit_code, result.stderr) == (
        1,
        f'news1@{DOMAIN} is closed: nobody can join it\n',
    )
    path.write_text('new@example.org\n', 'utf-8')
    result = CliRunner().invoke(addmembers, [str(path), mlist.list_id])
    assert result.exit_code == 1
    # Mailman's log comes before it where another test has sent that to the terminal.
    said = f'Error: news1@{DOMAIN} is closed: nobody can join it\n'
    assert result.stderr.endswith(said)
    request = samples.form(list__name='news1', list__type='discussion')
    (error,) = apply_form(request, actor='x').errors
    assert error.message.startswith(f'the list news1@{DOMAIN} is closed')
    assert {each.address.email for each in mlist.members.members} == {
        'ann@example.org',
        'bob@example.org',
        'dee@example.org',
    }


def test_who_answers_too_late_by_mail_is_told(mlist: Any, clock: Clock) -> None:
    sign_up.take(sign_up.Request('late@example.org', '', (mlist.list_id,), BEGIN))
    ((asked, _more),) = taken()
    provision()
    taken()
    raw = f'From: late@example.org\nTo: {asked["from"]}\nSubject: Re: x\n\nJOIN\n'
    command(mlist, 'confirm', raw, 'late@example.org')
    run('command')
    ((note, more),) = taken()
    assert more['recipients'] == {'late@example.org'}
    assert note['subject'] == 'HQR Updates is closed'
    assert 'you are not subscribed' in note.get_payload()


def test_a_request_that_waits_cannot_be_approved(make_list: Any, clock: Clock) -> None:
    mlist = make_list('discussion', 'private')
    appoint(mlist, ADMIN)
    make_user('new@example.org')
    new = getUtility(IUserManager).get_address('new@example.org')
    token, _owner, _member = ISubscriptionManager(mlist).register(new)
    config.db.commit()
    provision()
    with pytest.raises(Exception, match='is closed: nobody can join it'):
        ISubscriptionManager(mlist).confirm(token)
    config.db.abort()
    closing.reopen(mlist)
    config.db.commit()
    ISubscriptionManager(mlist).confirm(token)


def test_members_can_leave(mlist: Any, clock: Clock) -> None:
    provision()
    taken()
    post(mlist, letter('ann@example.org', 'Unsubscribe'))
    run('in')
    ((note, _more),) = taken()
    assert note['subject'] == 'Unsubscribe'
    ISubscriptionManager(mlist).unregister(
        getUtility(IUserManager).get_address('bob@example.org'),
        pre_confirmed=True,
        pre_approved=True,
    )
    assert mlist.members.get_member('bob@example.org') is None


def test_there_is_no_digest_and_no_post_is_lost_to_one(
    mlist: Any, clock: Clock
) -> None:
    mlist.digest_size_threshold = 0
    post(mlist, letter(ADMIN))
    run('in', 'pipeline')
    (before,) = digested(mlist)
    number = (mlist.volume, mlist.next_digest_number)
    provision()
    taken()
    digests.send_now(mlist, force=True)
    config.db.commit()
    runner = digest.DigestRunner('digest')
    while runner._one_iteration():
        pass
    config.db.commit()
    assert [more for _msg, more in taken() if more.get('isdigest')] == []
    assert queued('digest') == []
    assert [one.as_bytes() for one in digested(mlist)] == [before.as_bytes()]
    assert (mlist.volume, mlist.next_digest_number) == number
    closing.reopen(mlist)
    digests.send_now(mlist, force=True)
    config.db.commit()
    runner._one_iteration()
    assert [more['recipients'] for _msg, more in taken()] == [{'dee@example.org'}]


def test_what_was_to_be_a_digest_comes_before_later_posts(mlist: Any) -> None:
    folder = Path(mlist.data_path)
    (folder / 'digest.mmdf').write_bytes(b'two')
    (folder / 'digest.1.1.mmdf').write_bytes(b'one')
    entry = {'digest_path': str(folder / 'digest.1.1.mmdf'), 'volume': 1}
    closing.keep_digest(mlist, entry | {'digest_number': 1})
    assert [path.name for path in folder.iterdir()] == ['digest.mmdf']
    assert (folder / 'digest.mmdf').read_bytes() == b'onetwo'


def test_nobody_is_warned_for_bounces(mlist: Any, clock: Clock) -> None:
    bob = mlist.members.get_member('bob@example.org')
    discipline.reached(mlist, bob, 10, now=BEGIN)
    config.db.commit()
    provision()
    taken()
    discipline.do_steps(BEGIN + timedelta(days=2))
    (row,) = store().scalars(select(QNetSuspension))
    assert (row.warnings, taken()) == (0, [])
    closing.reopen(mlist)
    config.db.commit()
    discipline.do_steps(row.next_step_at)
    assert [msg['to'] for msg, _more in taken()] == ['bob@example.org']


def test_bounces_are_recorded_and_what_follows_from_them_waits(
    mlist: Any, clock: Clock
) -> None:
    bob = mlist.members.get_member('bob@example.org')
    provision()
    taken()
    at = BEGIN
    for days in range(1, 7):
        at = BEGIN + timedelta(days=days)
        bounced(mlist, 'bob@example.org', at)
        steps_and_cycle(at)
    # More than the threshold.
    assert ledger.half_score(str(bob.member_id), 7, at.date()) == 12
    assert bob.preferences.delivery_status is None
    assert list(store().scalars(select(QNetSuspension))) == []
    assert taken() == []
    closing.reopen(mlist)
    config.db.commit()
    later = at + timedelta(days=1)
    steps_and_cycle(later)
    ((told, _more),) = taken()
    assert told['to'] == ADMIN
    assert str(told['subject']) == 'HQR Updates: 6 came back'
    bounced(mlist, 'bob@example.org', later)
    assert bob.preferences.delivery_status is DeliveryStatus.by_bounces
    steps_and_cycle(later + timedelta(minutes=10))
    assert 'bob@example.org' in {str(msg['to']) for msg, _more in taken()}


def test_nobody_is_told_of_bounces_once_it_is_closed_for_good(
    mlist: Any, clock: Clock
) -> None:
    provision(action='archive')
    taken()
    bounced(mlist, 'bob@example.org', BEGIN)
    steps_and_cycle(BEGIN + timedelta(days=29))
    assert len(list(store().scalars(select(QNetBounceNotice)))) == 1
    steps_and_cycle(BEGIN + timedelta(days=31))
    assert taken() == []
    assert list(store().scalars(select(QNetBounceNotice))) == []


def bounced(mlist: Any, address: str, at: datetime) -> None:
    to = verp(mlist, address)
    report = message(
        f'To: {to}\nSubject: Undeliverable\n'
        'Content-Type: multipart/report; report-type=delivery-status; boundary=x\n\n'
        '--x\nContent-Type: message/delivery-status\n\n'
        f'Final-Recipient: rfc822; {address}\nAction: failed\nStatus: 5.1.1\n--x--\n'
    )
    arrival = receiving.Arrival(Place.of(mlist), report, at, to)
    receiving.receive_all([arrival], now=at)
    config.db.commit()

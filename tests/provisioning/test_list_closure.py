# SPDX-License-Identifier: GPL-3.0-or-later
"""Closing a list by form, opening it again, and deleting it in the end (R29-R31)."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from email.message import Message
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from click.testing import CliRunner
from mailman.app import digests
from mailman.app.lifecycle import create_list, remove_list
from mailman.app.moderator import handle_message
from mailman.commands.cli_addmembers import addmembers
from mailman.config import config
from mailman.interfaces.action import Action
from mailman.interfaces.listmanager import IListManager
from mailman.interfaces.member import DeliveryMode, DeliveryStatus, MemberRole
from mailman.interfaces.requests import IListRequests, RequestType
from mailman.interfaces.subscriptions import ISubscriptionManager
from mailman.interfaces.usermanager import IUserManager
from mailman.model.member import Member
from sqlalchemy import select
from zope.component import getUtility

from qnet_mailman.bounces import discipline, ledger, receiving
from qnet_mailman.bounces.whose import Place
from qnet_mailman.commands.cli_qnet import qnet
from qnet_mailman.forms import list_closure, loading
from qnet_mailman.forms.list_closure import ListClosure, validate
from qnet_mailman.forms.mistakes import Document, FormInvalid
from qnet_mailman.lists import closing
from qnet_mailman.lists.description import describe
from qnet_mailman.model import listing
from qnet_mailman.model.audit import QNetAudit
from qnet_mailman.model.base import store, tables_of_a_list
from qnet_mailman.model.bounces import QNetBounceNotice, QNetSuspension
from qnet_mailman.model.closures import closure_of
from qnet_mailman.mta.copies import Kind, kind_of
from qnet_mailman.provisioning import notices
from qnet_mailman.provisioning.apply import Result, apply_form
from qnet_mailman.roles.people import Assignee, Role, assign
from qnet_mailman.runners import digest, task
from qnet_mailman.settings import Settings
from qnet_mailman.subscriptions import confirming, sign_up
from qnet_mailman.values import Closing
from tests.bounces.reports import verp
from tests.bounces.rounds import steps_and_cycle
from tests.clock import BEGIN, Clock, stop_clock
from tests.helpers import appoint, make_user, message, post, queued, run, subscribe
from tests.provisioning import samples
from tests.provisioning.samples import DOMAIN, EXAMPLES, REMOVE
from tests.subscriptions.joiners import command

SETTINGS = Settings(domain=DOMAIN, support_address='help@example.gov')
ADMIN = 'pat@agency.example.gov'
GOOD: dict[str, Any] = {
    'form': 'list-closure',
    'ticket': 'REQ0004567',
    'requester': {'name': 'Pat Example', 'email': ADMIN},
    'list': 'news1',
    'action': 'delete',
    'tell_members': False,
}


def data(**changes: Any) -> dict[str, Any]:
    whole = {**GOOD, **changes}
    return {key: value for key, value in whole.items() if value is not REMOVE}


def form(**changes: Any) -> ListClosure:
    return validate(Document(data(**changes)), default_domain=DOMAIN)


# What the form may hold.


@pytest.mark.parametrize(
    ('changes', 'expected'),
    [
        (
            {'action': REMOVE},
            'action: is missing; expected archive (closed, the archive stays) or '
            'delete',
        ),
        ({'action': 'hide'}, 'action: found "hide"; expected archive or delete'),
        (
            {'tell_members': REMOVE},
            'tell_members: is missing; expected true if the members are to be told '
            'that the list is closed',
        ),
        ({'tell_members': 1}, 'tell_members: found 1; expected true or false'),
        (
            {'list': 'a b'},
            'list: found "a b"; expected the name of a list, or its whole address',
        ),
        (
            {'lists': ['a']},
            'lists: is not a key of this form; did you mean "list"? known are form, '
            'ticket, requester, list, action, tell_members, reason',
        ),
    ],
)
def test_one_mistake_is_one_sentence(changes: dict[str, Any], expected: str) -> None:
    with pytest.raises(FormInvalid) as invalid:
        form(**changes)
    assert [str(error) for error in invalid.value.errors] == [expected]


def test_the_published_json_schema_and_the_example_are_current() -> None:
    path = Path(list_closure.__file__).with_name('list-closure.schema.json')
    assert path.read_text('utf-8') == list_closure.json_schema_text(), (
        f'run: python -m qnet_mailman.forms.list_closure > {path}'
    )
    found = loading.load(EXAMPLES / 'list-closure.yaml', SETTINGS).form
    assert isinstance(found, ListClosure)
    assert (found.action, found.tell_members) == (Closing.archive, True)


# Closing and opening again.


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The time."""
    return stop_clock(monkeypatch)


@pytest.fixture
def mlist(make_list: Any) -> Any:
    """A discussion list with an administrator who may post, and three members."""
    found = make_list('discussion', 'public')
    appoint(found, ADMIN, may_post=True)
    for name in ('ann', 'bob'):
        subscribe(found, f'{name}@example.org')
    digester = subscribe(found, 'dee@example.org')
    digester.preferences.delivery_mode = DeliveryMode.mime_digests
    config.db.commit()
    # The welcomes.
    taken()
    return found


def provision(*, approved: bool = False, dry_run: bool = False, **more: Any) -> Result:
    return apply_form(
        form(**more), actor='operator:test', approved=approved, dry_run=dry_run
    )


def taken(queue: str = 'virgin') -> list[tuple[Message, dict[str, Any]]]:
    """What waits in a queue; it is taken out."""
    switchboard = config.switchboards[queue]
    found = []
    for name in switchboard.files:
        found.append(switchboard.dequeue(name))
        switchboard.finish(name)
    return found


def notices_to() -> dict[str, str]:
    return {', '.join(more['recipients']): str(msg['subject']) for msg, more in taken()}


def letter(sender: str, subject: str = 'News', number: int = 1) -> Any:
    return message(
        f'From: {sender}\nTo: news1@{DOMAIN}\nSubject: {subject}\n'
        f'Message-ID: <{subject}{number}@example.org>\n'
        'Authentication-Results: mx.example.gov; dkim=pass header.d=agency.example.gov'
        '\n\nHello.\n'
    )


def actions() -> list[str]:
    return list(store().scalars(select(QNetAudit.action).order_by(QNetAudit.id)))


def test_it_is_closed_told_and_audited(mlist: Any, clock: Clock) -> None:
    result = provision(reason='Nobody needs it.')
    assert (result.outcome, result.errors) == ('changed', ())
    assert [str(step) for step in result.steps] == [
        'close the list; it can be reopened for 30 days, then it is deleted for good, '
        'with its members and settings'
    ]
    assert describe(mlist)['closed'] == {
        'action': 'delete',
        'since': '2026-03-02T12:00:00Z',
        'undo_until': '2026-04-01T12:00:00Z',
    }
    assert actions()[-2:] == ['list closed', 'form applied']
    ((note, more),) = taken()
    assert more['recipients'] == {ADMIN}
    text = note.get_payload()
    for part in (
        'is closed. It takes no messages',
        'Until April 1, 2026, 12:00 (UTC)\n',
        'After that the list is deleted for good',
        'The members are not told.',
        'Reason    Nobody needs it.',
        'help@example.gov',
    ):
        assert part in text
    assert '$' not in text
    assert max(map(len, text.splitlines())) <= 80
    assert queued('pipeline') == []
    shown = CliRunner().invoke(qnet, ['show', mlist.list_id]).output
    assert (
        'closed:              delete, since 2026-03-02T12:00:00Z, can be reopened '
        'until 2026-04-01T12:00:00Z'
    ) in shown


def test_again_is_unchanged_and_a_dry_run_touches_nothing(
    mlist: Any, clock: Clock
) -> None:
    planned = provision(dry_run=True)
    assert (planned.outcome, len(planned.steps)) == ('planned', 1)
    assert closure_of(mlist.list_id) is None
    provision()
    taken()
    before = actions()
    assert provision().outcome == 'unchanged'
    assert provision(dry_run=True).outcome == 'unchanged'
    assert (actions(), taken()) == (before, [])


def test_another_end_begins_the_time_anew(mlist: Any, clock: Clock) -> None:
    provision()
    clock.moment += timedelta(days=10)
    kept = provision(reason='Other words')
    assert (kept.outcome, kept.steps) == ('unchanged', ())
    assert provision(action='archive').outcome == 'changed'
    assert describe(mlist)['closed'] == {
        'action': 'archive',
        'since': '2026-03-02T12:00:00Z',
        'undo_until': '2026-04-11T12:00:00Z',
    }
    (error,) = provision(ticket='REQ9').errors
    assert error.field == 'ticket'
    assert 'was closed by the request REQ0004567' in error.message
    clock.moment += timedelta(days=31)
    (error,) = provision(action='delete').errors
    assert 'is closed for good' in error.message


def test_who_does_not_administer_it_needs_an_operator(mlist: Any, clock: Clock) -> None:
    requester = {'name': 'Ann', 'email': 'ann@example.org'}
    (error,) = provision(requester=requester).errors
    assert error.message.startswith('ann@example.org does not administer')
    assert closure_of(mlist.list_id) is None
    assert provision(requester=requester, approved=True).outcome == 'changed'
    (row,) = store().scalars(
        select(QNetAudit).where(QNetAudit.action == 'form applied')
    )
    assert json.loads(row.detail)['approved_by'] == 'operator:test'


def test_a_list_that_is_not_there(mlist: Any) -> None:
    (error,) = provision(list='news').errors
    assert error.message == (
        f'found "news@{DOMAIN}"; expected a list that exists (did you mean '
        f'news1@{DOMAIN}?)'
    )


def state(mlist: Any) -> dict[str, Any]:
    members = {
        (member.address.email, member.role, member.delivery_mode)
        for member in store().scalars(
            select(Member).where(Member.list_id == mlist.list_id)
        )
    }
    return {
        'members': members,
        'advertised': mlist.advertised,
        **{k: v for k, v in describe(mlist).items() if k != 'tickets'},
    }


@pytest.mark.parametrize('advertised', [True, False])
@pytest.mark.parametrize('action', ['archive', 'delete'])
def test_reopening_puts_everything_back(
    mlist: Any, clock: Clock, action: str, advertised: bool
) -> None:
    mlist.advertised = advertised
    config.db.commit()
    before = state(mlist)
    provision(action=action)
    taken()
    assert state(mlist) != before
    clock.moment += timedelta(days=29, hours=23, minutes=59)
    result = CliRunner().invoke(qnet, ['reopen', mlist.list_id])
    assert (result.exit_code, result.output) == (0, f'news1@{DOMAIN}: open again\n')
    assert state(mlist) == before
    assert actions()[-1] == 'list reopened'
    assert notices_to() == {ADMIN: 'The mailing list HQR Updates is open again'}
    post(mlist, letter(ADMIN))
    run('in')
    assert len(queued('pipeline')) == 1
    again = provision(action=action)
    assert again.outcome == 'unchanged'
    assert again.notes == ('the list was reopened; another ticket closes it',)
    assert provision(action=action, ticket='REQ5').outcome == 'changed'


def test_what_cannot_be_reopened(mlist: Any, clock: Clock) -> None:
    result = CliRunner().invoke(qnet, ['reopen', mlist.list_id])
    assert (result.exit_code, result.stderr) == (
        1,
        f'news1@{DOMAIN} is not closed\n',
    )
    provision(action='archive')
    clock.moment += timedelta(days=30)
    result = CliRunner().invoke(qnet, ['reopen', mlist.list_id])
    assert (result.exit_code, result.stderr) == (
        1,
        f'news1@{DOMAIN} is closed for good: it could be reopened until April 1, 2026, '
        '12:00 (UTC)\n',
    )


@pytest.mark.parametrize(
    ('closed', 'undo_until'),
    [
        # Clocks go forward on March 8, 2026, and back on November 1.
        (datetime(2026, 3, 1, 4, 59), datetime(2026, 3, 31, 3, 59)),
        (datetime(2026, 10, 20, 4, 30), datetime(2026, 11, 19, 5, 30)),
    ],
)
def test_days_are_days_of_the_calendar(
    mlist: Any, clock: Clock, configure: Any, closed: datetime, undo_until: datetime
) -> None:
    configure(time_zone='America/New_York')
    clock.moment = closed
    provision()
    row = closure_of(mlist.list_id)
    assert row is not None
    assert row.undo_until == undo_until
    zone = ZoneInfo('America/New_York')
    hours = {
        moment.replace(tzinfo=UTC).astimezone(zone).time()
        for moment in (closed, undo_until)
    }
    assert len(hours) == 1


# What a closed list does not do.


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
    token = str(asked['from']).partition('@')[0][-40:]
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
    folder = Path(mlist.data_path)
    before = (folder / 'digest.mmdf').read_bytes()
    number = (mlist.volume, mlist.next_digest_number)
    provision()
    taken()
    digests.maybe_send_digest_now(mlist, force=True)
    config.db.commit()
    runner = digest.DigestRunner('digest')
    while runner._one_iteration():
        pass
    config.db.commit()
    assert [more for _msg, more in taken() if more.get('isdigest')] == []
    assert queued('digest') == []
    assert sorted(path.name for path in folder.iterdir()) == ['digest.mmdf']
    assert (folder / 'digest.mmdf').read_bytes() == before
    assert (mlist.volume, mlist.next_digest_number) == number
    closing.reopen(mlist)
    digests.maybe_send_digest_now(mlist, force=True)
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
    receiving.receive(Place.of(mlist), report, now=at, received_at=at, recipient=to)
    config.db.commit()


# Telling the members.


def test_all_members_are_told_in_one_post(mlist: Any, clock: Clock) -> None:
    off = subscribe(mlist, 'off@example.org')
    off.preferences.delivery_status = DeliveryStatus.by_user
    config.db.commit()
    taken()
    provision(tell_members=True, reason='Not for members.')
    ((msg, _more),) = queued('pipeline')
    assert provision(tell_members=True).outcome == 'unchanged'
    assert len(queued('pipeline')) == 1
    taken()
    run('pipeline')
    ((msg, more),) = taken('out')
    assert kind_of(more) is Kind.post, 'with footers, and an envelope sender for each'
    assert more['recipients'] == {
        f'{name}@example.org' for name in ('ann', 'bob', 'dee')
    }
    assert str(msg['subject']).endswith('The mailing list HQR Updates is closed')
    assert msg['list-id']
    assert msg['from'] == f'HQR Updates <news1-owner@{DOMAIN}>'
    text = msg.get_payload()
    assert 'will be deleted' in text
    assert 'Not for members' not in text
    # Nobody gets it twice, and it is no reason for a digest.
    assert not os.path.exists(os.path.join(mlist.data_path, 'digest.mmdf'))


def test_a_list_that_is_opened_again_first_tells_nobody(
    mlist: Any, clock: Clock
) -> None:
    provision(tell_members=True)
    assert len(queued('pipeline')) == 1
    closing.reopen(mlist)
    config.db.commit()
    run('pipeline')
    assert (queued('out'), queued('pipeline'), queued('shunt')) == ([], [], [])
    # Closed again, with the first announcement in the queue still.
    provision(tell_members=True, ticket='REQ5')
    clock.moment += timedelta(minutes=1)
    provision(tell_members=True, ticket='REQ5', action='archive')
    assert len(queued('pipeline')) == 2
    run('pipeline')
    ((msg, _more),) = taken('out')
    assert 'will be deleted' not in msg.get_payload()


def test_nobody_else_can_pretend_to_be_the_announcement(
    mlist: Any, clock: Clock
) -> None:
    provision()
    taken()
    post(mlist, letter(f'news1-owner@{DOMAIN}', 'closed'))
    run('in', 'pipeline')
    assert queued('out') == []


def test_members_are_told_once_whatever_goes_wrong_beside(
    mlist: Any, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: Any) -> None:
        raise OSError('no space left on device')

    with monkeypatch.context() as patch:
        patch.setattr(notices, 'send_closure', fail)
        assert 'were not sent' in provision(tell_members=True).notes[-1]
    assert provision(tell_members=True).outcome == 'unchanged'
    assert len(queued('pipeline')) == 1
    assert list(notices_to()) == [ADMIN]


# In the end.


def lists() -> list[str]:
    return [mlist.list_id for mlist in getUtility(IListManager)]


def test_a_list_is_deleted_when_its_time_is_over(
    mlist: Any, make_list: Any, clock: Clock
) -> None:
    kept = make_list()
    appoint(kept, ADMIN)
    subscribe(kept, 'ann@example.org')
    list_id = mlist.list_id
    provision()
    provision(list='news2', action='archive')
    clock.moment += timedelta(days=30) - timedelta(seconds=1)
    closing.delete_due(clock.moment)
    assert lists() == [list_id, kept.list_id]
    # The service was down for long.
    clock.moment += timedelta(days=60)
    closing.delete_due(clock.moment)
    assert lists() == [kept.list_id]
    assert closure_of(kept.list_id) is not None, 'an archived one stays'
    for table in tables_of_a_list():
        found = store().scalars(select(table.list_id).where(table.list_id == list_id))
        assert list(found) == [], table
    gone = select(Member).where(Member.list_id == list_id)
    assert list(store().scalars(gone)) == []
    assert [each.address.email for each in kept.members.members] == ['ann@example.org']
    assert kept.owners.get_member(ADMIN) is not None
    assert actions()[-1] == 'list deleted'
    before = actions()
    clock.moment += timedelta(days=1)
    closing.delete_due(clock.moment)
    assert actions() == before


def test_administrators_and_operators_are_told_once_of_a_deletion(
    mlist: Any, clock: Clock
) -> None:
    assign(mlist, Role.moderator, Assignee('mo@example.org'))
    provision()
    taken()
    clock.moment += timedelta(days=31)
    closing.delete_due(clock.moment)
    clock.moment += timedelta(days=1)
    closing.delete_due(clock.moment)
    told = {', '.join(more['recipients']): msg for msg, more in taken('out')}
    assert set(told) == {ADMIN, 'help@example.gov', 'operators@example.gov'}
    assert taken() == []
    msg = told[ADMIN]
    assert msg['subject'] == 'The mailing list HQR Updates has been deleted'
    assert msg['from'] == 'help@example.gov'
    text = msg.get_payload()
    for part in (
        f'The mailing list "HQR Updates"\n<news1@{DOMAIN}>\nhas been deleted',
        'as the request REQ0004567 had',
        'closed since March 2, 2026, 12:00 (UTC)',
    ):
        assert part in text
    assert '$' not in text
    assert max(map(len, text.splitlines())) <= 78


def test_the_same_form_after_the_deletion_is_unchanged(
    mlist: Any, make_list: Any, clock: Clock
) -> None:
    provision()
    clock.moment += timedelta(days=31)
    closing.delete_due(clock.moment)
    taken()
    for dry_run in (True, False):
        again = provision(dry_run=dry_run)
        assert (again.outcome, again.notes) == (
            'unchanged',
            ('the list was deleted at 2026-04-02T12:00:00Z',),
        )
    asked = apply_form(form(), actor='x', request='over REST')
    assert (asked.outcome, asked.notes) == ('unchanged', again.notes)
    for other in ({'ticket': 'REQ9'}, {'action': 'archive'}):
        assert provision(**other).outcome == 'invalid'
    # A list of the same name is another one.
    new = create_list(f'news1@{DOMAIN}', style_name='qnet-discussion-public')
    appoint(new, ADMIN)
    config.db.commit()
    again = provision()
    assert again.outcome == 'unchanged'
    assert again.notes[0].endswith('made anew since; another ticket closes it')
    assert closure_of(new.list_id) is None
    assert provision(ticket='REQ9').outcome == 'changed'


def test_the_forms_of_a_deleted_list_do_not_make_it_again(
    core: SimpleNamespace, clock: Clock
) -> None:
    wanted = samples.form(list__name='news1')

    def outcomes() -> list[str]:
        again = apply_form(wanted, actor='test'), provision(approved=True)
        return [each.outcome for each in again]

    assert outcomes() == ['created', 'changed']
    clock.moment += timedelta(days=31)
    closing.delete_due(clock.moment)
    assert lists() == []
    assert outcomes() == ['unchanged', 'unchanged']
    assert lists() == []
    again = apply_form(wanted, actor='test', dry_run=True)
    assert again.notes == (
        'the list was closed and deleted; another ticket makes it again',
    )
    assert provision().notes[0].startswith('the list was deleted at ')
    other = samples.form(list__name='news1', ticket='REQ2')
    assert apply_form(other, actor='test').outcome == 'created'
    # Without a form that closes it, it is not meant to be away.
    provision(approved=True, ticket='REQ3')
    (mlist,) = getUtility(IListManager)
    closing.reopen(mlist)
    remove_list(mlist)
    config.db.commit()
    assert apply_form(other, actor='test').outcome == 'created'


def test_a_runner_looks_after_that(
    mlist: Any, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    provision()
    clock.moment += timedelta(days=31)
    task.TaskRunner('task')._do_periodic()
    assert lists() == []


def test_a_list_that_was_reopened_is_not_deleted(mlist: Any, clock: Clock) -> None:
    provision()
    closing.reopen(mlist)
    config.db.commit()
    clock.moment += timedelta(days=31)
    closing.delete_due(clock.moment)
    assert lists() == [mlist.list_id]


def test_a_deletion_that_was_interrupted_is_completed(
    mlist: Any, make_list: Any, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = make_list()
    appoint(other, ADMIN)
    config.db.commit()
    provision()
    provision(list='news2')
    real = closing.remove_list
    broken = mlist.list_id

    def fail(found: Any) -> None:
        if found.list_id == broken:
            raise OSError('no space left on device')
        real(found)

    clock.moment += timedelta(days=31)
    with monkeypatch.context() as patch:
        patch.setattr(closing, 'remove_list', fail)
        closing.delete_due(clock.moment)
    assert lists() == [broken], 'the other one is gone all the same'
    closing.delete_due(clock.moment)
    assert lists() == []


def test_many_members_are_deleted_in_portions(
    mlist: Any, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(closing, 'chunks', lambda rows: [[row] for row in rows])
    commits = []
    real = config.db.commit
    provision()
    clock.moment += timedelta(days=31)
    monkeypatch.setattr(config.db, 'commit', lambda: (commits.append(1), real()))
    closing.delete_due(clock.moment)
    assert lists() == []
    # The claim of the job, three members, and the list.
    assert len(commits) == 5
    assert not list(
        store().scalars(select(Member).where(Member.role == MemberRole.member))
    )

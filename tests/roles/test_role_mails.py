# SPDX-License-Identifier: GPL-3.0-or-later
"""What people are told about roles (R28), and who gets owners' mail (R24)."""

from __future__ import annotations

import re
from typing import Any

import pytest
from mailman.app.lifecycle import create_list, remove_list
from mailman.config import config
from mailman.email.message import OwnerNotification
from mailman.interfaces.member import DeliveryStatus

from qnet_mailman.model.jobs import do_due
from qnet_mailman.roles import grants, notices
from qnet_mailman.roles.grants import Decision, Route
from qnet_mailman.roles.people import Assignee, assign, unassign
from qnet_mailman.roles.rights import Identity, Role, Status
from qnet_mailman.runners import periodic
from qnet_mailman.templates.loader import ours
from tests.clock import Clock
from tests.conftest import DOMAIN
from tests.expected import require_expected
from tests.helpers import appoint, message, queued, run, text_of

PAT = Identity.of('pexample')
ADDRESS = 'pat@agency.example.gov'
OPERATORS = 'help@example.gov, operators@example.gov'


@pytest.fixture
def assigned(clock: Clock, mlist: Any) -> Any:
    """A list to which somebody is assigned who has no role yet."""
    person = Assignee('assigned@agency.example.gov', harp_id='pexample')
    assign(mlist, Role.administrator, person)
    config.db.commit()
    return mlist


def mails() -> list[tuple[str, str]]:
    """Recipient and subject of what was written; it is taken out."""
    notices.tell()
    return sorted(
        (', '.join(sorted(data['recipients'])), str(msg['subject']))
        for msg, data in taken()
    )


def taken() -> list[Any]:
    found = queued('out')
    switchboard = config.switchboards['out']
    for filebase in switchboard.files:
        switchboard.dequeue(filebase)
        switchboard.finish(filebase)
    return found


def request() -> None:
    grants.request(PAT, Role.administrator, name='Pat Example', email=ADDRESS)


def imported(status: Status, **rest: Any) -> None:
    decision = Decision(status, email=ADDRESS, **rest)
    grants.apply([(PAT, Role.administrator, decision)], Route.imported)


def test_a_request_and_its_approval(assigned: Any) -> None:
    request()
    assert mails() == [
        (ADDRESS, 'Your request for the role List Administrator has arrived')
    ]
    request()
    assert mails() == []
    grants.approve(PAT, Role.administrator)
    notices.tell()
    ((msg, _data),) = taken()
    text = text_of(msg)
    assert str(msg['subject']) == 'You have the role List Administrator'
    assert msg['from'] == 'QualityNet Mailer <help@example.gov>'
    require_expected(text, __file__, 'of-a-new-role')
    assert all(len(line) <= 78 for line in text.splitlines())
    grants.sign_in(PAT, 'Pat', 'pat2@agency.example.gov', {Role.administrator})
    assert mails() == [], 'a sign-in that says the same again is no news'


def test_a_denial_has_its_reason(assigned: Any) -> None:
    request()
    mails()
    grants.deny(PAT, Role.administrator, 'Ask  your\nsupervisor first.')
    notices.tell()
    ((msg, _data),) = taken()
    assert 'was not approved' in str(msg['subject'])
    assert 'Reason: Ask your supervisor first.' in text_of(msg)


def test_a_revocation_is_told_once(assigned: Any) -> None:
    grants.approve(PAT, Role.administrator, email=ADDRESS, silent=True)
    assert mails() == []
    grants.sign_in(PAT, 'Pat', ADDRESS, set())
    assert mails() == [
        (OPERATORS, '1 mailing list without an administrator'),
        (ADDRESS, 'You do not have the role List Administrator any more'),
    ]
    grants.revoke(PAT, Role.administrator, 'Has left.')
    assert mails() == []


def test_who_never_had_a_role_is_not_told_that_it_is_gone(assigned: Any) -> None:
    imported(Status.revoked)
    assert mails() == []
    imported(Status.expired)
    assert mails() == []
    imported(Status.active)
    assert [subject for _to, subject in mails()] == [
        'You have the role List Administrator'
    ]


def test_what_comes_and_goes_before_anybody_is_told_is_no_news(assigned: Any) -> None:
    grants.approve(PAT, Role.administrator, email=ADDRESS, silent=True)
    grants.sign_in(PAT, 'Pat', ADDRESS, set())
    grants.sign_in(PAT, 'Pat', ADDRESS, {Role.administrator})
    assert mails() == []


def test_the_end_is_announced_once_and_then_told(assigned: Any, clock: Clock) -> None:
    end = clock.forward(days=30)
    clock.forward(days=-30)
    imported(Status.active, expires_at=end)
    mails()
    do_due(periodic.TASKS, clock.forward(days=15))
    assert mails() == []
    do_due(periodic.TASKS, clock.forward(days=2))
    assert [subject for _to, subject in mails()] == [
        'Your role List Administrator expires on 2026-04-01'
    ]
    do_due(periodic.TASKS, clock.forward(days=1))
    assert mails() == []
    # Renewed: the next end is announced again.
    later = clock.forward(days=10)
    clock.forward(days=-10)
    grants.expire_at(PAT, Role.administrator, later)
    assert len(mails()) == 1
    do_due(periodic.TASKS, clock.forward(days=11))
    expired = [subject for _to, subject in mails()]
    assert 'Your role List Administrator has expired' in expired
    do_due(periodic.TASKS, clock.forward(days=1))
    assert 'Your role' not in str(mails())


def test_nothing_is_told_twice_and_nothing_forgotten(
    assigned: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    request()
    config.db.commit()

    def fail(*args: Any, **kws: Any) -> None:
        raise OSError('no space left on device')

    with monkeypatch.context() as patch:
        patch.setattr(notices, 'send', fail)
        assert mails() == []
    assert len(mails()) == 1
    assert mails() == []


def test_a_message_needs_no_list(core: Any, clock: Clock) -> None:
    request()
    assert len(mails()) == 1


def test_without_an_address_nobody_is_told(assigned: Any) -> None:
    grants.approve(PAT, Role.administrator)
    assert mails() == []


# ------------------------------------------------- a list without anybody


def test_operators_are_told_at_once_and_daily(
    assigned: Any, make_list: Any, clock: Clock
) -> None:
    other = make_list()
    appoint(other, 'kim@agency.example.gov')
    grants.approve(PAT, Role.administrator, silent=True)
    assert mails() == []
    grants.revoke(PAT, Role.administrator, 'x')
    notices.tell()
    (found,) = taken()
    assert str(found[0]['subject']) == '1 mailing list without an administrator'
    assert ', '.join(sorted(found[1]['recipients'])) == OPERATORS
    assert f'  {assigned.fqdn_listname} (since 2026-03-02)' in text_of(found[0])
    do_due(periodic.TASKS, clock.forward(hours=23))
    assert mails() == []
    do_due(periodic.TASKS, clock.forward(hours=1))
    assert mails() == [(OPERATORS, '1 mailing list without an administrator')]
    # Another one: at once, and both are named.
    unassign(other, Role.administrator, 'kim@agency.example.gov')
    assert mails() == [(OPERATORS, '2 mailing lists without an administrator')]
    remove_list(other)
    grants.approve(PAT, Role.administrator)
    do_due(periodic.TASKS, clock.forward(days=2))
    assert mails() == []


def owner_mail(mlist: Any) -> set[str]:
    """Send mail to the -owner address; who gets it."""
    msg = message(
        f'From: ann@example.net\nTo: {mlist.owner_address}\nSubject: A question\n'
        'Message-ID: <q@example.net>\n\nHow?\n'
    )
    config.switchboards['in'].enqueue(
        msg, listid=mlist.list_id, to_owner=True, envsender='operators@example.gov'
    )
    run('in', 'pipeline')
    return out()


def out() -> set[str]:
    ((_msg, data),) = queued('out')
    switchboard = config.switchboards['out']
    for filebase in switchboard.files:
        switchboard.dequeue(filebase)
        switchboard.finish(filebase)
    recipients: set[str] = data['recipients']
    return recipients


def notice(mlist: Any) -> set[str]:
    """Let Mailman write to a list's owners and moderators; who gets it."""
    OwnerNotification(mlist, 'News', 'x', roster=mlist.administrators).send(mlist)
    run('virgin')
    return out()


@pytest.mark.parametrize('way', [owner_mail, notice])
def test_mail_for_administrators_who_are_gone_goes_to_support(
    assigned: Any, way: Any
) -> None:
    before = {key: getattr(assigned, key) for key in ('owner_pipeline', 'owner_chain')}
    assert way(assigned) == {'help@example.gov'}
    appoint(assigned, 'mo@example.org', 'moderator')
    assert way(assigned) == {'mo@example.org', 'help@example.gov'}
    grants.approve(PAT, Role.administrator)
    assert way(assigned) == {'mo@example.org', 'assigned@agency.example.gov'}
    grants.revoke(PAT, Role.administrator, 'x')
    assert way(assigned) == {'mo@example.org', 'help@example.gov'}
    assert before == {key: getattr(assigned, key) for key in before}


def test_other_mail_is_left_alone(assigned: Any, make_list: Any) -> None:
    # To one person; and to the -owner address itself, from where it comes back.
    from qnet_mailman.templates.sending import send

    for recipient in ('ann@example.net', assigned.owner_address):
        send(assigned, recipient, notices.EXPIRES, 'x', {})
        run('virgin')
        assert out() == {recipient}


def test_an_administrator_who_gets_no_mail_is_one_all_the_same(assigned: Any) -> None:
    grants.approve(PAT, Role.administrator)
    (member,) = assigned.owners.members
    member.preferences.delivery_status = DeliveryStatus.by_user
    # Then it is as in Mailman.
    assert owner_mail(assigned) == {'operators@example.gov'}


def test_a_list_of_another_style_is_as_in_mailman(core: Any, make_list: Any) -> None:
    make_list()
    plain = create_list(f'plain@{DOMAIN}', style_name='legacy-default')
    config.db.commit()
    assert owner_mail(plain) == {'operators@example.gov'}


def test_texts_are_plain_and_narrow(assigned: Any) -> None:
    for template in (*notices.TEMPLATES.values(), notices.EXPIRES, notices.UNATTENDED):
        text = ours(template)
        assert text is not None
        assert all(len(line) <= 76 for line in text.splitlines())
        assert '${support_contact}' in text.splitlines()[-1]
        assert not re.search(r'\bproject(ion|ed)\b', text)

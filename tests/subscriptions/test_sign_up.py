# SPDX-License-Identifier: GPL-3.0-or-later
"""One request for many lists (R13)."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mailman.app.lifecycle import remove_list
from mailman.config import config
from mailman.interfaces.address import IEmailValidator
from mailman.interfaces.bans import IBanManager
from mailman.interfaces.member import DeliveryMode
from mailman.interfaces.subscriptions import TokenOwner
from mailman.interfaces.usermanager import IUserManager
from mailman.model.address import Address
from mailman.model.user import User
from mailman.utilities.datetime import now
from sqlalchemy import func, select
from zope.component import getUtility

from qnet_mailman.model import finding
from qnet_mailman.model.base import store
from qnet_mailman.model.listing import Listed
from qnet_mailman.model.lists import row_of
from qnet_mailman.model.return_addresses import confirm_address
from qnet_mailman.subscriptions import confirming, sign_up
from qnet_mailman.subscriptions.confirming import Kind
from qnet_mailman.subscriptions.sign_up import Standing
from qnet_mailman.values import ListType, Visibility
from tests.helpers import empty, make_user, queued, run, subscribe
from tests.subscriptions.joiners import (
    READER,
    confirm,
    let_expire,
    mails,
    members,
    register,
    text,
    the_mail,
    token_of,
    undecided,
)
from tests.subscriptions.waiting import waiting


def request(
    *lists: Any, address: str = READER, name: str = 'Rea', **more: Any
) -> sign_up.Request:
    list_ids = tuple(mlist.list_id for mlist in lists)
    return sign_up.Request(address, name, list_ids, now(), **more)


def ask(*lists: Any, **more: Any) -> None:
    """As REST and the runner do it."""
    sign_up.queue(request(*lists, **more))
    run('command')


def outcomes(token: str) -> dict[str, str]:
    confirmed = confirming.confirm(token, route='web')
    assert confirmed is not None
    config.db.commit()
    return {
        listed.fqdn_listname.split('@')[0]: outcome.value
        for listed, outcome in confirmed.lists
    }


def count(table: Any) -> int:
    return store().scalar(select(func.count()).select_from(table))


# ----------------------------------------------------------------- decision


def standing(visibility: str, **more: Any) -> Standing:
    listed = Listed('', '', '', '', ListType.discussion, Visibility(visibility))
    return Standing(listed, **{'subscribed': False, 'waits_for': None, **more})


@pytest.mark.parametrize(
    ('each', 'where'),
    [
        (standing('public'), ['to_confirm']),
        (standing('public', waits_for=TokenOwner.subscriber), ['to_confirm']),
        (standing('public', waits_for=TokenOwner.moderator), ['to_confirm']),
        (standing('public', subscribed=True), ['subscribed']),
        (standing('private'), ['to_approve', 'to_ask']),
        (standing('private', waits_for=TokenOwner.moderator), ['to_approve']),
        (standing('private', waits_for=TokenOwner.subscriber), ['to_confirm']),
        (standing('private', subscribed=True), ['subscribed']),
    ],
)
def test_the_decision(each: Standing, where: list[str]) -> None:
    plan = sign_up.plan([each])
    assert [name for name, lists in vars(plan).items() if lists] == where


# ------------------------------------------------------------------- public


def test_one_mail_for_many_lists(make_list: Any) -> None:
    lists = [make_list() for _ in range(3)]
    ask(*lists)
    mail = the_mail()
    token = token_of(mail)
    assert mail['subject'] == 'Please confirm your request for e-mail updates'
    assert mail['from'] == confirm_address(lists[0], token)
    words = text(mail)
    for number in (1, 2, 3):
        assert f'  HQR Updates <news{number}@lists.example.gov>\n' in words
    for part in (
        f'  {READER}\n',
        f'  https://lists.example.gov/signup/confirm/{token}/\n',
        'If YOU DID NOT ASK',
        'help@example.gov',
    ):
        assert part in words, part
    assert '$' not in words
    assert all(len(line) <= 78 for line in words.splitlines() if line[:1] != ' ')
    # Nobody is known before the confirmation.
    assert (count(Address), count(User)) == (0, 0)

    described = confirming.describe(token)
    assert described is not None
    assert (described.kind, described.address) == (Kind.sign_up, READER)
    assert outcomes(token) == dict.fromkeys(('news1', 'news2', 'news3'), 'subscribed')
    assert [members(mlist) for mlist in lists] == [[READER]] * 3
    address = getUtility(IUserManager).get_address(READER)
    assert address.verified_on is not None
    assert address.display_name == 'Rea'
    assert address.user.display_name == 'Rea'
    assert confirming.confirm(token, route='web') is None
    assert waiting() == 0


def test_a_hundred_lists(make_list: Any) -> None:
    lists = [make_list() for _ in range(100)]
    empty('virgin')
    ask(*lists, name='\N{GRINNING FACE}' * 200)
    token = token_of(the_mail())
    described = confirming.describe(token)
    assert described is not None
    assert len(described.lists) == 100


def test_without_a_web_side_there_is_the_answer(make_list: Any, configure: Any) -> None:
    configure(web_url='')
    ask(make_list())
    assert 'If you want their messages, answer this message.' in text(the_mail())


def test_it_expires(make_list: Any) -> None:
    ask(make_list())
    token = token_of(the_mail())
    let_expire(token)
    assert confirming.describe(token) is None
    assert confirming.confirm(token, route='web') is None


def test_the_answer_goes_to_the_one_list(make_list: Any) -> None:
    first, second = make_list(), make_list()
    ask(second, first)
    token = token_of(the_mail())
    assert confirming.confirm(token, route='e-mail', mlist=second) is None
    assert confirming.confirm(token, route='e-mail', mlist=first) is not None
    assert members(second) == [READER]


def test_asking_again_sends_again_within_the_limit(
    make_list: Any, configure: Any
) -> None:
    configure(unproven_mails_per_day='2')
    mlist = make_list()
    for _ in range(3):
        ask(mlist)
    first, second = mails()
    assert outcomes(token_of(second)) == {'news1': 'subscribed'}
    assert outcomes(token_of(first)) == {'news1': 'already subscribed'}


def test_a_request_that_waits_elsewhere_is_confirmed_with_it(make_list: Any) -> None:
    mlist = make_list()
    register(mlist, delivery_mode=DeliveryMode.mime_digests)
    mails()
    ask(mlist)
    assert outcomes(token_of(the_mail())) == {'news1': 'subscribed'}
    member = mlist.members.get_member(READER)
    assert member.delivery_mode is DeliveryMode.mime_digests
    assert waiting() == 0


def test_subscribed_already_is_all_it_says(make_list: Any) -> None:
    mlist, other = make_list(), make_list('notification', 'private')
    subscribe(mlist, READER)
    user = getUtility(IUserManager).get_user(READER)
    user.preferred_address = next(iter(user.addresses))
    other.subscribe(user)
    empty('virgin')
    ask(mlist, other)
    mail = the_mail()
    assert mail['subject'] == 'You are subscribed already'
    assert mail['from'] == mlist.owner_address
    assert 'YOU ARE SUBSCRIBED ALREADY' in text(mail)
    assert 'confirm/' not in text(mail)
    assert waiting() == 0


# ------------------------------------------------------------------ private


def test_private_lists_are_approved_first(make_list: Any) -> None:
    public, private = make_list(), make_list('notification', 'private')
    ask(public, private)
    notice, mail = mails()
    assert notice['to'] == private.owner_address
    assert 'Who      Rea <reader@example.net>' in text(notice)
    assert 'THE ADMINISTRATORS DECIDE' in text(mail)
    assert outcomes(token_of(mail)) == {'news1': 'subscribed'}
    assert members(private) == []
    empty('virgin')
    token, _, _ = confirm(private, undecided(private))
    assert token_of(the_mail()) == token
    confirm(private, token)
    assert members(private) == [READER]


def test_only_private(make_list: Any) -> None:
    private = make_list('notification', 'private')
    ask(private)
    _notice, mail = mails()
    assert mail['subject'] == 'Your request for e-mail updates'
    assert mail['from'] == private.owner_address
    # Again: the same mail, and no second notice.
    ask(private)
    assert the_mail()['subject'] == mail['subject']
    assert waiting() == 1


def test_an_approval_that_waits_is_part_of_the_mail(make_list: Any) -> None:
    private = make_list('notification', 'private')
    ask(private)
    confirm(private, undecided(private))
    empty('virgin')
    ask(private)
    assert outcomes(token_of(the_mail())) == {'news1': 'subscribed'}
    assert members(private) == [READER]
    assert waiting() == 0


def test_an_invitation_that_waits_is_accepted_with_it(make_list: Any) -> None:
    private = make_list('notification', 'private')
    register(private, invitation=True)
    mails()
    ask(private)
    assert outcomes(token_of(the_mail())) == {'news1': 'subscribed'}


def test_an_approval_whose_address_was_deleted_is_none(make_list: Any) -> None:
    private = make_list('notification', 'private')
    ask(private)
    confirm(private, undecided(private))
    ask(private)
    mail = mails()[-1]
    users = getUtility(IUserManager)
    users.delete_user(users.get_user(READER))
    config.db.commit()
    assert outcomes(token_of(mail)) == {'news1': 'waiting'}


# ------------------------------------------------------------------- banned


def test_a_ban_shows_after_confirming_only(make_list: Any) -> None:
    public, private = make_list(), make_list('notification', 'private')
    ask(public, private)
    _notice, expected = mails()
    IBanManager(None).ban('^.*@banned\\.example')
    ask(public, private, address='reader@banned.example')
    # No notice to the administrators.
    mail = the_mail('reader@banned.example')

    def same(msg: Any) -> str:
        words = text(msg).replace(token_of(msg), 'TOKEN')
        return words.replace('reader@banned.example', READER)

    assert same(mail) == same(expected)
    assert outcomes(token_of(mail)) == {'news1': 'refused'}
    assert members(public) == []


# -------------------------------------------------------- what changes between


def test_what_is_true_when_it_is_confirmed(make_list: Any) -> None:
    lists = [make_list() for _ in range(4)]
    ask(*lists)
    token = token_of(the_mail())
    remove_list(lists[0])
    subscribe(lists[1], READER)
    row = row_of(lists[2])
    assert row is not None
    row.visibility = Visibility.private.value
    config.db.commit()
    assert outcomes(token) == {
        'news2': 'already subscribed',
        'news3': 'waiting',
        'news4': 'subscribed',
    }
    assert mails()[-2]['subject'] == f'HQR Updates: {READER} asks to join'


def test_lists_that_are_gone(make_list: Any) -> None:
    mlist, other = make_list(), make_list()
    ask(mlist)
    token = token_of(the_mail())
    wanted = request(mlist)
    remove_list(mlist)
    config.db.commit()
    assert confirming.confirm(token, route='web') is None
    sign_up.take(wanted)
    assert mails() == []
    assert members(other) == []


def test_the_name_of_somebody_known_stays(make_list: Any) -> None:
    make_user('Reader@Example.net', 'Real Name')
    mlist = make_list()
    ask(mlist, name='Other Name')
    outcomes(token_of(the_mail()))
    address = getUtility(IUserManager).get_address(READER)
    assert (address.display_name, address.original_email) == (
        'Real Name',
        'Reader@Example.net',
    )


# -------------------------------------------------------------------- flood


@pytest.mark.parametrize(('visibility', 'many'), [('public', 10_000), ('private', 500)])
def test_a_flood_for_one_victim(
    make_list: Any, visibility: str, many: int, caplog: pytest.LogCaptureFixture
) -> None:
    lists = [make_list('notification', visibility) for _ in range(5)]
    requests = [request(mlist) for mlist in lists]
    for number in range(many):
        msgdata = {sign_up.QUEUE_KEY: vars(requests[number % 5])}
        assert sign_up.handle_queued(msgdata)
        if number % 100 == 0:
            config.db.commit()
    assert len([mail for mail in mails() if mail['to'] == READER]) == 5
    assert waiting() == 5
    assert 'No further mail today' in caplog.text


def test_it_is_one_limit_in_capitals_too(make_list: Any) -> None:
    mlist = make_list()
    for address in ('reader@x.example', 'READER@x.example', 'Reader@X.example') * 2:
        ask(mlist, address=address)
    assert len(mails()) == 5


def test_other_entries_of_the_queue_are_not_ours() -> None:
    assert not sign_up.handle_queued({'listid': 'news1.lists.example.gov'})


def test_a_list_does_not_join(make_list: Any) -> None:
    mlist, other = make_list(), make_list()
    for address in (
        other.posting_address,
        other.owner_address,
        other.confirm_address('x'),
        'NEWS2-bounces+a=b@lists.example.gov',
    ):
        ask(mlist, address=address)
    assert mails() == []


# ------------------------------------------------------------------ clients


@pytest.mark.parametrize(
    ('first', 'second', 'same'),
    [
        ('192.0.2.1', '192.0.2.1', True),
        ('192.0.2.1', '192.0.2.2', False),
        ('192.0.2.1', '::ffff:192.0.2.1', True),
        ('2001:db8::1', ' 2001:db8:0:0:ffff::9 ', True),
        ('2001:db8::1', '2001:db8:0:1::1', False),
        ('2001:db8::1', 'fe80::1%eth0', False),
        ('nonsense', '', True),
    ],
)
def test_clients(
    core: Any, configure: Any, first: str, second: str, same: bool
) -> None:
    configure(signup_requests_per_hour='1')
    assert sign_up.client_allowed(first)
    assert sign_up.client_allowed(second) is not same


# ---------------------------------------------------------------- addresses


@pytest.mark.parametrize(
    ('typed', 'meant'),
    [
        (' reader@example.net\t\n', 'reader@example.net'),
        ('Rea.Der+news@Example.NET', 'Rea.Der+news@Example.NET'),
        ('"rea.der"@example.net', '"rea.der"@example.net'),
        ("o'reader@example.net", "o'reader@example.net"),
        ('reader@bücher.example', 'reader@xn--bcher-kva.example'),
        ('reader@例え.テスト', 'reader@xn--r8jz45g.xn--zckzah'),
        ('reader@example.net.', None),
        ('reader@example', None),
        ('reader@-example.net', None),
        ('reader@@example.net', None),
        ('reader@evil.example@example.net', None),
        ('reader', None),
        ('', None),
        ('a b@example.net', None),
        ('Rea <reader@example.net>', None),
        ('reader@example.net,other@example.net', None),
        ('reader@example.net\nBcc: other@example.net', None),
        # Lower case makes this Kelvin sign an ASCII k: somebody else's address.
        ('\N{KELVIN SIGN}im@example.net', None),
        ('r' * 250 + '@example.net', None),
        ('reader@' + 'ü' * 100 + '.example', None),
    ],
)
def test_addresses(core: Any, typed: str, meant: str | None) -> None:
    assert finding.address_of(typed) == meant


_PIECES = st.lists(
    st.sampled_from(
        [*'@.<>",:;()[]\\ \n\x00+-_%\'a1', 'example', 'ü', '\udcff', 'xn--', '。', 'ß']
    ),
    max_size=20,
).map(''.join)


@given(st.one_of(st.text(max_size=300), _PIECES, st.emails()))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_is_an_address_that_mailman_takes_or_none(
    core: Any, typed: str
) -> None:
    address = finding.address_of(typed)
    if address is not None:
        assert getUtility(IEmailValidator).is_valid(address)
        assert address.isascii()
        assert finding.address_of(address) == address


def test_the_queue_holds_a_request_as_it_is(make_list: Any) -> None:
    wanted = request(make_list(), name='R\N{LATIN SMALL LETTER E WITH ACUTE}a')
    sign_up.queue(wanted)
    ((_msg, msgdata),) = queued('command')
    assert sign_up.Request(**msgdata[sign_up.QUEUE_KEY]) == wanted

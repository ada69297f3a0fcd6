# SPDX-License-Identifier: GPL-3.0-or-later
"""Posts that may be meant to leave a list, in words that do not leave it (R14)."""

from __future__ import annotations

import email
import re
from email.header import Header
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from mailman.config import config
from mailman.interfaces.requests import IListRequests, RequestType

from qnet_mailman.subscriptions import one_click
from qnet_mailman.subscriptions.one_click import Outcome
from qnet_mailman.subscriptions.wishes import wishes_to_leave
from tests.helpers import message, post, queued, run
from tests.subscriptions.joiners import mails, members, text, the_mail
from tests.subscriptions.leavers import READER, raw
from tests.subscriptions.subjects import unseen

OTHER = 'other@example.net'
POSTER = 'pat@agency.example.gov'
LIST: Any = SimpleNamespace(
    display_name='HQR Updates', list_name='hqr-updates', subject_prefix='[HQR] '
)

WISHES = [
    # English
    'leave',
    'Leave the list',
    'stop',
    'STOP!!',
    'remove me',
    'Remove me from this list, please.',
    'Please unsubscribe me',
    'Unsubscribe me',
    'unsubscribe kim@clinic.example.org',
    'How do I unsubscribe',
    'How do I unsubscribe?',
    'how can i get off this list',
    'Take me off your mailing list',
    'Opt out',
    'opt-out',
    'Cancel my subscription',
    'Please remove my e-mail address from your distribution list. Thanks!',
    'I don’t want to receive these emails, please stop sending them',
    'Unsubscribe from HQR Updates',
    'quit',
    # German
    'abmelden',
    'Bitte abmelden!',
    'Bitte aus dem Verteiler austragen',
    'Wie kann ich mich abmelden?',
    'Abbestellung',
    'Newsletter abbestellen',
    'Bitte keine E-Mails mehr',
    # French
    'désabonner',
    'Desabonnement',
    'Me désinscrire de la liste',
    'Merci de me retirer de votre liste',
    'Comment se désabonner ?',
    'Je ne veux plus recevoir vos messages',
    # Spanish
    'baja',
    'Darme de baja',
    'Quiero darme de baja de la lista',
    '¿Cómo puedo cancelar mi suscripción?',
    # Italian
    'Cancellatemi dalla lista',
    'Disiscrizione',
    'Come posso disiscrivermi?',
    # Portuguese
    'Quero sair da lista',
    'Cancelar inscrição',
    'Descadastrar',
    # Dutch
    'Graag uitschrijven',
    'Afmelden nieuwsbrief',
    'Hoe kan ik mij afmelden?',
    # Swedish, Danish, Norwegian, Finnish
    'Avregistrera',
    'Ta bort mig från listan',
    'Afmeld',
    'Jeg vil gerne afmelde mig',
    'Meld meg av listen',
    'Poistakaa minut listalta',
    # Polish, Russian, Chinese, Japanese, Korean, Arabic, Hebrew, Turkish, Vietnamese
    'Proszę o usunięcie z listy',
    'Отписаться от рассылки',
    '退订',
    '取消訂閱',
    '配信停止をお願いします',
    '구독 취소 부탁드립니다',
    'إلغاء الاشتراك',
    'הסירו אותי',
    'Abonelikten çık',
    'Hủy đăng ký',
    # Behind what programs put before it
    'Re: remove me',
    'AW: [HQR] Please unsubscribe me',
    '{EXTERNAL} leave',
    'EXTERNAL SENDER: How do I unsubscribe?',
]

NO_WISHES = [
    '',
    'News',
    'Re: minutes of the last call',
    'Parental leave policy',
    'Leave of absence',
    'Stop smoking',
    'How to stop sepsis',
    'Please remove the catheter early',
    'Removing measures in 2027',
    'Unsubscribe rates in newsletters',
    'How many people unsubscribe from such lists in a year?',
    'Subscribe',
    'How do I subscribe?',
    'The list',
    'Please',
    'HQR Updates',
    'Baja California: new hospital',
    'Cancelled: call on Monday',
    'Remove me before flight',
    'Automatic reply: remove me',
]

ANSWERS = [
    'UNSUBSCRIBE',
    'Hi, please unsubscribe me.',
    'Dear all:\nunsubscribe\n',
    'unsubscribe\n\n> On Monday, News wrote:\n> News.\n> More.\n> Much more.\n',
    'Please unsubscribe me\n\nKim Lee\nExample Hospital\n555-0100\n',
    'Hello all,\n\nremove me please\n\nThanks\n\nFrom: News <x@example.net>\nSent: x\n',
    'STOP\n\nSent from my phone\n\n> On Nov 2, 2026, at 3:00, News wrote:\n> News.\n',
    'Bitte abmelden.\n\nFreundliche Grüße\nKim\n-----Ursprüngliche Nachricht-----',
    'leave\n\n________________________________\nVon: News\nGesendet: Montag\n',
    '退订\n\n发件人: News\n',
]

NO_ANSWERS = [
    'Good bye.',
    'Hi all,\n',
    'Dear colleagues, please find the minutes below.\n',
    'I agree.\n\nPlease unsubscribe me\n',
    'Stop.\nThis leads nowhere.\nWe should talk.\nAbout other things.\nSoon.\n',
    '> UNSUBSCRIBE\n\nWho was that?\n',
    'How many people unsubscribe?\n',
]


def asks(subject: str, body: str = 'More about it.\n') -> bool:
    raw_message = f'Content-Type: text/plain; charset=utf-8\n\n{body}'
    msg = email.message_from_bytes(raw_message.encode())
    msg['Subject'] = Header(subject, 'utf-8').encode()
    return wishes_to_leave(LIST, msg)


@pytest.mark.parametrize('subject', WISHES)
def test_subjects(subject: str) -> None:
    assert asks(subject)


@pytest.mark.parametrize('subject', NO_WISHES)
def test_other_subjects(subject: str) -> None:
    assert not asks(subject)


@pytest.mark.parametrize('body', ANSWERS)
def test_answers(body: str) -> None:
    assert asks('Re: News', body)


@pytest.mark.parametrize('body', NO_ANSWERS)
def test_other_answers(body: str) -> None:
    assert not asks('Re: News', body)


@given(st.binary(max_size=300))
@example(b'Subject: \xff\n\n\xff')
def test_no_message_is_too_strange(data: bytes) -> None:
    msg = email.message_from_bytes(data)
    assert wishes_to_leave(LIST, msg) in (True, False)


# ------------------------------------------------------------------- on lists


def write(mlist: Any, subject: str, sender: str = READER, body: str = 'Bye.') -> None:
    post(mlist, message(raw(mlist.fqdn_listname, subject, sender, body=body), sender))
    run('in')


def held(mlist: Any) -> int:
    return int(IListRequests(mlist).count_of(RequestType.held_message))


KINDS = ['leave', 'remove me', 'How do I unsubscribe?', 'Bitte abmelden']


@pytest.mark.mlist('discussion', members=[READER, OTHER], administrators=[POSTER])
@pytest.mark.parametrize('sender', [READER, POSTER])
def test_a_discussion_does_not_get_them(
    mlist: Any, configure: Any, sender: str
) -> None:
    configure(poster_authentication='off')
    mlist.respond_to_post_requests = True
    for number, subject in enumerate(KINDS, start=1):
        write(mlist, subject, sender)
        assert held(mlist) == number
    write(mlist, 'Re: News', sender, 'UNSUBSCRIBE\n\n> News.\n')
    assert held(mlist) == len(KINDS) + 1
    assert not queued('pipeline')
    assert OTHER in members(mlist)
    told = mails()
    for_moderators = [msg for msg in told if msg.is_multipart()]
    for msg in (msg for msg in told if msg not in for_moderators):
        assert 'looks like a request to leave' in text(msg)
        assert ('/unsubscribe/' in text(msg)) is (sender == READER)
    for msg in for_moderators:
        # The link is its reader's.
        told_why = ' '.join(text(msg.get_payload(0)).split())
        assert 'looks like a request to leave' in told_why
        assert '/unsubscribe/' not in msg.as_string()
    write(mlist, 'Parental leave policy', sender)
    assert len(queued('pipeline')) == 1


@pytest.mark.mlist('notification', members=[READER, OTHER])
@pytest.mark.parametrize('subject', KINDS[:2])
def test_a_notification_list_tells_how_to_leave(mlist: Any, subject: str) -> None:
    write(mlist, subject)
    notice = the_mail()
    assert 'This list carries announcements only.' in text(notice)
    assert f'subject Unsubscribe to\n\n  {mlist.fqdn_listname}' in text(notice)
    (token,) = re.findall(r'https://\S+/unsubscribe/(\w+)/', text(notice))
    assert one_click.leave(token, route='test').outcome is Outcome.subscribed
    left = one_click.leave(token, route='test', confirmed=True)
    assert (left.outcome, left.whose) == (Outcome.left, ('r***@example.net',))
    assert members(mlist) == [OTHER]
    assert not queued('pipeline')


@pytest.mark.mlist('notification', members=[OTHER], respond_to_post_requests=True)
def test_who_is_no_member_gets_nobodys_link(mlist: Any) -> None:
    write(mlist, 'remove me')
    (notice,) = [msg for msg in mails() if msg['to'] == READER]
    assert 'from the address that gets its messages' in text(notice)
    assert '/unsubscribe/' not in text(notice)


@pytest.mark.mlist('notification', members=[OTHER], administrators=[POSTER])
def test_an_announcement_may_tell_how_to_leave(mlist: Any, configure: Any) -> None:
    configure(poster_authentication='off')
    write(mlist, 'How to unsubscribe', POSTER)
    assert len(queued('pipeline')) == 1


MARKS = ['{EXTERNAL} ', '(EXTERNAL) ', 'EXTERNAL SENDER: ', 'Re: {External} ']


@pytest.mark.mlist('discussion', members=[READER])
@pytest.mark.parametrize('mark', MARKS)
def test_what_a_gateway_marked_confirms(mlist: Any, mark: str) -> None:
    mlist.send_goodbye_message = False
    write(mlist, f'{mark}Unsubscribe')
    assert unseen(mlist)
    question = the_mail()
    config.switchboards['command'].enqueue(
        message(raw(str(question['from']), f'{mark}Re: Unsubscribe')),
        listid=mlist.list_id,
        subaddress='confirm',
    )
    run('command')
    assert members(mlist) == []

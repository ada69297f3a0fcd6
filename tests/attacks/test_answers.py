# SPDX-License-Identifier: GPL-3.0-or-later
"""An answer releases nothing (R39, R14): programs and a "no" against every address.

Whoever posts in somebody's name, or asks for them to join or leave, wins if the
question that goes to the true person is answered by a program, or with a "no".
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mailman.config import config
from mailman.interfaces.requests import IListRequests, RequestType
from sqlalchemy import func, select

from qnet_mailman.mail.answers import ENGLISH, WORDINGS, Question, opening, says
from qnet_mailman.mail.automatic import automatic_answer
from qnet_mailman.model.audit import QNetAudit
from qnet_mailman.model.base import store
from qnet_mailman.model.requests import QNetRequest
from qnet_mailman.review import arrival
from tests.attacks.automatic_answers import KINDS, Kind
from tests.helpers import (
    appoint,
    empty,
    message,
    post,
    queued,
    run,
    subscribe,
    text_of,
)
from tests.subscriptions.joiners import command, mails, members, text

PAT = 'pat@agency.test'
FORMS = 'forms@lists.example.gov'
NO = 'No! I did not write this.'

pytestmark = pytest.mark.mlist('discussion')


def hold(mlist: Any) -> Any:
    """Forge a post of Pat's; the question that Pat gets."""
    appoint(mlist, PAT, may_post=True)
    empty('virgin')
    raw = f'From: {PAT}\r\nTo: {mlist.fqdn_listname}\r\nSubject: Vote!\r\n\r\nVote!\r\n'
    post(mlist, message(raw, PAT))
    run('in')
    (question,) = mails()
    return question


def ask_to_join(mlist: Any) -> Any:
    command(mlist, 'join', f'From: {PAT}\nTo: {mlist.join_address}\n\n', PAT)
    run('command')
    (question,) = mails()
    return question


def ask_to_leave(mlist: Any) -> Any:
    subscribe(mlist, PAT)
    config.db.commit()
    command(mlist, 'leave', f'From: {PAT}\nTo: {mlist.leave_address}\n\n', PAT)
    run('command')
    (question,) = mails()
    return question


def answer(mlist: Any, raw: str | bytes, subaddress: str, envelope: str = PAT) -> None:
    config.switchboards['command'].enqueue(
        message(raw, envelope), listid=mlist.list_id, subaddress=subaddress
    )
    run('command')


def reply(mlist: Any, question: Any, body: str | bytes, **kws: Any) -> None:
    """Answer as a person's mail program does."""
    quoted = '\r\n'.join(f'> {line}' for line in text(question).splitlines())
    body = body.encode() if isinstance(body, str) else body
    head = (
        f'From: {PAT}\r\nTo: {question["from"]}\r\nSubject: Re: {question["subject"]}'
        f'\r\nMIME-Version: 1.0\r\nContent-Type: {kws.get("kind", "text/plain")}; '
        f'charset=utf-8\r\n\r\n'
    )
    answer(mlist, head.encode() + body + f'\r\n\r\n{quoted}\r\n'.encode(), 'confirm')


def held(mlist: Any) -> int:
    return IListRequests(mlist).count_of(RequestType.held_message)


def act(mlist: Any, kind: Kind, marked: bool, at: str, question: Any) -> None:
    """Let a program answer at one of the addresses."""
    envelope = '' if marked else PAT
    if at == 'posting':
        subject, to = 'Unsubscribe', mlist.fqdn_listname
    elif question is not None:
        subject, to = str(question['subject']), question['from']
    else:
        subject, to = at, f'{mlist.list_name}-{at}@{mlist.mail_host}'
    raw = kind.message(PAT, to, subject, marked=marked)
    if at == 'posting':
        post(mlist, message(raw, envelope))
        run('in')
    else:
        answer(mlist, raw, 'confirm' if question is not None else at, envelope)


QUESTIONS: dict[str, Callable[[Any], Any] | None] = {
    'posting': None,
    'confirm a post': hold,
    'confirm to join': ask_to_join,
    'confirm to leave': ask_to_leave,
    'join': None,
    'leave': None,
    'request': None,
}


@pytest.mark.parametrize('at', QUESTIONS)
@pytest.mark.parametrize('marked', [True, False], ids=['marked', 'unmarked'])
def test_no_program_is_obeyed_or_answered(mlist: Any, at: str, marked: bool) -> None:
    ask = QUESTIONS[at]
    question = None if ask is None else ask(mlist)
    if at in ('posting', 'leave'):
        subscribe(mlist, PAT)
        config.db.commit()
    before = members(mlist), held(mlist)
    obeyed = []
    for kind in KINDS:
        act(mlist, kind, marked, at, question)
        passed = [str(msg['subject']) for msg, _ in queued('pipeline')]
        # A program's post to a list is R5's matter, unless it asks to leave.
        if at == 'posting' and not any('unsubscribe' in one.lower() for one in passed):
            passed = []
        empty('pipeline')
        caused = [f'{msg["to"]}: {msg["subject"]}' for msg in mails()]
        caused += [str(msg['subject']) for msg, _ in queued('out')]
        empty('out')
        if passed or caused or (members(mlist), held(mlist)) != before:
            obeyed.append((kind.name, passed, caused))
    assert obeyed == []
    assert not queued('shunt')
    # What was asked can still be answered by a person.
    if question is not None:
        word = ENGLISH.post if at == 'confirm a post' else ENGLISH.join
        reply(mlist, question, word)
        assert (members(mlist), held(mlist)) != before


@pytest.mark.parametrize('marked', [True, False], ids=['marked', 'unmarked'])
def test_no_program_is_answered_at_the_address_for_forms(
    make_list: Any, configure: Any, marked: bool
) -> None:
    make_list()
    configure(forms_address=FORMS)
    answered = []
    for number, kind in enumerate(KINDS):
        sender = f'pat{number}@agency.test'
        raw = kind.message(sender, FORMS, 'Your request has arrived', marked=marked)
        arrival.keep(raw.encode(), '' if marked else sender)
        run('forms')
        if queued('out'):
            answered.append(kind.name)
        empty('out')
    assert answered == []
    assert store().scalar(select(func.count()).select_from(QNetRequest)) == 0


@pytest.mark.parametrize(
    'body',
    [
        NO,
        'no',
        'Yes, that is mine.',
        '',
        'DO NOT DELIVER',
        'I never wrote this, do not\r\nDELIVER\r\nit!',
        '> DELIVER',
        'DELIVER?? No!',
    ],
)
def test_another_answer_keeps_a_post_and_tells_operators(mlist: Any, body: str) -> None:
    question = hold(mlist)
    for _ in range(3):
        reply(mlist, question, body)
    assert held(mlist) == 1
    assert not queued('pipeline')
    # The operators once; who answered, that nothing was delivered.
    ((told, msgdata),) = queued('out')
    assert msgdata['recipients'] == {'help@example.gov', 'operators@example.gov'}
    assert told['subject'] == 'HQR Updates: a message may be forged'
    words = ' '.join(text_of(told).split())
    assert f'names as its author {PAT} who was asked' in words
    assert '/mailman3/lists/news1.lists.example.gov/held_messages' in words
    if body == NO:
        assert NO in words
    kept = mails()
    assert {(str(mail['to']), str(mail['subject'])) for mail in kept} == {
        (PAT, 'The message to HQR Updates is not delivered')
    }
    (row,) = store().scalars(select(QNetAudit).filter_by(action='post disputed'))
    assert row.actor == PAT
    reply(mlist, question, 'DELIVER')
    assert held(mlist) == 0


def test_the_kept_subject_alone_releases_nothing(mlist: Any) -> None:
    question = hold(mlist)
    raw = f'From: {PAT}\r\nTo: {question["from"]}\r\nSubject: Re: confirm\r\n\r\n'
    answer(mlist, raw, 'confirm')
    assert held(mlist) == 1


@pytest.mark.parametrize('body', ['no', 'Who are you?', '', 'I do not want to JOIN'])
def test_another_answer_does_not_join(mlist: Any, body: str) -> None:
    question = ask_to_join(mlist)
    reply(mlist, question, body)
    assert members(mlist) == []
    (told,) = mails()
    assert told['subject'] == 'Nothing has changed at HQR Updates'
    assert f'\n  {ENGLISH.join}\n' in text(told)
    reply(mlist, question, 'JOIN')
    assert members(mlist) == [PAT]


HTML = '<html><body><div>{}</div><blockquote>Somebody asked</blockquote></body></html>'


@pytest.mark.parametrize(
    ('body', 'kind'),
    [
        ('join', 'text/plain'),
        ('  "Join."\r\n\r\nThanks, Pat', 'text/plain'),
        ('\r\n\r\n*JOIN*\r\n-- \r\nPat', 'text/plain'),
        ('\ufeffJOIN', 'text/plain'),
        (HTML.format('JOIN'), 'text/html'),
        (HTML.format('<b>Join</b>&nbsp;'), 'text/html'),
    ],
)
def test_the_word_as_people_write_it(mlist: Any, body: str, kind: str) -> None:
    question = ask_to_join(mlist)
    reply(mlist, question, body, kind=kind)
    assert members(mlist) == [PAT]


@pytest.mark.parametrize('code', sorted(WORDINGS))
def test_a_list_asks_in_its_language(mlist: Any, code: str) -> None:
    mlist.preferred_language = code
    wording = WORDINGS[code]
    question = ask_to_join(mlist)
    asked = question.get_payload(decode=True).decode(question.get_content_charset())
    assert f'\n  {wording.join}\n' in asked
    if code != 'en':
        assert wording.sentence.format(wording.join) in ' '.join(asked.split())
    reply(mlist, question, f'{wording.join.lower()}\r\n')
    assert members(mlist) == [PAT]
    question = hold(mlist)
    asked = question.get_payload(decode=True).decode(question.get_content_charset())
    assert f'\n  {wording.post}\n' in asked
    reply(mlist, question, wording.post)
    assert held(mlist) == 0


def test_every_question_asks_for_its_word(mlist: Any) -> None:
    for question, word in ((ask_to_join(mlist), 'JOIN'), (hold(mlist), 'DELIVER')):
        assert re.search(rf'this one word:\n\n  {word}\n', text(question))
        # Sent back without a mark of quotation, it is no answer.
        reply(mlist, question, text(question))
    assert members(mlist) == []
    assert held(mlist) == 1


@pytest.mark.parametrize(
    'raw',
    [
        'Subject: Re: Please confirm\n\nJOIN\n\nI am out of town.',
        'Subject: Re: [EXTERNAL] Please confirm\n\nJOIN',
        'Subject: Re: Automatic reply to surveys\n\nJOIN',
        'Subject: Re: Unsubscribe\n\nGood bye, and thanks for your work.',
        'Subject: AW: Unsubscribe\n\nIch verlasse das Büro für immer.',
        'Subject: Unsubscribe\n\nI am leaving the company.',
    ],
)
def test_people_are_no_programs(raw: str) -> None:
    assert automatic_answer(message(f'From: {PAT}\n{raw}\n', PAT)) is None


class _English:
    class preferred_language:
        code = 'en'


@given(st.binary(max_size=300))
def test_no_answer_is_too_strange(data: bytes) -> None:
    msg = message(b'Content-Type: ' + data + b'\r\n\r\n' + data, PAT)
    assert says(msg, _English, Question.join) in (True, False)
    assert len(opening(msg)) <= 5
    automatic_answer(msg)


@given(st.text(max_size=60))
def test_nothing_but_the_word_is_a_yes(line: str) -> None:
    msg = message(f'From: {PAT}\r\n\r\nnot {line}\r\nDELIVER\r\n', PAT)
    assert not says(msg, _English, Question.post)

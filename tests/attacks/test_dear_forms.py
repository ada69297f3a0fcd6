# SPDX-License-Identifier: GPL-3.0-or-later
"""Attacks on the time, the memory and the patience of those who read forms.

A form costs at most 2 s of computing time and 200 MB, whatever is in it; and nobody
gets all the places for requests that wait.  The dear inputs are those of
`bench.dear`, made anew each time.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from bench.dear.forms import (
    INPUTS,
    json_keys,
    mail_with,
    rows_of_nothing,
    yaml_items,
)
from qnet_mailman.forms import limited, loading
from qnet_mailman.forms.kept import Loaded
from qnet_mailman.review import arrival, deciding, reading, requests
from qnet_mailman.review.reading import Sent
from qnet_mailman.roles import overview
from qnet_mailman.settings import MEBIBYTE, Settings
from tests.helpers import run
from tests.provisioning.samples import data
from tests.review.senders import ADDRESS, SENDER, deliver, form, mail, take_in

SETTINGS = Settings(domain='lists.example.gov', support_address='help@example.gov')
LIMIT = loading.budget_for(SETTINGS)
STRANGER = 'stranger{}@evil.example'
SHOWN = b'Authentication-Results: mx.example.gov; dkim=pass header.d=example.gov\n'
PAT = 'pat@example.gov'


@pytest.fixture(autouse=True)
def few_forms(configure: Any) -> None:
    configure(
        forms_address=ADDRESS,
        forms_max_waiting='20',
        forms_waiting_per_sender='3',
        forms_waiting_per_domain='6',
        forms_mails_per_day='9',
    )


@pytest.mark.parametrize('one', INPUTS, ids=lambda one: f'{one.room}: {one.name}')
def test_a_dear_input_costs_no_more_than_the_limit(one: Any) -> None:
    content = one.make()
    much = limited.Budget(120, 8192 * MEBIBYTE)
    idle = limited.run(lambda send: None, much)

    def work(send: limited.Send) -> None:
        one.work(content)

    outcome = limited.run(work, much)
    assert outcome.ending is limited.Ending.done
    # The child is stopped at the limit; what is around it takes longer here and there.
    assert outcome.cpu < 2 * LIMIT.cpu
    assert outcome.memory - idle.memory < LIMIT.memory


def test_what_is_too_dear_waits_with_a_mistake_beside_the_others() -> None:
    message = mail(
        ('good.yaml', form()), ('bad.xlsx', rows_of_nothing()), ('late.yaml', form())
    )
    take_in(message)
    first, second = (requests.as_dict(*row) for row in requests.of(['waiting']))
    assert (first['kind'], first['mistakes']) == ('list-request', 0)
    assert (second['kind'], second['mistakes']) == ('', 1)
    (error,) = deciding.look(2).result.errors
    assert error.message.startswith('takes more than 2 s of computing time to read')


@pytest.mark.parametrize(
    ('name', 'content'), [('a.yaml', yaml_items()), ('a.json', json_keys())]
)
def test_rest_takes_no_longer(name: str, content: bytes) -> None:
    (found,) = reading.read(Sent(name, content), SETTINGS)
    assert found.mistakes == 1


def test_an_honest_form_of_very_many_people_is_read_for_an_operator() -> None:
    """By hand, where somebody waits for it and can stop it."""
    people = ''.join(f'reader{n}@example.org,Reader {n}\n' for n in range(100_000))
    wanted = json.dumps(data(subscribers='people.csv')).encode()
    sent = Sent('a.json', wanted, {'people.csv': people.encode()})
    (found,) = reading.read(sent, SETTINGS, operators=True)
    loaded = found.form
    assert isinstance(loaded, Loaded)
    assert len(loaded.form.subscribers) == 100_000  # type: ignore[union-attr]


# -------------------------------------------------------------- who fills the queue


def table(rows: int) -> bytes:
    lines = [
        f'threshold-change,R{n},Rae,rae@example.org,news{n},9' for n in range(rows)
    ]
    head = 'form,ticket,requester.name,requester.email,list,bounces.threshold'
    return '\n'.join([head, *lines]).encode()


def send(number: int, *files: tuple[str, bytes], sender: str = '') -> list[str]:
    sender = sender or STRANGER.format(number)
    message = mail(*files, sender=sender, message_id=f'<{number}@evil.example>')
    return deliver(message, sender=sender)


def test_a_mail_of_many_rows_has_no_more_places_than_its_sender() -> None:
    for number in range(7):
        assert send(number, ('many.csv', table(999))) in (
            ['250 Ok'],
            [arrival.TOO_MANY_SENT],
        )
        run('forms')
    assert requests.how_many() == 6
    (error,) = deciding.look(1).result.errors
    assert error.message.startswith('has 999 forms, and 3 more may wait')


def test_a_few_rows_have_a_place_each() -> None:
    assert send(0, ('few.csv', table(3))) == ['250 Ok']
    run('forms')
    assert requests.how_many() == 3
    assert send(0, ('more.csv', table(1))) == [arrival.TOO_MANY_SENT]
    assert send(1, ('more.csv', table(1))) == ['250 Ok']


def test_a_burst_before_the_runner_looks_fills_no_more() -> None:
    """Each mail has one place when it comes; what it holds is counted later."""
    taken = [
        send(n, ('f.csv', table(3)), sender=f'a{n}@x{n}.example') for n in range(30)
    ]
    assert taken.count(['250 Ok']) == 16
    run('forms')
    assert requests.how_many() == 16


def test_known_administrators_keep_a_share(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(overview, 'administers_any', lambda email: email == PAT)
    for number in range(30):
        send(number, ('f.csv', table(1)), sender=f'a@x{number}.example')
    run('forms')
    assert requests.how_many() == 16
    forged = mail(('f.yaml', form()), sender=PAT, message_id='<f@example.gov>')
    assert deliver(forged, sender=PAT) == [arrival.TOO_MANY_WAIT]
    for number in range(5):
        genuine = mail(
            ('f.yaml', form()), sender=PAT, message_id=f'<{number}@example.gov>'
        )
        reply = deliver(SHOWN + genuine.as_bytes(), sender=PAT)
        run('forms')
        assert reply == (['250 Ok'] if number < 4 else [arrival.TOO_MANY_WAIT])


def test_who_forges_an_administrator_uses_up_nothing_of_theirs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(overview, 'administers_any', lambda email: email == PAT)
    for number in range(12):
        forged = mail(('f.yaml', form()), sender=PAT, message_id=f'<{number}@evil>')
        deliver(forged, sender=PAT)
        run('forms')
    assert requests.how_many() == 3
    genuine = mail(('f.yaml', form()), sender=PAT, message_id='<g@example.gov>')
    assert deliver(SHOWN + genuine.as_bytes(), sender=PAT) == ['250 Ok']


def test_a_mail_domain_sends_only_so_many_a_day(configure: Any) -> None:
    configure(forms_address=ADDRESS, forms_mails_per_day='1')
    replies = [
        send(n, ('f.txt', b'x'), sender=STRANGER.format(n))
        for n in range(arrival.OF_DOMAIN + 2)
    ]
    run('forms')
    assert replies.count(['250 Ok']) == arrival.OF_DOMAIN
    assert send(99, ('f.txt', b'x'), sender=SENDER) == ['250 Ok']


def test_a_dear_mail_is_taken_by_lmtp_without_reading_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delattr(limited, 'run')
    content = mail_with('a.xlsx', rows_of_nothing())
    assert deliver(content, sender=SENDER) == ['250 Ok']

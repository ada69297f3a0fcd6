# SPDX-License-Identifier: GPL-3.0-or-later
"""What operators look at, over REST: health, audit log, unattended lists."""

from __future__ import annotations

from datetime import datetime
from types import SimpleNamespace
from typing import Any

import pytest
from mailman.config import config

from qnet_mailman.health.looking import examine
from qnet_mailman.model.audit import Action, record
from qnet_mailman.roles import overview
from qnet_mailman.roles.people import Assignee, assign
from qnet_mailman.roles.rights import Role
from tests.clock import Clock
from tests.effort import effort
from tests.helpers import appoint
from tests.rest import client

AUTHOR = 'sam@agency.example.gov'


def ask(path: str, **fields: Any) -> Any:
    answer = client.ask('GET', f'plugins/qnet/{path}', fields)
    assert answer.status_code == 200, answer.json
    return answer.json


def subjects(**fields: Any) -> list[str]:
    return [each['subject'] for each in ask('audit', **fields).get('entries', [])]


def test_health_is_what_the_command_says(core: SimpleNamespace) -> None:
    found = ask('health')['findings']
    assert found == [each.as_dict() for each in examine(web=False, mail=False)]
    assert {
        'level': 'ok',
        'subject': 'database',
        'text': config.db.engine.dialect.name,
        'remedy': '',
    } in found


def test_health_knows_that_pages_have_another_clock(core: SimpleNamespace) -> None:
    def warned(**fields: str) -> list[str]:
        found = ask('health', **fields)['findings']
        return [each['text'] for each in found if each['subject'] == 'time zone']

    assert warned() == warned(time_zone='UTC') == []
    assert warned(time_zone='America/New_York') == [
        'Pages are in America/New_York, mails and days in UTC.'
    ]


def test_lines_come_newest_first_and_go_on_before_any_of_them(
    core: SimpleNamespace,
) -> None:
    for number in range(5):
        record(Action.member_added, 'news.lists.example.gov', str(number))
    record(Action.key_made, None, 'key', actor='operator:pat', for_what='links')
    config.db.commit()
    assert subjects() == ['key', '4', '3', '2', '1', '0']
    [first] = ask('audit', count=1)['entries']
    assert {key: first[key] for key in ('actor', 'action', 'list', 'detail')} == {
        'actor': 'operator:pat',
        'action': 'key made',
        'list': None,
        'detail': {'for_what': 'links'},
    }
    news = {'list': 'NEWS@lists.example.gov', 'count': 2}
    page = ask('audit', **news)['entries']
    assert [each['subject'] for each in page] == ['4', '3']
    assert subjects(**news, before=page[-1]['id']) == ['2', '1']
    assert 'entries' not in ask('audit', list='nobody@lists.example.gov')


def test_lines_of_a_person_an_action_and_a_time(
    core: SimpleNamespace, clock: Clock
) -> None:
    clock.moment = datetime(2027, 3, 14, 6, 59, 59)
    record(Action.key_made, None, 'a', actor='REST: harp:pexample')
    clock.forward(days=1)
    record(Action.assigned, None, 'harp:pexample', actor='operator:root')
    config.db.commit()
    assert subjects(person='pexample') == ['a']
    assert subjects(person='harp:pexample') == ['harp:pexample', 'a']
    assert subjects(action='assigned') == ['harp:pexample']
    assert subjects(since='2027-03-15T00:00:00Z') == ['harp:pexample']
    assert subjects(until='2027-03-14T03:00:00-04:00') == ['a']


@pytest.fixture
def masked(core: SimpleNamespace) -> str:
    """A list with a post that was masked, and one whose author has confirmed it."""
    news = 'news.lists.example.gov'
    record(Action.post_masked, news, '<new@x>', actor=AUTHOR, received_id='<old@y>')
    record(Action.post_confirmed, news, '<old@y>', actor=AUTHOR, route='web')
    record(Action.member_added, news, AUTHOR, actor='harp:pexample')
    config.db.commit()
    return news


def test_who_sent_a_post_is_hidden_and_nobody_finds_it_by_trying(masked: str) -> None:
    [added, confirmed, post] = ask('audit')['entries']
    assert (added['subject'], 'hidden' in added) == (AUTHOR, False)
    assert post['hidden'] and confirmed['hidden']
    assert (post['actor'], post['subject'], post['detail']) == ('', '<new@x>', {})
    assert (confirmed['actor'], confirmed['subject']) == ('', '')
    assert subjects(person=AUTHOR) == [AUTHOR]


def test_whoever_looks_at_senders_is_on_record(masked: str) -> None:
    fields = {'list': masked, 'person': AUTHOR, 'actor': 'harp:owner', 'count': 3}
    answer = client.ask('POST', 'plugins/qnet/audit/senders', fields)
    assert answer.status_code == 200, answer.text
    found = answer.json['entries']
    who = ['REST: harp:owner', 'harp:pexample', AUTHOR]
    assert [each['actor'] for each in found] == who
    # Though nothing else was changed, and for one look there is one line.
    config.db.abort()
    [line] = ask('audit', action='senders shown')['entries']
    assert (line['actor'], line['list']) == ('REST: harp:owner', masked)
    assert line['subject'] == AUTHOR
    assert line['detail'] == {'about': {'list_name': masked, 'person': AUTHOR}}


def test_filters_take_as_much_work_as_they_find_lines(core: SimpleNamespace) -> None:
    def work(**fields: Any) -> int:
        with effort() as found:
            ask('audit', count=50, **fields)
        # The connection is asked whether it is alive, too.
        assert len([each for each in found.statements if 'qnet_audit' in each]) == 1
        return found.kilosteps

    record(Action.key_made, 'a.lists.example.gov', 'x', actor='REST: harp:rare')
    record(Action.text_set, None, AUTHOR)
    for number in range(3000):
        record(
            Action.assigned, 'b.lists.example.gov', f'{number}@x', actor='harp:often'
        )
    config.db.commit()
    for fields in (
        {'list': 'a@lists.example.gov'},
        {'action': 'key made'},
        {'person': 'rare'},
        {'person': AUTHOR},
        {'list': 'b.lists.example.gov', 'person': 'rare'},
        {},
    ):
        # A look at all of them takes more than thirty.
        assert work(**fields) < 10, fields


@pytest.mark.parametrize(
    'fields', [{'before': 0}, {'before': 'x'}, {'count': 1001}, {'since': 'x'}]
)
def test_what_asks_for_no_lines(core: SimpleNamespace, fields: Any) -> None:
    answer = client.ask('GET', 'plugins/qnet/audit', fields)
    assert answer.status_code == 400


def test_lines_of_a_request_by_its_ticket(core: SimpleNamespace) -> None:
    record(Action.list_created, 'a.lists.example.gov', 'a', ticket='REQ1')
    record(Action.list_created, 'b.lists.example.gov', 'b', ticket='REQ10')
    record(Action.request_received, None, 'QM-000007')
    config.db.commit()
    assert subjects(request='REQ1') == ['a']
    assert subjects(request='qm-7') == subjects(request='7') == ['QM-000007']


RAE = Assignee('rae@example.org', 'Rae', 'rexample')


def test_lists_that_nobody_administers(make_list: Any) -> None:
    """With who is assigned, and what they wait for (R25)."""
    kept, left, _nobody = (make_list() for _ in range(3))
    appoint(kept, 'pat@example.org')
    assign(left, Role.administrator, RAE)
    config.db.commit()
    found = ask('lists/unattended')
    assert (found['total_size'], found['start']) == (2, 0)
    one, other = found['entries']
    named = [each['list'] for each in (one, other)]
    assert named == ['news2@lists.example.gov', 'news3@lists.example.gov']
    [rae] = one['assignments']
    assert (rae['name'], rae['waits_for']) == ('Rae', 'waits for the HARP role')
    assert other['assignments'] == []
    second = ask('lists/unattended', count=1, page=2)
    assert [each['list_id'] for each in second['entries']] == [other['list_id']]
    assert [one['list_id'], other['list_id']] == overview.unattended_lists()
    config.db.abort()


def test_any_number_of_lists_costs_the_same(make_list: Any) -> None:
    def cost() -> int:
        with effort() as made:
            ask('lists/unattended')
        return len(made.statements)

    assign(make_list(), Role.administrator, RAE)
    config.db.commit()
    one = cost()
    for _ in range(5):
        assign(make_list(), Role.administrator, RAE)
    config.db.commit()
    assert cost() == one

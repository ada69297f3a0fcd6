# SPDX-License-Identifier: GPL-3.0-or-later
"""What tells of a person is taken out of the audit log in time, but for holds (R31)."""

from __future__ import annotations

import re
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner, Result
from mailman.config import config
from mailman.utilities.datetime import now
from sqlalchemy import select

from qnet_mailman import site
from qnet_mailman.commands.cli_qnet import qnet
from qnet_mailman.health import audit_log
from qnet_mailman.model import holds, redaction, seals
from qnet_mailman.model.audit import Action, QNetAudit, record
from qnet_mailman.model.base import store
from qnet_mailman.model.jobs import do_due
from qnet_mailman.runners.periodic import tasks
from tests.clock import Clock

LIST, LIST_ID = 'hqr-updates@lists.example.gov', 'hqr-updates.lists.example.gov'
OTHER = 'other.lists.example.gov'
PAT, READER = 'pat@agency.example.gov', 'reader@hospital.example.org'

pytestmark = pytest.mark.usefixtures('core')


def audit(*arguments: str) -> Result:
    return CliRunner().invoke(qnet, ['audit', *arguments])


def seal() -> None:
    config.db.commit()
    seals.seal()
    config.db.commit()


def masked(list_id: str, author: str) -> None:
    detail = {'received_id': '<1@x>', 'envelope_sender': author}
    record(Action.post_masked, list_id, '<a@b>', actor=author, **detail)


def people() -> list[str]:
    """Who stands in rows that redaction may be about, in order."""
    config.db.abort()
    kinds = [each.value for each in redaction.OF_STRANGERS + redaction.OF_MEMBERS]
    rows = select(QNetAudit).where(QNetAudit.action.in_(kinds)).order_by(QNetAudit.id)
    found = [
        re.findall(
            r'[\w-]+@[\w.]+\.example\.\w+',
            f'{row.actor} {row.subject} {row.detail}'.lower(),
        )
        for row in store().scalars(rows)
    ]
    return [each[0] if each else '' for each in found]


def by_the_timer() -> None:
    """What runners do from time to time, of the audit log's."""
    job = [each for each in tasks() if each[0] == 'redact the audit log']
    do_due(job, now())


def age() -> timedelta:
    return site.settings().audit_retention


def test_the_timer_redacts_what_is_old_and_says_so(clock: Clock) -> None:
    masked(LIST_ID, PAT)
    record(Action.post_confirmed, LIST_ID, '<a@b>', actor=PAT)
    record(Action.post_disputed, LIST_ID, '<a@b>', actor='nobody', author=PAT)
    record(Action.request_received, subject='QM-000001', sender=PAT)
    record(Action.joining_refused, LIST_ID, PAT, actor='harp:pexample')
    # Who administers what, and who let somebody in, stays.
    kept = 'sam@agency.example.gov'
    record(Action.assigned, LIST_ID, kept, role='administrator')
    record(Action.joining_approved, LIST_ID, READER, actor=kept)
    seal()
    clock.moment += age() - timedelta(hours=1)
    masked(LIST_ID, READER)
    seal()
    by_the_timer()
    assert people() == [PAT] * 5 + [kept, READER]
    clock.forward(hours=2)
    by_the_timer()
    # It is not due again so soon.
    assert people() == [PAT] * 5 + [kept, READER]
    clock.forward(days=1)
    by_the_timer()
    assert people() == [''] * 5 + [kept, READER]
    said = store().scalars(select(QNetAudit).order_by(QNetAudit.id.desc())).first()
    assert said is not None and said.action == 'redacted'
    assert 'older than' in said.detail and '"rows": [1, 2, 3, 4, 5]' in said.detail
    row = store().get(QNetAudit, 1)
    assert row is not None
    assert (row.action, row.list_id, row.subject) == ('post masked', LIST_ID, '')
    seal()
    found = seals.verify()
    assert (found.redacted, found.wrong) == (5, None)
    rows = found.sealed.count
    clock.forward(days=1)
    by_the_timer()
    seal()
    # What was redacted is not redacted again.
    assert seals.verify().sealed.count == rows


def test_it_goes_by_portions_and_on_after_a_kill(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redaction, 'BATCH', 2)
    for _ in range(5):
        masked(LIST_ID, PAT)
    seal()
    clock.moment += age() + timedelta(days=1)
    portions: list[int] = []

    def find(last: int) -> list[int]:
        if len(portions) == 1:
            raise KeyboardInterrupt
        portions.append(last)
        return redaction.due(now() - age(), last)

    with pytest.raises(KeyboardInterrupt):
        redaction.redact_all(find, 'older')
    assert people() == ['', '', PAT, PAT, PAT]
    assert redaction.redact_due(now() - age()) == 3
    assert people() == [''] * 5
    actions = select(QNetAudit.action).where(QNetAudit.action == 'redacted')
    assert len(store().scalars(actions).all()) == 3


@pytest.mark.parametrize('about', [('--list', LIST), ('--person', PAT)])
def test_what_is_on_hold_stays_until_it_is_lifted(
    clock: Clock, about: tuple[str, str]
) -> None:
    masked(LIST_ID, PAT)
    masked(OTHER, READER)
    # There is no such list any more.
    done = audit('--hold', *about, '--why', 'case 12')
    assert done.exit_code == 0 and 'case 12' in done.output, done.output
    assert audit('--hold', *about, '--why', 'case 12').exit_code == 1
    seal()
    clock.moment += age() + timedelta(days=1)
    by_the_timer()
    assert people() == [PAT, '']
    assert 'stays' in audit('--redact', '--person', PAT, '--why', 'asked').output
    assert people() == [PAT, '']
    assert audit('--release', *about, '--why', 'closed').exit_code == 0
    assert audit('--holds').output == ''
    assert audit('--release', *about, '--why', 'closed').exit_code == 1
    assert audit('--redact').output == 'redacted: 1\n'
    assert people() == ['', '']
    told = [(row[0], row[1]) for row in lines() if row[0].startswith('hold')]
    name = about[1] if about[0] == '--person' else ''
    assert told == [('hold set', name), ('hold lifted', name)]


def lines() -> list[Any]:
    query = select(QNetAudit.action, QNetAudit.subject).order_by(QNetAudit.id)
    return list(store().execute(query))


def test_one_person_s_rows_are_redacted_and_nobody_else_s(clock: Clock) -> None:
    masked(LIST_ID, PAT.upper())
    masked(LIST_ID, f'x{PAT}')
    masked(LIST_ID, f'{PAT}.example.org')
    record(Action.member_added, LIST_ID, PAT)
    record(Action.request_received, subject='QM-000001', sender=PAT)
    record(Action.member_added, LIST_ID, PAT, role='owner')
    record(Action.member_changed, LIST_ID, PAT, setting='role', old='member')
    seal()
    assert audit('--redact', '--person', PAT).exit_code == 1
    done = audit('--redact', '--person', PAT, '--why', 'asked for it')
    assert (done.exit_code, done.output) == (0, 'redacted: 3\n')
    others = [f'x{PAT}', f'{PAT}.example.org']
    assert people() == ['', *others, '', '', PAT, PAT]
    seal()
    assert seals.verify().wrong is None


def test_what_has_no_seal_yet_is_told() -> None:
    masked(LIST_ID, PAT)
    config.db.commit()
    done = audit('--redact', '--person', PAT, '--why', 'asked for it')
    assert done.exit_code == 1
    assert 'do it again in a minute' in done.output
    assert people() == [PAT]


@pytest.mark.parametrize(
    'arguments',
    [
        ('--hold', '--why', 'x'),
        ('--hold', '--list', LIST, '--person', PAT, '--why', 'x'),
        ('--hold', '--list', LIST),
        ('--release', '--person', ' ', '--why', 'x'),
        ('--redact', '--person', ' ', '--why', 'x'),
    ],
)
def test_what_is_not_said_is_asked_for(arguments: tuple[str, ...]) -> None:
    assert audit(*arguments).exit_code == 1
    assert lines() == []


def test_check_says_what_is_overdue(core: SimpleNamespace, clock: Clock) -> None:
    masked(LIST_ID, PAT)
    seal()
    settings = site.settings()
    clock.moment += age() + redaction.LATE - timedelta(hours=1)
    assert list(audit_log.retention(settings)) == []
    clock.forward(hours=2)
    [found] = audit_log.retention(settings)
    assert found.level == 'warning' and 'audit --redact' in found.remedy
    holds.put(None, PAT, is_set=True, why='case 12')
    config.db.commit()
    assert list(audit_log.retention(settings)) == []

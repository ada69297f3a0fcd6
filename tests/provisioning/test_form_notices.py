# SPDX-License-Identifier: GPL-3.0-or-later
"""What people are told of a form that was applied."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import select

from qnet_mailman.model.base import store
from qnet_mailman.model.forms import QNetForm
from qnet_mailman.provisioning import notices
from tests.provisioning.applying import provision, sent
from tests.provisioning.samples import ADDRESS, DOMAIN


def test_notices_tell_everybody_what_to_do(core: SimpleNamespace) -> None:
    provision(approver={'name': 'Chris Chief', 'email': 'chris@example.gov'})
    notes = sent(core)
    assert set(notes) == {
        'pat@agency.example.gov',
        'sam@agency.example.gov',
        'mo@example.org',
        'rae@agency.example.gov',
        'chris@example.gov',
    }
    for note in notes.values():
        text = note.get_payload()
        assert note['Auto-Submitted'] == 'auto-generated'
        assert '$' not in text
        for part in (
            'HQR Updates',
            ADDRESS,
            'REQ0001234',
            'public notification list (one-way)',
            f'hqr-updates-owner@{DOMAIN}',
            f'hqr-updates-leave@{DOMAIN}',
            'help@example.gov',
            '1-800-555-0100',
        ):
            assert part in text
        assert max(map(len, text.splitlines())) <= 80
    for email, role in (
        ('pat@agency.example.gov', 'Administrator'),
        ('mo@example.org', 'Moderator'),
    ):
        text = notes[email].get_payload()
        assert 'Program:       QualityNet Workspace' in text
        assert 'Organization:  QualityNet Mailer' in text
        assert f'Role:          List {role}' in text
        assert 'https://lists.example.gov' in text
    assert (
        'You have posting privileges' in notes['pat@agency.example.gov'].get_payload()
    )
    assert 'You do not have posting' in notes['sam@agency.example.gov'].get_payload()
    assert 'You do not need to do' in notes['rae@agency.example.gov'].get_payload()


def test_a_requester_who_is_administrator_gets_one_notice(
    core: SimpleNamespace,
) -> None:
    provision(requester__email='PAT@agency.example.gov')
    assert len(sent(core)) == 3


def test_notices_that_were_not_sent_are_sent_the_next_time(
    core: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: Any) -> None:
        raise OSError('no space left on device')

    with monkeypatch.context() as patch:
        patch.setattr(notices, 'send_all', fail)
        result = provision()
    assert result.outcome == 'created'
    assert 'no space left on device' in result.notes[-1]
    assert store().scalar(select(QNetForm.notified_at)) is None
    assert provision().outcome == 'unchanged'
    assert 'sam@agency.example.gov' in sent(core)
    assert store().scalar(select(QNetForm.notified_at)) is not None
    provision()
    assert sent(core) == {}


def test_hostile_names_stay_names(core: SimpleNamespace) -> None:
    name = 'Ä "quoted" <x@example.org>, $listname %s'
    result = provision(
        administrators__0__name=name,
        list__display_name=name,
        requester__name=name,
        subscribers__0__name=name,
    )
    assert result.outcome == 'created'
    note = sent(core)['pat@agency.example.gov']
    assert name in note.get_payload(decode=True).decode('utf-8')
    assert note.get_all('To') == ['Pat@agency.example.gov']

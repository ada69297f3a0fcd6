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
from tests.expected import require_expected
from tests.provisioning.applying import provision, sent


def test_notices_tell_everybody_what_to_do(core: SimpleNamespace) -> None:
    provision(approver={'name': 'Chris Chief', 'email': 'chris@example.gov'})
    notes = sent()
    assert set(notes) == {
        'pat@agency.example.gov',
        'sam@agency.example.gov',
        'mo@example.org',
        'rae@agency.example.gov',
        'chris@example.gov',
    }
    for note in notes.values():
        assert note['Auto-Submitted'] == 'auto-generated'
        assert max(map(len, note.get_payload().splitlines())) <= 80
    for name, email in (
        ('to-an-administrator-who-may-post', 'pat@agency.example.gov'),
        ('to-an-administrator-who-may-not', 'sam@agency.example.gov'),
        ('to-a-moderator', 'mo@example.org'),
        ('to-the-requester', 'rae@agency.example.gov'),
        ('to-the-approver', 'chris@example.gov'),
    ):
        require_expected(notes[email].get_payload(), __file__, name)


def test_a_requester_who_is_administrator_gets_one_notice(
    core: SimpleNamespace,
) -> None:
    provision(requester__email='PAT@agency.example.gov')
    assert len(sent()) == 3


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
    assert 'sam@agency.example.gov' in sent()
    assert store().scalar(select(QNetForm.notified_at)) is not None
    provision()
    assert sent() == {}


def test_hostile_names_stay_names(core: SimpleNamespace) -> None:
    name = 'Ä "quoted" <x@example.org>, $listname %s'
    result = provision(
        administrators__0__name=name,
        list__display_name=name,
        requester__name=name,
        subscribers__0__name=name,
    )
    assert result.outcome == 'created'
    note = sent()['pat@agency.example.gov']
    assert name in note.get_payload(decode=True).decode('utf-8')
    assert note.get_all('To') == ['Pat@agency.example.gov']

# SPDX-License-Identifier: GPL-3.0-or-later
"""`mailman qnet keys` (R15)."""

from __future__ import annotations

import json
import re
from datetime import datetime
from typing import Any

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import update

from qnet_mailman.commands.cli_qnet import qnet
from qnet_mailman.model import keys
from qnet_mailman.model.audit import QNetAudit
from qnet_mailman.model.base import store
from qnet_mailman.model.subscriptions import QNetKey


def run(*arguments: str) -> Result:
    result = CliRunner().invoke(qnet, ('keys', *arguments))
    assert isinstance(result.exception, SystemExit | None), result.exc_info
    return result


def states() -> list[tuple[int, str]]:
    return [(key['id'], key['state']) for key in json.loads(run('--json').output)]


def actions() -> list[tuple[str, str]]:
    rows = store().query(QNetAudit).order_by(QNetAudit.id)
    return [(row.action, row.subject) for row in rows]


def test_a_new_site(core: Any) -> None:
    assert states() == []
    assert 'no key yet' in run().output
    keys.signing()
    assert states() == [(1, 'signs')]
    assert re.fullmatch(r'1  \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ  signs\n', run().output)


def test_rotating_and_revoking(core: Any) -> None:
    assert run('rotate').output == '1: signs from now on\n'
    assert run('rotate').output == '2: signs from now on\n'
    assert states() == [(1, 'verifies'), (2, 'signs')]
    assert run('revoke', '1').output == '1: revoked\n'
    assert states() == [(1, 'revoked'), (2, 'signs')]
    # Again is nothing; the one that signs is followed by another.
    assert run('revoke', '1').output == ''
    assert run('revoke', '2').output == '2: revoked\n'
    assert states() == [(1, 'revoked'), (2, 'revoked'), (3, 'signs')]
    assert actions() == [
        ('key made', '1'),
        ('key made', '2'),
        ('key revoked', '1'),
        ('key made', '3'),
        ('key revoked', '2'),
    ]
    actors = {row.actor for row in store().query(QNetAudit)}
    assert all(actor.startswith('operator') for actor in actors)
    assert all(secret is None for (secret,) in _secrets()[:2])


def _secrets() -> list[Any]:
    return list(store().query(QNetKey.secret).order_by(QNetKey.id))


def test_revoking_by_age(core: Any) -> None:
    for _ in range(3):
        run('rotate')
    for key_id, year in ((1, 2024), (2, 2025)):
        store().execute(
            update(QNetKey)
            .where(QNetKey.id == key_id)
            .values(made_at=datetime(year, 6, 1))
        )
    store().commit()
    assert run('revoke', '--before', '2025-01-01').output == '1: revoked\n'
    assert run('revoke', '--before', '1d').output == '2: revoked\n'
    assert states() == [(1, 'revoked'), (2, 'revoked'), (3, 'signs')]


@pytest.mark.parametrize(
    ('arguments', 'words'),
    [
        (['revoke'], 'either the ID of a key, or --before'),
        (['revoke', '1', '--before', '1d'], 'either the ID of a key, or --before'),
        (['revoke', '7'], 'there is no key 7'),
        (['revoke', '--before', 'soon'], '--before: found "soon"'),
    ],
)
def test_mistakes(core: Any, arguments: list[str], words: str) -> None:
    run('rotate')
    done = run(*arguments)
    assert done.exit_code == 1
    assert words in done.output
    assert states() == [(1, 'signs')]


def test_no_output_shows_a_key(core: Any) -> None:
    shown = run('rotate').output + run().output + run('--json').output
    secret = keys.signing().secret
    for form in (secret.hex(), repr(secret)):
        assert form not in shown

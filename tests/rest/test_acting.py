# SPDX-License-Identifier: GPL-3.0-or-later
"""Who acts in a request to core: whom the web side signs for, and nobody else (R31)."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mailman.config import config
from sqlalchemy import select

from qnet_mailman.core_actor import FIELD, LIFETIME, actor_of, sign
from qnet_mailman.model.audit import QNetAudit
from qnet_mailman.model.base import store
from qnet_mailman.rest import acting
from tests.rest.client import ask

KEY = 'a key that only the two have'
WHO = 'harp:pexample'


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(acting, '_key', lambda: KEY)


def change(mlist: Any, proof: str | None, **fields: str) -> str:
    """Change a setting; who did it, as the log says."""
    path = f'plugins/qnet/lists/{mlist.list_id}/settings'
    headers = {} if proof is None else {FIELD: proof}
    before = store().scalar(select(QNetAudit.id).order_by(QNetAudit.id.desc())) or 0
    answer = ask('POST', path, {'mask': 'off', **fields}, headers=headers)
    assert answer.status_code == 200, answer.json
    [actor] = store().scalars(select(QNetAudit.actor).where(QNetAudit.id > before))
    config.db.commit()
    return str(actor)


def proof_of(mlist: Any, key: str = KEY, method: str = 'POST', late: int = 0) -> str:
    url = f'http://127.0.0.1:8001/3.1/plugins/qnet/lists/{mlist.list_id}/settings'
    return sign(key, method, url, WHO, time.time() - late)


def test_who_is_signed_for_is_on_record_and_nobody_can_name_another(mlist: Any) -> None:
    assert change(mlist, proof_of(mlist), actor='harp:boss') == WHO


@pytest.mark.parametrize(
    'wrong',
    [
        {'key': 'another'},
        {'method': 'PATCH'},
        {'late': LIFETIME + 60},
        {'late': -LIFETIME - 60},
        None,
    ],
)
def test_what_is_not_signed_is_rest(mlist: Any, wrong: Any) -> None:
    proof = None if wrong is None else proof_of(mlist, **wrong)
    assert change(mlist, proof, actor=WHO) == f'REST: {WHO}'


@given(st.text(max_size=400), st.text(max_size=80), st.text(max_size=80))
def test_every_name_comes_through_and_only_where_it_belongs(
    actor: str, name: str, value: str
) -> None:
    actor = actor.encode('utf-8', 'replace').decode()
    path = f'/3.1/lists/{name}'.encode('utf-8', 'replace').decode()
    path = path.replace('%', '').replace('?', '').replace('#', '').replace(';', '')
    path = ''.join(char for char in path if char.isprintable())
    proof = sign(KEY, 'PUT', f'http://127.0.0.1:8001{path}?count=1', actor, 1e9)
    assert proof.isascii() and proof.isprintable()
    assert actor_of(KEY, 'PUT', path, proof, 1e9 + 1) == actor
    assert actor_of(KEY, 'PUT', path + 'x', proof, 1e9) is None
    assert actor_of('', 'PUT', path, proof, 1e9) is None
    assert actor_of(KEY, 'PUT', path, value, 1e9) is None

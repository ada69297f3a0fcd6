# SPDX-License-Identifier: GPL-3.0-or-later
"""Lists that core offers for signing up."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from typing import Any

import pytest

from qnet_mailman.web.signup import catalogue

PATH = '/signup/'
DONE = '/signup/done/'


def listed(name: str, **changes: str) -> dict[str, str]:
    """A list as core names it."""
    return {
        'list_id': f'{name}.lists.example.gov',
        'fqdn_listname': f'{name}@lists.example.gov',
        'display_name': name.title(),
        'description': f'News about {name}.',
        'type': 'notification',
        'visibility': 'public',
        **changes,
    }


NEWS = listed('news')
TALK = listed('talk', type='discussion')
BOARD = listed('board', visibility='private')
CHOICE = {'address': 'ann@example.org', 'lists': NEWS['list_id'], 'button': 'sign-up'}


def offer(core: Any, *lists: dict[str, str]) -> None:
    core.answers['signup'] = (200, {'lists': list(lists)})


@pytest.fixture(autouse=True)
def nothing_remembered(web: object) -> Iterator[None]:
    """Core is asked again in every test."""
    catalogue.forget()
    yield
    catalogue.forget()


@pytest.fixture
def answering(core: Any) -> Any:
    """A core with three lists, whose answer to a request can be chosen apart."""
    offer(core, NEWS, TALK, BOARD)
    catalogue.offered()
    core.answers['signup'] = (202, None)
    core.asked.clear()
    return core


def text_of(answer: Any) -> str:
    return unescape(answer.content.decode())


def checkbox(page: str, list_id: str) -> str:
    """The tag of a list's checkbox."""
    [tag] = re.findall(rf'<input[^>]* value="{re.escape(list_id)}"[^>]*>', page)
    return str(tag)


def sent(core: Any) -> list[dict[str, list[str]]]:
    return [fields for _path, fields, _authorization in core.requests]

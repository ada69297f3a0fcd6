# SPDX-License-Identifier: GPL-3.0-or-later
"""What core says about a list: one question for a page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode
from uuid import UUID

from django.http import HttpRequest

from qnet_mailman.web import core

#: Days that the chart of bounces goes back, today included.
CHART_DAYS = 30
#: Members with whom core does something at once.
MOST = 100


@dataclass(frozen=True)
class Heading:
    """A list as the navigation of Postorius's pages wants to have it.

    The two numbers are core's answer already: Postorius asks for each of them.
    """

    list_id: str
    fqdn_listname: str
    display_name: str
    requests: int
    held: int

    @classmethod
    def of(cls, fields: Mapping[str, Any]) -> Heading:
        """A list from what core says of it.

        :param fields: Core's.
        """
        return cls(
            fields['list_id'],
            fields['list'],
            fields['display_name'],
            fields['requests'],
            fields['held'],
        )

    def get_held_count(self) -> int:
        """How many messages wait for a moderator."""
        return self.held

    def get_requests_count(self, token_owner: str) -> int:
        """How many requests to join wait for approval.

        :param token_owner: Always the moderator: nobody asks for others here.
        """
        return self.requests


def describe(list_id: str) -> Mapping[str, Any]:
    """A list, its people, and what waits.

    :param list_id: Its ID or address.
    :raises Http404: where there is no such list.
    :raises CoreUnavailable: where core does not say.
    """
    return core.found(core.get(_path(list_id)))


def members(list_id: str, asked: Mapping[str, str]) -> Mapping[str, Any]:
    """Members whose mail bounces.

    :param list_id: The list's ID or address.
    :param asked: Which ones, as core's resource takes it.
    :raises Http404: where there is no such list.
    :raises CoreUnavailable: where core does not say.
    """
    return core.found(
        core.get(f'{_path(list_id, "bounces/members")}?{urlencode(asked)}')
    )


def member(list_id: str, member_id: UUID) -> Mapping[str, Any]:
    """A member with all bounces that are remembered.

    :param list_id: The list's ID or address.
    :param member_id: The member's.
    :raises Http404: where the list has no such member.
    :raises CoreUnavailable: where core does not say.
    """
    return core.found(core.get(_path(list_id, f'bounces/members/{member_id}')))


def enable(list_id: str, member_id: UUID) -> str | None:
    """Let a suspended member have mail again (R22).

    :param list_id: The list's ID or address.
    :param member_id: The member's.
    :return: The member's address; None where mail was not stopped any more.
    :raises Http404: where there is no such list.
    :raises CoreUnavailable: where core does not do it.
    """
    path = _path(list_id, f'bounces/members/{member_id}/enable')
    answer = core.post(path, {})
    if answer.status == 409:
        return None
    return str(core.found(answer)['address'])


def act(list_id: str, action: str, ids: Sequence[str]) -> list[str]:
    """Do something with several members whose mail bounces (R20).

    :param list_id: The list's ID or address.
    :param action: ``enable``, ``notify`` or ``remove``.
    :param ids: The members', at most `MOST`.
    :return: The addresses of those with whom it was done.
    :raises Http404: where there is no such list.
    :raises CoreUnavailable: where core does not do it.
    """
    path = _path(list_id, 'bounces/members/act')
    asked = {'action': action, 'member': ids}
    found = core.found(core.post(path, asked, timeout=core.FILE_TIMEOUT))
    return [str(one) for one in found['addresses']]


def change(list_id: str, setting: str, value: str) -> bool | None:
    """Change a setting of a list (R4, R7).

    :param list_id: The list's ID or address.
    :param setting: ``mask`` or ``replies``.
    :param value: What it is to be.
    :return: Whether it was another one before; None where core refuses the value.
    :raises Http404: where there is no such list.
    :raises CoreUnavailable: where core does not do it.
    """
    answer = core.post(_path(list_id, 'settings'), {setting: value})
    if answer.status in (400, 409):
        return None
    return bool(core.found(answer)['changed'])


def overview(request: HttpRequest) -> Mapping[str, Any]:
    """The lists that a person looks after, and their roles.

    :param request: Of the person.
    :raises CoreUnavailable: where core does not say.
    """
    access = request.qnet
    asked: dict[str, str | list[str]] = {
        'list': sorted(access.administered | access.moderated)
    }
    if access.identity is not None:
        asked['provider'] = access.identity.provider
        asked['user_id'] = access.identity.user_id
    return core.found(core.post('lists/overview', asked))


def _path(list_id: str, below: str = '') -> str:
    return f'lists/{quote(list_id, safe="@")}/{below}'.rstrip('/')

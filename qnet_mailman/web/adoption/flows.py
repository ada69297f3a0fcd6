# SPDX-License-Identifier: GPL-3.0-or-later
"""What an operator does with a list: adopt it, or hand it back (R31, R40)."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from django.contrib import messages
from django.http import HttpRequest

from qnet_mailman.web import core

#: What a list can be (R1).
TYPES = {
    'notification': 'Notification: only people with posting privileges may post',
    'discussion': 'Discussion: members may post',
}
VISIBILITIES = {
    'public': 'Public: whoever confirms joins',
    'private': 'Private: an administrator approves who joins',
}
OVERTAKEN = (
    'Nothing was done: the list has changed hands meanwhile, is closed, or a digest of '
    'it is being made. This page shows it as it is now.'
)
DONE = {
    'adopt': '{list} is a list of QualityNet Mailer now.',
    'release': '{list} goes by Mailman’s own rules now.',
}


def asked(data: Mapping[str, str]) -> dict[str, str]:
    """What the list is to be, as far as somebody chose it.

    :param data: The fields of a form.
    """
    chosen = {'type': data.get('type', ''), 'visibility': data.get('visibility', '')}
    known = {'type': TYPES, 'visibility': VISIBILITIES}
    return {key: value for key, value in chosen.items() if value in known[key]}


def change_hands(request: HttpRequest, list_id: str) -> None:
    """Adopt a list or hand it back, and leave a message that says what came of it.

    :param request: Of the operator, with the form of a button.
    :param list_id: The list.
    :raises CoreUnavailable: where core does not do it.
    """
    action = 'release' if request.POST.get('action') == 'release' else 'adopt'
    answer = core.post(
        f'lists/{list_id}/adoption',
        {'action': action, **asked(request.POST)},
        timeout=core.FILE_TIMEOUT,
    )
    if answer.status == HTTPStatus.CONFLICT:
        messages.warning(request, OVERTAKEN)
        return
    found = core.found(answer)
    messages.success(request, DONE[action].format(list=found['list']))


def grouped(differences: list[dict[str, Any]]) -> dict[str, list[str]]:
    """What differs, by whom or what it is about.

    :param differences: As core says them, in order.
    """
    groups: dict[str, list[str]] = {}
    for each in differences:
        groups.setdefault(each['about'], []).append(each['text'])
    return groups

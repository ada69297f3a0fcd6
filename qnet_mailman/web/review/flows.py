# SPDX-License-Identifier: GPL-3.0-or-later
"""What an operator does with a request: approve its form, or return it (R25, R28)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from django.contrib import messages
from django.http import HttpRequest

from qnet_mailman.web import core

#: Characters of a reason that core takes.
MAX_REASON = 1000

#: What core takes as a ticket.
_TICKET = r'[A-Za-z0-9][A-Za-z0-9._/-]{0,99}'

NO_CHOICE = 'Nothing was done: choose whether to approve or to return the request.'
WARNED = (
    'Nothing was done. Read the warnings as they are now; to approve the request all '
    'the same, tick “Approve despite the warnings”.'
)
REASON = (
    f'Nothing was done: say why you return it, in at most {MAX_REASON} characters. '
    'Only for a form with mistakes the reason can be left out.'
)
TICKET = (
    'Nothing was done: a ticket number has letters, digits, “.”, “_”, “/” and “-”, '
    'begins with a letter or digit, and has at most 100 characters.'
)
OVERTAKEN = (
    'Nothing was done: somebody else decided about the request meanwhile, or it has '
    'changed. This page shows it as it is now.'
)
#: What is said of a decision, by what came of it.
DONE = {
    'created': 'Approved. Made: {list}.',
    'changed': 'Approved. Changed: {list}.',
    'unchanged': 'Approved. As the form asks already: {list}.',
    'returned': 'Returned to who sent it.',
    'linked': 'The ticket is linked.',
}
STILL_WAITS = {
    'invalid': 'It still waits, and nothing was changed: its form has mistakes.',
    'failed': 'It still waits, and nothing was changed. Try again in a few minutes.',
}


def decide(request: HttpRequest, found: Mapping[str, Any]) -> str:
    """Do what an operator chose, and leave a message that says what came of it.

    Core refuses what has warnings or was decided before.  Here it is made sure that
    the warnings for which somebody answers are those that they have seen.

    :param request: Of the operator, with the form of a button.
    :param found: The request, as core says that it is now.
    :return: What the operator has to correct, where nothing was done therefore.
    :raises CoreUnavailable: where core does not do it.
    """
    choice, posted = request.POST.get('decision'), request.POST
    fields = {}
    ticket = posted.get('ticket', '').strip()
    if choice == 'link' or (choice == 'approve' and ticket):
        if not re.fullmatch(_TICKET, ticket):
            return TICKET
        fields['ticket'] = ticket
    if choice == 'approve':
        warnings = found.get('warnings')
        if warnings:
            ticked = posted.get('despite_warnings') == 'yes'
            if not ticked or posted.getlist('seen') != warnings:
                return WARNED
            fields['despite_warnings'] = 'yes'
    elif choice == 'return':
        fields['reason'] = posted.get('reason', '').strip()
        if not fields['reason'] and not found.get('outcome', {}).get('errors'):
            return REASON
    elif choice != 'link':
        return NO_CHOICE
    path = f'forms/{found["number"]}/{choice}'
    answer = core.post(path, fields, timeout=core.FILE_TIMEOUT)
    if answer.status == HTTPStatus.BAD_REQUEST:
        return REASON
    if answer.status == HTTPStatus.CONFLICT:
        messages.warning(request, OVERTAKEN)
        return ''
    done = 'linked' if choice == 'link' else 'returned'
    outcome = core.found(answer).get('outcome', {'result': done, 'list': ''})
    if outcome['result'] in DONE:
        messages.success(request, DONE[outcome['result']].format(list=outcome['list']))
    else:
        messages.warning(request, STILL_WAITS[outcome['result']])
    return ''

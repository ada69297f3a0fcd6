# SPDX-License-Identifier: GPL-3.0-or-later
"""A message that waits for a moderator, on a page of its own.

Postorius shows it in a window of its page, which needs scripts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.error import HTTPError

from django.http import Http404
from postorius.forms.list_forms import ACTION_CHOICES
from postorius.models import List
from postorius.views.rest import get_attachments, parse


@dataclass(frozen=True)
class Held:
    """What the page shows.

    :ivar mlist: The list.
    :ivar message: As core has it.
    :ivar text: Its `body` and `headers`, as text.
    :ivar attachments: Their numbers and names.
    """

    mlist: Any
    message: Any
    text: dict[str, str]
    attachments: list[tuple[int, str]]


def held(list_id: str, number: int) -> Held:
    """Ask core for a message.

    :param list_id: The list's ID or address.
    :param number: The message's.
    :raises Http404: where there is no such list, or no such message waits there.
    """
    mlist = List.objects.get_or_404(fqdn_listname=list_id)
    try:
        message = mlist.get_held_message(number)
        source = message.msg
    except HTTPError as error:
        if error.code == 404:
            raise Http404('no such message waits') from error
        raise
    attachments = [(one[0], one[1]) for one in get_attachments(source)]
    return Held(mlist, message, parse(source), attachments)


def choices(may: bool) -> list[tuple[str, Any]]:
    """What may be done with later messages of a sender.

    :param may: Whether the person may choose: that configures the list.
    """
    return list(ACTION_CHOICES) if may else []

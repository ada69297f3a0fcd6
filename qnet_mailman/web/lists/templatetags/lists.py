# SPDX-License-Identifier: GPL-3.0-or-later
"""What core says of lists and members, as their pages show it."""

from __future__ import annotations

from typing import Any

from django import template
from django.http import Http404

from qnet_mailman.web.lists import core_lists
from qnet_mailman.web.lists.export import BATCH

register = template.Library()


@register.simple_tag
def scores(mlist: Any, ours: Any, query: str) -> dict[str, str] | None:
    """The bounce scores of a list of ours, with their halves (R17), by address.

    Postorius has Mailman's own column, which is a whole number.

    :param mlist: The list.
    :param ours: Whether it is one of ours.
    :param query: What is searched for among its members, with Postorius' asterisks.
    :return: None where Mailman's own column is right (R40).
    """
    if not ours:
        return None
    asked = {'count': str(BATCH)}
    if (text := query.strip('*')) and '*' not in text:
        asked['text'] = text
    found: dict[str, str] = {}
    while True:
        try:
            entries = core_lists.members(mlist.list_id, asked)['entries']
        except Http404:
            # It has become another kind of list meanwhile.
            return None
        for entry in entries:
            found[entry['address'].lower()] = f'{entry["score"]:g}'
        if len(entries) < BATCH:
            return found
        asked['after'] = entries[-1]['place']


@register.filter
def score(member: Any, known: dict[str, str] | None) -> str:
    """A member's bounce score in points.

    :param member: As core has it.
    :param known: What `scores` says; None on lists of other styles, which have
        Mailman's own (R40).
    """
    if known is None:
        return str(member.bounce_score or 0)
    return known.get(member.email.lower(), '0')

# SPDX-License-Identifier: GPL-3.0-or-later
"""What becomes of members' posts is the same in Mailman's column as in our setting.

Core's REST server, and so Postorius, offers values for `default_member_action` by which
posts on a list of ours are not decided (R3, R4): what they say would not be so.
"""

from __future__ import annotations

import logging

import click
from mailman.interfaces.action import Action
from mailman.model.mailinglist import MailingList
from sqlalchemy import event

from qnet_mailman.model.lists import row_of
from qnet_mailman.values import ListType

log = logging.getLogger('mailman.config')


def fits(kind: ListType, action: Action) -> bool:
    """Whether members' posts are treated so on a list of ours."""
    if kind is ListType.notification:
        return action is Action.reject
    return action is not Action.discard


def keep_to_ours(
    mlist: MailingList, action: Action, before: object, _initiator: object = None
) -> Action:
    """Refuse to give a list of ours an action that it does not take.

    A command that sets many columns at once goes on with the action that is taken, and
    says so.

    :param before: The action until now; none where the list is new.
    :return: What it is given.
    :raises ValueError: for REST, which answers with 400 and these words.
    """
    if action is before or not isinstance(before, Action):
        return action
    row = row_of(mlist)
    if row is None or fits(ListType(row.list_type), action):
        return action
    if row.list_type == ListType.notification:
        instead = Action.reject
        words = "members' posts to a notification list are always rejected (R3)"
    else:
        instead = Action.hold
        words = "members' posts are accepted, held or rejected, and never discarded"
    if click.get_current_context(silent=True) is None:
        raise ValueError(words)
    log.warning('%s: default_member_action is %s: %s', mlist.list_id, instead, words)
    click.echo(f'default_member_action is {instead.name}: {words}', err=True)
    return instead


def install() -> None:
    """Look at every action that is set; again is harmless."""
    column = MailingList.default_member_action
    if not event.contains(column, 'set', keep_to_ours):
        event.listen(column, 'set', keep_to_ours, active_history=True, retval=True)

# SPDX-License-Identifier: GPL-3.0-or-later
"""What mails say to people who may want to join a list, or to come back to it."""

from __future__ import annotations

from urllib.parse import urlencode

from qnet_mailman import site
from qnet_mailman.mlist import Mlist
from qnet_mailman.model.closures import closure_of
from qnet_mailman.model.lists import row_of
from qnet_mailman.values import Visibility


def link(mlist: Mlist) -> str | None:
    """The page where one signs up for a list; None without a web side.

    On ours the list is ticked; a list of another style has its own page (R40).
    """
    web_url = site.settings().web_url
    if web_url is None:
        return None
    if row_of(mlist) is None:
        return f'{web_url}/mailman3/lists/{mlist.list_id}/'
    return f'{web_url}/signup/?{urlencode({"lists": mlist.list_id})}'


def how_to_join(mlist: Mlist, when: str) -> str:
    """A paragraph of a mail: how one joins, or that nobody can.

    :param when: How the sentence begins, such as "If you want to come back".
    """
    if closure_of(mlist.list_id) is not None:
        return 'The list is closed: nobody can join it.'
    page = link(mlist)
    by_web = '' if page is None else f'open\n\n  Sign up:\n  {page}\n\nor '
    row = row_of(mlist)
    approved = (
        '\n\nAn administrator of the list approves it before you are subscribed.'
        if row is not None and row.visibility == Visibility.private
        else ''
    )
    return (
        f'{when}, {by_web}send a message, with any content, to\n\n'
        f'  {mlist.join_address}{approved}'
    )

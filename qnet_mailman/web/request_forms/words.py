# SPDX-License-Identifier: GPL-3.0-or-later
"""What the request forms are for, and the formats that there are of each (R29)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Kind:
    """A kind of form.

    :ivar purpose: What it asks for.
    :ivar asker: Who may ask.
    :ivar result: What happens when it is granted.
    """

    title: str
    purpose: str
    asker: str
    result: str


#: By the name that core has for the kind.
KINDS = {
    'list-request': Kind(
        'A new mailing list',
        'Asks for a list: its name and description, whether it is for notifications or '
        'for discussion, public or private, and who looks after it.',
        'Anybody. The form also asks who has approved the request.',
        'You and the administrators of the list get an e-mail with its settings and '
        'what to do next.',
    ),
    'administrator-request': Kind(
        'Administrators and moderators',
        'Names a person who is to administer or moderate one list or several, and says '
        'whether they may post.',
        'An administrator of all these lists.',
        'The person gets an e-mail that says how to get the role that they also need.',
    ),
    'threshold-change': Kind(
        'Another bounce threshold',
        'Changes when a list stops sending to an address whose mail comes back: the '
        'points, the days over which they are added up, or both.',
        'An administrator of the list.',
        'You and the administrators of the list get an e-mail with the old and the new '
        'values.',
    ),
    'list-closure': Kind(
        'Closing a list',
        'Closes a list: it takes no messages any more, and nobody can join it. You '
        'choose whether its archive stays, and whether the members are told.',
        'An administrator of the list.',
        'You and the administrators of the list get an e-mail that says until when it '
        'can be opened again.',
    ),
}
#: Those about a list that is there.
ABOUT_A_LIST = tuple(key for key in KINDS if key != 'list-request')

#: The formats that people fill in, by what the name of the file ends in.
FORMATS = {'xlsx': 'Spreadsheet (XLSX)', 'pdf': 'PDF', 'yaml': 'Text (YAML)'}
#: Those for programs.
OTHER_FORMATS = {'json': 'JSON', 'csv': 'CSV'}

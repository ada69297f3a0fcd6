# SPDX-License-Identifier: GPL-3.0-or-later
"""Empty forms to fill in (R29)."""

from __future__ import annotations

import json
from typing import Any

from qnet_mailman.forms.schema import (
    ADMINISTRATOR_REQUEST,
    KIND,
    LIST_CLOSURE,
    THRESHOLD_CHANGE,
)

SERVICE = 'the people who run the mailing list service'
"""Stands in the forms for the address that they are sent to."""

LIST_REQUEST_YAML = """\
# Request for a mailing list.  Fill in what stands behind the colons; text after a
# "#" explains.  A text that holds a colon or a "#" must be in "double quotes".
# Attach the form to an e-mail message and send it to
# the people who run the mailing list service.

form: list-request
ticket:                       # may stay empty: you are told a number

requester:
  name:
  email:
  organization:

# Who approved the request; some sites require it.
approver:
  name:
  email:

list:
  name:                       # part before the "@", e.g. hqr-updates
  display_name:               # what people see, at most 110 characters
  description:                # one line, shown on the sign-up page
  type: notification          # notification (one-way) or discussion
  visibility: public          # public, or private (an administrator approves)
  mask: administrators        # whose posts hide their sender: also everyone, off
  replies:                    # discussion: accept, hold or reject members' messages
  reply_to:                   # where answers go, if not the default
  bounces:
    threshold: 5              # points at which an address is disabled, 1 to 100
    window_days: 7            # days whose points are added up, 1 to 365

# At least one; repeat the four lines for each.  may_post: true gives posting
# privileges.
administrators:
  - name:
    email:
    harp_id:
    may_post:

# Likewise; may stay empty.
moderators:
  - name:
    email:
    harp_id:
    may_post:

# Addresses and names, or the name of a CSV file (columns email,name) beside this
# form.  May stay empty.
subscribers:
  - email:
    name:

# For a public list both must be true.
attestations:
  no_sensitive_information: false
  security_policies: false
"""

THRESHOLD_CHANGE_YAML = """\
# Request to change when a mailing list disables addresses whose mail comes back.
# Fill in what stands behind the colons; text after a "#" explains.  A text that
# holds a colon or a "#" must be in "double quotes".
# Attach the form to an e-mail message and send it to
# the people who run the mailing list service.

form: threshold-change
ticket:                       # may stay empty: you are told a number

requester:
  name:
  email:
  organization:

list:                         # part before the "@", or the whole address

# One of the two may stay empty; it is not changed then.
bounces:
  threshold:                  # points at which an address is disabled, 1 to 100
  window_days:                # days whose points are added up, 1 to 365

reason:                       # may stay empty
"""

ADMINISTRATOR_REQUEST_YAML = """\
# Request that a person administers or moderates mailing lists.  An administrator of
# all these lists asks for it.  Fill in what stands behind the colons; text after a
# "#" explains.  A text that holds a colon or a "#" must be in "double quotes".
# Attach the form to an e-mail message and send it to
# the people who run the mailing list service.

form: administrator-request
ticket:                       # may stay empty: you are told a number

requester:
  name:
  email:
  organization:

# Who is to look after the lists.
person:
  name:
  email:
  harp_id:

role: administrator           # or moderator
lists:                        # names or whole addresses, with commas between them
may_post: false               # true gives posting privileges

reason:                       # may stay empty
"""

LIST_CLOSURE_YAML = """\
# Request to close a mailing list.  An administrator of the list asks for it.  Fill in
# what stands behind the colons; text after a "#" explains.  A text that holds a colon
# or a "#" must be in "double quotes".  The list takes no messages from the moment on at
# which it is applied; for some time the list can be opened again as it was.
# Attach the form to an e-mail message and send it to
# the people who run the mailing list service.

form: list-closure
ticket:                       # may stay empty: you are told a number

requester:
  name:
  email:
  organization:

list:                         # part before the "@", or the whole address
action:                       # archive: its archive stays; delete: nothing stays
tell_members:                 # true: the members get a message that it is closed

reason:                       # may stay empty; members do not see it
"""


def list_request() -> str:
    """An empty form in JSON."""
    person = dict.fromkeys(('name', 'email', 'harp_id', 'may_post'))
    form = {
        'form': KIND,
        'ticket': None,
        'requester': dict.fromkeys(('name', 'email', 'organization')),
        'approver': dict.fromkeys(('name', 'email')),
        'list': {
            **dict.fromkeys(('name', 'display_name', 'description')),
            'type': 'notification',
            'visibility': 'public',
            'mask': 'administrators',
            'replies': None,
            'reply_to': None,
            'bounces': {'threshold': 5, 'window_days': 7},
        },
        'administrators': [person],
        'moderators': [person],
        'subscribers': [dict.fromkeys(('email', 'name'))],
        'attestations': {
            'no_sensitive_information': False,
            'security_policies': False,
        },
    }
    return json.dumps(form, indent=2) + '\n'


def threshold_change() -> str:
    """An empty form in JSON."""
    form = {
        'form': THRESHOLD_CHANGE,
        'ticket': None,
        'requester': dict.fromkeys(('name', 'email', 'organization')),
        'list': None,
        'bounces': dict.fromkeys(('threshold', 'window_days')),
        'reason': None,
    }
    return json.dumps(form, indent=2) + '\n'


def administrator_request() -> str:
    """An empty form in JSON."""
    form: dict[str, Any] = {
        'form': ADMINISTRATOR_REQUEST,
        'ticket': None,
        'requester': dict.fromkeys(('name', 'email', 'organization')),
        'person': dict.fromkeys(('name', 'email', 'harp_id')),
        'role': 'administrator',
        'lists': [],
        'may_post': False,
        'reason': None,
    }
    return json.dumps(form, indent=2) + '\n'


def list_closure() -> str:
    """An empty form in JSON."""
    form: dict[str, Any] = {
        'form': LIST_CLOSURE,
        'ticket': None,
        'requester': dict.fromkeys(('name', 'email', 'organization')),
        **dict.fromkeys(('list', 'action', 'tell_members', 'reason')),
    }
    return json.dumps(form, indent=2) + '\n'

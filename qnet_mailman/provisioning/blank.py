# SPDX-License-Identifier: GPL-3.0-or-later
"""Empty forms to fill in (R29)."""

from __future__ import annotations

import json
from collections.abc import Callable

from qnet_mailman.provisioning import schema, threshold_change
from qnet_mailman.provisioning.schema import KIND, THRESHOLD_CHANGE

_LIST_REQUEST = """\
# Request for a mailing list.  Fill in what stands behind the colons; text after a
# "#" explains.  A text that holds a colon or a "#" must be in "double quotes".
# Send the form to the operators of the mailing list service.

form: list-request
ticket:                       # number of the request; the same to change the list later

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

_THRESHOLD_CHANGE = """\
# Request to change when a mailing list disables addresses whose mail comes back.
# Fill in what stands behind the colons; text after a "#" explains.  A text that
# holds a colon or a "#" must be in "double quotes".  Send the form to the operators
# of the mailing list service.

form: threshold-change
ticket:                       # number of the request

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


def _list_request() -> str:
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


def _threshold_change() -> str:
    form = {
        'form': THRESHOLD_CHANGE,
        'ticket': None,
        'requester': dict.fromkeys(('name', 'email', 'organization')),
        'list': None,
        'bounces': dict.fromkeys(('threshold', 'window_days')),
        'reason': None,
    }
    return json.dumps(form, indent=2) + '\n'


FORMS: dict[str, dict[str, Callable[[], str]]] = {
    KIND: {
        'yaml': lambda: _LIST_REQUEST,
        'json': _list_request,
        'json-schema': schema.json_schema_text,
    },
    THRESHOLD_CHANGE: {
        'yaml': lambda: _THRESHOLD_CHANGE,
        'json': _threshold_change,
        'json-schema': threshold_change.json_schema_text,
    },
}
"""How each kind of form is written in each format."""

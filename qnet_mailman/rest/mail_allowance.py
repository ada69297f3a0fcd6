# SPDX-License-Identifier: GPL-3.0-or-later
"""/mail-allowance: whether the web side may write to an address.

One limit holds for all mail that strangers cause, on the web side (a new password, a
new account) as in core, and core and the web side may be on different hosts.  So core
counts for both.
"""

from __future__ import annotations

from typing import Any

import falcon
from mailman.rest.helpers import bad_request, no_content
from mailman.rest.validator import Validator

from qnet_mailman.posting import backscatter


class MailAllowance:
    """Asked before each such mail."""

    def on_post(self, request: Any, response: Any) -> None:
        """Count a mail to `address`: 204 send it; 429 not today."""
        try:
            address = Validator(address=str)(request)['address']
        except ValueError as error:
            bad_request(response, str(error))
            return
        if not backscatter.mail_allowed(address):
            raise falcon.HTTPTooManyRequests(description='Too many mails today.')
        no_content(response)

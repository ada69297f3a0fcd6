# SPDX-License-Identifier: GPL-3.0-or-later
"""Mail about accounts that anybody can cause, within the limit of the whole site.

Whoever types an address into "Forgot password?" makes us write to its owner.  Core
counts such mail together with its own, as both may be on different hosts.
"""

from __future__ import annotations

import logging
from typing import Any

from qnet_mailman.web import core

log = logging.getLogger('qnet.web')

CAUSED_BY_ANYBODY = frozenset(
    f'account/email/{name}'
    for name in (
        'password_reset_key',
        'password_reset_code',
        'unknown_account',
        'account_already_exists',
        'email_confirmation',
        'email_confirmation_signup',
        'login_code',
    )
)
"""allauth's names of mails that go to an address that somebody typed."""


class LimitedMail:
    """For allauth's account adapter."""

    def send_mail(self, template_prefix: str, email: str, context: Any) -> None:
        """Send a mail, if core allows it; the page is the same if it does not."""
        if template_prefix in CAUSED_BY_ANYBODY and not allowed(email):
            return
        super().send_mail(template_prefix, email, context)  # type: ignore[misc]


def allowed(email: str) -> bool:
    """Count a mail to an address; whether it may be sent.

    Not while core cannot be asked: somebody who waits can ask again.
    """
    try:
        status = core.post('mail-allowance', {'address': email}).status
    except core.CoreUnavailable:
        log.error('A mail about an account is not sent: core does not answer')
        return False
    if status != 204:
        log.info('No further mail about accounts today to one address: %s', status)
    return status == 204

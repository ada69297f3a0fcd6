# SPDX-License-Identifier: GPL-3.0-or-later
"""Mail about accounts looks like all other mail of the service.

Its texts are templates of ours in the place of allauth's, laid out as those of core;
its HTML is made of them within core's own frame.  Who puts a ``*_message.html`` beside
a text has that instead.
"""

from __future__ import annotations

from email.utils import formataddr, parseaddr
from typing import Any

from django.conf import settings

from qnet_mailman.letter.page import about, packaged_frame, page, signed

#: The language of our texts.
LANGUAGE = 'en'
#: RFC 3834 section 5.1, and what Exchange heeds (MS-OXCMAIL).
WRITTEN_BY_A_PROGRAM = {
    'Auto-Submitted': 'auto-generated',
    'X-Auto-Response-Suppress': 'All',
}


class DressedMail:
    """For allauth's account adapter."""

    def get_from_email(self) -> str:
        """The sender, with the name of the service where it has none."""
        name, address = parseaddr(settings.DEFAULT_FROM_EMAIL)
        return formataddr((name or settings.SITE_NAME, address))

    def render_mail(
        self,
        template_prefix: str,
        email: Any,
        context: dict[str, Any],
        headers: dict[str, str] | None = None,
    ) -> Any:
        """A mail with the last lines of the service, and with HTML."""
        known = {
            'site_name': settings.SITE_NAME,
            'support_address': settings.SUPPORT_ADDRESS,
            'local_sign_up': settings.LOCAL_SIGN_UP,
            'web_url': settings.WEB_URL,
        }
        mail = super().render_mail(  # type: ignore[misc]
            template_prefix,
            email,
            {**context, **known},
            {**WRITTEN_BY_A_PROGRAM, **(headers or {})},
        )
        links = settings.AGENCY_LINKS.items()
        last = about(settings.SITE_NAME, settings.AGENCY, links)
        text, mail.body = mail.body, signed(mail.body, last)
        if not mail.alternatives:
            shown = page(
                packaged_frame(),
                text,
                last,
                language=LANGUAGE,
                subject=mail.subject,
                service=settings.SITE_NAME,
            )
            mail.attach_alternative(shown, 'text/html')
        return mail

# SPDX-License-Identifier: GPL-3.0-or-later
"""Each mail about accounts, as allauth has it rendered."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import allauth

# It sets Django up, which the next needs.
import tests.web.conftest  # noqa: F401
from qnet_mailman.web.accounts.adapter import AccountAdapter

EMAIL = 'ann@example.org'
WHERE = 'https://lists.example.gov'
VALUES = {
    'email': EMAIL,
    'activate_url': f'{WHERE}/accounts/confirm-email/MQ:1abc:sig/',
    'password_reset_url': f'{WHERE}/accounts/password/reset/key/1-abc/',
    'signup_url': f'{WHERE}/accounts/signup/',
    'username': 'account-abc',
    'from_email': 'old@example.org',
    'to_email': EMAIL,
    'deleted_email': 'old@example.org',
    'provider': 'HARP',
    'ip': '192.0.2.1',
    'user_agent': 'Browser <b>',
    'timestamp': 'March 2, 2026',
}


def prefixes() -> list[str]:
    """The names of all of them, as allauth has them."""
    folder = Path(allauth.__file__).parent / 'templates'
    found = folder.glob('*account/email/*_message.txt')
    names = {
        str(path.relative_to(folder)).removesuffix('_message.txt') for path in found
    }
    return sorted(names - {'account/email/base'})


def rendered(prefix: str, **more: Any) -> Any:
    """A mail, with a value for whatever its text names."""
    code = {'code': 'ABC-DEF'} if 'code' in prefix else {}
    return AccountAdapter().render_mail(prefix, EMAIL, {**VALUES, **code, **more})


def html_of(mail: Any) -> str:
    """Its HTML."""
    ((content, _kind),) = mail.alternatives
    return str(content)

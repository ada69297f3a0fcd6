# SPDX-License-Identifier: GPL-3.0-or-later
"""What the pages of other packages are called.

Their templates put a title together in as many ways as there are pages.  A template of
ours says it itself, in its block `title`.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

#: By the name of a page, as Django resolves it (`view_name`).
TITLES: Mapping[str, str] = MappingProxyType(
    {
        # allauth.
        'account_request_reauthentication_code': 'Is it you?',
        'account_confirm_reauthentication_code': 'Enter the code',
        'account_confirm_login_code': 'Enter the code',
        # Postorius.
        'list_index': 'Mailing lists',
    }
)

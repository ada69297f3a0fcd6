# SPDX-License-Identifier: GPL-3.0-or-later
"""One footer below all pages, those of the archive too.

HyperKitty's has its version, and none of what an agency has to name; nothing in its
template can be filled in otherwise, and a copy of the whole would age.
"""

from __future__ import annotations

import re

from django.core.exceptions import ImproperlyConfigured
from django.template import Origin
from django.template.loaders import app_directories

_OURS = '{% include "qnet/footer.html" %}'
_WITH_FOOTER = 'hyperkitty/base.html'


class Loader(app_directories.Loader):
    """Django's, with our footer in HyperKitty's page."""

    def get_contents(self, origin: Origin) -> str:
        """The text of a template.

        :param origin: Which.
        :raises ImproperlyConfigured: where an upgrade has moved the footer.
        """
        text = str(super().get_contents(origin))
        if origin.template_name != _WITH_FOOTER:
            return text
        changed, count = re.subn(r'(?s)<footer\b.*?</footer>', _OURS, text)
        if count != 1:
            raise ImproperlyConfigured(f'{_WITH_FOOTER} has {count} footers, not one')
        return changed

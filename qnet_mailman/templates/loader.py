# SPDX-License-Identifier: GPL-3.0-or-later
"""Our texts in place of Mailman's, where nobody has put their own.

The order is Mailman's: what an administrator set in Postorius, what an operator
put into the template folder of the site, the package.  Only for the last,
ours come before Mailman's.

Where no list of ours asks, Mailman's own texts stay (R40).

A text may hold ``${support_contact}``: the support lines of the site (R34).
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any
from urllib.error import URLError

from mailman.interfaces.mailinglist import IMailingList
from mailman.interfaces.template import (
    ALT_TEMPLATE_NAMES,
    ITemplateLoader,
)
from mailman.model import template as stock
from zope.interface import implementer

from qnet_mailman import site
from qnet_mailman.model.lists import row_of

SUPPORT_CONTACT = '${support_contact}'


@cache
def _text(package: str, *path: str) -> str | None:
    try:
        return files(package).joinpath(*path).read_text(encoding='utf-8')
    except (FileNotFoundError, NotADirectoryError):
        return None


def ours(name: str) -> str | None:
    """The package's text for a template name; None where it has none."""
    return _packaged('qnet_mailman', name)


def _packaged(package: str, name: str) -> str | None:
    for file_name in (f'{name}.txt', ALT_TEMPLATE_NAMES.get(name)):
        if file_name is not None:
            text = _text(package, 'templates', 'en', file_name)
            if text is not None:
                return text
    return None


def _is_ours(context: Any) -> bool:
    """Whether a text is asked for, for a list of ours."""
    return IMailingList.providedBy(context) and row_of(context) is not None


@implementer(ITemplateLoader)
class TemplateLoader(stock.TemplateLoader):
    """Mailman's loader, with the texts of this package under the site's."""

    def get(self, name: str, context: Any = None, **kws: Any) -> str:
        """See `ITemplateLoader`."""
        own = ours(name)
        try:
            text = super().get(name, context, **kws)
        except URLError:
            # Not a name of Mailman's, and nobody has set it.
            if own is None:
                raise
            text = own
        else:
            if (
                own is not None
                and text == _packaged('mailman', name)
                and _is_ours(context)
            ):
                text = own
        if SUPPORT_CONTACT in text:
            # The text is expanded after this: a dollar sign of ours stays one.
            lines = site.settings().support_lines.replace('$', '$$')
            text = text.replace(SUPPORT_CONTACT, lines)
        return text

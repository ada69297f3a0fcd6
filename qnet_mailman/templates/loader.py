# SPDX-License-Identifier: GPL-3.0-or-later
"""Our texts in place of Mailman's, where nobody has put their own.

The order is Mailman's: what an administrator set in Postorius, what an operator
put into the template folder of the site, the package.  Only for the last,
ours come before Mailman's.

Where no list of ours asks, Mailman's own texts stay (R40), but for those of a part of
ours that the site wants on lists of other styles.

A text may hold ``${support_contact}``: the support lines of the site (R34).
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from string import Template
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
from qnet_mailman.features import features_of
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


def names_in(name: str) -> frozenset[str]:
    """What is filled in where a text is sent: the words of our text and of Mailman's.

    Beside those that a list fills in by itself.
    """
    texts = (_packaged(package, name) or '' for package in ('qnet_mailman', 'mailman'))
    return frozenset(one for text in texts for one in Template(text).get_identifiers())


def _packaged(package: str, name: str) -> str | None:
    for file_name in (f'{name}.txt', ALT_TEMPLATE_NAMES.get(name)):
        if file_name is not None:
            text = _text(package, 'templates', 'en', file_name)
            if text is not None:
                return text
    return None


WARNING = 'list:user:notice:warning'
"""Goes with our bounce scores, whatever style the list has (R19)."""


def _keeps_stock(name: str, context: Any) -> bool:
    """Whether Mailman's own text is wanted: no list of ours asks for it."""
    if not IMailingList.providedBy(context):
        return True
    if row_of(context) is not None:
        return False
    return name != WARNING or not features_of(context).bounce_scores


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
                and not _keeps_stock(name, context)
            ):
                text = own
        if SUPPORT_CONTACT in text:
            # The text is expanded after this: a dollar sign of ours stays one.
            lines = site.settings().support_lines.replace('$', '$$')
            text = text.replace(SUPPORT_CONTACT, lines)
        return text

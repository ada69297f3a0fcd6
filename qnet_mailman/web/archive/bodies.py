# SPDX-License-Identifier: GPL-3.0-or-later
"""What a page shows of a message: which part, and in which dress.

HyperKitty keeps the plain text of a message as its text, and everything else as
attachments, HTML included: an announcement in HTML alone has no text at all.  It
forgets what the parts were for, and their Content-IDs, so both are found out here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from hyperkitty.lib.renderer import markdown_renderer
from hyperkitty.models.mailinglist import ArchiveRenderingMode

from qnet_mailman.web.archive import plain
from qnet_mailman.web.archive.sanitised import (
    MOST,
    is_readable,
    references,
    sanitise,
    words,
)

#: What HyperKitty calls a part that has no name of its own.
_NAMELESS = frozenset({'attachment.html', 'attachment.htm'})
#: Pictures that are shown in a message: browsers run nothing in them.
PICTURES = frozenset(
    {'image/png', 'image/jpeg', 'image/gif', 'image/webp', 'image/bmp'}
)
#: The share of a text's words that HTML has, too, where it says the same.
_SAME = 0.8
#: HyperKitty's link for the script that unfolds a quote.
_SWITCH = re.compile(r'<div class="quoted-switch"><a href="#">[^<]*</a></div>')


@dataclass(frozen=True)
class Body:
    """A message, for a page.

    :ivar html: What is read.
    :ivar is_html: Whether that was HTML, which may be wider than the page.
    :ivar text: The plain text beside it.
    :ivar same: Whether that says the same.
    :ivar withheld: How many pictures of other sites it has that are not shown.
    :ivar attachments: What came with it, without the HTML that is shown.
    :ivar cost: How much HTML was made fit, in bytes.
    :ivar left_out: Whether it has HTML that was too much for this page.
    """

    html: SafeString
    is_html: bool
    text: SafeString
    same: bool
    withheld: int
    attachments: Sequence[Any]
    cost: int = 0
    left_out: bool = False


def body_of(
    email: Any, mlist: Any, *, others: bool = False, budget: int = MOST
) -> Body:
    """What to show of a message.

    :param email: HyperKitty's.
    :param mlist: HyperKitty's, of the list.
    :param others: Whether the reader has asked for pictures of other sites.
    :param budget: How much HTML may be made fit, in bytes.
    """
    parts = list(email.attachments.defer('content').order_by('counter'))
    found = next((part for part in parts if _is_body(part)), None)
    left_out = found is not None and found.size > min(budget, MOST)
    markup = '' if found is None or left_out else _decoded(found)
    if not is_readable(markup) or not words(markup):
        text = _plain(email, mlist)
        return Body(text, False, mark_safe(''), True, 0, parts, left_out=left_out)
    fit = sanitise(markup, _pictures(email, mlist, markup, parts), others=others)
    return Body(
        html=mark_safe(fit.html),
        is_html=True,
        text=plain.dress(email.content),
        same=_says_the_same(email.content, markup),
        withheld=fit.withheld,
        attachments=[part for part in parts if part is not found],
        cost=len(markup),
    )


def text_of(email: Any) -> str:
    """What a message says, without any dress: to be searched, and for its first words.

    :param email: HyperKitty's.
    """
    if text := email.content.strip():
        return str(text)
    parts = email.attachments.filter(content_type='text/html', size__lte=MOST)
    return ' '.join(
        words(markup)
        for part in parts
        if _is_body(part) and is_readable(markup := _decoded(part))
    )


def _is_body(part: Any) -> bool:
    return (
        part.content_type == 'text/html' and part.name in _NAMELESS and bool(part.size)
    )


def _decoded(part: Any) -> str:
    content = part.get_content()
    try:
        text = content.decode(part.encoding or 'utf-8', 'replace')
    except (LookupError, ValueError):
        text = content.decode('utf-8', 'replace')
    return str(text)


def _plain(email: Any, mlist: Any) -> SafeString:
    """The text, as the list wants to have it shown."""
    if email.display_fixed:
        # Very likely a patch.
        return format_html('<pre>{}</pre>', email.content[: plain.MOST])
    if mlist.archive_rendering_mode == ArchiveRenderingMode.markdown.value:
        try:
            marked = markdown_renderer(email.content.replace('<', '&lt;'))
        except (KeyError, TypeError, ValueError):
            # It reads most texts, and not all.
            return plain.dress(email.content)
        return mark_safe(sanitise(_SWITCH.sub('', marked)).html)
    return plain.dress(email.content)


def _pictures(
    email: Any, mlist: Any, markup: str, parts: Sequence[Any]
) -> Mapping[str, str]:
    """Where the pictures are that a message shows of itself, by Content-ID.

    By the name, which is in the Content-ID that Outlook makes; and the rest in their
    order, if it comes out even.
    """
    left = {part.name: part for part in parts if part.content_type in PICTURES}
    found = {}
    for name in references(markup):
        part = left.pop(name.partition('@')[0], None)
        if part is not None:
            found[name] = part
    nameless = [name for name in references(markup) if name not in found]
    if len(nameless) == len(left):
        found |= dict(zip(nameless, left.values(), strict=True))
    return {
        name: reverse(
            'hk_message_attachment',
            args=(mlist.name, email.message_id_hash, part.counter, part.name),
        )
        for name, part in found.items()
    }


def _says_the_same(text: str, markup: str) -> bool:
    there = set(re.findall(r'\w+', text.lower()))
    in_markup = set(re.findall(r'\w+', words(markup).lower()))
    return not there or len(there & in_markup) >= _SAME * len(there)

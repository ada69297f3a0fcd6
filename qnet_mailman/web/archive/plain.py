# SPDX-License-Identifier: GPL-3.0-or-later
"""Plain text that somebody has mailed, as part of a page: quotes, links, signatures."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from django.utils.html import format_html, urlize
from django.utils.safestring import SafeString, mark_safe

#: Characters of text that are shown; the rest is in what can be downloaded.
MOST = 200_000
#: Lines of a quote that are shown unfolded.
SHORT = 6
#: How deep quotes lie in each other.
DEEPEST = 8
#: What stands alone on the line above a signature (RFC 3676, section 4.3).
_SEPARATOR = '-- '


def dress(text: str) -> SafeString:
    """Plain text as HTML.

    :param text: What somebody wrote.
    """
    shown, rest = text[:MOST], text[MOST:]
    lines = shown.expandtabs(4).splitlines()
    end = lines.index(_SEPARATOR) if _SEPARATOR in lines else len(lines)
    html = _blocks(lines[:end])
    if signature := _paragraph(lines[end + 1 :]):
        html += format_html('<div class="qnet-signature">{}</div>', signature)
    if rest:
        html += mark_safe('<p>The rest of this message is in its download.</p>')
    return html


def _blocks(lines: Sequence[str], depth: int = 0) -> SafeString:
    html = mark_safe('')
    for quoted, found in groupby(lines, key=lambda line: line.startswith('>')):
        block = list(found)
        if not quoted or depth == DEEPEST:
            html += _paragraph(block)
            continue
        inner = _blocks([line[1:].removeprefix(' ') for line in block], depth + 1)
        quote = format_html('<blockquote>{}</blockquote>', inner)
        if depth == 0 and len(block) > SHORT:
            quote = format_html(
                '<details><summary>Quoted text, {} lines</summary>{}</details>',
                len(block),
                quote,
            )
        html += quote
    return html


def _paragraph(lines: Sequence[str]) -> SafeString:
    text = '\n'.join(lines).strip('\n')
    if not text.strip():
        return mark_safe('')
    linked = urlize(text, nofollow=True, autoescape=True)
    # No quote of the text itself is left in it.
    linked = linked.replace('rel="nofollow"', 'rel="nofollow noopener noreferrer"')
    return format_html('<p class="qnet-plain">{}</p>', mark_safe(linked))

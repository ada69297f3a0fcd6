# SPDX-License-Identifier: GPL-3.0-or-later
"""HTML that somebody has mailed, as part of a page of ours.

It goes through three hands.  nh3 (ammonia) makes a tree of anything and takes out what
does something.  A rewriter makes it fit for its place: pictures, headings, lists, empty
links.  And nh3 has the last word, with an allow list that has no `style`, `id`, `name`,
nothing of forms and no class but one of ours, so that whatever the rewriter does wrong
stays words in a box.

No picture of another site is loaded before the reader asks: it would tell who reads.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from html import escape, unescape
from html.parser import HTMLParser
from urllib.parse import urlsplit

import nh3

#: Characters of HTML that are looked at; who writes more is read as plain text.
MOST = 500_000
#: How deep elements lie in each other; deeper ones leave their text.
DEEPEST = 60
#: Elements that a message may leave open at once: for each tag, the parser walks
#: through all of them.
MOST_OPEN = 200

#: The level of the first heading of a message; those of our page are above it.
FIRST_HEADING = 3

_HEADINGS = frozenset({'h1', 'h2', 'h3', 'h4', 'h5', 'h6'})
_VOID = frozenset({'br', 'hr', 'img'})
_LISTS = ('ul', 'ol')
_KEPT = frozenset(
    {
        *('a', 'abbr', 'b', 'blockquote', 'br', 'caption', 'code', 'del', 'div', 'em'),
        *('h3', 'h4', 'h5', 'h6', 'hr', 'i', 'img', 'ins', 'kbd', 'li', 'ol', 'p'),
        *('pre', 'q', 's', 'samp', 'small', 'span', 'strong', 'sub', 'sup', 'table'),
        *('tbody', 'td', 'tfoot', 'th', 'thead', 'tr', 'u', 'ul', 'var'),
    }
)
#: Blocks that mean nothing here, or would be landmarks of our page.
_BLOCKS = frozenset(
    {
        *('address', 'article', 'aside', 'center', 'dd', 'details', 'dl', 'dt'),
        *('fieldset', 'figcaption', 'figure', 'footer', 'form', 'header', 'legend'),
        *('main', 'nav', 'section', 'summary'),
    }
)
_WITH_CONTENT = {
    *('script', 'style', 'title', 'noscript', 'template', 'iframe', 'object', 'embed'),
    *('svg', 'math', 'select', 'textarea', 'audio', 'video', 'canvas', 'map'),
}
_SCHEMES = {'http', 'https', 'mailto'}
_SPANS = re.compile(r'[1-9]\d{0,2}')
_TAG = re.compile(r'<(/?)([a-zA-Z][a-zA-Z0-9]*)')
#: What the next one of its kind closes, and what has no end.
_SHORT_LIVED = frozenset(
    {'p', 'li', 'option', 'meta', 'link', 'input', 'br', 'hr', 'img'}
)
_INVISIBLE = re.compile(r'display\s*:\s*none|visibility\s*:\s*hidden', re.IGNORECASE)
#: What stands for a picture that is not shown.
_STAND_IN = 'qnet-no-picture'


@dataclass(frozen=True)
class Sanitised:
    """A message's HTML, fit for a page.

    :ivar html: It.
    :ivar withheld: How many pictures of other sites it has that are not shown.
    """

    html: str
    withheld: int


def sanitise(
    html: str, pictures: Mapping[str, str] | None = None, *, others: bool = False
) -> Sanitised:
    """Make HTML fit for a page.

    :param html: Anything.
    :param pictures: Addresses on this site by what stands behind ``cid:``.
    :param others: Whether the reader has asked for pictures of other sites.
    """
    pictures = pictures or {}
    tree = nh3.clean(
        html,
        tags={*_KEPT, *_HEADINGS, *_BLOCKS},
        clean_content_tags=_WITH_CONTENT,
        attributes={
            '*': {'style'},
            'a': {'href'},
            'img': {'src', 'alt'},
            'td': {'colspan', 'rowspan'},
            'th': {'colspan', 'rowspan'},
        },
        url_schemes={*_SCHEMES, 'cid'},
        url_relative='deny',
        link_rel=None,
    )
    rewriter = _Rewriter(pictures, others)
    rewriter.feed(tree)
    rewriter.close()
    shown = frozenset(pictures.values())

    def allowed(tag: str, name: str, value: str) -> str | None:
        if tag == 'a' and name == 'href':
            return value if _scheme(value) in _SCHEMES else None
        if tag == 'img' and name == 'src':
            here = value in shown
            return value if here or (others and _scheme(value) == 'https') else None
        if name in ('colspan', 'rowspan'):
            return value if _SPANS.fullmatch(value) else None
        return value

    safe = nh3.clean(
        ''.join(rewriter.parts),
        tags=set(_KEPT),
        attributes={
            'a': {'href'},
            'img': {'src', 'alt', 'loading', 'referrerpolicy'},
            'td': {'colspan', 'rowspan'},
            'th': {'colspan', 'rowspan'},
        },
        allowed_classes={'span': {_STAND_IN}},
        attribute_filter=allowed,
        url_schemes=_SCHEMES,
        link_rel='nofollow noopener noreferrer',
    )
    return Sanitised(safe, rewriter.withheld)


def is_readable(html: str) -> bool:
    """Whether it is worth it to read HTML: it is not too long, nor too deep.

    :param html: Anything.
    """
    if len(html) > MOST:
        return False
    opened: Counter[str] = Counter()
    for end, tag in _TAG.findall(html.lower()):
        if tag in _SHORT_LIVED:
            continue
        if not end:
            opened[tag] += 1
            if opened.total() > MOST_OPEN:
                return False
        elif opened[tag]:
            opened[tag] -= 1
    return True


def references(html: str) -> Iterable[str]:
    """What HTML names as pictures that came with the message, in order.

    :param html: Anything.
    """
    return dict.fromkeys(re.findall(r"""["'(]\s*cid:([^"'()<>\s]{1,200})""", html))


def words(html: str) -> str:
    """The text of HTML, in one line.

    :param html: Anything.
    """
    # What stands in two blocks, or two cells, is two words.
    apart = html.replace('<', ' <')
    text = nh3.clean(apart, tags=set(), clean_content_tags=_WITH_CONTENT)
    return ' '.join(unescape(text).split())


def _scheme(url: str) -> str:
    try:
        return urlsplit(url.strip()).scheme.lower()
    except ValueError:
        return ''


@dataclass
class _Open:
    """An element that is open.

    :ivar tag: What it was in the message.
    :ivar became: What it is on the page; empty for nothing.
    :ivar at: Where its start tag is among the parts.
    :ivar text: How much of what one can read had been there before it.
    :ivar href: Where it leads, for a link.
    """

    tag: str
    became: str
    at: int
    text: int
    href: str = ''


class _Rewriter(HTMLParser):
    """Reads the well-formed output of nh3."""

    def __init__(self, pictures: Mapping[str, str], others: bool) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self.withheld = 0
        self._pictures = pictures
        self._others = others
        self._open: list[_Open] = []
        #: How many open elements there were before one that is not to be seen.
        self._unseen: int | None = None
        #: Characters so far that one can read, with the words for pictures.
        self._text = 0
        self._level = FIRST_HEADING - 1
        self._top: int | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Open an element."""
        given = {name: value or '' for name, value in attrs}
        if tag in _VOID:
            if self._unseen is None:
                self._in_item()
                self._void(tag, given)
            return
        if self._unseen is None and _INVISIBLE.search(given.get('style', '')):
            self._unseen = len(self._open)
        became, href = tag, ''
        if self._unseen is not None or len(self._open) >= DEEPEST:
            became = ''
        elif tag in _HEADINGS:
            became = self._heading(int(tag[1]))
        elif tag == 'a':
            href = given.get('href', '')
            became = 'a' if href else ''
        elif tag == 'li':
            if self._open and self._open[-1].tag == 'implied':
                self._shut(self._open.pop())
            became = 'li' if self._is_in_list() else 'div'
        elif tag in _BLOCKS:
            became = 'div'
        if tag != 'li' and became:
            self._in_item()
        self._open.append(_Open(tag, became, len(self.parts), self._text, href))
        self.parts.append(self._start(became, given) if became else '')

    def handle_endtag(self, tag: str) -> None:
        """Close an element, and those in it."""
        if tag in _VOID or all(each.tag != tag for each in self._open):
            return
        while self._open:
            closed = self._open.pop()
            self._shut(closed)
            if closed.tag == tag:
                break
        if self._unseen is not None and len(self._open) <= self._unseen:
            self._unseen = None

    def handle_data(self, data: str) -> None:
        """Text between tags."""
        if self._unseen is not None:
            return
        if data.strip():
            self._in_item()
        self._say(escape(data), data)

    def close(self) -> None:
        """Close what is open."""
        super().close()
        while self._open:
            self._shut(self._open.pop())

    def _say(self, html: str, text: str) -> None:
        self.parts.append(html)
        self._text += len(text.strip())

    def _start(self, became: str, given: Mapping[str, str]) -> str:
        names = ('href', 'colspan', 'rowspan')
        kept = ''.join(f' {k}="{escape(given[k])}"' for k in names if k in given)
        return f'<{became}{kept}>'

    def _heading(self, level: int) -> str:
        """In order: no heading is more than a level below the one before it."""
        if self._top is None:
            self._top = level
        wanted = FIRST_HEADING + max(level - self._top, 0)
        return f'h{min(wanted, self._level + 1, 6)}'

    def _is_in_list(self) -> bool:
        """Whether what comes next is directly in a list."""
        there = (each.became for each in reversed(self._open) if each.became)
        return next(there, '') in _LISTS

    def _in_item(self) -> None:
        """A list has items and nothing else."""
        if self._is_in_list():
            self._open.append(_Open('implied', 'li', len(self.parts), self._text))
            self.parts.append('<li>')

    def _shut(self, element: _Open) -> None:
        """Write an end tag, if the element has come to something."""
        if not element.became:
            return
        empty = self._text == element.text
        if element.became in _HEADINGS:
            if empty:
                self.parts[element.at] = ''
                return
            self._level = int(element.became[1])
        elif element.became == 'th' and empty:
            self.parts[element.at] = self.parts[element.at].replace('<th', '<td', 1)
            element.became = 'td'
        elif element.became == 'a' and empty:
            where = urlsplit(element.href)
            name = where.hostname or where.path or 'link'
            self._say(escape(name), name)
        self.parts.append(f'</{element.became}>')

    def _void(self, tag: str, given: Mapping[str, str]) -> None:
        if tag != 'img':
            self.parts.append(f'<{tag}>')
            return
        source, alt = given.get('src', ''), ' '.join(given.get('alt', '').split())
        here = self._pictures.get(source.removeprefix('cid:'), '')
        elsewhere = _scheme(source) == 'https'
        if elsewhere and not self._others:
            self.withheld += 1
        if here or (elsewhere and self._others):
            self._say(
                f'<img src="{escape(here or source)}" alt="{escape(alt)}"'
                ' loading="lazy" referrerpolicy="no-referrer">',
                alt,
            )
        elif alt:
            self._say(f'<span class="{_STAND_IN}">[{escape(alt)}]</span>', alt)

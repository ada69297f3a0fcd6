# SPDX-License-Identifier: GPL-3.0-or-later
"""HTML of strangers on the archive's pages: it stays in its box, and does nothing.

All of it is harmless: what counts is what is left of it.
"""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qnet_mailman.web.archive.sanitised import (
    MOST,
    is_readable,
    references,
    sanitise,
    words,
)
from tests.examples import examples

#: What a sanitised message may consist of.
TAGS = {
    *('a', 'abbr', 'b', 'blockquote', 'br', 'caption', 'code', 'del', 'div', 'em'),
    *('h3', 'h4', 'h5', 'h6', 'hr', 'i', 'img', 'ins', 'kbd', 'li', 'ol', 'p', 'pre'),
    *('q', 's', 'samp', 'small', 'span', 'strong', 'sub', 'sup', 'table', 'tbody'),
    *('td', 'tfoot', 'th', 'thead', 'tr', 'u', 'ul', 'var'),
}
ATTRIBUTES = {
    *('href', 'rel', 'src', 'alt', 'loading', 'referrerpolicy', 'colspan', 'rowspan'),
    'class',
}
VOID = {'br', 'hr', 'img'}
HERE = '/archives/list/news@example.gov/message/M/attachment/2/logo.png'


class Checker(HTMLParser):
    """Reads what is left, as a browser would, and objects."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.headings: list[int] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in TAGS, tag
        given = dict(attrs)
        assert set(given) <= ATTRIBUTES, given
        assert given.get('class') in (None, '', 'qnet-no-picture')
        if tag == 'a':
            assert re.match(r'(?i)\s*(https?:|mailto:)', given.get('href') or '')
            assert given['rel'] == 'nofollow noopener noreferrer'
        if tag == 'img' and 'src' in given:
            source = given['src'] or ''
            assert source == HERE or source.startswith('https://')
            assert 'alt' in given
        if self.open and self.open[-1] in ('ul', 'ol'):
            assert tag == 'li'
        if tag == 'li':
            assert self.open and self.open[-1] in ('ul', 'ol')
        if re.fullmatch(r'h\d', tag):
            level = int(tag[1])
            assert level <= (self.headings or [2])[-1] + 1
            self.headings.append(level)
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f'</{tag}> closes something of the page'
        assert self.open.pop() == tag

    def handle_comment(self, data: str) -> None:
        raise AssertionError(data)

    handle_decl = unknown_decl = handle_pi = handle_comment


def check(markup: str, *, others: bool = False) -> str:
    """What is left of it."""
    found = sanitise(markup, {'logo': HERE}, others=others).html
    checker = Checker()
    checker.feed(found)
    checker.close()
    assert checker.open == []
    if not others:
        assert not re.search(r'<img[^>]*src="(?!/archives/)', found)
    return found


ACTS = [
    '<script>alert(1)</script>',
    '<img src=x onerror=alert(1)>',
    '<img src="cid:logo" onload="alert(1)">',
    '<svg><script>alert(1)</script></svg>',
    '<svg onload=alert(1)>',
    '<math><mtext><table><mglyph><style><img src=x onerror=alert(1)></style></table>',
    '<noscript><p title="</noscript><img src=x onerror=alert(1)>">',
    '<a href="javascript:alert(1)">x</a>',
    '<a href=" java\tscript:alert(1)">x</a>',
    '<a href="&#106;avascript:alert(1)">x</a>',
    '<a href="data:text/html,<script>alert(1)</script>">x</a>',
    '<a href="vbscript:x">x</a>',
    '<a href="/accounts/logout/">x</a>',
    '<a href="//evil.example/">x</a>',
    '<a href="#main">x</a>',
    '<iframe src="https://evil.example/"></iframe>',
    '<object data="https://evil.example/"></object><embed src="x">',
    '<form action="/accounts/logout/" method="post"><button>Go</button></form>',
    '<input name="login"><textarea>x</textarea><select><option>x</select>',
    '<button formaction="https://evil.example/">x</button>',
    '<meta http-equiv="refresh" content="0;url=https://evil.example/">',
    '<base href="https://evil.example/"><link rel="stylesheet" href="x">',
    '<style>body{display:none}</style>',
    '<p style="position:fixed;inset:0;background:url(https://evil.example/)">x</p>',
    '<p id="main" class="qnet-header alert" name="csrfmiddlewaretoken">x</p>',
    '<h1>1</h1><h6>6</h6><h2></h2><h3> <b></b></h3>',
    '</div></article></main></body></html><h1>Yours</h1>',
    '<table><tr><td></table></table></div>',
    '<main><nav><header><footer role="banner" aria-label="x" tabindex="1">x',
    '<img src="https://t.example/1.gif" srcset="https://t.example/2.gif 2x" width=1>',
    '<img src="http://t.example/1.gif" alt="x"><img src="data:image/png;base64,AA==">',
    '<img src="/accounts/logout/"><img src="cid:other"><img>',
    '<video src="https://t.example/"><source src="x"></video><audio controls>',
    '<body background="https://t.example/1.gif"><table background="https://t.example/">',
    '<li>x<ul>y<li>z<table><tr><li>',
    '<ul><a>x</a><b><li>y</b></ul><dl><dt>x<dd>y</dl>',
    '<a href="https://example.gov/"><img src="https://t.example/1.gif"></a>',
    '<!--[if mso]><p>x<![endif]--><!DOCTYPE x><?php x ?>',
    '<div style="display:none">x<div>y</div></div>z',
    '<td colspan="9999999" rowspan="x">x',
    '<a href="https://[">x</a><img src="https://[" alt=x>',
    '\x00<scr\x00ipt>alert(1)</scr\x00ipt>',
    '<p title="<img src=x onerror=alert(1)>">x</p>',
    '&lt;script&gt;alert(1)&lt;/script&gt;&amp;lt;b&amp;gt;',
]


@pytest.mark.parametrize('markup', ACTS)
def test_nothing_is_done(markup: str) -> None:
    for others in (False, True):
        assert 't.example' not in check(markup) or others
        check(f'<p>before{markup}<p>after', others=others)


@pytest.mark.parametrize('one', ACTS)
def test_nor_by_two_together(one: str) -> None:
    for other in ACTS:
        check(one + other, others=True)


PIECES = st.sampled_from(
    [
        *('<b>', '</b>', '<a href="https://x.example/">', '</a>', '<ul>', '</ul>'),
        *('<li>', '</li>', '<table>', '</table>', '<tr>', '<td>', '<th>', '</th>'),
        *('<h1>', '</h1>', '<h4>', '</h4>', '<p>', '</p>', '<div>', '</div>', 'x'),
        *('<svg>', '<math>', '<style>', '</style>', '<template>', '<select>', '&lt;'),
        *('<img src="cid:logo">', '<p style="display:none">', '<!--', '-->', ' "\'>'),
        *('<noscript>', '<textarea>', '<title>', '</title>', '<form>', '<option>'),
        *('<mtext>', '<mglyph>', '<foreignObject>', '<annotation-xml>', '<desc>'),
    ]
)


@examples(60, 3000, deadline=None)
@given(st.lists(PIECES, max_size=30))
def test_whatever_it_is_made_of(pieces: list[str]) -> None:
    check(''.join(pieces), others=True)


@examples(60, 3000, deadline=None)
@given(st.text(alphabet='<>/="\'&;abhimgsrc:# !-\x00\n', max_size=200))
def test_whatever_the_characters(markup: str) -> None:
    check(markup, others=True)


@pytest.mark.parametrize(
    'markup',
    [
        *('<div>' * 1000, '<ul>' * 1000, '<div></x>' * 1000, '<p><div>' * 1000),
        *('x' * (MOST + 1), '<table><td>' * 1000),
    ],
    ids=lambda markup: markup[:12],
)
def test_what_would_take_for_ever_is_not_begun(markup: str) -> None:
    """A hundred thousand of them take the parser minutes."""
    assert not is_readable(markup)


@pytest.mark.parametrize(
    'piece',
    [
        *('&', '&amp;', '<', '<b></b>', '<a href=x>x</a>', '<p>', '<li>', '<br>'),
        *('"cid:x" ', '<!--', '<td></td>', '<img>', '<p a="', '<div></div>'),
    ],
)
def test_much_that_is_flat_is_read(piece: str) -> None:
    markup = piece * (MOST // len(piece))
    assert is_readable(markup)
    sanitise(markup)
    list(references(markup))
    words(markup)

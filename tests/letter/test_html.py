# SPDX-License-Identifier: GPL-3.0-or-later
"""A text as HTML: all its words, nothing that it does not say, and what is what."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qnet_mailman.letter.html import as_html
from tests.templates.every_mail import filled, names

TAGS = {
    *('a', 'br', 'dd', 'div', 'dl', 'dt', 'h2', 'li', 'ol', 'p', 'pre', 'table'),
    *('td', 'th', 'tr', 'ul'),
}


class Page(HTMLParser):
    """The words and tags of a page; each tag must be closed where it was opened."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.tags: set[str] = set()
        self.targets: list[str | None] = []
        self._open: list[str] = []
        self.feed(page)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.targets += [value for name, value in attrs if name == 'href']
        assert {name for name, _ in attrs} <= {
            *('class', 'colspan', 'href', 'scope', 'start'),
        }
        if tag != 'br':
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words += data.split()


LINES = st.builds(
    '{}{}'.format,
    st.sampled_from(['', ' ', '  ', '     ', '  1. ', '  - ', ' ' * 30]),
    st.text(st.sampled_from('ab <>&"\'@.:/-=\t') | st.characters(), max_size=30)
    | st.sampled_from(
        ['Label:  value', 'A  B  C', '-----', 'Go: https://example.gov/?a=1&b=2']
    ),
)


@given(st.lists(LINES).map('\n'.join))
def test_nothing_of_a_text_is_a_tag(text: str) -> None:
    page = Page(as_html(text))
    assert page.tags <= TAGS
    for target in page.targets:
        assert str(target).startswith(('https://', 'http://', 'mailto:'))


@pytest.mark.parametrize('name', names())
def test_all_words_of_each_mail_are_there(name: str) -> None:
    text = filled(name)
    page = Page(as_html(text))
    shown = ' '.join(page.words)
    for word in text.replace('<', ' ').replace('>', ' ').split():
        if not word.startswith(('https://', '-', '1.', '2.', '3.')) and len(word) < 40:
            assert word.rstrip(':,') in shown, word
    links = {word for word in text.split() if word.startswith('https://')}
    assert links <= set(page.targets)


def test_what_is_what() -> None:
    text = (
        'Came back\n---------\nMessages to these addresses\ncame back.\n\n'
        '  Address           Kind  Score\n'
        '  gone@example.net  hard  5/5\n'
        '  a.long.name\n  @example.net\n'
        '                    soft  0.5/5\n\n'
        'What to do\n\n  1. Wait:\n\n     Role:    List Administrator\n'
        '     Programs:  two\n                of them\n\n  2. Go on\n     reading.\n\n'
        '  Decide: https://lists.example.gov/a?b=1&c\n'
    )
    assert as_html(text) == (
        '<h2>Came back</h2>\n'
        '<p>Messages to these addresses came back.</p>\n'
        '<div class="own">\n<table>\n'
        '<tr><th scope="col">Address</th><th scope="col">Kind</th>'
        '<th scope="col">Score</th></tr>\n'
        '<tr><td><a href="mailto:gone@example.net">gone@example.net</a></td>'
        '<td>hard</td><td>5/5</td></tr>\n'
        '<tr><td><a href="mailto:a.long.name@example.net">a.long.name@example.net</a>'
        '</td><td>soft</td><td>0.5/5</td></tr>\n'
        '</table>\n</div>\n'
        '<p>What to do</p>\n'
        '<div class="own">\n<ol start="1">\n'
        '<li><p>Wait:</p>\n<dl>\n'
        '<dt>Role:</dt><dd>List Administrator</dd>\n'
        '<dt>Programs:</dt><dd>two of them</dd>\n</dl></li>\n'
        '<li><p>Go on reading.</p></li>\n</ol>\n'
        '<p><a class="do" href="https://lists.example.gov/a?b=1&amp;c">Decide</a></p>\n'
        '</div>'
    )


def test_no_line_is_too_long_and_nothing_too_deep() -> None:
    for piece in ('a@', 'a.', 'https://', '- ', '1. ', 'a  ', ': ', ' '):
        as_html(f'  {piece * 100_000}')
        as_html(f'  {piece}\n' * 20_000)

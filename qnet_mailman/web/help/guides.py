# SPDX-License-Identifier: GPL-3.0-or-later
"""The guides of ``docs/`` as HTML: one text, read in a checkout and on the site.

A wheel puts them into ``share/qnet-mailer/docs`` of its environment.  Pictures, which
are of pages that the reader has at hand, are left out, and links to guides that are not
on the site are words.  The files are ours, yet HTML in them would be shown as text.
"""

from __future__ import annotations

import re
import sysconfig
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from html import escape, unescape
from pathlib import Path
from types import MappingProxyType
from typing import Any

import mistune
from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe

#: The guides on the site: their files, and the names of their pages.
PAGES: Mapping[str, str] = MappingProxyType(
    {
        'members.md': 'qnet_help_members',
        'list-administrators.md': 'qnet_help_administrators',
    }
)


@dataclass(frozen=True)
class Guide:
    """A guide.

    :ivar sections: Anchors and titles of its sections.
    """

    title: str
    sections: tuple[tuple[str, str], ...]
    body: SafeString


class _Page(mistune.HTMLRenderer):
    """Makes HTML that fits the frame.

    :ivar title: The file's title, which the page shows by itself.
    :ivar sections: As a guide has them.
    """

    def __init__(self) -> None:
        super().__init__(escape=True)
        self.title = ''
        self.sections: list[tuple[str, str]] = []

    def heading(self, text: str, level: int, **attrs: Any) -> str:
        """A heading, with the anchor that it has on code forges, too."""
        words = re.sub('<[^>]*>', '', text)
        if level == 1:
            self.title = words
            return ''
        anchor = re.sub(r'[^\w -]', '', unescape(words).lower()).replace(' ', '-')
        if level == 2:
            self.sections.append((anchor, words))
        return f'<h{level} id="{anchor}">{text}</h{level}>\n'

    def link(self, text: str, url: str, title: str | None = None) -> str:
        """A link, to where the site has what it leads to."""
        file, hash_sign, anchor = url.partition('#')
        if file in PAGES:
            url = f'{reverse(PAGES[file])}{hash_sign}{anchor}'
        elif not url.startswith(('#', 'https://')):
            return text
        return f'<a href="{escape(url)}">{text}</a>'

    def image(self, text: str, url: str, title: str | None = None) -> str:
        """Nothing."""
        return ''

    def paragraph(self, text: str) -> str:
        """A paragraph, unless a picture was all that it had."""
        return super().paragraph(text) if text.strip() else ''

    def table(self, text: str) -> str:
        """A table that scrolls by itself where it is wide, named by its heads."""
        heads = re.findall('<th scope="col">(.*?)</th>', text)
        name = escape(re.sub('<[^>]*>', '', ', '.join(heads)))
        return (
            '<div class="table-responsive" tabindex="0" role="region" '
            f'aria-label="Table: {name}">\n'
            f'<table class="table table-bordered">\n{text}</table>\n</div>\n'
        )

    def table_head(self, text: str) -> str:
        """The row of heads."""
        return f'<thead><tr>\n{text}</tr></thead>\n'

    def table_body(self, text: str) -> str:
        """The other rows."""
        return f'<tbody>\n{text}</tbody>\n'

    def table_row(self, text: str) -> str:
        """A row, whose first cell says what it is about."""
        first = re.sub('<td>(.*?)</td>', r'<th scope="row">\1</th>', text, count=1)
        return f'<tr>\n{first}</tr>\n'

    def table_cell(
        self, text: str, align: str | None = None, head: bool = False
    ) -> str:
        """A cell; an empty one heads nothing."""
        if head and text:
            return f'<th scope="col">{text}</th>\n'
        return f'<td>{text}</td>\n'


def folder() -> Path:
    """Where the guides are: in a checkout, or else where a wheel has put them."""
    checkout = Path(__file__).resolve().parents[3] / 'docs'
    if all((checkout / file).is_file() for file in PAGES):
        return checkout
    return Path(sysconfig.get_path('data'), 'share/qnet-mailer/docs')


@cache
def read_guide(name: str) -> Guide:
    """A guide; it is read once.

    :param name: Its file's name, without the ending.
    """
    page = _Page()
    render = mistune.create_markdown(renderer=page, plugins=['table'])
    body = render((folder() / f'{name}.md').read_text('utf-8'))
    return Guide(page.title, tuple(page.sections), mark_safe(str(body)))

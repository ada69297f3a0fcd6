# SPDX-License-Identifier: GPL-3.0-or-later
"""Says what is going on: with progress on a terminal, in plain lines elsewhere."""

from __future__ import annotations

import textwrap
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

from rich.console import Console
from rich.markup import escape
from rich.panel import Panel
from rich.text import Text


class Narrator:
    """Prints for the person who watches the demo."""

    def __init__(self, file: TextIO | None = None) -> None:
        """Prepare to print.

        :param file: Where to; standard output by default.
        """
        self._console = Console(file=file, highlight=False, soft_wrap=True)
        encoding = (self._console.encoding or '').replace('-', '').lower()
        self._done = '✔' if encoding == 'utf8' else 'done:'

    @property
    def is_terminal(self) -> bool:
        """Whether somebody watches a terminal."""
        return self._console.is_terminal

    def say(self, text: str = '') -> None:
        """Print a paragraph.

        :param text: What to say.
        """
        for paragraph in text.split('\n'):
            # Addresses to open are not broken, however narrow the window.
            lines = textwrap.wrap(
                paragraph,
                min(self._console.width, 88),
                break_long_words=False,
                break_on_hyphens=False,
                subsequent_indent='  ' if paragraph.startswith(' ') else '',
                drop_whitespace=True,
            )
            self._console.print(escape('\n'.join(lines)))

    def heading(self, text: str) -> None:
        """Print the title of a chapter.

        :param text: The title.
        """
        self._console.print()
        self._console.print(Text(text, style='bold'))

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        """Say that something begins, and that it is done.

        On a terminal one line turns from the one into the other.

        :param title: What is being done.
        """
        begin = time.monotonic()
        if self.is_terminal:
            with self._console.status(escape(title) + ' …'):
                yield
            taken = time.monotonic() - begin
            line = Text.assemble(
                (f'{self._done} ', 'green'), title, (f'  {taken:.1f} s', 'dim')
            )
            self._console.print(line)
        else:
            self._console.print(escape(title))
            yield

    def show(self, title: str, text: str) -> None:
        """Print a piece of a message or of what a command said.

        :param title: What it is.
        :param text: Its lines.
        """
        body = text.strip('\n')
        if self.is_terminal:
            self._console.print(
                Panel(
                    Text(body),
                    title=escape(title),
                    title_align='left',
                    border_style='dim',
                ),
                soft_wrap=False,
            )
        else:
            self._console.print(escape(f'  {title}:'))
            for line in body.splitlines():
                self._console.print(escape(f'    | {line}'))

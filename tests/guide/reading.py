# SPDX-License-Identifier: GPL-3.0-or-later
"""The commands that a guide shows, each with the section and what it prints."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
GUIDE = ROOT / 'docs' / 'operators.md'
#: What the guide leads to, with commands of its own.
BESIDE = (
    ROOT / 'provisioning' / 'README.md',
    ROOT / 'etc' / 'ticket-system' / 'README.md',
)


@dataclass(frozen=True)
class Step:
    """One command of a guide.

    :ivar heading: The title of its section.
    :ivar line: The number of its line in the guide.
    :ivar command: What stands behind the prompt, for a shell; may have several lines.
    :ivar shown: The lines below it in the same block, up to the next command.
    """

    heading: str
    line: int
    command: str
    shown: tuple[str, ...]


def _is_whole(command: str) -> bool:
    """Whether a command ends with its line: no quote is open, no pipe waits."""
    try:
        shlex.split(command, comments=True)
    except ValueError:
        return False
    return not command.rstrip().endswith(('|', '\\'))


def _steps_of(block: list[tuple[int, str]], heading: str) -> Iterator[Step]:
    """The commands of one block, given as numbered lines."""
    rest = iter(block)
    number, command = 0, ''
    shown: list[str] = []
    for at, line in rest:
        if not line.startswith('$ '):
            if command:
                shown.append(line)
            continue
        if command:
            yield Step(heading, number, command, tuple(shown))
        number, command, shown = at, line[2:], []
        while not _is_whole(command):
            command += '\n' + next(rest)[1]
    if command:
        yield Step(heading, number, command, tuple(shown))


def steps(text: str) -> Iterator[Step]:
    """All commands of a guide: the lines of fenced blocks that begin with ``$``.

    :param text: The guide, in Markdown.
    """
    heading, indent = '', 0
    block: list[tuple[int, str]] | None = None
    for number, line in enumerate(text.splitlines(), 1):
        if match := re.match(r'( *)```', line):
            if block is None:
                block, indent = [], len(match[1])
            else:
                yield from _steps_of(block, heading)
                block = None
        elif block is not None:
            block.append((number, line[indent:]))
        elif match := re.match(r'#+ (.+)', line):
            heading = match[1]


def all_steps() -> list[Step]:
    """The commands of the operators' guide, and of the pages beside it."""
    return [
        step for page in (GUIDE, *BESIDE) for step in steps(page.read_text('utf-8'))
    ]

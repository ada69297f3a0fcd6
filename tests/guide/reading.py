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


@dataclass(frozen=True)
class Part:
    """Lines of a guide that belong together: of one block, or between two.

    :ivar heading: The title of their section.
    :ivar is_block: Whether a fence is around them.
    :ivar lines: Each with its number; those of a block as far in as the fence is.
    """

    heading: str
    is_block: bool
    lines: list[tuple[int, str]]


def parts(text: str) -> Iterator[Part]:
    """A guide in Markdown, cut at its headings and fences."""
    part, indent = Part('', False, []), 0
    for number, line in enumerate(text.splitlines(), 1):
        fence = re.match(r'( *)```', line)
        heading = None if part.is_block else re.match(r'#+ (.+)', line)
        if fence or heading:
            yield part
            title = heading[1] if heading else part.heading
            indent = len(fence[1]) if fence else 0
            part = Part(title, bool(fence) and not part.is_block, [])
        else:
            part.lines.append((number, line[indent:] if part.is_block else line))
    yield part


def _steps_of(block: Part) -> Iterator[Step]:
    rest = iter(block.lines)
    number, command = 0, ''
    shown: list[str] = []
    for at, line in rest:
        if not line.startswith('$ '):
            if command:
                shown.append(line)
            continue
        if command:
            yield Step(block.heading, number, command, tuple(shown))
        number, command, shown = at, line[2:], []
        while not _is_whole(command):
            command += '\n' + next(rest)[1]
    if command:
        yield Step(block.heading, number, command, tuple(shown))


def steps(text: str) -> Iterator[Step]:
    """All commands of a guide: the lines of fenced blocks that begin with ``$``.

    :param text: The guide, in Markdown.
    """
    for part in parts(text):
        if part.is_block:
            yield from _steps_of(part)


def all_steps() -> list[Step]:
    """The commands of the operators' guide, and of the pages beside it."""
    return [
        step for page in (GUIDE, *BESIDE) for step in steps(page.read_text('utf-8'))
    ]

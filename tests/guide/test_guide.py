# SPDX-License-Identifier: GPL-3.0-or-later
"""What the guides name is there: commands and their options, tests, places."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from qnet_mailman.commands.cli_qnet import qnet
from tests.guide.elsewhere import ELSEWHERE, reason
from tests.guide.reading import BESIDE, GUIDE, ROOT, all_steps, parts

PAGES = [ROOT / 'README.md', *sorted((ROOT / 'docs').glob('*.md')), *BESIDE]


def named(text: str) -> Iterator[str]:
    """Every ``mailman qnet ...`` of a page: in blocks, and in the text."""
    for part in parts(text):
        lines = [line for _, line in part.lines]
        if part.is_block:
            found = [re.match(r'\s*(?:\$ )?(mailman qnet .*)', line) for line in lines]
            yield from (match[1] for match in found if match)
        else:
            for one in re.findall(r'`(mailman\s+qnet\s[^`]+)`', '\n'.join(lines)):
                yield ' '.join(one.split())


def unknown_part(command: str) -> str:
    """The first subcommand or option that does not exist; empty if all do."""
    at: click.Command = qnet
    # What follows a pipe or stands behind two blanks is not the command's.
    for word in re.split(r' {2,}|[|>#]', command)[0].split()[2:]:
        if word.startswith('--'):
            options = {name for one in at.params for name in one.opts}
            if word.partition('=')[0] not in options | {'--help'}:
                return word
        elif isinstance(at, click.Group):
            found = at.get_command(click.Context(at), word)
            if found is None:
                return word
            at = found
    return ''


@pytest.mark.parametrize('page', PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_and_options_exist(page: Path) -> None:
    commands = list(named(page.read_text('utf-8')))
    assert {one: bad for one in commands if (bad := unknown_part(one))} == {}


def test_the_guide_has_commands() -> None:
    assert len(list(named(GUIDE.read_text('utf-8')))) > 60
    assert unknown_part('mailman qnet show --from LIST') == '--from'
    assert unknown_part('mailman qnet display LIST') == 'display'


def test_what_is_not_run_is_in_the_guide_and_tested_where_it_says() -> None:
    commands = [step.command for step in all_steps()]
    assert [
        one for one in ELSEWHERE if not any(c.startswith(one) for c in commands)
    ] == []
    assert len([one for one in commands if reason(one)]) < len(commands) / 3
    tests = [
        found for why in ELSEWHERE.values() for found in re.findall(r'tests/\S+py', why)
    ]
    assert [path for path in tests if not (ROOT / path).is_file()] == []


def anchors(text: str) -> set[str]:
    """What can follow a ``#`` in a link to a page: its headings."""
    found = re.findall(r'^#+ (.+)$', text, re.MULTILINE)
    return {re.sub(r'[^\w\- ]', '', one.lower()).replace(' ', '-') for one in found}


@pytest.mark.parametrize('page', PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    text = page.read_text('utf-8')
    lost = []
    for target in re.findall(r'\]\(([^)\s]+)\)', text):
        path, _, anchor = target.partition('#')
        if path.startswith(('https:', 'http:', 'mailto:')):
            continue
        file = (page.parent / path) if path else page
        if not file.exists() or (
            anchor and anchor not in anchors(file.read_text('utf-8'))
        ):
            lost.append(target)
    assert lost == []

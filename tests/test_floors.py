# SPDX-License-Identifier: GPL-3.0-or-later
"""The floors as they are drawn for readers are those of the contract."""

from __future__ import annotations

import re
from configparser import ConfigParser
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FILE = re.compile(r'`((?:[a-z_]+/)+[a-z_]+\.py)`')


def contract() -> list[list[str]]:
    """The floors, the highest first."""
    parser = ConfigParser()
    parser.read(ROOT / '.importlinter', encoding='utf-8')
    layers = parser['importlinter:contract:floors']['layers'].strip()
    return [line.split(' | ') for line in layers.splitlines()]


def test_the_drawing_is_the_contract() -> None:
    text = (ROOT / 'docs' / 'architecture.md').read_text(encoding='utf-8')
    drawing = text.partition('## Floors')[2].split('```')[1].strip('\n')
    drawn = [re.split(r'\s{2,}', line)[0].split(' · ') for line in drawing.splitlines()]
    assert drawn == contract()


def test_the_files_that_it_names_are_there() -> None:
    text = (ROOT / 'docs' / 'architecture.md').read_text(encoding='utf-8')
    named = set(FILE.findall(text))
    assert len(named) > 40
    package = ROOT / 'qnet_mailman'
    places = (package, package / 'web', ROOT)
    assert [
        name for name in named if not any((each / name).exists() for each in places)
    ] == []

# SPDX-License-Identifier: GPL-3.0-or-later
"""Names of charsets: real ones, and invented ones."""

from __future__ import annotations

import random
from pathlib import Path

KNOWN = [
    line.partition('\t')[0]
    for line in Path(__file__).with_name('charsets.tsv').read_text('utf-8').splitlines()
    if not line.startswith('#')
]
ODD = [
    '',
    ' ',
    'unknown-8bit',
    'x-unknown',
    'iso-8859-8-i',
    'none',
    'None',
    'binary',
    '%s',
    '{0}',
    '../x',
    'aliases',
    '__init__',
    'utf-8;',
    "utf-8'",
    '\\',
    'a b',
    'é',
    'x' * 75,
    '8',
]
"""What people, programs and attackers have put there."""


def invented(count: int) -> list[str]:
    """Names that no list has; the same ones each time."""
    made = random.Random(1)
    letters = 'abcdefghijklmnopqrstuvwxyz0123456789-_.:+'
    return [
        *ODD,
        *(
            ''.join(made.choices(letters, k=made.randint(1, 30)))
            for _ in range(count - len(ODD))
        ),
    ]

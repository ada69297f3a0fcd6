# SPDX-License-Identifier: GPL-3.0-or-later
"""Texts as files beside the tests: mails and output of commands, as people read them.

``QNET_WRITE_EXPECTED=1`` writes the files of the tests that run anew; what changed is
then seen, and judged, with the commit.
"""

from __future__ import annotations

import difflib
import os
from pathlib import Path

import pytest


def require_expected(text: str, test_file: str, name: str, **stand_ins: str) -> None:
    """Fail if a text is not that of ``expected/NAME.txt``, and show where.

    :param test_file: `__file__` of the test; the folder is beside it.
    :param stand_ins: What is another each time, such as a token or a folder, by the
        word that stands for it in the file.
    """
    for word, found in stand_ins.items():
        assert found in text, f'no {word} in the text'
        text = text.replace(found, word)
    path = Path(test_file).parent / 'expected' / f'{name}.txt'
    text = text.rstrip('\n') + '\n'
    if os.environ.get('QNET_WRITE_EXPECTED'):
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, 'utf-8')
        return
    expected = path.read_text('utf-8') if path.exists() else ''
    if text != expected:
        lines = difflib.unified_diff(
            expected.splitlines(), text.splitlines(), str(path), 'found', lineterm=''
        )
        pytest.fail(
            '\n'.join([*lines, '', 'If it is right so: QNET_WRITE_EXPECTED=1']),
            pytrace=False,
        )

# SPDX-License-Identifier: GPL-3.0-or-later
"""Mailman's and our INI files for one running site.

Mailman has no way to include one file in another, so the package's own
``etc/mailman.cfg`` and what a site adds are merged, key by key, into one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from configparser import RawConfigParser
from pathlib import Path

#: Sections, and in each the keys and their values.
Settings = Mapping[str, Mapping[str, str]]

#: The root of the checkout.
ROOT = Path(__file__).resolve().parents[2]

# Mailman expands $-names in paths, and the database's URL is parsed as one.
_UNUSABLE = re.compile(r'[$%?#\x00-\x1f]')


def check_folder(folder: Path) -> None:
    """Make sure that Mailman can work in a folder.

    :param folder: The folder, which need not exist.
    :raises ValueError: where its name has characters that mean something else
        in Mailman's configuration.  Spaces are fine.
    """
    found = _UNUSABLE.search(str(folder))
    if found:
        raise ValueError(
            f'Mailman cannot work in a folder with {found.group()!r} in its name: '
            f'{folder}'
        )


def merge(*layers: str | Settings) -> str:
    """Merge configurations; a later value of a key replaces an earlier one.

    :param layers: The text of INI files, or their content.
    :return: The text of one INI file, without comments.
    """
    parser = RawConfigParser(strict=False)
    for layer in layers:
        if isinstance(layer, str):
            parser.read_string(layer)
        else:
            parser.read_dict(layer)
    lines = ['# Made by qnet_mailman.demo; changes here are lost.']
    for section in parser.sections():
        lines += ['', f'[{section}]']
        for key, value in parser.items(section):
            # Continued lines must be indented.
            lines.append(f'{key}: {value}'.rstrip().replace('\n', '\n  '))
    return '\n'.join(lines) + '\n'

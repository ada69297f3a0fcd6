# SPDX-License-Identifier: GPL-3.0-or-later
"""The guide has all settings of mailman.cfg that we read differently in its table."""

from __future__ import annotations

import re
from configparser import RawConfigParser
from importlib.resources import files
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HEADING = '#### What `mailman.cfg` means with the plugin'
#: What we read as Mailman does.
AS_STOCK = {
    'configuration',
    'default_language',
    'lmtp_host',
    'lmtp_port',
    'moderator_request_life',
    'smtp_port',
}


def tabled() -> set[str]:
    """The names in the first column."""
    guide = (ROOT / 'docs' / 'operators.md').read_text('utf-8')
    section = guide.partition(HEADING)[2].partition('\n####')[0]
    cells = re.findall(r'^\| (`.*?) \|', section, re.MULTILINE)
    words = [word for cell in cells for word in re.findall('`([^`]+)`', cell)]
    assert len(words) > 25
    return {word.rpartition(' ')[2] for word in words}


def test_what_our_code_reads_is_in_it() -> None:
    read = set()
    for path in (ROOT / 'qnet_mailman').rglob('*.py'):
        read |= {
            name
            for _section, name in re.findall(
                r'\bconfig\.(mailman|mta)\.([a-z_]+)', path.read_text('utf-8')
            )
        }
    assert len(read) > 10
    assert read - AS_STOCK - tabled() == set()
    assert read >= AS_STOCK


def test_what_our_configuration_sets_is_in_it() -> None:
    ours = RawConfigParser(strict=True)
    ours.read(ROOT / 'etc' / 'mailman.cfg', encoding='utf-8')
    sections = [name for name in ours.sections() if not name.startswith('plugin.')]
    assert {key for name in sections for key in ours[name]} - tabled() == set()


def test_each_is_a_setting_of_mailman() -> None:
    schema = files('mailman.config').joinpath('schema.cfg').read_text('utf-8')
    known = set(re.findall(r'^([a-z_]+):', schema, re.MULTILINE))
    assert tabled() - known == set()

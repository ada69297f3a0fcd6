# SPDX-License-Identifier: GPL-3.0-or-later
"""A list of Mailman's own styles is what it was before the plugin came (R40).

The same steps are done on two new sites, with the plugin and without.  Their
configurations differ in nothing but what `etc/mailman.cfg` says.  All that can be seen
is compared, step by step.
"""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.conftest import ROOT, SITE, _merged, write_settings

pytestmark = [pytest.mark.long, pytest.mark.landing]


@pytest.fixture(scope='module')
def walks(tmp_path_factory: pytest.TempPathFactory) -> list[list[tuple[str, str]]]:
    """What was to be seen, without the plugin and with it."""
    running = []
    for kind in ('stock', 'plugin'):
        var = tmp_path_factory.mktemp(kind)
        text = SITE.format(var=var)
        if kind == 'plugin':
            text = (ROOT / 'etc/mailman.cfg').read_text('utf-8') + text
            write_settings(var / 'qnet.cfg')
        cfg = var / 'mailman.cfg'
        cfg.write_text(_merged(text), encoding='utf-8')
        command = [sys.executable, '-m', 'tests.neighbour.walk', str(cfg), *STYLES]
        running.append(
            subprocess.Popen(
                command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
            )
        )
    walks = []
    for process in running:
        out, error = process.communicate()
        assert process.returncode == 0, error.decode()[-3000:]
        walks.append([(name, '\n'.join(seen)) for name, seen in json.loads(out)])
    return walks


STYLES = ('legacy-default', 'legacy-announce', 'private-default')


def test_nothing_differs(walks: list[list[tuple[str, str]]]) -> None:
    stock, ours = walks
    assert [name for name, _ in stock] == [name for name, _ in ours]
    assert len(stock) >= 400
    for (name, seen), (_, seen_with_plugin) in zip(stock, ours, strict=True):
        assert seen_with_plugin == seen, name


def test_the_steps_do_what_they_say(walks: list[list[tuple[str, str]]]) -> None:
    """No step fails in the same way on both sites, and each kind of mail is there."""
    whole = '\n'.join(seen for _, seen in walks[0])
    assert 'Traceback' not in whole
    assert 'queue shunt' not in whole
    assert 'exit 2' not in whole
    for words in (
        'Welcome to the',
        'You have been unsubscribed',
        'has been invited to join',
        'Your confirmation is needed',
        'Digest, Vol',
        'requires approval',
    ):
        assert words in whole, words

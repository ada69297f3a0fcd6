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
from typing import Any

import pytest

from tests.conftest import ROOT, SITE, _merged, write_settings

pytestmark = [pytest.mark.long, pytest.mark.landing]


@pytest.fixture(scope='module')
def walks(tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    """What the walks without the plugin and with it say.

    The last is with the plugin, fast delivery, and one style.
    """
    running = []
    for kind in ('stock', 'plugin', 'fast'):
        var = tmp_path_factory.mktemp(kind)
        text = SITE.format(var=var) + '[archiver.prototype]\nenable: yes\n'
        styles: tuple[str, ...] = STYLES
        if kind != 'stock':
            text = (ROOT / 'etc/mailman.cfg').read_text('utf-8') + text
            write_settings(var / 'qnet.cfg')
        if kind == 'fast':
            write_settings(var / 'qnet.cfg', other_lists_fast_delivery='yes')
            styles = STYLES[:1]
        cfg = var / 'mailman.cfg'
        cfg.write_text(_merged(text), encoding='utf-8')
        command = [sys.executable, '-m', 'tests.neighbour.walk', str(cfg), *styles]
        running.append(
            subprocess.Popen(
                command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
            )
        )
    walks = []
    for process in running:
        out, error = process.communicate()
        assert process.returncode == 0, error.decode()[-3000:]
        walks.append(json.loads(out))
    return walks


@pytest.fixture(scope='module')
def seen(walks: list[Any]) -> list[list[tuple[str, str]]]:
    """What was to be seen, step by step."""
    return [[(name, '\n'.join(seen)) for name, seen in walk['seen']] for walk in walks]


STYLES = ('legacy-default', 'legacy-announce', 'private-default')


def test_nothing_differs(seen: list[list[tuple[str, str]]]) -> None:
    stock, ours, _fast = seen
    assert [name for name, _ in stock] == [name for name, _ in ours]
    assert len(stock) >= 500
    for (name, without), (_, with_plugin) in zip(stock, ours, strict=True):
        assert with_plugin == without, name


def test_nothing_differs_where_delivery_is_fast(
    seen: list[list[tuple[str, str]]],
) -> None:
    stock = dict(seen[0])
    # Those are on other days, as fewer styles came before them.
    fast = [one for one in seen[2] if 'side by side' not in one[0]]
    assert len(fast) >= 150
    for name, with_plugin in fast:
        assert with_plugin == stock[name], name


def test_the_steps_do_what_they_say(seen: list[list[tuple[str, str]]]) -> None:
    """No step fails in the same way on both sites, and each kind of mail is there."""
    whole = '\n'.join(text for _, text in seen[0])
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
        'ARCHIVED',
        'completed in no time',
        'This is Old.',
        'Message quotes digest boilerplate',
        'Message has a digest subject',
    ):
        assert words in whole, words


def test_a_list_of_ours_goes_its_way_beside_them(walks: list[Any]) -> None:
    """35 days on one site: its posts, digests, scores and warnings are as ever."""
    stock, ours, _fast = (walk['ours'] for walk in walks)
    assert not any(members or mails for members, mails in stock)
    assert len(ours) == 35
    to_gone = {
        day: [mail for mail in mails if mail.startswith('gone: ')]
        for day, (_members, mails) in enumerate(ours)
    }
    # Five bounces on five days suspend; the copies end (R17, R18).
    copies = [day for day, mails in to_gone.items() if 'Post ours' in ''.join(mails)]
    assert copies == list(range(5))
    # Warnings at once, after a week and after two; removal after three (R19).
    told = [day for day, mails in to_gone.items() if 'do not reach' in ''.join(mails)]
    assert told == [4, 11, 18]
    assert 'has ended' in ''.join(to_gone[25])
    there = ['digest enabled', 'gone enabled', 'writer enabled']
    suspended = [there[0], 'gone by_bounces', there[2]]
    assert [members for members, _mails in ours] == [
        *[there] * 4,
        *[suspended] * 21,
        *[[there[0], there[2]]] * 10,
    ]
    # Administrators are told of each bounce, of the suspension and the removal (R20).
    told = [day for day, (_members, mails) in enumerate(ours) if 'help: ' in str(mails)]
    assert told == [*range(5), 25]
    digests = [
        day
        for day, (_members, mails) in enumerate(ours)
        if any(mail.startswith('digest: ') for mail in mails)
    ]
    assert digests == [6, 13, 20, 27, 34]

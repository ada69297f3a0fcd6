# SPDX-License-Identifier: GPL-3.0-or-later
"""Plugins of others beside ours: each does what it is for.

They come with what `./run upstream` installs.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from tests.conftest import ROOT, SITE, _merged, write_settings
from tests.upstream import sources

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(
        not sources.has_packages(), reason='"./run upstream --quick" installs them'
    ),
]

THEIRS = """
[plugin.mailman_rest_event]
class: mailman_rest_event.plugin.RestEventPlugin
enabled: yes
configuration: {folder}/rest-event.cfg
[plugin.eml_accept]
class: command_eml_accept_subscription_mailman_plugin.CommmandEmlAcceptMemberPlugin
component_package: command_eml_accept_subscription_mailman_plugin
enabled: yes
[plugin.example]
class: mailman.plugins.testing.example.hooks.ExamplePlugin
component_package: mailman.plugins.testing.example
enabled: yes
[archiver.fedmsg]
class: mailman3_fedmsg_plugin.Archiver
enable: yes
"""


@pytest.fixture(scope='module')
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What plugins.py says; ours is named first, as mailman-rest-event adds to what it
    finds (docs/operators.md).
    """
    folder = tmp_path_factory.mktemp('plugins')
    write_settings(folder / 'qnet.cfg')
    ours = (ROOT / 'etc/mailman.cfg').read_text('utf-8')
    text = _merged(ours + THEIRS.format(folder=folder) + SITE.format(var=folder))
    (folder / 'mailman.cfg').write_text(text, 'utf-8')
    done = subprocess.run(
        [sys.executable, '-m', 'tests.upstream.plugins', str(folder)],
        cwd=ROOT,
        env={**os.environ, 'PYTHONPATH': str(sources.packages())},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    said: dict[str, Any] = json.loads(done.stdout)
    assert not said['shunted']
    return said


@pytest.mark.parametrize('name', ['ours', 'stock'])
def test_mailman_rest_event_tells_of_joining_posts_and_leaving(
    found: dict[str, Any], name: str
) -> None:
    told = [each for each in found['events'] if each['mlist']['name'] == name]
    kinds = [each['event'] for each in told]
    assert kinds[:3] == ['user_subscribed', 'user_subscribed', 'new_message']
    assert kinds[-1] == 'user_unsubscribed'
    assert told[2]['message']['body'].startswith('A text.')


def test_mailman3_fedmsg_plugin_publishes_posts(found: dict[str, Any]) -> None:
    published = [each['mlist']['list_name'] for each in found['published']]
    assert published == ['ours', 'stock']


def test_what_they_tell_of_our_lists_is_masked(found: dict[str, Any]) -> None:
    """They come after the mask (R10)."""
    [event] = [
        each
        for each in found['events']
        if each['event'] == 'new_message' and each['mlist']['name'] == 'ours'
    ]
    assert 'clinic.example.org' not in json.dumps(event)
    assert 'clinic.example.org' not in json.dumps(found['published'][0])
    # And on a list of another style nothing is.
    assert 'ann@clinic.example.org' in json.dumps(found['published'][1])


def test_command_eml_accept_accepts_on_other_lists(found: dict[str, Any]) -> None:
    """On ours a moderator's word by mail has no such power (R12, R39)."""
    assert 'asker-stock@else.example.net' in found['members']['stock']
    assert 'asker-ours@else.example.net' not in found['members']['ours']


def test_mailmans_example_has_its_rule_and_we_have_ours(found: dict[str, Any]) -> None:
    assert {'example-rule', 'qnet-posting-rights'} <= set(found['rules'])
    assert {'example', 'qnet', 'mailman_rest_event'} <= set(found['plugins'])


def test_ours_works_beside_them(found: dict[str, Any]) -> None:
    wrong = {each['subject'] for each in found['check'] if each['level'] == 'error'}
    # The core is this one process; no other runs, and its password is Mailman's.
    assert wrong <= {'master', 'LMTP', 'mail server', 'REST'}
    copies = [
        mail
        for mail in found['mails']
        if '<ours.lists.example.gov>' in mail and 'Post post-ours' in mail
    ]
    assert copies
    for copy in copies:
        assert 'List-Unsubscribe-Post: List-Unsubscribe=One-Click' in copy
        assert 'clinic.example.org' not in copy

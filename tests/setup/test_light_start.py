# SPDX-License-Identifier: GPL-3.0-or-later
"""What a process of Mailman's does not read before it needs it.

Each of its 14 processes, and each command, starts anew: what one module imports costs
all of them time and memory.
"""

from __future__ import annotations

import subprocess
import sys
from types import SimpleNamespace

import pytest

READ = """\
import sys
from mailman.core.initialize import initialize
initialize(sys.argv[1])
for stage in sys.argv[2:]:
    for name in stage.split():
        __import__(name)
    print(*sys.modules)
"""

COMMAND = 'mailman.bin.mailman qnet_mailman.commands.cli_qnet'
RUNNERS = (
    *('archive', 'bounce', 'command', 'digest', 'incoming'),
    *('lmtp', 'outgoing', 'pipeline', 'retry', 'virgin'),
)
LARGE = {'openpyxl', 'pypdf', 'reportlab', 'PIL', 'rich'}
"""What is read with the first form of its kind, even where forms are read."""
OF_FORMS = {'pydantic', 'yaml', 'qnet_mailman.forms.schema', 'qnet_mailman.review.desk'}
OF_REST = {'falcon', 'prometheus_client', 'gunicorn', 'qnet_mailman.rest.root'}
OF_REPORTS = {'flufl.bounce', 'qnet_mailman.bounces.receiving'}
OF_SOME_POSTS = {'asn1crypto', 'dns.asyncresolver', 'qnet_mailman.masking'}


@pytest.fixture(scope='module')
def stages(mailman_site: SimpleNamespace) -> list[set[str]]:
    """The modules of a process: for a command; then for runners, forms, REST."""
    runners = ' '.join(f'qnet_mailman.runners.{name}' for name in RUNNERS)
    forms = 'qnet_mailman.runners.task qnet_mailman.runners.forms'
    rest = 'qnet_mailman.runners.rest'
    done = subprocess.run(
        [sys.executable, '-c', READ, mailman_site.cfg, COMMAND, runners, forms, rest],
        capture_output=True,
        text=True,
        check=True,
    )
    return [set(line.split()) for line in done.stdout.splitlines()]


def test_a_command_reads_nothing_of_other_doors(stages: list[set[str]]) -> None:
    nothing = LARGE | OF_FORMS | OF_REST | OF_REPORTS | OF_SOME_POSTS
    assert not nothing & stages[0]


def test_runners_of_mail_read_nothing_of_forms_and_rest(
    stages: list[set[str]],
) -> None:
    assert not (LARGE | OF_FORMS | OF_REST) & stages[1]
    assert 'qnet_mailman.bounces.receiving' in stages[1], 'the bounce runner has it'


def test_runners_of_forms_read_no_library_of_a_format(stages: list[set[str]]) -> None:
    assert not (LARGE | OF_REST) & stages[2]
    assert 'qnet_mailman.review.desk' in stages[2]


def test_rest_has_its_resources_before_its_workers(stages: list[set[str]]) -> None:
    """They share what was read before they were forked."""
    assert 'qnet_mailman.rest.root' in stages[3]
    assert not LARGE & stages[3]

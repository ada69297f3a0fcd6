# SPDX-License-Identifier: GPL-3.0-or-later
"""The commands of the guide that `test_guide_runs.py` does not run, and why."""

from __future__ import annotations

#: By how the command begins.
ELSEWHERE = {
    './provision.py ': 'from another host, over TLS: tests/provisioning/'
    'test_provision_script.py',
    'curl -sO https://lists.example.gov/forms/': 'a site with a name and a '
    'certificate: tests/web/test_request_forms.py',
    'echo \'{"step": "arrived"': 'a ServiceNow instance: tests/review/'
    'test_desk.py, with a stub',
    'file threshold-change.xlsx': 'what the command above it fetched',
    'install -m 600 -o list servicenow.cfg': 'needs the user list, and secrets that '
    'the site makes up',
    'pip install -r requirements.txt': 'from the package index: ./run installs the '
    'same from requirements.lock',
    'postmap -q bounces@lists.example.gov ': 'a Postfix beside Mailman: '
    'tests/end_to_end/test_postfix.py',
    'postfix check': 'a Postfix beside Mailman: tests/end_to_end/test_postfix.py',
}


def reason(command: str) -> str:
    """Why a command is not run here; empty if it is."""
    return next(
        (ELSEWHERE[begin] for begin in ELSEWHERE if command.startswith(begin)), ''
    )

# SPDX-License-Identifier: GPL-3.0-or-later
"""The commands of the guide that `test_guide_runs.py` does not run, and why."""

from __future__ import annotations

_BARE_HOST = 'a bare host: tests/install/test_bare_host.py'
_POSTFIX = 'a Postfix beside Mailman: tests/end_to_end/test_postfix.py'
_REFUSED = 'what a provider has refused: tests/bounces/test_refusals.py'
_RESTORED = 'an empty site beside a full one: tests/end_to_end/test_backup.py'

#: By how the command begins.
ELSEWHERE = {
    './provision.py ': 'from another host, over TLS: tests/provisioning/'
    'test_provision_script.py',
    './run install ': _BARE_HOST,
    'apt-get install ': _BARE_HOST,
    'cd etc/postfix': _POSTFIX,
    'curl -sO https://lists.example.gov/forms/': 'a site with a name and a '
    'certificate: tests/web/test_request_forms.py',
    'django-admin migrate': _RESTORED,
    'django-admin rebuild_index': _RESTORED,
    'echo \'{"step": "arrived"': 'a ServiceNow instance: tests/review/test_desk.py, '
    'with a stub',
    'file threshold-change.xlsx': 'what the command above it fetched',
    'install -m 600 -o qnet-core servicenow.cfg': 'needs an installed host, and '
    'secrets that the site makes up',
    'install -m 644 authentication_results': _POSTFIX,
    'mailman qnet backup /var/': _RESTORED,
    'mailman qnet bounces LIST --count-refusals': _REFUSED,
    'mailman qnet bounces LIST --withhold': _REFUSED,
    'mailman qnet check': _BARE_HOST,
    'mailman qnet dns lists.example.gov --check': 'a name server with the records: '
    'tests/health/test_zone.py',
    'mailman qnet provision closure.yaml': 'a month after a list was closed: '
    'tests/provisioning/test_closure_deletion.py',
    'mailman qnet restore ': _RESTORED,
    'mailman qnet resume ': _RESTORED,
    'pip install -r requirements.txt': 'from the package index: ./run installs the '
    'same from requirements.lock',
    'postfix check': _POSTFIX,
    'postmap -q bounces@lists.example.gov ': _POSTFIX,
    "sed '/^#/d; /^$/d' main.cf": _POSTFIX,
    'tar -xf /var/backups/': _RESTORED,
}


def reason(command: str) -> str:
    """Why a command is not run here; empty if it is."""
    return next(
        (ELSEWHERE[begin] for begin in ELSEWHERE if command.startswith(begin)), ''
    )

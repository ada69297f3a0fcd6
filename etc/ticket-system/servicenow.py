#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tell ServiceNow what happens to request forms: a `ticket_system_command`.

    ticket_system_command =
        /opt/qnet-mailer/venv/bin/python /etc/qnet-mailer/servicenow.py FILE

FILE is what servicenow.cfg beside this is an example of.  A step comes as JSON on
standard input.  The first one of a request makes a record (Table API, POST
/api/now/table/{tableName}), later ones are work notes of it (PATCH
/api/now/table/{tableName}/{sys_id}).  A record is found by its `correlation_id`, which
is the number of the request (QM-000001): so a step that comes twice makes no second
one.  The record's number is printed as `{"ticket": ...}`.  Whether the record is closed
then is left to the people, or to a business rule, of the instance.

Exit status: 0 ServiceNow has it, 1 not, and the step is to come again.
"""

from __future__ import annotations

import configparser
import json
import sys
from pathlib import Path
from typing import Any

import requests

TIMEOUT = 8
"""Seconds; less than `ticket_system_timeout`."""
SAYS = {
    'arrived': 'The request has arrived and waits for an operator.',
    'needs-correction': 'The request was returned to its requester for correction.',
    'approved': 'The request was approved.',
    'done': 'The request was carried out, and its requester told.',
}


class Table:
    """A table of an instance, over its Table API."""

    def __init__(self, about: configparser.SectionProxy) -> None:
        self._url = f'{about["instance"].rstrip("/")}/api/now/table/{about["table"]}'
        self._session = requests.Session()
        self._session.headers['Accept'] = 'application/json'
        secret = Path(about['secret_file']).read_text('utf-8').strip()
        if about.get('user'):
            self._session.auth = (about['user'], secret)
        else:
            self._session.headers['Authorization'] = f'Bearer {secret}'

    def _ask(self, method: str, path: str = '', **how: Any) -> Any:
        answer = self._session.request(
            method, self._url + path, timeout=TIMEOUT, allow_redirects=False, **how
        )
        if answer.status_code not in (200, 201):
            sys.exit(f'ServiceNow answers {method} with {answer.status_code}')
        return answer.json()['result']

    def find(self, number: str) -> dict[str, str] | None:
        """The record of a request."""
        query = {
            'sysparm_query': f'correlation_id={number}',
            'sysparm_fields': 'sys_id,number',
            'sysparm_limit': '1',
        }
        found = self._ask('GET', params=query)
        return found[0] if found else None

    def make(self, fields: dict[str, str]) -> dict[str, str]:
        """Insert a record."""
        return dict(self._ask('POST', json=fields))

    def change(self, sys_id: str, fields: dict[str, str]) -> None:
        """Change a record."""
        self._ask('PATCH', f'/{sys_id}', json=fields)


def words_about(step: dict[str, Any]) -> str:
    """What people read of a step."""
    lines = [SAYS.get(step['step'], step['step'])]
    for label, key in (
        ('Form', 'kind'),
        ('List', 'list'),
        ('Requester', 'requester'),
        ('Reason', 'reason'),
        ('Page', 'page'),
    ):
        if step[key]:
            lines.append(f'{label}: {step[key]}')
    return '\n'.join(lines)


def main() -> None:
    """Tell of the step on standard input."""
    config = configparser.ConfigParser(interpolation=None)
    with open(sys.argv[1], encoding='utf-8') as file:
        config.read_file(file)
    step = json.load(sys.stdin)
    table = Table(config['servicenow'])
    record = table.find(step['number'])
    if record is None:
        about = ' for '.join(filter(None, (step['kind'] or 'form', step['list'])))
        own = dict(config['fields']) if config.has_section('fields') else {}
        record = table.make(
            {
                **own,
                'short_description': f'Mailing lists: {about} ({step["number"]})',
                'description': words_about(step),
                'correlation_id': step['number'],
                'correlation_display': 'QualityNet Mailer',
            }
        )
    else:
        note = f'{words_about(step)}\n({step["at"]}, {step["id"]})'
        table.change(record['sys_id'], {'work_notes': note})
    print(json.dumps({'ticket': record['number']}))


if __name__ == '__main__':
    try:
        main()
    except requests.RequestException as error:
        # Its words could have more in them than a log should.
        sys.exit(f'ServiceNow cannot be reached ({type(error).__name__})')

# SPDX-License-Identifier: GPL-3.0-or-later
"""`mailman qnet check`: whether the service is healthy, and if not, why (R32)."""

from __future__ import annotations

import json
import sys

import click

from qnet_mailman.health.finding import Finding
from qnet_mailman.health.looking import examine


@click.command()
@click.option('--json', 'as_json', is_flag=True, help='Print JSON.')
@click.option('--no-web', is_flag=True, help='Do not ask the web side.')
@click.option(
    '--no-mail',
    is_flag=True,
    help='Send no message through the mail server, and ask no name server.',
)
def check(as_json: bool, no_web: bool, no_mail: bool) -> None:
    """Say whether mail is processed, people can sign in, and what is wrong.

    The web side is asked at web_url of qnet.cfg; it looks at its OpenID providers.  A
    message with forged fields goes through outside_mail_server, to see that it drops
    them; nobody gets it.  What was not looked at is "not seen".

    Exit status: 0 all is well (perhaps with warnings), 1 something is wrong.
    """
    tell(examine(web=not no_web, mail=not no_mail), as_json)


def tell(findings: list[Finding], as_json: bool) -> None:
    """Print what was found, and exit with 1 where something is wrong."""
    if as_json:
        print(json.dumps([finding.as_dict() for finding in findings], indent=2))
    else:
        for finding in findings:
            print(f'{finding.level:8}  {finding.subject}: {finding.text}')
            if finding.remedy:
                print(f'{"":8}  -> {finding.remedy}')
    if any(finding.level == 'error' for finding in findings):
        sys.exit(1)

# SPDX-License-Identifier: GPL-3.0-or-later
"""The demo's people sign in, and its operator takes a role away."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import pytest

from qnet_mailman.demo import roles, story
from qnet_mailman.demo.__main__ import where_to_look
from qnet_mailman.demo.narrator import Narrator
from qnet_mailman.demo.people import Account
from qnet_mailman.demo.processes import DemoError
from qnet_mailman.demo.site import Site


def tell(site: Site) -> str:
    """The steps about roles; what they say."""
    said = io.StringIO()
    tale = story.from_form(site, Narrator(said))
    story.provision(tale)
    for step in roles.STEPS:
        step(tale)
    return said.getvalue()


@pytest.mark.long
def test_the_steps_about_roles_again_and_again(tmp_path: Path) -> None:
    with Site(tmp_path / 'site', provider=True) as site:
        said = tell(site)
        assert '403  settings/' in said
        assert 'harp:pexample administrator: revoked' in said
        tale = story.from_form(site, Narrator(io.StringIO()))
        stranger = Account('pexample', 'Pat Example', 'pat@agency.example.gov')
        with pytest.raises(DemoError, match='cannot sign in'):
            roles.Visitor(tale, stranger)
        looking = where_to_look(site)
        for account in site.accounts.all():
            assert f'{account.user_id} {account.password}\n' in looking
        checked = subprocess.run(
            [sys.executable, '-m', 'django', 'check_providers'],
            env=site.environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        assert checked.returncode == 0, checked.stderr
        assert f'{site.web_url}/accounts/oidc/harp/login/callback/' in checked.stdout
        health = site.mailman('qnet', 'check', check=True).stdout
        assert f'ok        provider harp: {site.provider_url} knows this site' in health
        for secret in (site.web_password, *(a.password for a in site.accounts.all())):
            assert secret not in site.log_tails()
        passwords = [account.password for account in site.accounts.all()]
    # A new start is a new provider, to which the same people come as others.
    with Site(tmp_path / 'site', provider=True) as site:
        assert passwords != [account.password for account in site.accounts.all()]
        tell(site)


def test_without_the_provider_nobody_is_told_of_it(tmp_path: Path) -> None:
    site = Site(tmp_path)
    site.write_configuration()
    assert 'OPENID_PROVIDERS' not in (site.etc / 'settings_local.py').read_text()
    assert 'HARP (demo)' not in where_to_look(site)


def test_the_site_file_takes_more_settings(tmp_path: Path) -> None:
    site = Site(tmp_path)
    site.web_settings['LOCAL_SUPERUSERS'] = False
    site.write_configuration()
    written = (site.etc / 'settings_local.py').read_text()
    assert written.endswith('\nLOCAL_SUPERUSERS = False\n')

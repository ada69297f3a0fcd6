# SPDX-License-Identifier: GPL-3.0-or-later
"""LemonLDAP::NG of Debian as an OpenID provider on loopback.

Another maker's, in another language, with other habits than the certified provider: a
claim with one value is that value, one with several a list; userinfo can be a signed
token, which then has neither issuer nor audience.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import threading
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.web.harp.certified import free_port

APPLICATION = Path(__file__).resolve().parents[2] / 'oidc' / 'lemonldap' / 'portal.psgi'
CLIENT, SECRET = 'mailer', 'only-for-tests'
#: Perl modules that the portal needs, and the packages do not all ask for.
MODULES = (
    'Lemonldap::NG::Portal::Main',
    'String::Random',
    'IO::String',
    'Crypt::OpenSSL::Bignum',
)


def needed() -> None:
    """Skip, and say why, where it is not installed."""
    if shutil.which('plackup') is None:
        pytest.skip('plackup is not installed (Debian: libplack-perl)')
    modules = [f'-M{module}' for module in MODULES]
    done = subprocess.run(
        ['perl', *modules, '-e', '1'], capture_output=True, text=True, check=False
    )
    if done.returncode:
        missing = done.stderr.partition('(')[0].strip()
        pytest.skip(f'LemonLDAP::NG: {missing} (Debian: see .ci/run)')


def _keys() -> tuple[str, str]:
    """A private key, and its public one."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return private.decode(), public.decode()


def _openid(issuer: str, site: str, userinfo: str) -> dict[str, Any]:
    """What makes the portal an OpenID provider, with our site as its client."""
    private, public = _keys()
    client = {
        'ClientID': CLIENT,
        'ClientSecret': SECRET,
        'IDTokenSignAlg': 'RS256',
        'UserInfoSignAlg': userinfo,
        'RequirePKCE': 1,
        'BypassConsent': 1,
        'LogoutBypassConfirm': 1,
        'RedirectUris': f'{site}/accounts/oidc/harp/login/callback/',
        'PostLogoutRedirectUris': f'{site}/',
    }
    options = {f'oidcRPMetaDataOptions{name}': it for name, it in client.items()}
    claims = {
        'name': 'cn',
        'email': 'mail',
        'email_verified': 'verified;bool',
        'roles': 'roles',
    }
    return {
        'issuerDBOpenIDConnectActivation': 1,
        'issuerDBOpenIDConnectPath': '^/oauth2/',
        'issuerDBOpenIDConnectRule': 1,
        'oidcServiceMetaDataIssuer': issuer,
        'oidcServicePrivateKeySig': private,
        'oidcServicePublicKeySig': public,
        'oidcServiceKeyIdSig': 'one',
        'oidcServiceAllowAuthorizationCodeFlow': 1,
        'oidcRPMetaDataOptions': {CLIENT: options},
        'oidcRPMetaDataExportedVars': {CLIENT: claims},
        'oidcRPMetaDataOptionsExtraClaims': {CLIENT: {'roles': 'roles'}},
    }


class LemonLDAP:
    """The provider.

    :param folder: For its files.
    :param site: Our site's address.
    :param accounts: The people; a password is the person's ``uid``.
    :param userinfo: The algorithm that signs userinfo; empty for JSON.
    """

    def __init__(
        self,
        folder: Path,
        site: str,
        accounts: dict[str, dict[str, str]],
        userinfo: str = '',
    ) -> None:
        self._port = free_port()
        self.issuer = f'http://127.0.0.1:{self._port}/'
        self.said: list[str] = []
        self._folder = folder
        for name in ('conf', 'sessions'):
            (folder / name).mkdir()
        (folder / 'accounts.json').write_text(json.dumps(accounts))
        settings = self._settings(site, userinfo)
        (folder / 'conf' / 'lmConf-1.json').write_text(json.dumps(settings))
        (folder / 'lemonldap-ng.ini').write_text(
            '[all]\nlogLevel = warn\n'
            f'[configuration]\ntype = File\ndirName = {folder}/conf\n'
            '[portal]\nstaticPrefix = /static\nlanguages = en\n'
            'templateDir = /usr/share/lemonldap-ng/portal/templates\n'
            '[handler]\nstatus = 0\n'
        )
        self._process: subprocess.Popen[str] | None = None

    def _settings(self, site: str, userinfo: str) -> dict[str, Any]:
        sessions = str(self._folder / 'sessions')
        store = {'Directory': sessions, 'LockDirectory': sessions}
        return {
            'cfgNum': 1,
            'cfgDate': '1',
            'cfgVersion': '2.16.1',
            'portal': self.issuer,
            'domain': '127.0.0.1',
            'securedCookie': 0,
            'cookieName': 'lemonldap',
            'key': 'only for tests',
            'authentication': 'Demo',
            'userDB': 'Same',
            'passwordDB': 'Demo',
            'captcha': '::Captcha::None',
            'requireToken': '0',
            'globalStorage': 'Apache::Session::File',
            'globalStorageOptions': store,
            'persistentStorage': 'Apache::Session::File',
            'persistentStorageOptions': store,
            'localSessionStorage': '',
            'macros': {'_whatToTrace': '$uid'},
            'demoExportedVars': {
                name: name for name in ('cn', 'mail', 'uid', 'roles', 'verified')
            },
            'exportedVars': {},
            'locationRules': {},
            'exportedHeaders': {},
            **_openid(self.issuer, site, userinfo),
        }

    def __enter__(self) -> LemonLDAP:
        process = subprocess.Popen(
            [
                'plackup',
                *('--server', 'HTTP::Server::PSGI'),
                *('--host', '127.0.0.1', '--port', str(self._port)),
                str(APPLICATION),
            ],
            env={
                'PATH': os.environ['PATH'],
                'LLNG_DEFAULTCONFFILE': str(self._folder / 'lemonldap-ng.ini'),
                'LLNG_ACCOUNTS': str(self._folder / 'accounts.json'),
            },
            cwd=self._folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._process = process
        assert process.stdout is not None
        for line in process.stdout:
            self.said.append(line)
            if 'Initialization failed' in line:
                break
            if 'Accepting connections' in line:
                # Nobody else reads what it goes on to write.
                threading.Thread(
                    target=self.said.extend, args=(process.stdout,), daemon=True
                ).start()
                return self
        process.terminate()
        process.wait()
        raise AssertionError(f'it did not start:\n{"".join(self.said)}')

    def __exit__(self, *_exc: object) -> None:
        assert self._process is not None
        self._process.terminate()
        self._process.wait()

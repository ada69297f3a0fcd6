# SPDX-License-Identifier: GPL-3.0-or-later
"""A provider that answers whatever a test wants, and a browser to go there."""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from django.conf import settings
from django.test import Client, override_settings

from qnet_mailman.web.harp.config import for_allauth, read_providers

CLIENT = 'mailer'
ROLE = {
    'program': 'QualityNet Workspace',
    'organization': 'QualityNet Mailer',
    'role': 'List Administrator',
}
PERSON = {
    'sub': 'subject-1',
    'name': 'Ann Example',
    'email': 'ann@example.gov',
    'email_verified': True,
    'roles': [ROLE],
}


def new_key() -> rsa.RSAPrivateKey:
    """A key to sign with."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


KEY, OTHER_KEY = new_key(), new_key()


@contextmanager
def listening(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    """A server on loopback that stops without a pause; its address."""
    server = ThreadingHTTPServer(('127.0.0.1', 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f'http://127.0.0.1:{server.server_port}'
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class HostileProvider:
    """Correct, until told otherwise.

    :ivar claims: What it says of the person, in userinfo.
    :ivar id_claims: What differs in the ID token; None removes a claim.
    :ivar kid: The name of the key; :ivar key: the key that signs.
    :ivar published: The keys that it publishes.
    :ivar answers: Instead of the usual answer to a path: status and body, or
        a function that makes them.
    :ivar kinds: Their media types, where not JSON.
    :ivar asked: Which paths were asked for.
    :ivar forms: The forms sent to the token endpoint.
    """

    def __init__(self) -> None:
        self.claims: dict[str, Any] = dict(PERSON)
        self.id_claims: dict[str, Any] = {}
        self.discovery: dict[str, Any] = {}
        self.nonce = ''
        self.kid = 'one'
        self.key: Any = KEY
        self.algorithm: str | None = 'RS256'
        self.published: dict[str, rsa.RSAPrivateKey] = {'one': KEY}
        self.answers: dict[str, Any] = {}
        self.kinds: dict[str, str] = {}
        self.asked: list[str] = []
        self.forms: list[dict[str, list[str]]] = []
        self.refresh_token: str | None = None
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def respond(self) -> None:
                path = urlsplit(self.path).path
                provider.asked.append(path)
                size = int(self.headers.get('Content-Length') or 0)
                form = parse_qs(self.rfile.read(size).decode())
                if form:
                    provider.forms.append(form)
                answer = provider.answers.get(path)
                if callable(answer):
                    answer = answer()
                status, body = answer or (200, provider.usual(path))
                data = body if isinstance(body, bytes) else json.dumps(body).encode()
                self.send_response(status)
                if status == 302:
                    self.send_header('Location', f'{provider.issuer}/elsewhere')
                kind = provider.kinds.get(path, 'application/json')
                self.send_header('Content-Type', kind)
                self.send_header('Content-Length', str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = respond

            def log_message(self, *_args: object) -> None:
                pass

        self._listening = listening(Handler)
        self._up = False
        self.issuer = ''

    def __enter__(self) -> HostileProvider:
        self.issuer = self._listening.__enter__()
        self._up = True
        return self

    def __exit__(self, *_exc: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Go down."""
        if self._up:
            self._listening.__exit__(None, None, None)
            self._up = False

    @contextmanager
    def known_as(self, key: str, **fields: Any) -> Iterator[None]:
        """Be a provider of the site, beside those there are."""
        mine = {
            'name': 'HARP',
            'issuer': self.issuer,
            'client_id': CLIENT,
            'client_secret': 'a secret',
            **fields,
        }
        providers = {**settings.OPENID_PROVIDERS, **read_providers({key: mine})}
        with override_settings(
            OPENID_PROVIDERS=providers,
            SOCIALACCOUNT_PROVIDERS=for_allauth(providers),
            LOCAL_SUPERUSERS=False,
            LOCAL_SIGN_UP=False,
        ):
            yield

    def usual(self, path: str) -> Any:
        """The answer of a good provider."""
        issuer = self.issuer
        if path == '/.well-known/openid-configuration':
            return {
                'issuer': issuer,
                'authorization_endpoint': f'{issuer}/authorize',
                'token_endpoint': f'{issuer}/token',
                'userinfo_endpoint': f'{issuer}/userinfo',
                'introspection_endpoint': f'{issuer}/introspect',
                'end_session_endpoint': f'{issuer}/logout',
                'jwks_uri': f'{issuer}/keys',
                **self.discovery,
            }
        if path == '/keys':
            return {'keys': [jwk(key, kid) for kid, key in self.published.items()]}
        if path == '/token':
            answer = {
                'access_token': 'access',
                'token_type': 'Bearer',
                'expires_in': 300,
                'id_token': self.id_token(),
            }
            if self.refresh_token:
                answer['refresh_token'] = self.refresh_token
            return answer
        if path == '/userinfo':
            return self.claims
        if path == '/introspect':
            return {'active': True}
        return {}

    def sign(self, claims: dict[str, Any], **header: Any) -> str:
        """A token; claims that are None are left out."""
        kept = {name: value for name, value in claims.items() if value is not None}
        headers = {'kid': self.kid, **header}
        return jwt.encode(kept, self.key, algorithm=self.algorithm, headers=headers)

    def id_token(self) -> str:
        """The ID token of the sign-in that is under way."""
        now = int(time.time())
        return self.sign(
            {
                'iss': self.issuer,
                'sub': self.claims.get('sub'),
                'aud': CLIENT,
                'iat': now,
                'exp': now + 300,
                'nonce': self.nonce,
                'sid': 'session-1',
                **self.id_claims,
            }
        )

    def logout_token(self, **changes: Any) -> str:
        """A logout token (Back-Channel Logout, section 2.4)."""
        now = int(time.time())
        return self.sign(
            {
                'iss': self.issuer,
                'sub': self.claims['sub'],
                'aud': CLIENT,
                'iat': now,
                'exp': now + 120,
                'jti': uuid.uuid4().hex,
                'events': {'http://schemas.openid.net/event/backchannel-logout': {}},
                **changes,
            },
            typ='logout+jwt',
        )

    def begin(self, browser: Any, key: str = 'harp', **query: str) -> dict[str, str]:
        """Press the button; the parameters that the browser takes along."""
        response = browser.post(f'/accounts/oidc/{key}/login/', query_params=query)
        assert response.status_code == 302, response.content
        url = urlsplit(response['Location'])
        assert f'{url.scheme}://{url.netloc}' == self.issuer
        sent = {name: value[0] for name, value in parse_qs(url.query).items()}
        self.nonce = sent['nonce']
        return sent

    def finish(self, browser: Any, state: str, key: str = 'harp', **more: str) -> Any:
        """Come back with a code."""
        return browser.get(
            f'/accounts/oidc/{key}/login/callback/',
            {'code': 'a code', 'state': state, **more},
        )

    def sign_in(
        self,
        browser: Any,
        key: str = 'harp',
        between: Callable[[], None] = lambda: None,
        **query: str,
    ) -> Any:
        """All of it; the last response."""
        state = self.begin(browser, key, **query)['state']
        between()
        return self.finish(browser, state, key)


def jwk(key: rsa.RSAPrivateKey, kid: str) -> dict[str, Any]:
    """A key as it is published."""
    public = jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
    return {**public, 'kid': kid, 'use': 'sig', 'alg': 'RS256'}


def new_browser() -> Any:
    """Django's test client, on the site's own name."""
    return Client(headers={'host': 'lists.example.gov'})

# SPDX-License-Identifier: GPL-3.0-or-later
"""An OpenID provider on loopback, in the place of HARP.

``python -m qnet_mailman.demo.provider --port PORT`` is run by
:class:`~qnet_mailman.demo.site.Site`.  The people come in QNET_DEMO_ACCOUNTS
(JSON), the address of the web side in QNET_DEMO_WEB_URL: an environment is nobody
else's to read, other than a command line.

The protocol is that of oidc-provider-mock, which signs anybody in.  The pages for
people are ours: they ask for a password, load nothing from elsewhere, and lead
only to the demo's own site.  It checks neither the client's secret nor PKCE and
forgets everything when it ends: a stand-in for a demo, and for nothing else.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
from collections.abc import Mapping

import flask
from oidc_provider_mock import User, init_app  # type: ignore[import-untyped]
from werkzeug.serving import WSGIRequestHandler, make_server

from qnet_mailman.demo.people import PROVIDER, Accounts
from qnet_mailman.demo.ports import HOST

#: What of oidc-provider-mock is reached: the protocol, and not the addresses at
#: which anybody can register a client or change what is said about a person.
_SERVED = {
    'openid_config',
    'jwks',
    'authorize',
    'issue_token',
    'userinfo',
    'end_session',
}

_STYLE = """\
body { font: 1rem/1.5 sans-serif; margin: 0 auto; max-width: 28rem; padding: 1rem; }
label, input, button { box-sizing: border-box; display: block; font: inherit; }
input, button { width: 100%; }
input, button { border: 1px solid #555; border-radius: .25rem; padding: .5rem; }
input { margin-bottom: 1rem; }
button { background: #0b4a8f; color: #fff; }
:focus-visible { outline: 3px solid #c25700; outline-offset: 2px; }
[role=alert] { border-left: .25rem solid #b00020; padding-left: .75rem; }
"""

_PAGE = """\
<!DOCTYPE html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <title>{{ title }} - stand-in for HARP</title>
  <link rel="stylesheet" href="/style.css">
</head>
<body>
<main>
<h1>{{ title }}</h1>
{% if form %}
<p>This is the demo's stand-in for HARP. User IDs and passwords are printed where the
  demo runs.</p>
{% if wrong %}
<p role="alert" id="wrong">The user ID or the password is wrong.</p>
{% endif %}
<form method="post">
  <label for="sub">User ID</label>
  <input id="sub" name="sub" value="{{ sub }}" required autocomplete="username"
    autocapitalize="none" spellcheck="false"
    {% if wrong %}aria-invalid="true" aria-describedby="wrong"{% endif %}>
  <label for="password">Password</label>
  <input id="password" name="password" type="password" required
    autocomplete="current-password"
    {% if wrong %}aria-invalid="true" aria-describedby="wrong"{% endif %}>
  <button type="submit">Sign in</button>
</form>
{% else %}
<p>{{ text }}</p>
{% endif %}
</main>
</body>
</html>
"""

_HEADERS = {
    'Cache-Control': 'no-store',
    # No form-action: the form's answer leads on to the web side.
    'Content-Security-Policy': "default-src 'none'; style-src 'self'; "
    "base-uri 'none'; frame-ancestors 'none'",
    'Referrer-Policy': 'no-referrer',
    'X-Content-Type-Options': 'nosniff',
}


def make_app(accounts: Accounts, web_url: str) -> flask.Flask:
    """The provider as a WSGI application.

    :param accounts: Who can sign in.
    :param web_url: The web side, the only place to which a sign-in leads.
    """
    app = flask.Flask(__name__, static_folder=None)
    plain = app.wsgi_app
    init_app(
        app,
        require_nonce=True,
        user_claims=[
            User(sub=one.user_id, claims=one.claims()) for one in accounts.all()
        ],
    )
    # It switches a debugger on, in which a browser can run any program.
    app.debug = False
    app.wsgi_app = plain  # type: ignore[method-assign]
    mock = 'oidc-provider-mock'
    authorize = app.view_functions[f'{mock}.authorize']
    passwords = {one.user_id: one.password for one in accounts.all()}
    callback = f'{web_url}/accounts/oidc/{PROVIDER}/login/callback/'

    def sign_in() -> flask.Response:
        if flask.request.args.get('redirect_uri') != callback:
            return _page('Unknown address', 400, text='Only the demo signs in here.')
        if flask.request.method == 'GET':
            return _page('Sign in', form=True)
        sub = flask.request.form.get('sub', '').strip()
        given = flask.request.form.get('password', '').strip()
        if not _matches(passwords, sub, given):
            return _page('Sign in', form=True, wrong=True, sub=sub)
        return flask.make_response(authorize())

    def sign_out() -> flask.Response:
        # Nobody is signed in here for longer than a page.
        if flask.request.values.get('post_logout_redirect_uri') == f'{web_url}/':
            return flask.make_response(flask.redirect(f'{web_url}/'))
        return _page('Signed out', text='You are signed out of the stand-in for HARP.')

    app.view_functions[f'{mock}.authorize'] = sign_in
    app.view_functions[f'{mock}.end_session'] = sign_out

    @app.before_request
    def only_what_is_served() -> None:
        name = (flask.request.endpoint or '').removeprefix(f'{mock}.')
        if name not in {*_SERVED, 'style'}:
            flask.abort(404)

    @app.get('/style.css')
    def style() -> flask.Response:
        return flask.Response(_STYLE, mimetype='text/css')

    @app.after_request
    def harden(response: flask.Response) -> flask.Response:
        response.headers.update(_HEADERS)
        return response

    return app


def _matches(passwords: Mapping[str, str], sub: str, given: str) -> bool:
    """Whether this is the person's password."""
    right = passwords.get(sub)
    return right is not None and secrets.compare_digest(right.encode(), given.encode())


def _page(title: str, status: int = 200, **context: object) -> flask.Response:
    """One of our pages."""
    text = flask.render_template_string(_PAGE, title=title, **context)
    return flask.make_response(text, status)


class _Quiet(WSGIRequestHandler):
    """Addresses hold what is nobody's business: they are not logged."""

    def log_request(self, code: int | str = '-', size: int | str = '-') -> None:
        """Say nothing."""


def main(arguments: list[str] | None = None) -> None:
    """Serve until somebody ends the process.

    :param arguments: The arguments; by default those of the process.
    """
    parser = argparse.ArgumentParser()
    parser.add_argument('--port', type=int, required=True)
    options = parser.parse_args(arguments)
    accounts = Accounts.from_dict(json.loads(os.environ['QNET_DEMO_ACCOUNTS']))
    app = make_app(accounts, os.environ['QNET_DEMO_WEB_URL'])
    server = make_server(HOST, options.port, app, threaded=True, request_handler=_Quiet)
    server.serve_forever()


if __name__ == '__main__':
    main()

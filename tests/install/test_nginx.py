# SPDX-License-Identifier: GPL-3.0-or-later
"""`etc/nginx/qnet-mailer.conf` in a real nginx: what it passes on, limits and logs."""

from __future__ import annotations

import gzip
import os
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path

import pytest
import requests
from cryptography import x509

from qnet_mailman.demo.configuration import ROOT
from qnet_mailman.demo.ports import HOST, Reservation, is_listening
from qnet_mailman.demo.processes import Child, wait_until
from tests.certificates import self_signed

CONF = ROOT / 'etc/nginx/qnet-mailer.conf'
NAME = 'lists.example.gov'
POLICY = 'version: STSv1\nmode: testing\n'
TOKEN = 'a-token-that-nobody-else-may-see'
PATHS = (
    f'/unsubscribe/{TOKEN}',
    f'/send-again/{TOKEN}/',
    f'/decide/{TOKEN}/',
    f'/signup/confirm/{TOKEN}/',
    f'/posts/confirm/{TOKEN}/',
    f'/forms/confirm/{TOKEN}/',
    f'/accounts/confirm-email/{TOKEN}/',
    f'/accounts/password/reset/key/1-{TOKEN}/',
    f'/accounts/oidc/harp/login/callback/?code={TOKEN}&state={TOKEN}',
    f'/mailman3/lists/{NAME}/confirm/?token={TOKEN}',
    f'/mailman3/lists/{NAME}/handle_subscription_request/{TOKEN}/accept',
    # As a browser, a proxy or a stranger may write them.
    f'//unsubscribe//{TOKEN}',
    f'/static/../unsubscribe/{TOKEN}',
    f'/%75nsubscribe/{TOKEN}',
    f'/unsubscribe/{TOKEN}?x={TOKEN}#{TOKEN}',
)


@dataclass
class Front:
    """An nginx before a stand-in for gunicorn.

    :ivar seen: The header fields of what came through.
    """

    port: int
    plain_port: int
    folder: Path
    backend: ThreadingHTTPServer
    seen: list[dict[str, str]] = field(default_factory=list)

    def ask(self, method: str, path: str, **options: object) -> requests.Response:
        """A request, with its path as it stands here."""
        with requests.Session() as session:
            session.trust_env = False
            request = requests.Request(
                method,
                f'https://{HOST}:{self.port}/',
                headers={'Host': NAME, **options.pop('headers', {})},  # type: ignore[dict-item]
                **options,  # type: ignore[arg-type]
            ).prepare()
            request.url = f'https://{HOST}:{self.port}{path}'
            certificate = str(self.folder / 'certificate.pem')
            return session.send(request, verify=certificate, allow_redirects=False)

    def logged(self) -> str:
        """All that nginx has written anywhere."""
        files = [path for path in self.folder.rglob('*') if path.suffix != '.conf']
        return ''.join(
            path.read_text('utf-8', 'replace') for path in files if path.is_file()
        )


def configured(folder: Path, ports: dict[str, int]) -> Path:
    """The shipped file, with its places below a folder."""
    text = CONF.read_text('utf-8')
    changes = {
        r'listen \[::\].*\n': '',
        r'listen 80;': f'listen {HOST}:{ports["plain"]};',
        r'listen 443 ': f'listen {HOST}:{ports["tls"]} ',
        r'127\.0\.0\.1:8000': f'{HOST}:{ports["backend"]}',
        r'/etc/qnet-mailer/tls/': f'{folder}/',
        r'/var/log/nginx/': f'{folder}/',
        r'/var/lib/qnet-mailer/web/': f'{folder}/',
        r'/var/www/html(?=/)': str(folder),
    }
    for pattern, replacement in changes.items():
        text, count = re.subn(pattern, replacement, text)
        assert count, pattern
    (folder / 'site.conf').write_text(text)
    path = folder / 'nginx.conf'
    temporary = ''.join(
        f'{name}_temp_path {folder}/temp-{name};'
        for name in ('client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi')
    )
    # Where root starts it, its workers would be a user's who sees no folder of a test.
    user = 'user root root;' if os.geteuid() == 0 else ''
    path.write_text(
        f'{user} daemon off; pid {folder}/pid; error_log {folder}/error.log;\n'
        'events {}\n'
        f'http {{ {temporary} include {folder}/site.conf; }}\n'
    )
    return path


@pytest.fixture(scope='module')
def front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    if shutil.which('nginx') is None:
        pytest.skip("nginx is not installed (Debian's package nginx)")
    folder = tmp_path_factory.mktemp('nginx')
    self_signed(folder, 'certificate', x509.IPAddress(ip_address(HOST)))
    (folder / 'certificate.key').rename(folder / 'key.pem')
    (folder / 'static').mkdir()
    (folder / 'static/style.css').write_text('p {}')
    (folder / 'static/style.css.gz').write_bytes(gzip.compress(b'p {}'))
    (folder / f'mta-sts.{NAME}.txt').write_text(POLICY)

    class Pages(BaseHTTPRequestHandler):
        def answer(self) -> None:
            self.rfile.read(int(self.headers.get('Content-Length') or 0))
            running.seen.append({'path': self.path, **self.headers})
            self.send_response(200)
            self.send_header('Content-Length', '0')
            self.end_headers()

        do_GET = do_POST = answer

        def log_message(self, *_args: object) -> None:
            pass

    backend = ThreadingHTTPServer((HOST, 0), Pages)
    threading.Thread(target=backend.serve_forever, args=(0.01,), daemon=True).start()
    with_ports = Reservation()
    ports = {'plain': with_ports.take(), 'tls': with_ports.take()}
    ports['backend'] = backend.server_address[1]
    path = configured(folder, ports)
    with_ports.release(*(ports[name] for name in ('plain', 'tls')))
    running = Front(ports['tls'], ports['plain'], folder, backend)
    checked = subprocess.run(
        ['nginx', '-t', '-q', '-c', str(path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (checked.returncode, checked.stderr) == (0, '')
    nginx = Child(
        'nginx',
        ['nginx', '-c', str(path)],
        log=folder / 'out.log',
        env={'PATH': '/usr/sbin:/usr/bin:/sbin:/bin'},
        cwd=folder,
    )
    nginx.start()
    try:
        wait_until(lambda: is_listening(running.port), 60, 'nginx to listen', nginx)
        yield running
    finally:
        nginx.stop()
        backend.server_close()


def test_what_the_pages_are_told_is_true_whatever_a_browser_sends(front: Front) -> None:
    forged = ('X-Real-IP', 'X-Forwarded-For', 'X-Forwarded-Proto', 'X-Forwarded-Host')
    fields = dict.fromkeys((*forged, 'Forwarded', 'Proxy'), '192.0.2.1')
    answer = front.ask('GET', '/seen/', headers=fields)
    seen = front.seen[-1]
    assert seen['path'] == '/seen/' and seen['Host'] == NAME
    assert [seen['X-Real-IP'], seen['X-Forwarded-For']] == [HOST, HOST]
    assert seen['X-Forwarded-Proto'] == 'https'
    assert '192.0.2.1' not in seen.values()
    assert answer.headers['Strict-Transport-Security'] == 'max-age=31536000'
    plain = requests.get(
        f'http://{HOST}:{front.plain_port}/a?b', allow_redirects=False, timeout=60
    )
    assert plain.headers['Location'] == f'https://{NAME}/a?b'


def test_static_files_come_from_nginx_and_the_archiver_not_through_it(
    front: Front,
) -> None:
    style = front.ask('GET', '/static/style.css', headers={'Accept-Encoding': 'gzip'})
    assert (style.text, style.headers['Content-Encoding']) == ('p {}', 'gzip')
    assert 'immutable' in style.headers['Cache-Control']
    assert style.headers['Strict-Transport-Security'] == 'max-age=31536000'
    assert (
        front.ask('GET', f'/archives/api/mailman/urls?key={TOKEN}').status_code == 404
    )


def test_the_policy_of_mta_sts_is_a_page_of_its_own_host(front: Front) -> None:
    of_policy = {'Host': f'mta-sts.{NAME}'}
    answer = front.ask('GET', '/.well-known/mta-sts.txt', headers=of_policy)
    # RFC 8461, section 3.3.
    assert (answer.status_code, answer.text) == (200, POLICY)
    assert answer.headers['Content-Type'] == 'text/plain'
    assert front.ask('GET', '/mailman3/', headers=of_policy).status_code == 404


def test_forms_may_be_larger_than_other_pages(front: Front) -> None:
    four = b'x' * 4_000_000
    assert front.ask('POST', '/mailman3/', data=four).status_code == 413
    assert front.ask('POST', '/forms/list-request/check/', data=four).status_code == 200


def test_attempts_to_sign_in_are_limited_and_looking_is_not(front: Front) -> None:
    looks = [front.ask('GET', '/accounts/login/').status_code for _ in range(40)]
    assert set(looks) == {200}
    tries = [front.ask('POST', '/accounts/login/').status_code for _ in range(40)]
    assert tries[:20] == [200] * 20 and 429 in tries
    # Mail programs of a large provider come from few addresses (RFC 8058).
    leaves = [front.ask('POST', '/unsubscribe/x').status_code for _ in range(40)]
    assert set(leaves) == {200}


def test_no_token_is_in_a_log_whatever_becomes_of_the_request(front: Front) -> None:
    fields = {'Referer': f'https://{NAME}/unsubscribe/{TOKEN}', 'User-Agent': TOKEN}
    for path in PATHS:
        front.ask('GET', path, headers=fields)
        front.ask('POST', path, headers=fields, data=b'x' * 4_000_000)
    requests.get(
        f'http://{HOST}:{front.plain_port}{PATHS[0]}', allow_redirects=False, timeout=60
    )
    # The pages are away: nginx would write why, and for which address.
    front.backend.shutdown()
    front.backend.server_close()
    answers = {front.ask('GET', path, headers=fields).status_code for path in PATHS}
    assert 502 in answers
    logged = front.logged()
    assert TOKEN not in logged
    for kept in ('/unsubscribe/... 502', '/signup/confirm/... 413', '/decide/... 200'):
        assert kept in logged

# SPDX-License-Identifier: GPL-3.0-or-later
"""`provisioning/provision.py`: forms from another host (R30)."""

from __future__ import annotations

import datetime
import ipaddress
import json
import os
import shutil
import ssl
import subprocess
import sys
import sysconfig
import threading
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import certifi
import pytest
from click.testing import CliRunner
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from mailman.interfaces.listmanager import IListManager
from sqlalchemy import select
from zope.component import getUtility

from qnet_mailman.commands.cli_qnet import qnet
from qnet_mailman.forms import batch
from qnet_mailman.model.audit import QNetAudit
from qnet_mailman.model.base import store
from tests.attacks.test_odd_files import fill
from tests.helpers import queued
from tests.provisioning.samples import EXAMPLES, data
from tests.rest.client import client

SCRIPT = EXAMPLES.parent / 'provision.py'
REQUIRED = (
    *('requests', 'certifi', 'charset_normalizer', 'idna', 'urllib3'),
    *('rich', 'markdown_it', 'mdurl', 'pygments'),
)
"""What `provisioning/requirements.txt` names, and what that needs."""
PASSWORD = 'restpass'
LOADER = """
import runpy, sys
sys.path.append({packages!r})
sys.argv = {arguments!r}
try:
    runpy.run_path({script!r}, run_name='__main__')
finally:
    with open({loaded!r}, 'w') as file:
        print(*sys.modules, file=file)
"""


class _Handler(BaseHTTPRequestHandler):
    """Mailman's REST application behind TLS, with what can go wrong on the way."""

    server: Any

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers['Content-Length']))
        self.server.bodies.append(json.loads(body))
        mishap = self.server.mishaps.pop(0) if self.server.mishaps else 'none'
        if isinstance(mishap, int):
            self._answer(mishap, b'<html>No.</html>', Location='http://127.0.0.1:1/')
            return
        if mishap == 'garbage':
            self._answer(200, b'{}')
            return
        answer = self.server.client.simulate_post(
            self.path, body=body, headers=dict(self.headers)
        )
        if mishap == 'lost':
            self.close_connection = True
            return
        self._answer(answer.status_code, answer.content)

    def _answer(self, status: int, content: bytes, **headers: str) -> None:
        self.send_response(status)
        for key, value in headers.items():
            self.send_header(key, value)
        self.send_header('Content-Length', str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *args: Any) -> None:
        """Nothing."""


@pytest.fixture(scope='module')
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for 127.0.0.1 that no authority has signed, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name(
        [x509.NameAttribute(x509.NameOID.COMMON_NAME, 'lists.example.gov')]
    )
    today = datetime.datetime.now(datetime.UTC)
    address = x509.IPAddress(ipaddress.ip_address('127.0.0.1'))
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(today - datetime.timedelta(days=1))
        .not_valid_after(today + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp('tls') / 'server.pem'
    path.write_bytes(
        signed.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return path


@pytest.fixture
def server(core: SimpleNamespace, certificate: Path) -> Iterator[Any]:
    """REST behind TLS; `mishaps` are what befalls the next requests."""
    listening: Any = ThreadingHTTPServer(('127.0.0.1', 0), _Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    listening.socket = context.wrap_socket(listening.socket, server_side=True)
    listening.client = client()
    listening.mishaps = []
    listening.bodies = []
    listening.url = f'https://127.0.0.1:{listening.server_address[1]}'
    thread = threading.Thread(target=listening.serve_forever, daemon=True)
    thread.start()
    core.config.db.commit()
    yield listening
    listening.shutdown()
    thread.join()
    listening.server_close()


@pytest.fixture(scope='module')
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what the script needs, and no more."""
    folder = tmp_path_factory.mktemp('packages')
    for name in REQUIRED:
        (folder / name).symlink_to(Path(sysconfig.get_path('purelib'), name))
    return folder


@pytest.fixture
def call(server: Any, packages: Path, certificate: Path, tmp_path: Path) -> Any:
    """Call the script as on a host that has nothing of Mailman's."""
    secret = tmp_path / 'password'
    secret.write_text(f'{PASSWORD}\n', encoding='utf-8')
    secret.chmod(0o600)
    usual = {
        '--url': server.url,
        '--user': 'restadmin',
        '--password-file': secret,
        '--ca-file': certificate,
        '--tries': '3',
    }

    def run(*rest: Any, **changes: Any) -> subprocess.CompletedProcess[str]:
        options = usual | {
            f'--{key.replace("_", "-")}': value for key, value in changes.items()
        }
        arguments = [
            str(part)
            for key, value in options.items()
            if value is not None
            for part in (key, value)
        ]
        loaded = tmp_path / 'loaded'
        program = LOADER.format(
            packages=str(packages),
            arguments=[str(SCRIPT), *arguments, *map(str, rest)],
            script=str(SCRIPT),
            loaded=str(loaded),
        )
        environment = {
            'PATH': os.environ['PATH'],
            'USER': 'pat',
            'LOGNAME': 'pat',
            # Which `requests` puts before the session's.
            'REQUESTS_CA_BUNDLE': certifi.where(),
        }
        done = subprocess.run(
            [sys.executable, '-I', '-S', '-c', program],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            cwd=tmp_path,
            env=environment,
        )
        modules = {name.partition('.')[0] for name in loaded.read_text().split()}
        assert not modules & {'mailman', 'django', 'qnet_mailman', 'sqlalchemy'}
        assert PASSWORD not in done.stdout + done.stderr
        assert 'Traceback' not in done.stderr
        return done

    return run


def lists() -> set[str]:
    return set(getUtility(IListManager).names)


def require_one_mail_each() -> None:
    mails = Counter(
        (recipient, msgdata['listid'])
        for message, msgdata in queued('virgin')
        for recipient in msgdata['recipients']
    )
    assert set(mails.values()) == {1}


def test_what_is_shared_is_the_same() -> None:
    begin, end = '# What follows is the same', '# What follows is of this script'
    script = SCRIPT.read_text(encoding='utf-8')
    shared = script[script.index(begin) : script.index(end)].rstrip()
    module = Path(batch.__file__).read_text(encoding='utf-8')
    assert shared == module[module.index(begin) :].rstrip()


def test_it_prints_what_the_command_prints(
    server: Any, call: Any, tmp_path: Path
) -> None:
    folder = tmp_path / 'forms'
    folder.mkdir()
    for name in (
        *('list-request.yaml', 'discussion-private.json', 'workgroup.csv'),
        *('threshold-change.yaml', 'request.eml'),
    ):
        shutil.copy(EXAMPLES / name, folder)
    mistakes = json.dumps(data(list__type='newsletter'))
    (folder / 'with-mistakes.json').write_text(mistakes, encoding='utf-8')

    def command(*arguments: Any) -> tuple[int, str, str]:
        done = CliRunner().invoke(qnet, ['provision', *map(str, arguments)])
        return done.exit_code, done.stdout, done.stderr

    def script(*arguments: Any) -> tuple[int, str, str]:
        done = call(*arguments)
        return done.returncode, done.stdout, done.stderr

    planned = command('--dry-run', folder)
    assert script('--dry-run', folder) == planned
    assert script('--dry-run', '--json', folder) == command(
        '--dry-run', '--json', folder
    )
    assert lists() == set()
    created = script(folder)
    assert (created[0], created[2]) == (1, planned[2])
    assert 'created (' in created[1]
    assert len(lists()) == 2
    assert script(folder) == command(folder)
    actors = set(store().scalars(select(QNetAudit.actor)))
    (actor,) = (each for each in actors if not each.startswith('operator'))
    assert actor.startswith('REST: pat@')


def test_odd_files_as_the_command_takes_them(
    server: Any, call: Any, tmp_path: Path
) -> None:
    folder = tmp_path / 'forms'
    folder.mkdir()
    good = fill(folder)
    long = folder / ('x' * 300 + '.json')
    done = call(folder, long)
    assert done.returncode == 1, done.stderr
    assert done.stdout.count(': created (') == len(good)
    command = CliRunner().invoke(qnet, ['provision', str(folder), str(long)])
    again = call(folder, long)
    # What is not sent is to the server not there, and to the command not a file.
    about = 'Subscribers: the file'
    assert [line for line in again.stdout.splitlines() if about not in line] == [
        line for line in command.stdout.splitlines() if about not in line
    ]
    assert again.stdout.count(about) == command.stdout.count(about) == 3
    assert again.stderr == command.stderr


def test_subscribers_beside_and_nothing_else(
    server: Any, call: Any, tmp_path: Path
) -> None:
    folder = tmp_path / 'forms'
    folder.mkdir()
    (folder / 'readers.csv').write_text('reader@example.org\n', encoding='utf-8')
    (tmp_path / 'secret.csv').write_text('spy@example.org\n', encoding='utf-8')
    for name, subscribers in (('a', 'readers.csv'), ('b', '../secret.csv')):
        form = data(ticket=name, list__name=name, subscribers=subscribers)
        (folder / f'{name}.json').write_text(json.dumps(form), encoding='utf-8')
    done = call('--json', folder)
    assert done.returncode == 1
    good, bad = map(json.loads, done.stdout.splitlines())
    assert good['changes'][-1]['emails'] == ['reader@example.org']
    assert 'the file "../secret.csv"' in bad['errors'][0]['message']
    sent = [body.get('beside') for body in server.bodies]
    assert [None if each is None else list(each) for each in sent] == [
        None,
        ['readers.csv'],
        None,
        [],
    ]


def test_an_answer_that_is_lost(server: Any, call: Any, tmp_path: Path) -> None:
    form = tmp_path / 'form.json'
    form.write_text(json.dumps(data()), encoding='utf-8')
    server.mishaps = ['lost', 503]
    done = call(form)
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert lines[0].startswith(f'{form}: created (')
    assert 'by this request, whose answer was lost' in lines[1]
    assert len(server.bodies) == 3
    require_one_mail_each()
    assert call(form).stdout.startswith(f'{form}: unchanged (')


def test_a_server_that_does_not_come_back(
    server: Any, call: Any, tmp_path: Path
) -> None:
    for name in 'abc':
        form = data(ticket=name, list__name=name)
        (tmp_path / f'{name}.json').write_text(json.dumps(form), encoding='utf-8')
    server.mishaps = ['none', 502, 503, 504]
    done = call(*(tmp_path / f'{name}.json' for name in 'abc'))
    assert done.returncode == 2
    assert done.stdout.splitlines()[-5:] == [
        '3 forms',
        '       1  created',
        '       1  failed',
        f'          {tmp_path}/b.json',
        '       1  not tried',
    ]
    assert 'run the same command again' in done.stderr


@pytest.mark.parametrize(
    ('mishap', 'words'),
    [
        (307, 'answers 307'),
        ('garbage', 'is --url right?'),
        (404, 'answers 404'),
        (413, 'answers 413'),
    ],
)
def test_other_answers(
    server: Any, call: Any, tmp_path: Path, mishap: Any, words: str
) -> None:
    form = tmp_path / 'form.json'
    form.write_text(json.dumps(data()), encoding='utf-8')
    server.mishaps = [mishap]
    done = call(form)
    assert done.returncode == 2
    assert words in done.stdout
    assert len(server.bodies) == 1


def test_a_certificate_that_nobody_vouches_for(server: Any, call: Any) -> None:
    done = call(EXAMPLES / 'list-request.yaml', ca_file=None)
    assert done.returncode == 2
    why = 'no secure connection: self-signed certificate'
    assert done.stdout.splitlines()[1] == f'  {why}'
    assert server.bodies == []


def test_a_wrong_password(server: Any, call: Any, tmp_path: Path) -> None:
    wrong = tmp_path / 'wrong'
    wrong.write_text('wrong', encoding='utf-8')
    wrong.chmod(0o600)
    done = call(EXAMPLES / 'list-request.yaml', password_file=wrong)
    assert done.returncode == 2
    assert done.stdout.splitlines()[1] == (
        '  the server answers 401 (user name or password is wrong)'
    )


def test_let_in_no_more_after_an_answer_was_lost(server: Any, call: Any) -> None:
    server.mishaps = ['lost', 401]
    done = call(EXAMPLES / 'threshold-change.yaml')
    assert done.returncode == 2
    assert 'not known whether it was applied: the server answers 401' in done.stdout


@pytest.mark.parametrize(
    ('changes', 'words'),
    [
        ({'url': 'http://lists.example.gov'}, 'http:// would show the password'),
        ({'url': 'lists.example.gov'}, 'expected https://'),
        ({'url': 'https://me:secret@lists.example.gov'}, 'expected nothing but'),
        ({'user': None}, 'there is no user name'),
        ({'password_file': None}, 'there is no password'),
        ({'password_file': 'nowhere'}, 'cannot be read: No such file'),
        ({'ca_file': 'nowhere'}, '--ca-file nowhere: cannot be read: No such file'),
        ({'ca_file': SCRIPT}, 'has no certificates'),
    ],
)
def test_how_it_cannot_be_called(call: Any, changes: Any, words: str) -> None:
    done = call(EXAMPLES / 'list-request.yaml', **changes)
    assert (done.returncode, done.stdout) == (2, '')
    assert words in done.stderr
    assert 'secret' not in done.stderr


def test_a_password_that_others_can_read(call: Any, tmp_path: Path) -> None:
    (tmp_path / 'password').chmod(0o640)
    done = call(EXAMPLES / 'list-request.yaml')
    assert done.returncode == 2
    assert 'others can read it; make it yours alone: chmod 600' in done.stderr


def test_as_a_copy_on_another_host(tmp_path: Path) -> None:
    copy = tmp_path / 'provision.py'
    shutil.copy(SCRIPT, copy)
    done = subprocess.run(
        [sys.executable, copy, '--help'], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0
    assert '--password-file' in done.stdout

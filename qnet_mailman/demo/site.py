# SPDX-License-Identifier: GPL-3.0-or-later
"""One whole installation on loopback: core, mail server, web side.

It is the real service, with this package's own ``etc/mailman.cfg`` and
``etc/qnet.cfg``, in a folder of its own and on ports that were free.  The demo
and the end-to-end tests use it alike::

    with Site(folder) as site:
        site.mailman('create', 'news@lists.example.gov', check=True)
        site.lmtp_send('ann@example.org', 'news@lists.example.gov', message)
        [copy] = site.delivered(lambda mail: 'reader@example.net' in mail.recipients)

What a folder holds: ``etc`` (the configuration made for it), ``var``
(Mailman's), ``web`` (Django's), ``delivered`` (mail, one .eml file each) and
``logs`` (what the processes printed; Mailman's own logs are in ``var/logs``).
A site can be started again in a folder that was used before.
"""

from __future__ import annotations

import atexit
import fcntl
import json
import os
import secrets
import smtplib
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from importlib.resources import files
from pathlib import Path
from types import TracebackType
from typing import Any

import requests

from qnet_mailman.demo import configuration
from qnet_mailman.demo.people import PROVIDER, Accounts
from qnet_mailman.demo.ports import HOST, Reservation, is_listening
from qnet_mailman.demo.processes import (
    ANSWER_TIMEOUT,
    PATIENCE,
    POLL_INTERVAL,
    Child,
    DemoError,
    Limit,
    TimedOut,
    tail,
    wait_until,
)
from qnet_mailman.demo.sink import Delivered, Refusal

#: The roles of the people of the example forms.
GRANTS = configuration.ROOT / 'provisioning/examples/grants.csv'

#: Queues through which mail passes on its way; empty when all is done.
QUEUES = (
    'in',
    'pipeline',
    'out',
    'virgin',
    'archive',
    'command',
    'bounces',
    'digest',
    'forms',
)

#: Stock Mailman's runners that work on a queue, and how often they look at it
#: here.  (Stock looks once a second, at bounces once in two minutes.)
_SLEEP_TIMES = {
    'archive': '0.1s',
    'bounces': '0.5s',
    'command': '0.1s',
    'digest': '0.5s',
    'in': '0.1s',
    'out': '0.1s',
    'pipeline': '0.1s',
    'retry': '2s',
    'virgin': '0.1s',
}

#: Seconds for which a server that starts may get no further.
START_TIMEOUT = 90.0

# Only these reach the child processes: not a proxy, another site's settings or
# somebody's PYTHONPATH.
_ENVIRONMENT = ('HOME', 'PATH', 'TMPDIR', 'TZ', 'USER', 'LOGNAME')

_SITE_FILE = '''\
"""The demo's site file; made anew at each start."""

WEB_URL = {web_url!r}
VAR_DIR = {var_dir!r}
SECRET_KEY = {secret_key!r}
MAILMAN_REST_API_URL = {rest_url!r}
MAILMAN_REST_API_USER = {rest_user!r}
MAILMAN_REST_API_PASS = {rest_password!r}
MAILMAN_ARCHIVER_KEY = {archiver_key!r}
DEFAULT_FROM_EMAIL = {from_address!r}
# As in etc/qnet.cfg.
SUPPORT_ADDRESS = 'help@example.gov'
EMAIL_HOST = {smtp_host!r}
EMAIL_PORT = {smtp_port!r}
# HyperKitty's jobs are done at once instead of by a qcluster.
Q_CLUSTER = {{'orm': 'default', 'sync': True, 'timeout': -1, 'retry': 60}}
'''

#: Seconds for which the web side believes what core said about a person's
#: rights: whoever watches the demo does not want to wait for a minute.
_RIGHTS_CACHE_SECONDS = 2

_HYPERKITTY_CFG = """\
[general]
base_url: {web_url}/archives/
api_key: {archiver_key}
"""


class Site:
    """An installation that can be started, used and stopped.

    :ivar folder: Everything it has on disk.
    :ivar domain: The mail domain of its lists.
    :ivar web_user: The superuser of the web side.
    :ivar web_password: That account's password, made up at each start.
    :ivar accounts: Who can sign in through the provider.
    :ivar web_settings: More settings of the web side, by name; what is here
        when the site starts counts.
    :ivar core: Mailman's master process; its runners belong to it.
    """

    def __init__(
        self,
        folder: Path | str,
        *,
        domain: str = 'lists.example.gov',
        database_url: str | None = None,
        extra_cfg: str = '',
        qnet_cfg_overrides: Mapping[str, str] | None = None,
        web: bool = True,
        provider: bool = False,
        stock: bool = False,
        progress: Callable[[str], None] | None = None,
    ) -> None:
        """Describe the site; :meth:`start` starts it.

        :param folder: Where to keep everything; made if need be.
        :param domain: The mail domain of the lists.
        :param database_url: Core's database as SQLAlchemy names it
            (``sqlite:///…`` or ``postgresql://…``); None for SQLite in the
            folder, with WAL and a busy timeout.
        :param extra_cfg: More of mailman.cfg, which wins over everything else.
        :param qnet_cfg_overrides: Keys of ``[qnet]`` in qnet.cfg, which win over
            those of ``etc/qnet.cfg`` and the demo's own.
        :param web: Whether to have the web side and the archive.
        :param provider: Whether to have an OpenID provider in the place of HARP;
            only with the web side.
        :param stock: Leave our plugin out: plain Mailman, to compare with.
        :param progress: Told in a few words what is being started.
        :raises ValueError: where Mailman could not work in that folder.
        """
        self.folder = Path(folder).resolve()
        configuration.check_folder(self.folder)
        self.domain = domain
        self.database_url = database_url
        self.extra_cfg = extra_cfg
        self.qnet_cfg_overrides = dict(qnet_cfg_overrides or {})
        self.web = web
        self.provider = provider
        self.stock = stock
        self.web_settings: dict[str, Any] = {}
        self._progress = progress or (lambda _text: None)

        self.etc = self.folder / 'etc'
        self.var = self.folder / 'var'
        self.logs = self.folder / 'logs'
        self.delivered_folder = self.folder / 'delivered'
        self.mailman_cfg = self.etc / 'mailman.cfg'
        self.qnet_cfg = self.etc / 'qnet.cfg'

        self._ports = Reservation()
        self.smtp_port = self._ports.take()
        self.sink_http_port = self._ports.take()
        self.lmtp_port = self._ports.take()
        self.rest_port = self._ports.take()
        self.web_port = self._ports.take()
        self.provider_port = self._ports.take()
        self.rest_user = 'restadmin'
        self.rest_password = secrets.token_urlsafe(24)
        self.archiver_key = secrets.token_urlsafe(24)
        self.web_user = 'demo'
        self.web_email = f'demo@{domain}'
        self.web_password = secrets.token_urlsafe(12)
        self.accounts = Accounts.make()

        self._http = requests.Session()
        self._http.trust_env = False
        self._http.auth = (self.rest_user, self.rest_password)
        self._seen: list[Delivered] = []
        self._folder_lock: int | None = None

        python = sys.executable
        scripts = Path(python).parent
        self._sink = self._child(
            'the mail server',
            'sink',
            *('-m', 'qnet_mailman.demo.sink', str(self.delivered_folder)),
            *('--smtp-port', str(self.smtp_port)),
            *('--http-port', str(self.sink_http_port)),
            *('--pass-on', f'{domain}={self.lmtp_port}'),
        )
        self.core = self._child(
            'Mailman core',
            'core',
            *(str(scripts / 'master'), '--force', '-C', str(self.mailman_cfg)),
        )
        self._web = self._child(
            'the web server',
            'web',
            *('-m', 'gunicorn'),
            *('-c', str(configuration.ROOT / 'etc/gunicorn/gunicorn.conf.py')),
            *('--bind', f'{HOST}:{self.web_port}', '--workers', '1'),
            *('--graceful-timeout', '3'),
        )
        self._provider = self._child(
            'the OpenID provider',
            'provider',
            *('-m', 'qnet_mailman.demo.provider', '--port', str(self.provider_port)),
        )
        self._provider.env |= {
            'QNET_DEMO_ACCOUNTS': json.dumps(self.accounts.as_dict()),
            'QNET_DEMO_WEB_URL': self.web_url,
        }
        if provider:
            self.web_settings |= self._provider_settings()

    # Addresses.

    @property
    def rest_url(self) -> str:
        """Core's REST server, without the version of the interface."""
        return f'http://{HOST}:{self.rest_port}'

    @property
    def web_url(self) -> str:
        """The web side's start page."""
        return f'http://{HOST}:{self.web_port}'

    @property
    def postorius_url(self) -> str:
        """The list of mailing lists."""
        return f'{self.web_url}/mailman3/lists/'

    @property
    def archive_url(self) -> str:
        """HyperKitty's list of archives."""
        return f'{self.web_url}/archives/'

    @property
    def provider_url(self) -> str:
        """The OpenID provider: its issuer."""
        return f'http://{HOST}:{self.provider_port}'

    @property
    def sink_url(self) -> str:
        """The page that lists delivered mail."""
        return f'http://{HOST}:{self.sink_http_port}/'

    # Life.

    def start(self) -> None:
        """Write the configuration and start everything.

        :raises DemoError: where something does not start; nothing is left
            running then.
        """
        self._lock_folder()
        # For whoever forgets to stop the site.
        atexit.register(self.stop)
        try:
            self.write_configuration()
            self._progress('the mail server that shows what is delivered')
            self.start_sink()
            self._progress('Mailman core')
            self._ports.release(self.lmtp_port, self.rest_port)
            self.core.start()
            if self.provider:
                self._progress('an OpenID provider in the place of HARP')
                self._ports.release(self.provider_port)
                self._provider.start()
            if self.web:
                self._progress('the web side: Postorius and HyperKitty')
                self._prepare_web()
                self._ports.release(self.web_port)
                self._web.start()
            self._await_core()
            if not self.stock:
                # Without a role nobody is anything on a list.
                self.mailman(
                    *('qnet', 'roles', 'import', '--no-mail', str(GRANTS)), check=True
                )
            if self.web:
                wait_until(
                    lambda: self._web_answers(),
                    START_TIMEOUT,
                    'the web side to answer',
                    self._web,
                )
            if self.provider:
                wait_until(
                    lambda: is_listening(self.provider_port),
                    START_TIMEOUT,
                    'the OpenID provider to listen',
                    self._provider,
                )
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop every process of the site.  Its folder stays."""
        # Core before the servers that it talks to.
        for child in (self.core, self._web, self._provider, self._sink):
            child.stop()
        self._ports.release()
        atexit.unregister(self.stop)
        if self._folder_lock is not None:
            os.close(self._folder_lock)
            self._folder_lock = None

    def __enter__(self) -> Site:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def start_core(self) -> None:
        """Start Mailman core (again) and wait until it answers."""
        self.core.start()
        self._await_core()

    def stop_core(self) -> None:
        """Stop Mailman core as an operator would."""
        self.core.stop()

    def kill_core(self) -> None:
        """Kill Mailman core and its runners as a power cut would."""
        self.core.kill()

    def start_sink(self) -> None:
        """Start the mail server (again)."""
        self._ports.release(self.smtp_port, self.sink_http_port)
        self._sink.start()
        wait_until(
            lambda: is_listening(self.smtp_port) and is_listening(self.sink_http_port),
            START_TIMEOUT,
            'the mail server to listen',
            self._sink,
        )

    def stop_sink(self) -> None:
        """Stop the mail server, for tests of mail that must wait."""
        self._sink.stop()

    # Use.

    def mailman(
        self,
        *arguments: str,
        check: bool = False,
        timeout: float = 600,
        input: str | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Run the ``mailman`` command with this site's configuration.

        :param arguments: What follows ``mailman``.
        :param check: Raise an error where the exit status is not 0.
        :param timeout: Seconds to wait, times `PATIENCE`.
        :param input: What the command reads from standard input.
        :return: Exit status, standard output and standard error, as text.
        :raises DemoError: where `check` is set and the command fails.
        """
        command = [
            sys.executable,
            str(Path(sys.executable).parent / 'mailman'),
            *('--config', str(self.mailman_cfg)),
        ]
        if os.geteuid() == 0:
            command.append('--run-as-root')
        done = subprocess.run(
            [*command, *arguments],
            env=self.environment(),
            cwd=configuration.ROOT,
            capture_output=True,
            text=True,
            timeout=timeout * PATIENCE,
            check=False,
            input=input or '',
        )
        if check and done.returncode != 0:
            raise DemoError(
                f'mailman {" ".join(arguments)}: exit status {done.returncode}\n'
                f'{done.stdout}{done.stderr}'
            )
        return done

    def lmtp_send(
        self, mail_from: str, to: str | list[str], data: bytes, *, timeout: float = 30
    ) -> None:
        """Hand a message to Mailman, as a mail server would.

        :param mail_from: The envelope sender; may be empty.
        :param to: The envelope recipient or recipients.
        :param data: The message.
        :param timeout: Seconds to wait, times `PATIENCE`.
        :raises smtplib.SMTPException: where Mailman refuses it.
        """
        with smtplib.LMTP(HOST, self.lmtp_port) as lmtp:
            assert lmtp.sock is not None
            lmtp.sock.settimeout(timeout * PATIENCE)
            refused = lmtp.sendmail(mail_from, to, data)
        if refused:
            raise smtplib.SMTPRecipientsRefused(refused)

    def messages(self) -> list[Delivered]:
        """Everything the mail server has got, in the order in which it came."""
        while True:
            found = Delivered.load(self.delivered_folder, len(self._seen) + 1)
            if found is None:
                return list(self._seen)
            self._seen.append(found)

    def delivered(
        self,
        predicate: Callable[[Delivered], object] = lambda _mail: True,
        timeout: float = 30,
        *,
        count: int = 1,
    ) -> list[Delivered]:
        """Wait for mail.

        Mail to an address at the lists' domain is passed on to Mailman, as a
        host's mail server does, and is found here only where Mailman refuses it.
        Messages that came earlier count too; tell them apart by recipient,
        subject or ``number``.

        :param predicate: Which messages are meant.
        :param timeout: Seconds to wait while no mail moves, times `PATIENCE`.
        :param count: How many such messages to wait for.
        :return: All such messages; `count` or more.
        :raises TimedOut: where there are fewer; says what there is.
        """
        limit = Limit(timeout, self._mail_moved)
        while True:
            found = [mail for mail in self.messages() if predicate(mail)]
            if len(found) >= count:
                return found
            if limit.is_over():
                have = '\n'.join(
                    f'  {mail.number}: from <{mail.mail_from}> '
                    f'to {", ".join(mail.recipients)}: {mail.subject}'
                    for mail in self._seen
                )
                raise TimedOut(
                    f'Waited {limit.seconds:.0f} seconds for {count} message(s), found '
                    f'{len(found)}.  The mail server has got:\n{have or "  nothing"}'
                )
            time.sleep(POLL_INTERVAL)

    def wait_idle(self, timeout: float = 30) -> None:
        """Wait until no mail is on its way through Mailman.

        :param timeout: Seconds to wait while no mail moves, times `PATIENCE`.
        :raises TimedOut: where some still is.
        """
        wait_until(
            lambda: not any(self.queued(queue) for queue in QUEUES),
            timeout,
            'Mailman to have worked off its queues',
            self.core,
            self._mail_moved,
        )

    def _mail_moved(self) -> tuple[int, str]:
        """How far mail is: how much came out, and the newest entry of a queue.

        An entry's name begins with the time at which it was made.
        """
        entries = (path.name for queue in QUEUES for path in self.queued(queue))
        return len(self.messages()), max(entries, default='')

    def queued(self, queue: str) -> list[Path]:
        """The messages in one of Mailman's queues, those at work included.

        :param queue: The queue, such as ``in`` or ``shunt``.
        """
        folder = self.var / 'queue' / queue
        return sorted([*folder.glob('*.pck'), *folder.glob('*.bak')])

    def rest(
        self, method: str, path: str, data: Any = None, *, timeout: float = 60
    ) -> requests.Response:
        """Ask core's REST server.

        :param method: The HTTP method.
        :param path: The resource below ``/3.1/``.
        :param data: Form fields; for GET, the query.
        :param timeout: Seconds to wait, times `PATIENCE`.
        :return: The answer, whatever its status.
        """
        where = 'params' if method.upper() == 'GET' else 'data'
        return self._http.request(
            method,
            f'{self.rest_url}/3.1/{path.lstrip("/")}',
            timeout=timeout * PATIENCE,
            **{where: data},
        )

    def refuse(self, refusals: Mapping[str, str | Refusal]) -> None:
        """Let the mail server refuse recipients, until told otherwise.

        :param refusals: For each address (``user@host``, ``@host`` or ``*``)
            the SMTP reply, or a :class:`~qnet_mailman.demo.sink.Refusal`.  An
            empty mapping accepts everybody again.
        """
        body = {
            address: vars(how if isinstance(how, Refusal) else Refusal(how))
            for address, how in refusals.items()
        }
        answer = self._http.put(
            f'{self.sink_url}refusals', json=body, timeout=10 * PATIENCE
        )
        answer.raise_for_status()

    def environment(self) -> dict[str, str]:
        """The environment of the site's processes."""
        kept = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
        return kept | {
            'LANG': 'C.UTF-8',
            'PYTHONNOUSERSITE': '1',
            'PYTHONUNBUFFERED': '1',
            'NO_PROXY': '*',
            'DJANGO_SETTINGS_MODULE': 'qnet_mailman.web.settings',
            'QNET_WEB_SETTINGS': str(self.etc / 'settings_local.py'),
            'MAILMAN_CONFIG_FILE': str(self.mailman_cfg),
        }

    def log_tails(self) -> str:
        """The ends of the logs, for somebody who wants to know what went wrong."""
        found = [*self.logs.glob('*.log'), *(self.var / 'logs').glob('*.log')]
        return '\n'.join(
            tail(path)
            for path in sorted(found)
            # smtp.log is every line of every dialogue.
            if path.stat().st_size and path.name != 'smtp.log'
        )

    # Making it.

    def _lock_folder(self) -> None:
        """Keep a second site out of the folder while this one runs."""
        self.folder.mkdir(parents=True, exist_ok=True)
        lock = os.open(self.folder / 'lock', os.O_CREAT | os.O_RDWR, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            raise DemoError(f'Another site runs in {self.folder}') from None
        self._folder_lock = lock

    def write_configuration(self) -> None:
        """Write all configuration files; :meth:`start` does."""
        for folder in (self.folder, self.etc, self.var / 'data', self.logs):
            folder.mkdir(parents=True, exist_ok=True)
        # Passwords are in here, and everybody's mail.
        self.folder.chmod(0o700)
        if self.database_url is None:
            database = self.var / 'data/mailman.db'
            with closing(sqlite3.connect(database)) as connection:
                # It stays set in the file.  Readers then do not wait.
                connection.execute('PRAGMA journal_mode=WAL')
        self._keep_suffix_list()
        self._write('mailman.cfg', self._mailman_cfg())
        rest = (configuration.ROOT / 'etc/gunicorn/rest.cfg').read_text('utf-8')
        soon = {'gunicorn': {'graceful_timeout': '5'}}
        self._write('gunicorn.cfg', configuration.merge(rest, soon))
        if not self.stock:
            self._write('qnet.cfg', self._qnet_cfg())
        if self.web:
            site_file = _SITE_FILE.format(
                web_url=self.web_url,
                var_dir=str(self.folder / 'web'),
                secret_key=secrets.token_urlsafe(48),
                rest_url=self.rest_url,
                rest_user=self.rest_user,
                rest_password=self.rest_password,
                archiver_key=self.archiver_key,
                from_address=f'noreply@{self.domain}',
                smtp_host=HOST,
                smtp_port=self.smtp_port,
            )
            for name, value in self.web_settings.items():
                site_file += f'{name} = {value!r}\n'
            self._write('settings_local.py', site_file)
            hyperkitty = _HYPERKITTY_CFG.format(
                web_url=self.web_url, archiver_key=self.archiver_key
            )
            self._write('mailman-hyperkitty.cfg', hyperkitty)
            (self.folder / 'web').mkdir(exist_ok=True)

    def _provider_settings(self) -> dict[str, Any]:
        """What the web side has to know of the OpenID provider."""
        return {
            'OPENID_PROVIDERS': {
                PROVIDER: {
                    'name': 'HARP (demo)',
                    'issuer': self.provider_url,
                    'client_id': 'qnet-mailer',
                    'client_secret': secrets.token_urlsafe(24),
                }
            },
            # The demo's operator has no account at the provider.
            'LOCAL_SUPERUSERS': True,
            'RIGHTS_CACHE_SECONDS': _RIGHTS_CACHE_SECONDS,
        }

    def _mailman_cfg(self) -> str:
        """The text of mailman.cfg."""
        base = ''
        if not self.stock:
            base = (configuration.ROOT / 'etc/mailman.cfg').read_text('utf-8')
        ours: dict[str, dict[str, str]] = {
            'mailman': {'layout': 'here', 'site_owner': f'postmaster@{self.domain}'},
            'paths.here': {'var_dir': str(self.var)},
            'database': {'url': 'sqlite:///$DATA_DIR/mailman.db?timeout=30'},
            'mta': {
                'incoming': 'mailman.mta.null.NullMTA',
                'smtp_host': HOST,
                'smtp_port': str(self.smtp_port),
                'lmtp_host': HOST,
                'lmtp_port': str(self.lmtp_port),
            },
            # Without a network, nobody answers whether a sender's domain has a
            # DMARC policy.
            'dmarc': {'resolver_timeout': '1s', 'resolver_lifetime': '1s'},
            'webservice': {
                'hostname': HOST,
                'port': str(self.rest_port),
                'admin_user': self.rest_user,
                'admin_pass': self.rest_password,
                'configuration': str(self.etc / 'gunicorn.cfg'),
            },
        }
        if self.database_url is not None:
            ours['database']['url'] = self.database_url
            if self.database_url.startswith('postgres'):
                ours['database']['class'] = (
                    'mailman.database.postgresql.PostgreSQLDatabase'
                )
        for runner, sleep_time in _SLEEP_TIMES.items():
            ours[f'runner.{runner}'] = {'sleep_time': sleep_time}
        if not self.stock:
            ours['plugin.qnet'] = {'configuration': str(self.qnet_cfg)}
            ours['runner.forms'] = {'sleep_time': '0.5s'}
        if self.web:
            ours['archiver.hyperkitty'] = {
                'class': 'mailman_hyperkitty.Archiver',
                'enable': 'yes',
                'configuration': str(self.etc / 'mailman-hyperkitty.cfg'),
            }
        return configuration.merge(base, ours, self.extra_cfg)

    def _keep_suffix_list(self) -> None:
        """Give Mailman the list of public suffixes that it came with.

        It would fetch a newer one from the network, at the first post.
        """
        name = 'public_suffix_list.dat'
        kept = self.var / name
        kept.write_bytes(files('mailman.rules.data').joinpath(name).read_bytes())
        # Mailman takes the time stamp for the day on which it goes bad.
        in_a_year = time.time() + 365 * 86400
        os.utime(kept, (in_a_year, in_a_year))

    def _qnet_cfg(self) -> str:
        """The text of qnet.cfg."""
        base = (configuration.ROOT / 'etc/qnet.cfg').read_text('utf-8')
        ours = {'domain': self.domain, 'poster_authentication': 'off'}
        if self.web:
            ours['web_url'] = self.web_url
        ours |= self.qnet_cfg_overrides
        return configuration.merge(base, {'qnet': ours}, {})

    def _write(self, name: str, text: str) -> None:
        """Write a configuration file that only we may read.

        :param name: Its name.
        :param text: Its text.
        """
        path = self.etc / name
        path.touch(mode=0o600)
        path.write_text(text, 'utf-8')

    def _child(self, name: str, log: str, *arguments: str) -> Child:
        """A Python process of this site.

        :param name: What to call it.
        :param log: The name of its log.
        :param arguments: What follows ``python``.
        """
        return Child(
            name,
            [sys.executable, *arguments],
            log=self.logs / f'{log}.log',
            env=self.environment(),
            cwd=self.folder,
        )

    def _prepare_web(self) -> None:
        """Make the web side's tables, files and account."""
        prepare = self._child(
            'Preparing the web side',
            'web',
            *('-m', 'qnet_mailman.demo.prepare_web'),
        )
        prepare.env |= {
            'QNET_DEMO_USER': self.web_user,
            'QNET_DEMO_EMAIL': self.web_email,
            'QNET_DEMO_PASSWORD': self.web_password,
            'QNET_DEMO_DOMAIN': self.domain,
        }
        try:
            prepare.start()
            prepare.wait(START_TIMEOUT)
        finally:
            prepare.stop()

    def _await_core(self) -> None:
        """Wait until Mailman takes mail and answers over REST."""
        wait_until(
            lambda: is_listening(self.lmtp_port) and self._rest_answers(),
            START_TIMEOUT,
            'Mailman core to answer',
            self.core,
        )

    def _rest_answers(self) -> bool:
        """Whether core's REST server answers."""
        try:
            return self.rest('GET', 'system', timeout=5).status_code == 200
        except requests.RequestException:
            return False

    def _web_answers(self) -> bool:
        """Whether the web side answers; makes HyperKitty's style sheets, too."""
        try:
            answer = self._http.get(
                self.archive_url, timeout=ANSWER_TIMEOUT * PATIENCE, auth=('', '')
            )
        except requests.ConnectionError:
            return False
        if answer.status_code >= 500:
            raise DemoError(
                f'{self.archive_url}: status {answer.status_code}\n{self._web.tail()}'
            )
        return True

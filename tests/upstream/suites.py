# SPDX-License-Identifier: GPL-3.0-or-later
"""The suites: how each is run, without the plugin and with it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.conftest import ROOT, write_settings
from tests.upstream.outcomes import Run
from tests.upstream.recording import VARIABLE
from tests.upstream.sources import packages, source

TREE = 'tree'
"""The copy of the sources in the folder of a run."""
PATIENCE = 'checker=check_core,'
"""Behind this, how long mailmanclient waits for a core; its 20 seconds are too few."""
CLOCK = 'testing: yes'
"""By this the clock of a core stands in 2005, when nothing of ours can be signed."""
CONFIGURED = "config.push('test config', test_config)"
"""Before this, Postorius has the configuration of the core of its tests."""
LOOPBACK = 'ip link set lo up && exec "$@"'
"""Their ports are fixed: where that can be, each run has a network of its own."""


@dataclass(frozen=True)
class Suite:
    """A suite.

    :ivar command: Its command, given a folder to write to and whether with the plugin.
    :ivar paths: Where its packages are, in the folder of its sources.
    :ivar environment: What it needs there.
    :ivar quick: Arguments more for what `--quick` runs; None if that runs nothing.
    """

    command: Callable[[Path, bool], list[str]]
    environment: Callable[[Path, bool], dict[str, str]] = lambda folder, ours: {}
    paths: tuple[str, ...] = ('.',)
    quick: tuple[str, ...] | None = None


def _plugin(folder: Path, *, domain: str = 'example.com') -> Path:
    """Configuration as on a site that has lists already (docs/operators.md).

    Its lists are made as before, and whoever makes its aliases still does.
    """
    settings = folder / 'qnet.cfg'
    write_settings(settings, domain=domain)
    text = (ROOT / 'etc/mailman.cfg').read_text('utf-8')
    for ours, theirs in (
        ('default: qnet-notification-public', 'default: legacy-default'),
        ('configuration: qnet.cfg', f'configuration: {settings}'),
        ('incoming: qnet_mailman.mta.postfix.LMTP\n', ''),
    ):
        assert ours in text, ours
        text = text.replace(ours, theirs)
    cfg = folder / 'plugin.cfg'
    cfg.write_text(text, 'utf-8')
    return cfg


def _core(folder: Path, ours: bool) -> list[str]:
    more = ['--with', str(_plugin(folder))] if ours else []
    return [sys.executable, '-m', 'tests.upstream.run_nose2', *more, '-v']


def _pages(tests: str) -> Callable[[Path, bool], list[str]]:
    """Tests without a core, which our pages would ask."""

    def command(folder: Path, ours: bool) -> list[str]:
        more = ('-p', 'tests.upstream.pretended_core') if ours else ()
        return _pytest(*more, tests)(folder, ours)

    return command


def _edit(file: Path, old: str, new: str) -> None:
    text = file.read_text('utf-8')
    assert old in text, (file, old)
    file.write_text(text.replace(old, new), 'utf-8')


def _client(folder: Path, ours: bool) -> list[str]:
    """Its tests start a core by themselves, with a file of theirs."""
    conftest = folder / TREE / 'src/mailmanclient/conftest.py'
    _edit(conftest, PATIENCE, f'{PATIENCE} timeout=300,')
    cfg = folder / TREE / 'mailman_test.cfg'
    _edit(cfg, CLOCK, '')
    if ours:
        text = _plugin(folder).read_text('utf-8')
        cfg.write_text(text + cfg.read_text('utf-8'), 'utf-8')
    examples = ('--doctest-glob=*.rst', '--doctest-continue-on-failure')
    return _pytest(*examples, '--run-services')(folder, ours)


def _postorius(folder: Path, ours: bool) -> list[str]:
    """Its tests start a core by themselves, with a text of theirs."""
    conftest = folder / TREE / 'src/postorius/tests/mailman_api_tests/conftest.py'
    _edit(conftest, CLOCK, '')
    if ours:
        text = _plugin(folder).read_text('utf-8')
        more = f'test_config = {text!r} + test_config'
        _edit(conftest, CONFIGURED, f'{more}; {CONFIGURED}')
    return _pytest('src/postorius')(folder, ours)


def _pytest(*arguments: str) -> Callable[[Path, bool], list[str]]:
    def command(folder: Path, ours: bool) -> list[str]:
        return [
            *(sys.executable, '-m', 'pytest', '-q', '-p', 'tests.upstream.recording'),
            *('-p', 'no:randomly', '-p', 'no:cacheprovider', '-p', 'no:xdist'),
            *('--tb=line', '-o', 'addopts=', *arguments),
        ]

    return command


def _web(settings: str) -> Callable[[Path, bool], dict[str, str]]:
    """Their settings, or ours over them."""

    def environment(folder: Path, ours: bool) -> dict[str, str]:
        # Whoosh has a folder of one name there, in which two runs would meet.
        temporary = {'TMPDIR': str(folder)}
        if not ours:
            return {'DJANGO_SETTINGS_MODULE': settings, **temporary}
        site = folder / 'settings_local.py'
        site.write_text(SITE_FILE.format(var_dir=str(folder)), 'utf-8')
        return {
            **temporary,
            'DJANGO_SETTINGS_MODULE': 'tests.upstream.web_settings',
            'QNET_UPSTREAM_SETTINGS': settings,
            'QNET_WEB_SETTINGS': str(site),
        }

    return environment


SITE_FILE = """
WEB_URL = 'http://testserver'
VAR_DIR = {var_dir!r}
SECRET_KEY = 'only for tests, and long enough for them'
MAILMAN_REST_API_URL = 'http://localhost:9001'
MAILMAN_REST_API_USER = 'restadmin'
MAILMAN_REST_API_PASS = 'restpass'
MAILMAN_ARCHIVER_KEY = 'SecretArchiverAPIKey'
DEFAULT_FROM_EMAIL = 'noreply@example.com'
"""


SUITES = {
    'mailman': Suite(
        _core,
        paths=('src',),
        # Runners for Usenet, of which nothing is ours, wait for their locks.
        quick=('-P', r'^(?!.*(nntp|test_master|test_migrations))'),
    ),
    'postorius': Suite(
        _postorius,
        _web('example_project.test_settings'),
        paths=('src', '.'),
    ),
    'hyperkitty': Suite(
        _pages('hyperkitty'),
        _web('hyperkitty.tests.settings_test'),
    ),
    'django-mailman3': Suite(
        _pages('django_mailman3'),
        _web('django_mailman3.tests.settings_test'),
    ),
    'mailmanclient': Suite(_client, paths=('src', '.')),
}


def run(name: str, work: Path, *, ours: bool, quick: bool) -> Run:
    """Run a suite, in a copy of its sources.

    :param work: An empty folder to write to.
    :param quick: Whether to run but what is quick.
    :return: How its tests ended.
    :raises RuntimeError: where it broke off.
    """
    suite = SUITES[name]
    tree = work / TREE
    shutil.copytree(source(name), tree)
    found = work / 'outcomes.json'
    command = suite.command(work, ours) + list((quick and suite.quick) or ())
    path = [*(tree / each for each in suite.paths), packages(), ROOT]
    environment = {
        **os.environ,
        **suite.environment(work, ours),
        'PYTHONPATH': os.pathsep.join(map(str, path)),
        # They start programs of Mailman's by name.
        'PATH': f'{Path(sys.executable).parent}{os.pathsep}{os.environ["PATH"]}',
        VARIABLE: str(found),
    }
    log = work / 'log'
    with log.open('wb') as file:
        process = subprocess.Popen(
            [*isolation(), *command],
            cwd=tree,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            start_new_session=True,
        )
        try:
            status = process.wait()
        finally:
            # One of Mailman's tests leaves a process.
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
    if not found.exists():
        end = log.read_text('utf-8', 'replace')[-3000:]
        raise RuntimeError(f'{name} broke off with status {status}:\n{end}')
    return {test: tuple(how) for test, how in json.loads(found.read_text()).items()}


@cache
def isolation() -> tuple[str, ...]:
    """What starts a command in a network of its own; nothing where that cannot be."""
    options = ['--net', *(['--map-root-user'] if os.getuid() else [])]
    whole = ('unshare', *options, 'sh', '-c', LOOPBACK, 'sh')
    try:
        works = subprocess.run([*whole, 'true'], capture_output=True).returncode == 0
    except OSError:
        works = False
    return whole if works else ()

# SPDX-License-Identifier: GPL-3.0-or-later
"""Mailman in this process, with the plugin, on a new database for each test.

With `QNET_TEST_DATABASE=postgresql` the tests run on a PostgreSQL cluster of their own;
otherwise they use SQLite in a temporary folder.
"""

from __future__ import annotations

import itertools
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import dns.resolver
import pytest
from hypothesis import settings as hypothesis_settings
from hypothesis.internal.conjecture import providers
from mailman.app.lifecycle import create_list
from mailman.core import initialize
from mailman.interfaces.domain import IDomainManager
from xdist.scheduler import LoadFileScheduling
from zope.component import getUtility

from qnet_mailman.demo.site import Site
from qnet_mailman.setup import startup
from qnet_mailman.site import reason_not_ready
from tests import lists, postgresql, sites
from tests.clock import Clock, stop_clock
from tests.keeping import Keeper, keeping

ON_POSTGRESQL = os.environ.get('QNET_TEST_DATABASE') == 'postgresql'
ROOT = Path(__file__).resolve().parent.parent
DOMAIN = 'lists.example.gov'

hypothesis_settings.register_profile(
    'project', deadline=None, print_blob=True, derandomize=bool(os.environ.get('CI'))
)
hypothesis_settings.load_profile('project')
# It also tries the constants of all modules that happen to be imported, so that a
# derandomized property is given other examples alone than in the whole suite.
providers._get_local_constants = providers.Constants

SITE = """
[mailman]
site_owner: operators@example.gov
layout: test
[paths.test]
var_dir: {var}
[mta]
incoming: mailman.mta.null.NullMTA
smtp_port: 1
lmtp_port: 0
[webservice]
port: 0
admin_user: restadmin
admin_pass: restpass
[dmarc]
org_domain_data_url: http://127.0.0.1:1/
"""

SETTINGS = {
    'domain': DOMAIN,
    'support_address': 'help@example.gov',
    'support_phone': '1-800-555-0100',
    'web_url': 'https://lists.example.gov',
    'trusted_authserv_ids': 'mx.example.gov',
}


def write_settings(path: Path, **changes: str) -> None:
    """Write a qnet.cfg: the tests' settings with some changed."""
    lines = [f'{key} = {value}' for key, value in {**SETTINGS, **changes}.items()]
    path.write_text('\n'.join(['[qnet]', *lines]) + '\n', encoding='utf-8')


MEMORY = Path('/dev/shm')
ROOM = 4 * 1024**3
"""Bytes for the sites, databases and packages of a run."""


def pytest_configure(config: pytest.Config) -> None:
    """Keep what tests write in memory, where that can be and nobody chose a folder.

    Mailman and its databases flush every file they write, which takes most of the time
    on a disk.  Programs that tests start, and xdist's workers, go by TMPDIR too.
    """
    config.addinivalue_line('markers', lists.MARKER)
    config.addinivalue_line('markers', sites.MARKER)
    if not os.environ.get('TMPDIR') and is_roomy_memory(MEMORY):
        os.environ['TMPDIR'] = str(MEMORY)
        tempfile.tempdir = None


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadFileScheduling:
    """Give out whole files, in the order of `pytest_collection_modifyitems`."""
    config.option.loadscopereorder = False
    return Files(config, log)


class Files(LoadFileScheduling):
    """Whole files, and those of a folder together that share a running site."""

    def _split_scope(self, nodeid: str) -> str:
        file = str(super()._split_scope(nodeid))
        folder = file.rpartition('/')[0]
        return folder if folder in SHARED_SITES else file


SHARED_SITES = ('tests/attacks/posts',)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What starts a whole site comes first, so that no worker waits for it at last."""
    dear = {item.path for item in items if 'site' in getattr(item, 'fixturenames', ())}
    items.sort(key=lambda item: item.path not in dear)


def is_roomy_memory(folder: Path) -> bool:
    """Whether a folder is in memory and takes a run's files and programs."""
    try:
        mounts = Path('/proc/mounts').read_text('utf-8').splitlines()
        there = os.statvfs(folder)
    except OSError:
        return False
    kinds = {line.split()[1]: line.split()[2] for line in mounts}
    return (
        kinds.get(str(folder)) == 'tmpfs'
        and os.access(folder, os.W_OK)
        and not there.f_flag & os.ST_NOEXEC
        and there.f_bavail * there.f_frsize >= ROOM
    )


@pytest.fixture(scope='session')
def mailman_site() -> Iterator[SimpleNamespace]:
    """Mailman, initialized once; use `core` for a clean one."""
    if not ON_POSTGRESQL:
        yield from _site(None)
        return
    with postgresql.server() as server:
        yield from _site(server.create_database('mailman'))


def _site(url: str | None) -> Iterator[SimpleNamespace]:
    var = Path(tempfile.mkdtemp(prefix='qnet-test-'))
    text = (ROOT / 'etc' / 'mailman.cfg').read_text(encoding='utf-8')
    text += SITE.format(var=var)
    if url is not None:
        text += (
            f'[database]\nclass: mailman.database.postgresql.PostgreSQLDatabase\n'
            f'url: {url}\n'
        )
    cfg = var / 'mailman.cfg'
    cfg.write_text(_merged(text), encoding='utf-8')
    write_settings(var / 'qnet.cfg')
    initialize.initialize(str(cfg))
    from mailman.config import config

    assert reason_not_ready() is None, reason_not_ready()
    config.db.commit()
    site = SimpleNamespace(var=var, cfg=cfg, config=config)
    if url is None:
        config.db.engine.dispose()
        with (
            closing(sqlite3.connect(var / 'data' / 'mailman.db')) as database,
            closing(sqlite3.connect(var / 'pristine.db')) as pristine,
        ):
            database.backup(pristine)
    yield site
    config.db.store.close()
    config.db.engine.dispose()
    shutil.rmtree(var, ignore_errors=True)


def _merged(text: str) -> str:
    """One section a name: lazr.config takes no section twice."""
    sections: dict[str, list[str]] = {}
    current: list[str] = []
    for line in text.splitlines():
        if line.startswith('['):
            current = sections.setdefault(line, [])
        elif line.strip() and not line.startswith('#'):
            current.append(line)
    return '\n'.join('\n'.join([name, *lines, '']) for name, lines in sections.items())


@pytest.fixture
def core(mailman_site: SimpleNamespace) -> Iterator[SimpleNamespace]:
    """Mailman with empty tables, queues and folders."""
    _clear(mailman_site)
    yield mailman_site
    mailman_site.config.db.abort()


def _clear(site: SimpleNamespace) -> None:
    config = site.config
    config.db.abort()
    config.db.store.close()
    config.db.store.expunge_all()
    if ON_POSTGRESQL:
        from sqlalchemy import inspect, text

        names = inspect(config.db.engine).get_table_names()
        tables = [f'"{n}"' for n in names if 'alembic' not in n]
        # As a superuser may: the audit log is append-only.
        config.db.store.execute(text('SET LOCAL session_replication_role = replica'))
        config.db.store.execute(
            text(f'TRUNCATE {", ".join(tables)} RESTART IDENTITY CASCADE')
        )
        config.db.commit()
    else:
        # Not by copying the file: SQLite may have it open.
        with (
            closing(sqlite3.connect(site.var / 'pristine.db')) as pristine,
            closing(sqlite3.connect(site.var / 'data' / 'mailman.db')) as database,
        ):
            pristine.backup(database)
    for switchboard in config.switchboards.values():
        for name in os.listdir(switchboard.queue_directory):
            os.unlink(os.path.join(switchboard.queue_directory, name))
    for folder in ('messages', 'lists'):
        shutil.rmtree(site.var / folder, ignore_errors=True)
        (site.var / folder).mkdir(exist_ok=True)
    write_settings(site.var / 'qnet.cfg')
    startup.setup()


@pytest.fixture
def keeper(core: SimpleNamespace) -> Iterator[Keeper]:
    """The mail server to which Mailman sends; see tests/keeping.py."""
    with keeping(Keeper()) as running:
        yield running


@pytest.fixture(autouse=True)
def no_name_service(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing outside is asked: no domain has a DMARC policy."""

    def resolve(*args: Any, **kws: Any) -> None:
        raise dns.resolver.NXDOMAIN

    monkeypatch.setattr(dns.resolver.Resolver, 'resolve', resolve)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Mailman's clock, stopped."""
    return stop_clock(monkeypatch)


@pytest.fixture
def configure(core: SimpleNamespace) -> Any:
    """Change settings of qnet.cfg for a test: `configure(key='value')`."""

    def change(**changes: str) -> None:
        write_settings(core.var / 'qnet.cfg', **changes)
        startup.setup()

    return change


@pytest.fixture
def make_list(core: SimpleNamespace) -> Any:
    """Make a list: `make_list('notification', 'public')`."""
    counter = itertools.count(1)

    def make(list_type: str = 'notification', visibility: str = 'public') -> Any:
        domains = getUtility(IDomainManager)
        if DOMAIN not in domains:
            domains.add(DOMAIN)
        mlist = create_list(
            f'news{next(counter)}@{DOMAIN}',
            style_name=f'qnet-{list_type}-{visibility}',
        )
        mlist.display_name = 'HQR Updates'
        core.config.db.commit()
        return mlist

    return make


@pytest.fixture
def mlist(request: pytest.FixtureRequest, make_list: Any) -> Any:
    """A list as `pytest.mark.mlist` says: of a test, or of all in a file.

    Without one it is a public list for notifications, without people.  The marker's
    arguments are those of `make_list`, and of `furnish` in tests/lists.py:
    ``pytestmark = pytest.mark.mlist('discussion', members=[READER])``.  Tests that are
    parametrized with `mlist`, indirectly, say its visibility so.
    """
    marker = request.node.get_closest_marker('mlist')
    args, kws = (marker.args, marker.kwargs) if marker else ((), {})
    if visibility := getattr(request, 'param', ''):
        args = (*args[:1], visibility)
    return lists.furnish(make_list(*args), **kws)


@pytest.fixture
def plain_list(mlist: Any) -> SimpleNamespace:
    """Names of `mlist`: its object goes with the session, which ends with a request."""
    return SimpleNamespace(list_id=mlist.list_id, address=mlist.fqdn_listname)


@pytest.fixture(scope='module')
def site(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    """A running site, as `pytest.mark.site` of the file says; see tests/sites.py."""
    with sites.marked_site(request, tmp_path_factory.mktemp('site')) as running:
        yield running

# SPDX-License-Identifier: GPL-3.0-or-later
"""`etc/postgresql/audit-log.sql`: the service's role adds to the log, and no more."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner
from mailman.config import config
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from qnet_mailman import site
from qnet_mailman.backup import databases, restoring
from qnet_mailman.commands.cli_qnet import qnet
from qnet_mailman.demo.configuration import ROOT
from qnet_mailman.health import audit_log
from qnet_mailman.model import audit, log_owner, redaction, seals
from qnet_mailman.model.migrations import AuditLogOfAnother, current, head, upgrade
from tests import postgresql
from tests.clock import Clock

SQL = ROOT / 'etc/postgresql/audit-log.sql'
REFUSED = (
    "UPDATE qnet_audit SET actor = 'nobody'",
    'DELETE FROM qnet_audit',
    'TRUNCATE qnet_audit',
    'DROP TABLE qnet_audit',
    "UPDATE qnet_audit_seal SET digest = 'x'",
    'DELETE FROM qnet_audit_seal',
    'TRUNCATE qnet_audit_seal',
    'DROP TABLE qnet_audit_seal',
    'ALTER TABLE qnet_audit DISABLE TRIGGER qnet_audit_append_only',
    'ALTER TABLE qnet_audit RENAME TO another',
    'DROP TRIGGER qnet_audit_append_only ON qnet_audit',
    'DROP FUNCTION qnet_audit_append_only CASCADE',
    'CREATE OR REPLACE FUNCTION qnet_audit_append_only() RETURNS trigger '
    'AS $$ BEGIN RETURN NEW; END $$ LANGUAGE plpgsql',
    'CREATE RULE quiet AS ON INSERT TO qnet_audit DO INSTEAD NOTHING',
    'CREATE TRIGGER quiet BEFORE INSERT ON qnet_audit FOR EACH ROW '
    'EXECUTE FUNCTION qnet_audit_append_only()',
    'DROP SCHEMA public CASCADE',
    'ALTER SCHEMA public RENAME TO another',
    'SET ROLE "qnet-audit"',
    'SET session_replication_role = replica',
    'DROP DATABASE qnet_core',
    'ALTER DATABASE qnet_core RENAME TO another',
    'DROP OWNED BY "qnet-audit"',
    "SELECT setval('qnet_audit_id_seq', 1)",
)


def psql(server: postgresql.Server, database: str, script: str) -> None:
    """Run a script as the superuser."""
    command = ['psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-h', '127.0.0.1']
    command += ['-p', str(server.port), '-U', 'mailman', '-d', database]
    subprocess.run(command, input=script, text=True, check=True, capture_output=True)


@pytest.fixture(scope='module')
def server() -> Iterator[postgresql.Server]:
    with postgresql.server() as server:
        roles = 'CREATE ROLE postgres SUPERUSER; CREATE ROLE "qnet-core" LOGIN;'
        psql(server, 'postgres', roles)
        yield server


def new_database(server: postgresql.Server, name: str = 'qnet_core') -> Engine:
    """The service's connection to a database of its own."""
    psql(server, 'postgres', f'CREATE DATABASE {name} OWNER "qnet-core"')
    url = f'postgresql+psycopg2://qnet-core@127.0.0.1:{server.port}/{name}'
    return create_engine(url)


def give_to_its_role(server: postgresql.Server, name: str = 'qnet_core') -> None:
    psql(server, name, SQL.read_text('utf-8').replace('qnet_core', name))


def lend(server: postgresql.Server, said: str) -> None:
    """Do what a message says, as the database's superuser."""
    match = re.search(r"runuser -u postgres -- psql -d (\w+) -c '([^']+)'", said)
    assert match, said
    psql(server, match[1], match[2])


@pytest.fixture(scope='module')
def service(
    server: postgresql.Server, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Engine]:
    """The service's connection to a database that is set up as the guide says."""
    engine = new_database(server)
    upgrade(engine, str(tmp_path_factory.mktemp('locks')))
    give_to_its_role(server)
    # Again it changes nothing.
    give_to_its_role(server)
    yield engine
    engine.dispose()


@pytest.fixture
def site_of_it(
    core: SimpleNamespace, service: Engine, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Engine]:
    """Mailman in this process, with that database."""
    with Session(service) as session:
        db = SimpleNamespace(
            store=session,
            engine=service,
            commit=session.commit,
            abort=session.rollback,
        )
        monkeypatch.setattr(config, 'db', db)
        yield service


@pytest.fixture
def written(site_of_it: Engine) -> Engine:
    """As before, with a row and its seal."""
    audit.record(audit.Action.key_made)
    config.db.commit()
    assert seals.seal()
    config.db.commit()
    return site_of_it


@pytest.mark.parametrize('statement', REFUSED)
def test_the_service_can_add_to_the_log_and_no_more(
    written: Engine, statement: str
) -> None:
    alone = written.execution_options(isolation_level='AUTOCOMMIT')
    with alone.connect() as connection, pytest.raises(DBAPIError) as refused:
        connection.execute(text(statement))
    assert refused.value.orig.pgcode == '42501', refused.value
    with written.connect() as connection:
        count = connection.scalar(text('SELECT count(*) FROM qnet_audit'))
        assert count == connection.scalar(text('SELECT count(*) FROM qnet_audit_seal'))


def test_the_service_still_makes_tables_of_its_own(
    written: Engine, tmp_path: Path
) -> None:
    with written.begin() as connection:
        connection.execute(text('CREATE TABLE qnet_other (id INTEGER)'))
        connection.execute(text('DROP TABLE qnet_other'))
    upgrade(written, str(tmp_path))


def take_back(server: postgresql.Server) -> None:
    """The same while this process has that database."""
    config.db.abort()
    give_to_its_role(server)


def levels() -> list[str]:
    return [each.level for each in audit_log.append_only()]


def test_check_says_whether_the_log_is_safe(
    site_of_it: Engine, server: postgresql.Server
) -> None:
    assert levels() == ['ok']
    lend(server, log_owner.how_to_lend(config.db.store) or '')
    assert log_owner.how_to_lend(config.db.store) is None
    assert levels() == ['warning']
    take_back(server)
    assert levels() == ['ok']


def test_redaction_waits_for_the_role_and_check_says_so(
    site_of_it: Engine, server: postgresql.Server, clock: Clock
) -> None:
    audit.record(audit.Action.post_masked, actor='pat@agency.example.gov')
    config.db.commit()
    seals.seal()
    config.db.commit()
    clock.forward(days=600)
    assert redaction.redact_due(clock.moment) == 0
    said = CliRunner().invoke(qnet, ['audit', '--redact'])
    assert said.exit_code == 1
    [found] = audit_log.retention(site.settings())
    assert found.level == 'warning' and 'GRANT' in found.remedy
    lend(server, said.output)
    assert CliRunner().invoke(qnet, ['audit', '--redact']).output == 'redacted: 1\n'
    take_back(server)
    assert list(audit_log.retention(site.settings())) == []
    seals.seal()
    config.db.commit()
    whole = seals.verify()
    assert whole.redacted and whole.wrong is None


def test_redaction_gives_way_to_who_adds_to_the_log_for_long(
    site_of_it: Engine, server: postgresql.Server, clock: Clock
) -> None:
    lend(server, log_owner.how_to_lend(config.db.store) or '')
    audit.record(audit.Action.post_masked, actor='pat@agency.example.gov')
    config.db.commit()
    seals.seal()
    config.db.commit()
    clock.forward(days=600)
    with site_of_it.connect() as another:
        another.execute(
            text(
                'INSERT INTO qnet_audit (at, actor, action, subject, detail) '
                "VALUES (now(), 'another', 'key made', '', '{}')"
            )
        )
        assert redaction.redact_due(clock.moment) == 0
        another.commit()
    assert redaction.redact_due(clock.moment) == 1
    take_back(server)


def test_a_later_migration_of_the_log_says_how_it_is_done(
    service: Engine, server: postgresql.Server, tmp_path: Path
) -> None:
    engine = new_database(server, 'qnet_older')
    upgrade(engine, str(tmp_path), target='0019')
    to_another = 'ALTER TABLE qnet_audit OWNER TO "qnet-audit"'
    psql(server, 'qnet_older', to_another)
    with pytest.raises(AuditLogOfAnother) as refused:
        upgrade(engine, str(tmp_path))
    with engine.connect() as connection:
        assert current(connection) == '0019'
    lend(server, str(refused.value))
    upgrade(engine, str(tmp_path))
    give_to_its_role(server, 'qnet_older')
    with engine.connect() as connection:
        assert current(connection) == head()
        assert log_owner.how_to_lend(connection) is not None
    engine.dispose()


def test_a_restore_says_what_it_needs_and_then_works(
    written: Engine, server: postgresql.Server, tmp_path: Path
) -> None:
    copy, before = tmp_path / 'copy', seals.checkpoint()
    with databases.snapshot(written.url) as make:
        make(copy)
    [reason] = restoring._log_of_another()
    lend(server, reason)
    assert list(restoring._log_of_another()) == []
    written.dispose()
    config.db.store.close()
    databases.restore(written.url, copy)
    assert levels() == ['warning']
    take_back(server)
    assert levels() == ['ok']
    assert seals.verify().sealed == before
    audit.record(audit.Action.key_made)
    config.db.commit()

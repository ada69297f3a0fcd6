# SPDX-License-Identifier: GPL-3.0-or-later
"""`etc/postgresql/audit-log.sql`: the service's role adds to the log, and no more."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from qnet_mailman.demo.configuration import ROOT
from qnet_mailman.health import audit_log
from qnet_mailman.model import audit, seals
from qnet_mailman.model.migrations import upgrade
from tests import postgresql

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


def findings(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    with Session(engine) as session:
        monkeypatch.setattr(audit_log, 'store', lambda: session)
        return [each.level for each in audit_log.append_only()]


@pytest.fixture(scope='module')
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """The service's connection to a database that is set up as the guide says."""
    with postgresql.server() as server:
        roles = 'CREATE ROLE postgres SUPERUSER; CREATE ROLE "qnet-core" LOGIN;'
        psql(server, 'postgres', roles)
        psql(server, 'postgres', 'CREATE DATABASE qnet_core OWNER "qnet-core"')
        url = f'postgresql+psycopg2://qnet-core@127.0.0.1:{server.port}/qnet_core'
        engine = create_engine(url)
        upgrade(engine, str(tmp_path_factory.mktemp('locks')))
        script = SQL.read_text('utf-8')
        psql(server, 'qnet_core', script)
        # Again, as after a restore.
        psql(server, 'qnet_core', script)
        yield engine
        engine.dispose()


@pytest.fixture
def written(
    core: SimpleNamespace, service: Engine, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Engine]:
    """As before, with a row and its seal."""
    with Session(service) as session:
        monkeypatch.setattr(seals, 'store', lambda: session)
        monkeypatch.setattr(audit, 'store', lambda: session)
        audit.record(audit.Action.key_made)
        session.commit()
        assert seals.seal() == 1
        session.commit()
    yield service


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


def test_check_says_whether_the_log_is_safe(
    core: SimpleNamespace, service: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert findings(service, monkeypatch) == ['ok']
    url = service.url.set(username='mailman')
    owner = create_engine(url)
    assert findings(owner, monkeypatch) == ['warning']
    lend, back = (
        'GRANT "qnet-audit" TO "qnet-core"',
        'REVOKE "qnet-audit" FROM "qnet-core"',
    )
    for statement, level in ((lend, 'warning'), (back, 'ok')):
        with owner.begin() as connection:
            connection.execute(text(statement))
        assert findings(service, monkeypatch) == [level]
    owner.dispose()

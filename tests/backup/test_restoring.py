# SPDX-License-Identifier: GPL-3.0-or-later
"""A backup of core, and what comes of it on an empty site (R33)."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from mailman.config import config
from mailman.interfaces.listmanager import IListManager
from mailman.interfaces.messages import IMessageStore
from mailman.interfaces.pending import IPendable, IPendings
from sqlalchemy import MetaData, select, text
from zope.component import getUtility
from zope.interface import implementer

from qnet_mailman.backup import container, databases, folders, making, restoring
from qnet_mailman.health.running import held
from qnet_mailman.model import keys, migrations
from qnet_mailman.model.base import store
from qnet_mailman.model.bounces import QNetSuspension
from qnet_mailman.queues import restored, standstill
from qnet_mailman.runners.bounce import BounceRunner
from qnet_mailman.runners.incoming import IncomingRunner
from qnet_mailman.setup import startup
from tests.clock import Clock
from tests.helpers import empty, message, post, queued, subscribe
from tests.killed import KILLED, in_a_process

Backup = Callable[[], Path]

POST = (
    'From: reader@example.net\r\nTo: {list}\r\nSubject: News\r\n'
    'Message-ID: <m{number}@example.net>\r\n\r\nNews.\r\n'
)


@pytest.fixture
def mlist(make_list: Any) -> Any:
    """A discussion with a member, a post that waits, and one that is held."""
    mlist = make_list('discussion')
    subscribe(mlist, 'reader@example.net')
    empty('virgin')
    write(mlist, 1)
    getUtility(IMessageStore).add(message(POST.format(list='x', number=9)))
    config.db.commit()
    return mlist


def write(mlist: Any, number: int) -> None:
    """Post to a list."""
    post(mlist, message(POST.format(list=mlist.fqdn_listname, number=number)))


def found(address: str) -> Any:
    return getUtility(IListManager).get(address)


def waiting(name: str) -> list[str]:
    return [str(msg['message-id']) for msg, _ in queued(name)]


def test_all_of_it_is_back_and_waits(
    mlist: Any, backup: Backup, emptied: Any, command: Any
) -> None:
    address, key = mlist.fqdn_listname, keys.signing()
    config.db.commit()
    # What a stock list collects, what an archiver could not be told, what was shunted.
    others = [
        Path(config.LIST_DATA_DIR, 'other@lists.example.gov', 'digest.mmdf'),
        Path(config.ARCHIVE_DIR, 'hyperkitty', 'spool', '1+a.pck'),
        Path(config.QUEUE_DIR, 'shunt', '1+b.pck'),
        Path(config.QUEUE_DIR, 'bad', '1+c.psv'),
        Path(config.QUEUE_DIR, 'handover', 'lists+1', 'virgin', '1+d.pck'),
    ]
    for path in others:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(path.name)
    made = backup()
    emptied()
    assert found(address) is None
    status, said = command('restore', made, '--no-web', '--check')
    assert (status, restored.read()) == (0, None), said
    assert 'nothing has been written' in said
    status, said = command('restore', made, '--no-web')
    assert status == 0, said
    assert 'Nothing is sent yet' in said
    there = found(address)
    assert [each.address.email for each in there.members.members] == [
        'reader@example.net'
    ]
    # Links in mail that was sent go on working (R35).
    assert keys.signing() == key
    held_message = getUtility(IMessageStore).get_message_by_id('<m9@example.net>')
    assert held_message is not None
    assert waiting('in') == ['<m1@example.net>']
    assert [path.read_text() for path in others] == [path.name for path in others]
    # Nothing is worked on, nor what is due done, and check says why.
    runner = IncomingRunner('in')
    assert runner._one_iteration() == 0
    assert waiting('in') == ['<m1@example.net>']
    [finding] = held()
    assert (finding.level, finding.subject) == ('error', 'restored')
    assert 'mailman qnet resume' in finding.remedy
    # Restored once, it is not again.
    status, said = command('restore', made, '--no-web')
    assert (status, 'has been restored here already' in said) == (2, True)
    # Whoever only looks changes nothing.
    status, said = command('resume', input='n\n')
    assert status == 1
    assert 'queue in: 1 messages' in said
    assert runner._one_iteration() == 0
    status, said = command('resume', '--yes')
    assert status == 0, said
    assert runner._one_iteration() == 1
    assert waiting('pipeline') == ['<m1@example.net>']
    assert list(held()) == []


def test_what_the_backup_had_waiting_can_be_thrown_away(
    mlist: Any, backup: Backup, emptied: Any, command: Any
) -> None:
    address = mlist.fqdn_listname
    made = backup()
    emptied()
    command('restore', made, '--no-web')
    # LMTP goes on taking mail.
    write(found(address), 2)
    status, said = command('resume', '--yes', '--discard', 'nowhere')
    assert (status, 'no queue nowhere' in said) == (1, True)
    status, said = command('resume', '--yes', '--discard', 'out', '--discard', 'all')
    assert '1 messages were thrown away' in said
    assert waiting('in') == ['<m2@example.net>']
    assert command('resume', '--yes')[0] == 1


def test_mail_of_another_backup_is_carried_over(
    mlist: Any, backup: Backup, emptied: Any, command: Any, clock: Clock
) -> None:
    """Back to the last version: what came in since, by tar alone, as the guide says."""
    before = backup()
    clock.forward(seconds=1)
    empty('in')
    write(mlist, 2)
    since = backup()
    emptied()
    command('restore', before, '--no-web')
    command('resume', '--yes', '--discard', 'all')
    assert waiting('in') == []
    var = str(Path(config.QUEUE_DIR).parent)
    unpack = ['tar', '-xf', str(since), '-C', var, '--strip-components=1']
    subprocess.run([*unpack, 'core/queue/in'], check=True)
    assert IncomingRunner('in')._one_iteration() == 1
    assert waiting('pipeline') == ['<m2@example.net>']


def test_what_became_due_meanwhile_is_not_due_at_once(
    clock: Clock, mlist: Any, backup: Backup, emptied: Any, command: Any
) -> None:
    """Nobody is warned, removed or told of an end because the site was away (R19)."""
    begin = clock()
    member = next(iter(mlist.members.members))
    store().add(
        QNetSuspension(
            member_id=str(member.member_id),
            list_id=mlist.list_id,
            email='reader@example.net',
            disabled_at=begin,
            warnings=1,
            next_step_at=begin + timedelta(days=3),
        )
    )
    pendings = getUtility(IPendings)
    token = pendings.add(
        Waits(remind_subscriber_at=(begin + timedelta(days=1)).isoformat()),
        timedelta(days=7),
    )
    config.db.commit()
    made = backup()
    emptied()
    command('restore', made, '--no-web')
    clock.forward(days=40, hours=1)
    runner = BounceRunner('bounces')
    runner._do_periodic()
    step = select(QNetSuspension.next_step_at)
    assert store().scalar(step) == begin + timedelta(days=3), 'while it waits'
    status, said = command('resume', '--yes')
    assert status == 0
    assert '1 warnings and removals for bounces were due' in said
    assert '1 requests and questions ended' in said
    assert store().scalar(step) == begin + timedelta(days=3 + 41)
    runner._do_periodic()
    assert not queued('virgin')
    values = pendings.confirm(token, expunge=False)
    assert values['remind_subscriber_at'] == '2026-04-13T12:00:00'
    pendings.evict()
    assert pendings.confirm(token, expunge=False) is not None


@implementer(IPendable)
class Waits(dict[str, Any]):
    """A pending."""

    PEND_TYPE = 'test'


def test_a_site_that_is_in_use_takes_none(
    mlist: Any, backup: Backup, emptied: Any, command: Any
) -> None:
    made = backup()
    status, said = command('restore', made, '--no-web')
    assert status == 2
    assert 'the database of core has rows in mailinglist, member, address' in said
    assert f'{config.QUEUE_DIR} has 1 files: only an empty site takes a backup' in said
    emptied()
    # Half of it is neither written nor marked.
    cut = made.with_name('cut.tar')
    cut.write_bytes(made.read_bytes()[:-20000])
    status, said = command('restore', cut, '--no-web')
    assert (status, restored.read()) == (2, None)
    assert said.startswith(f'{cut}: it is damaged')
    status, said = command('restore', made.with_name('none.tar'), '--no-web')
    assert (status, said) == (
        2,
        f'{made.with_name("none.tar")}: No such file or directory\n',
    )


def stamp(revision: str) -> None:
    """Let the tables seem to be of another version."""
    store().execute(
        text(f"UPDATE {migrations.VERSION_TABLE} SET version_num = '{revision}'")
    )
    config.db.commit()


def test_one_of_a_later_version_is_refused_in_words(
    mlist: Any, backup: Backup, emptied: Any, command: Any
) -> None:
    """Whoever goes back to the last version needs the backup from before."""
    address = mlist.fqdn_listname
    stamp('later')
    made = backup()
    stamp(migrations.head())
    emptied()
    status, said = command('restore', made, '--no-web')
    assert (status, restored.read()) == (2, None)
    assert 'the backup is of a later version of QualityNet Mailer' in said
    assert 'tables of later; ' in said
    assert found(address) is None


def drop_our_tables() -> None:
    config.db.store.close()
    found = MetaData()
    found.reflect(config.db.engine, only=lambda name, _: name.startswith('qnet_'))
    found.drop_all(config.db.engine)
    if config.db.engine.dialect.name == 'postgresql':
        store().execute(text('DROP FUNCTION qnet_audit_append_only'))
        config.db.commit()


def test_one_of_an_earlier_version_is_migrated_as_ever(
    mlist: Any, backup: Backup, emptied: Any, command: Any
) -> None:
    """What the later version has made in the empty database is not in its way."""
    address, engine = mlist.fqdn_listname, config.db.engine
    drop_our_tables()
    migrations.upgrade(engine, config.LOCK_DIR, target='0010')
    made = backup()
    drop_our_tables()
    migrations.upgrade(engine, config.LOCK_DIR)
    emptied()
    assert command('restore', made, '--no-web')[0] == 0
    with config.db.engine.connect() as connection:
        assert migrations.current(connection) == '0010'
    startup.setup()
    with config.db.engine.connect() as connection:
        assert migrations.current(connection) == migrations.head()
    assert found(address) is not None


def end_at_second_call(real: Callable[[], Any]) -> Callable[[], Any]:
    calls = iter((real, end))
    return lambda: next(calls)()


def test_killed_it_is_said_and_done_again(
    mlist: Any, backup: Backup, emptied: Any, command: Any, monkeypatch: Any
) -> None:
    address, made = mlist.fqdn_listname, backup()
    emptied()
    with monkeypatch.context() as patch:
        # The databases are there, and the queues are not.
        patch.setattr(folders, 'of_mailman', end_at_second_call(folders.of_mailman))
        killed = in_a_process(lambda: restoring.restore(made, web=False))
    assert killed == KILLED
    [finding] = held()
    assert finding.text.startswith(f'restoring {made.name} was not finished')
    assert command('resume', '--yes') == (
        1,
        f'restoring {made.name} was not finished: run it again\n',
    )
    status, said = command('backup', made.parent, '--no-web')
    assert (status, said) == (2, f'restoring {made.name} was not finished\n')
    assert IncomingRunner('in')._one_iteration() == 0
    assert command('restore', made, '--no-web')[0] == 0
    assert found(address) is not None
    assert waiting('in') == ['<m1@example.net>']
    assert not Path(config.VAR_DIR, 'restore-unfinished').exists()


def test_a_database_is_restored_whole_or_not_at_all(
    mlist: Any, emptied: Any, tmp_path: Path
) -> None:
    url = config.db.engine.url
    with databases.snapshot(url) as copy:
        # What is written afterwards is not of its moment.
        store().execute(text('DELETE FROM member'))
        config.db.commit()
        copy(tmp_path / 'copy')
    emptied()
    damaged = tmp_path / 'damaged'
    damaged.write_bytes((tmp_path / 'copy').read_bytes()[:4000])
    config.db.engine.dispose()
    with pytest.raises(container.BackupError):
        databases.restore(url, damaged)
    assert databases.has_rows(url, restoring.EMPTY) == []
    assert databases.rows(url, 'SELECT version_num FROM alembic_version')
    databases.restore(url, tmp_path / 'copy')
    assert databases.has_rows(url, restoring.EMPTY) == [
        'mailinglist',
        'member',
        'address',
        'user',
    ]


def test_the_newest_are_kept_and_what_was_left_over_goes(
    core: Any, command: Any, tmp_path: Path
) -> None:
    (tmp_path / '.qnet-unfinished').mkdir()
    (tmp_path / '.qnet-unfinished/backup.tar').write_bytes(b'half')
    for day in ('20260101T000000Z', '20260102T000000Z'):
        (tmp_path / f'qnet-{day}.tar').touch()
    (tmp_path / 'notes.txt').touch()
    secret = tmp_path / 'dkim' / 'key.private'
    secret.parent.mkdir()
    secret.write_text('a key')
    status, said = command(
        'backup', tmp_path, '--no-web', '--keep', '2', '--also', secret.parent
    )
    assert status == 0, said
    left = sorted(path.name for path in tmp_path.iterdir())
    assert left[:3] == ['dkim', 'notes.txt', 'qnet-20260102T000000Z.tar']
    assert len(left) == 4
    parts = container.verify(tmp_path / left[3]).parts
    assert f'also{secret}' in parts
    assert f'configuration{core.cfg}' in parts
    assert f'configuration{core.var}/qnet.cfg' in parts


def end() -> None:
    os._exit(KILLED)


@pytest.mark.parametrize('where', ['folders.keep', 'making.Writer.finish'])
def test_killed_it_keeps_nobody_waiting_and_leaves_no_backup(
    mlist: Any, tmp_path: Path, command: Any, monkeypatch: Any, where: str
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(f'qnet_mailman.backup.{where}', lambda *args: end())
        killed = in_a_process(lambda: making.make(tmp_path, web=False))
    assert killed == KILLED
    assert not list(tmp_path.glob('*.tar'))
    assert not standstill.is_wanted()
    assert IncomingRunner('in')._one_iteration() == 1
    assert command('backup', tmp_path, '--no-web')[0] == 0
    assert os.listdir(tmp_path) == [path.name for path in tmp_path.glob('qnet-*.tar')]
    assert not Path(config.VAR_DIR, 'backup-unfinished').exists()

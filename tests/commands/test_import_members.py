# SPDX-License-Identifier: GPL-3.0-or-later
"""`mailman qnet import-members`."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner, Result
from mailman.interfaces.member import MemberRole
from mailman.interfaces.usermanager import IUserManager
from mailman.model.address import Address
from mailman.model.member import Member
from mailman.model.preferences import Preferences
from mailman.model.uid import UID
from mailman.model.user import User
from mailman.utilities.datetime import now
from sqlalchemy import func, select, text
from zope.component import getUtility

from qnet_mailman.commands.cli_qnet import qnet
from qnet_mailman.model.audit import QNetAudit
from qnet_mailman.model.base import store
from qnet_mailman.provisioning import importing
from tests.effort import effort

FILE = """\
EmailAddr_,FullName_,MemberType_,DateJoined_
New@example.org,Nell New,normal,2019-01-02
new@example.org,Nell Again,normal,2019-01-02
there@example.org,There,normal,2019-01-02
banned@example.org,Ban,normal,2019-01-02
held@example.org,Held,held,2019-01-02
gone@example.org,Gone,unsub,2019-01-02
gone@example.org,Gone,normal,2019-01-02
waiting@example.org,Wait,confirm,2019-01-02
"=cmd()@example",Formula,normal,2019-01-02
header@example.org,"Nell
Bcc: victim@example.org",normal,2019-01-02
"""

pytestmark = pytest.mark.mlist(
    members=['there@example.org'], banned=['banned@example.org']
)


def run(*arguments: str) -> Result:
    result = CliRunner().invoke(qnet, arguments)
    assert isinstance(result.exception, SystemExit | None), result.exc_info
    return result


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / 'members.csv'
    path.write_text(FILE, encoding='utf-8')
    return path


def join(mlist: Any, email: str, name: str = '') -> Any:
    user = getUtility(IUserManager).make_user(email, name)
    (address,) = user.addresses
    address.verified_on = now()
    return mlist.subscribe(address, send_welcome_message=False)


def members(mlist: Any) -> set[str]:
    return {address.email for address in mlist.members.addresses}


def test_who_can_be_a_member_is_and_the_rest_is_listed(
    mlist: Any, file: Path, tmp_path: Path
) -> None:
    report = tmp_path / 'report.csv'
    result = run(
        'import-members', mlist.fqdn_listname, str(file), '--report', str(report)
    )
    assert result.exit_code == 0, result.output
    assert [' '.join(line.split()) for line in result.output.splitlines()] == [
        f'{file}: 10 rows for {mlist.fqdn_listname}',
        '2 subscribed',
        '1 left out: already subscribed',
        '1 left out: duplicate',
        '1 left out: invalid',
        '1 left out: banned',
        '1 left out: held',
        '1 left out: unsubscribed',
        '2 left out: not active',
        f'rows left out are in {report}',
    ]
    subscribed = {'new@example.org', 'header@example.org'}
    assert members(mlist) == {'there@example.org', *subscribed}
    # What was a line break is a space, and no field of a message.
    found = getUtility(IUserManager).get_address('header@example.org')
    assert found.display_name == 'Nell Bcc: victim@example.org'
    with report.open(encoding='utf-8-sig', newline='') as lines:
        rows = list(csv.reader(lines))
    assert rows[0] == ['line', 'email', 'name', 'result', 'reason']
    assert [(row[0], row[1], row[3]) for row in rows[1:]] == [
        ('3', 'new@example.org', 'duplicate'),
        ('4', 'there@example.org', 'already subscribed'),
        ('5', 'banned@example.org', 'banned'),
        ('6', 'held@example.org', 'held'),
        ('7', 'gone@example.org', 'unsubscribed'),
        ('8', 'gone@example.org', 'not active'),
        ('9', 'waiting@example.org', 'not active'),
        ('10', "'=cmd()@example", 'invalid'),
    ]
    assert rows[1][4] == 'line 2 has it first'


def test_json_dry_run_and_again(mlist: Any, file: Path) -> None:
    arguments = ('import-members', mlist.fqdn_listname, str(file), '--json')
    counts = {'already': 1, 'duplicate': 1, 'invalid': 1, 'banned': 1, 'held': 1}
    counts |= {'list_address': 0, 'unsubscribed': 1, 'inactive': 2}
    about = {'list': mlist.fqdn_listname, 'file': str(file), 'rows': 10}
    planned = json.loads(run(*arguments, '--dry-run').output)
    assert planned == {**about, 'dry_run': True, 'subscribed': 2, **counts}
    assert members(mlist) == {'there@example.org'}
    done = json.loads(run(*arguments).output)
    assert done == {**about, 'dry_run': False, 'subscribed': 2, **counts}
    again = json.loads(run(*arguments).output)
    assert (again['subscribed'], again['already']) == (0, 3)


def test_the_audit_log_tells_each_batch(
    mlist: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, 'BATCH', 2)
    path = tmp_path / 'members.csv'
    path.write_text('\n'.join(f'p{n}@example.org' for n in range(5)), encoding='utf-8')
    assert run('import-members', mlist.fqdn_listname, str(path)).exit_code == 0
    details = store().scalars(
        select(QNetAudit.detail)
        .where(QNetAudit.action == 'member added')
        .order_by(QNetAudit.id)
    )
    counts = [json.loads(each).get('count') for each in details]
    assert counts[-3:] == [2, 2, 1]


def test_an_interrupted_import_is_completed_by_the_next(
    core: SimpleNamespace,
    mlist: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(importing, 'BATCH', 2)
    path = tmp_path / 'members.csv'
    path.write_text('\n'.join(f'p{n}@example.org' for n in range(5)), encoding='utf-8')
    calls = iter((True, False))
    subscribe = importing.subscribe_people

    def killed(*arguments: Any) -> list[str]:
        new = subscribe(*arguments)
        if next(calls):
            return new
        raise KeyboardInterrupt

    monkeypatch.setattr(importing, 'subscribe_people', killed)
    CliRunner().invoke(qnet, ['import-members', mlist.fqdn_listname, str(path)])
    core.config.db.abort()
    assert len(members(mlist)) == 3
    monkeypatch.setattr(importing, 'subscribe_people', subscribe)
    run('import-members', mlist.fqdn_listname, str(path))
    assert len(members(mlist)) == 6
    addresses = store().scalar(select(func.count(Address.id)))
    assert addresses == store().scalar(select(func.count(User.id))) == 6


TABLES = (Address, Member, Preferences, User, UID)


def rows_of(emails: list[str]) -> list[list[Any]]:
    """Every column of every row about some members, without ids and times."""
    unlike = {'id', 'preferences_id', 'address_id', 'user_id', 'email'}
    unlike |= {'_member_id', '_user_id', 'verified_on', 'registered_on', '_created_on'}
    found = []
    for email in emails:
        address = store().scalar(select(Address).where(Address.email == email))
        assert address is not None
        (member,) = store().scalars(
            select(Member).where(Member.address_id == address.id)
        )
        parts = (
            *(address, address.preferences, address.user, address.user.preferences),
            *(member, member.preferences),
        )
        assert len({id(part) for part in parts}) == 6
        assert member.role is MemberRole.member
        assert address.verified_on and address.registered_on and address.user.created_on
        uids = select(func.count(UID.id)).where(
            UID.uid.in_([member.member_id, address.user.user_id])
        )
        assert store().scalar(uids) == 2
        found.append(
            [
                (type(part).__name__, column.name, value)
                for part in parts
                for column in part.__table__.columns
                if column.name not in unlike
                for value in [
                    store().scalar(select(column).where(part.__table__.c.id == part.id))
                ]
            ]
        )
    return found


def test_the_same_rows_as_a_subscription_makes(
    core: SimpleNamespace, make_list: Any, tmp_path: Path
) -> None:
    ours, stock = make_list(), make_list()
    names = ['Ann', '', 'Bö Müller']

    def counts() -> list[int]:
        return [store().scalar(select(func.count(each.id))) or 0 for each in TABLES]

    before = counts()
    for place, name in enumerate(names):
        join(stock, f'Stock{place}@example.org', name)
    core.config.db.commit()
    between = counts()
    path = tmp_path / 'members.csv'
    lines = [f'Stock{place}@example.net,{name}' for place, name in enumerate(names)]
    path.write_text('\n'.join(['email,name', *lines]), encoding='utf-8')
    assert run('import-members', ours.fqdn_listname, str(path)).exit_code == 0
    after = counts()
    assert [b - a for a, b in zip(before, between, strict=True)] == [
        b - a for a, b in zip(between, after, strict=True)
    ]

    def rows(domain: str, mlist: Any) -> list[list[Any]]:
        made = rows_of([f'stock{place}@{domain}' for place in range(len(names))])
        replaced = {mlist.list_id: 'the list', f'@{domain}': '@'}
        return [
            [
                (table, column, replaced.get(value, value))
                if column != '_original'
                else (table, column, str(value).replace(f'@{domain}', '@'))
                for table, column, value in row
            ]
            for row in made
        ]

    assert rows('example.net', ours) == rows('example.org', stock)


def test_who_is_known_keeps_their_user(
    core: SimpleNamespace, make_list: Any, tmp_path: Path
) -> None:
    ours, other = make_list(), make_list()
    join(other, 'known@example.org', 'Known')
    unlinked = getUtility(IUserManager).create_address('unlinked@example.org')
    core.config.db.commit()
    path = tmp_path / 'members.csv'
    path.write_text('Known@example.org\nunlinked@example.org\n', encoding='utf-8')
    run('import-members', ours.fqdn_listname, str(path))
    assert members(ours) == {'known@example.org', 'unlinked@example.org'}
    member = ours.members.get_member('known@example.org')
    assert member.user.display_name == 'Known'
    store().refresh(unlinked)
    assert unlinked.verified_on is not None and unlinked.user is not None


def test_welcome_messages_are_sent_if_wanted(
    core: SimpleNamespace, mlist: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, 'WELCOMED', 2)
    slept: list[float] = []
    monkeypatch.setattr(importing.time, 'sleep', slept.append)
    switchboard = core.config.switchboards['virgin']
    for count, flags in ((0, ()), (3, ('--welcome',))):
        path = tmp_path / f'{count}.csv'
        lines = [f'p{count}{n}@example.org' for n in range(3)]
        path.write_text('\n'.join(lines), encoding='utf-8')
        run('import-members', mlist.fqdn_listname, str(path), *flags)
        assert len(switchboard.files) == count
    assert slept == [importing.PAUSE]


def test_a_thousand_members_take_few_statements(
    core: SimpleNamespace, mlist: Any, tmp_path: Path
) -> None:
    path = tmp_path / 'members.csv'
    path.write_text(
        '\n'.join(f'p{n}@example.org' for n in range(1000)), encoding='utf-8'
    )
    with effort() as spent:
        run('import-members', mlist.fqdn_listname, str(path))
    assert mlist.members.member_count == 1001
    assert len(spent.statements) < 40
    if core.config.db.engine.dialect.name == 'postgresql':
        # It need not find out by itself how many there are now.
        query = text("SELECT reltuples FROM pg_class WHERE relname = 'member'")
        assert core.config.db.store.scalar(query) >= 1000


def test_what_stops_an_import_before_anything_is_changed(
    mlist: Any, file: Path, tmp_path: Path, configure: Any
) -> None:
    (tmp_path / 'there.csv').write_text('kept', encoding='utf-8')
    name = mlist.fqdn_listname
    for arguments, message in (
        (('hqr-updatez@lists.example.gov', str(file)), 'there is no list hqr-updatez@'),
        ((name, 'missing.csv'), 'missing.csv: cannot be read: No such file'),
        (
            (name, str(file), '--report', str(tmp_path / 'there.csv')),
            'there.csv: cannot be written: File exists',
        ),
    ):
        result = run('import-members', *arguments)
        assert (result.exit_code, result.stdout) == (1, '')
        assert message in result.stderr
    configure(members_max_size='100 B', members_max_rows='3')
    result = run('import-members', name, str(file))
    assert 'is larger than 100 bytes (members_max_size in qnet.cfg)' in result.stderr
    assert members(mlist) == {'there@example.org'}

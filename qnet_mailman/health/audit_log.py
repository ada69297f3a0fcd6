# SPDX-License-Identifier: GPL-3.0-or-later
"""The audit log and the settings that it tells of: do they say what is so (R31)?"""

from __future__ import annotations

from collections.abc import Iterator

from mailman.model.mailinglist import MailingList
from mailman.utilities.datetime import now
from sqlalchemy import bindparam, select, text, tuple_

from qnet_mailman.clock import in_words
from qnet_mailman.health.finding import Finding, from_database, named
from qnet_mailman.model import log_owner, redaction, seals
from qnet_mailman.model.base import store
from qnet_mailman.model.lists import QNetList
from qnet_mailman.settings import Settings
from qnet_mailman.styles import pipelines, replies
from qnet_mailman.values import ListType

_PARTED = (
    select(MailingList.list_name, MailingList.mail_host)
    .join(QNetList, QNetList.list_id == MailingList._list_id)
    .where(MailingList.posting_pipeline != pipelines.OURS)
    .order_by(MailingList._list_id)
)
_REPLIES = (QNetList.list_type, MailingList.default_member_action)
_KINDS_OF_REPLIES = (
    select(*_REPLIES)
    .join(MailingList, QNetList.list_id == MailingList._list_id)
    .distinct()
)
_OF_KINDS = (
    select(MailingList.list_name, MailingList.mail_host)
    .join(QNetList, QNetList.list_id == MailingList._list_id)
    .where(tuple_(*_REPLIES).in_(bindparam('kinds', expanding=True)))
    .order_by(MailingList._list_id)
)
_CAN_REWRITE = text(
    "SELECT bool_or(has_table_privilege(c.oid, 'UPDATE, DELETE, TRUNCATE') "
    "OR pg_has_role(c.relowner, 'MEMBER') OR pg_has_role(n.nspowner, 'MEMBER') "
    "OR pg_has_role(d.datdba, 'MEMBER')) "
    'FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace '
    'JOIN pg_database d ON d.datname = current_database() '
    "WHERE c.oid IN ('qnet_audit'::regclass, 'qnet_audit_seal'::regclass)"
)


@from_database
def append_only() -> Iterator[Finding]:
    """On PostgreSQL; on SQLite the file is the service's, whatever it holds."""
    if store().get_bind().dialect.name == 'sqlite':
        return
    if store().scalar(_CAN_REWRITE):
        yield Finding(
            'warning',
            'audit log',
            "append-only is not enforced: the service's own role could take the "
            'triggers away that refuse a change',
            'Run etc/postgresql/audit-log.sql, which gives the log to a role of its '
            'own.',
        )
    else:
        yield Finding(
            'ok', 'audit log', "the service's role can add to it, and no more"
        )


@from_database
def retention(settings: Settings) -> Iterator[Finding]:
    """Whether what is older than `audit_retention` is redacted."""
    before = now() - settings.audit_retention - redaction.LATE
    if not redaction.due(before):
        return
    lend = log_owner.how_to_lend(store())
    yield Finding(
        'warning',
        'audit log',
        'it has addresses of senders and strangers for longer than audit_retention',
        'Say "mailman qnet audit --redact".'
        if lend is None
        else f'Run: {lend}; mailman qnet audit --redact; {log_owner.GIVE_BACK}.',
    )


@from_database
def parted() -> Iterator[Finding]:
    """Lists of ours with a pipeline that does not do what their settings say."""
    names = [f'{name}@{host}' for name, host in store().execute(_PARTED)]
    if names:
        yield Finding(
            'error',
            'lists',
            f'posts are not masked, whatever mask says, by another pipeline: '
            f'{named(names)}',
            f'Set their posting_pipeline to {pipelines.OURS} (mailman shell).',
        )
    wrong = [
        (kind, action)
        for kind, action in store().execute(_KINDS_OF_REPLIES)
        if not replies.fits(ListType(kind), action)
    ]
    if wrong:
        rows = store().execute(_OF_KINDS, {'kinds': wrong})
        names = [f'{name}@{host}' for name, host in rows]
        yield Finding(
            'warning',
            'lists',
            "Postorius shows another default action for members' posts than replies, "
            f'by which they are decided: {named(names)}',
            'Choose there (Settings, Message Acceptance) to reject on notification '
            'lists, and to hold on the others.',
        )


@from_database
def sealed() -> Iterator[Finding]:
    """Rows get their seals, and are in `audit_file` where there is one."""
    since = seals.waits_since()
    if since is not None:
        yield Finding(
            'error',
            'audit log',
            f'rows wait for their seal, and for audit_file, since {in_words(since)}',
            'See "periodic work failed" in mailman.log: is the task runner there, can '
            'audit_file be written?',
        )

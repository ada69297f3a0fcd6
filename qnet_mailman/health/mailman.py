# SPDX-License-Identifier: GPL-3.0-or-later
"""How Mailman is set up: the plugin, the database, mailman.cfg, maps and runners."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from mailman.config import config
from mailman.model.mailinglist import MailingList
from mailman.utilities.datetime import now
from sqlalchemy import select, text
from sqlalchemy.exc import SQLAlchemyError

from qnet_mailman import site
from qnet_mailman.health.finding import Finding, from_database, named
from qnet_mailman.model import keys
from qnet_mailman.model.base import store
from qnet_mailman.model.lists import QNetList
from qnet_mailman.mta import hosts, postfix
from qnet_mailman.queues import restored, shunted
from qnet_mailman.setup import mailman_cfg, startup
from qnet_mailman.styles import reserved

MAX_CLASHES = 20
"""Lists whose addresses clash that are named."""
MAX_REASONS = 10
"""Reasons that are named for which messages wait."""
STOCK_PASSWORD = 'restpass'
"""What Mailman's REST server has as its password where nobody set one."""


def plugin() -> Iterator[Finding]:
    """Whether this process, and so any runner, may work."""
    try:
        startup.setup()
    except site.NotReady as error:
        for line in str(error).splitlines():
            yield Finding(
                'error',
                'plugin',
                f'{line} (mail stays in its queues)',
                'Put right what it names; runners look again every few seconds.',
            )
    else:
        yield Finding('ok', 'plugin', f'set up from {startup.settings_path()}')
    if (wrong := keys.reason_no_day(now().date())) is not None:
        yield Finding(
            'error',
            'clock',
            f'{wrong} (mail stays in its queues)',
            "Set this host's clock, best by NTP.",
        )
    try:
        hosts.configured()
    except ValueError as error:
        yield Finding(
            'error',
            'mail server',
            f'{error} (mail stays in its queues)',
            'Correct [mta] smtp_host in mailman.cfg.',
        )
    if (wrong := mailman_cfg.reason_not_to_send()) is not None:
        yield Finding(
            'error',
            'mail server',
            f'{wrong} (their mail waits)',
            'Take over the [mta] section of etc/mailman.cfg, and start Mailman again.',
        )
    if config.webservice.admin_pass == STOCK_PASSWORD:
        yield Finding(
            'error',
            'REST',
            "admin_pass of [webservice] is Mailman's own, which everybody knows: who "
            'reaches the REST server is the master of all lists',
            'Set a long random one in mailman.cfg, the same as MAILMAN_REST_API_PASS '
            'on the web side.',
        )


def obstacles() -> Iterator[str]:
    """Why mail stays in its queues; nothing where it does not."""
    if site.reason_not_ready() is not None:
        # It may have been put right.
        with suppress(site.NotReady):
            startup.setup()
    if (reason := site.reason_not_ready()) is not None:
        yield reason
    if (wrong := keys.reason_no_day(now().date())) is not None:
        yield wrong
    if (why := restored.reason_to_wait()) is not None:
        yield why
    if (found := database()).level != 'ok':
        yield found.text


def database() -> Finding:
    """Whether the database answers."""
    try:
        config.db.store.execute(text('SELECT 1'))
        config.db.commit()
    except SQLAlchemyError as error:
        config.db.abort()
        return Finding(
            'error',
            'database',
            site.describe(error),
            'Start the database, or correct [database] url in mailman.cfg.',
        )
    return Finding('ok', 'database', config.db.engine.dialect.name)


def class_of(runner: str) -> str | None:
    """The class that mailman.cfg names for a runner."""
    classes = {section.name: section['class'] for section in config.runner_configs}
    return classes.get(runner)


def rest() -> Iterator[Finding]:
    """Whether the REST server looks at the size of what it reads."""
    wanted = mailman_cfg.REST
    if class_of('runner.rest') != wanted:
        yield Finding(
            'warning',
            'REST',
            'requests of any size are read',
            f'Set [runner.rest] class in mailman.cfg to {wanted}, as in '
            'etc/mailman.cfg.',
        )


@from_database
def addresses() -> Iterator[Finding]:
    """Lists at whose addresses something else is reached, or should be."""
    remedy = 'Give the list another name (Mailman cannot rename one: make it anew).'
    found = reserved.clashes()
    for address, why in list(found.items())[:MAX_CLASHES]:
        yield Finding('warning', 'lists', f'there is a list {address}, {why}', remedy)
    if len(found) > MAX_CLASHES:
        more = len(found) - MAX_CLASHES
        yield Finding(
            'warning', 'lists', f'and {more} more lists of such names', remedy
        )


@from_database
def maps() -> Iterator[Finding]:
    """Whether a Postfix beside Mailman knows where bounces and answers come back."""
    incoming = config.mta.incoming
    if incoming == postfix.STOCK:
        yield Finding(
            'error',
            'mail server',
            'bounces and answers do not come back: the maps of Postfix lack their '
            'addresses',
            f'Set [mta] incoming in mailman.cfg to {postfix.OURS}, as in '
            'etc/mailman.cfg; then "mailman aliases".',
        )
    if incoming == postfix.OURS and (missing := postfix.missing()):
        yield Finding(
            'error',
            'mail server',
            f'the map of Postfix lacks {named(missing)}: bounces and answers do not '
            'come back',
            'Write it anew with "mailman aliases".',
        )


@from_database
def verp() -> Iterator[Finding]:
    """Settings that are off without which lists of other styles know less."""
    ours = select(QNetList.list_id)
    others = select(MailingList.id).where(MailingList._list_id.not_in(ours))
    if store().scalar(others.limit(1)) is None:
        return
    for name, (value, meaning) in _VERP.items():
        if config.mta[name].strip().lower() in _OFF:
            yield Finding(
                'warning',
                'mailman.cfg',
                f'{name} is off: on lists of other styles {meaning}',
                f'Set {name} to {value} in [mta] of mailman.cfg, and start Mailman '
                'again.',
            )


_OFF = ('no', 'off', 'false', '0')
_BOUNCES = 'who bounced is known from the text of reports alone'
_VERP = {
    'verp_delivery_interval': ('1', _BOUNCES),
    'verp_personalized_deliveries': (
        'yes',
        f'with a copy for each reader, {_BOUNCES}',
    ),
    'verp_confirmations': ('yes', 'an answer confirms only where it keeps the subject'),
}


def unprocessed() -> Iterator[Finding]:
    """What its stage could not process, with the reasons."""
    for name in ('shunt', 'bad'):
        if waiting := shunted.how_many(name):
            yield from _unprocessed(name, waiting)


def _unprocessed(name: str, waiting: int) -> Iterator[Finding]:
    subject = f'queue {name}'
    yield Finding(
        'error',
        subject,
        f'{waiting} messages need a look',
        'Look at one with "mailman qfile"; "mailman unshunt" tries them again.',
    )
    try:
        reasons = shunted.reasons(name)
        config.db.commit()
    except SQLAlchemyError:
        # Told already.
        config.db.abort()
        return
    for reason, count in reasons[:MAX_REASONS]:
        yield Finding('error', subject, f'{count}: {reason}')
    if len(reasons) > MAX_REASONS:
        more = len(reasons) - MAX_REASONS
        yield Finding('error', subject, f'and {more} more reasons')

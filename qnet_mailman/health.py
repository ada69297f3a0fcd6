# SPDX-License-Identifier: GPL-3.0-or-later
"""The health of the service, for `mailman qnet check`."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import timedelta
from http import HTTPStatus
from typing import Literal

import requests
from mailman.config import config
from mailman.utilities.datetime import now
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from qnet_mailman import site
from qnet_mailman.clock import moment_as_text
from qnet_mailman.core_credential import USER, password_from
from qnet_mailman.model import keys, limits
from qnet_mailman.model.finding import list_at
from qnet_mailman.mta import hosts, postfix
from qnet_mailman.posting import door
from qnet_mailman.queues import shunted
from qnet_mailman.review import desk, desk_wire
from qnet_mailman.review.requests import how_many
from qnet_mailman.roles import overview
from qnet_mailman.settings import PosterAuthentication, Settings
from qnet_mailman.setup import mailman_cfg, startup
from qnet_mailman.styles import reserved
from qnet_mailman.subscriptions import sign_up

MIN_SIGN_UPS = 20
"""Requests to join in a month from which the share that nobody confirms tells much."""
SHOWN = 3
"""Lists that a finding names."""
MAX_CLASHES = 20
"""Lists whose addresses clash that are named."""
MAX_REASONS = 10
"""Reasons that are named for which messages wait."""
WEB_TIMEOUT = (5, 60)
"""Seconds to wait for a connection to the web side, and for its answer: it asks each
provider, which may take some time itself."""

DOOR_TIMEOUT = 60
"""Seconds until a message through our mail server must have come."""
DOOR_POLL = 0.1
"""Seconds between two looks whether it has."""

Level = Literal['ok', 'warning', 'error']


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    :ivar level: `error` where mail is not processed or promises are not kept.
    """

    level: Level
    subject: str
    text: str

    def as_dict(self) -> dict[str, str]:
        """The finding as plain data."""
        return asdict(self)


def examine(*, web: bool = True, mail: bool = True) -> list[Finding]:
    """Look at everything that must be right.

    :param web: Whether to ask the web side, too.
    :param mail: Whether to send a message through the mail server, too.
    """
    findings = list(_plugin())
    findings.append(_database())
    if site.reason_not_ready() is None:
        findings.extend(_settings(site.settings()))
        findings.extend(_roles(site.settings()))
        if web:
            findings.extend(_web(site.settings()))
        findings.extend(_door(site.settings(), try_it=mail))
        findings.extend(_forms(site.settings()))
        findings.extend(_ticket_system(site.settings()))
        findings.extend(_sign_ups(site.settings()))
        findings.extend(_addresses())
        findings.extend(_maps())
        findings.extend(_rest())
    findings.extend(_queues())
    return findings


def _plugin() -> Iterator[Finding]:
    try:
        startup.setup()
    except site.NotReady as error:
        for line in str(error).splitlines():
            yield Finding('error', 'plugin', f'{line} (mail stays in its queues)')
    else:
        yield Finding('ok', 'plugin', f'set up from {startup.settings_path()}')
    if (wrong := keys.reason_no_day(now().date())) is not None:
        yield Finding('error', 'clock', f'{wrong} (mail stays in its queues)')
    try:
        hosts.configured()
    except ValueError as error:
        yield Finding('error', 'mail server', f'{error} (mail stays in its queues)')
    if (wrong := mailman_cfg.reason_not_to_send()) is not None:
        yield Finding('error', 'mail server', f'{wrong} (their mail waits)')


def _database() -> Finding:
    try:
        config.db.store.execute(text('SELECT 1'))
        config.db.commit()
    except SQLAlchemyError as error:
        config.db.abort()
        return Finding('error', 'database', site.describe(error))
    return Finding('ok', 'database', config.db.engine.dialect.name)


def _settings(settings: Settings) -> Iterator[Finding]:
    for key in ('domain', 'support_address'):
        value = getattr(settings, key)
        if value.endswith(('example.gov', 'example.org', 'example.com')):
            yield Finding('warning', 'qnet.cfg', f'{key} is still the example: {value}')
    if settings.poster_authentication is PosterAuthentication.off:
        yield Finding(
            'warning',
            'qnet.cfg',
            'poster_authentication is off: anybody can post in the name of a person '
            'with posting privileges',
        )
    elif not settings.trusted_authserv_ids:
        yield Finding(
            'warning',
            'qnet.cfg',
            'trusted_authserv_ids is empty: every post of a person with posting '
            'privileges will be held',
        )


def _door(settings: Settings, *, try_it: bool) -> Iterator[Finding]:
    """Whether strangers can write fields in our servers' names (R37)."""
    server = settings.outside_mail_server
    if not settings.trusted_authserv_ids:
        return
    if server is None:
        yield Finding(
            'warning',
            'door',
            'nothing shows that forged Authentication-Results are dropped where mail '
            'comes in, and without that a stranger can post in the name of anybody: '
            'name the server as outside_mail_server in qnet.cfg, and it is tried',
        )
    elif try_it:
        try:
            yield _tried(server, settings)
        except SQLAlchemyError:
            # Told already.
            config.db.abort()


def _tried(server: str, settings: Settings) -> Finding:
    probe = door.begin(settings)
    config.db.commit()
    if probe is None:
        return Finding('warning', 'door', f'{server} is not tried: there are no lists')
    try:
        door.send(probe, settings)
        came = _awaited(probe)
    except OSError as error:
        why = site.describe(error)
        return Finding(
            'warning',
            'door',
            f'whether {server} drops forged Authentication-Results is not known: {why}',
        )
    finally:
        door.end(probe)
        config.db.commit()
    if came:
        return Finding(
            'error',
            'door',
            f'{server} lets forged Authentication-Results in ({", ".join(came)}): '
            'anybody can post in the name of a person with posting privileges. It must '
            'drop them before a checker runs. OpenDMARC without that before it, and '
            'with SPFSelfValidate, believes them ("Showing that a post comes from its '
            'author" in the guide)',
        )
    return Finding('ok', 'door', f'{server} drops forged Authentication-Results')


def _awaited(probe: door.Probe) -> list[str]:
    """What came through.

    :raises TimeoutError: where nothing came.
    """
    deadline = time.monotonic() + DOOR_TIMEOUT
    while (came := door.what_came(probe)) is None:
        # Another process writes it down.
        config.db.commit()
        if time.monotonic() > deadline:
            raise TimeoutError(
                f'the message did not come to Mailman within {DOOR_TIMEOUT} seconds'
            )
        time.sleep(DOOR_POLL)
    return came


def _roles(settings: Settings) -> Iterator[Finding]:
    """Lists that nobody administers, and grants that end or are not there (R24)."""
    moment = now()
    try:
        lists = overview.unattended_lists()
        active = overview.how_many_active(moment)
        ending = overview.how_many_active(moment, moment + settings.role_warning)
        config.db.commit()
    except SQLAlchemyError:
        # Told already.
        config.db.abort()
        return
    if not active:
        yield Finding(
            'warning',
            'roles',
            'nobody has a role: nobody can administer or moderate a list ("mailman '
            'qnet roles import")',
        )
    else:
        days = settings.role_warning.days
        yield Finding(
            'ok', 'roles', f'{active} active grants, {ending} expire within {days} days'
        )
    if lists:
        named = ', '.join(lists[:SHOWN])
        more = f' and {len(lists) - SHOWN} more' if len(lists) > SHOWN else ''
        yield Finding(
            'warning',
            'roles',
            f'{len(lists)} lists without administrators: {named}{more}',
        )


def _web(settings: Settings) -> Iterator[Finding]:
    """Whether people can sign in (R24): the web side looks at its providers."""
    if settings.web_url is None:
        return
    url = f'{settings.web_url}/harp/connections/'
    try:
        with requests.Session() as session:
            answer = session.get(
                url,
                auth=(USER, password_from(config.webservice.admin_pass)),
                timeout=WEB_TIMEOUT,
                allow_redirects=False,
            )
        status = answer.status_code
        providers = answer.json()['providers'] if status == HTTPStatus.OK else []
        found = [
            (f'provider {each["provider"]}', each['issuer'], each['problem'])
            for each in providers
        ]
    except (requests.RequestException, LookupError, TypeError) as error:
        yield Finding('error', 'web', f'{url}: {type(error).__name__}')
        return
    if status == HTTPStatus.FORBIDDEN:
        yield Finding(
            'warning',
            'web',
            f'{url} does not know us: MAILMAN_REST_API_PASS there must be admin_pass '
            'of [webservice] in mailman.cfg here',
        )
    elif status != HTTPStatus.OK:
        yield Finding('error', 'web', f'{url}: status {status}')
    elif not found:
        yield Finding(
            'warning', 'web', 'OPENID_PROVIDERS is empty: nobody can sign in with HARP'
        )
    for subject, issuer, problem in found:
        if problem:
            yield Finding('error', subject, f'{issuer}: {problem}')
        else:
            yield Finding('ok', subject, f'{issuer} knows this site')


def _class_of(runner: str) -> str | None:
    classes = {section.name: section['class'] for section in config.runner_configs}
    return classes.get(runner)


def _rest() -> Iterator[Finding]:
    """Whether the REST server looks at the size of what it reads."""
    wanted = mailman_cfg.REST
    if _class_of('runner.rest') != wanted:
        yield Finding(
            'warning',
            'REST',
            'requests of any size are read: [runner.rest] class in mailman.cfg should '
            f'be {wanted}, as in etc/mailman.cfg',
        )


def _forms(settings: Settings) -> Iterator[Finding]:
    """The address for request forms, and requests that wait for long."""
    address = settings.forms_address
    if address is not None:
        # Without our LMTP runner the plugin is not set up at all.
        wanted = mailman_cfg.FORMS
        if _class_of('runner.forms') != wanted:
            yield Finding(
                'error',
                'forms',
                f'mail to {address} is put off: [runner.forms] class in mailman.cfg '
                f'must be {wanted}, as in etc/mailman.cfg',
            )
    old = now() - timedelta(days=settings.forms_wait_days)
    try:
        if address is not None and list_at(address) is not None:
            yield Finding(
                'error',
                'forms',
                f'{address} (forms_address in qnet.cfg) is the address of a list, too',
            )
        waiting = how_many()
        late = how_many(before=old)
        config.db.commit()
    except SQLAlchemyError:
        # Told already.
        config.db.abort()
        return
    if late:
        yield Finding(
            'warning',
            'forms',
            f'{late} of {waiting} requests have waited for more than '
            f'{settings.forms_wait_days} days ("mailman qnet forms list")',
        )
    if waiting >= settings.forms_max_waiting:
        yield Finding(
            'error',
            'forms',
            f'{waiting} requests wait, and no more are taken (forms_max_waiting in '
            'qnet.cfg)',
        )


def _ticket_system(settings: Settings) -> Iterator[Finding]:
    """Whether the site's ticket system can be told, and hears."""
    if not settings.has_ticket_system:
        return
    try:
        desk_wire.secret_of(settings)
    except desk_wire.NotHeard as error:
        yield Finding('error', 'ticket system', f'nothing is told: {error}')
    try:
        number, oldest = desk.waiting()
        config.db.commit()
    except SQLAlchemyError:
        # Told already.
        config.db.abort()
        return
    if oldest is not None and oldest < now() - desk.LONGEST_WAIT:
        yield Finding(
            'warning',
            'ticket system',
            f'{number} steps of requests are not heard of, since '
            f'{moment_as_text(oldest)}; the log says why (mailman.plugins)',
        )


def _sign_ups(settings: Settings) -> Iterator[Finding]:
    """How many never confirm that they want to join, and whether they are reminded."""
    if settings.signup_reminder >= settings.signup_lifetime:
        yield Finding(
            'warning',
            'sign-ups',
            'nobody is reminded: signup_reminder in qnet.cfg is not shorter than '
            'signup_lifetime',
        )
    try:
        never = limits.counted(sign_up.EXPIRED)
        both = never + limits.counted(sign_up.CONFIRMED)
        config.db.commit()
    except SQLAlchemyError:
        # Told already.
        config.db.abort()
        return
    if both:
        unheard = both >= MIN_SIGN_UPS and never * 2 > both
        yield Finding(
            'warning' if unheard else 'ok',
            'sign-ups',
            f'{never} of {both} ({100 * never // both} %) were never confirmed in the '
            f'last {limits.MONTH.days} days'
            + ('; do the mails get into spam folders?' if unheard else ''),
        )


def _addresses() -> Iterator[Finding]:
    """Lists at whose addresses something else is reached, or should be."""
    try:
        found = reserved.clashes()
        config.db.commit()
    except SQLAlchemyError:
        # Told already.
        config.db.abort()
        return
    for address, why in list(found.items())[:MAX_CLASHES]:
        yield Finding('warning', 'lists', f'there is a list {address}, {why}')
    if len(found) > MAX_CLASHES:
        more = len(found) - MAX_CLASHES
        yield Finding('warning', 'lists', f'and {more} more lists of such names')


def _maps() -> Iterator[Finding]:
    """Whether a Postfix beside Mailman knows where bounces and answers come back."""
    incoming = config.mta.incoming
    if incoming == postfix.STOCK:
        yield Finding(
            'error',
            'mail server',
            'bounces and answers do not come back: [mta] incoming in mailman.cfg must '
            f'be {postfix.OURS}, as in etc/mailman.cfg; then "mailman aliases"',
        )
    if incoming != postfix.OURS:
        return
    try:
        missing = postfix.missing()
        config.db.commit()
    except SQLAlchemyError:
        # Told already.
        config.db.abort()
        return
    if missing:
        yield Finding(
            'error',
            'mail server',
            f'the map of Postfix lacks {", ".join(missing[:SHOWN])}: bounces and '
            'answers do not come back ("mailman aliases")',
        )


def _queues() -> Iterator[Finding]:
    """What its stage could not process, with the reasons."""
    for name in ('shunt', 'bad'):
        waiting = shunted.how_many(name)
        if not waiting:
            continue
        yield Finding(
            'error',
            f'queue {name}',
            f'{waiting} messages need a look ("mailman unshunt", "mailman qfile")',
        )
        try:
            reasons = shunted.reasons(name)
            config.db.commit()
        except SQLAlchemyError:
            # Told already.
            config.db.abort()
            continue
        for reason, count in reasons[:MAX_REASONS]:
            yield Finding('error', f'queue {name}', f'{count}: {reason}')
        if len(reasons) > MAX_REASONS:
            more = len(reasons) - MAX_REASONS
            yield Finding('error', f'queue {name}', f'and {more} more reasons')

# SPDX-License-Identifier: GPL-3.0-or-later
"""The site's settings, its people with roles, its request forms and tickets."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from mailman.config import config
from mailman.utilities.datetime import now

from qnet_mailman.clock import moment_as_text
from qnet_mailman.health.finding import Finding, from_database, named
from qnet_mailman.health.mailman import class_of
from qnet_mailman.model import limits
from qnet_mailman.model.finding import list_at
from qnet_mailman.review import desk, desk_wire
from qnet_mailman.review.requests import how_many
from qnet_mailman.roles import overview
from qnet_mailman.settings import PosterAuthentication, Settings
from qnet_mailman.setup import mailman_cfg
from qnet_mailman.subscriptions import sign_up

MIN_SIGN_UPS = 20
"""Requests to join in a month from which the share that nobody confirms tells much."""
EXAMPLES = ('example.gov', 'example.org', 'example.com')
"""Domains that nobody has (RFC 2606, section 3), and the one of our examples."""


def settings_file(settings: Settings) -> Iterator[Finding]:
    """Settings that cannot be meant so."""
    for file, key, value in (
        ('qnet.cfg', 'domain', settings.domain),
        ('qnet.cfg', 'support_address', settings.support_address),
        ('mailman.cfg', 'site_owner', config.mailman.site_owner),
    ):
        if value.endswith(EXAMPLES):
            yield Finding(
                'warning',
                file,
                f'{key} is still the example: {value}',
                f'Set {key} in {file} to your own.',
            )
    if settings.web_url is None:
        yield Finding(
            'warning',
            'qnet.cfg',
            'web_url is empty: mail has no link and no button to leave with (R15, RFC '
            '8058), which large providers ask for',
            'Set web_url to where people reach the web side.',
        )
    if settings.poster_authentication is PosterAuthentication.off:
        yield Finding(
            'warning',
            'qnet.cfg',
            'poster_authentication is off: anybody can post in the name of a person '
            'with posting privileges',
            'Leave it at its default, and name the servers that check in '
            'trusted_authserv_ids.',
        )
    elif not settings.trusted_authserv_ids:
        yield Finding(
            'warning',
            'qnet.cfg',
            'trusted_authserv_ids is empty: every post of a person with posting '
            'privileges will be held',
            'Name the servers that check SPF, DKIM and DMARC there ("Showing that a '
            'post comes from its author" in the guide).',
        )


@from_database
def roles(settings: Settings) -> Iterator[Finding]:
    """Lists that nobody administers, and grants that end or are not there (R24)."""
    moment = now()
    lists = overview.unattended_lists()
    active = overview.how_many_active(moment)
    ending = overview.how_many_active(moment, moment + settings.role_warning)
    if not active:
        yield Finding(
            'warning',
            'roles',
            'nobody has a role: nobody can administer or moderate a list',
            'Bring in who has one with "mailman qnet roles import".',
        )
    else:
        days = settings.role_warning.days
        yield Finding(
            'ok', 'roles', f'{active} active grants, {ending} expire within {days} days'
        )
    if lists:
        yield Finding(
            'warning',
            'roles',
            f'{len(lists)} lists without administrators: {named(lists)}',
            'See who is assigned with "mailman qnet roles show --list LIST", and what '
            'they wait for.',
        )


@from_database
def forms(settings: Settings) -> Iterator[Finding]:
    """The address for request forms, and requests that wait for long."""
    address = settings.forms_address
    if address is not None:
        # Without our LMTP runner the plugin is not set up at all.
        wanted = mailman_cfg.FORMS
        if class_of('runner.forms') != wanted:
            yield Finding(
                'error',
                'forms',
                f'mail to {address} is put off',
                f'Set [runner.forms] class in mailman.cfg to {wanted}, as in '
                'etc/mailman.cfg.',
            )
        if list_at(address) is not None:
            yield Finding(
                'error',
                'forms',
                f'{address} (forms_address in qnet.cfg) is the address of a list, too',
                'Choose another forms_address.',
            )
    waiting = how_many()
    late = how_many(before=now() - timedelta(days=settings.forms_wait_days))
    if late:
        yield Finding(
            'warning',
            'forms',
            f'{late} of {waiting} requests have waited for more than '
            f'{settings.forms_wait_days} days',
            'Decide about them: "mailman qnet forms list", or /requests/ on the web.',
        )
    if waiting >= settings.forms_max_waiting:
        yield Finding(
            'error',
            'forms',
            f'{waiting} requests wait, and no more are taken (forms_max_waiting in '
            'qnet.cfg)',
            'Decide about them; "mailman qnet forms return --no-mail" is for spam.',
        )


@from_database
def ticket_system(settings: Settings) -> Iterator[Finding]:
    """Whether the site's ticket system can be told, and hears."""
    if not settings.has_ticket_system:
        return
    try:
        desk_wire.secret_of(settings)
    except desk_wire.NotHeard as error:
        yield Finding(
            'error',
            'ticket system',
            f'nothing is told: {error}',
            'Write the secret into that file, readable for Mailman alone.',
        )
    number, oldest = desk.waiting()
    if oldest is not None and oldest < now() - desk.LONGEST_WAIT:
        yield Finding(
            'warning',
            'ticket system',
            f'{number} steps of requests are not heard of, since '
            f'{moment_as_text(oldest)}',
            'The log says why (mailman.plugins).',
        )


@from_database
def sign_ups(settings: Settings) -> Iterator[Finding]:
    """How many never confirm that they want to join, and whether they are reminded."""
    if settings.signup_reminder >= settings.signup_lifetime:
        yield Finding(
            'warning',
            'sign-ups',
            'nobody who has not confirmed is reminded',
            'Set signup_reminder in qnet.cfg to less than signup_lifetime.',
        )
    never = limits.counted(sign_up.EXPIRED)
    both = never + limits.counted(sign_up.CONFIRMED)
    if both:
        unheard = both >= MIN_SIGN_UPS and never * 2 > both
        yield Finding(
            'warning' if unheard else 'ok',
            'sign-ups',
            f'{never} of {both} ({100 * never // both} %) were never confirmed in the '
            f'last {limits.MONTH.days} days',
            'See whether the mails get into spam folders.' if unheard else '',
        )

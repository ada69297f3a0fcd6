# SPDX-License-Identifier: GPL-3.0-or-later
"""The site file: what this installation's web side has of its own.

The settings in this package suit every host; names, secrets and databases do
not.  They stand in one Python file outside the package, of which
``etc/settings_local.py`` is a commented example.  The environment variable
``QNET_WEB_SETTINGS`` names it; without the variable it is
``/etc/qnet-mailer/settings_local.py``.

The file is read once, when Django loads its settings.  Whatever is wrong with
it raises :class:`~django.core.exceptions.ImproperlyConfigured` naming the file
and the setting; nothing has a default that a host must not keep.
"""

from __future__ import annotations

import os
import re
import runpy
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

from qnet_mailman.web.frame.brand import check_brand
from qnet_mailman.web.harp.config import read_providers

#: The environment variable that names the site file.
VARIABLE = 'QNET_WEB_SETTINGS'
#: The site file where the variable is not set.
DEFAULT_PATH = '/etc/qnet-mailer/settings_local.py'

#: Settings that every site file must give, and what each is for.
REQUIRED = {
    'WEB_URL': 'where the site is reached, such as https://lists.example.gov',
    'VAR_DIR': 'a folder for the database, search index and static files',
    'SECRET_KEY': 'at least 32 random characters that nobody else knows',
    'MAILMAN_REST_API_URL': "Mailman core's REST server, such as http://localhost:8001",
    'MAILMAN_REST_API_USER': 'admin_user in [webservice] of mailman.cfg',
    'MAILMAN_REST_API_PASS': 'admin_pass in [webservice] of mailman.cfg',
    'MAILMAN_ARCHIVER_KEY': 'api_key in mailman-hyperkitty.cfg',
    'DEFAULT_FROM_EMAIL': 'the sender of account mail, such as noreply@example.gov',
}


def site_path(environ: Mapping[str, str] = os.environ) -> Path:
    """Where the site file is.

    :param environ: The environment to look into.
    """
    return Path(environ.get(VARIABLE) or DEFAULT_PATH)


def read_site_file(path: Path) -> dict[str, Any]:
    """Run the site file and return its settings.

    :param path: The site file.
    :return: Its upper-case names and their values.
    :raises ImproperlyConfigured: where the file is missing, does not run, lacks
        a required setting or has one that cannot work.
    """
    if not path.is_file():
        raise ImproperlyConfigured(
            f'{path}: no such file.  Copy etc/settings_local.py there and fill it '
            f'in, or name another file in the environment variable {VARIABLE}.'
        )
    try:
        names = runpy.run_path(str(path))
    except Exception as error:
        raise ImproperlyConfigured(f'{path}: {error!r}') from error
    site = {name: value for name, value in names.items() if name.isupper()}
    missing = [name for name in REQUIRED if not site.get(name)]
    if missing:
        raise ImproperlyConfigured(
            f'{path}: not set: '
            + '; '.join(f'{name} ({REQUIRED[name]})' for name in missing)
        )
    if len(str(site['SECRET_KEY'])) < 32:
        raise ImproperlyConfigured(
            f'{path}: SECRET_KEY is too short: {REQUIRED["SECRET_KEY"]}'
        )
    url = urlsplit(str(site['WEB_URL']))
    if url.scheme not in ('http', 'https') or not url.hostname or url.path.strip('/'):
        raise ImproperlyConfigured(
            f'{path}: WEB_URL is {site["WEB_URL"]!r}; expected {REQUIRED["WEB_URL"]}, '
            'without a path'
        )
    if not Path(site['VAR_DIR']).is_absolute():
        raise ImproperlyConfigured(
            f'{path}: VAR_DIR is {str(site["VAR_DIR"])!r}; expected an absolute path'
        )
    _check_values(path, site)
    try:
        check_brand(site)
        site['OPENID_PROVIDERS'] = read_providers(site.get('OPENID_PROVIDERS', {}))
    except ImproperlyConfigured as error:
        raise ImproperlyConfigured(f'{path}: {error}') from None
    return site


def _check_values(path: Path, site: Mapping[str, Any]) -> None:
    """Look at settings that may be left out.

    :raises ImproperlyConfigured: where one cannot work.
    """
    for name in ('SUPPORT_ADDRESS', 'FORMS_ADDRESS'):
        address = site.get(name, '')
        if address and not re.fullmatch(r'[^@\s]+@[^@\s]+', str(address)):
            raise ImproperlyConfigured(
                f'{path}: {name} is {address!r}; expected an e-mail address'
            )
    domains = site.get('SIGNUP_DOMAINS', ())
    if not isinstance(domains, list | tuple) or not all(
        re.fullmatch(r'[\w-]+(\.[\w-]+)+', str(domain)) for domain in domains
    ):
        raise ImproperlyConfigured(
            f'{path}: SIGNUP_DOMAINS is {domains!r}; expected domains, such as '
            "('agency.example.gov',)"
        )
    for name in ('AGENCY', 'SUPPORT_PHONE', 'SUPPORT_CHAT'):
        words = site.get(name, '')
        if not isinstance(words, str) or len(words.splitlines()) > 1:
            raise ImproperlyConfigured(
                f'{path}: {name} is {words!r}; expected one line of text'
            )
    for name in ('AGENCY_LINKS', 'SUPPORT_LINKS'):
        links = site.get(name, {})
        if not isinstance(links, dict) or not all(
            re.fullmatch(r'https?://\S+', str(url)) for url in links.values()
        ):
            raise ImproperlyConfigured(
                f'{path}: {name} is {links!r}; expected labels and web addresses, '
                "such as {'Privacy policy': 'https://agency.example.gov/privacy'}"
            )
    contact = str(site.get('SECURITY_CONTACT', ''))
    if contact and not re.fullmatch(r'(?:mailto:[^@\s]+@|https://)[^@\s]+', contact):
        raise ImproperlyConfigured(
            f'{path}: SECURITY_CONTACT is {contact!r}; expected an address such as '
            "'mailto:security@example.gov' or 'https://agency.example.gov/report'"
        )
    policy = str(site.get('SECURITY_POLICY', ''))
    if policy and not re.fullmatch(r'https://\S+', policy):
        raise ImproperlyConfigured(
            f'{path}: SECURITY_POLICY is {policy!r}; expected a web address (https://)'
        )
    for name in (
        'LOCAL_SUPERUSERS',
        'LOCAL_SIGN_UP',
        'OTHER_LISTS_NEED_ROLE',
        'LOG_JSON',
        'OFFICIAL_BANNER',
    ):
        if type(site.get(name, False)) is not bool:
            raise ImproperlyConfigured(
                f'{path}: {name} is {site[name]!r}; expected True or False'
            )
    for name in ('ROLE_IDLE_SECONDS', 'OPERATOR_IDLE_SECONDS'):
        seconds = site.get(name, 1)
        if type(seconds) is not int or seconds < 1:
            raise ImproperlyConfigured(
                f'{path}: {name} is {seconds!r}; expected a number of seconds'
            )
    field = site.get('CLIENT_ADDRESS_HEADER', '')
    if field and not re.fullmatch(r'HTTP_[A-Z0-9_]+', str(field)):
        raise ImproperlyConfigured(
            f'{path}: CLIENT_ADDRESS_HEADER is {field!r}; expected the name of a '
            "header field as Django has it, such as 'HTTP_X_REAL_IP'"
        )

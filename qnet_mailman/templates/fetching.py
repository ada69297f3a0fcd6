# SPDX-License-Identifier: GPL-3.0-or-later
"""Fetching a text from a web server, Postorius above all.

Core asks the web side where it also archives (`base_url` of the archiver), whatever the
public name of the site leads to: in front of that may stand a certificate that this
host does not know, or a firewall with pages of its own.
"""

from __future__ import annotations

from urllib.error import URLError
from urllib.parse import urlsplit, urlunsplit

import requests
from mailman.config import config
from mailman.utilities.protocols import REQUEST_TIMEOUT

from qnet_mailman import site
from qnet_mailman.core_credential import USER
from qnet_mailman.letter.page import FRAME

MAX_SIZE = 1024 * 1024
"""Bytes of a text; no form of Postorius takes more."""
_CHUNK = 16 * 1024
_PLACE = '/api/templates/'
"""In the path of each text of Postorius, wherever its pages begin."""

Auth = tuple[str, str] | None


class NotFetched(URLError):
    """A text could not be fetched; what is said is why, for a log."""


def web_base() -> str | None:
    """Scheme, host and port at which core reaches the web side; None if unknown."""
    for archiver in config.archivers:
        if archiver.name == 'hyperkitty' and archiver.is_enabled:
            parts = urlsplit(archiver.base_url)
            return urlunsplit((parts.scheme, parts.netloc, '', '', ''))
    return None


def way_to(uri: str) -> str:
    """How to fetch a text: of a text of our Postorius not over the site's public name.

    :param uri: Where Mailman was told that it is.
    """
    parts, public = urlsplit(uri), urlsplit(site.settings().web_url or '')
    if _PLACE not in parts.path or parts.hostname != public.hostname:
        return uri
    base = web_base()
    if base is None:
        return uri
    return urlunsplit((*urlsplit(base)[:2], *parts[2:]))


def fetch(name: str, uri: str, auth: Auth) -> str:
    """The text at an address.

    :param name: Of the text.
    :param uri: Where Mailman was told that it is.
    :param auth: User and password to show there.
    :raises NotFetched: where it is not got, or what is got is no text of a mail.
    """
    is_ours = auth is not None and auth[0] == USER
    try:
        with requests.get(
            way_to(uri),
            auth=auth,
            timeout=REQUEST_TIMEOUT,
            stream=True,
            allow_redirects=not is_ours,
        ) as answer:
            if answer.status_code != requests.codes.ok:
                raise NotFetched(f'status {answer.status_code}')
            kind = answer.headers.get('Content-Type', '').lower()
            # A page of something in between, to sign in or about an attack.
            if 'text/plain' not in kind and (
                is_ours or ('html' in kind and name != FRAME)
            ):
                raise NotFetched(f'a page ({kind or "of no type"}) and no text')
            content = b''
            for chunk in answer.iter_content(_CHUNK):
                content += chunk
                if len(content) > MAX_SIZE:
                    raise NotFetched(f'more than {MAX_SIZE} bytes')
            charset = answer.encoding if 'charset' in kind else None
    except requests.RequestException as error:
        raise NotFetched(type(error).__name__) from error
    try:
        return content.decode(charset or 'utf-8')
    except (LookupError, UnicodeDecodeError):
        raise NotFetched('no text in its charset') from None

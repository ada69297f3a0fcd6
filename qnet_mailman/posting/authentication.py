# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether mail is shown to come from the domain in its From field (R6, R37).

Authentication-Results (RFC 8601) are the word of the server that wrote them, and
anybody can write them: only fields of a *trusted* authserv-id count, and of these only
those in places where nobody outside can have put them.  A server writes its fields
above its Received field (RFC 8601 section 4), so what stands below the first Received
was there before our last server saw the message.  It counts in two cases alone:

- below the Received of a server *inside*, which checks nothing, where the message came
  to it from another server of ours;
- where our last server has written a field of its own above, the message came to it
  from inside, and the field below is of another trusted server.

Some checkers write below the Received of their own server (rspamd, as a milter of
Postfix).  They are believed where operators say so; then nothing but the door keeps
their fields apart from what came with the message.

That our first server drops fields in these names (:mod:`.door`) is what the second case
rests on.

What counts: a DMARC pass for the author's domain, or a DKIM or SPF pass for that very
domain.  The *relaxed* alignment of DMARC, by which domains of one organization stand
for each other, needs the DNS (RFC 9989: a walk up the tree) and is left to the server,
whose DMARC pass tells it.  A DMARC fail for the author's domain decides, whatever else
passed.
"""

from __future__ import annotations

import email.message
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from qnet_mailman.mail import received
from qnet_mailman.mail.authentication_results import Field, Result, parse
from qnet_mailman.settings import Settings

FIELD = 'authentication-results'
MAX_FIELD = 100_000
"""Characters; mail servers let no longer field through."""

_IDENTITIES = {
    'dmarc': ('header.from',),
    'dkim': ('header.d', 'header.i'),
    'spf': ('smtp.mailfrom',),
}
"""By the method: what a pass vouches for, the first that is there."""
_TOO_WEAK = 'rsa-sha1'
"""RFC 8301 section 3.1: no signature of it is valid."""


@dataclass(frozen=True)
class Servers:
    """Which servers are believed, and where their fields stand.

    :ivar trusted: authserv-ids, in lower case, of servers to be believed.
    :ivar inside: Names, in lower case, of servers of ours that check nothing and stand
        behind those.
    :ivar below: Whether a checker writes its fields below its server's own Received.
    """

    trusted: Collection[str] = ()
    inside: Collection[str] = ()
    below: bool = False

    @classmethod
    def of(cls, settings: Settings) -> Servers:
        """Those of the site."""
        return cls(
            settings.trusted_authserv_ids,
            settings.inside_mail_servers,
            settings.fields_below_received,
        )


def shown_by(msg: email.message.Message, address: str, servers: Servers) -> str | None:
    """Say by what a post is shown to come from its author's domain.

    :param msg: The post.
    :param address: The author's address.
    :return: A few words such as ``dkim=pass (example.gov)``; None if nothing
        shows it.
    """
    domain = _domain(address)
    if not domain:
        return None
    shown = None
    for field in trusted_fields(msg, servers):
        for result in field.results:
            if _is_refusal(result, domain):
                return None
            # Whoever can leave a quotation open can put what they like into it.
            if shown is None and field.is_whole and _vouches(result, domain):
                shown = f'{result.method}=pass ({domain})'
    return shown


def trusted_fields(msg: email.message.Message, servers: Servers) -> Iterator[Field]:
    """The fields that nobody outside can have written, from the top."""
    trusted, inside = servers.trusted, servers.inside
    below = servers.below
    above: set[str] = set()
    here: set[str] = set()
    gate: str | None = None
    for name, value in msg.items():
        lowered = name.lower()
        if lowered == 'received':
            if below:
                # Once: of the first Received.
                below = False
                continue
            text = str(value)
            is_inside = received.by_host(text) in inside and any(
                received.is_from(text, server) for server in {*trusted, *inside}
            )
            if not is_inside and not here:
                return
            gate = None if is_inside else text
            above |= here
            here = set()
        elif lowered == FIELD and len(text := str(value)) <= MAX_FIELD:
            field = parse(text)
            if field.server not in trusted or field.server in above:
                continue
            if gate is None or received.is_from(gate, field.server):
                here.add(field.server)
                yield field


def _is_refusal(result: Result, domain: str) -> bool:
    if (result.method, result.value) != ('dmarc', 'fail'):
        return False
    about = [_domain(value) for value in result.values('header.from')]
    return not about or domain in about


def _vouches(result: Result, domain: str) -> bool:
    if result.value != 'pass':
        return False
    if _TOO_WEAK in (value.lower() for value in result.values('header.a')):
        return False
    for name in _IDENTITIES.get(result.method, ()):
        values = list(result.values(name))
        if values:
            # A name that stands twice may be a stranger's second one.
            return len(values) == 1 and _domain(values[0]) == domain
    return False


def _domain(address: str) -> str:
    """The domain of an address, or a domain, in its ASCII form; may be empty."""
    text = address.strip('<> ').rpartition('@')[2].rstrip('.').lower()
    if text.isascii():
        return text
    try:
        return text.encode('idna').decode('ascii')
    except ValueError:
        return ''

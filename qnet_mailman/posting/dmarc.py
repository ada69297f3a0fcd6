# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a domain wants others to refuse what it has not authenticated (RFC 9989).

The DNS never decides how fast mail goes: a post waits for it, for `DEADLINE` at most,
and those behind it go on (:class:`NotKnownYet`).  Answers are kept as long as their TTL
says, also those that there is nothing.  Where no name server answers, there may be such
a policy, as Mailman has it; that is believed for a while, for all posts of the domain.

The policy is the domain's own, or else that of its organization, which a walk up the
tree finds (section 4.10): Mailman asks a list of public suffixes instead, which it
fetches in the middle of its work.
"""

from __future__ import annotations

import logging
import re
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache

import dns.exception
import dns.name
import dns.resolver
from lazr.config import as_timedelta
from mailman.config import config

from qnet_mailman.mlist import Mlist

DEADLINE = 5.0
"""Seconds after which a post goes on without an answer."""
MOMENT = 0.2
"""Seconds for which a runner waits for an answer before it goes on with other posts."""
REMEMBERED = 60.0
"""Seconds for which a domain of which nothing was heard is not asked for again."""
KEPT = 10_000
"""Answers that are kept at most."""
_MOST_LABELS = 8
"""Of a longer name, only the last seven are asked for above it (section 4.10)."""
_STRICT = frozenset({'quarantine', 'reject'})

log = logging.getLogger('mailman.error')


class NotKnownYet(Exception):
    """The DNS has not answered yet: the post is to wait, and not its queue."""


@dataclass
class _Lookup:
    """A question that is under way, or was not answered.

    :ivar until: When it is given up, by the clock of `time.monotonic`.
    """

    until: float
    is_over: threading.Event = field(default_factory=threading.Event)
    strict: bool | None = None


_lookups: dict[str, _Lookup] = {}


def is_mitigated(mlist: Mlist, address: str) -> bool:
    """Whether a list has to do something about a post for its author's domain.

    In place of Mailman's `maybe_mitigate`.

    :raises NotKnownYet: see above.
    """
    address = address.lower()
    for each in mlist.dmarc_addresses:
        if each.startswith('^'):
            if re.search(each, address, re.IGNORECASE):
                return True
        elif each.lower() == address:
            return True
    domain = address.rpartition('@')[2]
    return '@' in address and is_strict(domain)


def is_strict(domain: str) -> bool:
    """Whether mail in the name of a domain that nothing shows is refused elsewhere.

    :raises NotKnownYet: see above.
    """
    moment = time.monotonic()
    for name, each in list(_lookups.items()):
        if moment > each.until + REMEMBERED:
            del _lookups[name]
    lookup = _lookups.get(domain)
    if lookup is None:
        lookup = _lookups[domain] = _Lookup(moment + _patience())
        threading.Thread(target=_look, args=(domain, lookup), daemon=True).start()
        lookup.is_over.wait(MOMENT)
    if lookup.strict is not None:
        del _lookups[domain]
        return lookup.strict
    if not lookup.is_over.is_set() and time.monotonic() < lookup.until:
        raise NotKnownYet(domain)
    return True


def _patience() -> float:
    wanted: float = as_timedelta(config.dmarc.resolver_lifetime).total_seconds()
    return min(wanted, DEADLINE)


@cache
def resolver() -> dns.resolver.Resolver:
    """Who is asked, for all posts of this process."""
    found = dns.resolver.Resolver()
    found.cache = dns.resolver.LRUCache(KEPT)
    found.timeout = as_timedelta(config.dmarc.resolver_timeout).total_seconds()
    return found


def _look(domain: str, lookup: _Lookup) -> None:
    """Find a policy, in a thread of its own."""
    try:
        lookup.strict = _policy(domain, lookup.until) in _STRICT
    except (dns.exception.DNSException, OSError, UnicodeError) as error:
        log.error(
            'No DMARC policy of %r could be found, so that there may be one: %s',
            domain,
            type(error).__name__,
        )
    finally:
        lookup.is_over.set()


def _policy(domain: str, until: float) -> str:
    """What a domain asks for; empty where nothing."""
    name = dns.name.from_text(domain)
    found: list[tuple[dns.name.Name, dict[str, str]]] = []
    for each in _tree(name):
        record = _record(each, until)
        if record is None:
            continue
        if each == name:
            return record.get('p', '')
        found.append((each, record))
        if record.get('psd') in ('n', 'y'):
            break
    if not found:
        return ''
    where, record = found[-1]
    if record.get('psd') == 'y' and len(found) > 1 and found[-2][0].parent() == where:
        # A registry's: that of whom it has registered goes before.
        record = found[-2][1]
    # `np` is for names that do not exist, which have no mail of their own.
    return record.get('sp') or record.get('p', '')


def _tree(name: dns.name.Name) -> Iterator[dns.name.Name]:
    """A domain and those above it which are to be asked."""
    yield name
    # The root is a label, too.
    depth = len(name.labels) - 1
    for count in range(min(depth - 1, _MOST_LABELS - 1), 0, -1):
        yield dns.name.Name(name.labels[-count - 1 :])


def _record(name: dns.name.Name, until: float) -> dict[str, str] | None:
    """The tags of the DMARC record at a name; None where there is none, or several."""
    left = until - time.monotonic()
    if left <= 0:
        raise dns.exception.Timeout
    try:
        answers = resolver().resolve(
            dns.name.from_text('_dmarc', name), 'TXT', lifetime=left, search=False
        )
    except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
        return None
    texts = [b''.join(each.strings).decode('latin-1') for each in answers]
    records = [tags(each) for each in texts if each.startswith('v=DMARC1')]
    return records[0] if len(records) == 1 else None


def tags(text: str) -> dict[str, str]:
    """The tags of a record and their values, in lower case (section 4.7)."""
    pairs = (each.partition('=') for each in text.split(';'))
    return {key.strip().lower(): value.strip().lower() for key, _, value in pairs}

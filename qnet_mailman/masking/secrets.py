# SPDX-License-Identifier: GPL-3.0-or-later
"""What must not be readable in a masked message, and finding it (R8).

The secrets are the sender's addresses and names, and the host names and network
addresses of the sender's machines.  They come from the caller and from the message.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from email.message import Message
from typing import Any

from qnet_mailman.mail.addresses import find_addresses
from qnet_mailman.mail.text import decode_words, plain, raw_text, views
from qnet_mailman.masking.claims import (
    PERSON_FIELDS,
    addresses_of,
    names_beside,
    names_of,
)
from qnet_mailman.masking.identity import CannotMask, ListIdentity, Sender
from qnet_mailman.values import BOUNCES, CONFIRM

# Fields with the sender's addresses among other things.
_ADDRESS_FIELDS = frozenset(
    {
        'return-path',
        'x-mailfrom',
        'x-sender',
        'x-envelope-from',
        'envelope-from',
        'x-original-sender',
        'x-authenticated-sender',
        'x-authenticated-user',
        'errors-to',
        'disposition-notification-to',
        'return-receipt-to',
        'autocrypt',
    }
)
# Fields with anybody's addresses and names.
_PEOPLE_FIELDS = frozenset(
    {
        'to',
        'cc',
        'bcc',
        'resent-to',
        'resent-cc',
        'mail-followup-to',
        'mail-reply-to',
        'x-sender',
        'x-original-sender',
        'x-authenticated-sender',
        'return-receipt-to',
        'disposition-notification-to',
        'errors-to',
    }
)
# Fields that name the sender's machines.
_HOST_FIELDS = re.compile(
    r'received|x-received|received-spf|nntp-posting-host'
    r'|x-(?:[a-z0-9-]{0,40}-)?(?:ip|host|ipaddr|forwarded-for|remote-addr|helo|source)'
)
_FOR_CLAUSE = re.compile(r'\bfor\s+<?[^\s<>;]+>?', re.IGNORECASE)
_DOTTED = re.compile(r'[\w.-]+')
_HOST = re.compile(r'[^\W_][\w-]{0,62}(?:\.[\w-]{1,63}){1,20}')
_HELO = re.compile(
    r'(?:^from\s+|\bhelo[=\s]+|\behlo[=\s]+)([A-Za-z0-9_-]{3,63})(?![\w.-])',
    re.IGNORECASE,
)
# RFC 5321 section 4.1.3 has a tag before an IPv6 address.
_IPV6_TAG = re.compile(r'ipv6:', re.IGNORECASE)
_NETWORK_ADDRESS = re.compile(
    r'(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?!\w)|(?<![\w:])[0-9A-Fa-f:.]{3,45}'
)
# Words after "from" or "helo" in Received that say nothing about a machine.
_NOT_HOSTS = frozenset({'localhost', 'unknown', 'mail', 'smtp', 'mx', 'helo', 'ehlo'})
_MINIMUM = 3
# More secrets than this are no person's message; searching stays affordable.
_MAXIMUM = 1000
# Squeezed to one word, a full name this long is looked for inside other words.
_DISTINCTIVE = 8
_SEPARATORS = re.compile(r'[\W_]+')
_SEPARATORS_AND_DIGITS = re.compile(r'[\W\d_]+')
_SPACE_AND_QUOTES = re.compile(r'[\s"]+')
_BRACKETED = re.compile(r'\([^()]*\)|\[[^\[\]]*\]')
# How an address is written into another one: VERP, Exchange's #EXT# and the like.
_AT_SIGNS = ('@', '=', '_', '#')
# RFC 5321 section 4.5.3.1.1.
_LOCAL_OCTETS = 64
_LOCAL_CHARACTERS = frozenset("!#$%&'*+/=?^_`{|}~-.")


def _is_unspaced(word: str) -> bool:
    """Whether the script of a word does without spaces (Han, Kana, Hangul)."""
    return any(character >= '\u1100' for character in word)


def _words(text: str, separators: re.Pattern[str] = _SEPARATORS) -> str:
    """The words of a text with one space around each."""
    return f' {separators.sub(" ", text).strip()} '


def _host_in(host: str, text: str) -> bool:
    """Whether a text has a host name or network address.

    A machine's name is found inside of other words too; a common word ("mail") or
    domain has to stand alone, and a digit more makes another network address.
    """
    address = ':' in host or not host.strip('0123456789.')
    common = host.count('.') == 1 or (len(host) < _DISTINCTIVE and host.isalpha())
    alone = common and not address
    start = text.find(host)
    while start >= 0:
        end = start + len(host)
        around = text[max(0, start - 1) : start] + text[end : end + 1]
        if alone:
            clear = not any(character.isalnum() for character in around)
        else:
            # Not hexadecimal digits: an "é" has become an "e" in the view.
            clear = not (address and any(c.isdigit() for c in around))
        if clear:
            return True
        start = text.find(host, start + 1)
    return False


@dataclass(frozen=True)
class Secrets:
    """The secrets of one message, all of them :func:`~.text.plain`.

    :ivar addresses: The sender's addresses, in every form that is looked for.
    :ivar names: Full names as tuples of words, in every order looked for.
    :ivar words: Names of a single word.
    :ivar hosts: Host names with a dot, and network addresses.
    :ivar short_hosts: Host names without a dot.
    """

    addresses: tuple[str, ...] = ()
    names: tuple[tuple[str, ...], ...] = ()
    words: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    short_hosts: tuple[str, ...] = ()

    def found_in(self, text: str, *, weak: bool = True) -> bool:
        """Whether any reading of a text holds a secret.

        :param text: An unfolded text.
        :param weak: Also look for secrets of a single word, which a text of a
            format's own words ("base64", "request") may hold by chance.
        """
        return any(self._in_view(view, weak) for view in views(text))

    def _in_view(self, view: str, weak: bool) -> bool:
        return (
            self._address_in(view)
            or self._full_name_in(view)
            or any(_host_in(host, view) for host in self.hosts)
            or (
                weak
                and (
                    self._word_in(view)
                    or any(_host_in(host, view) for host in self.short_hosts)
                )
            )
        )

    def names_sender(self, text: str) -> bool:
        """Whether any reading of a text holds an address or full name of the sender."""
        return any(
            self._address_in(view) or self._full_name_in(view) for view in views(text)
        )

    def is_name(self, text: str) -> bool:
        """Whether a text is nothing but a single-word name of the sender."""
        return any(_words(view).strip() in self.words for view in views(text))

    def _address_in(self, view: str) -> bool:
        compact = _SPACE_AND_QUOTES.sub('', view)
        return any(address in compact for address in self.addresses)

    def _full_name_in(self, view: str) -> bool:
        if not self.names:
            return False
        text = _words(view)
        letters = _words(view, _SEPARATORS_AND_DIGITS)
        joined = letters.replace(' ', '')
        for name in self.names:
            spaced, squeezed = f' {" ".join(name)} ', ''.join(name)
            if spaced in text or spaced in letters:
                return True
            if f' {squeezed} ' in letters:
                return True
            if squeezed in joined and (
                len(squeezed) >= _DISTINCTIVE or _is_unspaced(squeezed)
            ):
                return True
        return False

    def _word_in(self, view: str) -> bool:
        if not self.words:
            return False
        texts = (_words(view), _words(view, _SEPARATORS_AND_DIGITS))
        return any(
            (
                word in view
                if _is_unspaced(word)
                else any(f' {word} ' in t for t in texts)
            )
            for word in self.words
        )

    def redact(self, text: str, identity: ListIdentity) -> str:
        """Replace the sender's addresses and full names in a subject (R8).

        :param text: A decoded text.
        :return: The text with the list's address and display name instead; where
            a disguised secret cannot be cut out, the display name alone.
        """
        patterns = [r'\s*'.join(map(re.escape, a)) for a in self.addresses]
        text = _replace(text, patterns, identity.posting_address, _LOCAL_CHARACTERS)
        patterns = []
        for name in (*self.names, *((word,) for word in self.words)):
            pattern = r'[\W_]{1,5}'.join(map(re.escape, name))
            if not _is_unspaced(name[0]):
                pattern = rf'(?<![^\W_]){pattern}(?![^\W_])'
            patterns.append(pattern)
        text = _replace(text, patterns, identity.display_name, frozenset())
        return identity.display_name if self.in_subject(text) else text

    def in_subject(self, text: str) -> bool:
        """Whether a subject holds an address, or a name as whole words."""
        for view in views(text):
            if self._address_in(view) or self._word_in(view):
                return True
            spaced = _words(view)
            if any(f' {" ".join(name)} ' in spaced for name in self.names):
                return True
        return False


def _replace(
    text: str, patterns: list[str], replacement: str, before: frozenset[str]
) -> str:
    """Replace what matches once case and accents are taken off.

    :param before: Characters besides letters and digits; a run of these before a
        match is replaced together with it.  If empty, letters and digits are none
        of it either.
    """
    plain_text: list[str] = []
    positions: list[int] = []
    for position, character in enumerate(text):
        for simple in plain(character):
            plain_text.append(simple)
            positions.append(position)
    subject = ''.join(plain_text)
    spans: list[tuple[int, int]] = []
    for pattern in patterns:
        for match in re.finditer(pattern, subject):
            start, end = positions[match.start()], positions[match.end() - 1] + 1
            first = max(0, start - _LOCAL_OCTETS)
            while (
                before
                and start > first
                and (text[start - 1].isalnum() or text[start - 1] in before)
            ):
                start -= 1
            while end < len(text) and not plain(text[end]):
                end += 1
            spans.append((start, end))
    pieces: list[str] = []
    done = 0
    for start, end in sorted(spans, key=lambda span: (span[0], -span[1])):
        if start >= done:
            pieces += (text[done:start], replacement)
        done = max(done, end)
    return ''.join((*pieces, text[done:]))


def _domain_forms(domain: str) -> set[str]:
    """A domain as it is, in IDNA form and in Unicode (RFC 5890)."""
    forms = {domain}
    try:
        if not domain.isascii():
            forms.add(domain.encode('idna').decode('ascii'))
        elif 'xn--' in domain:
            forms.add(domain.encode('ascii').decode('idna'))
    except ValueError:
        pass
    return {plain(form) for form in forms}


def _address_forms(address: str) -> Iterator[str]:
    """The forms in which an address may stand in another text."""
    local, _, domain = _SPACE_AND_QUOTES.sub('', address).rpartition('@')
    # The address without its "+tag" is the same mailbox nearly everywhere.
    for part in {local, local.partition('+')[0] or local}:
        for form in _domain_forms(domain):
            for sign in _AT_SIGNS:
                yield f'{plain(part)}{sign}{form}'


def _name_forms(name: str) -> Iterator[tuple[str, ...]]:
    """The words of a name in the orders in which people write it."""
    for text in {name, _BRACKETED.sub(' ', name)}:
        last, _, first = (_words(plain(t)).split() for t in text.partition(','))
        for words in (last + first, first + last):
            yield tuple(words)
            if len(words) > 1:
                yield (words[-1], *words[:-1])
            if len(words) > 2 and all(len(word) == 1 for word in words[1:-1]):
                yield (words[0], words[-1])
                yield (words[-1], words[0])


def _network_addresses(text: str) -> Iterator[str]:
    """The addresses in a text, as written and in their short and long forms."""
    for match in _NETWORK_ADDRESS.finditer(_IPV6_TAG.sub(' ', text)):
        written = match[0].strip('.').removesuffix(':')
        try:
            address = ipaddress.ip_address(written)
        except ValueError:
            continue
        if not address.is_loopback and not address.is_unspecified:
            yield from {written.lower(), address.compressed, address.exploded}


class _Collection:
    """Collects what the fields of a message say about its sender."""

    def __init__(self, sender: Sender) -> None:
        self.addresses = {a for a in sender.addresses if '@' in a}
        self.names = set(sender.names)
        self.hosts: set[str] = set()
        self.short_hosts: set[str] = set()

    def person(self, text: str) -> None:
        """Take the addresses and names of a field such as From."""
        self.addresses |= addresses_of(text)
        self.names |= names_of(text)

    def mentioned(self, text: str) -> None:
        """Take the addresses of a field that has more than mailboxes."""
        for address in find_addresses(decode_words(text)):
            self.addresses |= {address, address.rpartition('=')[2]}

    def machines(self, text: str) -> None:
        """Take the hosts and addresses of a field such as Received."""
        text = _FOR_CLAUSE.sub(' ', text)
        self.mentioned(text)
        text = ' '.join(word for word in text.split() if '@' not in word)
        self.short_hosts |= {
            name.lower() for name in _HELO.findall(text) if not name.isdigit()
        } - _NOT_HOSTS
        self.hosts |= set(_network_addresses(text))
        for word in _DOTTED.findall(text):
            if _HOST.fullmatch(host := word.strip('.-')):
                self.host(host)

    def host(self, host: str) -> None:
        """Take a host name; a version number is none."""
        if host.rpartition('.')[2].isalpha() and not host.startswith('localhost'):
            self.hosts |= _domain_forms(host)

    def message_id(self, text: str) -> None:
        """Take the host in a Message-ID."""
        right = text.strip(' <>').rpartition('@')[2]
        if _HOST.fullmatch(right):
            self.host(right)
        self.hosts |= set(_network_addresses(right))

    def check(self) -> None:
        """:raises CannotMask: Where there are too many secrets to look for."""
        every = (self.addresses, self.names, self.hosts, self.short_hosts)
        if sum(len(secrets) for secrets in every) > _MAXIMUM:
            raise CannotMask('its header names far too many senders and servers')


def collect(message: Message, identity: ListIdentity, sender: Sender) -> Secrets:
    """The secrets of a message.

    :param message: The message as it came.
    :param identity: The list; what its own address, domain and name say is no
        secret.
    :param sender: What the caller knows of the person.
    :raises CannotMask: Where there are too many to look for.
    """
    found = _Collection(sender)
    found.mentioned(raw_text(message.get_unixfrom() or ''))
    for name, value in message.raw_items():
        field = name.lower()
        if field in PERSON_FIELDS:
            found.person(raw_text(value))
        elif field in _ADDRESS_FIELDS:
            found.mentioned(raw_text(value))
        elif field == 'message-id':
            found.message_id(raw_text(value))
        elif _HOST_FIELDS.fullmatch(field):
            found.machines(raw_text(value))
        else:
            continue
        found.check()
    # Who writes as "pat@..." alone may be named where they address themselves.
    known = {a.lower() for a in found.addresses if not _is_own(a, identity)}
    for name, value in message.raw_items():
        if name.lower() in _PEOPLE_FIELDS:
            found.names |= names_beside(raw_text(value), known)
            found.check()
    return _secrets(found, identity)


def with_person(
    secrets: Secrets, identity: ListIdentity, addresses: set[str], names: set[str]
) -> Secrets:
    """The secrets, and those of somebody else who is to be hidden as well."""
    if not addresses and not names:
        return secrets
    who = Sender(frozenset(addresses), frozenset(names))
    more = _secrets(_Collection(who), identity)

    def joined(name: str) -> tuple[Any, ...]:
        both = {*getattr(secrets, name), *getattr(more, name)}
        return tuple(sorted(both, key=lambda s: (-len(s), s)))

    return replace(secrets, **{n: joined(n) for n in ('addresses', 'names', 'words')})


def _own_domains(identity: ListIdentity) -> set[str]:
    return {
        identity.posting_address.rpartition('@')[2].lower(),
        identity.domain.lower(),
    }


def _is_own(address: str, identity: ListIdentity) -> bool:
    """Whether an address is the list's (-bounces ...), or one that we handed out."""
    local = identity.posting_address.lower().rpartition('@')[0]
    name, _, host = address.lower().rpartition('@')
    return host in _own_domains(identity) and (
        name == local or name.startswith((f'{local}-', f'{BOUNCES}+', f'{CONFIRM}+'))
    )


def _secrets(found: _Collection, identity: ListIdentity) -> Secrets:
    own_texts = [
        identity.display_name,
        identity.posting_address,
        identity.owner_address,
        identity.reply_to or '',
        identity.domain,
    ]
    own = ' \n '.join(own_texts)
    addresses = {a for a in found.addresses if not _is_own(a, identity)}
    mail_domains = {a.rpartition('@')[2].lower() for a in addresses}
    own_domains = _own_domains(identity)
    hosts = {
        host
        for host in found.hosts - mail_domains
        if not any(host == d or host.endswith(f'.{d}') for d in own_domains)
    }
    names = {
        form
        for name in found.names
        for form in _name_forms(_without_addresses(name))
        if len(''.join(form)) >= _MINIMUM
    }
    return Secrets(
        addresses=_kept(
            {f for a in addresses for f in _address_forms(a)},
            lambda s: Secrets(addresses=(s,)).found_in(own),
        ),
        names=tuple(
            sorted(
                n for n in names if len(n) > 1 and not Secrets(names=(n,)).found_in(own)
            )
        ),
        words=_kept(
            {n[0] for n in names if len(n) == 1},
            lambda s: Secrets(words=(s,)).found_in(own),
        ),
        hosts=_kept(hosts, lambda s: Secrets(hosts=(s,)).found_in(own)),
        short_hosts=_kept(
            found.short_hosts, lambda s: Secrets(short_hosts=(s,)).found_in(own)
        ),
    )


def _kept(secrets: Iterable[str], is_own: Callable[[str], bool]) -> tuple[str, ...]:
    """The secrets, longest first, without what the list's own texts say."""
    kept = {s for s in secrets if len(s) >= _MINIMUM and not is_own(s)}
    return tuple(sorted(kept, key=lambda s: (-len(s), s)))


def _without_addresses(name: str) -> str:
    return ' '.join(word for word in name.split() if '@' not in word)

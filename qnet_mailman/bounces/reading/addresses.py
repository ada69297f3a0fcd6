# SPDX-License-Identifier: GPL-3.0-or-later
"""What is an e-mail address, and what only looks like one (RFC 5321 4.1.2)."""

from __future__ import annotations

import re
from functools import lru_cache

# Letters beyond ASCII are allowed (RFC 6531).
_ATOM = r"[\w!#$%&'*+/=?^`{|}~-]+"
_LABEL = r'(?:[^\W_](?:[\w-]{0,61}[^\W_])?)'
_QUOTED = r'"[^"\\@\s<>]{1,62}"'
_ADDRESS = re.compile(
    rf'({_ATOM}(?:\.{_ATOM})*\.?|{_QUOTED})@({_LABEL}(?:\.{_LABEL})+)'
)

#: Finds what may be addresses in a line.  Every quantifier is bounded.
CANDIDATE = re.compile(
    r"(?<![\w!#$%&'*+/=?^`{|}~.@-])"
    rf"(?:[\w!#$%&'*+/=?^`{{|}}~.-]{{1,64}}|{_QUOTED})@[\w.-]{{1,253}}"
)

#: Nobody's mailbox: those who report, and those to be asked for help.
_SERVICE = re.compile(
    r'(?:mailer-daemon|mail-daemon|postmaster|post_master|abuse|support|helpdesk'
    r'|hostmaster|webmaster|no-?reply|do-?not-?reply|undisclosed)(?:[+.@-]|$)',
    re.IGNORECASE,
)


_QUOTED_ADDRESS = re.compile(rf'{_QUOTED}@[\w.-]{{1,253}}')


def clean_address(text: str | None) -> str | None:
    """Take the address out of a field's value.

    Understands ``rfc822; user@example.org`` (RFC 3464 2.3.2), angle brackets, quotes
    and source routes (``@relay.example.org:user@example.org``).

    :return: The address as written, or None where there is none.
    """
    if not text:
        return None
    text = text[:1000].strip()
    kind, semicolon, rest = text.partition(';')
    if semicolon and '@' not in kind:
        text = rest.strip()
    if '|' in text[:2] or text.startswith(('"|', '/')):
        return None  # A pipe or a file, though it may contain an address.
    if '<' in text and '>' in text:
        text = text[text.index('<') + 1 :].partition('>')[0]
    if found := _QUOTED_ADDRESS.search(text):
        return found[0] if is_address(found[0]) else None
    text = text.strip(' \t"\'<>()[],;')
    if text.lower().startswith(('mailto:', 'smtp:')):
        text = text.partition(':')[2]
    if text.startswith('@') and ':' in text:
        text = text.rpartition(':')[2]
    text = text.partition(' ')[0].rstrip('.,;:>')
    return text if is_address(text) else None


def is_address(text: str) -> bool:
    """Is this an address that mail could be sent to?"""
    if len(text) > 254:
        return False
    found = _ADDRESS.fullmatch(text)
    if found is None or len(found[1]) > 64:
        return False
    return not found[2].rpartition('.')[2].isdecimal()


# Several look at the same few lines.
@lru_cache(maxsize=64)
def find_addresses(line: str) -> tuple[tuple[int, int, str], ...]:
    """Find the addresses in a line of text.

    :return: Start, end and address of each.
    """
    if '@' not in line:
        return ()
    found = []
    for match in CANDIDATE.finditer(line):
        text = match[0].lstrip("'`*=-.").rstrip("'`*=-._/?!")
        if is_address(text):
            start = line.index(text, match.start())
            found.append((start, start + len(text), text))
    return tuple(found)


def unquoted(address: str) -> str:
    """An address without the quotes of its local part (RFC 5321 4.1.2).

    Some systems need them around two dots in a row, and others leave them out.
    """
    local, _at, domain = address.rpartition('@')
    return f'{local[1:-1]}@{domain}' if local[:1] == '"' else address


def is_service(address: str) -> bool:
    """Does this address belong to a mail system rather than to a person?"""
    return _SERVICE.match(address) is not None


# Labels with dots between them.  The last in one case, for Exchange has codes that
# look alike: "RESOLVER.ADR.RecipNotFound", "QUEUE.Expired".
_HOST = re.compile(
    r'(?<![\w.@-])(?:\w[\w-]{0,62}\.){1,10}([a-z]{2,24}|[A-Z]{2,24})(?![\w@-])'
)
#: Behind a single dot, since people also forget the space between two sentences.
_TOP_LEVEL = re.compile(
    r'com|net|org|edu|gov|mil|int|info|biz|aero|coop|museum|arpa|local|localdomain|lan'
    r'|internal|intra|home|corp|cloud|test|example|invalid|localhost|app|dev|xyz|email'
    r'|online|health|care|agency|hospital|clinic|mx'
    # Countries, but for those that are words: "mailbox not found.in", "is full.so".
    r'|(?!am|an|as|at|be|by|do|in|is|it|me|my|no|so|to|us)[a-z]{2}',
    re.IGNORECASE,
)


def without_hosts(text: str) -> str:
    """Take the names of hosts out of a text: whatever they are, they decide nothing."""
    if '.' not in text:
        return text
    # No name has a space in it, and most words have no dot.
    words = text.split(' ')
    return ' '.join(
        [_HOST.sub(_host, one) if '.' in one[:-1] else one for one in words]
    )


def host_name(text: str) -> str:
    """A host's name in lower case; nothing where a text is none, such as an address."""
    name = text.strip('.').lower()
    return name if _HOST.fullmatch(name) else ''


def _host(match: re.Match[str]) -> str:
    if match[0].count('.') > 1 or _TOP_LEVEL.fullmatch(match[1]):
        return ' '
    return match[0]

# SPDX-License-Identifier: GPL-3.0-or-later
"""Likely slips in the domain of an address: "Did you mean gmail.com?".

A domain is held against providers that everybody knows, and those that the operators
name.  Never against the domains of members: whoever types a near miss would learn whose
people are subscribed (R13).
"""

from __future__ import annotations

from collections.abc import Collection

#: Where many people have their mail; real ones that look like others are among them, so
#: that nobody is asked about those.
PROVIDERS = frozenset(
    (
        *('gmail.com', 'googlemail.com', 'yahoo.com', 'ymail.com', 'rocketmail.com'),
        *('hotmail.com', 'outlook.com', 'live.com', 'msn.com', 'icloud.com', 'me.com'),
        *('mac.com', 'aol.com', 'comcast.net', 'verizon.net', 'att.net', 'cox.net'),
        *('sbcglobal.net', 'bellsouth.net', 'charter.net', 'earthlink.net'),
        *('proton.me', 'protonmail.com', 'mail.com', 'email.com', 'gmx.com', 'gmx.net'),
        *('zoho.com', 'fastmail.com'),
    )
)
#: Top-level domains that do not exist, and what was meant.
ENDINGS = {
    **dict.fromkeys(('con', 'cmo', 'ocm', 'vom', 'xom', 'comm'), 'com'),
    **dict.fromkeys(('gvo', 'ogv', 'giv', 'gob', 'govv'), 'gov'),
    **dict.fromkeys(('ogr', 'rog', 'orgg'), 'org'),
    **dict.fromkeys(('nte', 'ent', 'nett'), 'net'),
    **dict.fromkeys(('eud', 'deu', 'eduu'), 'edu'),
}
#: A name with fewer letters has too many neighbours that are real.
_SHORTEST = 4


def suggestion_for(address: str, more: Collection[str] = ()) -> str:
    """The address that was meant, perhaps.

    :param address: An address with nothing wrong in it.
    :param more: Domains beside those of well-known providers.
    :return: Empty where it looks like no slip.
    """
    local, _at, domain = address.rpartition('@')
    domain = domain.lower()
    known = PROVIDERS | {one.lower() for one in more}
    if domain in known:
        return ''
    near = next((one for one in sorted(known) if _is_slip(domain, one)), '')
    name, _dot, ending = domain.rpartition('.')
    if not near and ending in ENDINGS:
        near = f'{name}.{ENDINGS[ending]}'
    return f'{local}@{near}' if near else ''


def _is_slip(typed: str, meant: str) -> bool:
    """Whether one letter is wrong, missing, or too many, or two are swapped."""
    name = meant.partition('.')[0]
    if len(name) < _SHORTEST and typed.partition('.')[0] != name:
        return False
    pairs = enumerate(zip(typed, meant, strict=False))
    start = next((at for at, (one, other) in pairs if one != other), len(meant))
    is_, was = typed[start:], meant[start:]
    return (
        is_[1:] == was[1:]
        or is_[1:] == was
        or is_ == was[1:]
        or (is_[:2] == was[:2][::-1] and is_[2:] == was[2:])
    )

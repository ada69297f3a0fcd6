# SPDX-License-Identifier: GPL-3.0-or-later
"""What may be wrong with an e-mail address that somebody typed, in plain words.

Core has the last word: what it would not take is refused here or there.  What is
refused here is wrong beyond doubt, which is less than it seems: a local part may have
plus signs, dots, slashes and quotation marks, and a domain may be in any script.
"""

from __future__ import annotations

import re

#: The longest address that SMTP can carry (RFC 5321 section 4.5.3.1.3, without
#: the angle brackets).
MAX_LENGTH = 254

EXAMPLE = 'Type it like name@example.gov.'

#: A space, or one of the characters without width that come with it.
_SPACE = r'[\s\u200b\u200e\u200f\u2060\ufeff]'


def tidy(address: str) -> str:
    """An address without the spaces around it, which come with pasting.

    :param address: What was typed.
    """
    return re.sub(rf'^{_SPACE}+|{_SPACE}+$', '', address)


def mistake_in(address: str) -> str | None:
    """What is wrong with an address, as a sentence.

    :param address: What was typed, tidied.
    :return: The sentence; None where nothing is wrong that can be told from here.
    """
    if not address:
        return f'Enter your e-mail address. {EXAMPLE}'
    if len(address) > MAX_LENGTH:
        return f'The e-mail address is too long: {MAX_LENGTH} characters are allowed.'
    if '@' not in address:
        return f'The e-mail address has no @ sign. {EXAMPLE}'
    if re.search(r'[<>:;()]', address):
        return f'Enter the e-mail address alone, without a name or brackets. {EXAMPLE}'
    if ',' in address:
        return (
            'The e-mail address has a comma in it. Enter one address only, with a '
            'period where you typed the comma.'
        )
    if re.search(r'\s', address):
        return 'The e-mail address has a space in it. Take the space out.'
    local, _at, domain = address.rpartition('@')
    if '@' in re.sub(r'^".*"$', '', local):
        return 'The e-mail address has more than one @ sign. Enter one address only.'
    if not local:
        return f'The part before the @ sign is missing. {EXAMPLE}'
    if not domain:
        return f'The part after the @ sign is missing. {EXAMPLE}'
    return _mistake_in_domain(domain) or _mistake_in_local(local)


def _mistake_in_domain(domain: str) -> str | None:
    if domain.endswith('.'):
        return 'The e-mail address ends with a period. Take the period out.'
    if domain.startswith('.') or '..' in domain:
        return (
            'There is a period too many after the @ sign, or something is missing '
            f'beside it. {EXAMPLE}'
        )
    if '.' not in domain and domain.isascii():
        return (
            'The ending of the e-mail address is missing, such as .gov, .org or .com. '
            f'{EXAMPLE}'
        )
    odd = re.search(r'[!-,/:-@\[-`{-~]', domain)
    if odd:
        return (
            f'The part after the @ sign has a character that cannot be there: {odd[0]}'
        )
    return None


def _mistake_in_local(local: str) -> str | None:
    odd = re.search(r'[^!-~]|[\\|^\[\]]', local)
    if odd is None:
        return None
    return f'The part before the @ sign has a character that we cannot use: {odd[0]}'

# SPDX-License-Identifier: GPL-3.0-or-later
"""A subject with the prefix of a list, as Mailman writes it."""

from __future__ import annotations

import re

_ANSWER = re.compile(r'\s*((RE|AW|SV|VS)(\[\d+\])?\s*:\s*)+', re.IGNORECASE)
_NUMBER = re.compile(r'%\d{0,2}d')


def with_prefix(text: str, prefix: str, number: int, nothing: str) -> tuple[str, str]:
    """Put a prefix before a subject, once.

    :param text: The subject, decoded, on one line.
    :param prefix: May have the number of the post in it, as ``%d`` or ``%05d``.
    :param number: The number of the post.
    :param nothing: What stands for an empty subject.
    :return: The subject with the prefix, and it without.
    """
    pattern = _NUMBER.sub(r'\\s*\\d+\\s*', re.escape(prefix))
    prefix = _NUMBER.sub(lambda match: match[0] % number, prefix)
    bare = re.sub(pattern, '', text)
    if not bare.strip():
        bare = nothing
    rest, answer = bare, ''
    if match := _ANSWER.match(bare):
        rest, answer = bare[match.end() :], 'Re: '
    return f'{prefix}{answer}{rest}', bare

# SPDX-License-Identifier: GPL-3.0-or-later
"""Mistakes in a form as sentences that say what to do: pure.

`mistakes.py` says what was found and what is expected, for programs and tests.  Mails,
commands and the pages on the web say the same to people, in the words of `labels.py`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from qnet_mailman.forms import labels
from qnet_mailman.forms.mistakes import FormError, Path, ordinal

_MISSING = re.compile(r'is missing; expected (?P<expected>.*)', re.DOTALL)
_FOUND = re.compile(
    r'found (?P<found>".*?"|[^;]*?)(?P<again> again)?; expected (?P<expected>.*)',
    re.DOTALL,
)
_WHOLE: Mapping[Path, str] = MappingProxyType(
    {
        ('requester',): 'Enter your name and your e-mail address.',
        ('approver',): 'Enter the name and the e-mail address of the approver.',
        ('person',): 'Enter the name and the e-mail address of the person.',
        ('bounces',): 'Enter a new threshold, a new window in days, or both.',
        ('administrators',): 'Name at least one administrator, with name and e-mail '
        'address.',
    }
)
"""What to do about sections that are not there, or that have nothing in them."""
_ONE_OF = MappingProxyType(
    {
        'administrators': 'administrator',
        'moderators': 'moderator',
        'subscribers': 'subscriber',
    }
)


def as_dict(error: FormError) -> dict[str, Any]:
    """A mistake as plain data, with the `remedy`, and all of it in `words`."""
    return {
        **error.as_dict(),
        'remedy': remedy(error),
        'words': in_words(error),
    }


def in_words(error: FormError) -> str:
    """A mistake as somebody reads it who has the form in hand, without its line."""
    label = _label(error)
    words = remedy(error) if _read(error) else error.message
    return beside(label, words) if label else words


def beside(label: str, text: str) -> str:
    """A label and what stands behind it; a question needs no colon."""
    return f'{label}{"" if label.endswith("?") else ":"} {text}'


def remedy(error: FormError) -> str:
    """What to do about a mistake, beside the label of its field."""
    known = _read(error)
    if known is None:
        return _sentence(error.message)
    if error.path[:1] == ('attestations',) and error.path in labels.FIELDS:
        return labels.FIELDS[error.path].help
    found = known.groupdict().get('found') or ''
    quoted = found.startswith('"')
    if error.path in _WHOLE and not quoted:
        return _WHOLE[error.path]
    expected = known['expected'].replace('true or false', 'Yes or No')
    verb = 'Choose' if _has_choices(error.path) else 'Enter'
    text = _sentence(f'{verb} {expected}')
    return f'{text} You wrote {found}{known["again"] or ""}.' if quoted else text


def _read(error: FormError) -> re.Match[str] | None:
    return _FOUND.fullmatch(error.message) or _MISSING.fullmatch(error.message)


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + ('' if text.endswith(('.', '!', '?')) else '.')


def _has_choices(path: Path) -> bool:
    try:
        return bool(labels.words_of(path).choices)
    except KeyError:
        return False


def _label(error: FormError) -> str:
    path = error.path
    if path and path[0] == 'subscribers':
        # The line of their file is more than their number in it.
        words = [labels.SECTIONS[path[:1]].label, *error.field.split(', ')[1:]]
        if path[-1] in labels.PEOPLE and len(words) > 1:
            words[-1] = labels.PEOPLE[str(path[-1])].label
        return ', '.join(words)
    if len(path) > 1 and isinstance(path[1], int) and path[0] in _ONE_OF:
        who = f'{ordinal(path[1] + 1)} {_ONE_OF[str(path[0])]}'
        key = str(path[2]) if len(path) > 2 else ''
        return f'{who}, {labels.PEOPLE[key].label}' if key in labels.PEOPLE else who
    known = labels.FIELDS.get(path) or labels.SECTIONS.get(path)
    if known is not None:
        return known.label
    return error.field[:1].upper() + error.field[1:]

# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a subject is the word that leaves a list (R14).

The word stands alone: `Unsubscribe me`, `Please unsubscribe` or `How do I
unsubscribe` may be the subject of a message that the list should have, and Mailman's
rule `administrivia` shows such a one to a moderator.  What mail programs and mail
servers put before a subject does not count: the marks of replies and forwards in any
language, the list's own prefix, tags in square brackets.
"""

from __future__ import annotations

import re
import unicodedata
from email.errors import MessageError
from email.header import Header

from qnet_mailman.bounces.parts import decode_words
from qnet_mailman.posting.automatic import AUTOMATIC_SUBJECTS

WORD = 'unsubscribe'

_MAX_SUBJECT = 2_000
"""Characters; a line has 998 at most (RFC 5322 section 2.1.1), a subject few lines."""

_TAG = re.compile(r'\[[^\[\]]{1,60}\]|【[^【】]{1,60}】')

_REPLY = re.compile(
    # One short word, or several joined by hyphens, whatever the script: "re",
    # "antw", "σχετ", "回复", "r.e".  Two words are no mark of a reply, but
    # "Automatic reply" and "Out of office".
    r'[^\s:()\[\]{}<>"]{1,12}'
    # How often, as some programs count: "Re[2]:", "Re(2):", "Re^2:", "Re*2:".
    r' ?(\[\d{1,4}\]|\(\d{1,4}\)|[\^*]\d{1,4})?'
    r' ?:'
)

_AUTOMATIC = re.compile(r'auto|авто|自[动動]|abwesen|vacation|urlaub|ooo\b|frånvaro')
"""Words that programs put before the subject of the message that they answer; with
one of these, nobody has confirmed anything."""

_AROUND = ' "\'`<>«»‹›„“”‟‚‘’‛「」『』'
_AFTER = '.!。'


def is_unsubscribe(value: str | Header | None, prefix: str = '') -> bool:
    """Say whether a subject asks to leave.

    :param value: The Subject field, as the message has it; None where it has none.
    :param prefix: What the list puts before its subjects.
    :return: Whether it does.  Never raises.
    """
    text = _plain(_decoded(value))
    own = _plain(prefix)
    while text:
        if text.strip(_AROUND + _AFTER) == WORD:
            return True
        if AUTOMATIC_SUBJECTS.match(text) or _AUTOMATIC.match(text):
            return False
        if own and text.startswith(own):
            text = text[len(own) :].lstrip()
            continue
        mark = _TAG.match(text) or _REPLY.match(text)
        if mark is None:
            return False
        text = text[mark.end() :].lstrip()
    return False


def _decoded(value: str | Header | None) -> str:
    if value is None:
        return ''
    if isinstance(value, Header):
        # A field with 8-bit bytes.  As a string it would have lost them.
        try:
            value = value.encode(maxlinelen=0)
        except (MessageError, ValueError):
            value = str(value)
    return decode_words(value) if len(value) <= _MAX_SUBJECT else ''


def _plain(text: str) -> str:
    """Text as it looks, more or less: one kind of space, colon and case."""
    # NFKC makes full-width letters, colons and brackets plain ones, and no-break
    # spaces spaces.  Cf are zero-width spaces, joiners, marks of direction.
    wide = unicodedata.normalize('NFKC', text)
    seen = ''.join(char for char in wide if unicodedata.category(char) != 'Cf')
    return ' '.join(seen.casefold().split())

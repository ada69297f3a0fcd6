# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a subject is the word that leaves a list (R14).

The word stands alone: `Unsubscribe me`, `Please unsubscribe` or `How do I
unsubscribe` may be the subject of a message that the list should have; :mod:`.wishes`
knows them.  What mail programs and mail servers put before a subject does not count:
the marks of replies and forwards in any language, the list's own prefix, tags in square
brackets, and how gateways mark mail from outside.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from email.header import Header

from qnet_mailman.mail.answers import decoded_subject, plain
from qnet_mailman.mail.automatic import ANSWER_SUBJECTS

WORD = 'unsubscribe'

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

_OUTSIDE = (
    r'(?:external|extern[eaos]?|ext|esterno|externo|outside|externt|zewn[eę]trzn[ay]'
    r'|ulkoinen|внешн\w{2,3}|外部'
    r'|caution|warning|achtung|vorsicht|attention|attenzione|atenci[oó]n|aten[cç][aã]o'
    r'|unverified|untrusted|suspicious|suspected|suspect|possible|spam|phish(?:ing)?)'
)
_GATEWAY = re.compile(
    # "{EXTERNAL}", "(External e-mail)", "**EXTERNAL**", "EXTERNAL SENDER:", "EXT - ".
    rf'[\[({{<*#!~=_|-]{{0,3}} ?{_OUTSIDE}'
    rf'(?:[ /:!-]{{1,3}}(?:{_OUTSIDE}|e-?mail|mail|message|sender|source|origin'
    r'|absender|nachricht|exp[ée]diteur|remitente|mittente|remetente|afzender)){0,3}'
    r' ?(?:[])}>*#!~=_|]{1,3}:?|:|[-–—] )'
)
"""What a gateway puts before the subject of mail from outside."""

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
    return any(reading == WORD for reading in readings(value, prefix))


def readings(value: str | Header | None, prefix: str = '') -> Iterator[str]:
    """A subject with ever less of what programs put before it, as `plain` makes it.

    With all of it where a program has written it.
    """
    text = plain(decoded_subject(value))
    own = plain(prefix)
    while text:
        yield text.strip(_AROUND + _AFTER)
        if ANSWER_SUBJECTS.match(text) or _AUTOMATIC.match(text):
            return
        if own and text.startswith(own):
            text = text[len(own) :].lstrip()
            continue
        mark = _TAG.match(text) or _GATEWAY.match(text) or _REPLY.match(text)
        if mark is None:
            return
        text = text[mark.end() :].lstrip()


def mentions_unsubscribe(value: str | Header | None) -> bool:
    """Whether a subject ends with the word, whatever stands before it; never raises.

    So does what a program answers to a question about leaving.
    """
    text = plain(decoded_subject(value)).strip(_AROUND + _AFTER)
    return re.search(rf'(^|\W){WORD}$', text) is not None

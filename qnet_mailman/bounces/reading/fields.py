# SPDX-License-Identifier: GPL-3.0-or-later
"""Delivery-status fields (RFC 3464), wherever in a report they stand.

They are looked for line by line, not by MIME structure: reports are forwarded, quoted
with ``>``, put into the wrong part or written without the blank lines that should
separate one recipient from the next.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from qnet_mailman.bounces.reading.addresses import clean_address

# RFC 3464 2.3, and what sendmail adds.
_WANTED = frozenset(
    {
        'original-recipient',
        'final-recipient',
        'x-actual-recipient',
        'action',
        'status',
        'diagnostic-code',
        'remote-mta',
        'will-retry-until',
    }
)
_RECIPIENTS = ('original-recipient', 'final-recipient', 'x-actual-recipient')
#: A field of these that comes a second time belongs to the next recipient.
_ONCE = frozenset({'final-recipient', 'original-recipient', 'action', 'status'})

_QUOTED = re.compile(r'^(?:[ \t]{0,9}[>|]){1,9} ?')
_FIELD = re.compile(r'\s{0,20}([A-Za-z][\w-]{1,50})[ \t]{0,9}:(.*)', re.DOTALL)

#: How many recipients of one report are read.
MAX_RECIPIENTS = 100


@dataclass
class Recipient:
    """What a report's fields say about one recipient.

    :ivar values: Field values by lower-case name, unfolded.
    """

    values: dict[str, str] = field(default_factory=dict)

    @property
    def addresses(self) -> tuple[str, ...]:
        """Whom we sent it to first, then what others made of that."""
        found: list[str] = []
        for name in _RECIPIENTS:
            address = clean_address(self.values.get(name))
            if address and address.lower() not in (one.lower() for one in found):
                found.append(address)
        return tuple(found)

    @property
    def action(self) -> str:
        """RFC 3464 2.3.3, one lower-case word; some systems put comments behind it."""
        words = self.values.get('action', '').lower().split()
        return words[0].strip('.,;()') if words else ''

    @property
    def status(self) -> str:
        """RFC 3464 2.3.4, with its comment."""
        return self.values.get('status', '')

    @property
    def diagnostic(self) -> str:
        """RFC 3464 2.3.6, without the type of diagnostic."""
        value = self.values.get('diagnostic-code', '')
        kind, semicolon, text = value.partition(';')
        if semicolon and len(kind) < 40 and ' ' not in kind.strip():
            return text.strip()
        return value.strip()

    @property
    def names_somebody(self) -> bool:
        return any(name in self.values for name in _RECIPIENTS)

    @property
    def tells_a_fate(self) -> bool:
        return 'action' in self.values or 'status' in self.values


def find_recipients(lines: Iterable[str], *, certain: bool = False) -> list[Recipient]:
    """Find the recipients that delivery-status fields among these lines describe.

    :param certain: The lines are such fields: who is named in them has one, even where
        nothing more is said of anybody.
    :return: In the report's order; else only those of whom both a name and a fate, or
        what was said of them, are given.
    """
    blocks: list[Recipient] = []
    block = Recipient()
    name = ''
    for raw in lines:
        line = _QUOTED.sub('', raw) if raw.lstrip()[:1] in ('>', '|') else raw
        if not line.strip():
            block, name = _close(blocks, block), ''
            continue
        match = _FIELD.match(line)
        known = match[1].lower() if match else ''
        if match and known in _WANTED:
            if known in block.values and known in _ONCE:
                block = _close(blocks, block)
            name = known
            block.values.setdefault(name, match[2].strip()[:2000])
        elif name and line[0] in ' \t':
            # A folded field (RFC 5322 2.2.3).
            if len(block.values[name]) < 4000:
                block.values[name] += ' ' + line.strip()
        else:
            name = ''
        if len(blocks) >= MAX_RECIPIENTS:
            break
    _close(blocks, block)
    named = [one for one in blocks if one.names_somebody]
    told = [one for one in named if one.tells_a_fate or 'diagnostic-code' in one.values]
    return named if certain and not told else told


def _close(blocks: list[Recipient], block: Recipient) -> Recipient:
    """End a block; two halves torn apart by a blank line become one again."""
    if not block.values:
        return block
    if blocks:
        last = blocks[-1]
        halves = (last.names_somebody, last.tells_a_fate)
        if halves in ((True, False), (False, True)) and not (
            (block.names_somebody and last.names_somebody)
            or (block.tells_a_fate and last.tells_a_fate)
        ):
            last.values.update(block.values)
            return Recipient()
    blocks.append(block)
    return Recipient()

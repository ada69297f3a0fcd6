# SPDX-License-Identifier: GPL-3.0-or-later
"""Tokens of ours in what somebody quotes or passes on are made dead at arrival (R39).

Most people answer above the whole message that they answer, its footer with their own
link to leave included.  What a list delivers, archives and puts into digests would then
let its readers end that subscription.  So before anything is decided about a message,
whatever we handed out and would act on loses its token, wherever it stands: links to
leave and their tokens in header fields, addresses that take answers or bounces, links
that confirm or decide something.

Tokens are known by their own form, and by their signature, or because they wait in the
database; a message without any is not touched.  They die in signed parts as well, whose
signature then no longer fits: a reader who finds that it does not is less harmed than
somebody in whose name a stranger acts.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable
from email.message import Message

from mailman.model.pending import Pended
from sqlalchemy import select

from qnet_mailman.mail.blanking import blanked, has_run, words
from qnet_mailman.mail.everywhere import change_texts
from qnet_mailman.model import keys
from qnet_mailman.model.base import store
from qnet_mailman.model.return_addresses import Verifier, key_of
from qnet_mailman.model.statements import chunks
from qnet_mailman.subscriptions import decision_links, one_click
from qnet_mailman.subscriptions.one_click import BATCH

log = logging.getLogger('mailman.vette')

_SHORTEST = 40
"""Characters of the shortest token."""
_HEX = '[0-9A-Fa-f]'
FORMS = (
    # To leave, or to have mail again: of the kinds that there are.
    re.compile(r'([Aa])(?=([I-Ti-t][A-Za-z2-7]{70}))'),
    re.compile(r'(A)(?=(Q[A-Za-z0-9_-]{58}))'),
    # The envelope sender of a copy, whatever has become of its plus sign.
    re.compile(r'bounces[^a-z0-9]([a-z2-7]{48})', re.IGNORECASE),
    # To decide.
    decision_links.FORM,
    # A pending, alone, or behind the list's number in an address.
    re.compile(rf'({_HEX})(?<!{_HEX}{{2}})({_HEX}{{39}})(?!{_HEX})'),
    re.compile(rf'{_HEX}(?<!{_HEX}{{2}}){_HEX}{{7}}({_HEX}{{40}})(?!{_HEX})'),
)
"""See :mod:`.one_click`, :mod:`.return_addresses`, :mod:`qnet_mailman.model.tokens`."""


def make_dead(msg: Message) -> int:
    """Make the tokens in a message dead, in place.

    :return: How many there were, each counted once.
    """
    found: set[str] = set()

    def look(text: str) -> str:
        # Pictures and the like: nobody has broken a line in them.
        if len(text) >= _SHORTEST and ('\0' not in text or has_run(text, _SHORTEST)):
            found.update(words(text, FORMS, _SHORTEST))
        return text

    change_texts(msg, look)
    live = set(_live(found)) if found else set()
    if live:
        change_texts(msg, lambda text: blanked(text, FORMS, live.__contains__))
        log.info(
            '%s: %d tokens that came in quoted are dead',
            msg.get('message-id', 'n/a'),
            len(live),
        )
    return len(live)


def _live(found: set[str]) -> Iterable[str]:
    """Which of them we handed out."""
    yield from one_click.signed(found)
    yield from decision_links.made_here(found)
    yield from _of_bounces(found)
    pending = sorted({one.lower() for one in found if len(one) == _SHORTEST})
    waiting: set[str] = set()
    for some in chunks(pending, BATCH):
        waiting |= set(
            store().scalars(select(Pended.token).where(Pended.token.in_(some)))
        )
    yield from (one for one in found if one.lower() in waiting)


def _of_bounces(found: set[str]) -> Iterable[str]:
    """Those of envelope senders; no number of a key is looked up that is none."""
    named = {one: key_of(one.lower()) for one in found}
    if all(key_id is None for key_id in named.values()):
        return
    known = {key_id for key_id, _, _ in keys.all_keys()}
    verifier = Verifier()
    yield from (
        one
        for one, key_id in named.items()
        if key_id in known and verifier.read(one.lower()) is not None
    )

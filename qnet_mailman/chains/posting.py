# SPDX-License-Identifier: GPL-3.0-or-later
"""The chain `qnet-posting-chain`: what becomes of a post (R3-R6, R14)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mailman.chains.base import Link
from mailman.interfaces.chain import IChain, LinkAction
from public import public
from zope.interface import implementer

from qnet_mailman import site
from qnet_mailman.mlist import Mlist
from qnet_mailman.posting.decision import Standing

CONTENT_RULES = (
    'administrivia',
    'implicit-dest',
    'max-recipients',
    'no-subject',
    'suspicious-header',
)
"""Mailman's own doubts about a post.  A person with posting privileges has
been asked to write to the list, and is spared them."""


@public
@implementer(IChain)
class PostingChain:
    """Decide about a post.

    First what is nobody's wish is discarded without a word, so that no notice
    goes to a program or to the victim of a forgery (R5; a person with posting
    privileges is told of an announcement that looks automatic); a request to leave is
    answered (R14); a list that is closed rejects whatever else comes; then the
    author's rights decide (R3, R4, R6); then what Mailman finds odd, or what may be
    meant to leave a list, waits for a moderator.
    """

    name = 'qnet-posting-chain'
    description = 'Posting rights of notification and discussion lists.'

    def get_links(
        self, mlist: Mlist, msg: Any, msgdata: dict[str, Any]
    ) -> Iterator[Link]:
        """See `IChain`."""
        # Where this runs in a runner without our guard, the message is shunted,
        # which loses nothing (R32).
        site.settings()
        yield Link('qnet-loop', LinkAction.jump, 'qnet-loop')
        yield Link('qnet-automatic', LinkAction.jump, 'qnet-automatic')
        # Who may not post may leave all the same.
        yield Link('qnet-unsubscribe', LinkAction.jump, 'qnet-unsubscribe')
        yield Link('qnet-banned', LinkAction.jump, 'discard')
        yield Link('qnet-standing')
        yield Link('qnet-closed', LinkAction.jump, 'qnet-reject')
        yield Link('truth', LinkAction.detour, 'qnet-header-match')
        # Only a hit with discard or reject jumps.
        yield Link('qnet-dmarc-mitigation', LinkAction.jump, 'qnet-dmarc')
        yield Link('qnet-posting-rights', LinkAction.jump, 'qnet-disposition')
        yield Link('emergency', LinkAction.jump, 'qnet-hold')
        yield Link('max-size')
        yield Link('qnet-wish-to-leave')
        if msgdata['qnet_standing'] != Standing.poster:
            for rule in CONTENT_RULES:
                yield Link(rule)
        yield Link('any', LinkAction.jump, 'qnet-hold')
        yield Link('truth', LinkAction.jump, 'accept')

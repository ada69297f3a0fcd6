# SPDX-License-Identifier: GPL-3.0-or-later
"""Which of our lists a post has been through, and over how many hops (RFC 5321 6.3).

Two lists that are members of each other, or a list and a forwarder, would repeat a post
for ever: another list puts its own List-Id in the place of ours, and masking drops the
Received fields that mail servers count.  So every list of ours leaves a mark in a field
that no other software knows, and so passes on::

    X-QNet-Trace: KEY.HOPS.TAG-TAG-TAG.SIGNATURE

A tag stands for a list and says nothing to anybody without the key; nothing in the
field is about the sender.  What we have not signed counts for nothing.  Fields that
older keys have signed are kept beside the newest's.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass
from email.message import Message

from qnet_mailman.model import keys

FIELD = 'X-QNet-Trace'
MAX_HOPS = 25
"""Lists, and mail servers (Received fields), after which any post ends."""
_MOST_FIELDS = 10
_TAG_CHARACTERS = 16
_VALUE = re.compile(
    r'(\d{1,9})\.(\d{1,4})\.([0-9a-f]{16}(?:-[0-9a-f]{16}){0,59})\.([0-9a-f]{40})'
)


@dataclass(frozen=True)
class Trace:
    """What a post says of its way, as far as we have signed it.

    :ivar hops: Lists, and mail servers whose Received fields masking took away.
    :ivar tags: By the number of the key, the tags of the lists.
    """

    hops: int
    tags: dict[int, tuple[str, ...]]


def _mac(key: keys.Key, what: str, text: str) -> str:
    message = f'qnet-trace {what} {text}'.encode()
    return hmac.new(key.secret, message, hashlib.sha256).hexdigest()


def _tag(key: keys.Key, list_id: str) -> str:
    return _mac(key, 'list', list_id)[:_TAG_CHARACTERS]


def _key(key_id: int) -> keys.Key | None:
    try:
        return keys.verifying(key_id)
    except LookupError:
        return None


def read(message: Message) -> Trace:
    """What of a post's marks is ours."""
    hops = 0
    tags: dict[int, tuple[str, ...]] = {}
    for value in message.get_all(FIELD, [])[:_MOST_FIELDS]:
        match = _VALUE.fullmatch(''.join(str(value).split()))
        key = _key(int(match[1])) if match is not None else None
        if match is None or key is None:
            continue
        unsigned, _, signature = match[0].rpartition('.')
        if hmac.compare_digest(_mac(key, 'field', unsigned)[:40], signature):
            hops = max(hops, int(match[2]))
            more = tags.get(key.id, ()) + tuple(match[3].split('-'))
            tags[key.id] = tuple(dict.fromkeys(more))
    return Trace(hops, tags)


def stand_in(message_id: str) -> str:
    """What stands for a Message-ID and does not give it away: the same each time."""
    return _mac(keys.signing(), 'id', message_id)[:32]


def servers(message: Message) -> int:
    """How many mail servers a post says to have come through."""
    return len(message.get_all('received', []))


def has_passed(trace: Trace, list_id: str) -> bool:
    """Whether a post has been through a list before."""
    found = ((_key(key_id), tags) for key_id, tags in trace.tags.items())
    return any(key is not None and _tag(key, list_id) in tags for key, tags in found)


def leave(message: Message, trace: Trace, list_id: str, lost: int) -> None:
    """Put a list's mark on a post, beside those that were on it.

    :param message: The post as it leaves.
    :param trace: What was on it when it came.
    :param lost: How many Received fields it had and has no more.
    """
    del message[FIELD]
    newest = keys.signing()
    tags = {**trace.tags, newest.id: trace.tags.get(newest.id, ())}
    tags[newest.id] = tuple(dict.fromkeys((*tags[newest.id], _tag(newest, list_id))))
    for key_id, some in tags.items():
        key = _key(key_id)
        if key is not None:
            hops = min(trace.hops + lost + 1, 9999)
            unsigned = f'{key_id}.{hops}.{"-".join(some)}'
            signature = _mac(key, 'field', unsigned)[:40]
            # A line has at most 998 octets (RFC 5322 section 2.1.1).
            message[FIELD] = f'{unsigned}.{signature}'.replace('-', '-\n ')

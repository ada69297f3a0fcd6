# SPDX-License-Identifier: GPL-3.0-or-later
"""Digests: collecting posts for them, and making one (R33).

Posts wait in the database (`model/digests.py`).  A digest is made, handed on, numbered
and taken from what waits in one transaction, by the runner of the `digest` queue: a
kill at any point leaves all or nothing of it.  Of two processes that are at the same
posts, one finds at its end that they are gone, and begins anew.

Mailman's own file of such posts, ``digest.mmdf``, is read once: what a list had in it
before it was ours (:func:`take_over`).  Whatever lock it has left means nothing.  A
list that is ours no more gets its posts back into that file (:func:`hand_back`).
"""

from __future__ import annotations

import logging
import mailbox
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from email.message import Message as StandardMessage
from pathlib import Path
from typing import Any

from mailman.app import digests as stock
from mailman.config import config
from mailman.core.i18n import _
from mailman.email.message import Message
from mailman.interfaces.member import DeliveryMode
from mailman.runners.digest import MIMEDigester, RFC1153Digester

from qnet_mailman.mail import intake
from qnet_mailman.mail.legible import make_legible
from qnet_mailman.mlist import Mlist
from qnet_mailman.model import digests
from qnet_mailman.model.base import store
from qnet_mailman.model.lists import row_of
from qnet_mailman.mta.recipients import digest_recipients
from qnet_mailman.queues.handover import later
from qnet_mailman.roles import projection

FORCED = 'qnet_digest_forced'
"""In the metadata of an entry of the `digest` queue: whether little is enough."""

FILE = 'digest.mmdf'
"""In the folder of a list: where Mailman collects."""

USERS = (
    'mailman.app.digests',
    'mailman.commands.cli_digests',
    'mailman.rest.lists',
)
"""Modules that send digests at somebody's wish."""

UNREADABLE = (
    b'Subject: (not shown)\n\nA message that cannot be shown in a digest stood here.\n'
)

_STOCK = stock.maybe_send_digest_now
log = logging.getLogger('mailman.error')


class Overtaken(Exception):
    """Another process has made a digest of the same posts meanwhile."""


def install() -> None:
    """Let Mailman ask here for digests; again is harmless."""
    for name in USERS:
        module: Any = sys.modules.get(name)
        if module is not None:
            module.maybe_send_digest_now = send_now


def collect(mlist: Mlist, msg: StandardMessage) -> None:
    """Keep a post for the next digest, and have that made when it is large enough."""
    content = bytes(msg.as_bytes())

    def keep() -> None:
        digests.add(mlist.list_id, content)
        if _is_enough(mlist):
            _order(mlist)

    later(keep)


def send_now(mlist: Mlist, *, force: bool = False) -> None:
    """Mailman's `maybe_send_digest_now`, for what waits in the database as well.

    :param force: Whether to send it however little it is.
    """
    is_ours = row_of(mlist) is not None
    if not is_ours:
        _STOCK(mlist, force=force)
    size = digests.size_of(mlist.list_id)
    if is_ours and _file(mlist).exists():
        size = max(size, 1)
    if size and (force or _is_enough(mlist)):
        _order(mlist, force)


def _order(mlist: Mlist, force: bool = False) -> None:
    config.switchboards['digest'].enqueue(
        Message(), {'listid': mlist.list_id, FORCED: force}
    )


def _is_enough(mlist: Mlist) -> bool:
    threshold = mlist.digest_size_threshold * 1024
    return threshold > 0 and digests.size_of(mlist.list_id) >= threshold


def _file(mlist: Mlist) -> Path:
    return Path(mlist.data_path, FILE)


def size_in_file(mlist: Mlist) -> int:
    """How much Mailman has collected in its file, in bytes."""
    path = _file(mlist)
    return path.stat().st_size if path.exists() else 0


def take_over(mlist: Mlist, prepared: Callable[[Mlist, bytes], bytes]) -> None:
    """Take what Mailman has collected in its file into the database; commits.

    Not of a list of another style, for which Mailman goes on (R40).  It comes before
    what the list has collected since.

    The file is removed after the commit.  Where a kill comes between the two, what is
    in the database already is not added again.

    :param prepared: Makes of a post as Mailman keeps it one as we do.
    :raises Overtaken: if another process has made a digest meanwhile.
    """
    path = _file(mlist)
    if not path.exists():
        return
    # Nobody hands the list back meanwhile.
    projection.lock()
    if not path.exists() or row_of(mlist) is None:
        return
    rows = digests.waiting(mlist.list_id)
    known = {_as_in_file(content) for _row, content in rows}
    old = mailbox.MMDF(path, create=False)
    try:
        earlier = [prepared(mlist, old.get_bytes(key)) for key in old.iterkeys()]
    finally:
        old.close()
    earlier = [content for content in earlier if _as_in_file(content) not in known]
    if earlier and not digests.remove(row for row, _content in rows):
        raise Overtaken
    if earlier:
        for content in (*earlier, *(content for _row, content in rows)):
            digests.add(mlist.list_id, content)
    config.db.commit()
    path.unlink()
    Path(f'{path}.lock').unlink(missing_ok=True)


def hand_back(mlist: Mlist) -> None:
    """Put what waits into Mailman's file, as the list is about to be its; no commit.

    Nobody else is at the file before the commit: while the list is ours, Mailman does
    not collect for it.  Where a kill or a failure comes before the commit, what is
    then in both is not taken from the file again.

    :raises Overtaken: if another process has made a digest meanwhile.
    """
    rows = digests.waiting(mlist.list_id)
    if not digests.remove(row for row, _content in rows):
        raise Overtaken
    if not rows:
        return
    path = _file(mlist)
    path.parent.mkdir(parents=True, exist_ok=True)
    new = Path(f'{path}.new')
    if path.exists():
        shutil.copyfile(path, new)
    else:
        new.unlink(missing_ok=True)
    file = mailbox.MMDF(new)
    try:
        known = {_as_in_file(file.get_bytes(key)) for key in file.iterkeys()}
        for _row, content in rows:
            if _as_in_file(content) not in known:
                file.add(content)
    finally:
        file.close()
    os.replace(new, path)
    Path(f'{path}.lock').unlink(missing_ok=True)


def _as_in_file(content: bytes) -> bytes:
    return content.rstrip(b'\r\n')


def send(mlist: Mlist, *, force: bool) -> None:
    """Make the digest of what waits and hand it on; does not commit.

    Nothing is written to the database before the digest is made.

    :param force: Whether to send it however little it is.
    :raises Overtaken: and nothing may be committed.
    """
    if not (force or _is_enough(mlist)):
        return
    rows = digests.waiting(mlist.list_id)
    if not rows:
        return
    # After that: whoever made a digest before has raised the number.
    store().refresh(mlist, ['volume', 'next_digest_number', 'digest_last_sent_at'])
    made = _made(mlist, [content for _row, content in rows])
    recipients = digest_recipients(mlist)
    for address, mode in mlist.last_digest_recipients:
        recipients[address.original_email] = mode
    if not digests.remove(row for row, _content in rows):
        raise Overtaken
    stock.bump_digest_number_and_volume(mlist)
    texts = {
        address
        for address, mode in recipients.items()
        if mode == DeliveryMode.plaintext_digests
    }
    for msg, readers in zip(made, (recipients.keys() - texts, texts), strict=True):
        if readers:
            config.switchboards['virgin'].enqueue(
                msg, recipients=readers, listid=mlist.list_id, isdigest=True
            )


def _made(mlist: Mlist, contents: list[bytes]) -> tuple[Any, Any]:
    """The digest as a MIME message (RFC 2046 section 5.1.5) and as text (RFC 1153)."""
    try:
        return _compose(mlist, list(_messages(contents)))
    except Exception:
        log.exception('A digest of %s is made without some posts', mlist.list_id)
    good = []
    for content in contents:
        try:
            _compose(mlist, list(_messages([content])))
        except Exception:
            log.exception('A post cannot be put into a digest')
            content = UNREADABLE
        good.append(content)
    return _compose(mlist, list(_messages(good)))


def _messages(contents: list[bytes]) -> Iterator[Any]:
    for content in contents:
        msg, _is_too_deep = intake.parse(content, Message)
        make_legible(msg)
        yield msg


def _compose(mlist: Mlist, messages: list[Any]) -> tuple[Any, Any]:
    with _.using(mlist.preferred_language.code):
        digesters = [
            kind(mlist, mlist.volume, mlist.next_digest_number)
            for kind in (MIMEDigester, RFC1153Digester)
        ]
        for digester in digesters:
            for number, msg in enumerate(messages, 1):
                digester.add_to_toc(msg, number)
            digester.add_toc(len(messages))
        # The second takes messages apart.
        for digester in digesters:
            for number, msg in enumerate(messages, 1):
                digester.add_message(msg, number)
        mime, text = (digester.finish() for digester in digesters)
        # What cannot be written fails here, and not in every queue that follows.
        mime.as_bytes()
        text.as_bytes()
    return mime, text

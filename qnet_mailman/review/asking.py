# SPDX-License-Identifier: GPL-3.0-or-later
"""Request forms that somebody fills in on the web (R13, R29).

Whoever is signed in with the address of the requester has shown that it is theirs, and
their form becomes a request at once.  Anybody else could have typed anybody's address:
its owner gets one mail with a link, and nothing becomes a request before they press the
button of its page.  The mail has nothing in it that was typed, and one mailbox gets
only so many a day (:mod:`qnet_mailman.posting.backscatter`).  Nothing here asks who is
known to the site, so that no answer can tell.

A mail answers to nobody: an automatic reply to it confirms nothing.
"""

from __future__ import annotations

import hashlib
import logging
import secrets
from datetime import datetime

from mailman.config import config
from mailman.utilities.datetime import now
from sqlalchemy import delete, func, select

from qnet_mailman import clock, site
from qnet_mailman.forms import labels
from qnet_mailman.forms.kept import Found, Loaded
from qnet_mailman.model import finding, tokens
from qnet_mailman.model.asked import QNetAskedForm
from qnet_mailman.model.base import store
from qnet_mailman.model.statements import touched
from qnet_mailman.posting import backscatter
from qnet_mailman.review import reading, receiving
from qnet_mailman.review.reading import Sent
from qnet_mailman.templates.sending import send

FORM = 'request.json'
SUBSCRIBERS = 'subscribers.csv'
"""What a form from the web calls the file with its subscribers, whatever its name."""
CONFIRM = 'qnet:requester:action:confirm-request'
BY_LINK = 'confirmed by mail'

log = logging.getLogger('mailman.vette')


class NoWebSide(Exception):
    """There is no page that a link could lead to."""


def sent(form: bytes, subscribers: bytes) -> Sent:
    """What was filled in, as a file with another beside it.

    :param form: The form, in JSON.
    :param subscribers: The CSV file that it names; empty where it names none.
    """
    beside = {SUBSCRIBERS: subscribers} if subscribers else {}
    return Sent(FORM, form, beside)


def read(filled_in: Sent) -> Found:
    """The form, or everything that is wrong with it."""
    return reading.read(filled_in, site.settings())[0]


def is_theirs(loaded: Loaded, email: str) -> bool:
    """Whether a form names its requester by an address that is shown to be theirs.

    :param email: The address; empty where nothing is shown.
    """
    return bool(email) and loaded.form.requester.email.lower() == email.lower()


def hold(filled_in: Sent, loaded: Loaded) -> None:
    """Let a form wait for its requester, who gets a mail; commits.

    What waits already waits on where the mailbox had its mails of the day: nothing is
    sent then, and nobody can tell.

    :raises NoWebSide: if the site has no pages.
    :raises receiving.TooMany: if so many wait, whoever they are of.
    """
    settings = site.settings()
    if settings.web_url is None:
        raise NoWebSide
    waiting = store().scalar(select(func.count(QNetAskedForm.id))) or 0
    if waiting >= settings.forms_max_waiting:
        raise receiving.TooMany
    address = loaded.form.requester.email
    if not backscatter.mail_allowed(address):
        return
    if finding.list_at(address.lower()) is not None:
        log.info('No request form taken in the name of a list: %s', address)
        return
    moment = now().replace(microsecond=0)
    token = secrets.token_hex(tokens.TOKEN_BYTES)
    store().add(
        QNetAskedForm(
            token_digest=_digest(token),
            requester=address,
            asked_at=moment,
            expires_at=moment + settings.signup_lifetime,
            content=filled_in.content,
            subscribers=filled_in.beside.get(SUBSCRIBERS, b''),
        )
    )
    config.db.commit()
    send(
        None,
        address,
        CONFIRM,
        'Please confirm your request about a mailing list',
        {
            'user_email': address,
            'form': labels.TITLES[loaded.form.form],
            'when': clock.in_words(moment),
            'until': clock.in_words(moment + settings.signup_lifetime),
            'link': f'{settings.web_url}/forms/confirm/{token}/',
        },
    )


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode('utf-8', 'replace')).hexdigest()


def _of(token: str) -> QNetAskedForm | None:
    return store().scalar(
        select(QNetAskedForm).where(
            QNetAskedForm.token_digest == _digest(token),
            QNetAskedForm.expires_at >= now(),
        )
    )


def describe(token: str) -> Found | None:
    """The form that a link would confirm; None where there is none any more."""
    row = _of(token)
    return None if row is None else read(sent(row.content, row.subscribers))


def confirm(token: str) -> list[int] | None:
    """Let the form become a request; part of the caller's transaction.

    :return: Its number; None where there is no such form any more.
    :raises receiving.TooMany: if so many wait: the link stays good.
    """
    row = _of(token)
    if row is None:
        return None
    filled_in, requester = sent(row.content, row.subscribers), row.requester
    # Whoever takes the row away is the one who confirms.
    if not touched(delete(QNetAskedForm).where(QNetAskedForm.id == row.id)):
        return None
    tokens.use(token, site.settings().signup_lifetime)
    return receiving.take_asked(filled_in, requester, BY_LINK)


def prune(moment: datetime) -> None:
    """Forget what nobody confirmed in time.

    :param moment: In UTC, without a zone.
    """
    store().execute(delete(QNetAskedForm).where(QNetAskedForm.expires_at < moment))

# SPDX-License-Identifier: GPL-3.0-or-later
"""Refresh tokens at rest: encrypted with a key made from ``SECRET_KEY``.

Whoever reads the database alone, or a backup of it, cannot use them.  The keys
of ``SECRET_KEY_FALLBACKS`` still open what they sealed.
"""

from __future__ import annotations

import base64

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings


def _fernet(secret: str) -> Fernet:
    # RFC 5869: "info" gives this use a key of its own.
    hkdf = HKDF(SHA256(), length=32, salt=None, info=b'qnet-mailer refresh tokens')
    return Fernet(base64.urlsafe_b64encode(hkdf.derive(secret.encode())))


def _box() -> MultiFernet:
    return MultiFernet(
        [
            _fernet(secret)
            for secret in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
        ]
    )


def seal(text: str) -> str:
    """Encrypt a text.

    :param text: What nobody may read in the database.
    """
    return _box().encrypt(text.encode()).decode()


def unseal(sealed: str) -> str | None:
    """The text again; None where it was sealed with another key.

    :param sealed: What :func:`seal` returned.
    """
    try:
        return _box().decrypt(sealed.encode()).decode()
    except InvalidToken:
        return None

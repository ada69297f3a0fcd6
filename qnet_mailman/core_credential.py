# SPDX-License-Identifier: GPL-3.0-or-later
"""How core shows to the web side that it is core: pure, known to both sides.

Both have the password of core's REST server.  What core shows is made from it and does
not open REST: whoever reads it on its way gets the texts of messages, and no more.  It
is sent as user and password (RFC 7617), which is what Mailman can send for a text.
"""

from __future__ import annotations

import hashlib
import hmac

#: The user's name.
USER = 'mailman-core'


def password_from(rest_password: str) -> str:
    """What core shows.

    :param rest_password: ``admin_pass`` of ``[webservice]`` in ``mailman.cfg``, which
        is ``MAILMAN_REST_API_PASS`` of the web side.
    """
    message = b'qnet-mailer: core asks the web side'
    return hmac.new(rest_password.encode(), message, hashlib.sha256).hexdigest()

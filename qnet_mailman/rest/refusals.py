# SPDX-License-Identifier: GPL-3.0-or-later
"""How Mailman's own resources answer what rooms of ours refuse.

The rooms below raise what any door can tell people; only who serves REST reads falcon.
"""

from __future__ import annotations

from typing import Any, NoReturn

import falcon
from mailman.rest import sub_moderation

from qnet_mailman.lists import digests
from qnet_mailman.posting import refusing
from qnet_mailman.posting.lost import MessageLost
from qnet_mailman.subscriptions.joining import AddressOfList, ListClosed


def answer(application: Any) -> Any:
    """Let an application answer in our words.

    :param application: Of `mailman.rest.wsgiapp`; it is returned.
    """
    application.add_error_handler(MessageLost, _message_lost)
    application.add_error_handler(ListClosed, _list_closed)
    application.add_error_handler(AddressOfList, _address_of_list)
    sub_moderation.send_rejection = refusing.joining_refused
    digests.install()
    return application


def _message_lost(_req: Any, _resp: Any, error: Any, _params: Any) -> NoReturn:
    raise falcon.HTTPConflict(title=error.title, description=str(error))


def _list_closed(_req: Any, _resp: Any, error: Any, _params: Any) -> NoReturn:
    raise falcon.HTTPConflict(description=str(error))


def _address_of_list(_req: Any, _resp: Any, error: Any, _params: Any) -> NoReturn:
    raise falcon.HTTPBadRequest(description=str(error))

# SPDX-License-Identifier: GPL-3.0-or-later
"""For pages of ours: whom they open for (R24).

The gate's table (:mod:`qnet_mailman.web.gate.policy`) has these pages, too; a page
that changes something says it itself.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponseBase

from qnet_mailman.web.gate.pages import refuse
from qnet_mailman.web.gate.policy import Need

View = Callable[..., HttpResponseBase]


def administrators_only(view: View) -> View:
    """Open a view for the administrators of its list, and operators.

    :param view: A view with an argument `list_id`, an ID or a posting address.
    """
    return _guarded(view, Need.ADMINISTRATOR)


def moderators_only(view: View) -> View:
    """Open a view for the moderators and administrators of its list, and operators.

    :param view: A view with an argument `list_id`, an ID or a posting address.
    """
    return _guarded(view, Need.MODERATOR)


def operators_only(view: View) -> View:
    """Open a view for operators.

    :param view: A view about no list, or about any.
    """

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not request.qnet.is_operator:
            return refuse(request, Need.OPERATOR)
        return view(request, *args, **kwargs)

    return guarded


def _guarded(view: View, need: Need) -> View:
    @wraps(view)
    def guarded(
        request: HttpRequest, *args: Any, list_id: str, **kwargs: Any
    ) -> HttpResponseBase:
        access = request.qnet
        if need is Need.ADMINISTRATOR:
            allowed = access.administers(list_id)
        else:
            allowed = access.moderates(list_id)
        if not allowed:
            return refuse(request, need, list_id)
        return view(request, *args, list_id=list_id, **kwargs)

    return guarded

# SPDX-License-Identifier: GPL-3.0-or-later
"""What becomes of each kind of form: its plan, and who is told (R29, R30)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from qnet_mailman.forms import schema
from qnet_mailman.forms.list_closure import ListClosure
from qnet_mailman.forms.schema import ListRequest
from qnet_mailman.lists import closing
from qnet_mailman.model.closures import closure_of
from qnet_mailman.model.finding import find_list
from qnet_mailman.provisioning import notices
from qnet_mailman.provisioning.looking import (
    look,
    look_at_assignments,
    look_at_closing,
    look_at_thresholds,
)
from qnet_mailman.provisioning.plan import Plan, make_plan
from qnet_mailman.provisioning.request_plans import (
    make_administrator_plan,
    make_closure_plan,
    make_threshold_plan,
)
from qnet_mailman.settings import Settings
from qnet_mailman.values import list_id_of


@dataclass(frozen=True)
class Kind:
    """What becomes of a kind of form.

    :ivar plan: Looks at what there is and makes the plan; the last argument says
        whether an operator answers for what the requester may not ask for alone.
    :ivar tell: Sends its notices, in the caller's transaction.
    """

    plan: Callable[[Any, Settings, bool], Plan]
    tell: Callable[[Any, Plan], None]


def _list_plan(form: ListRequest, settings: Settings, approved: bool) -> Plan:
    running, there = look(form)
    return make_plan(
        form, running, there, own_domain=settings.domain, approved=approved
    )


def _closure_plan(form: ListClosure, settings: Settings, approved: bool) -> Plan:
    return make_closure_plan(
        form,
        look_at_closing(form),
        undo_days=settings.closure_undo_days,
        approved=approved,
    )


def _tell_of_closure(form: ListClosure, plan: Plan) -> None:
    mlist = find_list(form.list)
    closure = closure_of(list_id_of(form.list))
    # The members once.
    if form.tell_members and closure is not None and closure.announced_at is None:
        closing.announce(mlist, closure)
    notices.send_closure(mlist, form, plan)


KINDS: dict[str, Kind] = {
    schema.KIND: Kind(
        _list_plan,
        lambda form, plan: notices.send_all(find_list(form.list.name), form, plan),
    ),
    schema.ADMINISTRATOR_REQUEST: Kind(
        lambda form, settings, approved: make_administrator_plan(
            form, look_at_assignments(form), approved=approved
        ),
        lambda form, plan: notices.send_assignments(form, plan),
    ),
    schema.THRESHOLD_CHANGE: Kind(
        lambda form, settings, approved: make_threshold_plan(
            form, look_at_thresholds(form), approved=approved
        ),
        lambda form, plan: notices.send_threshold_change(
            find_list(form.list), form, plan
        ),
    ),
    schema.LIST_CLOSURE: Kind(_closure_plan, _tell_of_closure),
}

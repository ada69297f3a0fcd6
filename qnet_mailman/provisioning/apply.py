# SPDX-License-Identifier: GPL-3.0-or-later
"""Doing what a form asks for: all of it or nothing (R30).

Everything is in one transaction of Mailman's database: domain, list, settings,
people, subscribers, the form itself and the audit log.  What a database cannot
take back is put back by hand: the list's folder and the mail server's map.
Notices are written before the commit, wait for it in `queue/handover` and are noted
on the form's row, so that everybody gets theirs, once; what a killed process left
there is settled by the next one.  Where they cannot be written, the form is applied
without them, and whoever applies it again sends them.

One process on a host provisions at a time.  Hosts beside each other that share a
database are kept apart by its unique constraints: the slower one is rolled back,
looks again and finds nothing left to do.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal

from mailman.app.lifecycle import create_list
from mailman.config import config
from mailman.interfaces.domain import IDomainManager
from mailman.interfaces.mailinglist import InvalidListNameError
from mailman.interfaces.runner import RunnerInterrupt
from mailman.utilities.datetime import now
from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from zope.component import getUtility

from qnet_mailman import site
from qnet_mailman.bounces import relief
from qnet_mailman.clock import moment_as_text
from qnet_mailman.forms import plain
from qnet_mailman.forms.administrator_request import AdministratorRequest
from qnet_mailman.forms.kinds import AnyForm
from qnet_mailman.forms.mistakes import Document, FormError, placed
from qnet_mailman.forms.schema import ListRequest
from qnet_mailman.lists import closing
from qnet_mailman.lists.settings import BOUNCES, Value, change_setting
from qnet_mailman.mlist import Mlist
from qnet_mailman.model import audit
from qnet_mailman.model.audit import QNetAudit
from qnet_mailman.model.base import store
from qnet_mailman.model.finding import find_list
from qnet_mailman.model.forms import QNetForm
from qnet_mailman.mta import list_map
from qnet_mailman.provisioning.intake import numbered
from qnet_mailman.provisioning.kinds import KINDS
from qnet_mailman.provisioning.looking import (
    applied,
)
from qnet_mailman.provisioning.one_at_a_time import LOCK, one_at_a_time
from qnet_mailman.provisioning.plan import (
    Plan,
    PlanRefused,
    wanted,
)
from qnet_mailman.provisioning.steps import (
    Assign,
    Close,
    Create,
    OnList,
    Set,
    Step,
    Subscribe,
    Unassign,
)
from qnet_mailman.provisioning.subscribing import (
    MANY,
    refresh_statistics,
    subscribe_people,
)
from qnet_mailman.queues import handover
from qnet_mailman.roles import projection
from qnet_mailman.roles.people import Assignee, Role, assign, unassign
from qnet_mailman.settings import Settings
from qnet_mailman.values import list_id_of

log = logging.getLogger('mailman.plugins')

NOTICES = 'provision'
"""What the folders of notices that wait for a commit are named after."""

Outcome = Literal['created', 'changed', 'unchanged', 'planned', 'invalid', 'failed']


@dataclass(frozen=True)
class Result:
    """What became of one form.

    :ivar list_address: The list, or several with commas between them; empty where the
        form does not say.
    :ivar notes: What somebody should know, though nothing is wrong.
    :ivar errors: Why it is invalid or failed.
    :ivar changes_list: Whether it changes, or would, a list that was there before.
    :ivar needs_approval: Whether it needs, or would, an operator who answers for it.
    """

    outcome: Outcome
    ticket: str = ''
    list_address: str = ''
    steps: tuple[Step, ...] = ()
    notes: tuple[str, ...] = ()
    errors: tuple[FormError, ...] = ()
    changes_list: bool = False
    needs_approval: bool = False

    def as_dict(self) -> dict[str, Any]:
        """The result as plain data."""
        return {
            'ticket': self.ticket,
            'list': self.list_address,
            'lists': self.list_address.split(', ') if self.list_address else [],
            'result': self.outcome,
            'changes': [{**step.as_dict(), 'text': str(step)} for step in self.steps],
            'notes': list(self.notes),
            'errors': [plain.as_dict(error) for error in self.errors],
        }


def apply_form(
    form: AnyForm,
    *,
    actor: str,
    dry_run: bool = False,
    approved: bool = False,
    document: Document | None = None,
    request: str = '',
    number: str = '',
) -> Result:
    """Apply a form, or say what that would do.

    Whatever the caller has in Mailman's transaction is committed first.

    :param form: The form.
    :param actor: Who does it, for the audit log.
    :param dry_run: Whether to touch nothing.
    :param approved: Whether an operator answers for what the form's requester may not
        ask for alone.
    :param document: The form's file, for the lines of errors.
    :param request: What the caller knows this request by, if it may come again
        because the answer is lost: the answer is then what the first one was.
    :param number: What is to be the ticket of a form without one (R38): its intake
        number, or the service desk's; empty gives it an intake number.
    :return: What became of it; failures too are told in the result.
    :raises qnet_mailman.site.NotReady: while this process may not work.
    """
    settings = site.settings()
    token = audit.current_actor.set(actor)
    try:
        config.db.commit()
        with one_at_a_time(LOCK):
            if not dry_run:
                list_map.settle()
                _settle_notices()
            again = partial(_Work, form, request, number)
            work = again()
            while True:
                try:
                    return _apply(work, settings, dry_run, approved)
                except IntegrityError:
                    # Another host was faster.
                    if work.is_second:
                        raise
                    work = again(is_second=True, untold=work.untold)
                except _Untold as error:
                    work = again(is_second=work.is_second, untold=str(error))
    except PlanRefused as refused:
        errors = tuple(placed(refused.problems, document))
        return _result(form, 'invalid', errors=errors)
    except InvalidListNameError:
        # The site takes fewer characters than we do: [mailman] listname_chars.
        problem = f'found "{form.list_address}", which has characters this site refuses'
        return _result(
            form,
            'invalid',
            errors=tuple(placed([(('list', 'name'), problem)], document)),
        )
    except site.NotReady:
        raise
    except Exception as error:
        if not isinstance(error, (SQLAlchemyError, OSError)):
            log.exception('A form could not be applied')
        message = f'nothing was changed: {site.describe(error)}'
        return _result(form, 'failed', errors=(FormError('', None, message),))
    finally:
        audit.current_actor.reset(token)


@contextmanager
def many_forms(
    *, dry_run: bool = False, more: bool = False
) -> Iterator[list_map.Gathering]:
    """Around the applying of many forms: the mail server learns of all together.

    :param dry_run: Whether to touch nothing.
    :param more: Whether more forms come soon, and the mail server may wait for them.
    """
    with list_map.gathered(continued=more) as gathering:
        try:
            yield gathering
        finally:
            if not dry_run and not more:
                with one_at_a_time(LOCK):
                    gathering.finish()


def write_abandoned_map() -> None:
    """Write the mail server's map for a process that did not come to it.  Commits.

    :raises sqlalchemy.exc.SQLAlchemyError: if the database fails.
    """
    if not list_map.is_abandoned():
        return
    try:
        with one_at_a_time(LOCK):
            list_map.settle()
        config.db.commit()
    except (SQLAlchemyError, RunnerInterrupt):
        raise
    except Exception:
        config.db.abort()
        log.exception('The map of the mail server could not be written')
        list_map.put_off()


def database_is_away() -> str:
    """Why the database cannot be used; empty if it can.

    What the caller has in Mailman's transaction is dropped.
    """
    try:
        _rollback()
        store().execute(select(1))
    except SQLAlchemyError as error:
        return f'the database cannot be used: {site.describe(error)}'
    return ''


def _result(form: AnyForm, outcome: Outcome, **rest: Any) -> Result:
    return Result(outcome, form.ticket, form.list_address, **rest)


def _apply(work: _Work, settings: Settings, dry_run: bool, approved: bool) -> Result:
    with work.undone_on_failure():
        if not dry_run:
            # Whether its requester may ask does not change any more.
            projection.lock()
        work.form = form = numbered(work.form, work.number, make=not dry_run)
        plan = KINDS[form.form].plan(form, settings, approved)
        if dry_run:
            config.db.abort()
            foreseen: Outcome = 'unchanged' if plan.recorded else 'planned'
            return _result(
                form,
                foreseen,
                steps=plan.steps,
                notes=plan.notes,
                changes_list=not (plan.recorded or plan.creates),
                needs_approval=plan.approved,
            )
        if not plan.recorded:
            work.do(plan)
        due = work.kept or _due(form)
        waiting = _write_notices(form, plan, due) if due and not work.untold else None
        config.db.store.commit()
    outcome: Outcome = plan.outcome
    notes = plan.notes
    if waiting is not None:
        notes += tuple(_send(waiting))
    elif due:
        notes += (
            f'the notices to the people were not sent ({work.untold}); provision the '
            'form again to send them',
        )
    if plan.recorded and work.request:
        outcome, again = _answer_again(form, work.request)
        notes += again
    return _result(form, outcome, steps=plan.steps, notes=notes)


def _answer_again(form: AnyForm, request: str) -> tuple[Outcome, tuple[str, ...]]:
    """What became of a form whose answer was perhaps lost.

    :return: The outcome of the request that applied the form, and a note that says
        so; `unchanged` if that was another one.
    """
    query = (
        select(QNetAudit)
        .where(
            QNetAudit.list_id == list_id_of(form.list_addresses[0]),
            QNetAudit.action == audit.Action.form_applied.value,
            QNetAudit.subject == form.ticket,
        )
        .order_by(QNetAudit.id.desc())
        .limit(1)
    )
    row = store().scalar(query)
    detail = {} if row is None else json.loads(row.detail)
    if row is None or detail.get('request') != request:
        return 'unchanged', ()
    note = (
        f'it was applied at {moment_as_text(row.at)} by this request, whose answer was '
        f'lost; the audit log has its {detail["changes"]} changes'
    )
    return detail['outcome'], (note,)


class _Untold(Exception):
    """The notices about a form cannot be written; its text says why."""


def _due(form: AnyForm) -> list[QNetForm]:
    """The rows of a form that was applied, of which nobody has been told yet."""
    rows = (
        applied(list_id_of(address), form.form, form.ticket)
        for address in form.list_addresses
    )
    return [row for row in rows if row is not None and row.notified_at is None]


def _write_notices(form: AnyForm, plan: Plan, due: list[QNetForm]) -> handover.Handover:
    """Write the notices about a form, for the caller's commit to send them.

    :raises _Untold: if that fails for another reason than the database.
    """
    handover.use_handover()
    waiting = handover.Handover(NOTICES, uuid.uuid4().hex)
    try:
        with handover.collecting(waiting):
            KINDS[form.form].tell(form, plan)
            for row in due:
                row.notified_at = now()
            waiting.write_row()
            for entry in _sent:
                handover.remove_row(entry)
            store().flush()
    except SQLAlchemyError:
        raise
    except Exception as error:
        log.exception('The notices about %s were not sent', form.list_address)
        raise _Untold(site.describe(error)) from error
    # Where the commit fails they are left, as nobody knows whether it did.
    return waiting


_sent: list[str] = []
"""Of notices that have been sent: their rows go with the next form of a row of forms,
which saves a commit, or with all that are old."""


def _send(waiting: handover.Handover) -> Iterator[str]:
    """Let notices go after the commit; what goes wrong is a note, not a failure."""
    _sent[:] = [waiting.entry]
    try:
        waiting.move()
    except OSError as error:
        log.exception('Notices wait in %s', handover.FOLDER)
        # Its row says that they are due.
        _sent.clear()
        yield (
            f'the notices to the people were not sent yet ({site.describe(error)}); '
            'the next form that is provisioned sends them'
        )
    if _sent and list_map.gathering() is None:
        try:
            handover.remove_row(waiting.entry)
            config.db.store.commit()
            _sent.clear()
        except SQLAlchemyError:
            log.exception('%s goes with the next form', waiting.entry)
            with suppress(SQLAlchemyError):
                config.db.abort()


def _settle_notices() -> None:
    """Send the notices that a process which was killed had written, or drop them."""
    for waiting in handover.left_by(NOTICES):
        if waiting.is_done():
            waiting.publish()
        else:
            waiting.discard()
        config.db.store.commit()


@dataclass
class _Work:
    """The transaction of one form, and how to take it back."""

    form: AnyForm
    request: str
    number: str
    mlist: Any = None
    kept: list[QNetForm] = field(default_factory=list)
    is_second: bool = False
    """Whether another host was in the way of the first attempt."""
    untold: str = ''
    """Why no notices are written; empty if they are."""

    @contextmanager
    def undone_on_failure(self) -> Iterator[None]:
        address = self.form.list_address
        folder = os.path.join(config.LIST_DATA_DIR, list_id_of(address))
        makes = isinstance(self.form, ListRequest) and not os.path.exists(folder)
        with list_map.restored_on_failure():
            try:
                yield
            except BaseException:
                _rollback()
                if makes and not _is_list(address):
                    shutil.rmtree(folder, ignore_errors=True)
                raise

    def do(self, plan: Plan) -> None:
        """Take all steps and keep the form; the caller commits."""
        if any(isinstance(step, Assign | Unassign | OnList) for step in plan.steps):
            # Before anything that others wait for.
            projection.lock()
        if not plan.creates:
            self.mlist = find_list(self.form.list_addresses[0])
        for step in plan.steps:
            self._take(step)
        if not plan.creates and any(
            isinstance(step, Set) and step.field in BOUNCES for step in plan.steps
        ):
            relief.free(self.mlist, now())
        self._keep_form(plan)
        store().flush()
        _require_queue()

    def _take(self, step: Step) -> None:
        match step:
            case Create(address, style):
                assert isinstance(self.form, ListRequest)
                settings = wanted(self.form)
                self.mlist = make_list(address, style, settings)
            case Set(key, old, new):
                change_setting(self.mlist, key, old, new, ticket=self.form.ticket)
            case Assign(role, person):
                assign_person(self.mlist, role, person)
            case Unassign(role, email):
                unassign_person(self.mlist, role, email)
            case Subscribe(people):
                subscribe_people(self.mlist, people)
                if len(people) >= MANY:
                    refresh_statistics()
            case Close(action):
                closing.close(self.mlist, action, self.form.ticket)
            case OnList(address, inner):
                self.mlist = find_list(address)
                self._take(inner)

    def _keep_form(self, plan: Plan) -> None:
        form = self.form
        detail = self._request(plan)
        if plan.approved:
            detail['approved_by'] = audit.current_actor.get()
        for address in form.list_addresses:
            mlist = self.mlist if plan.creates else find_list(address)
            self.kept.append(keep_form(mlist, form))
            audit.record(
                audit.Action.form_applied,
                mlist.list_id,
                form.ticket,
                kind=form.form,
                digest=form.digest(),
                requester=form.requester.email,
                changes=len(plan.steps),
                **detail,
            )
        if isinstance(form, AdministratorRequest):
            _forget_form_elsewhere(form)

    def _request(self, plan: Plan) -> dict[str, str]:
        if not self.request:
            return {}
        return {'request': self.request, 'outcome': plan.outcome}


def _forget_form_elsewhere(form: AdministratorRequest) -> None:
    """Let lists that the form has no more know nothing of it."""
    store().execute(
        delete(QNetForm).where(
            QNetForm.kind == form.form,
            QNetForm.ticket == form.ticket,
            QNetForm.list_id.not_in([list_id_of(each) for each in form.lists]),
        )
    )


def _rollback() -> None:
    try:
        config.db.abort()
    except SQLAlchemyError:
        # The connection is gone; the server rolls back by itself.
        config.db.store.close()


def _is_list(address: str) -> bool:
    # Another host may have made it in the meantime.
    try:
        return find_list(address) is not None
    except SQLAlchemyError:
        return False


def make_list(address: str, style: str, settings: dict[str, Value]) -> Any:
    """Make a list and, if need be, its domain.

    :param settings: What it will be set to, for the audit log.
    """
    domain = address.partition('@')[2]
    domains = getUtility(IDomainManager)
    if domain not in domains:
        domains.add(domain)
    mlist = create_list(address, style_name=style)
    store().flush()
    audit.record(
        audit.Action.list_created,
        mlist.list_id,
        address,
        style=style,
        settings=settings,
    )
    return mlist


def assign_person(mlist: Mlist, role: Role, person: Assignee) -> None:
    """Assign a person; see `roles.people`."""
    assign(mlist, role, person)


def unassign_person(mlist: Mlist, role: Role, email: str) -> None:
    """Take an assignment away; see `roles.people`."""
    unassign(mlist, role, email)


def keep_form(mlist: Mlist, form: AnyForm) -> QNetForm:
    """Keep the form, so that it is known when it comes again."""
    row = applied(mlist.list_id, form.form, form.ticket)
    if row is None:
        row = QNetForm(kind=form.form, ticket=form.ticket, list_id=mlist.list_id)
        store().add(row)
    row.digest = form.digest()
    row.content = form.content()
    row.applied_at = now()
    row.notified_at = None
    return row


def _require_queue() -> None:
    # Nobody would be told: better found out before the commit than after it.
    with tempfile.NamedTemporaryFile(
        dir=config.switchboards['virgin'].queue_directory, prefix='.qnet-'
    ):
        pass

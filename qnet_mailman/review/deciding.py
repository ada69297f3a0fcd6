# SPDX-License-Identifier: GPL-3.0-or-later
"""What operators do with a request: look at it, approve it, return it (R28, R30).

A request is marked before its form is applied, and again afterwards.  Whoever is
killed in between leaves one that can be approved again: a form that was applied before
changes nothing.  It cannot be returned then, as nobody knows.

One process on a host decides at a time.  Hosts beside each other that share a database
are kept apart by the state of the row: of two that change it, one does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mailman.config import config
from mailman.utilities.datetime import now
from sqlalchemy import update

from qnet_mailman import site
from qnet_mailman.forms import kept, plain
from qnet_mailman.forms.kept import Loaded
from qnet_mailman.forms.mistakes import FormError, FormInvalid
from qnet_mailman.model import audit
from qnet_mailman.model.desk import Step
from qnet_mailman.model.requests import QNetRequest, QNetSubmission, Status
from qnet_mailman.model.statements import touched
from qnet_mailman.provisioning.apply import Result, apply_form
from qnet_mailman.provisioning.one_at_a_time import one_at_a_time
from qnet_mailman.review import desk, reading, requests
from qnet_mailman.review.doubts import about_change
from qnet_mailman.review.reading import Sent
from qnet_mailman.values import list_id_of

LOCK = 'qnet-review.lck'
MAX_REASON = 1000
"""Characters of an operator's reason."""


class CannotDecide(Exception):
    """There is no such request, or nothing is left to decide about it."""


class Doubtful(CannotDecide):
    """Something speaks against a change of a list that is there.

    :ivar warnings: What, in sentences.
    """

    def __init__(self, name: str, warnings: Sequence[str]) -> None:
        lines = ''.join(f'\n  WARNING: {each}' for each in warnings)
        super().__init__(
            f'{name}: still waits, as it changes a list that is there and may not be '
            f'from whom it names:{lines}\n  Ask them in another way; then approve it '
            'with --despite-warnings, or return it.'
        )
        self.warnings = tuple(warnings)


@dataclass(frozen=True)
class Looked:
    """A request as it is now.

    :ivar form: The form; None where it cannot be read.
    :ivar result: What applying it would do, or what is wrong.
    :ivar warnings: Why it must not be approved without a word that the operator saw
        them (R25).
    """

    form: Loaded | None
    result: Result
    warnings: tuple[str, ...] = ()


def look(number: int) -> Looked:
    """What there is to know about a request; touches nothing.

    :raises CannotDecide: if there is none, or its files are not kept any more.
    """
    return _looked(*_row(number))


def _row(number: int) -> requests.Row:
    found = requests.find(number)
    if found is None:
        raise CannotDecide(f'there is no request {requests.label(number)}')
    return found


def _looked(request: QNetRequest, submission: QNetSubmission) -> Looked:
    form = _form(request, submission)
    if isinstance(form, FormInvalid):
        return Looked(None, Result('invalid', errors=tuple(form.errors)))
    # Nobody is named as the one who acts, as nothing is done.
    result = apply_form(
        form.form,
        actor=audit.current_actor.get(),
        dry_run=True,
        approved=True,
        document=form.document,
        number=requests.label(request.id),
    )
    warnings = about_change(
        result.changes_list,
        not result.needs_approval,
        request.requester,
        requests.doubts_of(request, submission),
    )
    return Looked(form, result, tuple(warnings))


def _form(request: QNetRequest, submission: QNetSubmission) -> Loaded | FormInvalid:
    if submission.content is None:
        raise CannotDecide(
            f'{requests.label(request.id)}: its file is not kept any more '
            '(forms_keep_days in qnet.cfg)'
        )
    if request.text is not None:
        return kept.from_text(request.text)
    # It came before forms were kept as they were read.
    sent = Sent.kept(submission.name, submission.content, submission.beside)
    found = reading.read(sent, site.settings())
    if request.position < len(found):
        return found[request.position].form
    # The limits of the site are others than when it came, and one mistake stands
    # for all forms.
    last = found[-1].form
    return last if isinstance(last, FormInvalid) else FormInvalid([_GONE])


_GONE = FormError('', None, 'cannot be found any more in what was sent')


def approve(
    number: int, *, actor: str, despite_warnings: bool = False, ticket: str = ''
) -> Result:
    """Apply the form of a request.

    Commits.  Where the result is `invalid` or `failed`, the request still waits.

    :param actor: Who does it, for the audit log.
    :param despite_warnings: Whether they answer for what `Looked.warnings` says.
    :param ticket: The service desk's number, to be linked; may be empty.
    :raises CannotDecide: if it was decided before.
    :raises Doubtful: if there are warnings, and they do not.
    """
    with one_at_a_time(LOCK):
        # What was read before the wait may have changed.
        config.db.commit()
        request, submission = _row(number)
        if request.status not in (Status.waiting, Status.applying):
            raise CannotDecide(_decided(request))
        form = _form(request, submission)
        if isinstance(form, FormInvalid):
            return Result('invalid', errors=tuple(form.errors))
        warnings = _looked(request, submission).warnings
        if warnings and not despite_warnings:
            raise Doubtful(requests.label(number), warnings)
        if not _change(number, request.status, Status.applying, actor):
            raise CannotDecide(_decided(_row(number)[0]))
        if ticket:
            _link(request, ticket, actor)
        config.db.commit()
        label = requests.label(number)
        result = apply_form(
            form.form,
            actor=actor,
            approved=True,
            document=form.document,
            number=label,
        )
        if result.outcome in ('invalid', 'failed'):
            _change(number, Status.applying, Status.waiting, '')
        elif _change(
            number, Status.applying, Status.approved, actor, ticket=result.ticket
        ):
            desk.note(number, Step.approved)
            audit.record(
                audit.Action.request_approved,
                list_id_of(result.list_address),
                label,
                actor=actor,
                kind=form.form.form,
                ticket=result.ticket,
                result=result.outcome,
                **({'despite': list(warnings)} if warnings else {}),
            )
        config.db.commit()
    return result


def link(number: int, ticket: str, *, actor: str) -> None:
    """Link the service desk's number to a request, in whatever state it is (R38).

    Commits.

    :param ticket: As `values.ticket()` returns it.
    :raises CannotDecide: if there is no such request.
    """
    with one_at_a_time(LOCK):
        config.db.commit()
        _link(_row(number)[0], ticket, actor)
        config.db.commit()


def _link(request: QNetRequest, ticket: str, actor: str) -> None:
    before = request.desk_ticket
    if before == ticket:
        return
    request.desk_ticket = ticket
    audit.record(
        audit.Action.request_linked,
        subject=requests.label(request.id),
        actor=actor,
        ticket=ticket,
        **({'before': before} if before else {}),
    )


def send_back(number: int, *, actor: str, reason: str, silent: bool = False) -> None:
    """Return a request to who sent it, with its mistakes and a reason.

    Commits; `telling.tell()` writes the mail.

    :param reason: In the operator's words; may be empty.
    :param silent: Whether nobody is told.
    :raises CannotDecide: if it was decided before, or begun to be applied.
    """
    with one_at_a_time(LOCK):
        config.db.commit()
        request, submission = _row(number)
        if request.status != Status.waiting:
            raise CannotDecide(_decided(request))
        errors = _looked(request, submission).result.errors
        moment = now()
        values = {
            'reason': reason,
            'findings': '\n'.join(_in_a_line(error) for error in errors),
            'notified_at': moment if silent else None,
        }
        if not _change(number, Status.waiting, Status.returned, actor, **values):
            raise CannotDecide(_decided(_row(number)[0]))
        desk.note(number, Step.needs_correction)
        audit.record(
            audit.Action.request_returned,
            subject=requests.label(number),
            actor=actor,
            reason=reason,
            mistakes=len(errors),
            told=not silent,
        )
        config.db.commit()


def _in_a_line(error: FormError) -> str:
    words = filter(None, (error.where, plain.in_words(error)))
    return ' '.join(': '.join(words).split())


def _change(
    number: int, before: str, after: Status, actor: str, **values: object
) -> bool:
    """Change the state of a request; whether nobody else did meanwhile."""
    return bool(
        touched(
            update(QNetRequest)
            .where(QNetRequest.id == number, QNetRequest.status == before)
            .values(
                status=after.value,
                decided_at=now() if actor else None,
                decided_by=actor[:320],
                **values,
            )
            .execution_options(synchronize_session=False)
        )
    )


def _decided(request: QNetRequest) -> str:
    name = requests.label(request.id)
    if request.status == Status.applying:
        return (
            f'{name}: {request.decided_by} began to apply it, and it is not known '
            'whether that was finished; approve it again'
        )
    if request.status == Status.waiting:
        return f'{name}: somebody else looks at it; try again'
    return f'{name}: was {request.status} by {request.decided_by} before'

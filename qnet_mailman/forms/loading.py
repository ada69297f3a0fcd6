# SPDX-License-Identifier: GPL-3.0-or-later
"""A file with forms, and the CSV file beside it, as valid forms (R29, R30)."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from qnet_mailman.forms import (
    limited,
    readers,
)
from qnet_mailman.forms.attempts import is_other_half
from qnet_mailman.forms.batch import SUFFIXES, is_table
from qnet_mailman.forms.csv_files import read_subscribers
from qnet_mailman.forms.kept import Found, Loaded
from qnet_mailman.forms.kinds import KINDS
from qnet_mailman.forms.limited import Budget, Ending, Send
from qnet_mailman.forms.mail import attachments
from qnet_mailman.forms.mistakes import (
    Document,
    FormError,
    FormInvalid,
    in_order,
    placed,
)
from qnet_mailman.forms.readers import Unreadable, too_large
from qnet_mailman.forms.schema import KIND
from qnet_mailman.forms.table import read_table
from qnet_mailman.settings import MEBIBYTE, Settings
from qnet_mailman.values import alternatives, found

Reader = Callable[[bytes, Settings], Document]


def _read_xlsx(content: bytes, settings: Settings) -> Document:
    from qnet_mailman.forms.xlsx import read_xlsx

    return read_xlsx(content, settings)


def _read_pdf(content: bytes, settings: Settings) -> Document:
    from qnet_mailman.forms.pdf import read_pdf

    return read_pdf(content, settings)


READERS: dict[str, Reader] = {
    '.yaml': lambda content, settings: readers.read_yaml(readers.decoded(content)),
    '.yml': lambda content, settings: readers.read_yaml(readers.decoded(content)),
    '.json': lambda content, settings: readers.read_json(readers.decoded(content)),
    '.xlsx': _read_xlsx,
    '.pdf': _read_pdf,
}
"""What reads a file with one form, by the end of its name."""

Beside = Callable[[str], bytes]
"""Takes the name of the CSV file that a form names, and returns what it holds."""


OPERATORS_CPU = 30
"""How many times as long reading may take where operators hand a file in, who wait for
it and can stop it: a form of 100,000 subscribers in YAML takes a dozen times as long as
any form that comes by mail needs."""
OPERATORS_MEMORY = 10
"""How many times the memory, likewise."""


def budget_for(settings: Settings, *, operators: bool = False) -> Budget:
    """What reading may cost.

    :param operators: Whether an operator hands it in, and no stranger.
    """
    budget = Budget(settings.form_max_cpu.total_seconds(), settings.form_max_memory)
    return budget.times(OPERATORS_CPU, OPERATORS_MEMORY) if operators else budget


def get_ready(suffix: str) -> None:
    """Read the libraries for a file, which are large, before a child is forked.

    Otherwise each child did, at the cost of what it may use.

    :param suffix: What the file's name ends in; a mail may hold any.
    """
    if suffix in ('.xlsx', '.eml'):
        import qnet_mailman.forms.xlsx
    if suffix in ('.pdf', '.eml'):
        import qnet_mailman.forms.pdf  # noqa: F401


def load(path: Path, settings: Settings) -> Loaded:
    """Read and check a file with one form.

    :param path: The file.
    :param settings: The site's settings.
    :raises FormInvalid: with everything that is wrong.
    """
    _name, found = next(load_all(path, settings))
    if isinstance(found, FormInvalid):
        raise found
    return found


def load_all(
    path: Path, settings: Settings
) -> Iterator[tuple[str, Loaded | FormInvalid]]:
    """Read and check every form in an operator's file, within limits.

    :return: Each with the words for where it is: the file's name, and the row of a
        CSV file or the name of an attachment.
    """

    def from_folder(name: str) -> bytes:
        file = readers.beside(path.parent, name)
        return readers.content_of(file, settings.members_max_size, 'members_max_size')

    def work(send: Send) -> None:
        try:
            _require_form(path.name)
            content = readers.content_of(path, *_limit(path.name, settings))
            _send_all(send, _all_in(str(path), content, settings, from_folder))
        except Unreadable as error:
            send(Found.of(str(path), _invalid(error)))

    for each in _within(budget_for(settings, operators=True), str(path), work):
        yield each.where, each.form


def load_content(
    name: str,
    content: bytes,
    settings: Settings,
    beside: Mapping[str, bytes] | None = None,
    *,
    operators: bool = False,
) -> Iterator[Found]:
    """Read and check every form in what came over a wire, within limits.

    :param name: The name of its file; what it ends in tells the format.
    :param content: What is in it.
    :param settings: The site's settings.
    :param beside: The CSV files that came with it, by name.
    :param operators: Whether an operator hands it in, and no stranger.
    """
    files = {} if beside is None else beside

    def work(send: Send) -> None:
        def sent(wanted: str) -> bytes:
            # Whoever has the files wants to know, too.
            send(_Asked(wanted))
            name = readers.named(files, wanted)
            if name not in files:
                raise readers.not_beside()
            if len(files[name]) > settings.members_max_size:
                raise too_large(settings.members_max_size, 'members_max_size')
            return files[name]

        try:
            _require_form(name)
            limit, setting = _limit(name, settings)
            if len(content) > limit:
                raise too_large(limit, setting)
            _send_all(send, _all_in(name, content, settings, sent))
        except Unreadable as error:
            send(Found.of(name, _invalid(error)))

    budget = budget_for(settings, operators=operators)
    yield from _within(budget, name, work, files)


@dataclass(frozen=True)
class _Asked:
    """A form names a CSV file."""

    name: str


def _within(
    budget: Budget,
    name: str,
    work: Callable[[Send], None],
    files: Mapping[str, bytes] | None = None,
) -> Iterator[Found]:
    get_ready(Path(name).suffix.lower())
    outcome = limited.run(work, budget)
    for value in outcome.values:
        if not isinstance(value, _Asked):
            yield value
        elif files is not None:
            # The child has its own copy of what the files remember of that.
            readers.named(files, value.name) in files  # noqa: B015
    if outcome.ending is not Ending.done:
        yield Found.of(name, too_dear(outcome.ending, budget))


def too_dear(ending: Ending, budget: Budget) -> FormInvalid:
    """What is said of what could not be read within its limits."""
    message = {
        Ending.time: f'takes more than {budget.cpu:g} s of computing time to read '
        '(form_max_cpu in qnet.cfg); expected what a form needs: many subscribers go '
        'into a CSV file beside it',
        Ending.memory: f'takes more than {budget.memory // MEBIBYTE} MB of memory to '
        'read (form_max_memory in qnet.cfg); expected what a form needs: many '
        'subscribers go into a CSV file beside it',
    }.get(ending, 'cannot be read; the log of Mailman says why')
    return FormInvalid([FormError('', None, message)])


def _send_all(send: Send, found: Iterable[tuple[str, Loaded | FormInvalid]]) -> None:
    for where, form in found:
        send(Found.of(where, form))


def _require_form(name: str) -> None:
    if Path(name).suffix.lower() not in SUFFIXES:
        raise Unreadable(
            'is not a form this command reads; expected a file whose name ends in '
            f'{alternatives(SUFFIXES)}'
        )


def _limit(name: str, settings: Settings) -> tuple[int, str]:
    # A mail holds several files, each of which has the limit of one.
    if Path(name).suffix.lower() == '.eml':
        return settings.form_max_unpacked, 'form_max_unpacked'
    return settings.form_max_size, 'form_max_size'


def _all_in(
    name: str, content: bytes, settings: Settings, beside: Beside
) -> Iterator[tuple[str, Loaded | FormInvalid]]:
    if Path(name).suffix.lower() == '.eml':
        return _attached(name, attachments(content, settings), settings)
    return _from_file(name, content, settings, beside)


def _invalid(error: Unreadable) -> FormInvalid:
    return FormInvalid([FormError('', error.line, str(error))])


def send_attached(
    send: Send, name: str, files: Sequence[tuple[str, bytes]], settings: Settings
) -> None:
    """Read and check every form attached to a mail; without limits of its own.

    :param send: Gets each as `Found`.
    :param name: What the mail is called.
    :param files: What is attached, as `mail_forms.attachments()` has it.
    """
    try:
        _send_all(send, _attached(name, files, settings))
    except Unreadable as error:
        send(Found.of(name, _invalid(error)))


def _attached(
    name: str, files: Sequence[tuple[str, bytes]], settings: Settings
) -> Iterator[tuple[str, Loaded | FormInvalid]]:
    def attached(wanted: str) -> bytes:
        by_name = {each: data for each, data in files if each.lower().endswith('.csv')}
        name = readers.named(by_name, wanted)
        if name in by_name:
            return by_name[name]
        raise Unreadable('is not attached; expected the name of a .csv file that is')

    forms = [(each, data) for each, data in files if may_be_form(each, data)]
    if not forms:
        raise Unreadable(
            'has no form attached; expected a file whose name ends in '
            f'{alternatives((*READERS, ".csv"))}'
        )
    if len(forms) > settings.form_max_forms:
        raise Unreadable(
            f'has {len(forms)} forms attached; expected at most '
            f'{settings.form_max_forms} (form_max_forms in qnet.cfg)'
        )
    for each, data in forms:
        where = f'{name}: {each}'
        try:
            yield from _from_file(where, data, settings, attached)
        except Unreadable as error:
            yield where, _invalid(error)


def may_be_form(name: str, content: bytes) -> bool:
    """Whether an attachment is taken for a form; subscribers are none."""
    if is_other_half(name, content):
        return False
    suffix = Path(name).suffix.lower()
    return suffix in READERS or (suffix == '.csv' and is_table(content))


def _from_file(
    name: str, content: bytes, settings: Settings, beside: Beside
) -> Iterator[tuple[str, Loaded | FormInvalid]]:
    suffix = Path(name).suffix.lower()
    documents = (
        ((f'{name}: row {row}', each) for row, each in read_table(content, settings))
        if suffix == '.csv'
        else iter([(name, READERS[suffix](content, settings))])
    )
    for where, document in documents:
        try:
            yield where, _checked(document, settings, beside)
        except FormInvalid as invalid:
            yield where, invalid


def _checked(document: Document, settings: Settings, beside: Beside) -> Loaded:
    word = _kind_of(document)
    kind = KINDS[word]
    if word != KIND:
        return Loaded(kind.validate(document, settings), document)
    most = settings.form_max_people
    for roster in ('administrators', 'moderators'):
        people = document.data.get(roster)
        if isinstance(people, list) and len(people) > most:
            message = (
                f'found {len(people)} people; expected at most {most} '
                '(form_max_people in qnet.cfg)'
            )
            raise FormInvalid(placed([((roster,), message)], document))
    unreadable = _read_subscribers(document, beside)
    try:
        form = kind.validate(document, settings)
    except FormInvalid as invalid:
        raise FormInvalid(in_order([*invalid.errors, *unreadable])) from None
    if unreadable:
        raise FormInvalid(unreadable)
    return Loaded(form, document)


def _kind_of(document: Document) -> str:
    """The kind that a form is, or that its writer most likely meant."""
    word = str(document.data.get('form')).lower()
    return next(iter(difflib.get_close_matches(word, list(KINDS), n=1)), KIND)


def _read_subscribers(document: Document, beside: Beside) -> list[FormError]:
    name = document.data.get('subscribers')
    if not isinstance(name, str):
        return []
    try:
        people, lines = read_subscribers(beside(name))
    except Unreadable as error:
        # The rest of the form is looked at all the same.
        document.data['subscribers'] = None
        where = '' if error.line is None else f', line {error.line}'
        message = f'the file {found(name)}{where} {error.message}'
        path = ('subscribers',)
        line, place = document.line_of(path), document.place_of(path)
        return [FormError('subscribers', line, message, place, path)]
    document.data['subscribers'] = people
    document.csv_name = name
    document.csv_lines = lines
    return []

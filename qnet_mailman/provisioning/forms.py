# SPDX-License-Identifier: GPL-3.0-or-later
"""A form's file, and the CSV file beside it, as a valid form (R29, R30)."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from pathlib import Path

from qnet_mailman.provisioning import readers, schema, threshold_change
from qnet_mailman.provisioning.mistakes import (
    Document,
    FormError,
    FormInvalid,
    in_order,
)
from qnet_mailman.provisioning.readers import Unreadable
from qnet_mailman.provisioning.schema import KIND, KINDS, THRESHOLD_CHANGE, ListRequest
from qnet_mailman.provisioning.threshold_change import ThresholdChange
from qnet_mailman.provisioning.values import found
from qnet_mailman.settings import Settings

AnyForm = ListRequest | ThresholdChange


@dataclass(frozen=True)
class Loaded:
    """A valid form, and the file's lines for what is found wrong later."""

    form: AnyForm
    document: Document


def load(path: Path, settings: Settings) -> Loaded:
    """Read and check a form.

    :param path: The file.
    :param settings: The site's settings.
    :raises FormInvalid: with everything that is wrong.
    """
    try:
        document = readers.read(path)
    except Unreadable as error:
        raise FormInvalid([FormError('', error.line, str(error))]) from None
    if _kind_of(document) == THRESHOLD_CHANGE:
        change = threshold_change.validate(document, default_domain=settings.domain)
        return Loaded(change, document)
    return Loaded(_list_request(document, path.parent, settings), document)


def _kind_of(document: Document) -> str:
    """The kind that a form is, or that its writer most likely meant."""
    word = str(document.data.get('form')).lower()
    return next(iter(difflib.get_close_matches(word, KINDS, n=1)), KIND)


def _list_request(document: Document, folder: Path, settings: Settings) -> ListRequest:
    unreadable = _read_subscribers(document, folder)
    try:
        form = schema.validate(
            document,
            default_domain=settings.domain,
            approver_required=settings.approver_required,
        )
    except FormInvalid as invalid:
        raise FormInvalid(in_order([*invalid.errors, *unreadable])) from None
    if unreadable:
        raise FormInvalid(unreadable)
    return form


def _read_subscribers(document: Document, folder: Path) -> list[FormError]:
    name = document.data.get('subscribers')
    if not isinstance(name, str):
        return []
    try:
        people, lines = readers.read_csv(folder, name)
    except Unreadable as error:
        # The rest of the form is looked at all the same.
        document.data['subscribers'] = None
        where = '' if error.line is None else f', line {error.line}'
        message = f'the file {found(name)}{where} {error.message}'
        return [FormError('subscribers', document.line_of(('subscribers',)), message)]
    document.data['subscribers'] = people
    document.csv_name = name
    document.csv_lines = lines
    return []

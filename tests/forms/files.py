# SPDX-License-Identifier: GPL-3.0-or-later
"""Form files, written by hand or with a mistake in them."""

from __future__ import annotations

import io
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from openpyxl import load_workbook

from qnet_mailman import settings
from qnet_mailman.forms import labels, loading
from qnet_mailman.forms.loading import Loaded
from qnet_mailman.settings import Settings
from tests.provisioning.samples import EXAMPLES

BASE = {'domain': 'lists.example.gov', 'support_address': 'help@example.gov'}
SETTINGS = Settings(**BASE)


def settings_of(folder: Path, values: dict[str, Any]) -> Settings:
    """Settings as they are read from a file."""
    path = folder / 'qnet.cfg'
    lines = (f'{key} = {value}\n' for key, value in values.items())
    path.write_text(f'[qnet]\n{"".join(lines)}', 'utf-8')
    return settings.load(path)


def load(
    folder: Path, name: str, content: bytes, **changes: Any
) -> list[tuple[str, Any]]:
    """What is in a file; where it is invalid, place and words of each mistake."""
    path = folder / name
    path.write_bytes(content)
    found = loading.load_all(path, settings_of(folder, BASE | changes))
    return [
        (
            where.removeprefix(str(path)),
            each.form
            if isinstance(each, Loaded)
            else [(error.where, str(error)) for error in each.errors],
        )
        for where, each in found
    ]


def mistakes(folder: Path, name: str, content: bytes, **changes: Any) -> list[Any]:
    ((_where, found),) = load(folder, name, content, **changes)
    assert isinstance(found, list), found
    return found


def cell(*path: str) -> str:
    """The cell of the sheet `Request` with the answer of a field."""
    sheet = load_workbook(EXAMPLES / 'list-request.xlsx')['Request']
    [row] = [c.row for c in sheet['A'] if c.value and labels.path_of(c.value) == path]
    return f'Request!C{row}'


def with_cell(place: str, value: Any) -> bytes:
    book = load_workbook(EXAMPLES / 'list-request.xlsx')
    sheet, coordinate = place.split('!')
    book[sheet][coordinate] = value
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def mail(*files: tuple[str, bytes]) -> bytes:
    message = EmailMessage()
    message['From'] = 'pat@agency.example.gov'
    message.set_content('Please find the forms attached.\n')
    for name, content in files:
        message.add_attachment(
            content, maintype='application', subtype='octet-stream', filename=name
        )
    return message.as_bytes()

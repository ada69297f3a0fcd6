# SPDX-License-Identifier: GPL-3.0-or-later
"""What is in `provisioning/` and made by the package.

`python -m tests.provisioning.made_forms` makes it anew.
"""

from __future__ import annotations

from collections.abc import Callable
from email.message import EmailMessage
from functools import partial
from pathlib import Path
from typing import Any

from qnet_mailman.forms import readers, writing
from qnet_mailman.forms.schema import KIND, KINDS, THRESHOLD_CHANGE
from qnet_mailman.settings import Settings
from tests.provisioning.samples import EXAMPLES

PROVISIONING = EXAMPLES.parent
SITE = Settings(
    domain='lists.example.gov',
    support_address='help@example.gov',
    forms_address='requests@lists.example.gov',
)
"""The site that the forms are sent to."""
SOURCES = {kind: f'{kind}.yaml' for kind in KINDS}
ATTACHED = (KIND, THRESHOLD_CHANGE)
"""The kinds of the examples in the mail."""


def example(kind: str) -> dict[str, Any]:
    """The data of the example in YAML."""
    return readers.read_yaml((EXAMPLES / SOURCES[kind]).read_text('utf-8')).data


def filled(kind: str, file_format: str) -> bytes:
    """The example in another format."""
    data = example(kind)
    if file_format == 'csv' and kind == KIND:
        data['subscribers'] = 'workgroup.csv'
    return writing.WRITERS[file_format](kind, data, SITE)


def mail() -> bytes:
    """Two of the examples, attached to a mail."""
    message = EmailMessage()
    message['From'] = 'Pat Example <pat@agency.example.gov>'
    message['To'] = 'help@example.gov'
    message['Subject'] = 'Request for a mailing list'
    message['Message-ID'] = '<request@agency.example.gov>'
    message['Date'] = 'Mon, 16 Nov 2026 09:00:00 -0500'
    message.set_content('Please find the forms attached.\n')
    for name in (SOURCES[kind] for kind in ATTACHED):
        text = (EXAMPLES / name).read_text('utf-8')
        message.add_attachment(text, subtype='yaml', filename=name)
    # What ends a multipart is a boundary, which chance chooses otherwise.
    message.set_boundary('forms-of-the-request')
    return message.as_bytes()


FILES: dict[str, Callable[[], bytes]] = {
    **{
        f'forms/{kind}.{file_format}': partial(writing.written, kind, file_format, SITE)
        for kind in KINDS
        for file_format in ('yaml', 'json', 'xlsx', 'pdf', 'csv')
    },
    **{
        f'examples/{kind}.{file_format}': partial(filled, kind, file_format)
        for kind in KINDS
        for file_format in writing.WRITERS
    },
    'examples/request.eml': mail,
}
"""How each file is made, by its place in `provisioning/`."""


def make(folder: Path = PROVISIONING) -> None:
    """Write them all."""
    for name, content in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content())


if __name__ == '__main__':
    make()

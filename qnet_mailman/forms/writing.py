# SPDX-License-Identifier: GPL-3.0-or-later
"""Empty forms in every format (R29)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from qnet_mailman.forms import blank, layout
from qnet_mailman.forms.kinds import KINDS
from qnet_mailman.forms.schema import KIND
from qnet_mailman.forms.table import write_csv
from qnet_mailman.settings import Settings


def _write_xlsx(kind: str, data: dict[str, Any], settings: Settings) -> bytes:
    from qnet_mailman.forms.xlsx import write_xlsx

    return write_xlsx(kind, data, settings)


def _write_pdf(kind: str, data: dict[str, Any], settings: Settings) -> bytes:
    from qnet_mailman.forms.pdf import write_pdf

    return write_pdf(kind, data, settings)


WRITERS: dict[str, Callable[[str, dict[str, Any], Settings], bytes]] = {
    'xlsx': _write_xlsx,
    'pdf': _write_pdf,
    'csv': lambda kind, data, settings: write_csv(kind, data).encode(),
}
"""What writes a form in a format of rows and fields, empty or filled in."""
BINARY = ('xlsx', 'pdf')
FORMATS = ('yaml', 'json', *WRITERS, 'json-schema')
ABOUT_A_LIST = tuple(kind for kind in KINDS if kind != KIND)
"""The kinds of forms that are about a list that is there."""


def written(kind: str, file_format: str, settings: Settings) -> bytes:
    """An empty form, as the file that a person fills in.

    :param settings: The site's settings: they say where it is sent.
    """
    if file_format in WRITERS:
        return WRITERS[file_format](kind, layout.empty(kind), settings)
    text = KINDS[kind].empty(file_format)
    return text.replace(blank.SERVICE, layout.send_to(settings)).encode()


def begun(
    kind: str, address: str, requester: dict[str, str], settings: Settings
) -> bytes:
    """A form about a list as a spreadsheet in which some fields are filled in.

    :param kind: One of `ABOUT_A_LIST`.
    :param address: The list's posting address.
    :param requester: Who asks: `name` and `email`, as far as they are known.
    :param settings: The site's settings.
    """
    data = layout.empty(kind)
    data['requester'] |= requester
    if 'lists' in data:
        data['lists'] = [address]
    else:
        data['list'] = address
    return _write_xlsx(kind, data, settings)

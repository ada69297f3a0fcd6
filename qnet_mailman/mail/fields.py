# SPDX-License-Identifier: GPL-3.0-or-later
"""Header fields of a message, many at once.

Python's ``del msg[name]`` walks over all fields for each name, which for a header of
100,000 of them is minutes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from email.message import Message


def raw_values(msg: Message, name: str) -> list[str]:
    """The fields of a name as the parser left them, 8-bit bytes as surrogates.

    What Mailman or Python has put together itself (:class:`email.header.Header`) is
    written first.

    :param name: In lower case.
    """
    return [
        value if isinstance(value, str) else value.encode()
        for field, value in msg.raw_items()
        if field.lower() == name
    ]


def remove_fields(msg: Message, unwanted: Callable[[str], bool]) -> None:
    """Remove the fields that are not wanted, whatever their number.

    :param unwanted: Is asked with names in lower case.
    """
    kept = [each for each in msg.raw_items() if not unwanted(each[0].lower())]
    set_fields(msg, kept)


def set_fields(msg: Message, fields: Iterable[tuple[str, object]]) -> None:
    """Give a message these fields and no others, as they are."""
    msg._headers = []  # type: ignore[attr-defined]
    for name, value in fields:
        msg.set_raw(name, value)  # type: ignore[arg-type]

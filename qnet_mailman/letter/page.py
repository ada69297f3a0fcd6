# SPDX-License-Identifier: GPL-3.0-or-later
"""A mail's two forms: its text with the last lines, and the page around its HTML."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from html import escape
from importlib.resources import files
from string import Template

from qnet_mailman.letter.html import as_html
from qnet_mailman.letter.unwrapping import unwrapped

FRAME = 'qnet:mail:frame'
"""The text with the page around the HTML of a mail, as operators override it."""


def about(service: str, agency: str, links: Iterable[tuple[str, str]]) -> str:
    """The last lines of each mail.

    :param service: The name of the service.
    :param agency: Whose it is; may be empty.
    :param links: Labels and addresses of the pages that the agency has to name.
    """
    names = '\n'.join(line for line in (service, agency) if line)
    pages = '\n'.join(f'  {label}: {url}' for label, url in links)
    return f'{names}\n\n{pages}' if pages else names


def signed(text: str, last: str) -> str:
    """A mail's text, one line for each paragraph, with its last lines.

    :param last: What `about` gives.
    """
    return f'{unwrapped(text).rstrip()}\n\n-- \n{last}\n'


def page(
    frame: str, text: str, last: str, *, language: str, subject: str, service: str
) -> str:
    """The HTML of a mail, for people whose program shows that first.

    :param frame: What stands around it, with names such as ``$content``.
    :param text: The mail's text, as it is laid out in ``templates/en``.
    :param last: What `about` gives.
    :param language: The text's (RFC 5646).
    """
    return Template(frame).safe_substitute(
        language=escape(language),
        subject=escape(subject),
        service=escape(service),
        content=as_html(text),
        about=as_html(last),
    )


@cache
def packaged_frame() -> str:
    """The package's own frame, for a side without core's texts."""
    path = files('qnet_mailman').joinpath('templates', 'en', f'{FRAME}.txt')
    return path.read_text(encoding='utf-8')

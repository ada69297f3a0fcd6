# SPDX-License-Identifier: GPL-3.0-or-later
"""Each mail of the service, as people see it: on a phone, and in the dark."""

from __future__ import annotations

import os
from collections.abc import Iterator
from email.message import Message
from pathlib import Path
from typing import Any

import pytest
from mailman.email.message import UserNotification
from playwright.sync_api import Browser, Page

from qnet_mailman.templates.dress import dress
from tests.browser.conftest import violations
from tests.templates.every_mail import filled, names
from tests.web import account_mails

WIDTH = 320


@pytest.fixture(scope='module', params=['light', 'dark'])
def reader(request: pytest.FixtureRequest, browser: Browser) -> Iterator[Page]:
    """A phone, by day and by night, that fetches nothing."""
    context = browser.new_context(
        viewport={'width': WIDTH, 'height': 640},
        color_scheme=request.param,
    )
    page = context.new_page()
    page.route('**/*', lambda route: pytest.fail(f'it fetches {route.request.url}'))
    yield page
    context.close()


def html_of(mlist: Any, name: str) -> str:
    """The HTML of a mail."""
    mail: Message = UserNotification(
        'ana@example.net', mlist.owner_address, 'News of the list', filled(name)
    )
    dress(mail, mlist)
    part: Any = mail.get_payload(1)
    return str(part.get_payload(decode=True).decode())


def look_at(reader: Page, name: str, html: str) -> None:
    """Fail if somebody cannot read a mail; keep a picture if one is wanted."""
    dark = reader.evaluate('matchMedia("(prefers-color-scheme: dark)").matches')
    reader.set_content(html)
    width = reader.evaluate('document.documentElement.scrollWidth')
    assert width <= WIDTH, f'{name} scrolls sideways'
    assert violations(reader) == [], name
    folder = os.environ.get('QNET_SCREENSHOTS')
    if folder:
        shown = f'mail-{name.replace(":", "-")}-{"dark" if dark else "light"}.png'
        reader.screenshot(path=Path(folder) / shown, full_page=True)


def test_everybody_can_read_each_of_them(reader: Page, mlist: Any) -> None:
    for name in names():
        look_at(reader, name, html_of(mlist, name))


def test_and_those_about_accounts(reader: Page) -> None:
    for prefix in account_mails.prefixes():
        html = account_mails.html_of(account_mails.rendered(prefix))
        look_at(reader, prefix.replace('/', '-'), html)

# SPDX-License-Identifier: GPL-3.0-or-later
"""Our pages in a real browser: Debian's Chromium, steered by Playwright.

``QNET_SCREENSHOTS=FOLDER`` keeps pictures of the pages there; those in the guides
were made so.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

from qnet_mailman.demo.site import Delivered, Site
from tests.sites import EXAMPLES, FORM, started

SIZES = {
    # WCAG 2.1, success criterion 1.4.10: a page 320 pixels wide.
    'narrow': {'width': 320, 'height': 640},
    'desktop': {'width': 1280, 'height': 900},
}
PUBLIC = 'hqr-updates@lists.example.gov'
ALSO_PUBLIC = 'measures@lists.example.gov'
PRIVATE = 'hqr-workgroup@lists.example.gov'
PATIENCE = 120_000
"""Milliseconds until something must be on a page: for a slow machine, too."""

expect.set_options(timeout=PATIENCE)


@pytest.fixture(scope='module')
def browser() -> Iterator[Browser]:
    """Chromium, without a window.

    No longer than a module: while Playwright runs, Django refuses to use its database
    in this process.
    """
    program = shutil.which('chromium')
    if program is None:
        pytest.skip('needs Chromium: apt-get install chromium')
    with sync_playwright() as playwright:
        # As root, as in CI, Chromium has no sandbox of its own.
        chromium = playwright.chromium.launch(
            executable_path=program, args=['--no-sandbox', '--no-proxy-server']
        )
        yield chromium
        chromium.close()


@pytest.fixture(params=['narrow', pytest.param('desktop', marks=pytest.mark.long)])
def page(request: pytest.FixtureRequest, browser: Browser) -> Iterator[Page]:
    """An empty page of a browser that knows nothing yet; narrow, then wide."""
    size: Any = SIZES[request.param]
    context = browser.new_context(viewport=size, reduced_motion='reduce')
    context.set_default_timeout(PATIENCE)
    yield context.new_page()
    context.close()


@pytest.fixture(scope='module')
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A running site with two public lists and a private one."""
    folder = tmp_path_factory.mktemp('browser-site')
    form = yaml.safe_load((EXAMPLES / 'list-request.yaml').read_text('utf-8'))
    form['ticket'] = 'REQ0005678'
    form['list'] |= {
        'name': ALSO_PUBLIC.partition('@')[0],
        'display_name': 'Measures Talk',
        'description': 'Questions and answers about quality measures.',
        'type': 'discussion',
        'replies': 'accept',
    }
    also = folder / 'measures.yaml'
    also.write_text(yaml.safe_dump(form, sort_keys=False), 'utf-8')
    forms = (also, FORM, EXAMPLES / 'discussion-private.json')
    with started(Site(folder / 'site'), forms) as running:
        yield running


def violations(page: Page) -> list[str]:
    """What axe-core finds wrong with a page (WCAG 2.1 AA, Section 508)."""
    found = Axe().run(
        page,
        options={
            'runOnly': {
                'type': 'tag',
                'values': [
                    *('wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'section508'),
                    'best-practice',
                ],
            }
        },
    )
    return [
        f'{one["id"]}: {one["help"]}: {[node["html"] for node in one["nodes"]]}'
        for one in found.response['violations']
    ]


def look_at(page: Page, name: str) -> None:
    """See that a page is fit for everybody; keep its picture if that is wanted."""
    # A page that a key has led to may have its words already, and no style yet.
    page.wait_for_load_state('load')
    width = page.evaluate('document.documentElement.scrollWidth')
    assert page.viewport_size is not None
    assert width <= page.viewport_size['width'], f'{name} scrolls sideways'
    assert violations(page) == []
    folder = os.environ.get('QNET_SCREENSHOTS')
    if folder:
        size = next(key for key, value in SIZES.items() if value == page.viewport_size)
        page.screenshot(path=Path(folder) / f'{name}-{size}.png', full_page=True)


def tab_to(page: Page, target: Locator, most: int = 80) -> None:
    """Go to an element with the Tab key alone."""
    for _ in range(most):
        if target.evaluate('element => element === document.activeElement'):
            return
        page.keyboard.press('Tab')
    pytest.fail(f'the Tab key does not lead to {target}')


def link_in(mail: Delivered, pattern: str) -> str:
    """The one link of a message that matches."""
    [link] = set(re.findall(pattern, mail.text))
    return str(link)


@pytest.fixture
def mail_to(site: Site) -> Callable[..., Delivered]:
    """Wait for the newest message to an address: `mail_to(address, subject)`."""

    def wait(address: str, subject: str, count: int = 1) -> Delivered:
        found = site.delivered(
            lambda mail: address in mail.recipients and subject in mail.subject,
            count=count,
        )
        return found[-1]

    return wait

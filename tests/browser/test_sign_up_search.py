# SPDX-License-Identifier: GPL-3.0-or-later
"""Searching many lists on the sign-up page, and the help pages, in a real browser."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from qnet_mailman.demo.site import Site
from tests.browser.conftest import SIZES, look_at

MANY = 12
HELP = (
    *('', 'about', 'start', 'questions', 'bounces', 'contact'),
    *('members', 'administrators'),
)


@pytest.fixture(scope='module')
def many(site: Site) -> Site:
    """The site, with so many lists that they can be searched."""
    for number in range(MANY):
        address = f'topic-{number}@lists.example.gov'
        style = 'qnet-notification-public'
        fields = {'fqdn_listname': address, 'style_name': style}
        site.rest('POST', 'lists', fields).raise_for_status()
    return site


def counts(page: Page) -> tuple[str, ...]:
    return tuple(page.locator('.nav-tabs .qnet-hits').all_inner_texts())


@pytest.mark.parametrize('size', SIZES)
@pytest.mark.parametrize('scripts', [True, False], ids=['scripts', 'no scripts'])
def test_what_is_found_can_be_ticked(
    many: Site, browser: Any, size: str, scripts: bool
) -> None:
    context = browser.new_context(
        viewport=SIZES[size], java_script_enabled=scripts, reduced_motion='reduce'
    )
    page = context.new_page()
    page.goto(f'{many.web_url}/signup/')
    total = counts(page)
    assert int(total[0]) >= MANY and total[1] == '1'

    def search(words: str) -> None:
        page.get_by_role('searchbox').fill(words)
        if not scripts:
            page.get_by_role('button', name='Search').click()

    search('measures')
    box = page.get_by_role('checkbox', name='Measures Talk')
    expect(box).to_be_visible()
    expect(page.get_by_role('checkbox')).to_have_count(1)
    assert counts(page) == ('1', '0')
    # Nothing lies over it, neither the heading before it nor its own label.
    box.click()
    expect(box).to_be_checked()
    # Both are measured at once: what was found is told a moment later, above them.
    below = box.evaluate(
        'box => box.getBoundingClientRect().top'
        " - box.closest('fieldset').querySelector('legend')"
        '.getBoundingClientRect().bottom'
    )
    assert below >= 0

    # Hits in the other tab open it; what is ticked is not forgotten.
    search('workgroup')
    expect(page.get_by_role('checkbox', name='HQR Workgroup')).to_be_visible()
    expect(box).to_be_hidden()
    assert counts(page) == ('0', '1')
    if scripts:
        look_at(page, f'sign-up-search-{size}')
    search('')
    assert counts(page) == total
    assert page.locator('input[name=lists]:checked').count() == 1
    context.close()


def test_a_slip_in_the_address_is_asked_about(many: Site, page: Page) -> None:
    page.goto(f'{many.web_url}/signup/')
    page.get_by_role('checkbox', name='HQR Updates').check()
    page.get_by_label('E-mail address').fill('slip@gmial.com')
    page.get_by_role('button', name='Sign up').last.click()
    expect(page.get_by_role('alert')).to_contain_text('Did you mean slip@gmail.com?')
    look_at(page, 'sign-up-slip')
    page.get_by_role('button', name='Use slip@gmail.com').click()
    page.wait_for_url('**/signup/done/')
    expect(page.get_by_role('main')).to_contain_text('slip@gmail.com')
    expect(page.get_by_role('main')).to_contain_text('HQR Updates')
    look_at(page, 'sign-up-asked')


@pytest.mark.parametrize('name', HELP)
def test_help(many: Site, page: Page, name: str) -> None:
    page.goto(f'{many.web_url}/help/{name}/'.replace('help//', 'help/'))
    look_at(page, f'help-{name or "index"}')
    expect(page).to_have_title(re.compile(': QualityNet Mailer'))

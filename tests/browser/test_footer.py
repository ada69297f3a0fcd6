# SPDX-License-Identifier: GPL-3.0-or-later
"""The footer of an HTML message can be read, whatever the message looks like (WCAG)."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Browser

from qnet_mailman.mta.bodies import as_html
from qnet_mailman.templates.loader import ours
from tests.browser.conftest import violations

TEXT = str(ours('list:member:generic:footer')).replace(
    '$unsubscribe_url', f'https://lists.example.gov/unsubscribe/{"a" * 72}/'
)
PAGES = {
    'dark': '<body style="background:#000;color:#fff">{}</body>',
    'dark, by style sheet': (
        '<style>body,div,p{{background:#111;color:#222}}a,a:visited{{color:#000}}'
        '</style><body>{}</body>'
    ),
    'tiny and thin': '<style>*{{font-size:6px;font-weight:100}}</style><body>{}</body>',
    'left open': '<body bgcolor="#000080"><font color="#000080" size="1"><i><b>News{}',
    'light': '<body>{}</body>',
}
# WCAG 2.1: relative luminance and contrast ratio, of each element with text of its own.
MEASURE = """() => {
  const light = (colour) => {
    const [r, g, b] = colour.match(/[\\d.]+/g).slice(0, 3).map((one) => {
      const part = one / 255;
      return part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const footer = document.querySelector('div[lang]');
  return [footer, ...footer.querySelectorAll('*')].filter(
    (one) => one.tagName != 'BR'
  ).map((one) => {
    const style = getComputedStyle(one);
    const both = [light(style.color), light(style.backgroundColor)].sort();
    return {
      contrast: (both[1] + 0.05) / (both[0] + 0.05),
      opaque: !style.backgroundColor.startsWith('rgba'),
      size: parseFloat(style.fontSize),
      weight: style.fontWeight,
      text: one.textContent,
    };
  });
}"""


@pytest.fixture(scope='module')
def mail(browser: Browser) -> Any:
    """A page on which mail is shown."""
    context = browser.new_context()
    yield context.new_page()
    context.close()


@pytest.mark.parametrize('name', PAGES)
def test_the_footer_has_its_own_colours_and_size(mail: Any, name: str) -> None:
    mail.set_content(PAGES[name].format(as_html(TEXT, 'en')))
    for one in mail.evaluate(MEASURE):
        assert one['opaque'], one
        assert one['contrast'] >= 4.5, one
        assert one['size'] >= 14, one
        assert one['weight'] == '400', one
    assert not [one for one in violations(mail) if one.startswith(('color', 'link'))]


def test_it_says_each_thing_once_and_links_have_words(mail: Any) -> None:
    mail.set_content(PAGES['light'].format(as_html(TEXT, 'en')))
    links = mail.locator('div[lang] a').all_inner_texts()
    assert links[0] == 'Leave this list'
    assert all(len(one) < 60 for one in links)
    text = mail.locator('div[lang]').inner_text()
    assert 'https://' not in text
    for word in ('Leave', '$fqdn_listname', '-owner@', 'subject Unsubscribe', 'help'):
        assert text.count(word) == 1, word

# SPDX-License-Identifier: GPL-3.0-or-later
"""Words of a form in texts that were quoted, forwarded, encoded and broken."""

from __future__ import annotations

import re
from urllib.parse import quote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from qnet_mailman.mail.blanking import blanked, has_run, words

WORD = 'qk7' + 'abcdefghij' * 3
FORMS = (re.compile(r'(q)(?=(k7[a-j]{30}))'),)
SAFELINK = 'https://eu.safelinks.example.com/?url=https%3A%2F%2Fx.example.gov%2Fu%2F'

# How a word reads after mail programs had it, of one or two pieces.
DISGUISES = {
    'alone': '{}{}',
    'link': 'https://x.example.gov/u/{}{}/',
    'markdown': '<https://x.example.gov/u/{}{}/>',
    'in a link': SAFELINK + '{}{}%2F&data=05',
    'in a link in a link': SAFELINK.replace('%', '%25') + '{}{}',
    'mailto': 'mailto:a@example.gov?subject=unsubscribe%20{}{}',
    'source': 'href=3D"https://x.example.gov/u/{}{}/"',
    'flowed': 'https://x.example.gov/{} \n{}',
    'quoted': '> https://x.example.gov/{}\n> {}/',
    'quoted twice': '>> https://x.example.gov/{} \r\n>> {}',
    'quoted with a bar': '| {}\n | {}',
    'indented': '{}\n\t    {}',
    'old line ends': '{}\r{}',
    'folded': 'DESCRIPTION:Bye https://x.example.gov/{}\r\n {}\r\nEND:VEVENT',
    'soft break': '{}=\n{}',
    'soft break with blanks': '{}= \t\r\n{}',
    'wbr': '{}<wbr>{}',
    'br': '{}<br />\n{}',
    'spans': '<span>{}</span><span style="x">{}</span>',
    'quoted in HTML': '&gt; {}<br>\n&gt;&nbsp;&gt; {}',
    'quoted in a pre': '&gt; {} \n&gt; {}',
    'quoted in paragraphs': '<p>&gt; {}</p><p>&gt; {}</p>',
    'soft hyphen': '{}\u00ad{}',
    'without width': '{}\u200b{}',
    'without width, in UTF-8': '{}\xe2\x80\x8b{}',
    'without width, as an entity': '{}&#8203;{}',
}


def found(text: str) -> set[str]:
    return set(words(text, FORMS, len(WORD)))


@pytest.mark.parametrize('shape', DISGUISES.values(), ids=DISGUISES)
@pytest.mark.parametrize('cut', [0, 1, 20, 32])
def test_disguises(shape: str, cut: int) -> None:
    around = 'Good morning, = 100%\n> a <b> &amp;\n{}\nalso fine.\n'
    text = around.format(shape.format(WORD[:cut], WORD[cut:]))
    assert found(text) == {WORD}
    clean = blanked(text, FORMS, {WORD}.__contains__)
    assert clean == around.format(shape.format('x' * cut, 'x' * (33 - cut)))
    assert found(clean) == set()


@pytest.mark.parametrize(
    'escaped',
    [
        ''.join(f'%{ord(char):02x}' for char in WORD),
        ''.join(f'&#{ord(char)};' for char in WORD),
        ''.join(f'&#x{ord(char):x};' for char in WORD),
        f'%{ord("q"):02X}{WORD[1:9]}&#x61;{WORD[10:]}'.replace('&#x61;', WORD[9]),
    ],
)
def test_escapes(escaped: str) -> None:
    text = f'See {escaped}/ here.'
    assert found(text) == {WORD}
    assert blanked(text, FORMS, lambda _: True) == f'See {"x" * len(escaped)}/ here.'


def test_only_what_is_meant_goes() -> None:
    other = WORD[:-1] + 'a'
    text = f'{WORD} {other}\n> {other[:9]}\n> {other[9:]}\n'
    assert found(text) == {WORD, other}
    clean = blanked(text, FORMS, {other}.__contains__)
    assert clean == f'{WORD} {"x" * 33}\n> {"x" * 9}\n> {"x" * 24}\n'
    assert blanked(text, FORMS, lambda _: False) == text


@given(
    st.text(max_size=60),
    st.sampled_from(list(DISGUISES.values())),
    st.integers(0, len(WORD)),
    st.text(max_size=60),
)
@example('q', DISGUISES['spans'], 9, 'qk7')
@example('<', '{}{}', 0, '')
def test_whatever_stands_around(before: str, shape: str, cut: int, after: str) -> None:
    text = before + ' ' + shape.format(WORD[:cut], WORD[cut:]) + ' ' + after
    assert WORD in found(text)
    clean = blanked(text, FORMS, {WORD}.__contains__)
    assert WORD not in found(clean)
    assert len(clean) == len(text)
    assert clean.startswith(before) and clean.endswith(after)


@given(st.text(alphabet='q k7abc<>=%&#;\r\n\t|\u200b0x', max_size=200))
@example('%')
@example('&#9999999;')
@example('&#xFFFFFF;' * 40)
def test_no_text_is_too_strange(text: str) -> None:
    assert found(text) <= {WORD}
    assert blanked(text, FORMS, lambda _: False) == text
    assert len(blanked(text, FORMS, lambda _: True)) == len(text)


@given(st.text(alphabet='abcdefghij', min_size=30, max_size=30), st.booleans())
def test_percent_encoding_twice(tail: str, twice: bool) -> None:
    word = f'qk7{tail}'
    link = quote(f'https://x.example.gov/u/{word}', safe='')
    text = SAFELINK + (quote(link, safe='') if twice else link)
    assert found(text) == {word}


@given(
    st.text(st.sampled_from('aZ09-_ .\0\xe9\ud800\u0661'), max_size=30),
    st.integers(1, 5),
)
def test_runs(text: str, length: int) -> None:
    pattern = re.compile(f'[A-Za-z0-9_-]{{{length}}}')
    assert has_run(text, length) is (pattern.search(text) is not None)

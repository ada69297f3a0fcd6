# SPDX-License-Identifier: GPL-3.0-or-later
"""The names of parts, which have the sender's domain or machine in them (R8)."""

from __future__ import annotations

import html
import itertools
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qnet_mailman.masking.content_ids import ContentIds
from tests.masking.tools import masked

FROM = 'From: Pat Example <pat@agency.example.gov>'
# RFC 5322 section 3.2.3, in a local part that may be quoted.
IDENTIFIERS = st.from_regex(
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.()-]{1,30}@[a-z.]{1,9}", fullmatch=True
)


def post(page: str, *parts: str) -> bytes:
    """A page with parts beside it, each from its fields."""
    lines = [FROM, 'Content-Type: multipart/related; boundary=b', '']
    for fields, body in (('Content-Type: text/html', page), *((p, 'x') for p in parts)):
        lines += ['--b', fields, '', body]
    return '\n'.join([*lines, '--b--', '']).encode()


@pytest.mark.parametrize(
    'fields',
    [
        'Content-ID: <part1.04@agency.example.gov>',
        'Content-ID:\n <image001.png@01D9.LAPTOP7>',
        'Content-ID: <{4D2C@mail.agency.example.gov>\nContent-Location: logo.png',
        'Content-Location: http://intranet.agency.example.gov/logo.png',
        'Content-Location: file://laptop7/C:/logo.png',
    ],
)
def test_no_part_is_named_by_the_sender(fields: str) -> None:
    result = masked(post('<p>Hello', f'Content-Type: image/png\n{fields}'))
    image = result.get_payload(1)
    assert image.keys() == ['Content-Type', 'Content-ID']
    assert image['Content-ID'].endswith('@lists.example.org>')
    for trace in (b'agency', b'LAPTOP7', b'laptop7'):
        assert trace not in result.as_bytes()


@pytest.mark.parametrize(
    ('before', 'behind'),
    [
        ('<img src="', '">'),
        ("<img src='", "'>"),
        ('<img src=', '>'),
        ('<td BACKGROUND = "', '">'),
        ('<p style="background: url(', ')">'),
        ('<p style="background: url(&quot;', '&quot;)">'),
        ('<p style=\'background: url("', '")\'>'),
    ],
)
def test_what_refers_to_a_part_follows(before: str, behind: str) -> None:
    place = 'http://intranet.agency.example.gov/a?b=1&c'
    references = {
        'cid:one@agency.example.gov': 0,
        'cid:one%40agency.example.gov': 0,
        'cid:one&#64;agency.example.gov': 0,
    }
    if '&quot;' not in before:
        references[html.escape(place)] = 1
    page = '\n'.join(f'{before}{one}{behind}' for one in references)
    result = masked(
        post(
            page,
            'Content-ID: <one@agency.example.gov>',
            f'Content-Location: {place}',
        )
    )
    text, *others = result.get_payload()
    new = [part['Content-ID'].strip('<>') for part in others]
    assert text.get_payload().rstrip('\n') == '\n'.join(
        f'{before}cid:{new[which]}{behind}' for which in references.values()
    )


@given(
    known=st.lists(IDENTIFIERS, min_size=1, max_size=3, unique_by=str.lower),
    write=st.sampled_from([html.escape, lambda one: html.escape(quote(one))]),
)
def test_every_spelling_is_found(known: list[str], write: object) -> None:
    numbers = itertools.count()
    ids = ContentIds(lambda: f'new{next(numbers)}@lists.example.org')
    new = [ids.of(f'<{one}>', '') for one in known]
    page = ''.join(f'<img src="cid:{write(one)}"> ' for one in known)  # type: ignore[operator]
    assert ids.follow(page) == ''.join(f'<img src="cid:{one}"> ' for one in new)


@given(text=st.text('cid:@ab.<>"\'()&;', max_size=60))
def test_what_is_not_known_stays(text: str) -> None:
    ids = ContentIds(lambda: 'new@lists.example.org')
    ids.of('<known@x.example>', 'http://x.example/')
    assert ids.follow(text) == text


def test_two_parts_of_one_name_keep_it_in_common() -> None:
    result = masked(
        post('<img src="cid:a@x.example">', *['Content-ID: <a@x.example>'] * 2)
    )
    page, one, two = result.get_payload()
    assert one['Content-ID'] == two['Content-ID']
    assert one['Content-ID'].strip('<>') in page.get_payload()

# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever is sent, there is an answer for it, and the same one when it comes again."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from qnet_mailman.review import reading
from qnet_mailman.review.reading import Sent
from qnet_mailman.settings import Settings
from tests.review.senders import form, mail

SETTINGS = Settings(domain='lists.example.gov', support_address='help@example.gov')
NAMES = st.sampled_from(['a.yaml', 'a.json', 'a.xlsx', 'a.pdf', 'a.csv', 'a.eml'])
WHOLE = mail(('request.yaml', form())).as_bytes()


@settings(max_examples=60)
@given(NAMES, st.binary(max_size=300))
def test_any_file(name: str, content: bytes) -> None:
    for sent in (Sent(name, content), Sent(reading.MAIL, content)):
        found = reading.read(sent, SETTINGS)
        assert found and all(one.where.isprintable() or not one.where for one in found)
        kept = Sent.kept(sent.name, sent.content, sent.beside_as_text())
        assert reading.digest_of(kept) == reading.digest_of(sent)


@settings(max_examples=60)
@given(st.integers(0, len(WHOLE)), st.binary(max_size=40), st.integers(0, 200))
def test_any_mail(start: int, put: bytes, left_out: int) -> None:
    content = WHOLE[:start] + put + WHOLE[start + left_out :]
    read = reading.read_mail(content, 'rae@agency.example.gov', SETTINGS)
    assert read.heading is not None
    assert bool(read.found) == read.has_form
    assert len(read.digest) == 64


def test_files_beside_it_make_another_digest() -> None:
    one = Sent('a.yaml', b'x', {'p.csv': b'1', 'q.csv': b'2'})
    same = Sent('a.yaml', b'x', {'q.csv': b'2', 'p.csv': b'1'})
    other = Sent('a.yaml', b'x', {'p.csv': b'1', 'q.csv': b'3'})
    assert reading.digest_of(one) == reading.digest_of(same)
    assert reading.digest_of(one) != reading.digest_of(other)
    assert Sent.kept(one.name, one.content, one.beside_as_text()) == one

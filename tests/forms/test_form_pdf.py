# SPDX-License-Identifier: GPL-3.0-or-later
"""Forms in PDF: how they are read aloud and filled in by keyboard, and signed ones."""

from __future__ import annotations

import io
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pypdf import PdfReader, PdfWriter

from qnet_mailman.forms import labels, layout, loading, writing
from qnet_mailman.forms.schema import KIND, KINDS
from tests.forms.files import SETTINGS, load
from tests.provisioning.made_forms import SOURCES
from tests.provisioning.samples import EXAMPLES

SIGNED = Path(__file__).parent / 'signed' / 'list-closure.pdf'
"""The example, signed by pyHanko with a certificate made for it."""


def nodes(element: Any) -> Iterator[Any]:
    """The nodes of a structure tree, in reading order."""
    element = element.get_object()
    yield element
    for kid in element.get('/K', []):
        yield from nodes(kid)


def asked(kind: str) -> list[str]:
    """The names of the fields as people are to go through them."""
    *parts, last = layout.parts_of(kind, SETTINGS)
    names = ['-'.join(map(str, f.path)) for part in parts for f in part.fields]
    for roster, fields in layout.rosters_of(kind).items():
        rows = {'administrators': 4, 'moderators': 3, 'subscribers': 5}[roster]
        names += [
            f'{roster}-{row}-{f.path[-1]}' for row in range(1, rows + 1) for f in fields
        ]
    return [*names, *('-'.join(map(str, f.path)) for f in last.fields)]


@pytest.mark.parametrize('kind', KINDS)
def test_it_can_be_used_without_eyes_or_mouse(kind: str) -> None:
    reader = PdfReader(io.BytesIO(writing.written(kind, 'pdf', SETTINGS)))
    root = reader.root_object
    assert root['/Lang'] == 'en-US'
    assert root['/MarkInfo']['/Marked'].value is True
    assert reader.metadata is not None
    assert reader.metadata.title == f'QualityNet Mailer: {labels.TITLES[kind]}'
    assert root['/ViewerPreferences']['/DisplayDocTitle'].value is True
    tree = list(nodes(root['/StructTreeRoot']['/K']))
    fields = [node['/Obj'] for node in tree if node.get('/Type') == '/OBJR']
    assert [field['/T'] for field in fields] == asked(kind)
    assert all(page['/Tabs'] == '/S' for page in reader.pages)
    tips = [field['/TU'] for field in fields]
    assert len(set(tips)) == len(tips)
    assert tips[0] == 'Your name (required)'


@pytest.mark.parametrize('kind', KINDS)
def test_the_tree_and_what_is_drawn_name_each_other(kind: str) -> None:
    reader = PdfReader(io.BytesIO(writing.written(kind, 'pdf', SETTINGS)))
    root = reader.root_object['/StructTreeRoot']
    numbers = root['/ParentTree']['/Nums']
    parents = dict(zip(numbers[::2], numbers[1::2], strict=True))
    for node in nodes(root['/K']):
        if node.get('/S') is None:
            continue
        for kid in node['/K']:
            about = kid.get_object()
            if about['/Type'] == '/MCR':
                marks = parents[about['/Pg']['/StructParents']]
                assert marks[about['/MCID']].get_object() == node
            elif about['/Type'] == '/OBJR':
                key = about['/Obj']['/StructParent']
                assert parents[key].get_object() == node
    for page in reader.pages:
        drawn = page.get_contents()
        assert drawn is not None
        marked = drawn.get_data().count(b'/MCID ')
        assert marked == len(parents[page['/StructParents']])


def test_another_program_lists_labels_and_fields_in_reading_order(
    tmp_path: Path,
) -> None:
    if shutil.which('pdfinfo') is None:
        pytest.skip('pdfinfo is not installed (poppler-utils)')
    path = tmp_path / 'form.pdf'
    path.write_bytes(writing.written(KIND, 'pdf', SETTINGS))
    said = subprocess.run(
        ['pdfinfo', '-struct-text', path], capture_output=True, text=True, check=True
    ).stdout
    lines = [line.strip().strip('"') for line in said.splitlines()]
    fields = [f for part in layout.parts_of(KIND, SETTINGS)[:-1] for f in part.fields]
    texts = [line for line in lines if line in {f.label for f in fields} | {'Form'}]
    # A label, then its field.
    assert texts[: 2 * len(fields)] == [
        word for field in fields for word in (field.label, 'Form')
    ]
    people = layout.rosters_of(KIND).values()
    assert texts.count('Form') == len(asked(KIND))
    assert all(field.label in lines for fields in people for field in fields)


@pytest.mark.parametrize('kind', KINDS)
def test_it_says_where_it_is_sent_and_fits_on_a_page(kind: str) -> None:
    site = replace(SETTINGS, forms_address='forms@lists.example.gov')
    for settings, address in ((site, 'forms@lists'), (SETTINGS, 'help@')):
        reader = PdfReader(io.BytesIO(writing.written(kind, 'pdf', settings)))
        first = reader.pages[0].extract_text()
        assert f'send it to {address}' in first
        assert first.index('send it to') < first.index('Your name (required)')
        assert len(reader.pages) == (2 if kind == KIND else 1)


def test_a_signed_form_is_read(tmp_path: Path) -> None:
    fields = PdfReader(SIGNED).get_fields() or {}
    assert fields['Signature1']['/FT'] == '/Sig'
    ((_where, found),) = load(tmp_path, 'form.pdf', SIGNED.read_bytes())
    kind = 'list-closure'
    assert found == loading.load(EXAMPLES / SOURCES[kind], SETTINGS).form


def test_what_was_filled_in_after_the_signature_is_read(tmp_path: Path) -> None:
    writer = PdfWriter(SIGNED, incremental=True)
    writer.update_page_form_field_values(writer.pages[0], {'reason': 'Another reason'})
    file = io.BytesIO()
    writer.write(file)
    assert file.getvalue().startswith(SIGNED.read_bytes())
    ((_where, found),) = load(tmp_path, 'form.pdf', file.getvalue())
    assert found.reason == 'Another reason'

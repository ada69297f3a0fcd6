# SPDX-License-Identifier: GPL-3.0-or-later
"""Form files that are hostile, or no forms."""

from __future__ import annotations

import contextlib
import io
import json
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pypdf import PdfWriter

from qnet_mailman.forms import loading, writing
from qnet_mailman.forms.pdf import read_pdf
from qnet_mailman.forms.readers import Unreadable
from qnet_mailman.forms.schema import KIND
from qnet_mailman.forms.table import read_table
from qnet_mailman.forms.xlsx import read_xlsx
from tests.forms.files import SETTINGS, cell, load, mail, mistakes, with_cell
from tests.provisioning.samples import EXAMPLES, data


@pytest.mark.parametrize('value', ['=1+1', '=HYPERLINK("http://x")', '=cmd|"/c"!A1'])
def test_formulas_are_refused(tmp_path: Path, value: str) -> None:
    place = cell('ticket')
    ((_where, said),) = mistakes(tmp_path, 'form.xlsx', with_cell(place, value))
    assert said == f'has a formula at {place}; expected what it should be'


def test_a_text_that_looks_like_a_formula_is_written_as_text(tmp_path: Path) -> None:
    content = writing.WRITERS['xlsx'](KIND, data(list__description='=1+1'), SETTINGS)
    ((_where, found),) = load(tmp_path, 'form.xlsx', content)
    assert found.list.description == '=1+1'


def test_a_bomb_in_a_spreadsheet_is_not_unpacked(tmp_path: Path) -> None:
    file = io.BytesIO((EXAMPLES / 'list-request.xlsx').read_bytes())
    with zipfile.ZipFile(file, 'a', zipfile.ZIP_DEFLATED) as bomb:
        bomb.writestr('xl/worksheets/bomb.xml', b' ' * 30_000_000)
    assert len(file.getvalue()) < 100_000
    assert mistakes(tmp_path, 'form.xlsx', file.getvalue()) == [
        ('', 'unpacked: is larger than 20480 KB (form_max_unpacked in qnet.cfg)')
    ]
    with zipfile.ZipFile(file, 'w') as many:
        for number in range(300):
            many.writestr(f'{number}.xml', b'')
    assert mistakes(tmp_path, 'form.xlsx', file.getvalue()) == [
        ('', 'has 300 parts; expected at most 200')
    ]


def test_large_attachments_are_refused(tmp_path: Path) -> None:
    content = mail(('form.yaml', b'#' * 100_000), ('request.json', b'{}'))
    said = 'form.yaml: is larger than 50 KB (form_max_size in qnet.cfg)'
    assert mistakes(tmp_path, 'mail.eml', content, form_max_size='50 KB') == [
        ('', said)
    ]
    path = tmp_path / 'huge.eml'
    with path.open('wb') as file:
        file.truncate(100 * 1024 * 1024)
    ((_where, found),) = loading.load_all(path, SETTINGS)
    assert isinstance(found, loading.FormInvalid)
    assert str(found) == 'is larger than 20480 KB (form_max_unpacked in qnet.cfg)'


@pytest.mark.parametrize('file_format', ['json', 'xlsx'])
def test_ten_thousand_administrators_are_refused(
    tmp_path: Path, file_format: str
) -> None:
    people = [{'name': f'P {n}', 'email': f'p{n}@example.org'} for n in range(10_000)]
    form = data(administrators=people)
    content = (
        json.dumps(form).encode()
        if file_format == 'json'
        else writing.WRITERS[file_format](KIND, form, SETTINGS)
    )
    ((_where, said),) = mistakes(tmp_path, f'form.{file_format}', content)
    assert said.startswith('administrators: found ')
    assert said.endswith('people; expected at most 200 (form_max_people in qnet.cfg)')


def test_too_many_forms(tmp_path: Path) -> None:
    row = (EXAMPLES / 'threshold-change.csv').read_bytes().splitlines()
    found = load(
        tmp_path, 'a.csv', b'\n'.join([row[0], *row[1:] * 3]), form_max_forms=2
    )
    assert found[-1][1] == [('', 'has more than 2 forms (form_max_forms in qnet.cfg)')]
    content = mail(*((f'{n}.json', b'{}') for n in range(3)))
    assert mistakes(tmp_path, 'a.eml', content, form_max_forms=2) == [
        ('', 'has 3 forms attached; expected at most 2 (form_max_forms in qnet.cfg)')
    ]


@pytest.mark.parametrize(
    ('name', 'content', 'message'),
    [
        ('a.xlsx', b'PK', 'is not a spreadsheet in XLSX'),
        ('a.pdf', b'%PDF-1.4', 'is not a PDF that can be read'),
        ('a.csv', b'email,name\n', 'has no heading of forms; expected columns such'),
        ('a.csv', b'ticket,list.name\n', 'has no row with a form'),
        ('a.csv', b'ticket,ticket\nA,B\n', 'has a second field "Ticket number" at row'),
        ('a.csv', b'list,list.name\nA,B\n'.replace(b'list,', b'ticket,list,'), ''),
        (
            'a.csv',
            b'ticket,administrators.1.name,administrators.email\nA,Pat,p@example.org\n',
            'has a field "administrators.email" at row 2, administrators.email beside',
        ),
        ('a.eml', b'From: a@example.org\n\nhi', 'has no form attached; expected'),
        ('a.eml', mail(('a.yaml', b'!!python/object:os.x 1')), 'has the tag "tag:'),
    ],
)
def test_files_that_are_no_forms(
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    name: str,
    content: bytes,
    message: str,
) -> None:
    assert mistakes(tmp_path, name, content)[0][1].startswith(message)
    assert not caplog.records


def test_a_pdf_without_fields_or_with_a_password(tmp_path: Path) -> None:
    writer = PdfWriter()
    writer.add_blank_page(100, 100)
    printed = io.BytesIO()
    writer.write(printed)
    ((_where, said),) = mistakes(tmp_path, 'a.pdf', printed.getvalue())
    assert said.startswith('has no fields to fill in; it may have been printed or')
    writer.encrypt('secret', algorithm='RC4-128')
    locked = io.BytesIO()
    writer.write(locked)
    assert mistakes(tmp_path, 'a.pdf', locked.getvalue()) == [
        ('', 'is encrypted; send it without a password')
    ]


@given(st.data())
def test_no_bytes_break_a_reader(found: st.DataObject) -> None:
    read, name = found.draw(
        st.sampled_from(
            [
                (read_xlsx, 'list-request.xlsx'),
                (read_pdf, 'threshold-change.pdf'),
                (lambda *each: list(read_table(*each)), 'list-request.csv'),
            ]
        )
    )
    content = bytearray((EXAMPLES / name).read_bytes())
    for _time in range(found.draw(st.integers(1, 5))):
        place = found.draw(st.integers(0, len(content) - 1))
        content[place : place + 1] = found.draw(st.binary(max_size=4))
    with contextlib.suppress(Unreadable):
        read(bytes(content), SETTINGS)

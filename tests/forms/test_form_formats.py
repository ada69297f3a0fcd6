# SPDX-License-Identifier: GPL-3.0-or-later
"""Forms in XLSX, PDF, CSV and mails: written, filled in, read, and hostile ones."""

from __future__ import annotations

import contextlib
import io
import json
import shutil
import subprocess
import zipfile
from collections.abc import Callable
from email.message import EmailMessage
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import load_workbook
from pypdf import PdfReader, PdfWriter

from qnet_mailman.commands.cli_qnet import qnet
from qnet_mailman.forms import layout, loading, writing
from qnet_mailman.forms.loading import Loaded
from qnet_mailman.forms.pdf import read_pdf
from qnet_mailman.forms.readers import Unreadable
from qnet_mailman.forms.schema import KIND, KINDS, ListRequest
from qnet_mailman.forms.table import read_table
from qnet_mailman.forms.xlsx import read_xlsx
from qnet_mailman.settings import Settings
from tests.provisioning.made_forms import FILES, PROVISIONING, SOURCES, example
from tests.provisioning.samples import EXAMPLES, data, grant_roles

BASE = {'domain': 'lists.example.gov', 'support_address': 'help@example.gov'}
SETTINGS = Settings.model_validate(BASE)


def load(
    folder: Path, name: str, content: bytes, **changes: Any
) -> list[tuple[str, Any]]:
    """What is in a file; where it is invalid, place and words of each mistake."""
    path = folder / name
    path.write_bytes(content)
    found = loading.load_all(path, Settings.model_validate(BASE | changes))
    return [
        (
            where.removeprefix(str(path)),
            each.form
            if isinstance(each, Loaded)
            else [(error.where, str(error)) for error in each.errors],
        )
        for where, each in found
    ]


def mistakes(folder: Path, name: str, content: bytes, **changes: Any) -> list[Any]:
    ((_where, found),) = load(folder, name, content, **changes)
    assert isinstance(found, list), found
    return found


# ------------------------------------------------------------ what is published


def gist(name: str, content: bytes) -> Any:
    """What a person sees of a file, whatever its library's version."""
    if name.endswith('.xlsx'):
        return [
            (
                sheet.title,
                sheet.freeze_panes,
                [[cell.value for cell in row] for row in sheet.iter_rows()],
                [
                    (str(rule.sqref), rule.type, rule.formula1, rule.prompt)
                    for rule in sheet.data_validations.dataValidation
                ],
            )
            for sheet in load_workbook(io.BytesIO(content))
        ]
    if name.endswith('.pdf'):
        reader = PdfReader(io.BytesIO(content))
        fields = reader.get_fields() or {}
        return (
            [page.extract_text() for page in reader.pages],
            [(key, each.get('/V'), each.get('/TU')) for key, each in fields.items()],
        )
    return content


@pytest.mark.parametrize('name', list(FILES))
def test_what_is_published_is_current(name: str) -> None:
    published = (PROVISIONING / name).read_bytes()
    assert gist(name, published) == gist(name, FILES[name]()), (
        'make it anew with: python -m tests.provisioning.made_forms'
    )


@pytest.mark.parametrize('kind', KINDS)
@pytest.mark.parametrize('file_format', ['xlsx', 'pdf', 'csv'])
def test_the_filled_examples_say_the_same(kind: str, file_format: str) -> None:
    path = EXAMPLES / f'{kind}.{file_format}'
    wanted = loading.load(EXAMPLES / SOURCES[kind], SETTINGS).form
    found = loading.load(path, SETTINGS).form
    if file_format == 'csv' and isinstance(found, ListRequest):
        assert len(found.subscribers) == 3
        assert isinstance(wanted, ListRequest)
        found = found.model_copy(update={'subscribers': wanted.subscribers})
    assert found == wanted


@pytest.mark.parametrize('kind', KINDS)
@pytest.mark.parametrize('file_format', ['xlsx', 'pdf', 'csv'])
def test_an_empty_form_is_written_and_wants_what_json_wants(
    core: SimpleNamespace, tmp_path: Path, kind: str, file_format: str
) -> None:
    def fields(name: str) -> set[str]:
        path = tmp_path / f'form.{name}'
        arguments = ['form', kind, '--format', name, '-o', str(path)]
        assert CliRunner().invoke(qnet, arguments).exit_code == 0
        ((_where, found),) = loading.load_all(path, SETTINGS)
        assert isinstance(found, loading.FormInvalid)
        return {error.field for error in found.errors}

    assert fields(file_format) == fields('json')


# ------------------------------------------------- filled in by other libraries


def fill_xlsx(content: bytes, kind: str) -> bytes:
    book = load_workbook(io.BytesIO(content))
    sheet = book['Request']
    answers = {
        field.label: layout.value_at(example(kind), field.path)
        for field in layout.fields_of(kind)
    }
    for row in sheet.iter_rows(min_row=2):
        row[2].value = answers[row[0].value] or None
    for roster in layout.rosters_of(kind):
        people = book[roster.capitalize()]
        heads = [cell.value for cell in people[1]]
        # A row is left out, as people do.
        for place, person in enumerate(example(kind)[roster]):
            for column, head in enumerate(heads, 1):
                value = person.get(head)
                people.cell(place + 3, column).value = value
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def pdf_answers(kind: str) -> dict[str, str]:
    form = example(kind)
    answers = {
        '-'.join(map(str, field.path)): layout.value_at(form, field.path)
        for field in layout.fields_of(kind)
    }
    for roster in layout.rosters_of(kind):
        for place, person in enumerate(form[roster]):
            for key in person:
                name = f'{roster}-{place + 1}-{key}'
                answers[name] = layout.value_at(person, (key,))
    return {name: value for name, value in answers.items() if value}


def fill_with_pypdf(content: bytes, kind: str) -> bytes:
    writer = PdfWriter(clone_from=io.BytesIO(content))
    for page in writer.pages:
        writer.update_page_form_field_values(page, pdf_answers(kind))
    file = io.BytesIO()
    writer.write(file)
    return file.getvalue()


def fill_with_pymupdf(content: bytes, kind: str) -> bytes:
    pymupdf = pytest.importorskip('pymupdf')
    document = pymupdf.open(stream=content)
    for page in document:
        for widget in page.widgets():
            if widget.field_name in pdf_answers(kind) and widget.field_name != 'form':
                widget.field_value = pdf_answers(kind)[widget.field_name]
                widget.update()
    return bytes(document.tobytes())


def fill_with_pikepdf(content: bytes, kind: str) -> bytes:
    pikepdf = pytest.importorskip('pikepdf')
    document = pikepdf.open(io.BytesIO(content))
    for field in document.Root.AcroForm.Fields:
        if str(field.T) in pdf_answers(kind):
            field.V = pikepdf.String(pdf_answers(kind)[str(field.T)])
    file = io.BytesIO()
    document.save(file)
    return file.getvalue()


@pytest.mark.parametrize('kind', KINDS)
@pytest.mark.parametrize(
    ('file_format', 'fill'),
    [
        ('xlsx', fill_xlsx),
        ('pdf', fill_with_pypdf),
        ('pdf', fill_with_pymupdf),
        ('pdf', fill_with_pikepdf),
    ],
)
def test_what_others_fill_in_is_read_back(
    tmp_path: Path, file_format: str, fill: Callable[[bytes, str], bytes], kind: str
) -> None:
    content = fill(writing.written(kind, file_format), kind)
    ((_where, found),) = load(tmp_path, f'form.{file_format}', content)
    assert found == loading.load(EXAMPLES / SOURCES[kind], SETTINGS).form


def test_the_spreadsheet_helps() -> None:
    book = load_workbook(io.BytesIO(writing.written(KIND, 'xlsx')))
    assert book.sheetnames == ['Request', 'Administrators', 'Moderators', 'Subscribers']
    assert {sheet.freeze_panes for sheet in book} == {'A2'}
    rules = {
        str(rule.sqref): rule
        for rule in book['Request'].data_validations.dataValidation
    }
    labels = {row[0].value: f'C{row[0].row}' for row in book['Request'].iter_rows()}
    assert rules[labels['List: visibility']].formula1 == '"public,private"'
    assert rules[labels['List: mask']].formula1 == '"administrators,everyone,off"'
    assert rules[labels['List: display name']].prompt == (
        'the name people see, at most 110 characters'
    )
    (rule,) = (
        rule
        for rule in book['Administrators'].data_validations.dataValidation
        if rule.type == 'list'
    )
    assert rule.formula1 == '"yes,no"'


@pytest.mark.parametrize('kind', KINDS)
def test_the_pdf_can_be_used_without_eyes_or_mouse(kind: str) -> None:
    reader = PdfReader(io.BytesIO(writing.written(kind, 'pdf')))
    assert reader.root_object['/Lang'] == 'en-US'
    assert reader.metadata is not None
    assert reader.metadata.title == f'QualityNet Mailer: {kind}'
    for field in (reader.get_fields() or {}).values():
        assert len(field['/TU']) > len('Form: ')
    for page in reader.pages:
        assert page['/Tabs'] == '/R'
        tops = [each.get_object()['/Rect'][3] for each in page['/Annots']]
        assert tops == sorted(tops, reverse=True)


def test_other_tools_find_nothing_wrong_in_the_pdf(tmp_path: Path) -> None:
    path = PROVISIONING / 'forms' / 'list-request.pdf'
    pikepdf = pytest.importorskip('pikepdf')
    with pikepdf.open(path) as document:
        assert document.check_pdf_syntax() == []
        assert len(document.Root.AcroForm.Fields) == len(
            PdfReader(path).get_fields() or {}
        )
    if shutil.which('qpdf'):
        subprocess.run(['qpdf', '--check', path], check=True, capture_output=True)


# ------------------------------------------------------------------ places


def with_cell(place: str, value: Any) -> bytes:
    book = load_workbook(EXAMPLES / 'list-request.xlsx')
    sheet, cell = place.split('!')
    book[sheet][cell] = value
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


@pytest.mark.parametrize(
    ('place', 'value', 'message'),
    [
        ('Request!C12', 'newsletter', 'list, type: found "newsletter"; expected'),
        ('Request!C9', '../../etc/passwd', 'list, name: found "../../etc/passwd";'),
        (
            'Request!C10',
            'News\nBcc: victim@example.org',
            'list, display_name: found "News',
        ),
        ('Administrators!B3', 'sam at', 'administrators, 2nd person, email: found'),
        ('Subscribers!A3', 'sam at', 'subscribers, 2nd subscriber, email: found'),
    ],
)
def test_mistakes_in_a_spreadsheet_have_cells(
    tmp_path: Path, place: str, value: str, message: str
) -> None:
    if place.startswith('Request'):
        place = f'Request!C{row_of(message)}'
    ((where, said),) = mistakes(tmp_path, 'form.xlsx', with_cell(place, value))
    assert where == place
    assert said.startswith(message)


def row_of(message: str) -> int:
    wanted = message.partition(': ')[0].replace(', ', ': ').replace('_', ' ')
    sheet = load_workbook(EXAMPLES / 'list-request.xlsx')['Request']
    (row,) = (r[0].row for r in sheet.iter_rows() if str(r[0].value).lower() == wanted)
    return int(row)


def test_mistakes_in_a_pdf_have_fields(tmp_path: Path) -> None:
    writer = PdfWriter(clone_from=EXAMPLES / 'list-request.pdf')
    for page in writer.pages:
        writer.update_page_form_field_values(
            page, {'administrators-2-email': 'sam at', 'list-name': 'hqr/updates'}
        )
    file = io.BytesIO()
    writer.write(file)
    assert [where for where, _said in mistakes(tmp_path, 'a.pdf', file.getvalue())] == [
        'field "list-name"',
        'field "administrators-2-email"',
    ]


def test_a_row_of_a_table_for_each_list(tmp_path: Path) -> None:
    lines = (EXAMPLES / 'list-request.csv').read_text('utf-8').splitlines()
    (tmp_path / 'workgroup.csv').write_text('a@example.org\n', encoding='utf-8')
    other = lines[1].replace('REQ0001234', 'REQ7').replace('hqr-updates', 'other-list')
    bad = lines[1].replace('notification', 'newsletter')
    content = '\n'.join([*lines, '', other, bad]).encode()
    one, two, three = load(tmp_path, 'lists.csv', content)
    assert (one[0], two[0], three[0]) == (': row 2', ': row 4', ': row 5')
    assert two[1].list.name == 'other-list@lists.example.gov'
    assert three[1] == [
        (
            'row 5, list.type',
            'list, type: found "newsletter"; expected notification or discussion',
        )
    ]
    ((_where, found), *_rest) = load(tmp_path, 'lists.csv', content.replace(b',', b';'))
    assert found == one[1]


def mail(*files: tuple[str, bytes]) -> bytes:
    message = EmailMessage()
    message['From'] = 'pat@agency.example.gov'
    message.set_content('Please find the forms attached.\n')
    for name, content in files:
        message.add_attachment(
            content, maintype='application', subtype='octet-stream', filename=name
        )
    return message.as_bytes()


def test_forms_attached_to_a_mail(tmp_path: Path) -> None:
    request = json.dumps(data(subscribers='people.csv')).encode()
    content = mail(
        ('request.json', request),
        ('people.csv', b'email\na@example.org\n'),
        ('list-request.xlsx', (EXAMPLES / 'list-request.xlsx').read_bytes()),
        ('../../bad.yaml', b'form: list-request\nticket: REQ 1\n'),
        ('logo.png', b'picture'),
    )
    one, two, three = load(tmp_path, 'mail.eml', content)
    assert (one[0], two[0]) == (': request.json', ': list-request.xlsx')
    assert [person.email for person in one[1].subscribers] == ['a@example.org']
    assert two[1].ticket == 'REQ0001234'
    assert three[0] == ': bad.yaml'
    assert three[1][0][0] == 'line 2'


def test_the_mail_of_the_examples_is_applied(core: SimpleNamespace) -> None:
    grant_roles()
    path = str(EXAMPLES / 'request.eml')
    result = CliRunner().invoke(qnet, ['provision', '--json', path])
    assert result.exit_code == 0
    assert [
        (each['file'], each['result'])
        for each in map(json.loads, result.stdout.splitlines())
    ] == [
        (f'{path}: list-request.yaml', 'created'),
        (f'{path}: threshold-change.yaml', 'changed'),
    ]
    again = CliRunner().invoke(qnet, ['provision', '--json', path])
    assert {each['result'] for each in map(json.loads, again.stdout.splitlines())} == {
        'unchanged'
    }


# ------------------------------------------------------------- what is hostile


@pytest.mark.parametrize('value', ['=1+1', '=HYPERLINK("http://x")', '=cmd|"/c"!A1'])
def test_formulas_are_refused(tmp_path: Path, value: str) -> None:
    ((_where, said),) = mistakes(tmp_path, 'form.xlsx', with_cell('Request!C3', value))
    assert said == 'has a formula at Request!C3; expected what it should be'


def test_a_text_that_looks_like_a_formula_is_written_as_text(tmp_path: Path) -> None:
    content = writing.WRITERS['xlsx'](KIND, data(list__description='=1+1'))
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
        else writing.WRITERS[file_format](KIND, form)
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
        ('a.csv', b'ticket,ticket\nA,B\n', 'has a second field "Ticket" at row 2'),
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

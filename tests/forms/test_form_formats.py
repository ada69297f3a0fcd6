# SPDX-License-Identifier: GPL-3.0-or-later
"""Forms in XLSX, PDF, CSV and mails: written, filled in, read, and hostile ones."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import warnings
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner
from openpyxl import load_workbook
from pypdf import PdfReader, PdfWriter

from qnet_mailman.commands.cli_qnet import qnet
from qnet_mailman.forms import labels, layout, loading, writing
from qnet_mailman.forms.schema import KIND, KINDS, ListRequest
from qnet_mailman.forms.xlsx import read_xlsx
from tests.forms.files import SETTINGS, cell, load, mail, mistakes, with_cell
from tests.forms.filling import fill_with_pypdf, fill_xlsx, pdf_answers
from tests.provisioning.made_forms import FILES, PROVISIONING, SOURCES
from tests.provisioning.samples import EXAMPLES, data, grant_roles

OLD = Path(__file__).with_name('old')
"""Forms of a version that called its fields by their keys, filled in."""

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


@pytest.mark.parametrize('name', sorted(path.name for path in OLD.iterdir()))
def test_forms_with_the_labels_of_earlier_versions_are_read(name: str) -> None:
    found = loading.load(OLD / name, SETTINGS).form
    kind = name.partition('.')[0]
    assert found == loading.load(EXAMPLES / SOURCES[kind], SETTINGS).form


# ------------------------------------------------- filled in by other libraries


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
    content = fill(writing.written(kind, file_format, SETTINGS), kind)
    ((_where, found),) = load(tmp_path, f'form.{file_format}', content)
    assert found == loading.load(EXAMPLES / SOURCES[kind], SETTINGS).form


def test_the_spreadsheet_helps() -> None:
    book = load_workbook(io.BytesIO(writing.written(KIND, 'xlsx', SETTINGS)))
    assert book.sheetnames == ['Request', 'Administrators', 'Moderators', 'Subscribers']
    assert [sheet.freeze_panes for sheet in book] == [None, 'A2', 'A2', 'A2']
    rules = {
        str(rule.sqref): rule
        for rule in book['Request'].data_validations.dataValidation
    }
    cells = {row[0].value: f'C{row[0].row}' for row in book['Request'].iter_rows()}
    assert rules[cells['Who may subscribe (required)']].formula1 == '"Public,Private"'
    mask = rules[cells['Whose address is masked']]
    assert mask.formula1 == '"Administrators,Everyone,Nobody"'
    assert rules[cells['Display name (required)']].prompt == (
        'What people see, such as HQR Updates; at most 110 characters.'
    )
    (rule,) = (
        rule
        for rule in book['Administrators'].data_validations.dataValidation
        if rule.type == 'list'
    )
    assert rule.formula1 == '"Yes,No"'


def is_field(label: Any) -> bool:
    return labels.path_of(str(label.value)) is not None


def test_a_site_that_wants_an_approver_says_so() -> None:
    for wanted in (False, True):
        site = replace(SETTINGS, approver_required=wanted)
        book = load_workbook(io.BytesIO(writing.written(KIND, 'xlsx', site)))
        shown = [str(cell.value) for cell in book['Request']['A']]
        assert ('Name of the approver (required)' in shown) is wanted
        assert 'Your name (required)' in shown and 'Your organization' in shown


def test_what_is_typed_into_a_cell_stays_as_it_is() -> None:
    book = load_workbook(io.BytesIO(writing.written(KIND, 'xlsx', SETTINGS)))
    answers = [row[2] for row in book['Request'].iter_rows() if is_field(row[0])]
    assert len(answers) == len(list(layout.fields_of(KIND)))
    assert {each.number_format for each in answers} == {'@'}
    for sheet in book.worksheets[1:]:
        for column, _head in enumerate(sheet[1]):
            assert sheet.column_dimensions['ABCD'[column]].number_format == '@'


@pytest.mark.parametrize(
    ('place', 'value', 'found'),
    [
        ('Administrators!C2', 123, '123'),
        ('Administrators!C2', 1234567890123456, '1234567890123456'),
        ('Administrators!C2', 1.23456789012346e15, '1234567890123460'),
        (cell('ticket'), 4711, '4711'),
        (cell('list', 'display_name'), 7.5, '7.5'),
        ('Subscribers!A2', 5, '5'),
    ],
)
def test_a_number_where_text_is_meant_is_questioned(
    tmp_path: Path, place: str, value: float, found: str
) -> None:
    said = mistakes(tmp_path, 'a.xlsx', with_cell(place, value))
    [message] = [text for where, text in said if where == place]
    assert f'found {found}; expected text, and the program has made a number' in message
    assert 'format Text' in message


def test_a_number_where_one_is_meant_is_taken(tmp_path: Path) -> None:
    place = cell('list', 'bounces', 'threshold')
    ((_where, form),) = load(tmp_path, 'a.xlsx', with_cell(place, 8))
    assert form.list.bounces.threshold == 8


@pytest.mark.parametrize(
    ('value', 'no'),
    [
        ('=TRUE()', '=FALSE()'),
        ('= true( )', '= false( )'),
        ('=TRUE', '=FALSE'),
        (True, False),
        ('yes', 'no'),
    ],
)
def test_truth_as_programs_write_it(tmp_path: Path, value: Any, no: Any) -> None:
    ((_where, form),) = load(tmp_path, 'a.xlsx', with_cell('Administrators!D2', value))
    assert form.administrators[0].may_post is True
    ((_where, form),) = load(tmp_path, 'b.xlsx', with_cell('Administrators!D2', no))
    assert form.administrators[0].may_post is False


def test_a_line_break_in_a_cell_does_not_lose_the_member(tmp_path: Path) -> None:
    content = with_cell('Subscribers!B2', 'Robin\n Reader')
    ((_where, form),) = load(tmp_path, 'a.xlsx', content)
    assert form.subscribers[0].name == 'Robin Reader'


def test_mistakes_in_a_spreadsheet_speak_of_yes_and_no(tmp_path: Path) -> None:
    content = with_cell('Administrators!D2', 'perhaps')
    [(_where, message)] = mistakes(tmp_path, 'a.xlsx', content)
    assert message.endswith('found "perhaps"; expected yes or no')
    place = cell('attestations', 'no_sensitive_information')
    for answer in ('no', '=FALSE()'):
        said = mistakes(tmp_path, 'a.xlsx', with_cell(place, answer))
        [message] = [text for _where, text in said]
        assert 'expected yes: the list carries no sensitive' in message
        assert 'true' not in message and 'false' not in message
    mask = with_cell(cell('list', 'mask'), 'off or on')
    [(_where, message)] = mistakes(tmp_path, 'a.xlsx', mask)
    assert message.endswith('; expected Administrators, Everyone or Nobody')
    empty = writing.written('list-closure', 'xlsx', SETTINGS)
    said = [message for _where, message in mistakes(tmp_path, 'a.xlsx', empty)]
    assert any('expected yes if the members are to be told' in each for each in said)


def test_a_library_warns_nobody_who_sends_or_reads_a_form(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    found, made = zipfile.ZipFile(EXAMPLES / 'list-request.xlsx'), io.BytesIO()
    with zipfile.ZipFile(made, 'w') as other:
        for name in found.namelist():
            # Of a sheet that is not there.
            names = b'<definedName name="a" localSheetId="9">1</definedName>'
            part = found.read(name).replace(
                b'<definedNames/>', b'<definedNames>' + names + b'</definedNames>'
            )
            other.writestr(name, part)
    with warnings.catch_warnings():
        warnings.simplefilter('always')
        # From 3.12 on Python warns of a fork where there are threads.
        warnings.filterwarnings('ignore', '.*fork', DeprecationWarning)
        monkeypatch.setattr(
            warnings, 'showwarning', lambda *_words: os.write(2, b'warned')
        )
        read_xlsx(made.getvalue(), SETTINGS)
        assert capfd.readouterr().err == 'warned'
        [(_where, form)] = load(tmp_path, 'a.xlsx', made.getvalue())
    assert capfd.readouterr().err == ''
    assert form.list.display_name == 'HQR Updates'


def test_strict_open_xml_is_named(tmp_path: Path) -> None:
    found, made = zipfile.ZipFile(EXAMPLES / 'list-request.xlsx'), io.BytesIO()
    with zipfile.ZipFile(made, 'w') as strict:
        for name in found.namelist():
            data_ = found.read(name).replace(
                b'http://schemas.openxmlformats.org/spreadsheetml/2006/main',
                b'http://purl.oclc.org/ooxml/spreadsheetml/main',
            )
            strict.writestr(name, data_)
    [(_where, message)] = mistakes(tmp_path, 'a.xlsx', made.getvalue())
    assert 'is in the format "Strict Open XML"' in message


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


@pytest.mark.parametrize(
    ('place', 'value', 'message'),
    [
        (cell('list', 'type'), 'newsletter', 'list, type: found "newsletter"; exp'),
        (cell('list', 'name'), '../../etc/passwd', 'list, name: found "../../etc/pa'),
        (
            cell('list', 'display_name'),
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
    ((where, said),) = mistakes(tmp_path, 'form.xlsx', with_cell(place, value))
    assert where == place
    assert said.startswith(message)


def test_mistakes_in_a_pdf_have_fields(tmp_path: Path) -> None:
    writer = PdfWriter(clone_from=EXAMPLES / 'list-request.pdf')
    for page in writer.pages:
        writer.update_page_form_field_values(
            page, {'administrators-2-email': 'sam at', 'list-name': 'hqr/updates'}
        )
    file = io.BytesIO()
    writer.write(file)
    said = mistakes(tmp_path, 'a.pdf', file.getvalue())
    assert [(where, message.partition('; ')[0]) for where, message in said] == [
        ('page 1', 'list, name: found "hqr/updates"'),
        ('page 2', 'administrators, 2nd person, email: found "sam at"'),
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
            'list, type: found "newsletter"; expected Notification or Discussion',
        )
    ]
    ((_where, found), *_rest) = load(tmp_path, 'lists.csv', content.replace(b',', b';'))
    assert found == one[1]


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

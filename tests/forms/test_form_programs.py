# SPDX-License-Identifier: GPL-3.0-or-later
"""The forms as downloaded, filled in by the programs that people have (R29).

What is typed into them is what our reader finds.  A program that is not installed is
passed over, and the test says which.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

import pytest
from openpyxl import load_workbook

from qnet_mailman.forms import loading, writing
from qnet_mailman.forms.schema import KIND, KINDS
from tests.forms.files import SETTINGS, load, mistakes
from tests.forms.filling import fill_with_pypdf, fill_xlsx, pdf_answers, xlsx_answers
from tests.provisioning.made_forms import SOURCES
from tests.provisioning.samples import EXAMPLES
from tests.web.harp.certified import node_modules

pytestmark = pytest.mark.long

PROGRAMS = Path(__file__).with_name('programs')
PYHANKO = 'pyHanko==0.38.0'
KIM = 'kim@agency.example.gov'
SYSTEM_PYTHON = '/usr/bin/python3'
"""That for which Debian has LibreOffice's `uno`."""

Fill = Callable[[Path, str, Path], None]
"""Takes an empty form, its kind, and where the one with the example's answers goes."""


def run(*words: str | Path) -> None:
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def need(program: str, package: str) -> None:
    if shutil.which(program) is None:
        pytest.skip(f'{program} is not installed ({package})')


def beside(form: Path, answers: dict[str, str]) -> Path:
    """A file with answers."""
    path = form.with_name('answers.json')
    path.write_text(json.dumps(answers), 'utf-8')
    return path


def with_libreoffice(form: Path, kind: str, filled: Path) -> None:
    typed(form, xlsx_answers(form.read_bytes(), kind), filled)


def typed(form: Path, answers: dict[str, str], filled: Path) -> None:
    """What LibreOffice makes of what is typed into cells."""
    need('soffice', 'libreoffice-calc')
    if subprocess.run([SYSTEM_PYTHON, '-c', 'import uno'], check=False).returncode:
        pytest.skip('the module uno is not installed (python3-uno)')
    run(SYSTEM_PYTHON, PROGRAMS / 'libreoffice.py', form, beside(form, answers), filled)


def with_gnumeric(form: Path, kind: str, filled: Path) -> None:
    """Its command line knows cells of the first sheet only; the others it copies."""
    need('ssconvert', 'gnumeric')
    answers = xlsx_answers(form.read_bytes(), kind)
    form.write_bytes(fill_xlsx(form.read_bytes(), kind))
    cells = [
        f'--set={place.removeprefix("Request!")}={answer}'
        for place, answer in answers.items()
        if place.startswith('Request!') and answer
    ]
    run('ssconvert', *cells, form, filled)


def with_node(script: str) -> Fill:
    def fill(form: Path, kind: str, filled: Path) -> None:
        (form.parent / 'node_modules').symlink_to(node_modules(PROGRAMS))
        shutil.copy(PROGRAMS / script, form.parent)
        answers = pdf_answers(kind)
        run('node', form.parent / script, form, beside(form, answers), filled)

    return fill


def with_pdftk(form: Path, kind: str, filled: Path) -> None:
    need('pdftk', 'pdftk-java')
    fields = ''.join(
        f'<field name={quoteattr(name)}><value>{escape(answer)}</value></field>'
        for name, answer in pdf_answers(kind).items()
    )
    data = form.with_suffix('.xfdf')
    data.write_text(
        '<?xml version="1.0" encoding="UTF-8"?>'
        f'<xfdf xmlns="http://ns.adobe.com/xfdf/"><fields>{fields}</fields></xfdf>',
        'utf-8',
    )
    run('pdftk', form, 'fill_form', data, 'output', filled)


def with_pyhanko(form: Path, kind: str, filled: Path) -> None:
    """Filled in by pypdf, and then signed."""
    form.write_bytes(fill_with_pypdf(form.read_bytes(), kind))
    run(python_with_pyhanko(), PROGRAMS / 'sign.py', form, filled)
    assert filled.read_bytes().startswith(form.read_bytes())
    assert b'/ByteRange' in filled.read_bytes()


def python_with_pyhanko() -> Path:
    """A Python that has it, made once for all runs, outside the repository."""
    cache = Path(os.environ.get('XDG_CACHE_HOME') or Path.home() / '.cache')
    folder = cache / 'qnet-mailer-tests'
    target = folder / PYHANKO.replace('==', '-').lower()
    if not target.is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        building = Path(tempfile.mkdtemp(dir=folder))
        run(sys.executable, '-m', 'venv', '--system-site-packages', building)
        pip = [building / 'bin' / 'python', '-m', 'pip', 'install', '-q']
        done = subprocess.run(
            [*pip, PYHANKO], capture_output=True, text=True, check=False
        )
        if done.returncode:
            shutil.rmtree(building)
            pytest.skip(f'pyHanko cannot be installed: {done.stderr[-500:]}')
        building.rename(target)
    return target / 'bin' / 'python'


@pytest.mark.parametrize('kind', KINDS)
@pytest.mark.parametrize(
    ('file_format', 'fill'),
    [
        pytest.param('xlsx', with_libreoffice, id='LibreOffice'),
        pytest.param('xlsx', with_gnumeric, id='Gnumeric'),
        pytest.param('pdf', with_node('pdf_lib.mjs'), id='pdf-lib'),
        pytest.param('pdf', with_node('pdf_js.mjs'), id='pdf.js'),
        pytest.param('pdf', with_pdftk, id='pdftk'),
        pytest.param('pdf', with_pyhanko, id='pyHanko'),
    ],
)
def test_what_a_program_fills_in_is_read(
    tmp_path: Path, file_format: str, fill: Fill, kind: str
) -> None:
    form = tmp_path / f'form.{file_format}'
    form.write_bytes(writing.written(kind, file_format, SETTINGS))
    filled = tmp_path / f'filled.{file_format}'
    fill(form, kind, filled)
    ((_where, found),) = load(tmp_path, filled.name, filled.read_bytes())
    assert found == loading.load(EXAMPLES / SOURCES[kind], SETTINGS).form


def test_what_is_typed_into_libreoffice_stays_as_it_is(tmp_path: Path) -> None:
    form, filled = tmp_path / 'form.xlsx', tmp_path / 'filled.xlsx'
    form.write_bytes(fill_xlsx(writing.written(KIND, 'xlsx', SETTINGS), KIND))
    answers = {'C3': '0123', 'C4': '1234567890123456', 'D3': 'TRUE', 'D4': 'FALSE'}
    people = {f'Administrators!{cell}': text for cell, text in answers.items()}
    more = {'Administrators!A4': 'Kim Example', 'Administrators!B4': KIM}
    typed(form, people | more, filled)
    ((_where, found),) = load(tmp_path, 'a.xlsx', filled.read_bytes())
    assert [(p.harp_id, p.may_post) for p in found.administrators[:2]] == [
        ('0123', True),
        ('1234567890123456', False),
    ]


def test_truth_and_numbers_in_a_sheet_without_the_format_text(tmp_path: Path) -> None:
    book = load_workbook(EXAMPLES / 'list-request.xlsx')
    for cell in ('C2', 'D2'):
        book['Administrators'][cell].number_format = 'General'
    form, filled = tmp_path / 'form.xlsx', tmp_path / 'filled.xlsx'
    book.save(form)
    answers = {'Administrators!C2': '0123', 'Administrators!D2': 'TRUE'}
    typed(form, answers, filled)
    [(where, said)] = mistakes(tmp_path, 'a.xlsx', filled.read_bytes())
    assert where == 'Administrators!C2'
    assert 'found 123; expected text, and the program has made a number' in said

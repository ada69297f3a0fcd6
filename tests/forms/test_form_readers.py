# SPDX-License-Identifier: GPL-3.0-or-later
"""YAML, JSON and CSV as plain data: lines, surprises and attacks (R29, R30)."""

from __future__ import annotations

import csv
import io
import json
import os
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from qnet_mailman.forms import csv_files, loading
from qnet_mailman.forms.readers import Unreadable, read_json, read_yaml
from qnet_mailman.forms.schema import FormInvalid, validate
from qnet_mailman.settings import Settings
from tests.provisioning.samples import DOMAIN, GOOD, data

NAMES = st.text(
    st.characters(
        exclude_categories=['C', 'Zl', 'Zp', 'Zs'], exclude_characters='\x85'
    ),
    max_size=12,
)
SETTINGS = Settings(domain=DOMAIN, support_address='help@example.gov')


def test_lines_of_yaml() -> None:
    document = read_yaml('# c\nlist:\n  name: x\n  bounces: {a: 1}\np:\n- e: 1\n- 2\n')
    assert document.data == {
        'list': {'name': 'x', 'bounces': {'a': 1}},
        'p': [{'e': 1}, 2],
    }
    assert document.lines == {
        ('list',): 2,
        ('list', 'name'): 3,
        ('list', 'bounces'): 4,
        ('list', 'bounces', 'a'): 4,
        ('p',): 5,
        ('p', 0): 6,
        ('p', 0, 'e'): 6,
        ('p', 1): 7,
    }


def test_lines_of_json() -> None:
    document = read_json('{\n"list": {\n\t"name": "x"},\n"p": [\n{"e": 1},\n2]}')
    assert document.data == {'list': {'name': 'x'}, 'p': [{'e': 1}, 2]}
    assert document.lines[('list', 'name')] == 3
    assert document.lines[('p', 0, 'e')] == 5
    assert document.lines[('p', 1)] == 6
    assert document.line_of(('p', 1, 'nothing')) == 6


@pytest.mark.parametrize(
    ('text', 'value'),
    [
        ('no', 'no'),
        ('off', 'off'),
        ('yes', 'yes'),
        ('true', True),
        ('False', False),
        ('2026-01-31', '2026-01-31'),
        ('12:30:00', '12:30:00'),
        ('0012', '0012'),
        ('0x1f', '0x1f'),
        ('1_000', '1_000'),
        ('1.5', '1.5'),
        ('12', 12),
        ('-3', -3),
        ('"12"', '12'),
        ("'true'", 'true'),
        ('!!str 12', 12),
        ('', None),
        ('~', None),
        ('=', '='),
        ('<<', '<<'),
        ('.inf', '.inf'),
    ],
)
def test_yaml_guesses_little(text: str, value: Any) -> None:
    assert read_yaml(f'key: {text}').data == {'key': value}


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        ('', 'is empty; expected a form'),
        ('# nothing', 'is empty; expected a form'),
        ('just text', 'is not a form; expected lines of "key: value"'),
        ('- a', 'is not a form; expected lines of "key: value"'),
        (
            'a: 1\nb: 2\na: 3',
            'has the key "a" twice; the first is in line 1 (line 3, column 1)',
        ),
        ('a: !!python/object:os.system x', 'has the tag "tag:yaml.org,2002:python/'),
        ('a: !mine x', 'has the tag "!mine", which forms do not have'),
        ('a: !!binary aGk=', 'has the tag "tag:yaml.org,2002:binary"'),
        ('[a, b]: x', 'has a key that is not a word'),
        (
            'a: 1\n---\nb: 2',
            'is not YAML: only one form in a file; a second begins here',
        ),
        ('a: b: c', 'is not YAML: a colon is where none can be'),
        ('a:\n\tb: 1', 'is not YAML: a tab stands at the beginning'),
        ('a: "x', 'is not YAML: '),
        ('a: [1', 'is not YAML: '),
        ('a: x\x07', 'holds a control character'),
        ('a: &x [*x]', 'holds more than a form needs'),
        ('a: *nothing', "is not YAML: found undefined alias 'nothing'"),
        ('a: ' + '[' * 50 + ']' * 50, 'holds more than a form needs'),
        ('a: ' + '[' * 5000, 'is nested too deeply for a form'),
        ('a: "\\UFFFFFFFF"', 'is not YAML'),
    ],
)
def test_what_yaml_may_not_hold(text: str, message: str) -> None:
    with pytest.raises(Unreadable) as error:
        read_yaml(text)
    assert str(error.value).startswith(message)


def test_a_bomb_of_aliases_is_refused() -> None:
    levels = ['a0: &a0 [x, x, x, x, x, x, x, x, x, x]']
    levels += [f'a{n}: &a{n} [{", ".join([f"*a{n - 1}"] * 10)}]' for n in range(1, 10)]
    with pytest.raises(Unreadable, match='more than a form needs'):
        read_yaml('\n'.join(levels))


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        ('', 'is not JSON: a value is expected here (line 1, column 1)'),
        ('[]', 'is not a form'),
        ('"x"', 'is not a form'),
        (
            '{"a": 1,\n"a": 2}',
            'has the key "a" twice; the first is in line 1',
        ),
        ('{"a": 1,}', 'is not JSON: a'),
        (
            '{"a": 1\n"b": 2}',
            'is not JSON: a comma is missing before this (line 2, col',
        ),
        ('{"a" 1}', 'is not JSON: a colon is missing before this (line 1, column 6)'),
        ('{"a": 1} x', 'is not JSON: the form has ended before this'),
        ('{"a": NaN}', 'holds NaN, which is not a number'),
        ('{"a": ' + '9' * 5000 + '}', 'holds a number that is too long'),
        ('{"a": ' + '[' * 100_000, 'is nested too deeply for a form'),
        ('{"a": ' + '[' * 50 + ']' * 50 + '}', 'holds more than a form needs'),
    ],
)
def test_what_json_may_not_hold(text: str, message: str) -> None:
    with pytest.raises(Unreadable) as error:
        read_json(text)
    assert str(error.value).startswith(message)


PIECES = [
    *':\n-[]{}!"\'|>?#\t,a1 ',
    '&a',
    '*a',
    '!!',
    '%YAML',
    '---',
    '...',
    '<<',
    '\\U',
]
YAML_PIECES = st.lists(st.sampled_from(PIECES)).map(''.join)


@given(st.text() | YAML_PIECES | st.binary().map(lambda raw: raw.decode('latin-1')))
@example('%YAML 1.1.1\n---\n')
@example('? a')
@example('!<')
def test_no_text_breaks_the_yaml_reader(text: str) -> None:
    try:
        document = read_yaml(text)
    except Unreadable:
        return
    with pytest.raises(FormInvalid):
        validate(document, default_domain=DOMAIN)


FLOATS = st.floats(allow_nan=False, allow_infinity=False)
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | FLOATS | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(st.text() | JSON_VALUES.map(json.dumps))
def test_no_text_breaks_the_json_reader(text: str) -> None:
    try:
        document = read_json(text)
    except Unreadable:
        return
    with pytest.raises(FormInvalid):
        validate(document, default_domain=DOMAIN)


@given(
    st.fixed_dictionaries(
        {}, optional={key: JSON_VALUES | st.just(value) for key, value in GOOD.items()}
    )
)
def test_a_form_with_anything_in_it_is_valid_or_says_why(form_data: Any) -> None:
    try:
        validate(read_json(json.dumps(form_data)), default_domain=DOMAIN)
    except FormInvalid as invalid:
        assert invalid.errors
        for error in invalid.errors:
            assert error.message


def test_both_formats_say_the_same() -> None:
    text = json.dumps(GOOD, indent=1)
    assert read_json(text).data == read_yaml(text).data == GOOD


@pytest.mark.parametrize('mark', [b'', b'\xef\xbb\xbf'])
def test_a_byte_order_mark_is_passed_over(tmp_path: Path, mark: bytes) -> None:
    path = tmp_path / 'form.json'
    path.write_bytes(mark + json.dumps(data(list__display_name='Größe')).encode())
    loaded = loading.load(path, SETTINGS)
    assert loaded.form.list.display_name == 'Größe'


def load_errors(path: Path) -> list[str]:
    with pytest.raises(FormInvalid) as invalid:
        loading.load(path, SETTINGS)
    return [f'{error.line}: {error}' for error in invalid.value.errors]


def test_files_that_are_no_forms(tmp_path: Path) -> None:
    missing = tmp_path / 'missing.yaml'
    assert load_errors(missing) == ['None: cannot be read: No such file or directory']
    other = tmp_path / 'form.docx'
    other.touch()
    assert load_errors(other) == [
        'None: is not a form this command reads; expected a file whose name ends in '
        '.yaml, .yml, .json, .xlsx, .pdf, .csv or .eml'
    ]
    latin = tmp_path / 'latin.yaml'
    latin.write_bytes(b'a: 1\nb: \xe9\n')
    assert load_errors(latin) == [
        '2: is not text in UTF-8; save it as UTF-8 (in Excel: "CSV UTF-8")'
    ]
    large = tmp_path / 'large.yaml'
    large.write_bytes(b'#' * (SETTINGS.form_max_size + 1))
    assert load_errors(large) == [
        'None: is larger than 5120 KB (form_max_size in qnet.cfg)'
    ]
    folder = tmp_path / 'folder.yaml'
    folder.mkdir()
    assert load_errors(folder) == ['None: cannot be read: Is a directory']


def with_csv(folder: Path, name: str, content: str | None = None) -> Path:
    path = folder / 'form.json'
    path.write_text(json.dumps(data(subscribers=name), indent=1), encoding='utf-8')
    if content is not None:
        (folder / name).write_text(content, encoding='utf-8')
    return path


@pytest.mark.parametrize(
    'content',
    [
        'email,name\na@example.org,Ann\n\nb@example.org,"Bee, Bob"\n',
        '\ufeffEmail , Name\r\na@example.org,Ann\r\nb@example.org,"Bee, Bob"\r\n',
        'a@example.org,Ann\nb@example.org,"Bee, Bob"',
        'name,email\nAnn,a@example.org\n"Bee, Bob",b@example.org',
        'email;name\na@example.org;Ann\nb@example.org;Bee, Bob\n',
        'email\tname\na@example.org\tAnn\nb@example.org\tBee, Bob\n',
        'sep=;\r\nemail;name;\r\na@example.org;Ann;\r\nb@example.org;Bee, Bob;;\r\n',
        'email,name,\ra@example.org,Ann,\rb@example.org,"Bee, Bob",\r',
        'email,name\na@example.org,Ann\nb@example.org,"Bee,\n  Bob"\n',
        'Ann <a@example.org>\n"Bee, Bob" <b@example.org>\n',
    ],
)
def test_subscribers_from_a_csv_file(tmp_path: Path, content: str) -> None:
    loaded = loading.load(with_csv(tmp_path, 'people.csv', content), SETTINGS)
    assert [(each.email, each.name) for each in loaded.form.subscribers] == [
        ('a@example.org', 'Ann'),
        ('b@example.org', 'Bee, Bob'),
    ]


@pytest.mark.parametrize('encoding', ['utf-16-le', 'utf-16-be', 'utf-8'])
def test_subscribers_in_what_excel_calls_unicode(tmp_path: Path, encoding: str) -> None:
    path = with_csv(tmp_path, 'people.csv')
    text = '\ufeffemail\tname\r\na@example.org\tAnn Prüfer\r\n'
    (tmp_path / 'people.csv').write_bytes(text.encode(encoding))
    [one] = loading.load(path, SETTINGS).form.subscribers
    assert (one.email, one.name) == ('a@example.org', 'Ann Prüfer')


def test_subscribers_as_mailman_prints_members(tmp_path: Path) -> None:
    content = 'a@example.org\n\n"Bee, Bob" <b@example.org>\nx\n'
    [error] = load_errors(with_csv(tmp_path, 'p.csv', content))
    assert 'line 3' in error
    loaded = loading.load(with_csv(tmp_path, 'p.csv', content[:-2]), SETTINGS)
    assert [(each.email, each.name) for each in loaded.form.subscribers] == [
        ('a@example.org', ''),
        ('b@example.org', 'Bee, Bob'),
    ]


@given(
    st.lists(
        st.tuples(st.from_regex(r'[a-z]{1,8}@example\.org', fullmatch=True), NAMES),
        max_size=5,
    ),
    st.sampled_from(csv_files.DELIMITERS),
    st.sampled_from(['\n', '\r\n', '\r']),
    st.booleans(),
)
def test_what_a_program_writes_is_read(
    people: list[tuple[str, str]], delimiter: str, ends: str, named: bool
) -> None:
    file = io.StringIO(newline='')
    table = csv.writer(file, delimiter=delimiter, lineterminator=ends)
    table.writerows([('email', 'name'), *people])
    start = f'sep={delimiter}{ends}' if named else ''
    found, lines = csv_files.read_subscribers((start + file.getvalue()).encode())
    assert [(one['email'], one.get('name', '')) for one in found] == people
    assert lines == [number + 2 + named for number in range(len(people))]


@pytest.mark.parametrize(
    ('written', 'there'),
    [
        ('Members.csv', 'members.CSV'),
        ('Pr\N{LATIN SMALL LETTER U WITH DIAERESIS}fer.csv', 'Pru\u0308fer.csv'),
        ('Pru\u0308fer.csv', 'PR\N{LATIN CAPITAL LETTER U WITH DIAERESIS}FER.csv'),
    ],
)
def test_a_file_is_found_however_its_name_is_written(
    tmp_path: Path, written: str, there: str
) -> None:
    path = with_csv(tmp_path, written)
    people = b'email\na@example.org\n'
    (tmp_path / there).write_bytes(people)
    assert len(loading.load(path, SETTINGS).form.subscribers) == 1
    # Over a wire, and attached to a mail.
    [sent] = loading.load_content(
        path.name, path.read_bytes(), SETTINGS, {there: people}
    )
    assert not sent.mistakes, sent.text
    mail = EmailMessage()
    mail['From'] = 'pat@agency.example.gov'
    for name, content in ((path.name, path.read_bytes()), (there, people)):
        mail.add_attachment(
            content, maintype='application', subtype='octet-stream', filename=name
        )
    [attached] = loading.load_content('m.eml', mail.as_bytes(), SETTINGS)
    assert not attached.mistakes, attached.text


def test_mistakes_in_a_csv_file_have_its_lines(tmp_path: Path) -> None:
    path = with_csv(tmp_path, 'p.csv', 'email\n\nx\na@example.org\nA@example.org\n')
    line = (
        path.read_text(encoding='utf-8').split('\n').index(' "subscribers": "p.csv",')
    )
    assert load_errors(path) == [
        f'{line + 1}: subscribers, p.csv line 3, email: found "x"; expected an e-mail '
        'address such as pat@agency.example.gov',
        f'{line + 1}: subscribers, p.csv line 5, email: found "A@example.org" again; '
        'expected each address once',
    ]


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        ('email,phone\n', 'line 1 has other columns than email and name'),
        ('a@example.org,Ann,3\n', 'line 1 has 3 columns in line 1; expected email and'),
        ('a@example.org,"Ann\n', 'line 1 is not CSV: '),
    ],
)
def test_csv_files_of_another_kind(tmp_path: Path, content: str, message: str) -> None:
    (error,) = load_errors(with_csv(tmp_path, 'p.csv', content))
    assert f'subscribers: the file "p.csv", {message}' in error


@pytest.mark.parametrize(
    ('name', 'message'),
    [
        ('../p.csv', 'is not beside the form'),
        ('sub/../../p.csv', 'is not beside the form'),
        ('/etc/passwd.csv', 'is not beside the form'),
        ('p.txt', 'does not end in .csv'),
        ('link.csv', 'is not beside the form'),
        ('loop.csv', 'is not beside the form'),
        ('folder.csv', 'is not a file'),
        ('missing.csv', 'is not beside the form'),
        ('pipe.csv', 'is not a file'),
    ],
)
def test_csv_files_elsewhere_are_not_read(
    tmp_path: Path, name: str, message: str
) -> None:
    secret = tmp_path / 'p.csv'
    secret.write_text('a@example.org', encoding='utf-8')
    folder = tmp_path / 'forms'
    folder.mkdir()
    (folder / 'link.csv').symlink_to(secret)
    (folder / 'loop.csv').symlink_to(folder / 'loop.csv')
    (folder / 'folder.csv').mkdir()
    os.mkfifo(folder / 'pipe.csv')
    (error,) = load_errors(with_csv(folder, name))
    assert message in error


def test_too_many_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_files, 'MAX_CSV_ROWS', 1)
    (error,) = load_errors(with_csv(tmp_path, 'p.csv', 'a@b.org\nc@b.org\n'))
    assert 'has more than 1 rows' in error

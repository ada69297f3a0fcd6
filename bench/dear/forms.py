# SPDX-License-Identifier: GPL-3.0-or-later
"""Files with forms, and mails with them, that cost much to read (R29)."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from email.message import EmailMessage

from bench.dear import Dear
from qnet_mailman.forms import loading
from qnet_mailman.forms.kept import Found
from qnet_mailman.forms.writing import WRITERS
from qnet_mailman.posting.authentication import Servers
from qnet_mailman.review import reading
from qnet_mailman.review.heading import heading_of
from qnet_mailman.settings import Settings

SETTINGS = Settings(domain='lists.example.gov', support_address='help@example.gov')
SENDER = 'rae@agency.example.gov'
SHEET = 'xl/worksheets/sheet1.xml'


def read_file(name: str) -> Callable[[bytes], list[Found]]:
    """Read a form as one that a stranger has sent."""
    return lambda content: list(loading.load_content(name, content, SETTINGS))


def read_mail(content: bytes) -> reading.Mail:
    """Read a mail to the address for forms."""
    return reading.read_mail(content, SENDER, SETTINGS)


def _spreadsheet(part: str, change: Callable[[bytes], bytes]) -> bytes:
    """The empty form, with another part."""
    empty = zipfile.ZipFile(io.BytesIO(WRITERS['xlsx']('list-request', {}, SETTINGS)))
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, 'w', zipfile.ZIP_DEFLATED) as archive:
        for name in empty.namelist():
            content = empty.read(name)
            archive.writestr(name, change(content) if name == part else content)
    return packed.getvalue()


def rows_of_nothing(size: int = 18_000_000) -> bytes:
    """A sheet of rows with empty cells: a few KB that become MB."""
    row = b'<row r="2"><c r="A2"/><c r="B2"/><c r="C2"/><c r="D2"/></row>'
    many = row * (size // len(row))
    return _spreadsheet(
        SHEET, lambda old: old.replace(b'</sheetData>', many + b'</sheetData>')
    )


def merged_cells(count: int = 300_000) -> bytes:
    """A sheet whose cells are merged again and again."""
    merged = b'<mergeCell ref="A1:C3"/>' * count
    return _spreadsheet(
        SHEET,
        lambda old: old.replace(
            b'</sheetData>', b'</sheetData><mergeCells>' + merged + b'</mergeCells>'
        ),
    )


def many_styles(count: int = 150_000) -> bytes:
    """A spreadsheet with styles that no cell has."""
    style = b'<xf numFmtId="0" fontId="0" fillId="0" borderId="0"/>'
    return _spreadsheet(
        'xl/styles.xml',
        lambda old: old.replace(b'</cellXfs>', style * count + b'</cellXfs>'),
    )


def yaml_items(size: int = 4_800_000) -> bytes:
    """A list of short words."""
    return b'form: list-request\nx: [' + b'a, ' * (size // 3) + b'a]\n'


def yaml_aliases() -> bytes:
    """Lists of lists of lists, each named and repeated ten times."""
    lines = ['a0: &a0 [x, x, x, x, x, x, x, x, x, x]']
    lines += [f'a{n}: &a{n} [{", ".join([f"*a{n - 1}"] * 10)}]' for n in range(1, 10)]
    return '\n'.join(lines).encode()


def json_keys(count: int = 400_000) -> bytes:
    """One object with many keys that no form has."""
    return json.dumps(
        {'form': 'list-request', **{f'{n:x}': 0 for n in range(count)}},
        separators=(',', ':'),
    ).encode()


def json_people(count: int = 190_000) -> bytes:
    """Subscribers each of whom is a mistake."""
    people = [{'email': 'x'}] * count
    return json.dumps(
        {'form': 'list-request', 'subscribers': people}, separators=(',', ':')
    ).encode()


def csv_cells(rows: int = 1000, columns: int = 1000) -> bytes:
    """A table that is as wide and as long as a table may be."""
    heads = ['ticket', *(f'administrators.{n}.email' for n in range(columns - 1))]
    return '\n'.join([','.join(heads), *[','.join(['x'] * columns)] * rows]).encode()


def _pdf(*objects: str) -> bytes:
    """A PDF of objects, with the table that says where each is."""
    content = bytearray(b'%PDF-1.7\n')
    places = []
    for number, each in enumerate(objects, 1):
        places.append(len(content))
        content += f'{number} 0 obj {each} endobj\n'.encode()
    start = len(content)
    table = [f'xref\n0 {len(objects) + 1}', '0000000000 65535 f ']
    table += [f'{place:010} 00000 n ' for place in places]
    table += [f'trailer <</Root 1 0 R /Size {len(objects) + 1}>>']
    table += [f'startxref\n{start}\n%%EOF']
    return bytes(content) + '\n'.join(table).encode()


_CATALOG = '<</Type /Catalog /Pages 2 0 R /AcroForm 3 0 R>>'
_NO_PAGES = '<</Type /Pages /Kids [] /Count 0>>'


def pdf_objects(count: int = 35_000) -> bytes:
    """A PDF with many fields."""
    kids = ' '.join(f'{n} 0 R' for n in range(4, count + 4))
    fields = (f'<</FT /Tx /T (f{n}) /V (x)>>' for n in range(count))
    return _pdf(_CATALOG, _NO_PAGES, f'<</Fields [{kids}]>>', *fields)


def pdf_kids(count: int = 500, length: int = 2000) -> bytes:
    """A PDF with a field in a field in a field, each with a long name."""
    fields = [
        f'<</T ({"x" * length}) /Kids [{n + 1} 0 R] /Parent {n - 1} 0 R>>'
        for n in range(4, count + 4)
    ]
    fields += ['<</FT /Tx /T (f) /V (x)>>']
    return _pdf(_CATALOG, _NO_PAGES, '<</Fields [4 0 R]>>', *fields)


def mail_with(name: str, content: bytes) -> bytes:
    """A mail with a file."""
    mail = EmailMessage()
    mail['From'] = SENDER
    mail['Message-ID'] = '<dear@agency.example.gov>'
    mail.set_content('Please find the form attached.\n')
    mail.add_attachment(
        content, maintype='application', subtype='octet-stream', filename=name
    )
    return mail.as_bytes()


def _mail_of(*lines: str) -> bytes:
    start = (f'From: {SENDER}', 'Message-ID: <dear@agency.example.gov>')
    return '\r\n'.join((*start, 'MIME-Version: 1.0', *lines, '')).encode()


def split_parameters(count: int = 40_000) -> bytes:
    """The name of an attachment in many pieces (RFC 2231 section 3)."""
    pieces = [f' filename*{n}=a;' for n in range(count)]
    return _mail_of(
        'Content-Type: multipart/mixed; boundary=b',
        '',
        '--b',
        'Content-Disposition: attachment;',
        *pieces,
        ' x=y',
        '',
        'form: list-request',
        '--b--',
    )


def many_parts(count: int = 150_000) -> bytes:
    """A mail of empty parts."""
    return _mail_of(
        'Content-Type: multipart/mixed; boundary=b', '', *['--b', '', ''] * count
    )


def nested_parts(depth: int = 3000) -> bytes:
    """Parts in parts in parts."""
    lines = []
    for level in range(depth):
        lines += [
            f'Content-Type: multipart/mixed; boundary=b{level}',
            '',
            f'--b{level}',
        ]
    return _mail_of(*lines, 'Content-Type: text/plain', '', 'x')


def encoded_names(count: int = 30_000) -> bytes:
    """The name of an attachment in encoded words (RFC 2047)."""
    return _mail_of(
        'Content-Type: application/yaml; name="',
        *[' =?utf-8?q?a?='] * count,
        ' .yaml"',
        '',
        'form: list-request',
    )


def long_header(size: int = 10_000_000) -> bytes:
    """A header with results of many checks, of which none is a trusted server's."""
    field = 'Authentication-Results: mx.example.net; ' + 'dkim=pass; ' * 1500
    return _mail_of(*[field] * (size // len(field)), '', 'x')


def many_checks() -> bytes:
    """A header of the greatest length, with results of a trusted server's checks."""
    field = 'Authentication-Results: mx.example.gov; ' + '; '.join(
        ['dkim=pass header.d=example.net'] * 400
    )
    return _mail_of(*[field] * 9, '', 'x')


def _heading(content: bytes) -> object:
    return heading_of(content, SENDER, Servers(('mx.example.gov',)))


INPUTS = (
    Dear('form', 'XLSX: rows of nothing', rows_of_nothing, read_file('a.xlsx')),
    Dear('form', 'XLSX: merged cells', merged_cells, read_file('a.xlsx')),
    Dear('form', 'XLSX: styles', many_styles, read_file('a.xlsx')),
    Dear('form', 'YAML: 1.6 million words', yaml_items, read_file('a.yaml')),
    Dear('form', 'YAML: aliases of aliases', yaml_aliases, read_file('a.yaml')),
    Dear('form', 'JSON: 400,000 keys', json_keys, read_file('a.json')),
    Dear('form', 'JSON: 190,000 mistakes', json_people, read_file('a.json')),
    Dear('form', 'CSV: a million cells', csv_cells, read_file('a.csv')),
    Dear('form', 'PDF: 35,000 fields', pdf_objects, read_file('a.pdf')),
    Dear('form', 'PDF: fields 500 deep', pdf_kids, read_file('a.pdf')),
    Dear('mail', 'a name in 40,000 pieces', split_parameters, read_mail),
    Dear('mail', '150,000 parts', many_parts, read_mail),
    Dear('mail', 'parts 3,000 deep', nested_parts, read_mail),
    Dear('mail', 'a name in encoded words', encoded_names, read_mail),
    Dear(
        'mail',
        'with a dear spreadsheet',
        lambda: mail_with('a.xlsx', rows_of_nothing()),
        read_mail,
    ),
    Dear('mail', 'a header of 10 MB, for LMTP', long_header, _heading),
    Dear('mail', 'a header of checks, for LMTP', many_checks, _heading),
)

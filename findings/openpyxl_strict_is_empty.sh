#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# openpyxl 3.1.5: a workbook in Strict Open XML is read as one without any sheet.
#
# "Strict Open XML Spreadsheet (*.xlsx)" is one of the formats in which Excel saves
# (ISO/IEC 29500-1); it differs from the usual one (29500-4, "transitional") in its
# namespaces, and has the same file name and media type.  openpyxl knows the usual
# namespaces alone.  One would expect an error; but `load_workbook()` returns a workbook
# with no sheets, with a warning that speaks of "an invalid specification", and a program
# that walks over the sheets finds an empty file.
#
# The strict workbook here is made of a usual one, by its namespaces and the attribute
# `conformance="strict"`, which is all that differs for such plain cells.
#
# Seen with openpyxl 3.1.5, Python 3.11:
#   transitional: Sheet: [['member'], ['ana@example.org']]
#   strict: no sheets
#
# Exits with 0 while that is so, 1 if it has changed, 2 if it could not run.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT INT TERM
cd "$folder"
python3 -m venv venv || exit 2
venv/bin/pip install -q --disable-pip-version-check openpyxl==3.1.5 || exit 2
venv/bin/python - <<'PYTHON'
import sys
import zipfile

import openpyxl

STRICT = {
    b'http://schemas.openxmlformats.org/spreadsheetml/2006/main': (
        b'http://purl.oclc.org/ooxml/spreadsheetml/main'
    ),
    b'http://schemas.openxmlformats.org/officeDocument/2006/relationships': (
        b'http://purl.oclc.org/ooxml/officeDocument/relationships'
    ),
    b'<workbook ': b'<workbook conformance="strict" ',
}
workbook = openpyxl.Workbook()
workbook.active.append(['member'])
workbook.active.append(['ana@example.org'])
workbook.save('transitional.xlsx')
with (
    zipfile.ZipFile('transitional.xlsx') as usual,
    zipfile.ZipFile('strict.xlsx', 'w') as strict,
):
    for name in usual.namelist():
        part = usual.read(name)
        for old, new in STRICT.items():
            part = part.replace(old, new)
        strict.writestr(name, part)
seen = []
for kind in ('transitional', 'strict'):
    sheets = openpyxl.load_workbook(f'{kind}.xlsx').worksheets
    seen.append(
        '; '.join(f'{s.title}: {[list(row) for row in s.values]}' for s in sheets)
        or 'no sheets'
    )
    print(f'{kind}: {seen[-1]}')
sys.exit(seen != ["Sheet: [['member'], ['ana@example.org']]", 'no sheets'])
PYTHON

#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# openpyxl 3.1.5: rows that grow with what is typed do so no more once it has saved them.
#
# In SpreadsheetML a row may have a height (`ht`) without being fixed to it: Excel and
# LibreOffice write the height that they computed, and compute it anew while the row has
# no `customHeight` (ISO/IEC 29500-1 section 18.3.1.73, where the default is false).
# openpyxl reads both attributes, but writes `customHeight="1"` for each row that has
# a height.  So a workbook of another program that was only opened and saved has rows of a
# fixed height, in which longer text is cut off; and no row can be made with a height
# to begin with that still grows: `RowDimension.customHeight` cannot be set.
#
# Seen with openpyxl 3.1.5, Python 3.11:
#   before: <row r="1" ht="30">
#   after:  <row r="1" ht="30" customHeight="1">
#
# Exits with 0 while that is so, 1 if it has changed, 2 if it could not run.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT INT TERM
cd "$folder"
python3 -m venv venv || exit 2
venv/bin/pip install -q --disable-pip-version-check openpyxl==3.1.5 || exit 2
venv/bin/python - <<'PYTHON'
import re
import sys
import zipfile

import openpyxl

SHEET = 'xl/worksheets/sheet1.xml'


def row_of(name):
    with zipfile.ZipFile(name) as file:
        return re.search('<row [^>]*>', file.read(SHEET).decode())[0]


workbook = openpyxl.Workbook()
workbook.active['A1'] = 'text'
workbook.save('plain.xlsx')
# The height as Excel writes it for a row that grows.
with zipfile.ZipFile('plain.xlsx') as plain, zipfile.ZipFile('a.xlsx', 'w') as grows:
    for name in plain.namelist():
        part = plain.read(name)
        grows.writestr(name, part.replace(b'<row r="1">', b'<row r="1" ht="30">'))
openpyxl.load_workbook('a.xlsx').save('b.xlsx')
before, after = row_of('a.xlsx'), row_of('b.xlsx')
print(f'before: {before}\nafter:  {after}')
wanted = ('<row r="1" ht="30">', '<row r="1" ht="30" customHeight="1">')
sys.exit((before, after) != wanted)
PYTHON

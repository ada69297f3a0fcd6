#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Whoosh 2.7.4 (PyPI), the engine of HyperKitty's search: an index in memory (RamStorage;
# in haystack, 'STORAGE': 'ram') is written by way of the disk, into a folder with the
# name of the index, which is MAIN for whoever does not choose one, in the folder for
# temporary files.  Seen: two indexes that have nothing in common, while both are
# written to, have one folder MAIN.tmp there with the files of both.  A folder of its own
# for each process (TMPDIR) keeps programs that run side by side apart.
#
# Needs Python 3 and PyPI.  Exit status 1 if that is otherwise.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check whoosh==2.7.4
mkdir "$work/tmp"
TMPDIR=$work/tmp "$work/venv/bin/python" -W ignore - <<'PYTHON'
import os
import tempfile

from whoosh.fields import TEXT, Schema
from whoosh.filedb.filestore import RamStorage

temporary = tempfile.gettempdir()
writers = []
counts = []
for _ in range(2):
    writers.append(RamStorage().create_index(Schema(text=TEXT)).writer())
    writers[-1].add_document(text='hello')
    files = sorted(os.listdir(f'{temporary}/MAIN.tmp'))
    print(os.listdir(temporary), files)
    assert os.listdir(temporary) == ['MAIN.tmp']
    counts.append(len(files))
assert 0 < counts[0] < counts[1], counts
PYTHON

#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# GNU Mailman 3.3.10 on Python 3.13: its own metadata keeps pip from installing it.
#
# Python 3.13 lost the module nntplib.  Mailman, which lets 3.13 install it
# (Requires-Python has no upper bound), asks for a distribution `nntplib` there; PyPI has
# none of that name.  What has the module is `standard-nntplib`, which pip cannot be told
# to take instead: constraints choose versions, not names.  So `pip install mailman` fails
# on 3.13, and installs whose list of packages is complete (pip --no-deps, uv with an
# override) run.
#
# Seen with mailman 3.3.10, standard-nntplib 3.13.0, pip 23.2 to 24.2:
#   mailman asks for: nntplib; python_version >= "3.13"
#   nntplib on the index: no
#   standard-nntplib has the module: yes
#
# Exits with 0 while that is so, 1 if it has changed, 2 if it could not run.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT INT TERM
cd "$folder"
python3 -m venv venv || exit 2
get() {
    venv/bin/pip download -q --disable-pip-version-check --no-deps "$@"
}
get --only-binary :all: --ignore-requires-python mailman==3.3.10 2>/dev/null || exit 2
get --ignore-requires-python standard-nntplib==3.13.0 2>/dev/null || exit 2
missing=no
get --ignore-requires-python nntplib >said 2>&1 || {
    grep -q 'from versions: none' said || exit 2
    missing=yes
}
venv/bin/python - "$missing" <<'PYTHON'
import glob
import sys
import zipfile


def wheel(name):
    [path] = glob.glob(name + '-*.whl')
    return zipfile.ZipFile(path)


mailman = wheel('mailman')
[metadata] = (n for n in mailman.namelist() if n.endswith('.dist-info/METADATA'))
asked = [
    line.partition(': ')[2]
    for line in mailman.read(metadata).decode().splitlines()
    if line.startswith('Requires-Dist: nntplib')
]
standard = wheel('standard_nntplib').namelist()
has_module = any(name.split('/')[0] in ('nntplib', 'nntplib.py') for name in standard)
missing = sys.argv[1] == 'yes'
print('mailman asks for:', *asked)
print('nntplib on the index:', 'no' if missing else 'yes')
print('standard-nntplib has the module:', 'yes' if has_module else 'no')
expected = ['nntplib; python_version >= "3.13"']
sys.exit(not (asked == expected and missing and has_module))
PYTHON

#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# authres 1.2.0 (PyPI), the reader of Authentication-Results that Mailman and authheaders
# use, on fields that RFC 8601 section 2.2 has.  Seen:
#
# 1. A property whose value is in quotation marks is dropped, without an error, where
#    another property follows; the last one of a result is kept:
#      dkim=pass header.d="agency.test" header.i=@agency.test   ->  header.i alone
#      dkim=pass header.i=@agency.test header.d="agency.test"   ->  both
# 2. CFWS may stand between "reason" and "=" (reasonspec), but a comment with blanks on
#    both sides is an error there, and with it the whole field is lost:
#      dkim=pass reason (ours) ="x" header.d=agency.test   ->  SyntaxError: Expected "="
# 3. RFC 8601 takes any Keyword as a ptype (section 2.3); properties of another one than
#    smtp, header, body and policy are dropped without an error:
#      x-tls=pass x-tls.version=TLSv1.3   ->  no property
#
# Needs Python 3 and PyPI.  Exit status 1 if any of the three is otherwise.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check authres==1.2.0
"$work/venv/bin/python" - <<'PYTHON'
import authres


def read(results):
    try:
        header = authres.AuthenticationResultsHeader.parse_value(f'mx.test; {results}')
    except authres.SyntaxError as error:
        found = f'SyntaxError: {error.message}'
    else:
        found = [f'{p.type}.{p.name}' for r in header.results for p in r.properties]
    print(f'{results}\n  -> {found}')
    return found


assert read('dkim=pass header.d="agency.test" header.i=@agency.test') == ['header.i']
assert read('dkim=pass header.i=@agency.test header.d="agency.test"') == [
    'header.i',
    'header.d',
]
assert read('dkim=pass header.d=agency.test') == ['header.d']
assert read('dkim=pass reason="x" header.d=agency.test') == ['header.d']
assert (
    read('dkim=pass reason (ours) ="x" header.d=agency.test')
    == 'SyntaxError: Expected "="'
)
assert read('x-tls=pass x-tls.version=TLSv1.3') == []
PYTHON

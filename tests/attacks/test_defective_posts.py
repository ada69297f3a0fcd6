# SPDX-License-Identifier: GPL-3.0-or-later
"""Posts with the defects that real mail has go from LMTP to every reader."""

from __future__ import annotations

from typing import Any

import pytest

from qnet_mailman.values import Mask
from tests.attacks.lmtp_server import Deliver, deliver
from tests.helpers import queued, run

__all__ = ['deliver']

AUTHOR = 'pat@agency.test'
READER = 'reader@example.org'
WORD = b'needle'

pytestmark = pytest.mark.mlist(
    'discussion', members=[AUTHOR, READER], mask=Mask.everyone
)

_PART = b'--b\nContent-Type: text/plain\n\nneedle\n'
_MIXED = b'Content-Type: multipart/mixed; boundary=b\n'


def _mime(fields: bytes, body: bytes = b'needle\n') -> bytes:
    return b'MIME-Version: 1.0\n' + fields + b'\n' + body


SHAPES = {
    # RFC 2045 section 6: encodings.
    'a blank behind 7bit': _mime(b'Content-Transfer-Encoding: 7bit \n'),
    'a tab behind 8bit': _mime(b'Content-Transfer-Encoding: 8bit\t\n'),
    'an encoding in another case': _mime(b'Content-Transfer-Encoding: 7BIT\n'),
    'an encoding with a comment': _mime(b'Content-Transfer-Encoding: 7bit (x)\n'),
    'an encoding that nobody has': _mime(b'Content-Transfer-Encoding: x-none\n'),
    'an empty encoding': _mime(b'Content-Transfer-Encoding:\n'),
    'two encodings': _mime(b'Content-Transfer-Encoding: 7bit\n' * 2),
    'a semicolon behind an encoding': _mime(b'Content-Transfer-Encoding: 7bit;\n'),
    'an encoded container': _mime(
        b'Content-Transfer-Encoding: base64\n' + _MIXED, _PART + b'--b--\n'
    ),
    'a quoted-printable container': _mime(
        b'Content-Transfer-Encoding: quoted-printable\n' + _MIXED, _PART + b'--b--\n'
    ),
    'base64 without padding': _mime(
        b'Content-Transfer-Encoding: base64\n', b'bmVlZGxlIA\n'
    ),
    'base64 with blanks': _mime(
        b'Content-Transfer-Encoding: base64\n', b'bmVl ZGxl\n IAo=\n'
    ),
    'base64 that is text': _mime(b'Content-Transfer-Encoding: base64\n'),
    'half a quoted character': _mime(
        b'Content-Transfer-Encoding: quoted-printable\n', b'needle =\n=4\n=ZZ='
    ),
    # Containers.
    'no last boundary': _mime(_MIXED, _PART),
    'no boundary in the text': _mime(_MIXED),
    'no boundary in the field': _mime(b'Content-Type: multipart/mixed\n', _PART),
    'an empty boundary': _mime(b'Content-Type: multipart/mixed; boundary=""\n'),
    'a boundary with a blank at its end': _mime(
        b'Content-Type: multipart/mixed; boundary="b "\n', _PART + b'--b--\n'
    ),
    'two boundaries': _mime(
        b'Content-Type: multipart/mixed; boundary=b; boundary=c\n', _PART + b'--b--\n'
    ),
    'a boundary in single quotation marks': _mime(
        b"Content-Type: multipart/mixed; boundary='b'\n", b"--'b'\n\nneedle\n--'b'--\n"
    ),
    'a part without a blank line': _mime(
        _MIXED, b'--b\nContent-Type: text/plain\nneedle\n--b--\n'
    ),
    'a part without a header': _mime(_MIXED, b'--b\n\nneedle\n--b--\n'),
    'a part without anything': _mime(_MIXED, b'--b\n--b\n\nneedle\n--b--\n'),
    'only the last boundary': _mime(_MIXED, b'needle\n--b--\n'),
    'text behind the last boundary': _mime(_MIXED, _PART + b'--b--\nlater\n'),
    'one boundary for two containers': _mime(
        _MIXED, b'--b\n' + _MIXED + b'\n' + _PART + b'--b--\n--b--\n'
    ),
    'related without a root': _mime(
        b'Content-Type: multipart/related; boundary=b\n', _PART + b'--b--\n'
    ),
    'a message that is none': _mime(b'Content-Type: message/rfc822\n'),
    'a report that is none': _mime(
        b'Content-Type: multipart/mixed; report-type=x; boundary=b\n', _PART
    ),
    # Content-Type and its like.
    'a type without a subtype': _mime(b'Content-Type: text\n'),
    'an empty type': _mime(b'Content-Type:\n'),
    'a type that is no type': _mime(b'Content-Type: ???/;;;\n'),
    'two types': _mime(b'Content-Type: text/plain\nContent-Type: text/html\n'),
    'a charset without a value': _mime(b'Content-Type: text/plain; charset=\n'),
    'a charset that nobody has': _mime(b'Content-Type: text/plain; charset=x-y\n'),
    'an open quotation': _mime(b'Content-Type: text/plain; charset="utf-8\n'),
    'a parameter without a name': _mime(b'Content-Type: text/plain; =utf-8\n'),
    'a parameter in pieces that lack one': _mime(
        b'Content-Type: text/plain; name*1=b; name*3=c\n'
    ),
    'a disposition that is none': _mime(b'Content-Disposition: ;filename\n'),
    'no MIME-Version': b'Content-Type: text/plain; charset=us-ascii\n\nneedle\n',
    'another MIME-Version': b'MIME-Version: 2.0 (x)\n\nneedle\n',
    # Headers.
    'no blank line before the text': b'needle in the header\n\nneedle\n',
    'a field without a colon': b'X-Field\nX-Other: y\n\nneedle\n',
    'a blank before a colon': b'X-Field : y\n\nneedle\n',
    'a field without a name': b': y\n\nneedle\n',
    'a name with a blank': b'X Field: y\n\nneedle\n',
    'a field of 20,000 characters': b'X-Field: ' + b'y' * 20_000 + b'\n\nneedle\n',
    'an empty continuation': b'X-Field: y\n \n\nneedle\n',
    'a line of mbox': b'From pat Mon Nov 30 05:00:00 2026\n\nneedle\n',
    'bytes in a field': b'X-Field: \xfc\xff\n\nneedle\n',
    'UTF-8 in the subject': 'Subject: Grüße\n\nneedle\n'.encode(),
    'bytes in the subject': b'Subject: \xfc\xff\n\nneedle\n',
    'an encoded word that is none': b'Subject: =?utf-8?x?y?= =?x?b?!?=\n\nneedle\n',
    'two subjects': b'Subject: a\nSubject: b\n\nneedle\n',
    'UTF-8 in Message-ID': 'Message-ID: <grüße@x.test>\n\nneedle\n'.encode(),
    'bytes in Message-ID': b'Message-ID: <\xfc@x.test>\n\nneedle\n',
    'brackets in Message-ID': b'Message-ID: <[x]@x.test>\n\nneedle\n',
    'an empty Message-ID': b'Message-ID:\n\nneedle\n',
    'a Message-ID of blanks': b'Message-ID:   \n\nneedle\n',
    'a Message-ID that is folded': b'Message-ID:\n <1@x.test>\n\nneedle\n',
    'two Message-IDs': b'Message-ID: <1@x>\nMessage-ID: <2@x>\n\nneedle\n',
    'a date that is none': b'Date: today\n\nneedle\n',
    'bytes in the date': b'Date: \xfc\n\nneedle\n',
    'references that are none': b'References: <<a> >b\xfc\n\nneedle\n',
    'a recipient that is none': b'Cc: <@, ;:\xfc\n\nneedle\n',
    'a NUL': b'X-Field: y\n\nneedle \x00\n',
    'a lone CR': b'X-Field: a\rb\n\nneedle\rx\n',
    'a line of 100,000 characters': b'\n' + b'y' * 100_000 + b' needle\n',
    'bytes in the text': b'\nneedle \xfc\xff\n',
    'no line end at the end': b'\nneedle',
}


def test_there_are_enough() -> None:
    assert len(SHAPES) >= 50


def test_each_is_taken_and_reaches_the_reader(mlist: Any, deliver: Deliver) -> None:
    head = f'From: Pat <{AUTHOR}>\nTo: {mlist.fqdn_listname}\n'.encode()
    refused = {}
    for number, (name, rest) in enumerate(SHAPES.items()):
        more = b'' if b'Subject' in rest else b'Subject: Shape %d\n' % number
        if b'Message-ID' not in rest:
            more += b'Message-ID: <shape%d@agency.test>\n' % number
        data = head + more + rest
        reply = deliver(mlist.posting_address, data, AUTHOR)
        if not reply.startswith(b'250'):
            refused[name] = reply
    assert refused == {}
    run('in', 'pipeline')
    assert not queued('shunt')
    copies = [msg for msg, data in queued('out') if READER in data['recipients']]
    assert len(copies) == len(SHAPES)
    for copy in copies:
        text = copy.as_bytes()
        assert AUTHOR.encode() not in text
        texts = [
            part.get_payload(decode=True) or b''
            for part in copy.walk()
            if not part.is_multipart()
        ]
        assert any(WORD in one for one in (*texts, text)), text

# SPDX-License-Identifier: GPL-3.0-or-later
"""`etc/opendkim` covers what RFC 8058 section 4 wants covered, and `etc/opendmarc`
believes nothing that came with a message (R37)."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import dkim
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests import postfix

ETC = Path(__file__).resolve().parents[2] / 'etc'
FILE = ETC / 'opendkim' / 'opendkim.conf'
BOTH = {'list-unsubscribe', 'list-unsubscribe-post'}
MESSAGE = (
    b'From: news@lists.example.gov\r\nTo: news@lists.example.gov\r\nSubject: News\r\n'
    b'List-Unsubscribe: <https://lists.example.gov/unsubscribe/x/>,\r\n'
    b'\t<mailto:news-leave@lists.example.gov?subject=unsubscribe%20x>\r\n'
    b'List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n\r\nNews.\r\n'
)


def options(file: Path = FILE) -> dict[str, str]:
    """The file's options: a word, white space, the rest of the line."""
    found = {}
    for line in file.read_text('ascii').splitlines():
        if line.strip() and not line.startswith('#'):
            name, value = line.split(None, 1)
            assert name not in found
            found[name] = value.strip()
    return found


def names(option: str) -> list[str]:
    return re.split(r'\s*,\s*', options()[option])


def test_both_fields_are_signed_and_oversigned() -> None:
    assert set(names('SignHeaders')) >= BOTH | {'from', 'list-id'}
    assert set(names('OversignHeaders')) >= BOTH | {'from'}
    assert set(names('OversignHeaders')) <= set(names('SignHeaders'))
    assert options()['Mode'] == 'sv'


def test_opendmarc_believes_opendkim_alone() -> None:
    dmarc = options(ETC / 'opendmarc' / 'opendmarc.conf')
    assert dmarc['SPFSelfValidate'] == 'false'
    assert dmarc['SPFIgnoreResults'] == 'true'
    assert dmarc['AuthservID'] == dmarc['TrustedAuthservIDs'] == options()['AuthservID']
    # The remover before both, and OpenDKIM before OpenDMARC.
    checks = postfix.of_file('main.cf')['header_checks']
    assert checks == f'regexp:{postfix.CHECKS}'
    sockets = [each['Socket'] for each in (options(), dmarc)]
    named = [f'inet:{host}:{port}' for port, host in _ports(sockets)]
    milters = postfix.of_file('milters.cf')
    assert milters['smtpd_milters'] == ', '.join(named)
    assert milters['non_smtpd_milters'] == named[0]
    assert milters['milter_default_action'] == 'tempfail'


def _ports(sockets: list[str]) -> list[tuple[str, str]]:
    return [re.fullmatch(r'inet:(\d+)@(.+)', each).groups() for each in sockets]  # type: ignore[misc,union-attr]


def test_opendkim_takes_it(tmp_path: Path) -> None:
    program = shutil.which('opendkim', path='/usr/sbin:/usr/bin')
    if program is None:
        pytest.skip('opendkim is not installed')
    # It looks for the tables and the key, too, which is the site's own.
    key = tmp_path / 'mailer.private'
    key.write_bytes(_key()[0])
    key.chmod(0o600)
    table = (ETC / 'opendkim' / 'key_table').read_text('ascii')
    (tmp_path / 'key_table').write_text(table.replace('/etc/dkimkeys', str(tmp_path)))
    shutil.copy(ETC / 'opendkim' / 'signing_table', tmp_path)
    text = FILE.read_text('ascii').replace('/etc/opendkim', str(tmp_path))
    conf = tmp_path / 'opendkim.conf'
    # The folder above is everybody's.
    conf.write_text(f'{text}\nRequireSafeKeys no\n', 'ascii')
    done = subprocess.run(
        [program, '-n', '-x', str(conf)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, '')


def _key() -> tuple[bytes, bytes]:
    """A private key, and what a name server says of it."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return pem, b'v=DKIM1; k=rsa; p=' + b''.join(public.split(b'\n')[1:-2])


@pytest.mark.parametrize('field', sorted(BOTH))
def test_a_signature_with_these_fields_covers_both(field: str) -> None:
    pem, record = _key()
    covered = [*names('SignHeaders'), *names('OversignHeaders')]
    there = {line.split(b':')[0].lower().decode() for line in MESSAGE.split(b'\r\n')}
    signature = dkim.sign(
        MESSAGE,
        b'mailer',
        b'lists.example.gov',
        pem,
        canonicalize=(b'relaxed', b'relaxed'),
        include_headers=[
            name.encode()
            for name in covered
            if name in there or name in names('OversignHeaders')
        ],
    )

    def passes(message: bytes) -> bool:
        return dkim.verify(signature + message, dnsfunc=lambda *args, **kws: record)

    assert passes(MESSAGE)
    value = field.title().encode() + b': <https://elsewhere.example.com/>\r\n'
    without = re.sub(rb'(?ims)^%s: .*?\r\n(?![ \t])' % field.encode(), b'', MESSAGE)
    assert without != MESSAGE
    assert not passes(without)
    assert not passes(value + without)
    # And none can be added, on whichever side.
    assert not passes(value + MESSAGE)
    assert not passes(MESSAGE.replace(b'\r\n\r\n', b'\r\n' + value + b'\r\n', 1))

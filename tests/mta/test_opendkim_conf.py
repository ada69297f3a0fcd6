# SPDX-License-Identifier: GPL-3.0-or-later
"""`etc/opendkim.conf` covers what RFC 8058 section 4 wants covered, and
`etc/opendmarc.conf` believes nothing that came with a message (R37)."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import dkim
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

FILE = Path(__file__).resolve().parents[2] / 'etc' / 'opendkim.conf'
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
    dmarc = options(FILE.with_name('opendmarc.conf'))
    assert dmarc['SPFSelfValidate'] == 'false'
    assert dmarc['SPFIgnoreResults'] == 'true'
    assert dmarc['AuthservID'] == dmarc['TrustedAuthservIDs'] == options()['AuthservID']
    # The remover before both, and OpenDKIM before OpenDMARC.
    main_cf = (FILE.parent / 'postfix' / 'main.cf').read_text('ascii')
    assert 'header_checks = regexp:/etc/postfix/authentication_results' in main_cf
    sockets = [each['Socket'].split('@')[0] for each in (options(), dmarc)]
    ports = [socket.partition(':')[2] for socket in sockets]
    assert re.findall(
        r'127\.0\.0\.1:(\d+)', main_cf.partition('#smtpd_milters')[2]
    ) == (ports)


def test_opendkim_takes_it(tmp_path: Path) -> None:
    program = shutil.which('opendkim', path='/usr/sbin:/usr/bin')
    if program is None:
        pytest.skip('opendkim is not installed')
    # It looks for the key, too, which is the site's own.
    key = tmp_path / 'mailer.private'
    key.write_bytes(_key()[0])
    key.chmod(0o600)
    text = FILE.read_text('ascii').replace(options()['KeyFile'], str(key))
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

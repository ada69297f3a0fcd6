# SPDX-License-Identifier: GPL-3.0-or-later
"""Debian's OpenDKIM, OpenDMARC and rspamd as Postfix's milters, and a name server."""

from __future__ import annotations

import base64
import contextlib
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from qnet_mailman.demo.configuration import ROOT
from qnet_mailman.demo.ports import HOST, Reservation, is_listening
from qnet_mailman.demo.processes import Child, wait_until
from tests.name_server import name_server, texts

ID = 'mx.example.gov'
DOMAIN = 'agency.example.gov'
SELECTOR = 's1'
ADDRESS = '192.0.2.7'
"""From which mail of the domain comes."""

_RSPAMD = """\
options {{
  pidfile = "{folder}/rspamd.pid"; tempdir = "{folder}"; hs_cache_dir = "{folder}";
  filters = "dkim"; local_addrs = [];
  url_tld = "/usr/share/rspamd/effective_tld_names.dat";
  dns {{ nameserver = ["{host}:{dns}"]; timeout = 1s; retransmits = 1; }}
}}
logging {{ type = "console"; level = "notice"; }}
modules {{ path = "/usr/share/rspamd/plugins/"; }}
lua = "/usr/share/rspamd/rules/rspamd.lua"
spf {{ }}
dkim {{ }}
dmarc {{ }}
milter_headers {{
  use = ["authentication-results"]; skip_local = false; skip_authenticated = false;
}}
actions {{ reject = 1000; }}
worker "rspamd_proxy" {{
  bind_socket = "{host}:{port}"; count = 1; milter = yes; timeout = 20s;
  upstream "local" {{ default = yes; self_scan = yes; }}
}}
"""


class Key:
    """A key for DKIM, and the domain's records.

    :ivar pem: The private key.
    """

    def __init__(self) -> None:
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.pem = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.TraditionalOpenSSL,
            serialization.NoEncryption(),
        )
        public = key.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        self.record = f'v=DKIM1; k=rsa; p={base64.b64encode(public).decode()}'

    @property
    def records(self) -> dict[str, str]:
        """TXT records by their names."""
        return {
            f'{SELECTOR}._domainkey.{DOMAIN}': self.record,
            f'_dmarc.{DOMAIN}': 'v=DMARC1; p=none; adkim=s; aspf=s',
            DOMAIN: f'v=spf1 ip4:{ADDRESS} -all',
        }


@contextmanager
def milter(name: str, key: Key, folder: Path) -> Iterator[str]:
    """Run checkers; what Postfix's `smtpd_milters` names.

    :param name: Programs with `+` between them, in the order of the milters.
    """
    ports = Reservation()
    with contextlib.ExitStack() as stack:
        dns_port = stack.enter_context(name_server(texts(key.records)))
        found = []
        for program in name.split('+'):
            port = ports.take()
            argv = _ARGUMENTS[program](key, folder, port, dns_port)
            if shutil.which(argv[0], path='/usr/sbin:/usr/bin') is None:
                pytest.skip(f'{program} is not installed (Debian package {program})')
            child = Child(
                program,
                argv,
                log=folder / f'{program}.log',
                env={'PATH': '/usr/sbin:/usr/bin:/sbin:/bin'},
                cwd=folder,
                umask=0o022,
            )
            ports.release(port)
            stack.callback(child.stop)
            child.start()
            wait_until(lambda p=port: is_listening(p), 30, program, child)  # type: ignore[misc]
            found.append(f'inet:{HOST}:{port}')
        yield ', '.join(found)


def _shipped(name: str, **options: str) -> str:
    """A file of `etc/` with some options changed."""
    lines = (ROOT / 'etc' / name).read_text('ascii').splitlines()
    kept = [line for line in lines if line.split(None, 1)[:1] not in _LEFT_OUT]
    kept = [line for line in kept if (line.split() or ['#'])[0] not in options]
    return '\n'.join([*kept, *(f'{key} {value}' for key, value in options.items()), ''])


_LEFT_OUT = [['UserID'], ['UMask']]


def _opendkim(key: Key, folder: Path, port: int, dns_port: int) -> list[str]:
    (folder / 'keys').write_text(
        f'{SELECTOR}._domainkey.{DOMAIN} {key.record}\n', 'utf-8'
    )
    (folder / 'mailer.private').write_bytes(key.pem)
    for name in ('key_table', 'signing_table'):
        shutil.copy(ROOT / 'etc/opendkim' / name, folder)
    table = (folder / 'key_table').read_text('ascii')
    table = table.replace('/etc/dkimkeys', str(folder))
    (folder / 'key_table').write_text(table, 'ascii')
    (folder / 'opendkim.conf').write_text(
        _shipped(
            'opendkim/opendkim.conf',
            AuthservID=ID,
            Socket=f'inet:{port}@{HOST}',
            PidFile=str(folder / 'opendkim.pid'),
            KeyTable=f'file:{folder}/key_table',
            SigningTable=f'refile:{folder}/signing_table',
            RequireSafeKeys='no',
            TestPublicKeys=str(folder / 'keys'),
        ),
        'ascii',
    )
    return ['/usr/sbin/opendkim', '-f', '-x', str(folder / 'opendkim.conf')]


def _opendmarc(key: Key, folder: Path, port: int, dns_port: int) -> list[str]:
    (folder / 'opendmarc.conf').write_text(
        _shipped(
            'opendmarc/opendmarc.conf',
            AuthservID=ID,
            TrustedAuthservIDs=ID,
            Socket=f'inet:{port}@{HOST}',
            PidFile=str(folder / 'opendmarc.pid'),
        ),
        'ascii',
    )
    return ['/usr/sbin/opendmarc', '-f', '-c', str(folder / 'opendmarc.conf')]


def _rspamd(key: Key, folder: Path, port: int, dns_port: int) -> list[str]:
    text = _RSPAMD.format(folder=folder, host=HOST, port=port, dns=dns_port)
    (folder / 'rspamd.conf').write_text(text, 'utf-8')
    return ['/usr/bin/rspamd', '-f', '--insecure', '-c', str(folder / 'rspamd.conf')]


_ARGUMENTS = {'opendkim': _opendkim, 'opendmarc': _opendmarc, 'rspamd': _rspamd}

# SPDX-License-Identifier: GPL-3.0-or-later
"""`mailman qnet dns` and what `check` says of DKIM, with a name server on loopback."""

from __future__ import annotations

import base64
import json
import os
import re
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dns.resolver
import dns.rrset
import dns.zonefile
import pytest
from click.testing import CliRunner, Result
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given
from hypothesis import strategies as st
from mailman.config import config

from qnet_mailman import site
from qnet_mailman.commands.cli_qnet import qnet
from qnet_mailman.demo.ports import HOST
from qnet_mailman.health import zone as checking
from qnet_mailman.mta import zone
from tests.conftest import DOMAIN
from tests.name_server import name_server

RESOLVE = dns.resolver.Resolver.resolve
ADDRESSES = ('--address', '192.0.2.7', '--address', '2001:db8::7')


def _public(bits: int) -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=bits)
    der = key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return base64.b64encode(der).decode()


PUBLIC, WEAK = _public(2048), _public(1024)


def genkey(domain: str = DOMAIN, public: str = PUBLIC, selector: str = 'mailer') -> str:
    """As opendkim-genkey 2.11 writes it."""
    return (
        f'{selector}._domainkey\tIN\tTXT\t( "v=DKIM1; h=sha256; k=rsa; "\n'
        f'\t  "p={public[:200]}"\n\t  "{public[200:]}" )'
        f'  ; ----- DKIM key {selector} for {domain}\n'
    )


@pytest.fixture
def key(core: Any) -> Iterator[Path]:
    """The record of a key, where `mailman qnet dns` looks."""
    folder = checking.keys_folder()
    folder.mkdir(exist_ok=True)
    file = folder / 'mailer.txt'
    file.write_text(genkey(), 'ascii')
    yield file
    for each in folder.iterdir():
        each.unlink()
    folder.rmdir()


def run(*arguments: str) -> Result:
    return CliRunner().invoke(qnet, ['dns', *arguments])


class Names:
    """The name server's zone, as a text that a test changes."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __iter__(self) -> Iterator[dns.rrset.RRset]:
        return iter(
            dns.zonefile.read_rrsets(
                self.text, default_ttl=60, rdclass=None, relativize=False
            )
        )


@pytest.fixture
def names(
    key: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Names, tuple[str, ...]]]:
    """The name server has what is printed; and the arguments to see whether it does."""
    monkeypatch.setattr(dns.resolver.Resolver, 'resolve', RESOLVE)
    printed = run(DOMAIN, *ADDRESSES)
    assert printed.exit_code == 0, printed.output
    known = Names(printed.output)
    with name_server(known) as port:
        resolver = dns.resolver.Resolver(configure=False)
        resolver.nameservers, resolver.port = [HOST], port
        monkeypatch.setattr(dns.resolver, 'get_default_resolver', lambda: resolver)
        yield known, (DOMAIN, *ADDRESSES, '--check', '--server', f'{HOST}:{port}')


def test_the_lines_of_a_zone_file(key: Path) -> None:
    lines = run(DOMAIN).output
    assert f'{DOMAIN}. 3600 IN MX 10 {DOMAIN}.\n' in lines
    assert f'{DOMAIN}. 3600 IN TXT "v=spf1 mx -all"\n' in lines
    dmarc = '"v=DMARC1; p=reject; rua=mailto:operators@example.gov"'
    assert f'_dmarc.{DOMAIN}. 3600 IN TXT {dmarc}\n' in lines
    assert f'mta-sts.{DOMAIN}. 3600 IN CNAME {DOMAIN}.\n' in lines
    assert f'_smtp._tls.{DOMAIN}. 3600 IN TXT "v=TLSRPTv1; rua=mailto:' in lines
    sets = {each.name.to_text(): each for each in Names(lines)}
    [record] = sets[f'mailer._domainkey.{DOMAIN}.']
    assert zone.text_of(record) == f'v=DKIM1; h=sha256; k=rsa; p={PUBLIC}'
    assert re.search(r'; Beside these, A and AAAA of lists\.example\.gov,', lines)
    # The policy as the file has it.
    policy = run(DOMAIN, '--mta-sts').output
    assert policy.startswith('version: STSv1\nmode: testing\nmx: lists.example.gov\n')
    assert all(f';   {line}\n' in lines for line in policy.splitlines())


def test_what_is_printed_is_found(names: tuple[Names, tuple[str, ...]]) -> None:
    done = run(*names[1])
    assert done.exit_code == 0, done.output
    levels = {line.split()[0] for line in done.output.splitlines()}
    assert levels == {'ok'}
    found = json.loads(run(*names[1], '--json').output)
    assert {each['subject'].split()[0] for each in found} == {
        *('MX', 'address', 'SPF', 'DKIM', 'DMARC', 'MTA-STS', 'TLS-RPT')
    }


WRONG = [
    # What is taken out of the zone, what is put in, and what is said.
    (r'.* MX .*', '', 'error     MX lists.example.gov: there is none'),
    (r'10 lists', '10 gone', 'error     MX lists.example.gov: it leads to gone.'),
    (
        r'.* IN AA?A?A? .*',
        '',
        'error     MX lists.example.gov: lists.example.gov has no',
    ),
    (r'192.0.2.7', '192.0.2.8', 'error     address lists.example.gov: it is 192.0.2.8'),
    (r'.*v=spf1.*', '', 'error     SPF lists.example.gov: there is none'),
    (r'v=spf1 mx -', 'v=spf1 -', 'error     SPF lists.example.gov: it lacks mx'),
    (r'mx -all', 'mx +all', 'error     SPF lists.example.gov: it lets everybody send'),
    (
        r'(.*)v=spf1(.*)',
        r'\g<0>\n\1v=spf1 a\2',
        'error     SPF lists.example.gov: there are 2, so that none counts',
    ),
    (
        r'.*_domainkey.*',
        '',
        'error     DKIM mailer._domainkey.lists.example.gov: there',
    ),
    (
        r'p=MII.*',
        'p="',
        'error     DKIM mailer._domainkey.lists.example.gov: it has no',
    ),
    (r'p=MIIB', 'p=MIIC', ': it has another key than signs here'),
    (r'.*v=DMARC1.*', '', 'error     DMARC _dmarc.lists.example.gov: there is none'),
    (r'p=reject', 'p=all', ': it has no policy (p)'),
    (r'p=reject', 'p=none; pct=50', ': it has pct, which RFC 9989 has no more'),
    (r'.*v=STSv1.*', '', 'warning   MTA-STS _mta-sts.lists.example.gov: there is none'),
    (r'id=\w+', '', ': it has no id'),
    (r'.* CNAME .*', '', 'warning   MTA-STS policy mta-sts.lists.example.gov: '),
    (
        r'.*TLSRPT.*',
        '',
        'warning   TLS-RPT _smtp._tls.lists.example.gov: there is none',
    ),
]


@pytest.mark.parametrize(('out', 'into', 'said'), WRONG)
def test_what_is_missing_or_wrong(
    names: tuple[Names, tuple[str, ...]], out: str, into: str, said: str
) -> None:
    known, arguments = names
    before = known.text
    known.text = re.sub(out, into, known.text)
    assert known.text != before
    done = run(*arguments)
    assert said in done.output
    assert 'Publish what "mailman qnet dns lists.example.gov" prints.' in done.output
    assert done.exit_code == (0 if said.startswith('warning') or ' id' in said else 1)


def test_a_name_server_that_is_away(
    names: tuple[Names, tuple[str, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checking, 'LIFETIME', 0.1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind((HOST, 0))
        port = silent.getsockname()[1]
    done = run(DOMAIN, '--check', '--server', f'{HOST}:{port}')
    assert done.exit_code == 1
    assert done.output.count('no name server answers') == 1
    assert 'resolv.conf' in done.output


def test_a_key_that_nobody_named_is_not_seen(
    key: Path, names: tuple[Names, tuple[str, ...]]
) -> None:
    key.unlink()
    done = run(*names[1])
    assert done.exit_code == 0
    assert 'not seen  DKIM: whether copies are signed' in done.output
    assert f'is in {key.parent}\n' in done.output


def test_a_pool_and_another_mail_host(key: Path, configure: Any) -> None:
    configure(outside_mail_server='mx.example.gov:25')
    config.push('pool', '[mta]\nsmtp_host: relay.example.gov 192.0.2.9 [2001:db8::9]\n')
    try:
        lines = run(DOMAIN).output
    finally:
        config.pop('pool')
    assert f'{DOMAIN}. 3600 IN MX 10 mx.example.gov.\n' in lines
    spf = 'v=spf1 mx a:relay.example.gov ip4:192.0.2.9 ip6:2001:db8::9 -all'
    assert f'"{spf}"' in lines
    # Reports that go to another organization need its word for it.
    lines = run('news.agency.test').output
    assert (
        'news.agency.test._report._dmarc.example.gov. 3600 IN TXT "v=DMARC1"' in lines
    )
    # The key is another domain's.
    assert '_domainkey' not in lines and '--dkim' in lines


@pytest.mark.parametrize(
    'arguments',
    [
        ('gov',),
        ('192.0.2.1',),
        ('a..b',),
        (DOMAIN, '--address', 'lists'),
        (DOMAIN, '--check', '--server', 'a:b:c'),
    ],
)
def test_what_is_no_name(core: Any, arguments: tuple[str, ...]) -> None:
    assert run(*arguments).exit_code == 1


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=600))
def test_any_text_is_read_back(text: str) -> None:
    line = zone.Record(zone.Purpose.spf, DOMAIN, 'TXT', text).line
    [rrset] = dns.zonefile.read_rrsets(line, rdclass=None, relativize=False)
    assert zone.text_of(rrset[0]) == text


# ------------------------------------------------------------------------ check


def signing() -> list[tuple[str, str, bool]]:
    found = checking.signing(site.settings(), ask=True)
    return [(each.level, each.text, bool(each.remedy)) for each in found]


def test_a_key_that_is_published(names: tuple[Names, tuple[str, ...]]) -> None:
    [(level, text, _)] = signing()
    assert level == 'ok' and text.endswith(PUBLIC)


def test_a_key_that_nobody_publishes(names: tuple[Names, tuple[str, ...]]) -> None:
    names[0].text = ''
    [(level, text, has_remedy)] = signing()
    assert level == 'error' and 'no better than unsigned' in text and has_remedy


def test_a_key_that_is_old_or_weak(
    key: Path, names: tuple[Names, tuple[str, ...]]
) -> None:
    os.utime(key, (0, time.time() - 400 * 86400))
    key.with_name('weak.txt').write_text(genkey(public=WEAK, selector='weak'))
    told = signing()
    assert ('warning', f'the key of {key} is 400 days old', True) in told
    assert any('has 1024 bits' in text for _level, text, _remedy in told)


@pytest.mark.parametrize('content', ['', 'v=DKIM1; p=abc', b'\xff', genkey(public='')])
def test_a_file_without_a_key(
    key: Path, names: tuple[Names, tuple[str, ...]], content: str | bytes
) -> None:
    key.write_bytes(content if isinstance(content, bytes) else content.encode())
    [(level, text, has_remedy)] = signing()
    assert level == 'error' and text.startswith(str(key)) and has_remedy
    assert run(DOMAIN).exit_code == 2


def test_a_file_that_cannot_be_read(
    key: Path, names: tuple[Names, tuple[str, ...]]
) -> None:
    key.unlink()
    # For root, too.
    key.symlink_to(key.with_name('gone'))
    [(level, text, has_remedy)] = signing()
    assert (level, text) == ('error', f'{key}: No such file or directory')
    assert has_remedy


def test_no_key_is_not_seen(core: Any) -> None:
    [(level, _text, has_remedy)] = signing()
    assert level == 'not seen' and has_remedy

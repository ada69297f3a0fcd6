# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the DNS has what `mta/zone.py` says that it must have."""

from __future__ import annotations

import base64
import binascii
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import dns.exception
import dns.resolver
from asn1crypto.keys import PublicKeyInfo

from qnet_mailman.health.finding import Finding
from qnet_mailman.mta.zone import Purpose, Record, dkim_records, tags, text_of
from qnet_mailman.settings import Settings
from qnet_mailman.setup import startup

LIFETIME = 10
"""Seconds until a name server must have answered."""
KEY_DAYS = 365
"""Days for which a key signs; DKIM's have no end of their own."""
MIN_BITS = 2048
"""Of an RSA key (RFC 8301 section 3.2 has them signers use)."""
OLD_TAGS = frozenset({'pct', 'rf', 'ri'})
"""Of DMARC, which RFC 9989 has no more."""

Answers = Callable[[str, str], list[str]]
"""What the DNS has of a name and a type; empty where it has none."""

_PUBLISH = 'Publish what "mailman qnet dns {domain}" prints.'


def keys_folder() -> Path:
    """Where the public records of the keys are: `dkim`, beside qnet.cfg."""
    return startup.settings_path().parent / 'dkim'


def answers_of(resolver: dns.resolver.Resolver) -> Answers:
    """Ask name servers.

    What it gives raises `dns.exception.DNSException` where none answers.
    """

    def ask(name: str, kind: str) -> list[str]:
        try:
            found = resolver.resolve(name, kind, lifetime=LIFETIME, search=False)
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            return []
        if kind == 'TXT':
            return [text_of(each) for each in found]
        return [each.to_text().rstrip('.').lower() for each in found]

    return ask


def published(wanted: list[Record], domain: str, ask: Answers) -> Iterator[Finding]:
    """Compare a domain's records with the DNS.

    :param wanted: What it must have.
    :param ask: Who knows what it has.
    """
    for record in wanted:
        subject = f'{record.purpose} {record.name}'
        try:
            wrong = _LOOK[record.purpose](record, ask)
        except dns.exception.DNSException as error:
            why = f'no name server answers ({type(error).__name__})'
            remedy = 'See that this host resolves names (/etc/resolv.conf), then again.'
            yield Finding('error', subject, why, remedy)
            # Each of the others would wait as long for it.
            return
        if wrong is None:
            yield Finding('ok', subject, record.value)
            continue
        needed = record.purpose not in _OPTIONAL
        remedy = _PUBLISH.format(domain=domain)
        yield Finding('error' if needed else 'warning', subject, wrong, remedy)


_OPTIONAL = {Purpose.reports, Purpose.mta_sts, Purpose.policy, Purpose.tls_rpt}
_NONE = 'there is none'


def _mx(record: Record, ask: Answers) -> str | None:
    there = [each.split()[-1] for each in ask(record.name, 'MX')]
    host = record.value.split()[-1].rstrip('.')
    if host not in there:
        return f'it leads to {", ".join(there)}, not {host}' if there else _NONE
    if not ask(host, 'A') and not ask(host, 'AAAA'):
        return f'{host} has no address'
    return None


def _address(record: Record, ask: Answers) -> str | None:
    there = ask(record.name, record.kind)
    if record.value in there:
        return None
    return f'it is {", ".join(there)}, not {record.value}' if there else _NONE


def _one(record: Record, ask: Answers, version: str) -> tuple[str, str | None]:
    """The one text of a version, or what is wrong."""
    there = [text for text in ask(record.name, 'TXT') if text.startswith(version)]
    if len(there) == 1:
        return there[0], None
    return '', f'there are {len(there)}, so that none counts' if there else _NONE


def _spf(record: Record, ask: Answers) -> str | None:
    text, wrong = _one(record, ask, 'v=spf1')
    if wrong is not None:
        return wrong
    terms = text.split()
    if terms[-1].lower() in ('all', '+all', '?all'):
        return f'it lets everybody send: {text}'
    if any(each.startswith(('include:', 'redirect=')) for each in terms):
        # What those have is their owners' business.
        return None
    missing = [each for each in record.value.split()[1:-1] if each not in terms]
    return f'it lacks {" ".join(missing)}: {text}' if missing else None


def _dkim(record: Record, ask: Answers) -> str | None:
    there = [tags(text) for text in ask(record.name, 'TXT')]
    if not there:
        return f'{_NONE}: what this key signs is no better than unsigned'
    if len(there) > 1:
        return f'there are {len(there)}, so that none counts'
    if not there[0].get('p'):
        return 'it has no key: what was signed with it is forged'
    if there[0]['p'] != tags(record.value)['p']:
        return 'it has another key than signs here'
    return None


def _dmarc(record: Record, ask: Answers) -> str | None:
    text, wrong = _one(record, ask, 'v=DMARC1')
    if wrong is not None:
        return wrong
    found = tags(text)
    if found.get('p') not in ('none', 'quarantine', 'reject'):
        return f'it has no policy (p): {text}'
    if old := sorted(OLD_TAGS & found.keys()):
        return f'it has {", ".join(old)}, which RFC 9989 has no more: {text}'
    return None


def _version(version: str, tag: str) -> Callable[[Record, Answers], str | None]:
    def look(record: Record, ask: Answers) -> str | None:
        text, wrong = _one(record, ask, version)
        if wrong is None and not tags(text).get(tag):
            wrong = f'it has no {tag}: {text}'
        return wrong

    return look


def _reports(record: Record, ask: Answers) -> str | None:
    return _one(record, ask, 'v=DMARC1')[1]


def _policy(record: Record, ask: Answers) -> str | None:
    there = ask(record.name, 'A') or ask(record.name, 'AAAA')
    return None if there else f'{record.name} has no address'


_LOOK: dict[Purpose, Callable[[Record, Answers], str | None]] = {
    Purpose.mx: _mx,
    Purpose.address: _address,
    Purpose.spf: _spf,
    Purpose.dkim: _dkim,
    Purpose.dmarc: _dmarc,
    Purpose.reports: _reports,
    Purpose.mta_sts: _version('v=STSv1', 'id'),
    Purpose.policy: _policy,
    Purpose.tls_rpt: _version('v=TLSRPTv1', 'rua'),
}


def no_key(place: Path) -> Finding:
    """What is not seen where nobody has put the record of a key."""
    return Finding(
        'not seen',
        'DKIM',
        f'whether copies are signed: no record of a key is in {place}',
        'Copy the .txt of your key there, as etc/opendkim/opendkim.conf has it.',
    )


def signing(settings: Settings, *, ask: bool) -> Iterator[Finding]:
    """Whether the keys of DKIM are published, readable, and fit for long.

    :param ask: Whether to ask the DNS.
    """
    folder = keys_folder()
    files = sorted(folder.glob('*.txt'))
    if not files:
        yield no_key(folder)
        return
    resolved = answers_of(dns.resolver.get_default_resolver()) if ask else None
    for file in files:
        try:
            found = dkim_records([file], settings.domain)
        except ValueError as error:
            remedy = 'Let Mailman read it, or copy it anew from where the key was made.'
            yield Finding('error', 'DKIM', str(error), remedy)
            continue
        yield from _key(file, found)
        if resolved is not None:
            yield from published(list(found), settings.domain, resolved)
    if not ask:
        yield Finding('not seen', 'DKIM', 'whether the DNS has the records of the keys')


def _key(file: Path, found: tuple[Record, ...]) -> Iterator[Finding]:
    anew = (
        'Make a new key under another selector, publish it, and let it sign; keep the '
        'old record for a month.'
    )
    days = int((time.time() - file.stat().st_mtime) // 86400)
    if found and days >= KEY_DAYS:
        yield Finding('warning', 'DKIM', f'the key of {file} is {days} days old', anew)
    for record in found:
        bits = _bits(tags(record.value))
        if bits is not None and bits < MIN_BITS:
            text = f'the key of {file} has {bits} bits, and should have {MIN_BITS}'
            yield Finding('warning', 'DKIM', text, anew)


def _bits(key: dict[str, str]) -> int | None:
    if key.get('k', 'rsa') != 'rsa':
        return None
    try:
        der = base64.b64decode(key['p'], validate=True)
        return int(PublicKeyInfo.load(der).bit_size)
    except (binascii.Error, ValueError, KeyError, TypeError):
        return None

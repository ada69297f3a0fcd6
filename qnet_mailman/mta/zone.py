# SPDX-License-Identifier: GPL-3.0-or-later
"""What a domain of lists has to have in the DNS: lines of a zone file.

MX and the hosts' addresses, SPF (RFC 7208), DKIM (RFC 6376), DMARC (RFC 9989), MTA-STS
(RFC 8461) and TLS-RPT (RFC 8460).  Pure, but for reading the files of DKIM's records,
as `opendkim-genkey` and `rspamadm dkim_keygen` write them.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import ip_address
from pathlib import Path

import dns.exception
import dns.name
import dns.rdatatype
import dns.zonefile

MAX_STRING = 255
"""Bytes of each string of a TXT record (RFC 1035 section 3.3.14)."""
_KEY_OF = re.compile(r'DKIM key \S+ for (\S+)')


class Purpose(StrEnum):
    """What a record is for."""

    mx = 'MX'
    address = 'address'
    spf = 'SPF'
    dkim = 'DKIM'
    dmarc = 'DMARC'
    reports = 'DMARC reports'
    mta_sts = 'MTA-STS'
    policy = 'MTA-STS policy'
    tls_rpt = 'TLS-RPT'


@dataclass(frozen=True)
class Record:
    """A record to publish.

    :ivar name: Absolute, without the last dot.
    :ivar kind: Its type: `TXT`.
    :ivar value: As a zone file has it, but for `TXT`: the text itself.
    """

    purpose: Purpose
    name: str
    kind: str
    value: str

    @property
    def line(self) -> str:
        """The line of a zone file."""
        value = _quoted(self.value) if self.kind == 'TXT' else self.value
        return f'{self.name}. 3600 IN {self.kind} {value}'


def _quoted(text: str) -> str:
    whole = re.sub(r'(["\\])', r'\\\1', text)
    # An escape counts twice here, which makes a string shorter and no less right; but
    # none may be cut.
    pieces = re.findall(rf'(?:\\.|[^\\]){{1,{MAX_STRING // 2}}}', whole)
    return ' '.join(f'"{each}"' for each in pieces or [''])


@dataclass(frozen=True)
class Mailer:
    """What is known of a domain's hosts.

    :ivar domain: Of the lists.
    :ivar mx: The host that takes mail for them.
    :ivar senders: Names or addresses of the other hosts that send for them.
    :ivar web: The host of the pages; None without any.
    :ivar reports: Who is sent reports of DMARC and TLS.
    :ivar addresses: Of the hosts of mail and pages, where they are known.
    :ivar keys: DKIM's records.
    """

    domain: str
    mx: str
    senders: tuple[str, ...]
    web: str | None
    reports: str
    addresses: tuple[str, ...] = ()
    keys: tuple[Record, ...] = ()

    @property
    def policy(self) -> str:
        """The file that ``https://mta-sts.DOMAIN/.well-known/mta-sts.txt`` is.

        Testing, so that nothing is lost while the certificate does not fit.
        """
        return f'version: STSv1\nmode: testing\nmx: {self.mx}\nmax_age: 604800\n'


def is_loopback(host: str) -> bool:
    """Whether a name or an address is this very host."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == 'localhost' or host.endswith('.localhost')


def records(mailer: Mailer) -> list[Record]:
    """What is to be published for a domain."""
    domain, report = mailer.domain, f'mailto:{mailer.reports}'
    hosts = dict.fromkeys(each for each in (mailer.mx, mailer.web) if each is not None)
    found = [Record(Purpose.mx, domain, 'MX', f'10 {mailer.mx}.')]
    for host in hosts:
        for address in mailer.addresses:
            kind = 'AAAA' if ip_address(address).version == 6 else 'A'
            found.append(Record(Purpose.address, host, kind, address))
    text = ' '.join(['v=spf1', 'mx', *map(_mechanism, mailer.senders), '-all'])
    found.append(Record(Purpose.spf, domain, 'TXT', text))
    found.extend(mailer.keys)
    text = f'v=DMARC1; p=reject; rua={report}'
    found.append(Record(Purpose.dmarc, f'_dmarc.{domain}', 'TXT', text))
    found.extend(_allowed(domain, mailer.reports.rpartition('@')[2].lower()))
    if mailer.web is not None:
        # A new policy needs a new id (RFC 8461 section 3.1).
        number = hashlib.sha256(mailer.policy.encode()).hexdigest()[:20]
        text = f'v=STSv1; id={number}'
        found.append(Record(Purpose.mta_sts, f'_mta-sts.{domain}', 'TXT', text))
        alias = Record(Purpose.policy, f'mta-sts.{domain}', 'CNAME', f'{mailer.web}.')
        found.append(alias)
    text = f'v=TLSRPTv1; rua={report}'
    found.append(Record(Purpose.tls_rpt, f'_smtp._tls.{domain}', 'TXT', text))
    return found


def _mechanism(sender: str) -> str:
    try:
        return f'ip{ip_address(sender).version}:{sender}'
    except ValueError:
        return f'a:{sender}'


def _allowed(domain: str, reports: str) -> Iterator[Record]:
    """That another domain takes this one's reports (RFC 7489 section 7.1)."""
    ours, theirs = f'.{domain}', f'.{reports}'
    if not ours.endswith(theirs) and not theirs.endswith(ours):
        name = f'{domain}._report._dmarc.{reports}'
        yield Record(Purpose.reports, name, 'TXT', 'v=DMARC1')


def zone_file(mailer: Mailer) -> Iterator[str]:
    """The lines to publish, with remarks."""
    yield f'; What {mailer.domain} has to have in the DNS.'
    for record in records(mailer):
        yield from _remarks(record, mailer)
        yield record.line


def _remarks(record: Record, mailer: Mailer) -> Iterator[str]:
    if record.purpose is Purpose.mx and not mailer.addresses:
        hosts = ' and '.join(dict.fromkeys(filter(None, (mailer.mx, mailer.web))))
        yield f'; Beside these, A and AAAA of {hosts}, and names for these addresses.'
    if record.purpose is Purpose.dmarc:
        if not mailer.keys:
            yield "; DKIM's record is missing: name its file with --dkim."
        yield '; With p=none until the reports show that nothing of yours fails.'
    if record.purpose is Purpose.reports:
        yield '; In the zone of the reports, unless it takes those of everybody:'
    if record.purpose is Purpose.policy:
        yield f'; It serves https://{record.name}/.well-known/mta-sts.txt, a new id'
        yield '; above with each change; "mode: enforce" when no report complains:'
        yield from (f';   {line}' for line in mailer.policy.splitlines())


def dkim_records(files: Iterable[Path], domain: str) -> tuple[Record, ...]:
    """The records of a domain's keys.

    :param files: As tools of DKIM write them: lines of a zone file.  One that says that
        it is for another domain is passed over.
    :param domain: Of the lists.
    :raises ValueError: where one cannot be read, or has no such record; says which.
    """
    return tuple(one for file in files for one in _keys_in(file, domain))


def _keys_in(file: Path, domain: str) -> list[Record]:
    try:
        text = file.read_text('ascii')
        named = {each.rstrip('.').lower() for each in _KEY_OF.findall(text)}
        if named and domain not in named:
            return []
        sets = dns.zonefile.read_rrsets(
            text,
            origin=dns.name.from_text(domain),
            default_ttl=3600,
            rdclass=None,
            relativize=False,
        )
    except (OSError, ValueError, dns.exception.DNSException) as error:
        why = getattr(error, 'strerror', None) or type(error).__name__
        raise ValueError(f'{file}: {why}') from None
    found = [
        Record(Purpose.dkim, rrset.name.to_text(True), 'TXT', text_of(record))
        for rrset in sets
        if rrset.rdtype == dns.rdatatype.TXT and b'_domainkey' in rrset.name.labels
        for record in rrset
    ]
    if not any(tags(each.value).get('p') for each in found):
        raise ValueError(f"{file}: no record of DKIM's")
    return found


def text_of(record: object) -> str:
    """The text of a TXT record: its strings, one behind the other."""
    strings: tuple[bytes, ...] = record.strings  # type: ignore[attr-defined]
    return b''.join(strings).decode('utf-8', 'replace')


def tags(text: str) -> dict[str, str]:
    """The tags of a record, without white space in them (RFC 6376 section 3.2)."""
    pairs = (each.partition('=') for each in text.split(';'))
    return {name.strip().lower(): ''.join(value.split()) for name, _, value in pairs}

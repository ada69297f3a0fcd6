# SPDX-License-Identifier: GPL-3.0-or-later
"""`mailman qnet dns`: the records that a domain of lists needs, if it has them."""

from __future__ import annotations

from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

import click
import dns.exception
import dns.name
import dns.resolver
from mailman.config import config

from qnet_mailman import site
from qnet_mailman.commands.qnet.check import tell
from qnet_mailman.commands.qnet.common import (
    COULD_NOT_RUN,
    INVALID,
    needs_service,
    stop,
)
from qnet_mailman.health.zone import answers_of, keys_folder, no_key, published
from qnet_mailman.mta import hosts, zone


@click.command()
@click.argument('domain')
@click.option(
    '--dkim',
    type=click.Path(path_type=Path, exists=True),
    help="A file with DKIM's record, or a folder of them (*.txt); dkim beside qnet.cfg "
    'if not given.',
)
@click.option('--mx', metavar='HOST', help='The host that takes mail for the lists.')
@click.option(
    '--address',
    'addresses',
    metavar='ADDRESS',
    multiple=True,
    help='Of the hosts of mail and pages; may be given several times.',
)
@click.option('--check', is_flag=True, help='See whether the DNS has them.')
@click.option(
    '--server', metavar='ADDRESS[:PORT]', help='The name server that --check asks.'
)
@click.option('--mta-sts', is_flag=True, help='Print the file of the MTA-STS policy.')
@click.option('--json', 'as_json', is_flag=True, help='Print JSON; with --check.')
@needs_service
def dns_command(
    domain: str,
    dkim: Path | None,
    mx: str | None,
    addresses: tuple[str, ...],
    check: bool,
    server: str | None,
    mta_sts: bool,
    as_json: bool,
) -> None:
    """Print what a domain of lists has to have in the DNS, as lines of a zone file.

    These are MX, SPF, DKIM, DMARC, MTA-STS and TLS-RPT, and what the web host needs.
    The hosts are those of outside_mail_server and web_url (qnet.cfg) and of [mta]
    smtp_host (mailman.cfg); reports go to site_owner.

    Exit status: 0 all is well, 1 something is missing or wrong, 2 could not run.
    """
    found = _mailer(domain, dkim, mx, addresses)
    if check:
        unseen = [] if found.keys else [no_key(dkim or keys_folder())]
        ask = answers_of(_resolver(server))
        findings = published(zone.records(found), found.domain, ask)
        tell([*findings, *unseen], as_json)
    elif mta_sts:
        click.echo(found.policy, nl=False)
    else:
        for line in zone.zone_file(found):
            click.echo(line)


def _mailer(
    domain: str, dkim: Path | None, mx: str | None, addresses: tuple[str, ...]
) -> zone.Mailer:
    settings = site.settings()
    name = _host(domain)
    outside = urlsplit(f'//{settings.outside_mail_server or ""}').hostname or ''
    if mx is None:
        is_name = outside and not zone.is_loopback(outside) and not _is_address(outside)
        mx = outside if is_name else name
    if wrong := [each for each in addresses if not _is_address(each)]:
        stop(INVALID, f'{wrong[0]} is no address')
    folder = keys_folder() if dkim is None else dkim
    files = sorted(folder.glob('*.txt')) if folder.is_dir() else [folder]
    mx = _host(mx)
    try:
        senders = [each.name for each in hosts.configured()]
        keys = zone.dkim_records([each for each in files if each.exists()], name)
    except ValueError as error:
        stop(COULD_NOT_RUN, str(error))
    others = (each for each in senders if not zone.is_loopback(each) and each != mx)
    return zone.Mailer(
        domain=name,
        mx=mx,
        senders=tuple(dict.fromkeys(others)),
        web=urlsplit(settings.web_url or '').hostname,
        reports=config.mailman.site_owner,
        addresses=addresses,
        keys=keys,
    )


def _host(text: str) -> str:
    """A name in the form of the DNS."""
    try:
        name = dns.name.from_text(text)
    except dns.exception.DNSException:
        name = dns.name.root
    if len(name) < 3 or _is_address(text):
        stop(INVALID, f'{text} is no name of a host or domain')
    return name.to_text(omit_final_dot=True).lower()


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _resolver(server: str | None) -> dns.resolver.Resolver:
    if server is None:
        return dns.resolver.get_default_resolver()
    resolver = dns.resolver.Resolver(configure=False)
    try:
        (host,) = hosts.parse(server, 53)
        resolver.nameservers, resolver.port = [host.name], host.port
    except ValueError:
        stop(INVALID, f'--server: {server} is no address of a name server')
    return resolver

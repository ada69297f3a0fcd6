# SPDX-License-Identifier: GPL-3.0-or-later
"""Mailman's maps for Postfix, with the addresses of ours that are of no list.

Those are the address for request forms, and at each domain of lists the two whose
extension is a token (R35; `recipient_delimiter` in main.cf).  Postfix then hands mail
to them to Mailman as it does mail to a list.  Mailman writes the maps when a list is
made or removed, and with `mailman aliases`; after an upgrade from a version without
tokens the task runner does.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from mailman.config import config
from mailman.interfaces.listmanager import IListManager
from mailman.mta import postfix
from mailman.utilities.modules import call_name
from public import public
from zope.component import getUtility

from qnet_mailman import site
from qnet_mailman.mlist import Mlist
from qnet_mailman.mta import list_map
from qnet_mailman.values import BOUNCES, CONFIRM

RETURNED = (BOUNCES, CONFIRM)
OURS = f'{__name__}.LMTP'
STOCK = f'{postfix.__name__}.LMTP'
"""Whose maps do not lead what we hand out to Mailman."""


def _domains() -> list[tuple[str, str]]:
    """The domains of lists, and those by which mail to them comes to Mailman."""
    hosts = {host for _name, host in getUtility(IListManager).name_components}
    return [(host, postfix._get_alias_domain(host)) for host in sorted(hosts)]


def handed_out() -> list[str]:
    """The addresses that come back with a token behind their name (R35)."""
    return [f'{name}@{alias}' for _host, alias in _domains() for name in RETURNED]


def complete_map() -> None:
    """Have the map written if an earlier version of this package wrote this one."""
    if config.mta.incoming == OURS and missing():
        list_map.abandon()


def missing() -> list[str]:
    """Those of `handed_out()` that the map of this host does not lead to Mailman."""
    try:
        map_ = Path(config.DATA_DIR, 'postfix_lmtp').read_text('utf-8')
    except OSError:
        return handed_out()
    known = {line.split(maxsplit=1)[0] for line in map_.splitlines() if line.strip()}
    agent = call_name(config.mta.incoming)
    return [each for each in handed_out() if agent._with_extension(each) not in known]


@public
class LMTP(postfix.LMTP):
    """What `[mta] incoming` names."""

    def create(self, mlist: Mlist) -> None:
        """See `IMailTransportAgentLifecycle`; lists in a row have the map together."""
        row = list_map.gathering()
        if row is None:
            super().create(mlist)
        else:
            row.made(lambda: super(LMTP, self).create(mlist))

    def _generate_lmtp_file(self, fp: Any) -> None:
        super()._generate_lmtp_file(fp)
        print('# What comes back with a token.', file=fp)
        for address in handed_out():
            self._print_transport(self._with_extension(address), fp)
        forms_address = site.settings().forms_address
        if forms_address is not None:
            print('# Request forms.', file=fp)
            self._print_transport(self._decorate(forms_address), fp)

    def _print_transport(self, pattern: str, fp: Any) -> None:
        print(postfix.ALIASTMPL.format(pattern, config, len(pattern) + 3), file=fp)

    def _with_extension(self, address: str) -> str:
        if self.transport_file_type != 'regex':
            return address
        name, _, domain = address.partition('@')
        return f'/^{name}(\\+.*)?@{re.escape(domain)}$/'

    def _generate_vmap_file(self, fp: Any) -> Any:
        written = super()._generate_vmap_file(fp)
        if written:
            for host, alias in _domains():
                for name in RETURNED if host != alias else ():
                    print(f'{self._decorate(f"{name}@{host}")} {name}@{alias}', file=fp)
        return written

    def _generate_domains_file(self, fp: Any) -> None:
        super()._generate_domains_file(fp)
        address = site.settings().forms_address
        if address is None:
            return
        domain = address.partition('@')[2]
        lists = getUtility(IListManager).name_components
        if all(mail_host != domain for _name, mail_host in lists):
            print(f'{self._decorate(domain)} {domain}', file=fp)

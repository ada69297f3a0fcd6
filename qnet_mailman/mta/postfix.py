# SPDX-License-Identifier: GPL-3.0-or-later
"""Mailman's maps for Postfix, with the address for request forms.

Postfix then hands mail to that address to Mailman as it does mail to a list.  Mailman
writes the maps when a list is made or removed, and with `mailman aliases`.
"""

from __future__ import annotations

from typing import Any

from mailman.config import config
from mailman.interfaces.listmanager import IListManager
from mailman.mta import postfix
from public import public
from zope.component import getUtility

from qnet_mailman import site
from qnet_mailman.mta import list_map


@public
class LMTP(postfix.LMTP):
    """What `[mta] incoming` names."""

    def create(self, mlist: Any) -> None:
        """See `IMailTransportAgentLifecycle`; lists in a row have the map together."""
        row = list_map.gathering()
        if row is None:
            super().create(mlist)
        else:
            row.made(lambda: super(LMTP, self).create(mlist))

    def _generate_lmtp_file(self, fp: Any) -> None:
        super()._generate_lmtp_file(fp)
        address = site.settings().forms_address
        if address is not None:
            print('# Request forms.', file=fp)
            line = postfix.ALIASTMPL.format(
                self._decorate(address), config, len(address) + 3
            )
            print(line, file=fp)

    def _generate_domains_file(self, fp: Any) -> None:
        super()._generate_domains_file(fp)
        address = site.settings().forms_address
        if address is None:
            return
        domain = address.partition('@')[2]
        lists = getUtility(IListManager).name_components
        if all(mail_host != domain for _name, mail_host in lists):
            print(f'{self._decorate(domain)} {domain}', file=fp)

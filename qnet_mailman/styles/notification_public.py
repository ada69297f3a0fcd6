# SPDX-License-Identifier: GPL-3.0-or-later
"""The style `qnet-notification-public` (R1)."""

from __future__ import annotations

from mailman.interfaces.styles import IStyle
from public import public
from zope.interface import implementer

from qnet_mailman.mlist import Mlist
from qnet_mailman.styles import base
from qnet_mailman.values import ListType, Visibility


@public
@implementer(IStyle)
class NotificationPublic:
    """A public notification list."""

    name = 'qnet-notification-public'
    description = 'Notification list, public.'

    def apply(self, mailing_list: Mlist) -> None:
        """See `IStyle`."""
        base.apply(mailing_list, ListType.notification, Visibility.public)

# SPDX-License-Identifier: GPL-3.0-or-later
"""The command `mailman qnet`."""

from __future__ import annotations

from typing import Any

import click
from mailman.interfaces.command import ICLISubCommand
from public import public
from zope.interface import implementer

from qnet_mailman.commands import check


@click.group(context_settings={'help_option_names': ['-h', '--help']})
def qnet() -> None:
    """QualityNet Mailer: lists from request forms, and what they need."""


qnet.add_command(check.check)


@public
@implementer(ICLISubCommand)
class QNet:
    """What Mailman's command line finds."""

    name = 'qnet'
    command: Any = qnet

# SPDX-License-Identifier: GPL-3.0-or-later
"""The command `mailman qnet`."""

from __future__ import annotations

from typing import Any

import click
from mailman.interfaces.command import ICLISubCommand
from public import public
from zope.interface import implementer

from qnet_mailman import __version__
from qnet_mailman.commands import (
    adopt,
    audit,
    backup,
    bounces,
    check,
    classify,
    dns,
    form,
    forms,
    import_members,
    keys,
    metrics,
    provision,
    reopen,
    report,
    roles,
    show,
    sublists,
)
from qnet_mailman.commands import set as set_command


@click.group(context_settings={'help_option_names': ['-h', '--help']})
@click.version_option(
    __version__, prog_name='qnet-mailer', message='%(prog)s %(version)s'
)
def qnet() -> None:
    """QualityNet Mailer: lists from request forms, and what they need."""


for command in (
    adopt.adopt,
    adopt.release,
    audit.audit,
    backup.backup,
    backup.restore,
    backup.resume,
    bounces.bounces,
    check.check,
    classify.classify,
    dns.dns_command,
    form.form,
    forms.forms,
    import_members.import_members_command,
    keys.keys,
    metrics.metrics,
    provision.provision,
    reopen.reopen,
    report.report,
    roles.roles,
    set_command.set_settings,
    show.show,
    sublists.sublists,
):
    qnet.add_command(command)


@public
@implementer(ICLISubCommand)
class QNet:
    """What Mailman's command line finds."""

    name = 'qnet'
    command: Any = qnet

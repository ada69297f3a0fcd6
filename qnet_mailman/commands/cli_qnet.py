# SPDX-License-Identifier: GPL-3.0-or-later
"""The command `mailman qnet`."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import click
from mailman.interfaces.command import ICLISubCommand
from public import public
from zope.interface import implementer

from qnet_mailman import __version__

SUBCOMMANDS = {
    'adopt': 'adopt.adopt',
    'audit': 'audit.audit',
    'backup': 'backup.backup',
    'bounces': 'bounces.bounces',
    'check': 'check.check',
    'classify': 'classify.classify',
    'dns': 'dns.dns_command',
    'form': 'form.form',
    'forms': 'forms.forms',
    'import-members': 'import_members.import_members_command',
    'keys': 'keys.keys',
    'metrics': 'metrics.metrics',
    'provision': 'provision.provision',
    'release': 'adopt.release',
    'reopen': 'reopen.reopen',
    'report': 'report.report',
    'restore': 'backup.restore',
    'resume': 'backup.resume',
    'roles': 'roles.roles',
    'set': 'set.set_settings',
    'show': 'show.show',
    'sublists': 'sublists.sublists',
}
"""Where each is, in `commands/qnet`: its file, and its name there."""


class _Late(click.Group):
    """Reads a subcommand's file when it is called, or when help is asked for.

    Every process of Mailman's has this group, and most have no use for it.
    """

    def list_commands(self, ctx: click.Context) -> list[str]:
        """See click."""
        return sorted(SUBCOMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """See click."""
        if cmd_name not in SUBCOMMANDS:
            return None
        file, _, name = SUBCOMMANDS[cmd_name].partition('.')
        module = import_module(f'qnet_mailman.commands.qnet.{file}')
        command: click.Command = getattr(module, name)
        return command


@click.group(cls=_Late, context_settings={'help_option_names': ['-h', '--help']})
@click.version_option(
    __version__, prog_name='qnet-mailer', message='%(prog)s %(version)s'
)
def qnet() -> None:
    """QualityNet Mailer: lists from request forms, and what they need."""


@public
@implementer(ICLISubCommand)
class QNet:
    """What Mailman's command line finds."""

    name = 'qnet'
    command: Any = qnet

# SPDX-License-Identifier: GPL-3.0-or-later
"""`mailman qnet metrics`: what Prometheus is told, and what it has to show."""

from __future__ import annotations

import click
from mailman.config import config

from qnet_mailman.commands.qnet.common import needs_service
from qnet_mailman.core_credential import password_from
from qnet_mailman.metrics.text import exposition


@click.command()
@click.option(
    '--password',
    is_flag=True,
    help='Print the password for the pages /metrics/ of the web side instead.',
)
@needs_service
def metrics(password: bool) -> None:
    """Print what Prometheus collects of this host and of the database.

    It collects the same at /metrics/core/ of the web side, as the user mailman-core.
    """
    if password:
        click.echo(password_from(config.webservice.admin_pass))
    else:
        click.echo(exposition(), nl=False)

# SPDX-License-Identifier: GPL-3.0-or-later
"""What the subcommands of `mailman qnet` share: exit statuses and finding lists."""

from __future__ import annotations

import difflib
import functools
import sys
from collections.abc import Callable
from typing import Any, NoReturn, ParamSpec

import click
from mailman.config import config
from mailman.interfaces.listmanager import IListManager
from sqlalchemy.exc import SQLAlchemyError
from zope.component import getUtility

from qnet_mailman import site, values
from qnet_mailman.forms.batch import COULD_NOT_RUN, INVALID, printable
from qnet_mailman.model import audit
from qnet_mailman.model.finding import find_list

P = ParamSpec('P')


class _Ticket(click.ParamType):
    name = 'ticket'

    def convert(self, value: Any, param: Any, context: Any) -> str:
        """See click."""
        try:
            return values.ticket(value)
        except ValueError as error:
            self.fail(f'found "{printable(str(value))}"; expected {error}')


TICKET = _Ticket()
"""The number that a service desk has given a request."""


def needs_service(command: Callable[P, None]) -> Callable[P, None]:
    """Make a command say why it cannot run, instead of failing halfway.

    It also tells the audit log that an operator is at work.
    """

    @functools.wraps(command)
    def run(*args: P.args, **kws: P.kwargs) -> None:
        try:
            site.settings()
            with audit.recorded_as(audit.command_line_actor()):
                command(*args, **kws)
        except site.NotReady as error:
            stop(COULD_NOT_RUN, f'QualityNet Mailer is not set up: {error}')
        except SQLAlchemyError as error:
            config.db.abort()
            stop(COULD_NOT_RUN, f'the database cannot be used: {site.describe(error)}')

    return run


def stop(status: int, *lines: str) -> NoReturn:
    """End the command with words on standard error."""
    for line in lines:
        click.echo(printable(line), err=True)
    sys.exit(status)


def the_list(name: str) -> Any:
    """The list of an address or List-ID; ends the command if there is none."""
    mlist = find_list(name)
    if mlist is not None:
        return mlist
    names = sorted(getUtility(IListManager).names)
    close = difflib.get_close_matches(name.lower(), names, n=1)
    hint = f'; did you mean {close[0]}?' if close else ''
    stop(INVALID, f'there is no list {name}{hint}')

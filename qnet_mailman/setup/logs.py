# SPDX-License-Identifier: GPL-3.0-or-later
"""Mailman's logs: they follow their file's name, hold no token, and may be JSON.

Mailman reopens its files where it is told so (`mailman reopen`).  That does not reach
the workers of the REST server, nor two of its handlers in any process (those of
``mail.log`` and ``sqlalchemy``), and it closes a file under whoever is writing a line.
Here a process looks before each line whether its file was moved, so that logrotate
needs to tell nobody, and no line is lost.

Each log is as ``[logging.NAME]`` of mailman.cfg says; where ``[logging.root] format``
begins with a brace, each line of all of them is a JSON object
(:class:`qnet_mailman.logs.line.JSONLine`).
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable
from logging.handlers import WatchedFileHandler

from mailman.config import config
from mailman.core import logging as mailman_logging

from qnet_mailman.logs import context
from qnet_mailman.logs.line import JSONLine, PlainLine
from qnet_mailman.model import audit


class LogFile(WatchedFileHandler):
    """A log's file, in the place of Mailman's own handler, of whose kind it is."""

    def __init__(self, path: str) -> None:
        # What strangers send may have no UTF-8.
        super().__init__(path, encoding='utf-8', errors='backslashreplace')

    @property
    def filename(self) -> str:
        """See `mailman.core.logging.ReopenableFileHandler`."""
        return self.baseFilename

    def reopen(self, filename: str | None = None) -> None:
        """See `mailman.core.logging.ReopenableFileHandler`.

        Without a name there is nothing to do: the next line opens what is there.  So a
        signal in the middle of a line does not lose it.
        """
        if filename is not None:
            self.acquire()
            try:
                self.close()
                self.baseFilename = os.path.abspath(filename)
                self.stream = self._open()
                self._statstream()
            finally:
                self.release()


class _JSONLine(JSONLine):
    def format(self, record: logging.LogRecord) -> str:
        actor = audit.current_actor.get()
        with context.at_work(actor='' if actor == 'mailman' else actor):
            return super().format(record)


def is_json() -> bool:
    """Whether the site wants JSON."""
    return str(config.logging.root.format).lstrip().startswith('{')


def _line_like(formatter: logging.Formatter | None) -> logging.Formatter:
    if is_json():
        return _JSONLine()
    if formatter is None:
        return PlainLine()
    return PlainLine(formatter._fmt, formatter.datefmt)


def follow(loggers: Iterable[logging.Logger]) -> dict[logging.Handler, logging.Handler]:
    """Let loggers write to files that follow their name, in lines of ours.

    :return: What took the place of which handler.
    """
    changed: dict[logging.Handler, logging.Handler] = {}
    for logger in loggers:
        for old in list(logger.handlers):
            path = getattr(old, 'filename', None) or getattr(old, 'baseFilename', '')
            if isinstance(old, LogFile) or not path:
                continue
            if not os.path.isfile(path):
                # A pipe or a terminal, which nobody rotates.
                old.setFormatter(_line_like(old.formatter))
                continue
            new = LogFile(path)
            new.setFormatter(_line_like(old.formatter))
            logger.removeHandler(old)
            logger.addHandler(new)
            changed[old] = new
    return changed


def install() -> None:
    """Do so with all of Mailman's loggers in this process; again is harmless."""
    names = [
        'mailman.' + each.name.partition('.')[2]
        for each in config.logger_configs
        if each.name != 'logging.root'
    ]
    changed = follow(map(logging.getLogger, [*names, *_OTHERS]))
    for name, old in mailman_logging._handlers.items():
        mailman_logging._handlers[name] = changed.get(old, old)
    for old in changed:
        old.close()
    for root in logging.getLogger().handlers:
        # Standard error, where Mailman's command was given it.
        if type(root) is logging.StreamHandler and is_json():
            root.setFormatter(_JSONLine())


_OTHERS = ('mail.log', 'sqlalchemy', 'alembic', 'flufl.lock')
"""Other packages' loggers that Mailman gives a file."""

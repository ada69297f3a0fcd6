# SPDX-License-Identifier: GPL-3.0-or-later
"""Mailman's own suite, run in this process as its tox.ini does: with nose2.

``python -m tests.upstream.run_nose2 [--with CFG] [ARGUMENTS OF NOSE2]``, in the folder
of its sources.  With a file of configuration that is put before Mailman's
`testing.cfg`: the keys of `etc/mailman.cfg` as on a site that has lists already.

This module is a plugin of nose2's, too.  Mailman takes the catalogs of its tests where
it finds ``nose2`` in the command, which is why the module has that in its name.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from mailman.config import config
from mailman.core.i18n import _
from mailman.testing import layers
from nose2 import discover, events
from sqlalchemy import inspect

from tests.upstream import recording

PLUGIN = 'qnet'
TABLE = 'qnet_list'


class Recording(events.Plugin):
    """Notes how each test ended; a doctest has the name of its file."""

    alwaysOn = True
    configSection = 'recording'

    def testOutcome(self, event: Any) -> None:
        """See nose2."""
        test = event.test
        name = test.id()
        if (file := getattr(test, '_dt_test', None)) is not None:
            name = str(Path(file.filename).relative_to(Path.cwd() / 'src'))
        recording.note_nose2(name, event)

    def stopTestRun(self, event: Any) -> None:
        """See nose2."""
        recording.write()


def use(extra: str) -> None:
    """Let the layers read more configuration."""
    read_text = layers.read_text
    layers.read_text = lambda *name: extra + read_text(*name)


def reset_more() -> None:
    """Let the layers put right what Mailman's tests leave, which are in any order."""
    reset = layers.reset_the_world

    def reset_the_world() -> None:
        reset()
        # One of them goes on in French.
        _.pop()
        # Those of the migrations drop all tables, which no site does.
        if PLUGIN in config.plugins and not inspect(config.db.engine).has_table(TABLE):
            # Where it is loaded already; without it nothing of ours is in the process.
            sys.modules['qnet_mailman.model.migrations'].upgrade(
                config.db.engine, config.LOCK_DIR
            )

    layers.reset_the_world = reset_the_world


if __name__ == '__main__':
    reset_more()
    if sys.argv[1:2] == ['--with']:
        use(Path(sys.argv[2]).read_text('utf-8'))
        del sys.argv[1:3]
    discover(module=None, plugins=['tests.upstream.run_nose2'])

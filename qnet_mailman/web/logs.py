# SPDX-License-Identifier: GPL-3.0-or-later
"""What must not be in a log: the tokens in addresses of pages.

Django logs the address of every page that it answers with an error; and a token may
still be good when core could not be reached.
"""

from __future__ import annotations

import logging
import re

_TOKEN = re.compile(r'(/(?:confirm|unsubscribe|send-again|decide)/[^/\s]{8})[^/\s]+')


class HideTokens(logging.Filter):
    """Leaves the first 8 characters of a token."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Change the record; every record passes.

        :param record: What is to be logged.
        """
        record.msg = _TOKEN.sub(r'\1...', record.getMessage())
        record.args = ()
        return True

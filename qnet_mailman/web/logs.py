# SPDX-License-Identifier: GPL-3.0-or-later
"""What must not be in a log: the tokens in addresses of pages, and all behind a "?".

gunicorn logs the address of every page, Django of those that it answers with an error;
and a token may still be good when core could not be reached.
"""

from __future__ import annotations

import logging
import re

_TOKEN = re.compile(
    r'(/(?:confirm|confirm-email|unsubscribe|send-again|decide|reset/key)/[^/\s]{8})'
    r'[^/\s?]+'
)
_QUERY = re.compile(r'(/[^\s?"]*\?)[^\s"]+')


class HideTokens(logging.Filter):
    """Leaves the first 8 characters of a token, and of a query nothing."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Change the record; every record passes.

        :param record: What is to be logged.
        """
        message = _TOKEN.sub(r'\1...', record.getMessage())
        record.msg = _QUERY.sub(r'\1...', message)
        record.args = ()
        return True

# SPDX-License-Identifier: GPL-3.0-or-later
"""How a line of a log is written; neither holds a token or a password."""

from __future__ import annotations

import json
import logging
import traceback
from datetime import UTC, datetime

from qnet_mailman.logs.context import now_at_work
from qnet_mailman.logs.hiding import without_secrets


class PlainLine(logging.Formatter):
    """As the site has formatted it."""

    def format(self, record: logging.LogRecord) -> str:
        """See `logging.Formatter`."""
        return without_secrets(super().format(record))


class JSONLine(logging.Formatter):
    """One JSON object an event, in one line (RFC 8259).

    ``time`` is in UTC, as ISO 8601 has it (RFC 3339); ``level``, ``logger``,
    ``process`` (its id) and ``message`` are always there; ``list``, ``message_id``,
    ``entry`` and ``actor`` where the event has one; ``exception`` is a traceback.
    """

    def format(self, record: logging.LogRecord) -> str:
        """See `logging.Formatter`."""
        moment = datetime.fromtimestamp(record.created, UTC)
        line: dict[str, object] = {
            'time': f'{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03}Z',
            'level': record.levelname.lower(),
            'logger': record.name,
            'process': record.process,
            'message': without_secrets(record.getMessage()),
        }
        line |= {key: without_secrets(text) for key, text in now_at_work().items()}
        if record.exc_info and record.exc_info[0] is not None:
            text = ''.join(traceback.format_exception(*record.exc_info))
            line['exception'] = without_secrets(text)
        return json.dumps(line)

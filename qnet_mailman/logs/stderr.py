# SPDX-License-Identifier: GPL-3.0-or-later
"""Logs on standard error, for the web side and the gunicorn that serves it.

From there they come into the journal, or wherever the service manager sends them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def to_stderr(levels: Mapping[str, str], *, as_json: bool = False) -> dict[str, Any]:
    """What `logging.config.dictConfig` is given.

    :param levels: From which level on each of some loggers is heard; the others are
        from WARNING on.
    :param as_json: Whether each line is a JSON object.
    """
    return {
        'version': 1,
        'disable_existing_loggers': False,
        'formatters': {
            'plain': {
                '()': 'qnet_mailman.logs.line.PlainLine',
                'fmt': '%(asctime)s %(levelname)s %(name)s: %(message)s',
            },
            'json': {'()': 'qnet_mailman.logs.line.JSONLine'},
        },
        'handlers': {
            'stderr': {
                'class': 'logging.StreamHandler',
                'formatter': 'json' if as_json else 'plain',
            },
        },
        'root': {'handlers': ['stderr'], 'level': 'WARNING'},
        'loggers': {
            name: {'handlers': ['stderr'], 'level': level, 'propagate': False}
            for name, level in levels.items()
        },
    }

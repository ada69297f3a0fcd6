# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether Django is one that the web side can run with.

Postorius' and HyperKitty's own metadata let pip bring no Django that is still
supported, and pip can be told otherwise only by a list of all that it shall install:
``requirements.lock``, which a wheel puts into ``share/qnet-mailer`` of its environment.
"""

from __future__ import annotations

import sysconfig
from pathlib import Path

import django
from django.core.exceptions import ImproperlyConfigured

#: The first with what our settings need; supported to April 2028.
LOWEST = (5, 2)


def require_django(version: tuple[int, ...] = django.VERSION[:2]) -> None:
    """Make sure that Django is new enough.

    :param version: Its first two numbers.
    :raises ImproperlyConfigured: where it is not; says what to install.
    """
    if version >= LOWEST:
        return
    lock = Path(sysconfig.get_path('data'), 'share/qnet-mailer/requirements.lock')
    raise ImproperlyConfigured(
        'Django {}.{} is no longer supported, and the web side needs {}.{}.  '
        'Install the versions that it was tested with:  '
        'pip install --no-deps --require-hashes -r {}'.format(
            *version, *LOWEST, lock if lock.is_file() else lock.name
        )
    )

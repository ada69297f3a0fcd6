# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether strangers can write fields in our servers' names (R37)."""

from __future__ import annotations

import time
from collections.abc import Iterator

from mailman.config import config
from sqlalchemy.exc import SQLAlchemyError

from qnet_mailman import site
from qnet_mailman.health.finding import Finding
from qnet_mailman.posting import door as probing
from qnet_mailman.settings import Settings

TIMEOUT = 60
"""Seconds until a message through our mail server must have come."""
POLL = 0.1
"""Seconds between two looks whether it has."""

_DROP = (
    'Let the server drop Authentication-Results before a checker runs ("The door" in '
    'the guide).'
)


def door(settings: Settings, *, try_it: bool) -> Iterator[Finding]:
    """Whether forged fields are dropped where mail comes in.

    :param try_it: Whether to send a message through there.
    """
    server = settings.outside_mail_server
    if not settings.trusted_authserv_ids:
        return
    if server is None:
        yield Finding(
            'warning',
            'door',
            'nothing shows that forged Authentication-Results are dropped where mail '
            'comes in, and without that a stranger can post in the name of anybody',
            'Name the server as outside_mail_server in qnet.cfg, and it is tried.',
        )
    elif not try_it:
        yield Finding('not seen', 'door', f'whether {server} drops forged fields')
    else:
        try:
            yield _tried(server, settings)
        except SQLAlchemyError:
            # Told already.
            config.db.abort()


def _tried(server: str, settings: Settings) -> Finding:
    probe = probing.begin(settings)
    config.db.commit()
    if probe is None:
        return Finding('not seen', 'door', f'{server} is not tried: there are no lists')
    try:
        probing.send(probe, settings)
        came = _awaited(probe)
    except OSError as error:
        why = site.describe(error)
        return Finding(
            'warning',
            'door',
            f'whether {server} drops forged Authentication-Results is not known: {why}',
            'See that the server takes mail from this host, and that Mailman runs.',
        )
    finally:
        probing.end(probe)
        config.db.commit()
    if came:
        return Finding(
            'error',
            'door',
            f'{server} lets forged Authentication-Results in ({", ".join(came)}): '
            'anybody can post in the name of a person with posting privileges. '
            'OpenDMARC without that before it, and with SPFSelfValidate, believes them',
            _DROP,
        )
    return Finding('ok', 'door', f'{server} drops forged Authentication-Results')


def _awaited(probe: probing.Probe) -> list[str]:
    """What came through.

    :raises TimeoutError: where nothing came.
    """
    deadline = time.monotonic() + TIMEOUT
    while (came := probing.what_came(probe)) is None:
        # Another process writes it down.
        config.db.commit()
        if time.monotonic() > deadline:
            raise TimeoutError(
                f'the message did not come to Mailman within {TIMEOUT} seconds'
            )
        time.sleep(POLL)
    return came

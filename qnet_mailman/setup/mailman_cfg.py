# SPDX-License-Identifier: GPL-3.0-or-later
"""What Mailman's own configuration must say, or nothing is processed (R32).

As strings, since what names a class here must not import it: the runners are floors
above, and a test compares these names with `etc/mailman.cfg` and with the classes.
"""

from __future__ import annotations

from mailman.config import config

from qnet_mailman.site import NotReady

RUNNERS = {
    'archive': 'qnet_mailman.runners.archive.ArchiveRunner',
    'bounces': 'qnet_mailman.runners.bounce.BounceRunner',
    'command': 'qnet_mailman.runners.command.CommandRunner',
    'digest': 'qnet_mailman.runners.digest.DigestRunner',
    'in': 'qnet_mailman.runners.incoming.IncomingRunner',
    'lmtp': 'qnet_mailman.runners.lmtp.LMTPRunner',
    'out': 'qnet_mailman.runners.outgoing.OutgoingRunner',
    'pipeline': 'qnet_mailman.runners.pipeline.PipelineRunner',
    'retry': 'qnet_mailman.runners.retry.RetryRunner',
    'task': 'qnet_mailman.runners.task.TaskRunner',
    'virgin': 'qnet_mailman.runners.virgin.VirginRunner',
}
"""The class that `etc/mailman.cfg` names for each of Mailman's runners."""
REST = 'qnet_mailman.runners.rest.RESTRunner'
"""The class of `[runner.rest]`; with stock's, REST works without our limits."""
FORMS = 'qnet_mailman.runners.forms.FormsRunner'
"""The class of `[runner.forms]`, which only a site with `forms_address` needs."""

OUTGOING = 'qnet_mailman.mta.deliver.deliver'
"""`[mta] outgoing`; whatever else is there leaves the links in our copies unfilled."""


def reason_not_to_send() -> str | None:
    """Why nothing of lists of ours may be sent; None if it may (R15).

    Another plugin may want to deliver, too: what belongs to other lists it does.
    """
    found = config.mta.outgoing
    if found == OUTGOING:
        return None
    return (
        f'[mta] outgoing in mailman.cfg is {found}, which cannot send for lists of '
        f'ours; it must be {OUTGOING}, as in etc/mailman.cfg'
    )


def require_runners() -> None:
    """Look whether Mailman's runners are ours.

    Without its guard a runner would work on while the set-up fails; one with a name of
    an earlier version does not start at all.

    :raises NotReady: if one is not.
    """
    for section in config.runner_configs:
        name = section.name.split('.')[-1]
        wanted = RUNNERS.get(name)
        if wanted is not None and section['class'] != wanted:
            raise NotReady(
                f'{config.filename}: [runner.{name}] class is {section["class"]}; '
                f'it must be {wanted}, as in etc/mailman.cfg'
            )

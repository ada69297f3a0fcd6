# SPDX-License-Identifier: GPL-3.0-or-later
"""``django-admin periodic_jobs WHEN``: HyperKitty's jobs, and whether they went well.

What `runjobs` of django-extensions does, which ends with 0 whatever became of them.
"""

from __future__ import annotations

import logging
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django_extensions.management.commands.runjobs import Command as RunJobs
from django_extensions.management.jobs import get_jobs

_log = logging.getLogger('qnet.jobs')


class Command(BaseCommand):
    """Runs each job of a time; exits with 1 where one has failed."""

    help = 'Run the jobs of the installed applications that are due at a time.'

    def add_arguments(self, parser: CommandParser) -> None:
        """Say what can be asked for.

        :param parser: The command's.
        """
        parser.add_argument('when', choices=RunJobs.when_options)

    def handle(self, *_args: Any, **options: Any) -> None:
        """Run them all, one after the other.

        :param options: `when`.
        :raises CommandError: where some have failed; the log says why.
        """
        failed = []
        jobs = get_jobs(options['when'], only_scheduled=True)
        for (application, name), job in sorted(jobs.items()):
            try:
                job().execute()
            # Whatever it is, the others shall run.
            except Exception:
                _log.exception('job %s of %s', name, application)
                failed.append(f'{application}.{name}')
        if failed:
            raise CommandError(f'failed: {", ".join(failed)}')

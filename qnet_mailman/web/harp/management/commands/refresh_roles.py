# SPDX-License-Identifier: GPL-3.0-or-later
"""``django-admin refresh_roles``: the roles of people who do not sign in.

For a timer, once a day or oftener.  It asks each provider whose ``refresh`` is
on about everybody with a stored token, and deletes the tokens of the others.
Exit status 1 says that somebody could not be asked about; nothing changed for
them.
"""

from __future__ import annotations

import sys
from collections import Counter
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from qnet_mailman.web.core import CoreUnavailable
from qnet_mailman.web.harp.config import providers
from qnet_mailman.web.harp.models import ProviderPerson
from qnet_mailman.web.harp.refresh import Outcome, refresh


class Command(BaseCommand):
    """Ask the providers, tell core."""

    help = 'Bring up to date the roles of people who do not sign in.'

    def handle(self, *args: Any, **options: Any) -> None:
        """Do it.

        :raises CommandError: where core cannot be told.
        """
        asked = {
            key: config
            for key, config in providers().items()
            if config.refresh != 'none'
        }
        ProviderPerson.objects.exclude(provider__in=asked).exclude(
            refresh_token=''
        ).update(refresh_token='')
        people = ProviderPerson.objects.filter(provider__in=asked).exclude(
            refresh_token=''
        )
        counted: Counter[Outcome] = Counter()
        for person in people.order_by('checked_at', 'pk').iterator():
            try:
                counted[refresh(person, asked[person.provider])] += 1
            except CoreUnavailable:
                raise CommandError(
                    'Mailman core does not answer; the next run goes on from here.'
                ) from None
        self.stdout.write(
            ', '.join(f'{outcome.value} {counted[outcome]}' for outcome in Outcome)
        )
        if counted[Outcome.UNKNOWN]:
            sys.exit(1)

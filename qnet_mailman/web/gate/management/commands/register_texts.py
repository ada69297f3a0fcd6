# SPDX-License-Identifier: GPL-3.0-or-later
"""``django-admin register_texts``: hand core the texts of Postorius again.

That is needed after the password of core's REST server has changed, because what core
shows to fetch one is made from it, and after an upgrade from a version that did not
hand them over.
"""

from __future__ import annotations

from typing import Any
from urllib.error import HTTPError

from django.core.management.base import BaseCommand, CommandError
from django.http import Http404
from mailmanclient import MailmanConnectionError
from postorius.models import EmailTemplate

from qnet_mailman.web.gate.core_only import tell_core


class Command(BaseCommand):
    """Tell core about all of them."""

    help = 'Hand Mailman core the texts again that were set in Postorius.'

    def handle(self, *args: Any, **options: Any) -> None:
        """Do it.

        :raises CommandError: where core does not take one.
        """
        told = 0
        for template in EmailTemplate.objects.order_by('pk'):
            try:
                tell_core(template)
            except Http404:
                # Its list or domain has gone.
                continue
            except (HTTPError, MailmanConnectionError) as error:
                raise CommandError(f'{template}: {error}') from error
            told += 1
        self.stdout.write(f'{told} texts')

# SPDX-License-Identifier: GPL-3.0-or-later
"""``django-admin register_texts``: tell core again where the texts of Postorius are.

That is needed after the password of core's REST server has changed, because what core
shows to fetch them is made from it.
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

    help = 'Tell Mailman core again where the texts are that were set in Postorius.'

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

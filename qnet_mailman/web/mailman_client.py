# SPDX-License-Identifier: GPL-3.0-or-later
"""mailmanclient, as Postorius and HyperKitty use it, with our patience and who acts.

Theirs waits for ever, and once for each question of a page.
"""

from __future__ import annotations

from typing import Any

import requests
from django.core.exceptions import ImproperlyConfigured
from django_mailman3.lib import mailman
from mailmanclient import Client, MailmanConnectionError
from mailmanclient.restbase.connection import Connection

from qnet_mailman.web import core, patience


class PatientConnection(Connection):
    """Asks as `patience` has it."""

    def call(self, path: str, data: Any = None, method: str | None = None) -> Any:
        """Ask core.

        :param path: The resource.
        :param data: The fields of the body.
        :param method: The HTTP method; without it, GET, or POST where there are fields.
        :raises MailmanConnectionError: where core does not answer, or is not asked.
        """
        if patience.takes_long(method or ('GET' if data is None else 'POST'), path):
            patience.make_sure(self.call)
        try:
            with patience.asking():
                return self._call(path, data, method)
        except requests.RequestException as error:
            raise MailmanConnectionError(f'core does not answer: {error!r}') from error

    def _call(self, *args: Any) -> Any:
        try:
            return super().call(*args)
        except MailmanConnectionError as error:
            # What it was is all that tells a refusal from silence.
            if isinstance(error.__context__, requests.RequestException):
                raise error.__context__ from None
            raise


class PatientClient(Client):
    """A client with such a connection."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._connection = PatientConnection(*args, **kwargs)


def limit(parameters: dict[str, Any]) -> dict[str, Any]:
    """Say how long to wait.

    :param parameters: Of the request, as mailmanclient hands them to its hooks.
    """
    long = patience.takes_long(parameters['method'], parameters['url'])
    return {**parameters, 'timeout': patience.LONG if long else patience.SHORT}


def install() -> None:
    """Let the stock packages use it.

    :raises ImproperlyConfigured: where they would not: a silent core would hold up
        every page.
    """
    if getattr(mailman, 'MailmanClient', None) not in (Client, PatientClient):
        raise ImproperlyConfigured(
            'This django-mailman3 makes its clients in another way: a core that does '
            'not answer would hold up every page.'
        )
    mailman.MailmanClient = PatientClient
    mailman.mailmanclient_request_hook(core.say_who_acts)
    mailman.mailmanclient_request_hook(limit)

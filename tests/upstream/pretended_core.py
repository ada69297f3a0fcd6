# SPDX-License-Identifier: GPL-3.0-or-later
"""Core, for the suites that have none, as plugin of pytest.

The tests of HyperKitty and django-mailman3 say what mailmanclient answers.  What our
pages ask beside that is answered here, as by a core of lists of other styles (R40)
whose archives are as public as HyperKitty's copy says.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from unittest import mock

import pytest

from qnet_mailman.web.core import PLUGIN


def answer(method: str, url: str, **_: Any) -> mock.Mock:
    """What core says; 404 where our pages ask for more than is known here."""
    # Once Django is set up.
    from hyperkitty.models import ArchivePolicy, MailingList

    resource = f'{method} {url.partition(f"/{PLUGIN}/")[2]}'
    said: dict[str, Any] = {}
    if resource == 'GET archives':
        public = MailingList.objects.filter(archive_policy=ArchivePolicy.public.value)
        said = {'public': list(public.values_list('name', flat=True))}
    elif resource == 'GET roles/rosters':
        said = {'administers': [], 'moderates': []}
    elif resource == 'POST lists/overview':
        said = {'lists': []}
    return mock.Mock(status_code=200 if said else 404, json=lambda: said)


@pytest.fixture(autouse=True)
def _core() -> Iterator[None]:
    # Once Django is set up.
    from django_mailman3.tests.utils import FakeMMMember

    # mailmanclient's have their address under both names.
    email = property(lambda member: str(member.address))
    with (
        mock.patch('qnet_mailman.web.core.requests.request', answer),
        mock.patch.object(FakeMMMember, 'email', email, create=True),
    ):
        yield

# SPDX-License-Identifier: GPL-3.0-or-later
"""Somebody who asks for something on the pages, by the pages' own forms."""

from __future__ import annotations

import html
import re
from typing import Any

from django.test import Client

RAE = 'rae@agency.example.gov'
#: What is answered on each page, by its name in the address.
LIST_REQUEST: dict[str, dict[str, Any]] = {
    'you': {
        'requester.name': 'Rae Requester',
        'requester.email': RAE,
        'requester.organization': 'Example ADO',
    },
    'approval': {},
    'list': {
        'list.type': 'notification',
        'list.display_name': 'HQR Updates',
        'list.name': 'hqr-updates',
        'list.description': 'News about hospital quality reporting.',
    },
    'subscribing': {'list.visibility': 'public'},
    'public': {
        'attestations.no_sensitive_information': 'yes',
        'attestations.security_policies': 'yes',
    },
    'messages': {},
    'masking': {'list.mask': 'administrators'},
    'administrators': {
        'administrators.0.name': 'Pat Example',
        'administrators.0.email': 'pat@agency.example.gov',
        'administrators.0.harp_id': 'pexample',
        'administrators.0.may_post': 'yes',
    },
    'moderators': {},
    'subscribers': {'subscribers': 'reader@example.org, Robin Reader\nlee@example.org'},
}


class Asker:
    """A browser that must pass the check against forged requests, as real ones."""

    def __init__(self, kind: str = 'list-request') -> None:
        self.kind = kind
        self.browser = Client(
            enforce_csrf_checks=True, headers={'host': 'lists.example.gov'}
        )

    def path(self, step: str = '') -> str:
        """The address of a page of the form."""
        return f'/forms/{self.kind}/{step}/' if step else f'/forms/{self.kind}/'

    def get(self, path: str) -> Any:
        """Open a page."""
        return self.browser.get(path, secure=True)

    def post(self, path: str, fields: dict[str, Any] | None = None) -> Any:
        """Send the form of a page that is open."""
        page = self.get(path).content.decode()
        [csrf, *_] = re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', page)
        return self.browser.post(
            path,
            {'csrfmiddlewaretoken': csrf, **(fields or {})},
            secure=True,
            headers={'referer': f'https://lists.example.gov{path}'},
        )

    def send(self, step: str, fields: dict[str, Any] | None = None) -> Any:
        """Answer the questions of a step; those of the example where none are given."""
        known = LIST_REQUEST.get(step, {}) if fields is None else fields
        return self.post(self.path(step), {'button': 'continue', **known})

    def fill_in(self, **steps: dict[str, Any]) -> list[str]:
        """Go through all steps; the names of those that there were."""
        address = self.get(self.path())['Location']
        walked: list[str] = []
        while not address.endswith('/check/'):
            step = address.split('/')[3]
            answer = self.send(step, steps.get(step))
            assert answer.status_code == 303, text_of(answer)
            walked.append(step)
            address = answer['Location']
        return walked

    def send_all(self) -> Any:
        """Press the button below all answers."""
        return self.post(self.path('check'))


def text_of(answer: Any) -> str:
    """The words of a page."""
    page = re.sub(
        r'(?s)<(script|style|header|footer).*?</\1>', '', answer.content.decode()
    )
    return ' '.join(html.unescape(re.sub(r'<[^>]+>', ' ', page)).split())


def mistakes_of(answer: Any) -> list[tuple[str, str]]:
    """What the summary of a page says is wrong, and where its links lead."""
    page = answer.content.decode()
    summary = page.partition('id="problems"')[2].partition('</ul>')[0]
    return [
        (html.unescape(words), target)
        for target, words in re.findall(r'<a href="([^"]+)">([^<]*)</a>', summary)
    ]

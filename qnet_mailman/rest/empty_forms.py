# SPDX-License-Identifier: GPL-3.0-or-later
"""/forms/empty: what `mailman qnet form` writes, for another host (R29)."""

from __future__ import annotations

import base64
from typing import Any

from mailman.interfaces.listmanager import IListManager
from mailman.rest.helpers import NotFound, bad_request, child, etag, not_found, okay
from mailman.rest.validator import Validator
from zope.component import getUtility

from qnet_mailman import site, values
from qnet_mailman.forms import writing
from qnet_mailman.forms.kinds import KINDS

FILES = {
    'yaml': ('.yaml', 'application/yaml'),
    'json': ('.json', 'application/json'),
    'xlsx': (
        '.xlsx',
        'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
    ),
    'pdf': ('.pdf', 'application/pdf'),
    'csv': ('.csv', 'text/csv; charset=utf-8; header=present'),
    'json-schema': ('.schema.json', 'application/schema+json'),
}
"""What the name of a file ends in, and its media type, by format."""


def _file(kind: str, file_format: str, content: bytes) -> Any:
    suffix, media_type = FILES[file_format]
    return etag(
        {
            'name': kind + suffix,
            'media_type': media_type,
            'content': base64.b64encode(content).decode(),
        }
    )


class _Form:
    """A form in a format."""

    def __init__(self, kind: str, file_format: str) -> None:
        self._kind = kind
        self._format = file_format

    def on_get(self, request: Any, response: Any) -> None:
        """The empty file: its `name`, `media_type` and `content` (Base64)."""
        content = writing.written(self._kind, self._format, site.settings())
        okay(response, _file(self._kind, self._format, content))


class _Spreadsheet(_Form):
    """A form about a list, in a format in which it can be filled in for somebody."""

    def on_post(self, request: Any, response: Any) -> None:
        """The file with a `list` (ID or address) in it, and who asks.

        `name` and `email` of that person may be left out.  A POST, as what is in the
        address of a resource is logged.  400 what is wrong; 404 no such list.
        """
        try:
            fields = Validator(
                list=lambda text: values.line(text, values.MAX_ADDRESS),
                name=lambda text: values.line(text, values.MAX_NAME, optional=True),
                email=lambda text: values.email(text, optional=True),
                _optional=('name', 'email'),
            )(request)
        except ValueError as error:
            bad_request(response, str(error))
            return
        mlist = getUtility(IListManager).get(fields.pop('list'))
        if mlist is None:
            not_found(response)
            return
        content = writing.begun(
            self._kind, mlist.fqdn_listname, fields, site.settings()
        )
        okay(response, _file(self._kind, self._format, content))


class EmptyForms:
    """All forms, in all formats."""

    def on_get(self, request: Any, response: Any) -> None:
        """The `kinds` of forms, and the `formats` that there are of each."""
        answer = {'kinds': list(KINDS), 'formats': list(writing.FORMATS)}
        okay(response, etag(answer))

    @child(r'^(?P<kind>[^/]+)/(?P<file_format>[^/]+)')
    def one(
        self, context: Any, segments: list[str], kind: str, file_format: str
    ) -> Any:
        """/forms/empty/<kind>/<format>"""
        rest = segments[1:]
        if kind not in KINDS or file_format not in writing.FORMATS:
            return NotFound(), []
        if file_format == 'xlsx' and kind in writing.ABOUT_A_LIST:
            return _Spreadsheet(kind, file_format), rest
        return _Form(kind, file_format), rest

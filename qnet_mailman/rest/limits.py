# SPDX-License-Identifier: GPL-3.0-or-later
"""What the REST server takes for a request: how much, and of what shape.

Mailman's own reads a form of any size before it looks at the credentials, and answers
500 to JSON that is no object.  These limits are for all of its resources, stock's too.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any

import falcon
from falcon.media import BaseHandler

from qnet_mailman import site
from qnet_mailman.settings import Settings

AROUND = 1024 * 1024
"""Bytes of a request beside the files in it."""
MAX_VALUES = 100_000
"""Values in a JSON body, however small they are: each costs memory of its own."""
MAX_DEPTH = 8
"""Objects and arrays within each other; no resource asks for more than three."""
_TOO_DEEP = f'expected a JSON object with at most {MAX_DEPTH} levels'
_FILES = (('plugins', 'qnet', 'forms'), ('plugins', 'qnet', 'roles', 'import'))
_JSON = 'application/json'
# A string (RFC 8259, section 7); the commas in it separate nothing.
_STRING = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


def for_files(settings: Settings) -> int:
    """The most bytes of a request with a form and the files beside it.

    They come in Base64, which takes a third more.
    """
    files = settings.form_max_unpacked + settings.members_max_size
    return files * 4 // 3 + AROUND


def most_of(path: str, content_type: str, settings: Settings | None) -> int:
    """The most bytes of a body.

    :param path: Of the resource, with the version of the interface.
    :param content_type: Of the body.  A form is read before the credentials are looked
        at, so that files come in JSON.
    :param settings: None while they are broken: then the default counts.
    """
    if settings is None:
        return Settings.rest_max_size
    parts = tuple(path.split('/')[2:])
    takes_files = any(parts[: len(each)] == each for each in _FILES)
    if takes_files and content_type.startswith(_JSON):
        return max(for_files(settings), settings.rest_max_size)
    return settings.rest_max_size


class Limited:
    """An application that is not given bodies which are too large.

    They are answered 413, and bodies of unknown length 411, before a byte is read (RFC
    9110, sections 15.5.12 and 15.5.14).
    """

    def __init__(self, application: Application) -> None:
        self._application = application

    def __call__(
        self, environ: dict[str, Any], start: Callable[..., Any]
    ) -> Iterable[bytes]:
        """Answer, or let the application do it.

        :param environ: The request (PEP 3333).
        :param start: What begins the answer.
        """
        status = _refused(environ)
        if status is None:
            return self._application(environ, start)
        return refuse(start, status, ('Connection', 'close'))


def refuse(
    start: Callable[..., Any], status: HTTPStatus, *fields: tuple[str, str]
) -> Iterable[bytes]:
    """Answer in the place of an application.

    :param start: What begins the answer (PEP 3333).
    :param fields: Of the header, beside those about the content.
    """
    body = json.dumps({'title': f'{status.value} {status.phrase}'}).encode()
    headers = [('Content-Type', _JSON), ('Content-Length', str(len(body)))]
    start(f'{status.value} {status.phrase}', [*headers, *fields])
    return [body]


def _refused(environ: dict[str, Any]) -> HTTPStatus | None:
    if environ.get('HTTP_TRANSFER_ENCODING'):
        return HTTPStatus.LENGTH_REQUIRED
    length = environ.get('CONTENT_LENGTH') or '0'
    if not (length.isascii() and length.isdigit()):
        return HTTPStatus.BAD_REQUEST
    settings = None if site.reason_not_ready() else site.settings()
    most = most_of(environ['PATH_INFO'], environ.get('CONTENT_TYPE', ''), settings)
    # Longer numbers are not turned into one.
    if len(length) > 18 or int(length) > most:
        return HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    return None


class ObjectHandler(BaseHandler):
    """Reads a JSON object, and answers 400 to anything else."""

    def deserialize(
        self, stream: Any, content_type: str | None, content_length: int | None
    ) -> dict[str, Any]:
        """The object in a body.

        :param stream: Gives the body, and ends with it.
        :param content_type: Not looked at.
        :param content_length: Likewise.
        :raises falcon.HTTPBadRequest: where it is none, or none that a resource takes.
        """
        body = stream.read()
        if not body:
            raise falcon.MediaNotFoundError('JSON')
        try:
            return read_object(body)
        except ValueError as error:
            raise falcon.HTTPBadRequest(description=str(error)) from None


def read_object(body: bytes) -> dict[str, Any]:
    """The object that a JSON text is.

    :param body: In UTF-8.
    :raises ValueError: where it is another value, or too deep or too large.
    """
    marks = _STRING.sub(b'', body)
    if sum(map(marks.count, (b',', b'[', b'{'))) > MAX_VALUES:
        raise ValueError(f'expected a JSON object with at most {MAX_VALUES} values')
    try:
        found = json.loads(body.decode('utf-8'), parse_constant=_no_constant)
    except RecursionError:
        raise ValueError(_TOO_DEEP) from None
    except ValueError:
        raise ValueError('expected a JSON object in UTF-8') from None
    if _is_deep(found):
        raise ValueError(_TOO_DEEP)
    if not isinstance(found, dict):
        raise ValueError('expected a JSON object')
    return found


def _no_constant(name: str) -> None:
    # NaN and the like, which are no JSON (RFC 8259, section 6).
    raise ValueError(name)


def _is_deep(found: Any) -> bool:
    level = [found]
    for _ in range(MAX_DEPTH + 1):
        level = [
            each
            for value in level
            if isinstance(value, (dict, list))
            for each in (value.values() if isinstance(value, dict) else value)
        ]
        if not level:
            return False
    return True


def limit(
    application: Any, *within: Callable[[Application], Application]
) -> Application:
    """Mailman's application, with these limits.

    :param application: Of `mailman.rest.wsgiapp`.
    :param within: What takes only what is within them, and hands it on.
    """
    application.req_options.media_handlers[_JSON] = ObjectHandler()
    for wrap in within:
        application = wrap(application)
    return Limited(application)

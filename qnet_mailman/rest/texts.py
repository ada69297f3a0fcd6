# SPDX-License-Identifier: GPL-3.0-or-later
"""/texts: what stands in a text whose address Mailman has been told."""

from __future__ import annotations

from typing import Any

from mailman.model.template import Template
from mailman.rest.helpers import bad_request, no_content, not_found
from mailman.rest.validator import Validator
from sqlalchemy import select

from qnet_mailman.model import texts
from qnet_mailman.model.base import store


class Texts:
    """Told by the web side after each change, so that core need not ask it."""

    def on_post(self, request: Any, response: Any) -> None:
        """204 the `text` at a `uri` is known until that is set again; 404 it is not."""
        try:
            given = Validator(uri=str, text=str)(request)
        except ValueError as error:
            bad_request(response, str(error))
            return
        told = select(Template.id).where(Template.uri == given['uri'])
        if store().scalar(told.limit(1)) is None:
            not_found(response, 'No text is there')
            return
        texts.keep(given['uri'], given['text'], None)
        no_content(response)

# SPDX-License-Identifier: GPL-3.0-or-later
"""/texts: what stands in a text whose address Mailman has been told."""

from __future__ import annotations

import hashlib
from typing import Any

from mailman.model.template import Template
from mailman.rest.helpers import bad_request, no_content, not_found
from mailman.rest.validator import Validator
from sqlalchemy import select

from qnet_mailman.model import audit, texts
from qnet_mailman.model.base import store


class Texts:
    """Told by the web side after each change, so that core need not ask it."""

    def on_post(self, request: Any, response: Any) -> None:
        """204 the `text` at a `uri` is known until that is set again; 404 it is not.

        Another text than before is in the audit log, by its digest: the address stays.
        """
        try:
            given = Validator(uri=str, text=str)(request)
        except ValueError as error:
            bad_request(response, str(error))
            return
        set_there = select(Template).where(Template.uri == given['uri'])
        templates = store().scalars(set_there).all()
        if not templates:
            not_found(response, 'No text is there')
            return
        before = texts.known(given['uri'])
        if before is None or before.text != given['text']:
            digest = hashlib.sha256(given['text'].encode()).hexdigest()
            for each in templates:
                of = each.context or None
                audit.record(audit.Action.text_set, of, each.name, sha256=digest)
        texts.keep(given['uri'], given['text'], None)
        no_content(response)

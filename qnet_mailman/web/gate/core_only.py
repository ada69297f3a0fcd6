# SPDX-License-Identifier: GPL-3.0-or-later
"""Pages for Mailman core alone: it shows a credential that both sides can make.

Its address would say nothing: behind a proxy on the same host all the world comes from
there.  Core is handed the texts of messages that somebody has set in Postorius, and
told the credential together with the address of each, where it fetches what it lacks.
"""

from __future__ import annotations

import base64
import hmac
import logging
from typing import Any

from django.conf import settings
from django.core.checks import Tags, Warning, register
from django.http import HttpRequest

from qnet_mailman.core_credential import USER, password_from
from qnet_mailman.web import core

log = logging.getLogger('qnet.web')

#: Mailman's password for REST where nobody has set one.
STOCK_PASSWORD = 'restpass'


def is_core(request: HttpRequest) -> bool:
    """Whether a request shows core's credential; compared in constant time.

    :param request: The request.
    """
    kind, _space, shown = request.META.get('HTTP_AUTHORIZATION', '').partition(' ')
    if kind.lower() == 'basic':
        expected = f'{USER}:{password_from(settings.MAILMAN_REST_API_PASS)}'
        encoded = base64.b64encode(expected.encode())
        if hmac.compare_digest(shown.strip().encode('utf-8', 'replace'), encoded):
            return True
    log.warning('%s was not given to somebody who is not core', request.path)
    return False


def tell_core(template: Any, deleted: bool = False) -> None:
    """Tell core where a text is, what to show there, and the text itself.

    In the place of `EmailTemplate._update_core`, which tells the address alone.  With
    the text, core never has to ask a page that may be waiting for core.

    :param template: Postorius's.
    :param deleted: Whether core is to go back to the text that it had before.
    """
    owner = template._get_context_obj()
    if owner is None:
        return
    if deleted:
        owner.set_template(template.name, '')
        return
    password = password_from(settings.MAILMAN_REST_API_PASS)
    owner.set_template(template.name, template.api_url, USER, password)
    try:
        core.post('texts', {'uri': template.api_url, 'text': template.data})
    except core.CoreUnavailable:
        log.warning('core did not take the text %s, and will fetch it', template.name)


@register(Tags.security, deploy=True)
def check_password(**_kwargs: Any) -> list[Warning]:
    """Warn where anybody can make the credential."""
    if settings.MAILMAN_REST_API_PASS != STOCK_PASSWORD:
        return []
    return [
        Warning(
            'MAILMAN_REST_API_PASS is the one that every Mailman begins with.',
            hint='Set admin_pass in [webservice] of mailman.cfg, and here.',
            id='qnet_gate.W002',
        )
    ]

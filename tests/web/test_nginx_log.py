# SPDX-License-Identifier: GPL-3.0-or-later
"""That `etc/nginx` knows each address of ours that holds a token."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from django.urls import get_resolver

from qnet_mailman.demo.configuration import ROOT

SECRETS = re.compile(r'token|^key$|uidb36|request_id')
# The name of a step of a form is none.
NOT_SECRET = {'qnet_ask_step'}
VALUE = 'Sx9-Sx9'


def patterns(node: Any, before: str = '') -> Iterator[tuple[str, str]]:
    """The name of each address, and the whole of its pattern."""
    for each in node.url_patterns:
        route = before + str(each.pattern).removeprefix('^')
        if hasattr(each, 'url_patterns'):
            yield from patterns(each, route)
        else:
            yield str(each.name), route


def example(route: str) -> str:
    """An address of a pattern, with the same value wherever one stands."""
    route = re.sub(r'<(?:\w+:)?\w+>(?!\[|\.|\\)', VALUE, route)
    route = re.sub(r'\(\?P<\w+>[^()]*\)', VALUE, route)
    return '/' + route.replace('/?', '/').replace('$', '')


def test_no_address_with_a_token_is_logged_whole() -> None:
    conf = (ROOT / 'etc/nginx/qnet-mailer.conf').read_text('utf-8')
    rules = re.findall(r'"~(\^\(\?<begin>[^"]*)"', conf)
    assert len(rules) == 3
    hidden = [re.compile(rule.replace('?<begin>', '')) for rule in rules]
    seen = set()
    for name, route in patterns(get_resolver()):
        groups = re.findall(r'<(?:\w+:)?(\w+)>', route)
        if name in NOT_SECRET or not any(SECRETS.search(each) for each in groups):
            continue
        seen.add(name)
        path = example(route)
        begin = next((rule.match(path) for rule in hidden if rule.match(path)), None)
        assert begin is not None, (name, path)
        # Of what stands before a token, a list is no secret.
        assert VALUE not in begin[1].replace(f'/lists/{VALUE}/', '/'), (name, path)
    assert {'qnet_unsubscribe', 'account_confirm_email', 'qnet_decide'} <= seen

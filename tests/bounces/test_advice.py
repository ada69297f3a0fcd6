# SPDX-License-Identifier: GPL-3.0-or-later
"""What somebody is told to do fits why their mail came back (R19)."""

from __future__ import annotations

import pytest

from qnet_mailman.bounces.advice import advice, reason_of
from qnet_mailman.bounces.reading.verdict import Reason

WRONG = {Reason.address_unknown, Reason.domain_unknown, Reason.moved}
OWN = {
    Reason.mailbox_full: 'Make room',
    Reason.message_too_large: 'larger messages',
    Reason.account_suspended: 'Sign in to your mail account',
    Reason.transient: 'out of order',
    Reason.address_unknown: 'spelled',
    Reason.domain_unknown: 'after the @',
    Reason.moved: 'where your mail goes now',
}


def steps_for(reason: Reason | None) -> list[str]:
    return advice(
        reason,
        domain='lists.example.gov',
        posting_address='news@lists.example.gov',
        sign_up='at https://lists.example.gov/signup/?lists=news',
    )


@pytest.mark.parametrize('reason', [*Reason, None])
def test_who_does_not_exist_need_not_let_anybody_in(reason: Reason | None) -> None:
    steps = steps_for(reason)
    assert OWN.get(reason, 'Allow the domain') in steps[0]  # type: ignore[arg-type]
    text = ' '.join(steps)
    assert '$' not in text
    for words in ('llow the domain lists.example.gov', 'blocklist'):
        assert (words in text) == (reason not in WRONG)
    assert ('sign up with that one at https://' in text) == (reason in WRONG)


def test_a_reason_that_is_not_known_any_more() -> None:
    assert reason_of('mailbox full') is Reason.mailbox_full
    assert reason_of('of an earlier version') is None

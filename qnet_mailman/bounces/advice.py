# SPDX-License-Identifier: GPL-3.0-or-later
"""What helps somebody whom a list's mail does not reach, by the reason (R19).

Pure.  Where the server takes no such address, nothing that is allowed anywhere helps;
where it is full, or its account is off, that comes first.  For all else there are the
steps of R19.
"""

from __future__ import annotations

from string import Template

from qnet_mailman.bounces.reading.verdict import Reason

#: Why a message came back, told to the person at whose address it did.
BECAUSE = {
    Reason.mailbox_full: 'the mailbox is full',
    Reason.message_too_large: 'it was larger than your mail server accepts',
    Reason.account_suspended: 'the account is suspended or not in use',
    Reason.transient: (
        'your mail server could not be reached, or did not take it, for a long time'
    ),
    Reason.address_unknown: 'your mail server does not know this address',
    Reason.domain_unknown: 'the part of the address after the @ cannot be found',
    Reason.moved: 'your mail server says that the address has moved',
    Reason.policy: 'your mail server refuses it because of its rules or a blocklist',
    Reason.authentication: (
        'your mail server could not make sure that the message came from us'
    ),
    Reason.content: 'your mail server did not accept what was in it',
}

_NEW_ADDRESS = (
    'If you have another address now, sign up with that one $sign_up and leave the old '
    'one as it is: you need not unsubscribe it.'
)
_FIRST = {
    Reason.mailbox_full: (
        'Make room in the mailbox: delete what you do not need, and empty the folder '
        'of deleted messages.',
    ),
    Reason.message_too_large: (
        'Ask your IT department whether your mail server can take larger messages '
        'from $domain.',
    ),
    Reason.account_suspended: (
        'Sign in to your mail account, or ask your IT department to turn it on again.',
    ),
    Reason.transient: (
        'Ask your IT department whether your mail server was out of order, or turns '
        'mail from $domain away for some time.',
    ),
    Reason.address_unknown: (
        'Look at that address: is it spelled as yours is?',
        'If it is yours and other mail reaches you there, ask your IT department why '
        'the mail server says that it does not know the address.',
        _NEW_ADDRESS,
    ),
    Reason.domain_unknown: (
        'Look at the part of that address after the @: is it spelled as yours is?',
        'If it is, ask the IT department that looks after it whether its domain name '
        'has run out, or cannot be found from outside.',
        _NEW_ADDRESS,
    ),
    Reason.moved: (
        'Find out where your mail goes now, and ask your IT department to pass on '
        'what comes to the old address.',
        _NEW_ADDRESS,
    ),
}
_WRONG_ADDRESS = {Reason.address_unknown, Reason.domain_unknown, Reason.moved}
_FOR_ALL_ELSE = (
    'Allow the domain $domain and the address $list in your mail program, and look '
    'into the folder for spam or junk.',
    'Ask your IT department to check that your mail server accepts mail from $domain.',
    'Ask them to check, too, that $domain is not on a blocklist that your mail server '
    'uses.',
)
_IF_IT_GOES_ON = (
    'If messages still do not reach you, allow the domain $domain in your mail '
    'program, and ask your IT department to check that your mail server accepts mail '
    'from it, and that it is not on a blocklist.'
)


def reason_of(text: str) -> Reason | None:
    """A reason as the ledger has it; None where it has none that is known."""
    try:
        return Reason(text)
    except ValueError:
        return None


def advice(
    reason: Reason | None, *, domain: str, posting_address: str, sign_up: str
) -> list[str]:
    """What to do, one step after the other.

    :param reason: Of the latest bounce; None where nothing is known.
    :param domain: Whose mail is to be let in.
    :param posting_address: Of the list.
    :param sign_up: Where one signs up for it, such as "at https://...".
    """
    own = _FIRST.get(reason, ()) if reason is not None else ()
    if reason in _WRONG_ADDRESS:
        steps = own
    elif own:
        steps = (*own, _IF_IT_GOES_ON)
    else:
        steps = _FOR_ALL_ELSE
    names = {'domain': domain, 'list': posting_address, 'sign_up': sign_up}
    return [Template(step).substitute(names) for step in steps]


def numbered(steps: list[str]) -> str:
    """Steps as an indented list of a text."""
    return '\n'.join(f'  {number}. {step}' for number, step in enumerate(steps, 1))

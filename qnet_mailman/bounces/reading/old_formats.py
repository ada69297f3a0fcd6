# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks flufl.bounce for the addresses in old formats, behind a guard.

flufl.bounce knows dozens of formats of the 1990s, but trusts its input: it raises
AttributeError on some headers with 8-bit bytes, and its time grows with the square of
a text's length (1 MB of newlines takes 24 s).  It therefore gets a small copy that has
only the report: few lines, few headers, ASCII, and nothing of the returned message.
"""

from __future__ import annotations

from email.message import Message

from flufl.bounce import all_failures

from qnet_mailman.bounces.reading.addresses import find_addresses, is_address
from qnet_mailman.mail.parts import Report

MAX_LINES = 60
MAX_LINE = 200

# What the detectors look at.
_HEADERS = ('from', 'to', 'subject', 'x-mailer', 'x-failed-recipients', 'x-failed-to')


def find_old(report: Report, lines: list[str], known: set[str]) -> list[str]:
    """Find the failing addresses of a report in an old format.

    :param report: The report, for its headers.
    :param lines: The text of the report, without the returned message.
    :param known: Addresses that were found in it, in lower case.
    :return: Nothing where no address stands in the report that is not known.
    """
    if not _names_others(report, lines, known):
        return []
    copy = Message()
    for name in _HEADERS:
        if value := report.get(name):
            copy[name] = _ascii(value)[:MAX_LINE]
    text = Message()
    text['Content-Type'] = 'text/plain'
    text.set_payload(_body(lines))
    if report.content_type.startswith('multipart/'):
        copy['Content-Type'] = report.content_type
        copy.attach(text)
    else:
        copy['Content-Type'] = 'text/plain'
        copy.set_payload(text.get_payload())
    try:
        temporary, permanent = all_failures(copy)
    except Exception:
        return []  # It has logged what it stumbled over.
    found = sorted(one.decode('ascii', 'ignore') for one in temporary | permanent)
    return [one for one in found if is_address(one)]


def _names_others(report: Report, lines: list[str], known: set[str]) -> bool:
    """Whether an address that is not known stands in a text, or may be meant in it."""
    # These write names without their domain, and flufl.bounce knows it.
    if any(name in report.get('from').lower() for name in ('aol.com', 'yale.edu')):
        return True
    for line in (report.get('x-failed-to'), *lines):
        if '@' not in line:
            continue
        found = find_addresses(line)
        if len(found) != line.count('@'):
            return True
        if not all(address.lower() in known for _start, _end, address in found):
            return True
    return False


def _body(lines: list[str]) -> str:
    kept: list[str] = []
    for line in lines:
        if line.strip() or (kept and kept[-1]):
            kept.append(_ascii(line)[:MAX_LINE].rstrip())
        if len(kept) >= MAX_LINES:
            break
    return '\n'.join(kept) + '\n'


def _ascii(text: str) -> str:
    text = ' '.join(text.splitlines())
    return text.encode('ascii', 'replace').decode('ascii')

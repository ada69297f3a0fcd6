# SPDX-License-Identifier: GPL-3.0-or-later
"""What a report returns of the message that bounced: it decides nothing.

Its subject stands in the report's own subject and text as often as not
("Undeliverable: Approval of the digest"), and its words are not the report's.
"""

from __future__ import annotations

import re

from qnet_mailman.bounces.reading import automatic
from qnet_mailman.bounces.reading.addresses import find_addresses
from qnet_mailman.mail.parts import Report, read_headers

#: Header fields of messages that lists send.
_LIST_FIELDS = frozenset({'list-id', 'list-post', 'list-unsubscribe'})
#: A shorter subject may be one of the report's own words.
_MIN_SUBJECT = 4
_SUBJECT_LINE = re.compile(
    r'\s{0,12}[*>-]{0,3}\s{0,4}(?:(?:message )?subject|betreff|objet|asunto|assunto'
    r'|oggetto|onderwerp|ämne|emne|件名|主题|主旨|제목|тема|temat)\s{0,4}[:=：]',
    re.IGNORECASE,
)


def recipient(report: Report) -> list[str]:
    """Whom the returned message was for, where that was one person: the last resort."""
    headers = _headers(report)
    if not _LIST_FIELDS.isdisjoint(headers):
        return []  # A list's message is to the list.
    values = headers.get('to', [])
    found = [address for value in values for _s, _e, address in find_addresses(value)]
    return found if len(found) == 1 else []


def set_apart(report: Report, lines: list[str]) -> list[str]:
    """Take the returned message's subject out of a report's subject and text.

    :param report: Gets the subject that remains.
    :return: The lines that remain.
    """
    kept = [line for line in lines if not _SUBJECT_LINE.match(line)]
    headers = _headers(report)
    subject = ' '.join(headers.get('subject', [''])[0].split())
    if len(subject) < _MIN_SUBJECT or automatic.is_daemon(headers.get('from', [''])[0]):
        return kept
    own = ' '.join(report.get('subject').split())
    before, found, after = own.partition(subject)
    if found:
        report.headers['subject'] = [f'{before.rstrip()} {after}'.strip()]
    return [line.replace(subject, ' ') if subject in line else line for line in kept]


def _headers(report: Report) -> dict[str, list[str]]:
    """The header fields of the returned message, as far as the report has them."""
    if report.attached:
        return read_headers(report.attached[0])
    headers: dict[str, list[str]] = {}
    for line in report.returned_lines:
        name, colon, value = line.partition(':')
        if colon and name.lower() not in headers:
            headers[name.lower()] = [value.strip()]
    return headers

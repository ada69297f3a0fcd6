# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads notifications that relays send as JSON instead of a report (Amazon SES)."""

from __future__ import annotations

import json
from typing import Any

from qnet_mailman.bounces.reading.addresses import clean_address
from qnet_mailman.bounces.reading.reasons import find_codes, judge, kind_of
from qnet_mailman.bounces.reading.verdict import Failure, Kind, Reason, Verdict
from qnet_mailman.mail.parts import Report

# https://docs.aws.amazon.com/ses/latest/dg/notification-contents.html
_NOT_A_BOUNCE = {
    'complaint': Reason.feedback,
    'delivery': Reason.delivered,
    'deliverydelay': Reason.delay,
    'send': Reason.delivered,
    'open': Reason.feedback,
    'click': Reason.feedback,
}
_SUBTYPES = {
    'mailboxfull': Reason.mailbox_full,
    'messagetoolarge': Reason.message_too_large,
    'contentrejected': Reason.content,
    'attachmentrejected': Reason.content,
    'noemail': Reason.address_unknown,
}


def read_notification(report: Report) -> Verdict | None:
    """Read a message whose text is a notification.

    :return: Its verdict, or None where the text is something else.
    """
    if report.content_type.startswith('multipart/report') or not report.texts:
        return None
    text = '\n'.join(report.texts[0]).lstrip()
    if not text.startswith('{'):
        return None
    data = _load(text)
    if isinstance(data.get('Message'), str):
        data = _load(data['Message'])  # Wrapped by SNS.
    kind = str(data.get('notificationType') or data.get('eventType') or '').lower()
    kind = kind.replace(' ', '').replace('_', '')
    if kind in _NOT_A_BOUNCE:
        return Verdict(Kind.none, _NOT_A_BOUNCE[kind], f'notificationType: {kind}')
    bounce = data.get('bounce')
    if kind != 'bounce' or not isinstance(bounce, dict):
        return None
    recipients = bounce.get('bouncedRecipients')
    failures = tuple(
        _failure(bounce, one)
        for one in (recipients if isinstance(recipients, list) else [])[:100]
        if isinstance(one, dict)
    )
    return Verdict.of(failures) if failures else None


def _load(text: str) -> dict[str, Any]:
    try:
        data, _end = json.JSONDecoder().raw_decode(text)
    except (ValueError, RecursionError):
        return {}
    return data if isinstance(data, dict) else {}


def _failure(bounce: dict[str, Any], recipient: dict[str, Any]) -> Failure:
    said = str(recipient.get('diagnosticCode') or '')[:2000]
    status = find_codes(str(recipient.get('status') or '')[:100])
    judged = judge([said], status)
    kind, reason = judged.kind, judged.reason
    if reason is Reason.undetermined:
        subtype = str(bounce.get('bounceSubType') or '').lower()
        reason = _SUBTYPES.get(subtype, reason)
        if str(bounce.get('bounceType')).lower() == 'transient':
            reason = Reason.transient if reason is Reason.undetermined else reason
        kind = kind_of(reason, temporary=False)
    address = clean_address(str(recipient.get('emailAddress') or ''))
    return Failure(
        address, kind, reason, judged.status, judged.reply_code, judged.evidence
    )

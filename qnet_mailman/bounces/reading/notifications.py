# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads notifications that relays send as JSON instead of a report (Amazon SES)."""

from __future__ import annotations

import json
from typing import Any

from qnet_mailman.bounces.reading.addresses import clean_address
from qnet_mailman.bounces.reading.reasons import find_codes, judge, kind_of, one_line
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
    if report.content_type.startswith('multipart/report') or not report.data:
        return None
    data = _load(report.data)
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
    # A line of it is as long as the message was; mail systems fold it, within strings
    # as well.
    for one in (text, text.replace('\r', '').replace('\n', '')):
        try:
            data, _end = json.JSONDecoder().raw_decode(one.lstrip())
        except (ValueError, RecursionError):
            continue
        return data if isinstance(data, dict) else {}
    return {}


def _failure(bounce: dict[str, Any], recipient: dict[str, Any]) -> Failure:
    said = str(recipient.get('diagnosticCode') or '')[:2000]
    status = find_codes(str(recipient.get('status') or '')[:100])
    judged = judge([said], status)
    kind, reason, row = judged.kind, judged.reason, judged.row
    if reason is Reason.undetermined:
        subtype = str(bounce.get('bounceSubType') or '').lower()
        reason = _SUBTYPES.get(subtype, reason)
        if reason is Reason.undetermined and _is(bounce, 'transient'):
            reason = Reason.transient
        kind = kind_of(reason, temporary=False)
        row = f'bounceType: {bounce.get("bounceType")}, {subtype or "no bounceSubType"}'
    address = clean_address(str(recipient.get('emailAddress') or ''))
    return Failure(
        address,
        kind,
        reason,
        judged.status,
        judged.reply_code,
        judged.evidence,
        row=one_line(row),
    )


def _is(bounce: dict[str, Any], kind: str) -> bool:
    return str(bounce.get('bounceType')).lower() == kind

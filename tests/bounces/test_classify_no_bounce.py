# SPDX-License-Identifier: GPL-3.0-or-later
"""What arrives at a bounces address and scores nothing (R16)."""

from __future__ import annotations

import pytest

from qnet_mailman.bounces.reading.classify import Kind, Reason, classify

DELAY = Reason.delay
AUTO = Reason.automatic_reply
CHALLENGE = Reason.challenge
CHATTER = Reason.chatter
FEEDBACK = Reason.feedback
OTHER = Reason.other

DAEMON = 'From: Mail Delivery System <MAILER-DAEMON@mx.example.net>'
PERSON = 'From: Pat Reader <reader@agency.example.gov>'
STATUS = (
    'Reporting-MTA: dns; mx.example.net\n\n'
    'Final-Recipient: rfc822; reader@agency.example.gov\n'
    'Action: {}\nStatus: {}\n'
)


def report(
    kind: str, part: str, text: str = 'See below.', subject: str = 'Report'
) -> str:
    return (
        f'{DAEMON}\nSubject: {subject}\n'
        f'Content-Type: multipart/report; report-type={kind}; boundary="b"\n\n'
        f'--b\nContent-Type: text/plain\n\n{text}\n'
        f'--b\nContent-Type: message/{kind}\n\n{part}\n'
        '--b\nContent-Type: message/rfc822\n\nSubject: News\n\nuser unknown\n--b--\n'
    )


MESSAGES: list[tuple[str, str, Reason]] = [
    # --------------------------------------------------------------- delay warnings
    ('delayed', report('delivery-status', STATUS.format('delayed', '4.4.1')), DELAY),
    (
        'delayed, though the mailbox is full',
        report('delivery-status', STATUS.format('delayed', '4.2.2'), 'mailbox full'),
        DELAY,
    ),
    (
        'delayed, as text',
        f'{DAEMON}\nSubject: Warning: message 1AbC-00 delayed 24 hours\n\n'
        'A message that you sent has not yet been delivered to one or more of its\n'
        'recipients after more than 24 hours on the queue.\n\n  reader@example.org\n',
        DELAY,
    ),
    (
        'delayed, sendmail',
        f'{DAEMON}\nSubject: Warning: could not send message for past 4 hours\n\n'
        '    THIS IS A WARNING MESSAGE ONLY\n\n<reader@example.org>... Deferred: '
        'Connection timed out\n',
        DELAY,
    ),
    (
        'delayed, gmail',
        f'{DAEMON}\nSubject: Delivery Status Notification (Delay)\n\n'
        'Delivery to the following recipient has been delayed:\n\n'
        '     reader@example.org\n\nMessage will be retried for 2 more day(s)\n',
        DELAY,
    ),
    (
        'delayed, German',
        f'{DAEMON}\nSubject: Zustellung verzögert\n\nIhre Nachricht an '
        'reader@example.org konnte noch nicht zugestellt werden.\n',
        DELAY,
    ),
    (
        'delayed, Japanese',
        f'{DAEMON}\nSubject: 配信遅延のお知らせ\n\n<reader@example.org>\n'
        'まだ配信できていません。\n',
        DELAY,
    ),
    (
        'delayed, without an action',
        report(
            'delivery-status',
            STATUS.format('', '4.4.1').replace('Action: \n', ''),
            'Your message has been delayed.',
        ),
        DELAY,
    ),
    # --------------------------------------------------------- delivery confirmations
    (
        'delivered',
        report('delivery-status', STATUS.format('delivered', '2.0.0')),
        Reason.delivered,
    ),
    (
        'relayed',
        report('delivery-status', STATUS.format('relayed', '2.0.0')),
        Reason.delivered,
    ),
    (
        'expanded',
        report('delivery-status', STATUS.format('expanded', '2.0.0')),
        Reason.delivered,
    ),
    (
        'read receipt',
        report(
            'disposition-notification',
            'Final-Recipient: rfc822; reader@example.org\n'
            'Disposition: manual-action/MDN-sent-manually; displayed',
        ),
        AUTO,
    ),
    # -------------------------------------------------------------- automatic replies
    ('English', f'{PERSON}\nSubject: Out of office\n\nI am away.\n', AUTO),
    (
        'from nobody',
        f'{PERSON}\nReturn-Path: <>\nSubject: Automatic reply: News\n\n'
        'This mailbox is full of unread mail. User unknown to me will answer.\n',
        AUTO,
    ),
    ('German', f'{PERSON}\nSubject: Abwesenheitsnotiz: News\n\nBin weg.\n', AUTO),
    ('French', f'{PERSON}\nSubject: Réponse automatique : News\n\nAbsent.\n', AUTO),
    ('Spanish', f'{PERSON}\nSubject: Respuesta automática: News\n\nAusente.\n', AUTO),
    ('Portuguese', f'{PERSON}\nSubject: Resposta automática: News\n\nx\n', AUTO),
    ('Italian', f'{PERSON}\nSubject: Risposta automatica: News\n\nx\n', AUTO),
    ('Dutch', f'{PERSON}\nSubject: Automatisch antwoord: News\n\nx\n', AUTO),
    ('Japanese', f'{PERSON}\nSubject: 自動応答: News\n\n不在です。\n', AUTO),
    ('Chinese', f'{PERSON}\nSubject: 自动回复: News\n\n我在休假。\n', AUTO),
    ('Russian', f'{PERSON}\nSubject: Автоматический ответ: News\n\nx\n', AUTO),
    ('Polish', f'{PERSON}\nSubject: Odpowiedź automatyczna: News\n\nx\n', AUTO),
    (
        'RFC 3834',
        f'{PERSON}\nAuto-Submitted: auto-replied\nSubject: Re: News\n\n'
        'I have left the agency; reader@agency.example.gov does not exist any more.\n',
        AUTO,
    ),
    (
        'Precedence',
        f'{PERSON}\nPrecedence: auto_reply\nSubject: Re: x\n\nAway.\n',
        AUTO,
    ),
    ('X-Autoreply', f'{PERSON}\nX-Autoreply: yes\nSubject: Re: x\n\nAway.\n', AUTO),
    (
        'ticket system',
        f'{PERSON}\nAuto-Submitted: auto-generated\nSubject: [Ticket 12] News\n\n'
        'We have received your message.\n',
        AUTO,
    ),
    # -------------------------------------------------------------- feedback reports
    (
        'ARF',
        report('feedback-report', 'Feedback-Type: abuse\nUser-Agent: x/1\nVersion: 1'),
        FEEDBACK,
    ),
    (
        'ARF, authentication failure',
        report('feedback-report', 'Feedback-Type: auth-failure\nVersion: 1'),
        FEEDBACK,
    ),
    (
        'ARF that names a recipient',
        report(
            'feedback-report',
            'Feedback-Type: abuse\nOriginal-Rcpt-To: reader@agency.example.gov\n'
            'Final-Recipient: rfc822; reader@agency.example.gov\nAction: failed\n'
            'Status: 5.1.1',
        ),
        FEEDBACK,
    ),
    (
        'older format',
        f'{PERSON}\nSubject: complaint about message from 192.0.2.1\n\nx\n',
        FEEDBACK,
    ),
    (
        'SES complaint',
        f'{PERSON}\nSubject: x\n\n{{"notificationType":"Complaint"}}\n',
        FEEDBACK,
    ),
    (
        'SES delivery',
        f'{PERSON}\nSubject: x\n\n{{"notificationType":"Delivery"}}\n',
        Reason.delivered,
    ),
    # -------------------------------------------------------------------- challenges
    (
        'challenge',
        f'{PERSON}\nSubject: Re: News\n\nTo control spam, please confirm your message '
        'by clicking on the link below.\n',
        CHALLENGE,
    ),
    (
        'challenge, verification',
        f'{PERSON}\nSubject: Re: News [awaiting your verification]\n\nx\n',
        CHALLENGE,
    ),
    (
        'challenge that speaks of delivery',
        f'{PERSON}\nSubject: Message could not be delivered yet\n\nSpamArrest: click '
        'the link below to have your message delivered.\n',
        CHALLENGE,
    ),
    # ----------------------------------------------------------------------- chatter
    (
        'held for approval',
        f'{PERSON}\nSubject: Your message to staff awaits moderator approval\n\nx\n',
        CHATTER,
    ),
    (
        'another list',
        f'{PERSON}\nList-Id: <staff.agency.example.gov>\nSubject: x\n\nuser unknown\n',
        CHATTER,
    ),
    (
        'unsubscribed',
        f'{PERSON}\nSubject: You have been unsubscribed from staff\n\nx\n',
        CHATTER,
    ),
    # ------------------------------------------------------------------- ordinary mail
    ('a question', f'{PERSON}\nSubject: Question\n\nHow do I post?\n', OTHER),
    (
        'a question about bounces',
        f'{PERSON}\nSubject: Problem\n\nMy mail could not be delivered to '
        'bob@example.org: 550 5.1.1 user unknown. Why?\n',
        OTHER,
    ),
    (
        'an answer to a report',
        f'{PERSON}\nSubject: Re: Undelivered Mail Returned to Sender\n\nExplain. '
        'My message could not be delivered to bob@example.org.\n',
        OTHER,
    ),
    ('spam', 'From: x@example.org\nSubject: Cheap watches\n\nBuy now!\n', OTHER),
    ('empty', '', OTHER),
    ('no headers', '\n\nuser unknown: bob@example.org\n', OTHER),
]


@pytest.mark.parametrize(
    'message, reason', [pytest.param(*row[1:], id=row[0]) for row in MESSAGES]
)
def test_no_bounce(message: str, reason: Reason) -> None:
    verdict = classify(message.encode())
    assert (verdict.kind, verdict.reason) == (Kind.none, reason)
    assert verdict.failures == ()
    assert verdict.recognized is (reason is not OTHER)


# ------------------------------------------------- the returned message decides nothing

REPORT_INSIDE = report('delivery-status', STATUS.format('failed', '5.1.1'))


def with_attached(subject: str, text: str, sender: str = PERSON) -> bytes:
    return (
        f'{sender}\nSubject: {subject}\nContent-Type: multipart/mixed; boundary="m"\n\n'
        f'--m\nContent-Type: text/plain\n\n{text}\n'
        f'--m\nContent-Type: message/rfc822\n\n{REPORT_INSIDE}\n--m--\n'
    ).encode()


def test_an_ordinary_post_with_a_report_attached_is_none() -> None:
    verdict = classify(with_attached('What is this?', 'I got the attached message.'))
    assert (verdict.kind, verdict.reason) == (Kind.none, OTHER)


def test_an_automatic_reply_that_returns_a_report_is_none() -> None:
    verdict = classify(with_attached('Automatic reply: x', 'I am away.'))
    assert (verdict.kind, verdict.reason) == (Kind.none, AUTO)


@pytest.mark.parametrize(
    'subject', ['Fwd: Delivery failed', 'WG: Unzustellbar', 'TR: x']
)
def test_a_report_forwarded_as_an_attachment_counts(subject: str) -> None:
    verdict = classify(with_attached(subject, 'See attachment.'))
    assert [one.address for one in verdict.failures] == ['reader@agency.example.gov']


def test_a_report_without_a_word_around_it_counts() -> None:
    verdict = classify(with_attached('', ''))
    assert [one.address for one in verdict.failures] == ['reader@agency.example.gov']


def test_a_report_in_a_report_decides_nothing() -> None:
    """The message that came back had somebody else's report attached."""
    data = (
        f'{DAEMON}\nSubject: Undelivered Mail\n'
        'Content-Type: multipart/report; report-type=delivery-status; boundary="o"\n\n'
        '--o\nContent-Type: text/plain\n\nNot delivered.\n'
        '--o\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; x\n\n'
        'Final-Recipient: rfc822; other@example.org\nAction: failed\nStatus: 5.2.2\n\n'
        '--o\nContent-Type: message/rfc822\n\n'
        + with_attached('News', 'See attachment.').decode()
        + '\n--o--\n'
    ).encode()
    (failure,) = classify(data).failures
    assert (failure.address, failure.kind) == ('other@example.org', Kind.soft)


def test_the_returned_text_decides_nothing() -> None:
    data = (
        f'{DAEMON}\nSubject: failure notice\n\nUnable to deliver your message.\n\n'
        '<reader@agency.example.gov>:\nmailbox is full\n\n'
        '--- Below this line is a copy of the message.\n\nReceived: from x\n'
        'Subject: bounces\n\n<bob@example.org>:\n550 5.1.1 user unknown\n'
    ).encode()
    (failure,) = classify(data).failures
    assert (failure.address, failure.kind) == ('reader@agency.example.gov', Kind.soft)


def test_the_returned_text_makes_no_report() -> None:
    data = (
        f'{PERSON}\nSubject: Re: News\n\nThank you!\n\n> <bob@example.org>:\n'
        '> 550 5.1.1 user unknown\n> could not be delivered\n'
    ).encode()
    assert classify(data).kind is Kind.none

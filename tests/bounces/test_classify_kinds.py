# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: E501 (a reply is a line, however long)
"""Kinds of refusals, each with several relatives, in words of our own (R16)."""

from __future__ import annotations

import pytest

from qnet_mailman.bounces.reading.classify import Kind, Reason, classify
from qnet_mailman.bounces.reading.reasons import Codes, judge
from qnet_mailman.bounces.reading.texts import Phrases
from tests.bounces.test_classify_reports import WHO, dsn, fields, plain

HARD, SOFT = Kind.hard, Kind.soft

REPLIES: dict[tuple[Kind, Reason], str] = {
    (SOFT, Reason.transient): """
550 5.1.1 Rate limit for this mailbox exceeded
550 5.1.1 <x@y.example>: your server sends too fast, slow down
550 5.1.1 too many messages from your network within the last hour
550 5.7.1 Hourly limit reached, come back later
554 5.7.1 This sender has exceeded 200 messages per hour
550 5.7.1 Greylisted, see you in five minutes
554 5.7.1 <x@y.example>: graylisting in action
550 5.7.1 Your address is on our grey list for now
550 5.7.1 Liste grise: réessayez dans 5 minutes
550 5.1.1 <x@y.example>: Recipient address rejected: unverified address: connect to mx1.y.example[192.0.2.7]:25: Connection timed out
550 5.1.1 <x@y.example> recipient verification failed: the server did not respond
550 5.1.0 callout to mx1.y.example: could not connect
550 Tried all MXs
550 5.1.2 Tried all mail exchangers of the domain
5.0.0 Network is down
5.0.0 Host is down
5.0.0 No route to host
5.0.0 Operation timed out
5.0.0 Software caused connection abort
""",
    (SOFT, Reason.message_too_large): """
451 4.2.0 <x@y.example> This mail is larger than 40 MB
451 4.2.0 Requested allocation size is too large
552 Attachments total 31 MB, we take 25
550 The total size of all attachments is above what we accept
554 5.7.1 Your attachments exceed 10 MB
550 Anhänge überschreiten das zulässige Maß
550 Les pièces jointes dépassent 10 Mo
550 I tuoi allegati superano il limite
""",
    (SOFT, Reason.mailbox_full): """
550 All storage of this user has been used up
550 5.1.1 the space of this account was used up
554 The recipient ran out of space
550 Die Speichergrenze ist erreicht
550 Die Speicherkapazität des Postfachs reicht nicht
Mottagarens brevlåda är full
Kontot har överskridit sin kvot
Modtagerens postkasse er helt fuld
Brugeren har overskredet sin kvote
Mottakerens innboks er full
Det er ikke mer plass hos mottakeren
Το γραμματοκιβώτιο του χρήστη είναι γεμάτο
Υπέρβαση του ορίου για αυτόν τον λογαριασμό
תיבת הדואר של המשתמש מלאה
אין מקום לדואר נוסף
กล่องจดหมายของผู้ใช้เต็มแล้ว
ผู้ใช้ใช้พื้นที่เกินโควตา
Кутията на потребителя е пълна
Няма място за нови писма
Poštanski sandučić korisnika je prepun
Nema više prostora za nove poruke
Nabiralnik prejemnika je poln
""",
    (HARD, Reason.address_unknown): """
550 5.2.1 This account was deactivated
550 <x@y.example>: deactivated mailbox
550 5.7.1 the user's account has been terminated
550 terminated account
550 5.2.1 <x@y.example> no longer accepts mail
554 This mailbox is no longer accepting anything
550 5.4.1 <x@y.example>: Recipient address rejected: Access denied
550 5.1.1 unverified address: host mx1.y.example[192.0.2.7] said: 550 no such user (in reply to RCPT TO command)
""",
    (SOFT, Reason.account_suspended): """
550 5.2.1 This account was temporarily deactivated
550 the user's account has temporarily been terminated
550 5.2.1 <x@y.example> temporarily no longer accepts mail
""",
    (HARD, Reason.sender_refused): """
501 5.1.7 Invalid address
553 Localpart too long
553 5.1.7 <x+a=b@y.example>: local part too long
550 5.1.90 Your message can't be sent because you've reached your daily limit
535 5.7.8 bad credentials
550 sender address unknown
554 5.1.8 no such domain
""",
    (HARD, Reason.policy): """
554 5.7.1 Access denied, your network is on our list
554 Connection refused by policy
""",
}
ROWS = [
    (line, kind, reason)
    for (kind, reason), lines in REPLIES.items()
    for line in lines.strip().splitlines()
]


@pytest.mark.parametrize('reply, kind, reason', ROWS, ids=[row[0][:60] for row in ROWS])
def test_reply(reply: str, kind: Kind, reason: Reason) -> None:
    judged = judge([reply], Codes())
    assert (judged.kind, judged.reason) == (kind, reason)


# -------------------------------------------------------------- given up, delayed

WARNING = 'The message is kept in the queue for some days. No need to resend it.\n'


@pytest.mark.parametrize(
    'said',
    ['Envelope expired', 'Message expired', 'delivery time was exceeded: given up'],
)
def test_a_warning_that_gave_up_is_soft(said: str) -> None:
    text = f'Your message is delayed:\n\n{WHO}: {said}\n\n{WARNING}'
    verdict = classify(dsn(fields('4.4.7', action='delayed'), text=text))
    assert [(one.address, one.kind) for one in verdict.failures] == [(WHO, SOFT)]
    assert verdict.reason is Reason.transient


def test_the_diagnostic_says_that_it_gave_up() -> None:
    report = dsn(fields('4.4.7', '421 4.4.7 message expired', action='delayed'))
    assert classify(report).kind is SOFT


def test_a_system_that_never_warns_has_given_up() -> None:
    text = f'This is the nullmailer delivery system. Not delivered to:\n\n\t<{WHO}>\n'
    verdict = classify(dsn(fields('4.2.2', '452 full', action='delayed'), text=text))
    assert verdict.kind is SOFT


@pytest.mark.parametrize(
    'report',
    [
        dsn(fields('4.4.7', action='delayed'), text=f'{WHO}: busy\n\n{WARNING}'),
        # When it is going to give up is not that it has.
        dsn(
            fields('4.4.7', action='delayed'),
            text=f'{WHO}: busy\n\nMessages are given up after 5 days.\n',
        ),
        dsn(
            fields('4.4.7', 'message expired soon', action='delayed')
            + '\nWill-Retry-Until: Fri, 4 Dec 2026 01:00:00 +0000'
        ),
        plain(f'After 2 days your mail to {WHO} has not yet been fully delivered.'),
        plain(f'Your mail to {WHO} has been queued for 4 hours.', 'Waiting mail'),
        plain(f'{WHO}: attempts to deliver it will continue for 3 days.', 'Notice'),
        plain(f'Mail for {WHO} is still queued here. You need not resend it.', 'Mail'),
        plain(f'{WHO}\n\nWe are still attempting to deliver it.', 'Mail status'),
    ],
)
def test_a_warning_is_none(report: bytes) -> None:
    verdict = classify(report)
    assert (verdict.kind, verdict.reason) == (Kind.none, Reason.delay)


@pytest.mark.parametrize(
    'last', ['No further delivery attempts will be made.', 'It will not be retried.']
)
def test_the_end_of_all_attempts_is_no_warning(last: str) -> None:
    text = f'Unable to deliver to <{WHO}>: 552 over quota temporarily\n\n{last}\n'
    assert classify(plain(text)).kind is SOFT


# ---------------------------------------------------------------- what decided


@pytest.mark.parametrize(
    'reply, row',
    [
        ('550 5.7.1 the space is used up by now', 'MAILBOX_FULL: space … used up'),
        ('550 Tried all MXs', 'GIVEN_UP: tried all mx (Haraka, outbound/hmail.js, '),
        ('550 5.1.1 no', 'STATUS_REASONS: 1.1'),
        ('551 no', 'REPLY_REASONS: 551'),
        ('450 no', 'no row: a code of class 4'),
        ('550 no', 'no row'),
    ],
)
def test_the_row_that_decided_is_named(reply: str, row: str) -> None:
    assert judge([reply], Codes()).row.startswith(row)


def test_the_row_that_decided_is_named_for_what_is_no_bounce() -> None:
    verdict = classify(plain(f'Mail to {WHO} has not yet been delivered.'))
    assert verdict.row.startswith('DELAY: ')


def test_a_phrase_is_one_line_with_its_source() -> None:
    table = Phrases(
        'TAUGHT',
        en="""
        a wording … of tests  # these tests
        another one | a third one
        """,
    )
    hit = table.search('there is a wording or two of tests here')
    assert hit is not None
    assert hit.row == 'TAUGHT: a wording … of tests (these tests)'
    assert 'some text with a third one in it' in table
    assert 'a wording. of tests' not in table


# ------------------------------------------------------------------------ fields


@pytest.mark.parametrize('status', ['5.2.2', '5.1.1', '5.0.0', '5.7.1'])
def test_the_class_of_the_text_wins(status: str) -> None:
    report = dsn(fields(f'{status} (452 4.3.1 not enough system storage)'))
    assert classify(report).kind is SOFT


@pytest.mark.parametrize(
    'recipient, text',
    [
        (f'Final-Recipient: rfc822; {WHO}\nDiagnostic-Code: smtp; over quota', 'No.'),
        (f'Final-Recipient: rfc822; {WHO}', 'The quota of this user is exceeded.'),
        (f'Original-Recipient: rfc822;{WHO}', f'<{WHO}>: mailbox full'),
    ],
)
def test_fields_without_action_and_status(recipient: str, text: str) -> None:
    verdict = classify(dsn(recipient, text=text))
    assert [(one.address, one.reason) for one in verdict.failures] == [
        (WHO, Reason.mailbox_full)
    ]


def test_one_refusal_of_many_recipients_is_that_of_whom_we_sent_it_to() -> None:
    said = '550 5.1.1 <third@agency.example.gov>: no such user'
    names = [WHO, 'second@agency.example.gov', 'third@agency.example.gov']
    report = dsn(*(fields('5.1.1', said, one) for one in names))
    verdict = classify(report, verp_address=WHO)
    assert [one.address for one in verdict.failures] == [WHO]


def test_a_quoted_local_part_with_two_dots() -> None:
    for written in ('"jo..doe"@agency.example.gov', '<"jo..doe"@agency.example.gov>'):
        [failure] = classify(dsn(fields('5.1.1', address=written))).failures
        assert failure.address == '"jo..doe"@agency.example.gov'
        assert failure.aliases == ('jo..doe@agency.example.gov',)
    [failure] = classify(plain('"jo..doe"@agency.example.gov: no such user')).failures
    assert failure.address == '"jo..doe"@agency.example.gov'


# -------------------------------------------------------------------- challenges

PROOFS = (
    'Please follow this link so that it is delivered: https://example.com/c/1',
    'Your mail is held until you confirm that you are a person.',
    'Click below to confirm that you are not a robot: https://example.com/c/2',
    'To have your message delivered, reply to this message to confirm it.',
)


@pytest.mark.parametrize('text', PROOFS)
@pytest.mark.parametrize('said', ['', '550 5.7.1 sender not yet approved'])
def test_a_challenge_in_the_form_of_a_dsn(text: str, said: str) -> None:
    verdict = classify(dsn(fields('5.7.1', said), text=text))
    assert (verdict.kind, verdict.reason) == (Kind.none, Reason.challenge)


def test_a_refusal_that_mentions_verification_is_no_challenge() -> None:
    refused = f'<{WHO}>:\nRemote host said: 550 Sender verification failed\n'
    for report in (
        plain(refused),
        dsn(fields('5.1.1', '550 no such user'), text=PROOFS[0]),
    ):
        assert classify(report).kind is HARD


# ----------------------------------------------- the returned message's own words

SUBJECTS = (
    'Approval of your request is delayed',
    'HQR digest, vol. 3',
    'How to unsubscribe',
    'Thank you for your message',
    'I am out of the office',
    'Please confirm your email to the list',
)


def returned(subject: str, text: str, about: str) -> bytes:
    """A report from somebody whose name says nothing, with a returned message."""
    return (
        f'From: Relay <relay@mx.example.net>\nTo: news-bounces@mailer.example.org\n'
        f'Subject: {subject}\nAuto-Submitted: auto-generated\nMIME-Version: 1.0\n'
        'Content-Type: multipart/mixed; boundary="b"\n\n'
        f'--b\nContent-Type: text/plain\n\n{text}\n'
        '--b\nContent-Type: message/rfc822\n\nFrom: news@mailer.example.org\n'
        f'To: news@mailer.example.org\nSubject: {about}\n\nDear all.\n--b--\n'
    ).encode()


@pytest.mark.parametrize('about', SUBJECTS)
@pytest.mark.parametrize('subject', ['Undeliverable: {}', '{}', 'Failure notice ({})'])
def test_the_returned_subject_hides_no_bounce(subject: str, about: str) -> None:
    text = (
        f'Your message "{about}" could not be delivered.\nSubject: {about}\n\n'
        f'<{WHO}>: 550 no such user\n'
    )
    if subject == '{}':
        text = f'Undeliverable.\n{text}'
    report = returned(subject.format(about), text, about)
    if subject == '{}':
        report = report.replace(b'From: Relay', b'From: Postmaster').replace(
            b'relay@mx', b'postmaster@mx'
        )
    verdict = classify(report)
    assert [(one.address, one.kind) for one in verdict.failures] == [(WHO, HARD)]


@pytest.mark.parametrize('about', SUBJECTS)
def test_a_subject_behind_a_colon_is_not_the_reports_own(about: str) -> None:
    text = f'Your message could not be delivered.\n\n<{WHO}>: 550 no such user\n'
    report = plain(text, f'Undeliverable: {about}', 'Relay <relay@mx.example.net>')
    assert classify(report).kind is HARD


# ----------------------------------------------------------- notifications (JSON)

BOUNCE = (
    '{"notificationType":"Bounce","mail":{"headers":"%s"},"bounce":{"bounceType":'
    '"Transient","bounceSubType":"General","bouncedRecipients":[{"emailAddress":'
    '"' + WHO + '","diagnosticCode":"smtp; 552 5.2.2 over quota"}]}}'
)


def wrapped(message: str) -> str:
    """As the notification service sends it by mail."""
    quoted = message.replace('"', '\\"')
    return f'{{"Type" : "Notification", "Message" : "{quoted}"}}\n\n--\nStop: no.\n'


@pytest.mark.parametrize(
    'text',
    [
        BOUNCE % '',
        wrapped(BOUNCE % ''),
        # One line, longer than we read of any line.
        wrapped(BOUNCE % ('x' * 20_000)),
        # Folded by a mail system, within a word.
        wrapped(BOUNCE % '').replace('over quota', 'over qu\nota'),
        wrapped(BOUNCE % '').replace(
            'emailAddress', 'email\n Address'.replace(' ', '')
        ),
    ],
)
def test_a_notification_as_json(text: str) -> None:
    report = plain(text, 'AWS Notification Message', 'no-reply@sns.example.com')
    assert [(one.address, one.reason) for one in classify(report).failures] == [
        (WHO, Reason.mailbox_full)
    ]

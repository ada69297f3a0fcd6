# SPDX-License-Identifier: GPL-3.0-or-later
"""Whole reports of our own invention: format x wording x language x code (R16).

None of them comes from a corpus.  Each is as short as its format allows: what decides,
where it stands, and a returned message that must not decide.
"""

from __future__ import annotations

from email.message import Message

import pytest

from qnet_mailman.bounces.reading.classify import Kind, Reason, classify

HARD, SOFT = Kind.hard, Kind.soft
FULL = Reason.mailbox_full
LARGE = Reason.message_too_large
SUSPENDED = Reason.account_suspended
UNKNOWN = Reason.address_unknown
DOMAIN = Reason.domain_unknown
MOVED = Reason.moved
TRANSIENT = Reason.transient
POLICY = Reason.policy
SENDER = Reason.sender_refused
AUTH = Reason.authentication
CONTENT = Reason.content
UNDETERMINED = Reason.undetermined

WHO = 'reader@agency.example.gov'
OTHER = 'second.reader@agency.example.gov'

# The copy of a post that discusses, of all things, bounces.
COPY = """\
Received: from mailer.example.org (mailer.example.org [192.0.2.1])
\tby mx.example.net with ESMTP; Sun, 22 Nov 2026 01:00:00 +0000
From: admin@example.org
To: hqr-updates@mailer.example.org
Subject: mailbox full, user unknown, delayed
Message-ID: <1@example.org>

550 5.1.1 user unknown. Your mailbox is full. bystander@example.com: 552 over quota
"""


def plain(
    body: str,
    subject: str = 'Undelivered Mail Returned to Sender',
    sender: str = 'MAILER-DAEMON@mx.example.net',
    charset: str = 'utf-8',
    **fields: str,
) -> bytes:
    """A report of text alone."""
    message = Message()
    message['From'] = sender
    message['To'] = 'hqr-updates-bounces@mailer.example.org'
    message['Subject'] = subject
    for name, value in fields.items():
        message[name.replace('_', '-')] = value
    message.set_payload(body.encode(charset), charset)
    return message.as_bytes()


def dsn(
    *recipients: str, text: str = 'Not delivered.', subject: str = 'Delivery Status'
) -> bytes:
    """A report with the fields of RFC 3464."""
    return multipart(
        'delivery-status',
        subject,
        ('text/plain; charset=utf-8', text),
        (
            'message/delivery-status',
            'Reporting-MTA: dns; mx.example.net\n\n' + '\n\n'.join(recipients),
        ),
        ('message/rfc822', COPY),
    )


def multipart(kind: str, subject: str, *parts: tuple[str, str]) -> bytes:
    """A report (RFC 6522) of these types and texts."""
    body = ''.join(f'--b\nContent-Type: {type_}\n\n{text}\n' for type_, text in parts)
    return (
        'From: Mail Delivery System <MAILER-DAEMON@mx.example.net>\n'
        'To: hqr-updates-bounces@mailer.example.org\n'
        f'Subject: {subject}\nAuto-Submitted: auto-replied\nMIME-Version: 1.0\n'
        f'Content-Type: multipart/report; report-type={kind}; boundary="b"\n\n'
        f'{body}--b--\n'
    ).encode()


def fields(
    status: str, diagnostic: str = '', address: str = WHO, action: str = 'failed'
) -> str:
    """The fields of one recipient."""
    lines = [f'Final-Recipient: rfc822; {address}', f'Action: {action}']
    if status:
        lines.append(f'Status: {status}')
    if diagnostic:
        lines.append(f'Diagnostic-Code: smtp; {diagnostic}')
    return '\n'.join(lines)


def exim(error: str) -> bytes:
    return plain(
        'This message was created automatically by mail delivery software.\n\n'
        'A message that you sent could not be delivered to one or more of its\n'
        'recipients. This is a permanent error. The following address(es) failed:\n\n'
        f'  {WHO}\n    {error}\n\n'
        '------ This is a copy of the message, including all the headers. ------\n\n'
        + COPY,
        'Mail delivery failed: returning message to sender',
        X_Failed_Recipients=WHO,
        Auto_Submitted='auto-replied',
    )


def qmail(error: str) -> bytes:
    return plain(
        'Hi. This is the qmail-send program at mx.example.net.\n'
        "I'm afraid I wasn't able to deliver your message to the following addresses."
        "\nThis is a permanent error; I've given up. Sorry it didn't work out.\n\n"
        f'<{WHO}>:\n{error}\n\n--- Below this line is a copy of the message.\n\n{COPY}',
        'failure notice',
    )


def exchange(introduction: str, error: str, diagnostics: str = '') -> bytes:
    return plain(
        f'{introduction}\n\n{WHO}<mailto:{WHO}>\n{error}\n\n{diagnostics}\n{WHO}\n\n'
        f'Original message headers:\n\n{COPY}',
        'Undeliverable: HQR Updates',
        'Microsoft Outlook <postmaster@agency.example.gov>',
    )


def opensmtpd(error: str) -> bytes:
    return plain(
        '    Hi!\n\n    This is the MAILER-DAEMON, please DO NOT REPLY to this email.\n'
        '    An error has occurred while attempting to deliver a message for\n'
        f'    the following list of recipients:\n\n{WHO}: {error}\n\n'
        f'    Below is a copy of the original message:\n\n{COPY}',
        'Delivery status notification: error',
    )


def sendmail5(transcript: str) -> bytes:
    return plain(
        f'   ----- Transcript of session follows -----\n{transcript}\n\n'
        f'   ----- Unsent message follows -----\n{COPY}',
        'Returned mail: see transcript for details',
    )


REPORTS: list[tuple[str, bytes, Kind, Reason]] = [
    # ------------------------------------------------------------- RFC 3464 fields
    ('dsn unknown', dsn(fields('5.1.1', '550 5.1.1 No such user')), HARD, UNKNOWN),
    ('dsn bare 5.1.1', dsn(fields('5.1.1')), HARD, UNKNOWN),
    ('dsn bare 5.1.2', dsn(fields('5.1.2')), HARD, DOMAIN),
    ('dsn bare 5.1.6', dsn(fields('5.1.6')), HARD, MOVED),
    ('dsn bare 5.2.1', dsn(fields('5.2.1')), HARD, UNDETERMINED),
    ('dsn bare 5.2.2', dsn(fields('5.2.2')), SOFT, FULL),
    ('dsn bare 5.2.3', dsn(fields('5.2.3')), SOFT, LARGE),
    ('dsn bare 5.3.4', dsn(fields('5.3.4')), SOFT, LARGE),
    ('dsn bare 5.4.4', dsn(fields('5.4.4')), HARD, DOMAIN),
    ('dsn bare 5.4.7', dsn(fields('5.4.7')), SOFT, TRANSIENT),
    ('dsn bare 4.4.7', dsn(fields('4.4.7')), SOFT, TRANSIENT),
    ('dsn bare 5.7.1', dsn(fields('5.7.1')), HARD, POLICY),
    ('dsn bare 5.7.26', dsn(fields('5.7.26')), HARD, AUTH),
    ('dsn bare 5.7.13', dsn(fields('5.7.13')), SOFT, SUSPENDED),
    ('dsn bare 5.0.0', dsn(fields('5.0.0')), HARD, UNDETERMINED),
    ('dsn no status', dsn(fields('', '550 User not found')), HARD, UNKNOWN),
    ('dsn words beat code', dsn(fields('5.2.1', '550 User unknown')), HARD, UNKNOWN),
    ('dsn words beat 5.1.1', dsn(fields('5.1.1', '552 over quota')), SOFT, FULL),
    ('dsn words beat 5.7.1', dsn(fields('5.7.1', '550 Mailbox full')), SOFT, FULL),
    ('dsn disabled', dsn(fields('5.2.1', '550 Mailbox disabled')), SOFT, SUSPENDED),
    ('dsn inactive', dsn(fields('5.2.1', '550 inactive user')), SOFT, SUSPENDED),
    ('dsn inactive 5.1.1', dsn(fields('5.1.1', '550 inactive user')), HARD, UNKNOWN),
    ('dsn 552 alone', dsn(fields('5.0.0', '552 Rejected')), SOFT, FULL),
    ('dsn 552 spam', dsn(fields('5.0.0', '552 Spam detected')), HARD, CONTENT),
    ('dsn 4.7.1 given up', dsn(fields('4.7.1', '450 blocked')), SOFT, POLICY),
    ('dsn 4.0.0, 554', dsn(fields('4.0.0', '554 blocked')), SOFT, POLICY),
    ('dsn 5.0.0, 451', dsn(fields('5.0.0', '451 4.3.0 sorry')), SOFT, TRANSIENT),
    ('dsn expired', dsn(fields('', 'timeout', action='expired')), SOFT, TRANSIENT),
    ('dsn error', dsn(fields('5.1.1', action='error')), HARD, UNKNOWN),
    ('dsn comments', dsn(fields('5.2.0 (Over quota)', '', WHO)), SOFT, FULL),
    (
        'dsn capital FAILED (retry timeout)',
        dsn(fields('5.4.7', 'x', action='FAILED (retry timeout)')),
        SOFT,
        TRANSIENT,
    ),
    (
        'dsn said in the text only',
        dsn(fields('5.0.0'), text=f'<{WHO}>: the mailbox is full'),
        SOFT,
        FULL,
    ),
    (
        'dsn said in the introduction only',
        dsn(fields('5.0.0'), text="The recipient's mailbox is full."),
        SOFT,
        FULL,
    ),
    (
        'dsn that hedges',
        dsn(fields('5.0.0'), text='The user does not exist, or the mailbox is full.'),
        HARD,
        UNDETERMINED,
    ),
    (
        'dsn whose advice is no reason',
        dsn(fields('5.0.0', '550 no'), text='Please try again later.'),
        HARD,
        UNDETERMINED,
    ),
    # ------------------------------------------------------------------------ Exim
    ('exim unknown', exim('Unrouteable address'), HARD, DOMAIN),
    ('exim retry', exim('retry timeout exceeded'), SOFT, TRANSIENT),
    (
        'exim quota',
        exim('mailbox is full\n    (MTA-imposed quota exceeded)'),
        SOFT,
        FULL,
    ),
    (
        'exim long time',
        exim(
            'all hosts for "agency.example.gov" have been failing for a long time\n'
            '    and were last tried after this message arrived'
        ),
        SOFT,
        TRANSIENT,
    ),
    (
        'exim size',
        exim('message too big: size=20000000 max=10000000'),
        SOFT,
        LARGE,
    ),
    (
        'exim sender',
        exim('550 Sender verify failed (after MAIL FROM:<x@example.org>)'),
        HARD,
        SENDER,
    ),
    (
        'exim timeout at MAIL FROM',
        exim('SMTP timeout while connected to mx after MAIL FROM:<>: timed out'),
        SOFT,
        TRANSIENT,
    ),
    (
        'exim German',
        exim('550 5.1.1 Empfänger nicht gefunden / unbekannter Benutzer'),
        HARD,
        UNKNOWN,
    ),
    # ----------------------------------------------------------------------- qmail
    (
        'qmail name',
        qmail('Sorry, no mailbox here by that name. (#5.1.1)'),
        HARD,
        UNKNOWN,
    ),
    (
        'qmail host',
        qmail("Sorry, I couldn't find any host by that name."),
        HARD,
        DOMAIN,
    ),
    (
        'qmail boilerplate is no reason',
        qmail('192.0.2.9 failed after I sent the message.\nGiving up on 192.0.2.9.'),
        HARD,
        UNDETERMINED,
    ),
    (
        'qmail queue',
        qmail(
            "I'm not going to try again; this message has been in the queue too long."
        ),
        SOFT,
        TRANSIENT,
    ),
    (
        'qmail locked',
        qmail('vdelivermail: account is locked email bounced'),
        SOFT,
        SUSPENDED,
    ),
    ('qmail quota', qmail('user is over quota'), SOFT, FULL),
    ('qmail databytes', qmail('552 message exceeds fixed maximum size'), SOFT, LARGE),
    # -------------------------------------------------------- Exchange, in languages
    (
        'exchange English',
        exchange(
            'Delivery has failed to these recipients or groups:',
            "The recipient's mailbox is full and can't accept messages now. Please try "
            'resending this message later, or contact the recipient directly.',
            '#554-5.2.2 mailbox full 554 5.2.2 STOREDRV.Deliver; quota exceeded ##',
        ),
        SOFT,
        FULL,
    ),
    (
        'exchange German',
        exchange(
            'Fehler bei der Nachrichtenzustellung an folgende Empfänger oder Gruppen:',
            'Die eingegebene E-Mail-Adresse konnte nicht gefunden werden.',
            'Diagnoseinformationen für Administratoren:\n#550 5.1.1 ##',
        ),
        HARD,
        UNKNOWN,
    ),
    (
        'exchange French',
        exchange(
            'Échec de la remise aux destinataires ou groupes suivants :',
            'La boîte aux lettres du destinataire est pleine et ne peut pas accepter '
            'de messages pour le moment.',
            'Informations de diagnostic pour les administrateurs :',
        ),
        SOFT,
        FULL,
    ),
    (
        'exchange Spanish',
        exchange(
            'No se pudo entregar el mensaje a estos destinatarios o grupos:',
            'Este mensaje es demasiado grande. Reduzca su tamaño.',
            'Información de diagnóstico para administradores:\n#550 5.3.4 ##',
        ),
        SOFT,
        LARGE,
    ),
    (
        'exchange Portuguese',
        exchange(
            'Falha na entrega a estes destinatários ou grupos:',
            'O endereço de email digitado não foi encontrado.',
        ),
        HARD,
        UNKNOWN,
    ),
    (
        'exchange Italian',
        exchange(
            'Recapito non riuscito per i seguenti destinatari o gruppi:',
            'La cassetta postale è piena: superata la quota.',
        ),
        SOFT,
        FULL,
    ),
    (
        'exchange Dutch',
        exchange(
            'De bezorging aan de volgende geadresseerden of groepen is mislukt:',
            'Het e-mailadres dat u hebt ingevoerd, kan niet worden gevonden '
            '(niet gevonden).',
        ),
        HARD,
        UNKNOWN,
    ),
    (
        'exchange Japanese',
        exchange(
            '次の受信者またはグループへの配信に失敗しました:',
            '受信者のメールボックスがいっぱいで、現在メッセージを受信できません。',
        ),
        SOFT,
        FULL,
    ),
    (
        'exchange 2003',
        plain(
            'Your message\n\n  To:      someone@example.org\n  Subject: News\n\n'
            f'did not reach the following recipient(s):\n\n{WHO} on Sun, 22 Nov 2026\n'
            '    The e-mail system was unable to deliver the message, but did not '
            'report a\n    specific reason.\n'
            '\tMSEXCH:MSExchangeMTA:AGENCY (000B09AA) Recipient mailbox is full',
            'Undeliverable: News',
            'System Administrator <postmaster@agency.example.gov>',
        ),
        SOFT,
        FULL,
    ),
    # ------------------------------------------------------------------- OpenSMTPD
    ('opensmtpd', opensmtpd('550 5.1.1 invalid recipient'), HARD, UNKNOWN),
    ('opensmtpd expired', opensmtpd('Envelope expired'), SOFT, TRANSIENT),
    ('opensmtpd mx', opensmtpd('Network error on destination MXs'), SOFT, TRANSIENT),
    ('opensmtpd mda', opensmtpd('"mail.local: quota exceeded"'), SOFT, FULL),
    # ------------------------------------------------------------- sendmail, old
    (
        'sendmail 5 unknown',
        sendmail5(
            f'While talking to mx.agency.example.gov:\n>>> RCPT To:<{WHO}>\n'
            f'<<< 550 {WHO}... User unknown\n550 <{WHO}>... User unknown'
        ),
        HARD,
        UNKNOWN,
    ),
    (
        'sendmail 5 quota',
        sendmail5(
            f'While talking to mx.agency.example.gov:\n>>> DATA\n'
            f'<<< 552 Mailbox exceeded its quota\n554 <{WHO}>... Service unavailable'
        ),
        SOFT,
        FULL,
    ),
    (
        'sendmail 5 queue',
        sendmail5(
            f'<{WHO}>... Deferred: Connection timed out with agency.example.gov.\n'
            'Message could not be delivered for 5 days\n'
            'Message will be deleted from queue'
        ),
        SOFT,
        TRANSIENT,
    ),
    # ------------------------------------------------------ other texts for people
    (
        'gmail',
        plain(
            f'Delivery to the following recipient failed permanently:\n\n     {WHO}\n\n'
            'Technical details of permanent failure: \nGoogle tried to deliver your '
            'message, but it was rejected by the server for the recipient domain '
            'agency.example.gov by mx. [192.0.2.1].\n\nThe error that the other server '
            'returned was:\n550 5.2.2 quota exceeded\n\n'
            '----- Original message -----\n\n' + COPY,
            'Delivery Status Notification (Failure)',
            'Mail Delivery Subsystem <mailer-daemon@googlemail.com>',
            X_Failed_Recipients=WHO,
        ),
        SOFT,
        FULL,
    ),
    (
        'gmx',
        plain(
            'This message was created automatically by mail delivery software.\n\n'
            'A message that you sent could not be delivered to one or more of\n'
            'its recipients. This is a permanent error. The following address\n'
            f'failed:\n\n"{WHO}":\nSMTP error from remote server after RCPT command:\n'
            'host: mx.example.net\n5.1.1 unbekannter Benutzer\n\n'
            f'--- The header of the original message is following. ---\n\n{COPY}',
            'Mail delivery failed: returning message to sender',
        ),
        HARD,
        UNKNOWN,
    ),
    (
        'yahoo',
        plain(
            'Sorry, we were unable to deliver your message to the following address.\n'
            f"<{WHO}>:\n554: delivery error: dd This user doesn't have an account\n\n"
            f'--- Below this line is a copy of the message.\n\n{COPY}',
            'Failure Notice',
            'MAILER-DAEMON@yahoo.example.com',
        ),
        HARD,
        UNKNOWN,
    ),
    (
        'domino',
        plain(
            'Your message\n\n  Subject: News\n\nwas not delivered to:\n\n'
            f'  {WHO}\n\nbecause:\n\n  Router: Database disk quota exceeded\n',
            f'DELIVERY FAILURE: {WHO}',
            'Postmaster@agency.example.gov',
        ),
        SOFT,
        FULL,
    ),
    (
        'groupwise',
        plain(
            f'The message that you sent was undeliverable to the following:\n\t{WHO} '
            '(mailbox full)\n\nPossibly truncated original message follows:\n\n' + COPY,
            'Message status - undeliverable',
            'Mailer-Daemon@agency.example.gov',
        ),
        SOFT,
        FULL,
    ),
    (
        'imail',
        plain(
            f'Unknown user: {WHO}\n\nOriginal message follows.\n\n{COPY}',
            'Undeliverable Mail',
            '"Postmaster" <postmaster@agency.example.gov>',
        ),
        HARD,
        UNKNOWN,
    ),
    (
        'imail attempts',
        plain(
            f'Delivery failed 20 attempts: {WHO}\n\n'
            f'Original message follows.\n\n{COPY}',
            'Undeliverable Mail',
            '"Postmaster" <postmaster@agency.example.gov>',
        ),
        SOFT,
        TRANSIENT,
    ),
    (
        'mailmarshal',
        plain(
            'Your message:\n   From:    news\n   Subject: News\n'
            'Could not be delivered because of\n\n550 5.1.1 User unknown\n\n'
            f'The following recipients were affected: \n    {WHO}\n\n'
            'Additional Information\n======================\n'
            'Original Sender:    <hqr-updates-bounces@mailer.example.org>\n',
            'Undeliverable Mail: "News"',
            'MailMarshal <postmaster@agency.example.gov>',
        ),
        HARD,
        UNKNOWN,
    ),
    (
        'm-filter',
        plain(
            f'mail was not delivered to:\n{WHO}\n\n-----server message\n'
            f'550 5.2.2 <{WHO}>... Mailbox full\n\n-----SMTP command\nDATA\n\n'
            f'-----original message\n{COPY}',
            'failure notice',
            'm-FILTER <postmaster@agency.example.gov>',
        ),
        SOFT,
        FULL,
    ),
    (
        'active hunter',
        plain(
            '  ----- The following addresses had permanent fatal errors -----\n\n'
            f'     >>> {WHO} <{WHO}>\n\n  ----- Transcript of session follows -----\n'
            '550 sorry, no mailbox here by that name (#5.1.1 - chkuser)\n',
            'FAILURE NOTICE :',
        ),
        HARD,
        UNKNOWN,
    ),
    (
        'interscan',
        plain(
            'Message from InterScan Messaging Security Suite\n\n'
            f'Sent <<< RCPT TO:<{WHO}>\nReceived >>> 550 5.1.1 user unknown\n\n'
            f'Unable to deliver message to <{WHO}>.\n',
            'Mail could not be delivered',
            'InterScan MSS <postmaster@agency.example.gov>',
        ),
        HARD,
        UNKNOWN,
    ),
    (
        'surfcontrol',
        plain(
            'Your message could not be sent.\nA transcript of the attempts to send the '
            f'message follows.\nThe number of attempts made: 1\nAddressed To: {WHO}\n\n'
            'Sun 22 Nov 2026 01:00:00 +0000\nFailed to send to identified host,\n'
            f'{WHO}: [192.0.2.5], 550 {WHO}... No such user\n'
            '--- Message non-deliverable.\n',
            'Undeliverable mail',
        ),
        HARD,
        UNKNOWN,
    ),
    (
        'zoho',
        plain(
            'This message was created automatically by mail delivery software.\n'
            ' A message that you sent could not be delivered to one or more of its '
            f'recipients. This is a permanent error.\n\n[Status: Error, Address: '
            f'<{WHO}>, ResponseCode 421, , Host not reachable.]\n',
            sender='mailer-daemon@mail.zoho.example.com',
        ),
        SOFT,
        TRANSIENT,
    ),
    (
        'mailenable',
        plain(
            'Message could not be delivered to some recipients.\n'
            'The following recipient(s) could not be reached:\n\n'
            f'\tRecipient: [SMTP:{WHO}]\n\tReason: Remote SMTP Server Returned: '
            '550 No such user here\n\nMessage headers follow:\n\n' + COPY,
            'Message Delivery Failure',
            'Postmaster@agency.example.gov',
        ),
        HARD,
        UNKNOWN,
    ),
    (
        'mdaemon',
        plain(
            'The following data may contain sections which represent BASE64 encoded\n'
            'file attachments. \n\nThe following addresses did NOT receive a copy of '
            f'your message:\n\n  > {WHO}\n\n--- Session Transcript ---\n'
            '  --> RCPT To:<x>\n  <-- 552 Mailbox quota exceeded\n--- End ---\n',
            'Permanent Delivery Failure',
            'MDaemon@agency.example.gov',
        ),
        SOFT,
        FULL,
    ),
    (
        'kerio',
        plain(
            'Your message could not be delivered to:\n\n'
            f'{WHO}\n    User mailbox is over its quota (account has exceeded)\n\n',
            'Undeliverable mail',
            '"Mail Delivery Subsystem" <postmaster@agency.example.gov>',
        ),
        SOFT,
        FULL,
    ),
    (
        'communigate',
        plain(
            f"Failed to deliver to '<{WHO}>'\nSMTP module(domain agency.example.gov) "
            'reports:\n account is full (quota exceeded)\n',
            'Undeliverable mail: News',
            '<MAILER-DAEMON@agency.example.gov>',
        ),
        SOFT,
        FULL,
    ),
    (
        'courier, text alone',
        plain(
            '                           UNDELIVERABLE MAIL\n\nYour message to the '
            f'following recipients cannot be delivered:\n\n<{WHO}>:\n'
            f'    mx.example.net [192.0.2.95]:\n>>> RCPT TO:<{WHO}>\n'
            '<<< 550 User quota exceeded\n',
            'NOTICE: mail delivery status.',
            'postmaster@example.net',
        ),
        SOFT,
        FULL,
    ),
    (
        'dragonfly',
        plain(
            'This is the DragonFly Mail Agent v0.13 at mx.example.net.\n\n'
            f'There was an error delivering your mail to <{WHO}>.\n\n'
            'mx.example.net [192.0.2.25] did not like our RCPT TO:\n'
            f'550 5.1.1 <{WHO}>: no mailbox of this name\n\n'
            f'Original message follows.\n\n{COPY}',
            'Mail delivery failed',
            'MAILER-DAEMON <>',
        ),
        HARD,
        UNKNOWN,
    ),
    (
        'smail',
        plain(
            '|------------------------- Message log follows: ---------|\n'
            ' no valid recipients were found for this message\n'
            '|------------------------- Failed addresses follow: -----|\n'
            f' {WHO} ... unknown host\n'
            f'|------------------------- Message text follows: --------|\n{COPY}',
            'mail failed, returning to sender',
            '<MAILER-DAEMON@example.net>',
        ),
        HARD,
        DOMAIN,
    ),
    (
        'mobile operator',
        plain(
            f'Your mail sent on: Sun, 22 Nov 2026 01:00:00 +0900 \n'
            f'     Could not be delivered to: <{WHO}> \n'
            '     As the remote domain doesnt exist.\n',
            'Mail',
            'no-reply@mobile.example.jp',
            Return_Path='<>',
        ),
        HARD,
        DOMAIN,
    ),
    (
        'mobile operator, limited',
        plain(
            f'The user(s) account is temporarily limited.\n\n<{WHO}>\n',
            'Mail System Error - Returned Mail',
            'Postmaster@mobile.example.jp',
        ),
        SOFT,
        SUSPENDED,
    ),
    (
        'mobile operator, not responding',
        plain(
            'Your message was not delivered within 0 days and 1 hours.\n'
            f'Remote host is not responding.\n\n<{WHO}>\n',
            'Mail System Error - Returned Mail',
            'Postmaster@mobile.example.jp',
        ),
        SOFT,
        TRANSIENT,
    ),
    (
        'provider in Japanese, iso-2022-jp',
        plain(
            'メールの送信先アドレスが見つかりませんでした。以下の宛先に配信できません。\n\n'
            f'<{WHO}>\n\n宛先のメールアドレスが存在しません。\n',
            'Mail System Error - Returned Mail',
            'Postmaster@isp.example.jp',
            'iso-2022-jp',
        ),
        HARD,
        UNKNOWN,
    ),
    (
        'provider in Japanese, full',
        plain(
            f'以下の宛先に配信できませんでした。\n\n宛先: {WHO}\n\n'
            '理由: 受信者のメールボックスの\n容量を超えています。\n',
            'メール配信エラー',
            'postmaster@isp.example.jp',
        ),
        SOFT,
        FULL,
    ),
    (
        'provider in Chinese, gb18030',
        plain(
            f'抱歉，您的邮件被退回来了……\n\n收件人邮件地址：\n{WHO}\n\n'
            '退信原因：\n收件人邮箱已满，无法投递\n',
            '系统退信',
            'PostMaster@isp.example.cn',
            'gb18030',
        ),
        SOFT,
        FULL,
    ),
    (
        'provider in traditional Chinese',
        plain(
            f'無法傳遞您的郵件至下列收件者：\n\n{WHO}\n\n原因：使用者不存在\n',
            '退信通知',
            'postmaster@isp.example.tw',
        ),
        HARD,
        UNKNOWN,
    ),
    (
        'provider in Korean',
        plain(
            f'메일이 전송되지 못하고 반송되었습니다.\n\n받는사람: {WHO}\n\n'
            '사유: 존재하지 않는 메일 주소입니다.\n',
            '메일 전송 실패 안내',
            'mailer-daemon@isp.example.kr',
        ),
        HARD,
        UNKNOWN,
    ),
    (
        'provider in Russian, koi8-r',
        plain(
            'К сожалению, Ваше письмо не может быть доставлено получателю:\n\n'
            f'  {WHO}\n    Почтовый ящик получателя переполнен\n',
            'Письмо не доставлено',
            'mailer-daemon@isp.example.ru',
            'koi8-r',
        ),
        SOFT,
        FULL,
    ),
    (
        'provider in Polish',
        plain(
            f'Wiadomość nie została dostarczona do:\n\n<{WHO}>\n\n'
            'Powód: konto odbiorcy zostało zablokowane\n',
            'Wiadomość niedostarczona',
            'postmaster@isp.example.pl',
        ),
        SOFT,
        SUSPENDED,
    ),
    (
        'provider in German',
        plain(
            'Ihre Nachricht konnte nicht zugestellt werden.\n\n'
            f'Empfänger: {WHO}\nGrund: Das Postfach des Empfängers ist voll.\n',
            'Unzustellbar: News',
            'postmaster@isp.example.de',
            'iso-8859-1',
        ),
        SOFT,
        FULL,
    ),
    (
        'provider in French',
        plain(
            "Votre message n'a pas pu être remis au destinataire suivant :\n\n"
            f"<{WHO}>\n    Le compte du destinataire n'existe pas\n",
            'Message non remis',
            'postmaster@isp.example.fr',
        ),
        HARD,
        UNKNOWN,
    ),
    (
        'provider in Spanish',
        plain(
            'Su mensaje no ha podido ser entregado al siguiente destinatario:\n\n'
            f'{WHO}\nMotivo: el buzón del destinatario está lleno\n',
            'Mensaje no entregado',
            'postmaster@isp.example.es',
        ),
        SOFT,
        FULL,
    ),
    (
        'provider in Portuguese',
        plain(
            f'Sua mensagem não pôde ser entregue para {WHO}.\n\n'
            'Motivo: a caixa postal do destinatário está cheia.\n',
            'Mensagem não entregue',
            'postmaster@isp.example.br',
        ),
        SOFT,
        FULL,
    ),
    (
        'provider in Italian',
        plain(
            'Il messaggio non è stato consegnato al seguente destinatario:\n\n'
            f'<{WHO}>: utente sconosciuto\n',
            'Mancata consegna',
            'postmaster@isp.example.it',
        ),
        HARD,
        UNKNOWN,
    ),
    (
        'provider in Dutch',
        plain(
            f'Uw bericht kon niet worden bezorgd bij:\n\n<{WHO}>\n'
            'Reden: het postvak van de ontvanger is vol.\n',
            'Onbestelbaar: News',
            'postmaster@isp.example.nl',
        ),
        SOFT,
        FULL,
    ),
    # -------------------------------------------------------------- ours and relays
    (
        "stock Mailman's fake DSN",
        plain(
            f'Mail to {WHO} failed at outgoing SMTP\n\nError code: 550\n'
            "Error message: b'5.1.1 no such user'\n",
            'SMTP Delivery Failure',
            'Mailman <hqr-updates@mailer.example.org>',
        ),
        HARD,
        UNKNOWN,
    ),
    (
        "stock Mailman's fake DSN, undetermined",
        plain(
            f'Mail to {WHO} failed at outgoing SMTP\n\nError code: 554\n'
            "Error message: b'no'\n",
            'SMTP Delivery Failure',
            'Mailman <hqr-updates@mailer.example.org>',
        ),
        HARD,
        UNDETERMINED,
    ),
    (
        'fake DSN of a temporary failure given up',
        plain(
            f'Mail to {WHO} failed at outgoing SMTP\n\nError code: 451\n'
            "Error message: b'4.7.1 Greylisted'\n",
            'SMTP Delivery Failure',
            'Mailman <hqr-updates@mailer.example.org>',
        ),
        SOFT,
        TRANSIENT,
    ),
    (
        'SES notification',
        plain(
            '{"notificationType":"Bounce","bounce":{"bounceType":"Permanent",'
            f'"bouncedRecipients":[{{"emailAddress":"{WHO}","status":"5.1.1",'
            '"action":"failed","diagnosticCode":"smtp; 550 5.1.1 user unknown"}]}}',
            'AWS Notification Message',
            'no-reply@sns.amazonaws.com',
        ),
        HARD,
        UNKNOWN,
    ),
    (
        'SES notification, full',
        plain(
            '{"notificationType":"Bounce","bounce":{"bounceType":"Transient",'
            '"bounceSubType":"MailboxFull","bouncedRecipients":[{"emailAddress":'
            f'"{WHO}"}}]}}}}',
            'AWS Notification Message',
            'no-reply@sns.amazonaws.com',
        ),
        SOFT,
        FULL,
    ),
]


@pytest.mark.parametrize(
    'data, kind, reason',
    [pytest.param(*row[1:], id=row[0]) for row in REPORTS],
)
def test_report(data: bytes, kind: Kind, reason: Reason) -> None:
    verdict = classify(data)
    assert [(one.address, one.kind, one.reason) for one in verdict.failures] == [
        (WHO, kind, reason)
    ]
    assert (verdict.kind, verdict.reason) == (kind, reason)
    assert '\n' not in verdict.evidence
    assert len(verdict.evidence) <= 200


def test_there_are_enough_of_them() -> None:
    assert len(REPORTS) >= 80


def test_different_fates_in_one_report() -> None:
    verdict = classify(
        dsn(
            fields('5.1.1', '550 no such user'),
            fields('5.2.2', '552 full', OTHER),
            fields('4.2.2', '450 full', 'third@example.org', 'delayed'),
            fields('2.1.5', '250 ok', 'fourth@example.org', 'relayed'),
        )
    )
    assert [(one.address, one.kind) for one in verdict.failures] == [
        (WHO, HARD),
        (OTHER, SOFT),
    ]
    assert verdict.kind is HARD


def test_different_fates_in_a_text() -> None:
    verdict = classify(
        plain(
            "I'm afraid I wasn't able to deliver your message to the following "
            f'addresses.\n\n<{WHO}>:\nuser unknown\n\n<{OTHER}>:\nmailbox is full\n',
            'failure notice',
        )
    )
    assert [(one.address, one.reason) for one in verdict.failures] == [
        (WHO, UNKNOWN),
        (OTHER, FULL),
    ]


def test_addresses_below_each_other_share_the_reason() -> None:
    verdict = classify(
        plain(
            'Delivery to the following recipients failed.\n\n'
            f'       {WHO}\n       {OTHER}\n\nTheir mailboxes: mailbox is full\n',
            'Delivery Status Notification (Failure)',
        )
    )
    assert [one.reason for one in verdict.failures] == [FULL, FULL]


def test_the_address_that_we_sent_to_comes_first() -> None:
    verdict = classify(
        dsn(
            f'Original-Recipient: rfc822;{WHO}\n'
            'Final-Recipient: rfc822;reader@internal.example.gov\n'
            'Action: failed\nStatus: 5.1.1'
        )
    )
    (failure,) = verdict.failures
    assert failure.address == WHO
    assert failure.aliases == ('reader@internal.example.gov',)


def test_a_second_text_is_the_returned_one() -> None:
    data = multipart(
        'delivery-status',
        'Sorry',
        ('text/plain', 'This message could not be delivered.'),
        ('message/delivery-status', f'Reporting-MTA: dns; x\n\n{fields("5.0.0")}'),
        ('text/plain', 'My mailbox is full. bystander@example.com: user unknown'),
    )
    (failure,) = classify(data).failures
    assert (failure.address, failure.reason) == (WHO, UNDETERMINED)


def test_codes_are_kept() -> None:
    verdict = classify(dsn(fields('5.0.0', '550-5.7.26 DMARC 550 5.7.26 no')))
    (failure,) = verdict.failures
    assert (failure.status, failure.reply_code) == ('5.7.26', '550')
    assert failure.reason.refuses_the_list


@pytest.mark.parametrize(
    'wrap',
    [
        lambda text: 'Begin forwarded message:\n\n' + text,
        lambda text: '\n'.join('> ' + line for line in text.splitlines()),
        lambda text: '\n'.join('>> ' + line for line in text.splitlines()),
        lambda text: (
            text.replace('=', '=3D').replace('Status', 'Sta=\ntus') + '\nlong=\n line'
        ),
        lambda text: text.replace('\n\n', '\n'),
    ],
    ids=['forwarded', 'quoted', 'quoted twice', 'quoted-printable', 'no blank lines'],
)
def test_fields_in_the_wrong_place(wrap) -> None:  # type: ignore[no-untyped-def]
    text = (
        'Your message could not be delivered.\n\nReporting-MTA: dns; mx.example.net\n\n'
        f'{fields("5.1.1", "550 no such user")}\n\n{fields("5.2.2", "full", OTHER)}\n'
    )
    verdict = classify(plain(wrap(text), 'Fwd: Undelivered Mail', 'admin@example.org'))
    assert [(one.address, one.kind) for one in verdict.failures] == [
        (WHO, HARD),
        (OTHER, SOFT),
    ]


def test_boundaries_that_do_not_fit() -> None:
    data = dsn(fields('5.1.1', '550 no such user'))
    start = data.index(b'boundary="') + 10
    damaged = data[:start] + b'wrong' + data[start:]
    assert [one.address for one in classify(damaged).failures] == [WHO]


def test_a_pipe_is_named_by_x_failed_recipients() -> None:
    data = dsn(fields('5.0.0', address='|/usr/bin/deliver reader@example.org'))
    data = b'X-Failed-Recipients: ' + WHO.encode() + b'\n' + data
    assert [one.address for one in classify(data).failures] == [WHO]


def test_dovecot_reports_a_full_mailbox_as_a_disposition() -> None:
    data = multipart(
        'disposition-notification',
        'Rejected: News',
        (
            'text/plain',
            f'Your message to <{WHO}> was automatically rejected:\nQuota exceeded',
        ),
        (
            'message/disposition-notification',
            f'Final-Recipient: rfc822; {WHO}\n'
            'Disposition: automatic-action/MDN-sent-automatically; deleted',
        ),
    )
    (failure,) = classify(data).failures
    assert (failure.address, failure.kind, failure.reason) == (WHO, SOFT, FULL)


# ------------------------------------------------------------------ our VERP address


def test_verp_says_who_bounced() -> None:
    data = dsn(fields('5.1.1', '550 no such user', 'reader@internal.example.gov'))
    (failure,) = classify(data, verp_address=WHO).failures
    assert failure.address == WHO
    assert failure.aliases == ('reader@internal.example.gov',)
    assert failure.kind is HARD


def test_verp_takes_the_fate_of_its_own_address() -> None:
    data = dsn(
        fields('5.1.1', '550 no such user', OTHER), fields('5.2.2', '552 full', WHO)
    )
    (failure,) = classify(data, verp_address=WHO.upper()).failures
    assert failure.kind is SOFT


def test_a_forged_report_cannot_name_somebody_else() -> None:
    data = dsn(fields('5.1.1', '550 no such user', OTHER))
    assert OTHER not in [
        one.address for one in classify(data, verp_address=WHO).failures
    ]


def test_verp_does_not_make_a_bounce() -> None:
    data = plain('I am away until Monday.', 'Out of office', 'Reader <r@example.org>')
    verdict = classify(data, verp_address=WHO)
    assert (verdict.kind, verdict.failures) == (Kind.none, ())


def test_verp_names_the_address_of_a_report_that_names_none() -> None:
    data = plain('Your message could not be delivered.', 'Undeliverable mail')
    (failure,) = classify(data, verp_address=WHO).failures
    assert (failure.address, failure.kind) == (WHO, HARD)

# SPDX-License-Identifier: GPL-3.0-or-later
"""Reports of mail servers: the fields of RFC 3464, and texts of known programs."""

from __future__ import annotations

from qnet_mailman.bounces.reading.classify import Kind, Reason
from tests.bounces.composing import (
    AUTH,
    CONTENT,
    DOMAIN,
    FULL,
    HARD,
    LARGE,
    MOVED,
    POLICY,
    SENDER,
    SOFT,
    SUSPENDED,
    TRANSIENT,
    UNDETERMINED,
    UNKNOWN,
    WHO,
    dsn,
    exchange,
    exim,
    fields,
    opensmtpd,
    plain,
    qmail,
    sendmail5,
)

SERVERS: list[tuple[str, bytes, Kind, Reason]] = [
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
]
RELAYS: list[tuple[str, bytes, Kind, Reason]] = [
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

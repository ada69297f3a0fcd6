# SPDX-License-Identifier: GPL-3.0-or-later
"""Reports that are written for people, in the words of their servers and languages."""

from __future__ import annotations

from qnet_mailman.bounces.reading.classify import Kind, Reason
from tests.bounces.composing import (
    COPY,
    DOMAIN,
    FULL,
    HARD,
    SOFT,
    SUSPENDED,
    TRANSIENT,
    UNKNOWN,
    WHO,
    plain,
)

FOR_PEOPLE: list[tuple[str, bytes, Kind, Reason]] = [
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
]

# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: E501 (a reply is a line, however long)
"""What receivers reply, one reply a line, by what it means (R16).

The wordings are those of many mail systems and providers, in the languages they use.
"""

from __future__ import annotations

import pytest

from qnet_mailman.bounces.reading.classify import Kind, Reason, classify_reply
from qnet_mailman.bounces.reading.reasons import Codes, find_codes, judge

REPLIES: dict[tuple[Kind, Reason], str] = {
    (Kind.soft, Reason.mailbox_full): """
recipient storage full, try again later
550 Mailbox space not enough or user has been suspended
452-4.2.2 The email account that you tried to reach is over quota. Please direct 452-4.2.2 the recipient to 452 4.2.2 https://support.google.com/mail/?p=OverQuotaTemp
552-5.2.2 The email account that you tried to reach is over quota and inactive. Please direct the recipient to
552 5.2.2 https://support.google.com/mail/?p=OverQuotaPerm l4 - gsmtp
554 5.2.2 mailbox full; STOREDRV.Deliver.Exception:QuotaExceededException.MapiExceptionShutoffQuotaExceeded; Failed to process message due to a permanent exception
552 5.2.2 Requested mail action aborted: exceeded storage allocation
552 x@aol.com MAILBOX FULL
552 5.2.2 <x@icloud.com>: user is over quota
maildir delivery failed: create maildir file /home/x/Maildir/tmp/1: Disk quota exceeded
<x@y.z>: mailbox is full (MTA-imposed quota exceeded while writing to file /x)
mailbox is full
quota exceeded (mailbox for user is full)
Failed to deliver to mailbox: mailbox quota exceeded
Sorry, message would exceed quota. (#5.2.2)
user is over quota
Mailbox over quota. (#5.2.2)
The users mailfolder is over the allowed quota (size). (#5.2.2)
550 User quota exceeded
maildir over quota
552-Requested mail action aborted: exceeded storage allocation 552-Quota exceeded. The recipients mailbox is full.
550 Das Postfach des Empfängers ist voll
552 5.1.1 Boite du destinataire pleine. Recipient overquota. OFR_417
La boîte aux lettres de votre correspondant est saturée
550 5.2.2 Buzón lleno
El buzón del destinatario está lleno
A caixa postal do destinatário está cheia
La casella di posta del destinatario è piena
Het postvak van de ontvanger is vol
宛先のメールボックスが一杯です
メールボックスの容量を超えているため配信できません
收件人邮箱已满
Почтовый ящик переполнен
Skrzynka odbiorcy jest pełna
수신자의 메일함이 가득 찼습니다
522 5.2.0 Over quota
550 Mailbox quota exceeded
550 5.2.2 mailbox full
5.2.2
552
Requested mail action aborted: exceeded storage allocation
550 sorry, that user has too much mail
User has too many messages on the server
550 5.2.2 x@y... Mailbox would exceed maximum allowed storage
Quota full
550 Disk quota exceeded
Mailbox has exceeded the limit
User x mail file is over quota; Unable to deliver message because user exceeded quota
Router: Database disk quota exceeded
The mailbox of the recipient is over its size limit
Mailbox for x has exceeded its disk quota
Requested action not taken: mailbox storage limit reached
The message could not be delivered because the recipient's mailbox is full.
550 5.1.1 The mailbox exceeded the local limit
the number of messages in the recipient's mailbox exceeded the local limit
Benutzer hat zuviele Mails auf dem Server
mailbox is full (Blocks limit exceeded)
    """,
    (Kind.soft, Reason.message_too_large): """
552-5.3.4 Your message exceeded Google's message size limits. Please visit
550 5.2.3 RESOLVER.RST.RecipSizeLimit; message too large for this recipient
550 5.2.3 RESOLVER.RST.SendSizeLimit.Sender; message too large for this sender
550 5.3.4 ROUTING.SizeLimit; message size exceeds fixed maximum size for route
message size 12345678 exceeds size limit 10240000 of server mx.example.com[192.0.2.1]
cannot update mailbox /var/mail/bob for user bob. error writing message: File too large
SMTP error from remote mail server after MAIL FROM:<a@b> SIZE=999: host mx [1.2.3.4]: 552 Message size exceeds maximum permitted
192.0.2.1 failed after I sent the message. Remote host said: 552 sorry, that message size exceeds my databytes limit (#5.3.4)
552 5.3.4 Message size exceeds file system imposed limit
554 Maximum email size exceeded
552 #5.3.4 message size exceeds limit
Die Nachricht ist zu groß für das Postfach
La taille du message dépasse la limite autorisée
El mensaje es demasiado grande
メールサイズが制限を超えています
message too large for mailbox
Message is larger than the recipient accepts
Limite de taille du message depassee. OFR_112
552 5.3.4 Message size exceeds fixed limit (in reply to MAIL FROM command)
    """,
    (Kind.soft, Reason.account_suspended): """
550 5.2.1 The email account that you tried to reach is disabled. Learn more at https://support.google.com/mail/?p=DisabledUser abc - gsmtp
554 5.2.1 mailbox disabled; STOREDRV.Deliver.Exception:AccountDisabledException
554 delivery error: dd Sorry your message to x@yahoo.com cannot be delivered. This account has been disabled or discontinued [#102]. - mta
554 delivery error: dd Sorry, your message to x cannot be delivered. This mailbox is disabled (554.30).
account is temporarily disabled
Recipient suspended
This account is locked
Das Benutzerkonto ist vorübergehend gesperrt
550 5.2.1 Boite du destinataire archivee. Archived recipient. OFR_418 [418]
La cuenta del destinatario está suspendida
Conta temporariamente suspensa
La casella è stata sospesa
このアカウントは一時停止されています
550 User suspended
550 User is locked
550 Message was not accepted -- invalid mailbox. Local mailbox x@mail.ru is unavailable: account is disabled
554 5.7.1 Ящик получателя заблокирован
Konto zostało zablokowane
550 Account inactive
550 5.7.1 Mailbox disabled for this recipient
550 Mailbox is frozen. See http://service.mail.qq.com
525 5.7.13 User account disabled
550 <x>: The recipient's account has been suspended
550 5.2.1 Mailbox temporarily disabled
450 4.2.1 mailbox temporarily disabled: x@y
mailbox inactive
550-5.7.1 Recipient mailbox is currently suspended
550 5.2.1 Le compte du destinataire est bloque. The recipient account is blocked.
    """,
    (Kind.soft, Reason.transient): """
550-5.2.1 The user you are trying to contact is receiving mail at a rate that prevents additional messages from being delivered.
450-4.2.1 The user you are trying to contact is receiving mail too quickly. Please resend your message at a later time.
550 5.4.5 Daily user sending quota exceeded.
452 4.5.3 Domain policy size per transaction exceeded, please try this recipient in a separate transaction.
550 5.4.300 Message expired -> 421 4.4.1 Connection timed out
550 5.4.316 Message expired, connection refused(Socket error code 10061)
451 4.7.650 The mail server [192.0.2.1] has been temporarily rate limited due to IP reputation.
550 5.2.121 Recipient's per hour message receive limit from specific sender exceeded.
550 5.2.122 The recipient has exceeded their limit for the number of messages they can receive per hour.
550 5.2.2 Submission quota exceeded
432 4.3.2 STOREDRV.ClientSubmit; sender thread limit exceeded
550 4.4.7 QUEUE.Expired; message expired
452 4.3.1 Insufficient system storage
connect to mx.example.com[192.0.2.1]:25: Connection refused
host mx.example.com[192.0.2.1] said: 451 4.3.0 <x@y.z>: Temporary lookup failure (in reply to RCPT TO command)
Host or domain name not found. Name service error for name=example.com type=MX: Host not found, try again
delivery temporarily suspended: connect to mx.example.net[192.0.2.1]:25: Connection timed out
retry timeout exceeded
all hosts for "example.com" have been failing for a long time (and retry time not reached)
mail server for "example.com" is currently unavailable: timed out
I'm not going to try again; this message has been in the queue too long.
Sorry, I wasn't able to establish an SMTP connection. (#4.4.1) I'm not going to try again; this message has been in the queue too long.
451 Internal resource temporarily unavailable - https://community.mimecast.com
452 Too many recipients received this hour
451 Try again later
450 Domain frequency limited
delivery to host timed out after 5 days
Could not deliver message after 72 hours
Maximum delivery attempts exceeded
Expired after 3 days in queue. Last error: 451 try later
550 Connection frequency limited
450 4.1.1 <x@y.z>: Recipient address rejected: unverified address: Address verification in progress
450 4.2.0 <x@y.z>: Recipient address rejected: Greylisted, see http://postgrey.schweikert.ch/
5.4.7 - Delivery expired (message too old) 'timeout' (delivery attempts: 3)
    """,
    (Kind.hard, Reason.policy): """
552-5.7.0 This message was blocked because its content presents a potential security issue.
550-5.7.1 [192.0.2.1 12] Our system has detected that this message is likely unsolicited mail. To reduce the amount of spam sent to Gmail, this message has been blocked.
550 5.7.1 The user or domain that you are sending to (or from) has a policy that prohibited the mail that you sent.
550 5.7.1 RESOLVER.RST.NotAuthorized; not authorized
550 5.7.1 Unfortunately, messages from [192.0.2.1] weren't sent. Please contact your Internet service provider since part of their network is on our block list (S3150).
550 5.7.511 Access denied, banned sender[192.0.2.1]. To request removal
550 5.7.64 TenantAttribution; Relay Access Denied
554 5.7.9 Message not accepted for policy reasons. See https://postmaster.yahooinc.com/error-codes
553 5.7.2 [TSS09] All messages from 192.0.2.1 will be permanently deferred; Retrying will NOT succeed.
554 (RTR:BL) http://postmaster.info.aol.com/errors/554rtrbl.html TRANSACTION FAILED
550 relaying denied
554 5.7.1 [CS01] Message rejected due to local policy. Please visit
550 5.7.0 Blocked - see https://ipcheck.proofpoint.com/?ip=192.0.2.1
550 5.7.1 Service unavailable; client [192.0.2.1] blocked using zen.spamhaus.org
550 Administrative prohibition
sorry, that domain isn't in my list of allowed rcpthosts (#5.7.1)
550 5.7.1 Access denied - please contact your administrator
550 permanent failure for one or more recipients (x@y.z:blocked)
550 Rejected by header based manually Blocked Senders
554 Email rejected due to security policies - MCSpamSignature.x.x
550 Administrative prohibition - envelope blocked
550 Envelope blocked - User Entry
550 Anti-Spoofing policy - Inbound not allowed
553-Message filtered. Refer to the Troubleshooting page at 553-http://www.symanteccloud.com/troubleshooting for more 553 information. (#5.7.1)
550 #5.7.1 Your access to submit messages to this e-mail system has been rejected.
554 Your access to this mail system has been rejected due to the sending MTA's poor reputation.
550 5.5.0 Mail rejete. Mail rejected. OFR_506
550 Connection denied
550 Access denied...f5a8
550 Mail is rejected by recipients [xx IP: 1.2.3.4]
554 5.7.1 You are not allowed to connect
554 5.7.1 Connection refused: your IP is on our block list
5.1.0 - Unknown address error 550-'5.7.1 Access denied' (delivery attempts: 0)
    """,
    (Kind.soft, Reason.policy): """
421 4.7.0 [TSS04] Messages from 192.0.2.1 temporarily deferred due to unexpected volume or user complaints
421 Service refuse. Veuillez essayer plus tard. OFR_999 [999]
    """,
    (Kind.hard, Reason.authentication): """
550-5.7.26 This mail has been blocked because the sender is unauthenticated. Gmail requires all senders to authenticate with either SPF or DKIM.
550 5.7.133 RESOLVER.RST.SenderNotAuthenticatedForGroup; authentication required
550 5.7.1 Service refuse. Veuillez verifier le SPF de votre nom de domaine. Service refused, please check the SPF of your domain name. LPN004_401
    """,
    (Kind.hard, Reason.content): """
554 5.7.1 Message rejected as spam by Content Filtering.
    """,
    (Kind.soft, Reason.content): """
421-4.7.0 [192.0.2.1 15] Our system has detected that this message is suspicious due to the nature of the content
    """,
    (Kind.hard, Reason.address_unknown): """
550-5.1.1 The email account that you tried to reach does not exist. Please try 550-5.1.1 double-checking the recipient's email address for typos or 550-5.1.1 unnecessary spaces.
553-5.1.3 The recipient address <x> is not a valid RFC-5321 address.
550 5.1.1 https://support.google.com/mail/?p=NoSuchUser l4-20020a17090aec0400b0 - gsmtp
550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup
550 5.1.1 RESOLVER.ADR.ExRecipNotFound; not found
550 5.4.1 Recipient address rejected: Access denied. AS(201806281) [X.eop.outlook.com]
550 5.5.0 Requested action not taken: mailbox unavailable (S2017062302). [x.outlook.com]
550 5.1.351 Remote server returned unknown recipient or mailbox unavailable
554 delivery error: dd This user doesn't have a yahoo.com account (x@yahoo.com) [0] - mta1.mail.yahoo.com
550 5.1.1 <x@aol.com>: Recipient address rejected: aol.com
550 MAILBOX NOT FOUND
550 5.1.1 <x@icloud.com>: user does not exist
550 5.1.1 <x@icloud.com>: inactive email address
550 5.1.1 <x@y.z>: Recipient address rejected: User unknown in virtual mailbox table
550 5.1.1 <x@y.z>: Recipient address rejected: User unknown in relay recipient table
unknown user: "bob"
550 5.7.1 <x>: Recipient address rejected: Please see http://www.openspf.org/Why
Unknown user
550-Callout verification failed: 550 No such user
R=dnslookup T=remote_smtp: SMTP error from remote mail server after RCPT TO:<x@y>: 550 No such recipient here
Sorry, no mailbox here by that name. (#5.1.1)
vdelivermail: Sorry, no mailbox here by that name. vpopmail (#5.1.1)
550 User unknown.
550 5.1.1 Mailbox does not exist
550 Invalid Recipient - https://community.mimecast.com/docs/DOC-1369#550
550 Invalid recipient <x@y> (#5.1.1)
550 #5.1.0 Address rejected.
550-Requested action not taken: mailbox unavailable 550 For explanation visit http://postmaster.gmx.com
550 5.1.1 Benutzer unbekannt
550 Empfänger existiert nicht
550 5.1.1 Adresse d au moins un destinataire invalide. Invalid recipient. OFR204_416 [416]
550 Boite inconnue / utilisateur inconnu
550 Usuario desconocido
El usuario no existe en este servidor
O usuário não existe
550 utente inesistente
Indirizzo sconosciuto
De ontvanger bestaat niet
宛先のメールアドレスが存在しません
收件人不存在
550 Mailbox not found. http://service.mail.qq.com/cgi-bin/help?subtype=1&&id=20022&&no=1000728
550 Invalid User: x@163.com
550 User not found: x@163.com
Пользователь не найден
550 Message was not accepted -- invalid mailbox. Local mailbox x@mail.ru is unavailable: user not found
550 5.7.1 No such user!
Użytkownik nie istnieje
존재하지 않는 사용자
550 5.1.1 unknown or illegal alias: x@y
550 5.1.1 ...User is unknown {mx-us011}
550 5.1.1 User Unknown
550 #5.1.0 Address rejected x@y
User x (x@y) not listed in public Name & Address Book
User x (x@y) not listed in Domino Directory
450 MAILBOX NOT FOUND
GroupWise: User not found
550 5.1.1 <x@y.z>: Recipient address rejected: undeliverable address: User unknown
Utilisateur X (x@y.z) non répertorié dans l'annuaire Domino
Benutzer X (x@y.z) ist nicht im Domino-Verzeichnis aufgeführt
550 User unknown (in reply to MAIL FROM command)
This address no longer accepts mail.
550 Mailbox unavailable or access denied
550 5.1.1 Mail address could not be found / Empfänger unbekannt
    """,
    (Kind.hard, Reason.domain_unknown): """
550 5.4.310 DNS domain example.com does not exist [Message=InfoDomainNonexistent]
Host or domain name not found. Name service error for name=example.invalid type=AAAA: Host not found
domain example.com does not accept mail (nullMX)
unable to look up host nohost.example: Name or service not known
Unrouteable address
all relevant MX records point to non-existent hosts
an MX or SRV record indicated no SMTP service
Sorry, I couldn't find any host named nohost.example. (#5.1.2)
El dominio no existe
ドメインが見つかりません
521 5.2.1 AOL will not accept delivery of this message
450 4.1.2 <x@y.z>: Recipient address rejected: No such domain
5.1.2 - Bad destination host 'DNS Hard Error looking up example.invalid (MX): NXDomain'
    """,
    (Kind.hard, Reason.sender_refused): """
550 5.7.124 RESOLVER.RST.SenderNotInAllowedList; sender not in allowed-senders list
550 5.7.509 Access denied, sending domain [EXAMPLE.ORG] does not pass DMARC verification and has a DMARC policy of reject.
550 5.1.8 Access denied, bad outbound sender. For more information please go to http://go.microsoft.com/fwlink/?LinkId=875724
550-Verification failed for <a@b> 550-No Such User Here 550 Sender verify failed
550 Sender account suspended
550 Your account has been suspended for sending spam
Compte expediteur verrouille pour mail frauduleux. Your sender account has been locked. OFR_105
550 go away (in reply to MAIL FROM command)
    """,
    (Kind.hard, Reason.moved): """
551 User not local; please try <new@example.com>
550 recipient has moved, please try new@example.org
    """,
    (Kind.hard, Reason.undetermined): """
550 5.4.14 Hop count exceeded - possible mail loop
mail for example.com loops back to myself
lowest numbered MX record points to local host
554 DT:SPM 163 mx1,xx
5.2.1
550
554 Transaction failed
554 5.4.6 too many hops, this message is looping
550 SC-001 (COL004-MC1F1) Unfortunately, messages from 192.0.2.1 weren't sent.
Mail.RecipientNotFound
    """,
}

ROWS = [
    (line.strip(), kind, reason)
    for (kind, reason), lines in REPLIES.items()
    for line in lines.strip().splitlines()
]


@pytest.mark.parametrize('reply, kind, reason', ROWS, ids=[row[0][:60] for row in ROWS])
def test_reply(reply: str, kind: Kind, reason: Reason) -> None:
    judged = judge([reply], Codes())
    assert (judged.kind, judged.reason) == (kind, reason)


# ------------------------------------------------------------------ at SMTP time


@pytest.mark.parametrize(
    'code, status, text, kind, reason',
    [
        (550, '5.1.1', 'no such user', Kind.hard, Reason.address_unknown),
        (550, None, b'5.1.1 <x@example.org>: no', Kind.hard, Reason.address_unknown),
        (550, None, 'no', Kind.hard, Reason.undetermined),
        (552, None, 'no', Kind.soft, Reason.mailbox_full),
        (552, None, b'5.3.4 message too big', Kind.soft, Reason.message_too_large),
        (552, None, '5.7.0 blocked by policy', Kind.hard, Reason.policy),
        (554, None, '5.7.1 blocked using zen.example', Kind.hard, Reason.policy),
        (421, None, 'closing', Kind.soft, Reason.transient),
        (450, '4.2.0', 'Greylisted', Kind.soft, Reason.transient),
        (451, None, b'\xff\xfe', Kind.soft, Reason.transient),
        # Mailman's own code for a server that did not answer.
        (444, None, 'Connection unexpectedly closed', Kind.soft, Reason.transient),
        (444, None, '[Errno 111] Connection refused', Kind.soft, Reason.transient),
        (525, '5.7.13', 'disabled', Kind.soft, Reason.account_suspended),
        (556, '5.1.10', 'no', Kind.hard, Reason.domain_unknown),
        ('550', None, '', Kind.hard, Reason.undetermined),
    ],
)
def test_refusal_at_smtp_time(
    code: int | str, status: str | None, text: str | bytes, kind: Kind, reason: Reason
) -> None:
    assert classify_reply(code, status, text) == (kind, reason)


@pytest.mark.parametrize(
    'text, status, reply',
    [
        ('550 5.1.1 no', '5.1.1', '550'),
        ('550-5.1.1 no\n550 5.1.1 way', '5.1.1', '550'),
        ('host mx[192.0.2.5] said: 452 4.2.2 full', '4.2.2', '452'),
        ('(reason: 553 sorry)', None, '553'),
        ('<<< 550 sorry (#5.7.1)', '5.7.1', '550'),
        ('Remote host said: 554 no', None, '554'),
        ('5.0.0 then 5.2.2', '5.2.2', None),
        ('5.0.0', '5.0.0', None),
        ('250 2.0.0 ok', None, None),
        ('connect to 192.0.2.5 port 5.1.1.2 failed', None, None),
        ('sent 550 messages of 5.1.1beta', '5.1.1', None),
        ('<550@5.1.1.example.org> is no code', None, None),
        ('Message-ID 15.1.1 or 5.1.1234', None, None),
    ],
)
def test_codes(text: str, status: str | None, reply: str | None) -> None:
    assert find_codes(text) == Codes(status, reply)


def test_a_code_of_class_4_beside_the_text_makes_a_refusal_soft() -> None:
    judged = judge(['554 blocked'], Codes('4.7.1'))
    assert (judged.kind, judged.reason) == (Kind.soft, Reason.policy)


def test_an_address_or_a_url_decides_nothing() -> None:
    for text in (
        '550 <mailbox.full@example.org> rejected',
        '550 see https://example.org/mailbox-full-quota-exceeded sorry, no such user',
    ):
        assert judge([text], Codes()).kind is Kind.hard

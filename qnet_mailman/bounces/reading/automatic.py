# SPDX-License-Identifier: GPL-3.0-or-later
"""Recognizes what arrives at a bounces address and is no bounce (R16).

Delay warnings, automatic replies (RFC 3834), feedback reports (RFC 5965), requests to
prove that one is a person, and what mailing lists say to each other.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from qnet_mailman.bounces.reading.addresses import without_hosts
from qnet_mailman.bounces.reading.reasons import words_of
from qnet_mailman.bounces.reading.texts import EXPIRED, Hit, Phrases, fold
from qnet_mailman.mail.automatic import AUTOMATIC_SUBJECTS, REPLY_MARKERS
from qnet_mailman.mail.parts import Report

#: From this many signs on, a text for people is a report of non-delivery.
ENOUGH_SIGNS = 3

_DAEMON = re.compile(
    r'mailer[-_. ]?daemon|postmaster|post_master|mail[-_. ]?daemon|mdaemon'
    r'|mail deliver|mail\.delivery|delivery (?:sub)?system|mail administrator'
    r'|system administrator|mail system|mailsystem|mailadmin|mail server|interscan'
    r'|mailsweeper|bounce|undeliverable|delivery failure|message center|null@',
    re.IGNORECASE,
)
_FEEDBACK = re.compile(r'^feedback-type:\s', re.IGNORECASE | re.MULTILINE)
_AT_HOST = re.compile(r'@[\w.-]{1,253}')
_FORWARDED = re.compile(
    r'\s*(?:fwd?|wg|tr|rv|enc|i|vs|vb|pd|doorst|转发|轉寄|転送)\s?:', re.IGNORECASE
)
_ANSWERED = re.compile(r'\s*(?:re|aw|antw|sv|ré|res|rif|odp)\s?(?:\[\d+\])?:', re.I)

BOUNCE_SUBJECT = Phrases(
    'BOUNCE_SUBJECT',
    en="""
    undeliver | returned mail | return mail | returned message | mail returned
    message returned | delivery failure | delivery failed | delivery has failed
    mail delivery failed | delivery status | delivery notification | delivery error
    delivery problem | mail failure | failure notice | failure delivery | mail error
    mail failed | mail system error | message delivery | mail delivery | non-delivery
    nondeliver | non delivery | not delivered | could not be delivered | cannot deliver
    couldn't be delivered | can't be delivered | unable to deliver | undelivered
    not be delivered | failed mail | failed delivery | failure to deliver
    failed message | message rejected | error sending your mail | error delivering
    postmaster notify | user unknown | unknown user | returned to sender
    smtp delivery failure | bounce | message could not | rejected:
    considered unsolicited | permanent error | mail not sent | warning: could not
    """,
    others="""
    unzustellbar | nicht zugestellt | unzustell | zustellung fehlgeschlagen
    zustellfehler
    nicht zustellbar | übermittlung fehlgeschlagen | fehler bei der zustellung
    rückläufer | échec | non remis | non délivr | retour de courrier | non distribu
    impossible de remettre | no se pudo entregar | no entregado | no se puede entregar
    error de entrega | devuelto | fallo en la entrega | notificación de error
    no se ha podido entregar | não entregue | devolvid | falha na entrega
    erro na entrega
    falha no envio | mancata consegna | mancato recapito | non recapitabil
    impossibile recapitare | errore di consegna | consegna fallita | onbestelbaar
    niet bezorgd | niet afgeleverd | kan inte levereras | olevererat | ej levererat
    ikke leveret | ikke levert | uleverbar | kunne ikke leveres | toimittamatta
    配信不能 | 配信できません | 送信できません | 届けられません | 配信エラー
    送信エラー
    メールエラー | 未達 | 不達 | 返送 | 配信に失敗 | 送信に失敗 | エラーメール | 戻り
    退信 | 退件 | 投递失败 | 无法投递 | 无法送达 | 发送失败 | 系统退信 | 傳送失敗
    無法傳遞 | 無法遞送 | 退回 | 반송 | 전송 실패 | 발송 실패 | 배달 실패
    не доставлено | недоставлен | не удалось доставить | возврат
    не может быть доставлен
    ошибка доставки | невозможно доставить | не доставлен | niedostarczon
    nie dostarczono | zwrot | nie została dostarczona | błąd dostar
    nedoručiteln | nedoručen | iletilemedi | teslim edilemedi | kézbesíthetetlen
    nelivrat
    kunde inte skickas | returnerad e-post | returneret mail | ikke afleveret
    kunne ikke afleveres | kunne ikke sendes | αδυναμία παράδοσης | αποτυχία παράδοσης
    δεν παραδόθηκε | μη παραδοτέο | επιστροφή αλληλογραφίας | לא נמסר | מסירה נכשלה
    לא ניתן למסור | שגיאה במסירה | דואר שחזר | ส่งไม่ได้ | ส่งไม่สำเร็จ | ไม่สามารถส่ง
    ตีกลับ | недоставен | неуспешна доставка | не е доставено | не беше доставено
    neisporuč | isporuka nije uspjela | nije isporučen | nije dostavljen | vraćena pošta
    nedostav | ni bilo mogoče dostaviti | thư bị trả lại | không gửi được
    gagal dikirim
    gagal terkirim | tidak terkirim | فشل التسليم | لم يتم التسليم
    """,
)

#: Such a subject begins reports of everything, and says behind a colon of what.
SUBJECT_OF_MANY = Phrases(
    'SUBJECT_OF_MANY',
    en="""
    delivery status | delivery notification | message delivery | postmaster notify
    warning | delivery problem | mail system | return mail
    """,
)

BOUNCE_TEXT = Phrases(
    'BOUNCE_TEXT',
    en="""
    not be delivered | couldn't be delivered | can't be delivered | can not be delivered
    wasn't able to deliver | was not able to deliver | not able to be delivered
    unable to deliver | were unable to deliver | undeliverable | not delivered to
    wasn't delivered | was not delivered | has not been delivered to the
    did not reach | delivery failed | delivery has failed | delivery to the following
    delivery failure | failed to deliver | failed permanently | cannot deliver
    could not deliver | couldn't deliver | can't deliver | error delivering
    error while trying to deliver | error occurred while | error has occurred while
    had permanent | had delivery | had trouble delivering | had fatal errors
    permanent fatal error | permanent error | following address | transcript of session
    following recipient | failed recipients | failed addresses | failure reason
    was rejected | were rejected | automatically rejected | has been rejected
    rejected your message | message was refused | returned undelivered | returning
    returned to you | is being returned | bounced | failed at outgoing smtp
    while talking to | unsent message follows | this user doesn't have | mailbox exceeds
    unknown user: | user unknown: | invalid final delivery | error message below
    invalid user address | message log follows | was considered unsolicited
    has been returned | been returned because | encountered an error
    not been delivered | did not receive | not reach its | the following error
    """,
    others="""
    nicht zugestellt | unzustellbar | nicht zustellen | zustellung … fehlgeschlagen
    nicht ausgeliefert | nicht übermittelt | konnte nicht an | zurückgewiesen
    n'a pas pu être | n'a pu être | pas été remis | pas été délivr
    impossible de remettre | échec de la remise | échec de remise | non distribu
    n'a pas été livr
    pas été distribu
    no se pudo entregar | no se ha podido entregar | no pudo ser entregado
    no ha podido ser entregado | no se puede entregar | no fue entregado
    no ha sido entregado | no hemos podido entregar | error en la entrega
    não pôde ser entregue | não foi entregue | não foi possível entregar
    não pode ser entregue | falha na entrega | non è stato possibile recapitare
    non può essere consegnat | non è stato consegnat | impossibile recapitare
    non è stato recapitat | mancata consegna | impossibile consegnare
    niet bezorgd | niet afgeleverd | niet worden bezorgd | niet worden afgeleverd
    kunde inte levereras | kunde inte skickas | kunne ikke leveres | ikke leveret
    ei voitu toimittaa | 配信できません | 配信できませんでした | 送信できません
    配送できません | お届けできません | 届けることができません | 届きませんでした
    配信されませんでした | 送信されませんでした | 配信に失敗 | 送信に失敗 | 配送に失敗
    无法投递 | 无法送达 | 未能送达 | 投递失败 | 不能投递 | 无法发送 | 发送失败 | 被退回
    退信 | 無法傳遞 | 無法遞送 | 無法投遞 | 無法送達 | 傳送失敗 | 전송되지 | 전달되지
    배달되지 | 전송할 수 없 | 보내지 못 | 반송
    не может быть доставлен | не удалось доставить | не было доставлено | не доставлен
    не была доставлена | невозможно доставить | не вдалося доставити
    nie mogła zostać dostarczona | nie została dostarczona | nie można dostarczyć
    nie udało się dostarczyć | nie może być dostarczon
    nelze doručit | nebyla doručena | nemohla být doručena | iletilemedi
    teslim edilemedi | nem kézbesíthető | nu a putut fi livrat
    kunde inte nå | gick inte att leverera | har inte levererats | ej levereras
    kunne ikke afleveres | ikke afleveret | ikke blive leveret | kunne ikke sendes
    ikke levert | ikke leveres | δεν ήταν δυνατή η παράδοση | δεν παραδόθηκε
    δεν μπόρεσε να παραδοθεί | δεν είναι δυνατή η παράδοση | αποτυχία παράδοσης
    לא ניתן למסור | לא נמסרה | לא נמסר | המסירה נכשלה | לא הצליח למסור
    ไม่สามารถส่ง | ส่งไม่ได้ | ส่งไม่สำเร็จ | ไม่ถูกส่ง | не може да бъде доставен
    не беше доставен | не бе доставен | не е доставен | неуспешна доставка
    nije isporučen | ne može se isporučiti | nije moguće isporučiti | nije dostavljen
    ne može biti isporučen | isporuka nije uspjela | ni bilo mogoče dostaviti
    không gửi được | không thể gửi | gagal dikirim | tidak dapat dikirim | لم يتم تسليم
    """,
)

DELAY = Phrases(
    'DELAY',
    en="""
    warning message only | this is a warning only | warning only | has been delayed
    is delayed | been delayed | delayed mail | message delayed | delivery delayed
    delivery delay | (delay) | notification: delayed | notification: warning
    still being retried | will be retried | will keep trying | will continue to try
    continue to be attempted | attempts will continue | continuing to try
    keep trying to deliver | still trying | not yet been delivered
    has not yet been | not yet delivered | still undelivered
    do not need to resend | don't need to resend | do not need to re-send
    no need to resend | no action is required on your part | temporary failure report
    warning: could not send | warning: message | kept in the queue | will try again for
    retried until | will be tried again | we'll keep trying | continue trying
    will retry for | incomplete delivery | there was a temporary problem
    has not been delivered yet | not been delivered yet | hasn't been delivered
    not yet fully delivered | not yet reached | not yet accepted
    attempts to deliver … will continue | attempts to deliver … continue
    will attempt to deliver
    still attempting | still being attempted | still in the queue
    still queued | remains in the queue | remains queued | remain in the queue
    has been queued for | been enqueued and undeliver | waiting mail
    will be retried | will be trying
    will keep on trying | will continue trying
    trying to deliver it for | will go on trying
    delivery is delayed | delivery has been delayed | delivery of … delayed
    temporarily delayed
    mail still waiting
    undelivered after … will | not need to resend | do not have to resend
    need not resend | need not re-send | no need to re-send | not necessary to resend
    you will be notified if | you will be informed if | notified again if
    warning … not delivered | warning - delayed
    deferred mail | deferral notice
    """,
    others="""
    verzögert | verzögerung | noch nicht zugestellt | weiterhin versucht
    weitere zustellversuche | retardé | remise différée | continuera
    nouvelle tentative
    n'a pas encore été | retrasad | retraso | seguirá intentando | se seguirá
    se reintentará | todavía no | atrasad | continuará tentando | ainda não
    in ritardo | ritardat | ulteriori tentativi | non ancora | vertraagd | vertraging
    nog niet | försenad | forsinket | viivästy | 遅延 | 遅れ | 再送を試み
    まだ配信 | 延迟 | 将继续 | 继续尝试 | 延遲 | 將繼續 | 지연 | 다시 시도할
    задержан | задержка | доставка отложена | попытки … продолж | ещё не доставлен
    opóźnion | opóźnienie | zpožděn | gecik
    wird weiter versucht | versuche … fortgesetzt | weitere versuche
    nouveaux essais | sera retentée | tentatives … continu
    n'est pas nécessaire de renvoyer | seguiremos intentando | no es necesario reenviar
    continuaremos tentando | não é necessário reenviar
    wordt opnieuw geprobeerd | försöker igen | forsøger igen | prøver igjen
    καθυστέρ | เลื่อน | закъсн | kašnjenj | odgođen | opóźniona
    """,
)

AUTO_REPLY_SUBJECT = Phrases(
    'AUTO_REPLY_SUBJECT',
    en="""
    out of office | out of the office | out-of-office | automatic reply | auto reply
    auto-reply | autoreply | autoresponse | auto response | auto-response | auto:
    automatic response | automated reply | automated response | autosvar
    auto response: | on vacation | vacation reply | vacation message | vacation notice
    away from | i am away | i'm away | away until | on leave | on holiday | ooo:
    not in the office | thank you for your message | thank you for contacting
    we have received your | received your message | ticket received | case created
    maternity leave | no longer at | no longer with | has left | retirement
    """,
    others="""
    abwesenheit | abwesend | automatische antwort | nicht im büro | im urlaub
    urlaub | nicht im haus | empfangsbestätigung | réponse automatique
    message automatique d'absence | absence du bureau | absent | en congé
    hors du bureau
    respuesta automática | fuera de la oficina | fuera de oficina | ausente | vacaciones
    resposta automática | ausência | fora do escritório | férias | risposta automatica
    fuori ufficio | assente | in ferie | automatisch antwoord | afwezig
    niet op kantoor | automatiskt svar | frånvaro | automatisk svar | fravær
    automaattinen vastaus | poissa | 不在 | 自動返信 | 自動応答 | 自动回复 | 自動回覆
    自动答复 | 外出 | 休假 | 부재중 | 자동 응답 | 자동회신 | автоответ
    автоматический ответ
    отсутств | в отпуске | autoodpowiedź | odpowiedź automatyczna
    automatyczna odpowiedź | nieobecno | urlop | automatická odpověď | mimo kancelář
    otomatik yanıt | ofis dışında | távollét | răspuns automat | αυτόματη απάντηση
    """,
)

#: Only who wants proof that a person wrote says so.
PROOF = Phrases(
    'PROOF',
    en="""
    confirm that you sent | confirm your message | confirm your email to
    please confirm your email | please verify yourself | verify yourself
    awaiting your verification | awaiting confirmation | waiting for your confirmation
    challenge/response | challenge-response | click … so … delivered
    click the link … deliver | click on the link … deliver | click … to deliver
    click … to release | link … to release | click … to confirm | click … to verify
    link … to confirm you | link … to verify you | follow … link … deliver
    to have … delivered | so that your message can be delivered
    one-time verification | one time verification | i'm protecting myself
    to complete this verification | whitelist … click | click … whitelist
    anti-spam confirmation | prove that you | prove you are | you are a human
    you are human | you're human | are a real person | you are a person | not a robot
    not a spammer | not a machine | captcha | by replying to this
    reply to this message to confirm | reply to this … to confirm
    reply to this … to deliver | simply reply to this | held until you
    until you confirm | until you verify | once you confirm | once you have confirmed
    once you have verified | added to my list | approve yourself
    """,
    others="""
    bestätigen sie … absender | bestätigen sie … mensch | klicken sie … zugestellt
    klicken sie … bestätigen | confirmer … expéditeur | confirmez … envoi
    cliquez … livr | cliquez … confirmer | confirmar … remitente | confirme … remetente
    haga clic … confirmar | clique … confirmar | clicca … conferma
    """,
)

#: What refusals of a sender say as well.
CHALLENGE = Phrases(
    'CHALLENGE',
    en="""
    verify that you | confirm … identity | verify … sender | sender verification
    requires verification | requires confirmation | confirmation required
    spam arrest | spamarrest | boxbe | tmda | mailblocks | sender confirmation
    approved senders | not on my list | receiving junk mail | uol antispam | anti-uce
    """,
    others='antispam uol',
)

CHATTER = Phrases(
    'CHATTER',
    en="""
    awaits moderator approval | awaiting moderator | post by non-member | to the list
    your subscription | subscription confirmation | welcome to the | subscribe request
    unsubscribe | you have been unsubscribed | mailing list | confirm your subscription
    moderator request | moderation | your request to | digest
    """,
)


class Sign(NamedTuple):
    """What shows that a message is no bounce.

    :ivar evidence: Its own words.
    :ivar row: The row of a table that knows them, where one does.
    """

    evidence: str
    row: str = ''


def feedback(report: Report) -> Sign | None:
    """Is this a feedback report (RFC 5965, or older)?"""
    if report.report_type == 'feedback-report':
        return Sign('Content-Type: multipart/report; report-type=feedback-report')
    if report.has_part(['message/feedback-report']):
        return Sign('message/feedback-report')
    subject = report.get('subject').lower()
    if subject.startswith(('complaint about message from', 'email feedback report')):
        return Sign(report.get('subject'))
    head = '\n'.join('\n'.join(lines[:40]) for lines in report.texts[:2])
    if _FEEDBACK.search(head):
        return Sign('Feedback-Type:')
    if 'email abuse report for an email message' in head:
        return Sign('email abuse report')
    return None


def delay(report: Report, lines: list[str]) -> Sign | None:
    """Is this a warning that a message is late?"""
    subject = own_subject(report)
    if found := DELAY.search(words_of(subject)):
        return Sign(subject, found.row)
    if 'x-failed-recipients' in report.headers:
        return None
    head = words_of('\n'.join([line for line in lines if line.strip()][:25]))
    if (found := DELAY.search(head)) and head not in EXPIRED:
        return _sign(head, found)
    return None


def automatic_reply(report: Report, *, enough: bool = False) -> Sign | None:
    """Did a program answer for a person (RFC 3834)?

    :param enough: It is a report by all other signs; these say that programs wrote
        them, too.
    """
    for name in REPLY_MARKERS:
        if fold(report.get(name)) not in ('', 'no', 'false'):
            return Sign(name, f'REPLY_MARKERS: {name}')
    if fold(report.get('precedence')) in ('auto_reply', 'auto-reply'):
        return Sign(f'Precedence: {report.get("precedence")}')
    subject = own_subject(report)
    if found := AUTO_REPLY_SUBJECT.search(words_of(subject)):
        return Sign(f'Subject: {subject}', found.row)
    if AUTOMATIC_SUBJECTS.match(subject):
        return Sign(f'Subject: {subject}', 'AUTOMATIC_SUBJECTS')
    submitted = report.get('auto-submitted').lower()
    if not enough and submitted.startswith(
        ('auto-replied', 'auto-generated', 'auto-notified')
    ):
        return Sign(f'Auto-Submitted: {submitted}')
    if 'vacation' in report.get('x-mailer').lower():
        return Sign(f'X-Mailer: {report.get("x-mailer")}')
    return None


def proof(report: Report, lines: list[str]) -> Sign | None:
    """Is somebody asked to show that a person wrote, whatever else is said?"""
    return _in_words(PROOF, report, lines)


def challenge(report: Report, lines: list[str]) -> Sign | None:
    """Does somebody want proof that a person wrote?"""
    for name in ('x-spamarrest-noauth', 'x-tmda-fingerprint', 'x-boxbe-message'):
        if name in report.headers:
            return Sign(name)
    return _in_words(CHALLENGE, report, lines)


def _in_words(table: Phrases, report: Report, lines: list[str]) -> Sign | None:
    for text in (own_subject(report), '\n'.join(lines[:60])):
        words = words_of(text)
        if found := table.search(words):
            return _sign(words, found)
    return None


def _sign(words: str, found: Hit) -> Sign:
    return Sign(words[max(0, found.start - 60) : found.end + 60], found.row)


def chatter(report: Report) -> Sign | None:
    """Does another mailing list speak here?"""
    for name in ('list-id', 'list-post', 'x-mailman-version', 'x-list-administrivia'):
        if name in report.headers:
            return Sign(f'{name}: {report.get(name)}')
    subject = own_subject(report)
    if found := CHATTER.search(words_of(subject)):
        return Sign(f'Subject: {subject}', found.row)
    return None


def own_subject(report: Report) -> str:
    """A report's subject without that of the message which it may give behind a colon.

    "Undeliverable: Thank you for your message" is no automatic reply.
    """
    subject = report.get('subject')
    before, colon, _after = subject.partition(':')
    words = words_of(before)
    if colon and words in BOUNCE_SUBJECT and words not in SUBJECT_OF_MANY:
        return before
    return subject


def from_mail_system(report: Report) -> bool:
    """Does the sender's address or name say that a mail system wrote this?"""
    return is_daemon(report.get('from'))


# Several questions about a report begin with it.
@lru_cache(maxsize=16)
def is_daemon(sender: str) -> bool:
    """Does a sender's mailbox or name, whatever its host, belong to a mail system?"""
    return _DAEMON.search(without_hosts(_AT_HOST.sub('@', sender[:300]))) is not None


def is_forwarded(report: Report) -> bool:
    """Does the subject say that somebody forwarded this?"""
    return _FORWARDED.match(report.get('subject')) is not None


def signs(report: Report, lines: list[str]) -> int:
    """Count what shows that a text for people is a report of non-delivery.

    An ordinary message that mentions an "unknown user" has one such sign at most.
    """
    count = 0
    if from_mail_system(report):
        count += 2
    if 'x-failed-recipients' in report.headers:
        count += 3
    if report.report_type == 'delivery-status' or report.status_lines:
        count += 2
    path = report.get('return-path').strip().lower()
    if path in ('<>', '<null>') or 'mailer-daemon' in path:
        count += 1
    subject = report.get('subject')
    if not _ANSWERED.match(subject) and words_of(subject) in BOUNCE_SUBJECT:
        count += 2
    if words_of('\n'.join(lines[:60])) in BOUNCE_TEXT:
        count += 2
    return count

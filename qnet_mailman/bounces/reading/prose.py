# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds who bounced, and what is said of it, in reports written for people.

Most mail systems lay such a report out alike: an introduction; for each recipient a
line that begins with its address, and what happened; then a copy of the message.  The
copy is cut off first, since it decides nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from qnet_mailman.bounces.reading.addresses import (
    clean_address,
    find_addresses,
    is_service,
)
from qnet_mailman.bounces.reading.texts import Phrases, fold

#: How many recipients, and how much about each, is read.
MAX_NOTICES = 50
MAX_NOTICE_LINES = 40

_QUOTED = re.compile(
    r'^(?:[ \t]{0,9}[>|]){1,9} ?(?![>< ]?(?:RCPT|MAIL|DATA|EHLO|HELO))'
)

# Header fields that only a real message has at the start of a line.
_COPY_FIELD = re.compile(
    r'\s{0,6}(?:Received|Return-Path|DKIM-Signature|DomainKey-Signature|X-Received'
    r'|ARC-Seal|Delivered-To|Authentication-Results|X-Originating-IP'
    r'|X-Google-[\w-]{1,40}|X-MS-[\w-]{1,60}|Mime-Version):\s?\S',
    re.IGNORECASE,
)
_DAEMON_FIELD = re.compile(
    r'\s{0,6}From:.{0,100}(?:mailer-daemon|postmaster|mail delivery'
    r'|mail administrator)',
    re.IGNORECASE,
)
_DASHES = re.compile(r'[\s>*#]{0,9}[-=_|+*]{2,}')

#: Lines, usually between dashes, that announce the copy of the message.
_COPY_FOLLOWS = Phrases(
    'COPY_FOLLOWS',
    en="""
    below this line is a copy | this is a copy of | below is a copy | enclosed is a copy
    included is a copy | attached is a copy | here is a copy
    copy of the message follows
    original message follows | original message -- | original message headers
    header of the original message | headers of the original message
    message headers follow | message header follows | copy of the original message
    copy of the message header
    unsent message follows | message text follows | returned message -- | returned mail
    start of returned message | original message is | undelivered message follows
    undelivered message headers | the original message was: | original message:
    original mail follows | begin original message | message contents follow
    your original message | text of your message | the message headers
    original headers | original message header | rejected message follows
    original message details | header of the source mail
    """,
    others="""
    originalnachricht | ursprüngliche nachricht | kopie der nachricht
    kopfzeilen der | message d'origine | message original | copie du message
    mensaje original | copia del mensaje | mensagem original | cópia da mensagem
    messaggio originale | copia del messaggio | origineel bericht | 元のメール | 原信件
    元のメッセージ | オリジナルメッセージ | 原始邮件 | 原邮件 | 原始郵件 | 원본 메일
    исходное сообщение | копия сообщения | копия письма | oryginalna wiadomość
    """,
)

_FOLLOWS = re.compile(r'follow|below|copy|kopie|copie|copia|folgt|suit|sigue|segue')

_BEFORE_BARE = re.compile(r'[\s>*•·"\'(\[<|:=→-]{0,40}')
_MAILTO = re.compile(r'<mailto:[^>]{1,300}>', re.IGNORECASE)
_LABEL = re.compile(
    r'\s{0,12}[*>-]{0,3}\s{0,4}(?:(?:final|original|failed|failing|intended|invalid'
    r'|undeliverable|bad)[ -])?(?:recipients?(?: address)?|(?:e-?mail )?address(?:es)?'
    r'|rcpt to|error-for|user|mailbox|to|addressee|empfänger(?:adresse)?|destinataires?'
    r'|adresse|destinatari[oa]s?|destinatários?|dirección|endereço|indirizzo'
    r'|ontvanger|получатель|адрес|odbiorca|adresat|宛先(?:メール)?(?:アドレス)?'
    r'|送信先(?:メール)?(?:アドレス)?|受信者|收件人|收件者|收信人|받는 ?사람|수신자)'
    r'\s{0,4}[:=：]\s{0,20}[<"\'(\[]{0,3}(?:smtp:|rfc822;\s{0,3})?',
    re.IGNORECASE,
)
#: What stands before the address in sentences such as "could not be delivered to".
_CUE = re.compile(
    r'(?:\bto|\bfor|\bof|\buser|\brecipients?|\baddress|\bmailbox|\baccount|\bfailed'
    r'|\battempts|\bsize|\berrors?|\bfollowing|\buser-?id|\bhost|\bsmtp'
    r'|\bundeliverable|\bunknown|\brcpt to|\bmessage|\bmail'
    r'|\ban|\bfür|\bempfänger|\badresse|\bà|\bpour|\bdestinataire|\ba|\bpara|\bal'
    r'|\bdestinatario|\bdestinatário|\bdirección|\bendereço|\bindirizzo|\bcasella'
    r'|\baan|\bvoor|\btill|\btil|\bна адрес|\bпользовател\w{1,3}|\bадрес\w{0,3}'
    r'|\bполучател\w{1,3}|\bdo|\bna adres|先|宛|アドレス|给|给：|人|到|至|邮箱|用户)'
    r'[\s:：=<>"\'(\[“„«「]{0,20}$',
    re.IGNORECASE,
)
_NOT_THE_RECIPIENT = re.compile(
    r'contact|assistance|help|question|support|inquir|enquir|complain|reply[- ]?to'
    r'|sender|mail from|envelope-from|\bfrom:?\s|message-id|return-path|postmaster'
    r'|please (?:send|write|call|forward)|unsubscribe|abuse|kontakt|hilfe|問い?合わせ'
    r'|ご連絡|联系|contacte|contatt|обращ|absender|exp[eé]diteur|remitente|remetente'
    r'|mittente|差出人|送信者|发件人|寄件',
    re.IGNORECASE,
)
#: How systems name the address that we sent to, behind the one it became.
_ORIGIN = re.compile(
    r'(?:expanded from|generated from|originally addressed to|original address)'
    r'[\s:]{1,5}<?([^\s<>()]{3,320})',
    re.IGNORECASE,
)
_SESSION = re.compile(r'while talking to|transcript of session', re.IGNORECASE)
_REPLY = re.compile(r'\s{0,6}<<< ?\d{3}')
_REPLIED_ABOUT = re.compile(r'\s{0,6}[1-5]\d\d[ -]')


@dataclass
class Notice:
    """What a report says of one address, in its own lines."""

    address: str
    lines: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """The lines as one text."""
        return '\n'.join(self.lines)


def origin_of(text: str) -> str | None:
    """The address that became another one, as in "(expanded from: <address>)"."""
    match = _ORIGIN.search(text)
    return clean_address(match[1]) if match else None


def without_copy(lines: list[str]) -> tuple[list[str], list[str]]:
    """Divide a text into the report and the copy of the message at its end.

    A block of header fields from a mail system is not the copy: somebody forwarded
    the whole report, and it begins there.
    """
    report: list[str] = []
    number = 0
    while number < len(lines):
        line = unquote(lines[number])
        if _announces_copy(line, number):
            return report, lines[number + 1 :]
        if _COPY_FIELD.match(line):
            block = [unquote(one) for one in lines[number : number + 60]]
            end = next((n for n, one in enumerate(block) if not one.strip()), 0)
            if not end or not any(_DAEMON_FIELD.match(one) for one in block[:end]):
                return report, lines[number:]
            number += end
            continue
        report.append(line)
        number += 1
    return report, []


def unquote(line: str) -> str:
    """Take the marks of quoting in a forwarded report away."""
    if line.lstrip()[:1] not in ('>', '|'):
        return line
    return _QUOTED.sub('', line)


def _announces_copy(line: str, number: int) -> bool:
    short = line.strip()
    if not 8 <= len(short) <= 120 or number == 0:
        return False
    if not (_DASHES.match(short) or short[-1] in '.:-=|' or short[:1] in '[*'):
        return False
    folded = fold(short)
    dashes = _DASHES.match(short) is not None
    if short.endswith('.') and not dashes and not _FOLLOWS.search(folded):
        return False  # "Please do not resend your original message."
    if folded.strip('-=_*|[]: ') == 'original message':
        return True
    return folded in _COPY_FOLLOWS and not (
        # "The original message was received at ..." begins sendmail's reports.
        'was received' in folded or 'could not' in folded or 'attached' in folded
    )


def find_notices(lines: list[str]) -> list[Notice]:
    """Find the addresses that stand at the start of a line, or behind a label.

    Text behind and below an address is about it; addresses directly below each other
    share the text that follows them.
    """
    notices: dict[str, Notice] = {}
    group: list[Notice] = []
    fresh = False  # Has nothing been said of the group yet?
    session: list[str] = []
    in_session = False
    for line in lines:
        if _SESSION.search(line):
            in_session, session, group = True, [], []
            continue
        if in_session:
            session = [*session[-11:], line]
            if found := _session_address(line):
                _notice(notices, found).lines += session
                session = []
            continue
        found, rest = _leading_address(line)
        if found is None:
            if not line.strip():
                continue
            fresh = False
            for notice in group:
                if len(notice.lines) < MAX_NOTICE_LINES:
                    notice.lines.append(line)
            continue
        notice = _notice(notices, found)
        group = [*group, notice] if fresh and notice not in group else [notice]
        fresh = not rest
        if rest:
            notice.lines.append(rest)
        if len(notices) >= MAX_NOTICES:
            break
    return list(notices.values())


def _notice(notices: dict[str, Notice], address: str) -> Notice:
    return notices.setdefault(address.lower(), Notice(address))


def _leading_address(line: str) -> tuple[str | None, str]:
    if '@' not in line:
        return None, ''
    line = _MAILTO.sub(' ', line)
    for start, end, address in find_addresses(line)[:1]:
        before = line[:start]
        bare = _BEFORE_BARE.fullmatch(before) is not None
        if not bare and not _labelled(before):
            break
        if is_service(address) or _NOT_THE_RECIPIENT.search(before):
            break
        rest = line[end:].strip(' \t<>"\')]:;,.')
        if bare and _is_prose(rest):
            break
        if _repeats(rest, address):
            rest = ''
        return address, rest
    return None, ''


def _labelled(before: str) -> bool:
    match = _LABEL.fullmatch(before)
    # "To:" alone is the header of the returned message as often as not.
    return match is not None and before.strip(' \t*>-<"').lower() != 'to:'


def _is_prose(rest: str) -> bool:
    """Does a sentence that merely begins with an address go on here?"""
    return rest.lower().startswith(('to ', 'wrote', 'schrieb', 'a écrit', 'for help'))


def _repeats(rest: str, address: str) -> bool:
    found = find_addresses(rest)
    return bool(found) and not rest.replace(found[0][2], '').strip(' ()<>[]"\'')


def _session_address(line: str) -> str | None:
    """The address of a session's ``550 <user@example.org>... User unknown``."""
    if '@' not in line or '<<<' in line or '>>>' in line:
        return None
    for start, _end, address in find_addresses(line)[:1]:
        before = line[:start]
        code = _REPLIED_ABOUT.match(before) or _BEFORE_BARE.fullmatch(before)
        if code and '...' in line and not before.lstrip().startswith(('050', '250')):
            return address
    return None


def find_mentions(lines: list[str], *, anywhere: bool = False) -> list[Notice]:
    """Find addresses inside sentences, as in "could not be delivered to <address>".

    :param anywhere: Take any address that is not said to be somebody else's.
    """
    notices: dict[str, Notice] = {}
    for number, line in enumerate(lines):
        if '@' not in line:
            continue
        line = _MAILTO.sub(' ', line)
        for start, _end, address in find_addresses(line)[:5]:
            before = line[max(0, start - 60) : start]
            if before.strip(' \t*>-<"').lower() == 'to:' and not anywhere:
                continue  # Likelier the returned message's than the report's.
            if not before.strip(' <"\'([') and number:
                before = lines[number - 1][-60:] + ' ' + before
            if is_service(address) or _NOT_THE_RECIPIENT.search(before):
                continue
            if anywhere or _CUE.search(before):
                around = lines[max(0, number - 1) : number + 6]
                _notice(notices, address).lines += around
        if len(notices) >= MAX_NOTICES:
            break
    return list(notices.values())


def replies(text: str) -> str:
    """What the other server answered in a session's transcript, or an empty string."""
    return '\n'.join(
        line.replace('<<<', '', 1).strip()
        for line in text.split('\n')
        if _REPLY.match(line)
    )

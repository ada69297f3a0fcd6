# SPDX-License-Identifier: GPL-3.0-or-later
"""Decides from texts and codes what a failure is: kind and reason (R16).

Texts come first: receivers write what they mean, while codes are picked by habit
(``5.2.1`` is as often "user unknown" as "disabled", and everything is ``550``).  Then
enhanced status codes (RFC 3463, RFC 5248), then reply codes (RFC 5321 4.2).  What
cannot be determined is hard.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from qnet_mailman.bounces.reading import texts
from qnet_mailman.bounces.reading.addresses import without_hosts
from qnet_mailman.bounces.reading.texts import Hit, Phrases, fold
from qnet_mailman.bounces.reading.verdict import Kind, Reason

MAX_EVIDENCE = 200
#: How much of one text is compared with the tables, in characters.
MAX_WORDS = 3000

SOFT = frozenset(
    {
        Reason.mailbox_full,
        Reason.message_too_large,
        Reason.account_suspended,
        Reason.transient,
    }
)

# 5.1.1, but neither 192.0.2.5 nor 15.1.10.2 nor 5.1.1.2; zero-padded or signed codes
# do not exist.  A pattern that begins with its first digit is found fast: so what must
# not stand before that is looked for behind it.
_STATUS = re.compile(r'([245])(?<![\d.:/@_-][245])\.(\d{1,3})\.(\d{1,3})(?![\d]|\.\d)')
_REPLY = re.compile(r'[245][0-7]\d(?=[\s:;,.\'")\]#-]|$)', re.MULTILINE)
#: What a reply code stands behind, in the 40 characters before it.
_BEFORE_REPLY = re.compile(
    r'(?:^|said:|says|<<<|\breason:|\berror:|code:?|\bwas:|\bresponse:|returned:?'
    r'|responded[\w ]{0,20}:|failure:|smtp;|smtp:|\bstatus:?|#|\]:|\):|>:|\bserver:'
    r'|\bto me:|_code\s?:|\bwith:?|\bgot:?|\bmessage:|: |[(\'"\[-]|\.\.\.)'
    r'[\s\'"(\[<:b]{0,4}\Z',
    re.IGNORECASE | re.MULTILINE,
)
_CODES = re.compile(
    r'[245](?:(?<!\w[245])[0-7]\d[- ]#?[245]\.\d{1,3}\.\d{1,3}\b'
    r'|(?<![\d.][245])(?:[0-7]\d-|\.\d{1,3}\.\d{1,3}(?![\d.])))'
)
_URL = re.compile(r'\b(?:https?://|www\.)[^\s<>"]{1,1000}', re.IGNORECASE)
_ADDRESS = re.compile(
    r'<?(?:[^\s<>:;,"\'()\[\]@]{1,100}|"[^"@\n]{1,64}")@[\w.-]{1,253}>?'
)

# Enhanced status codes whose meaning is not doubtful, class aside.
STATUS_REASONS = {
    # RFC 3463 3.2, addressing
    '1.1': Reason.address_unknown,
    '1.2': Reason.domain_unknown,
    '1.3': Reason.address_unknown,
    '1.4': Reason.address_unknown,
    '1.6': Reason.moved,
    '1.10': Reason.domain_unknown,  # RFC 7505, null MX
    # RFC 3463 3.3, mailbox; 2.0 and 2.1 mean too many things
    '2.2': Reason.mailbox_full,
    '2.3': Reason.message_too_large,
    '2.121': Reason.transient,  # Exchange: messages per hour, of one sender
    '2.122': Reason.transient,  # Exchange: messages per hour
    # RFC 3463 3.4, mail system
    '3.1': Reason.transient,  # The system, not the mailbox, is full.
    '3.4': Reason.message_too_large,
    # RFC 3463 3.5, network and routing
    '4.1': Reason.transient,
    '4.2': Reason.transient,
    '4.3': Reason.transient,
    '4.4': Reason.domain_unknown,
    '4.5': Reason.transient,
    '4.7': Reason.transient,
    '4.300': Reason.transient,  # Exchange Online: message expired
    '4.310': Reason.domain_unknown,  # Exchange Online: domain does not exist
    '4.316': Reason.transient,
    '4.317': Reason.transient,
    '4.318': Reason.transient,
    # RFC 3463 3.7, content
    '6.1': Reason.content,
    '6.2': Reason.content,
    '6.3': Reason.content,
    '6.5': Reason.content,
    '6.6': Reason.content,
    '6.7': Reason.content,
    '6.9': Reason.content,
    # RFC 3463 3.8, security; RFC 4954, RFC 7372, RFC 7505, RFC 7293
    '7.5': Reason.authentication,
    '7.9': Reason.policy,
    '7.13': Reason.account_suspended,
    '7.17': Reason.address_unknown,
    '7.18': Reason.domain_unknown,
    '7.20': Reason.authentication,
    '7.21': Reason.authentication,
    '7.22': Reason.authentication,
    '7.23': Reason.authentication,
    '7.24': Reason.authentication,
    '7.26': Reason.authentication,
    '7.29': Reason.authentication,
    '7.30': Reason.authentication,
}

# Those about the sender, whatever words stand beside them: "5.1.7 invalid address".
SENDER_STATUSES = frozenset(
    {
        '1.7',  # RFC 3463 3.2, the syntax of the sender's mailbox
        '1.8',  # and of its system
        '1.90',  # Exchange Online: the sender's daily limit
        '7.8',  # RFC 4954 6: our credentials at a relay
    }
)

# Reply codes that say more than "no".
REPLY_REASONS = {
    '422': Reason.mailbox_full,
    '452': Reason.transient,
    '521': Reason.domain_unknown,  # RFC 7504
    '522': Reason.mailbox_full,
    '523': Reason.message_too_large,
    '525': Reason.account_suspended,  # RFC 5248, with X.7.13
    '530': Reason.sender_refused,  # RFC 4954 6: we did not authenticate
    '535': Reason.sender_refused,
    '551': Reason.moved,
    '552': Reason.mailbox_full,
    '556': Reason.domain_unknown,  # RFC 7504
}


@dataclass(frozen=True)
class Judgement:
    """What was decided of one failure, and from what."""

    kind: Kind
    reason: Reason
    status: str | None = None
    reply_code: str | None = None
    evidence: str = ''
    row: str = ''


@dataclass(frozen=True)
class Codes:
    """The codes in a text."""

    status: str | None = None
    reply: str | None = None

    @property
    def temporary(self) -> bool:
        """Is any of them of class 4?  A 5.0.0 beside it is filler."""
        return '4' in ((self.status or ' ')[0], (self.reply or ' ')[0])

    def completed(self, other: Codes) -> Codes:
        """These codes, with those of another text where these lack or are vague."""
        status = self.status
        if status is None or (
            other.status and is_vague(status) and not is_vague(other.status)
        ):
            status = other.status or status
        return Codes(status, self.reply or other.reply)


_NO_CODES = Codes()


def is_vague(status: str) -> bool:
    """Does an enhanced status code say no more than its class (RFC 3463 3.1)?"""
    return status[2:] in ('0.0', '3.0', '5.0')


# A report may name a hundred recipients, with one text about them all.
@lru_cache(maxsize=32)
def find_codes(text: str) -> Codes:
    """Find the first enhanced status code and the first reply code in a text."""
    text = without_hosts(_without_addresses(text[:MAX_WORDS]))
    status = None
    vague = None
    for match in _STATUS.finditer(text):
        if match[1] == '2':
            continue
        code = f'{match[1]}.{int(match[2])}.{int(match[3])}'
        if not is_vague(code):
            status = code
            break
        vague = vague or code
    return Codes(status or vague, _reply_in(text))


def _reply_in(text: str) -> str | None:
    """The first reply code in a text; None if there is none, or it is of class 2."""
    for match in _REPLY.finditer(text):
        start = match.start()
        if _BEFORE_REPLY.search(text, max(0, start - 40), start):
            return match[0] if match[0][0] != '2' else None
    return None


def _without_addresses(text: str) -> str:
    if '@' not in text:
        return text
    if '"' in text:
        # A quoted local part may have spaces.
        return _ADDRESS.sub(' ', text)
    words = text.split(' ')
    return ' '.join([_ADDRESS.sub(' ', one) if '@' in one else one for one in words])


@lru_cache(maxsize=32)
def words_of(text: str) -> str:
    """Fold a text for the tables, without what could mislead them.

    Addresses, URLs and host names go (``mailboxfull@policy.example.org`` says nothing),
    and the codes that begin each line of a reply, since sentences run on across them.
    """
    text = text[:MAX_WORDS]
    if '/' in text or 'www.' in text:
        text = _URL.sub(' ', text)
    text = without_hosts(_without_addresses(text))
    # "Unknown address error" is how IronPort introduces whatever RCPT was answered.
    return fold(_CODES.sub(' ', text)).replace('unknown address error', ' ')


#: In this order the tables are asked of a text that speaks of one failure.  A mailbox
#: that is full or suspended is never to be taken for one that does not exist.
_TABLES: tuple[tuple[Phrases, Reason], ...] = (
    (texts.RATE_LIMITED, Reason.transient),
    (texts.GREYLISTED, Reason.transient),
    (texts.MAILBOX_FULL, Reason.mailbox_full),
    (texts.MESSAGE_TOO_LARGE, Reason.message_too_large),
    (texts.GONE, Reason.address_unknown),
    (texts.ACCOUNT_SUSPENDED, Reason.account_suspended),
    (texts.ACCOUNT_INACTIVE, Reason.account_suspended),
    (texts.SENDER_REFUSED, Reason.sender_refused),
    (texts.MOVED, Reason.moved),
    (texts.DOMAIN_UNKNOWN, Reason.domain_unknown),
    (texts.ADDRESS_UNKNOWN, Reason.address_unknown),
    (texts.GIVEN_UP, Reason.transient),
    (texts.UNREACHABLE, Reason.transient),
    (texts.AUTHENTICATION, Reason.authentication),
    (texts.POLICY, Reason.policy),
    (texts.CONTENT, Reason.content),
    (texts.EARLY_COMMAND, Reason.sender_refused),
    (texts.ADDRESS_REFUSED, Reason.address_unknown),
    (texts.TEMPORARY, Reason.transient),
)

#: The same for a text about the whole report, which explains, hedges and advises
#: ("check the address and try again").
_TABLES_AROUND: tuple[tuple[Phrases, Reason], ...] = (
    (texts.MAILBOX_FULL, Reason.mailbox_full),
    (texts.MESSAGE_TOO_LARGE, Reason.message_too_large),
    (texts.GONE, Reason.address_unknown),
    (texts.ACCOUNT_SUSPENDED, Reason.account_suspended),
    (texts.MOVED, Reason.moved),
    (texts.DOMAIN_UNKNOWN, Reason.domain_unknown),
    (texts.ADDRESS_UNKNOWN, Reason.address_unknown),
    (texts.GIVEN_UP, Reason.transient),
    (texts.UNREACHABLE, Reason.transient),
)


@dataclass(frozen=True)
class Found:
    """A reason, and what decided.

    :ivar row: The row of a table, for people: the table's name and the phrase or code.
    """

    reason: Reason
    row: str


@lru_cache(maxsize=32)
def reason_of(text: str, codes: Codes = _NO_CODES) -> Found | None:
    """Find the reason that a text about one failure speaks of.

    :param codes: The codes that belong to it.
    :return: The reason, or None where no table has words for it.
    """
    words = words_of(text)
    if not words:
        return None
    unreached = None
    near = texts.tables_near(words)
    for table, reason in _TABLES:
        if table.name not in near or (phrase := table.search(words)) is None:
            continue
        found = Found(reason, phrase.row)
        of_account = reason is Reason.account_suspended or table is texts.GONE
        if of_account and _about_the_sender(words, phrase):
            continue
        if table is texts.GONE and words in texts.FOR_A_WHILE:
            return replace(found, reason=Reason.account_suspended)
        if table is texts.ACCOUNT_INACTIVE and (codes.status or '')[1:4] == '.1.':
            return replace(found, reason=Reason.address_unknown)
        if _silent(table, words, codes):
            return replace(found, reason=Reason.transient)
        if table is texts.UNREACHABLE and (codes.reply or '').startswith('5'):
            if words in texts.VERIFYING:
                # Who checks addresses by asking another server could not ask it.
                return found
            # "554 Connection refused" is an answer: they do not want us.
            unreached = found
            continue
        if table is texts.ADDRESS_REFUSED and codes.temporary:
            continue
        if table is texts.TEMPORARY and _permanent(codes):
            break
        return found
    return unreached if unreached and not _permanent(codes) else None


@lru_cache(maxsize=32)
def reason_around(text: str, codes: Codes = _NO_CODES) -> Found | None:
    """Find the reason that a text about the whole report speaks of.

    :return: The reason, or None where it gives none or leaves a choice between an
        address that is wrong and one that is right.
    """
    words = words_of(text)
    near = texts.tables_near(words)
    found = [
        Found(reason, phrase.row)
        for table, reason in _TABLES_AROUND
        if table.name in near
        and (phrase := table.search(words))
        and not _silent(table, words, codes)
    ]
    if not found:
        return None
    reasons = {one.reason for one in found}
    soft = not reasons.isdisjoint(SOFT - {Reason.transient})
    return None if soft and Reason.address_unknown in reasons else found[0]


def _permanent(codes: Codes) -> bool:
    """Do the codes say for what reason it is no use to try again?"""
    return (codes.status or '').startswith('5') and reason_by_codes(codes) is not None


def _silent(table: Phrases, words: str, codes: Codes) -> bool:
    """Did name service fail, rather than say that there is no such domain?"""
    if table is not texts.DOMAIN_UNKNOWN or words not in texts.NAME_SERVER_SILENT:
        return False
    return codes.temporary or 'host not found, try again' in words


def _about_the_sender(words: str, found: Hit) -> bool:
    start = words.rfind('. ', 0, found.start) + 1
    end = words.find('. ', found.end)
    return words[start : end if end >= 0 else None] in texts.ABOUT_THE_SENDER


def reason_by_codes(codes: Codes) -> Found | None:
    """Find the reason that codes alone tell."""
    status, reply = codes.status, codes.reply
    if status:
        if reason := STATUS_REASONS.get(status[2:]):
            return Found(reason, f'STATUS_REASONS: {status[2:]}')
        if status[2:4] == '7.':
            return Found(Reason.policy, 'STATUS_REASONS: 7')
    if reply and (reason := REPLY_REASONS.get(reply)):
        return Found(reason, f'REPLY_REASONS: {reply}')
    return None


def kind_of(reason: Reason, *, temporary: bool) -> Kind:
    """Soft or hard (R16).

    A temporary failure that was given up is soft, whatever was refused, unless it is
    said in words that the address is wrong.
    """
    if reason in SOFT:
        return Kind.soft
    wrong = (Reason.address_unknown, Reason.domain_unknown, Reason.moved)
    return Kind.soft if temporary and reason not in wrong else Kind.hard


def one_line(text: str) -> str:
    """A text as evidence: one line, capped."""
    line = ' '.join(text[:2000].split())
    if not line.isprintable():
        line = ''.join(c if c.isprintable() else ' ' for c in line)
        line = ' '.join(line.split())
    return line if len(line) <= MAX_EVIDENCE else line[: MAX_EVIDENCE - 1] + '…'


def judge(said: Sequence[str], codes: Codes, around: Sequence[str] = ()) -> Judgement:
    """Judge one failure.

    :param said: Texts about this failure, the most telling first (what the receiving
        server answered, then how the reporting system puts it).
    :param codes: Codes from fields outside these texts (``Status``).
    :param around: Texts about the whole report (its introduction, its subject), asked
        last: they hedge ("the address may be wrong, or the mailbox full").
    """
    said = [text[:MAX_WORDS] for text in said]
    around = [text[:MAX_WORDS] for text in around]
    merged = Codes()
    for one in (*(find_codes(text) for text in said), codes):
        merged = merged.completed(one)
    if codes.temporary and not merged.temporary:
        # Status: 4.x.x beside a 5xx of the last attempt: it was tried again, in vain.
        merged = Codes(codes.status, merged.reply)
    if merged == _NO_CODES and around:
        merged = find_codes(around[0])
    if (merged.status or '')[2:] in SENDER_STATUSES:
        row = f'SENDER_STATUSES: {(merged.status or "")[2:]}'
        evidence = next((text for text in said if text.strip()), '')
        return _judgement(Found(Reason.sender_refused, row), merged, evidence)
    for text in said:
        if found := reason_of(text, merged):
            return _judgement(found, merged, _deciding_line(text, found.reason))
    by_codes = reason_by_codes(merged)
    if by_codes is None:
        for text in around:
            if found := reason_around(text, merged):
                return _judgement(found, merged, _deciding_line(text, found.reason))
    wrong = (Reason.address_unknown, Reason.domain_unknown)
    if by_codes is None or (merged.temporary and by_codes.reason in wrong):
        by_codes = (
            Found(Reason.transient, 'no row: a code of class 4')
            if merged.temporary
            else Found(Reason.undetermined, 'no row')
        )
    evidence = next((text for text in (*said, *around) if text.strip()), '')
    return _judgement(by_codes, merged, evidence)


def _judgement(found: Found, codes: Codes, text: str) -> Judgement:
    return Judgement(
        kind_of(found.reason, temporary=codes.temporary),
        found.reason,
        codes.status,
        codes.reply,
        one_line(text),
        found.row,
    )


@lru_cache(maxsize=32)
def _deciding_line(text: str, reason: Reason) -> str:
    """The line of a text that speaks of this reason; all of it if no line does."""
    if '\n' not in text:
        return text
    tables = [table for table, meant in _TABLES if meant is reason]
    for line in text.split('\n')[:30]:
        words = words_of(line)
        if any(table.search(words) for table in tables):
            return line
    return text

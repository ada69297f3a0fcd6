# SPDX-License-Identifier: GPL-3.0-or-later
"""Classifies what arrives at a bounces address (R16): who bounced, how hard, and why.

Pure: a message in, a verdict out; no database, no configuration, no clock.

Sources are asked in the order that proves right: delivery-status fields (RFC 3464),
``X-Failed-Recipients``, texts for people, flufl.bounce for old formats, and the
returned message's own ``To:``.  What the fields and texts say is judged in `reasons`.

What can go wrong: a report in words that `texts` does not know counts as hard, for R16
says so; one that is not recognized as a report at all has `Reason.other`, and the
list's setting says who gets to see it.  Reports can be forged by anybody: only a VERP
address shows that a report answers a message to that address.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from email.message import Message
from email.utils import getaddresses

from qnet_mailman.bounces.reading import automatic, returned, texts
from qnet_mailman.bounces.reading.addresses import (
    clean_address,
    find_addresses,
    is_service,
    unquoted,
)
from qnet_mailman.bounces.reading.fields import Recipient, find_recipients
from qnet_mailman.bounces.reading.notifications import read_notification
from qnet_mailman.bounces.reading.old_formats import find_old
from qnet_mailman.bounces.reading.prose import (
    Notice,
    find_mentions,
    find_notices,
    origin_of,
    replies,
    without_copy,
)
from qnet_mailman.bounces.reading.provider import refusing_host
from qnet_mailman.bounces.reading.reasons import (
    Codes,
    Judgement,
    find_codes,
    judge,
    one_line,
    words_of,
)
from qnet_mailman.bounces.reading.verdict import Failure, Kind, Reason, Verdict
from qnet_mailman.mail.parts import RETURNED, Report, parse, read_headers, take_apart

__all__ = ['Failure', 'Kind', 'Reason', 'Verdict', 'classify', 'classify_reply']

# RFC 3464 2.3.3, and what systems write instead.
_DELIVERED = frozenset({'delivered', 'relayed', 'expanded', 'deliverable'})
#: What is said by who wants proof that one is a person, too.
_UNTOLD = frozenset(
    {
        Reason.undetermined,
        Reason.policy,
        Reason.content,
        Reason.authentication,
        Reason.sender_refused,
    }
)
_FAILED = ('fail', 'error', 'undeliverable', 'expired', 'rejected', 'bounce')


def classify(message: bytes | Message, *, verp_address: str | None = None) -> Verdict:
    """Classify a message that arrived at a bounces address.

    :param message: The message, as bytes or parsed.
    :param verp_address: The address that our own VERP reverse-path names, where there
        is one.  Nobody else can have bounced then: the verdict has one failure, of
        this address.
    """
    if isinstance(message, bytes):
        message = parse(message)
    report = take_apart(message)
    verdict = _read(report)
    if not any(one.address for one in verdict.failures) and (
        verdict.failures or not verdict.recognized
    ):
        verdict = _read_forwarded(report) or verdict
    if verp_address and verdict.failures:
        verdict = of_address(verdict, verp_address)
    return verdict


def classify_reply(
    code: int | str, status: str | None, text: str | bytes
) -> tuple[Kind, Reason]:
    """Classify a refusal at SMTP time.

    Temporary failures are to be asked about once they are given up: they are soft.  So
    is 552, which stock Mailman takes for temporary and retries for days.

    :param code: SMTP reply code; Mailman uses 444 where there was no reply at all.
    :param status: Enhanced status code, or None to look for one in the text.
    :param text: The reply's text.
    """
    if isinstance(text, bytes):
        text = text.decode('utf-8', 'replace')
    found = find_codes(f'{status or ""} {text}')
    judged = judge([text], Codes(found.status, str(code)[:3]))
    return judged.kind, judged.reason


def _read(report: Report) -> Verdict:
    """Read a message without looking into those attached to it."""
    if fed_back := automatic.feedback(report):
        return _no_bounce(Reason.feedback, *fed_back)
    if notification := read_notification(report):
        return notification
    lines = returned.set_apart(report, _report_lines(report))
    recipients = find_recipients(report.status_lines, certain=True)
    if not recipients:
        recipients = find_recipients(lines)
    if recipients:
        return _from_fields(report, recipients, lines)
    if report.disposition_lines or report.report_type == 'disposition-notification':
        return _from_disposition(report, lines)
    return _from_prose(report, lines)


def _no_bounce(reason: Reason, evidence: str, row: str = '') -> Verdict:
    return Verdict(Kind.none, reason, one_line(evidence), row=row)


def _report_lines(report: Report) -> list[str]:
    """The text that reports, without the copy of the message (kept in the report)."""
    if not report.texts:
        return []
    lines, copy = without_copy(report.texts[0])
    report.returned_lines += copy[:100]
    # Some put a mere greeting into the first part; but where there are fields, a
    # second text is the returned one.
    if len(report.texts) > 1 and not report.status_lines and not _named_in(lines):
        following, _copy = without_copy(report.texts[1])
        if _named_in(following):
            lines += following
    return lines


def _named_in(lines: list[str]) -> bool:
    return any('@' in line for line in lines)


# -------------------------------------------------------------- RFC 3464 fields


def _from_fields(
    report: Report, recipients: list[Recipient], lines: list[str]
) -> Verdict:
    failures: list[Failure] = []
    other: tuple[Reason, str] | None = None
    around = ['\n'.join(lines), report.get('subject')]
    notices = _by_address(_without_session(lines))
    # Sendmail's transcript is all there is where the fields have no diagnostic.
    mute = any(not one.diagnostic for one in recipients)
    transcript = _by_address(lines) if mute else {}
    untold_fate = any(not one.action for one in recipients)
    delayed = automatic.delay(report, lines) if untold_fate else None
    for recipient in recipients:
        fate = _fate(recipient, notices, lines, delayed)
        if fate is not None:
            other = other or (fate, f'Action: {recipient.action}')
            continue
        failures.append(_field_failure(recipient, notices, transcript, around))
    failures = _once_each(_named(failures, report, notices))
    if failures:
        untold = all(one.reason in _UNTOLD for one in failures)
        if untold and (proof := automatic.proof(report, lines)):
            return _no_bounce(Reason.challenge, *proof)
        return Verdict.of(tuple(failures))
    reason, evidence = other or (Reason.other, '')
    return _no_bounce(reason, evidence)


def _by_address(lines: list[str]) -> dict[str, Notice]:
    return {one.address.lower(): one for one in find_notices(lines)}


def _fate(
    recipient: Recipient,
    notices: dict[str, Notice],
    lines: list[str],
    delayed: automatic.Sign | None,
) -> Reason | None:
    """Why a recipient has not failed, or None (RFC 3464 2.3.3).

    :param delayed: The text is a delay warning: believed where there is no action.
    """
    action = recipient.action
    if action in _DELIVERED:
        return Reason.delivered
    status = recipient.status.strip()
    if action.startswith('delay'):
        return None if _is_given_up(recipient, notices, lines) else Reason.delay
    if delayed and not action and status[:1] in ('4', ''):
        return Reason.delay
    if action.startswith(_FAILED):
        return None
    return Reason.delivered if status.startswith('2') else None


def _is_given_up(
    recipient: Recipient, notices: dict[str, Notice], lines: list[str]
) -> bool:
    """Does a report that calls itself a warning say that nobody tries any more?

    Only what stands beside the address is asked: a warning may tell when its sender is
    going to give up.
    """
    if 'will-retry-until' in recipient.values:
        return False
    if words_of('\n'.join(lines[:5])) in texts.NEVER_WARNS:
        return True
    said = [recipient.diagnostic]
    for address in recipient.addresses:
        if notice := notices.get(address.lower()):
            said += notice.lines[:1]
    return any(words_of(one) in texts.EXPIRED for one in said if one)


def _field_failure(
    recipient: Recipient,
    notices: dict[str, Notice],
    transcript: dict[str, Notice],
    around: list[str],
) -> Failure:
    addresses = recipient.addresses
    said = [recipient.diagnostic]
    comment = recipient.status.partition('(')[2].rstrip(')')
    if comment and comment.lower() != 'permanent failure':
        said.append(comment)
    for address in addresses:
        if notice := notices.get(address.lower()):
            said.append(notice.text)
            break
    else:
        if len(notices) == 1:
            said.append(next(iter(notices.values())).text)
    if not recipient.diagnostic:
        names = [address.lower() for address in addresses]
        said += [transcript[name].text for name in names if name in transcript]
    if recipient.action == 'expired':
        said.insert(0, 'message expired')
    codes = find_codes(recipient.status)
    judged = judge([one for one in said if one.strip()], codes, around)
    host = refusing_host('\n'.join(said), recipient.values.get('remote-mta', ''))
    return _failure(addresses, judged, host)


def _failure(addresses: Sequence[str], judged: Judgement, host: str = '') -> Failure:
    addresses = [*addresses, *(unquoted(name) for name in addresses)]
    names = list({name.lower(): name for name in reversed(addresses)}.values())[::-1]
    return Failure(
        names[0] if names else None,
        judged.kind,
        judged.reason,
        judged.status,
        judged.reply_code,
        judged.evidence,
        tuple(names[1:]),
        judged.row,
        host,
    )


def _named(
    failures: list[Failure], report: Report, notices: dict[str, Notice]
) -> list[Failure]:
    """Name a recipient that the fields leave unnamed (a pipe, a damaged address)."""
    if not any(one.address is None for one in failures):
        return failures
    known = {one.address.lower() for one in failures if one.address}
    names = [*_failed_recipients(report), *(one.address for one in notices.values())]
    names = [name for name in dict.fromkeys(names) if name.lower() not in known]
    if not names and len(failures) == 1:
        names = returned.recipient(report)
    named: list[Failure] = []
    for failure in failures:
        if failure.address is None and names:
            failure = replace(failure, address=names.pop(0))
        named.append(failure)
    return named


def _once_each(failures: list[Failure]) -> list[Failure]:
    """The first failure of each address."""
    first: dict[str | None, Failure] = {}
    for failure in failures:
        first.setdefault(failure.address and failure.address.lower(), failure)
    return list(first.values())


def _without_session(lines: list[str]) -> list[str]:
    """A report's text up to the transcript of the SMTP session.

    Below it sendmail adds its own reading ("User unknown") to whatever was replied.
    """
    for number, line in enumerate(lines):
        if 'transcript of session' in line.lower():
            return lines[:number]
    return lines


# ----------------------------------------------------- dispositions (RFC 8098)


def _from_disposition(report: Report, lines: list[str]) -> Verdict:
    """A receipt is no bounce, but Dovecot's LDA reports full mailboxes as one."""
    text = '\n'.join(lines)
    if 'automatically rejected' not in text.lower():
        return _no_bounce(Reason.automatic_reply, 'message/disposition-notification')
    found = [address for line in lines for _s, _e, address in find_addresses(line)]
    for line in report.disposition_lines:
        name, _colon, value = line.partition(':')
        if name.lower() in ('original-recipient', 'final-recipient'):
            found.append(clean_address(value) or '')
    address = next((one for one in found if one and not is_service(one)), None)
    said = text.partition('rejected')[2]
    judged = judge([said, text], Codes())
    return Verdict.of((_failure([address] if address else [], judged),))


# ------------------------------------------------------------- texts for people


def _from_prose(report: Report, lines: list[str]) -> Verdict:
    failed = _failed_recipients(report)
    signs = automatic.signs(report, lines)
    if not_a_bounce := _automatic(report, lines, signs, certain=bool(failed)):
        return not_a_bounce
    if signs < automatic.ENOUGH_SIGNS:
        return _no_bounce(Reason.other, report.get('subject'))
    notices = _notices(report, lines, failed)
    around = ['\n'.join(lines), report.get('subject')]
    failures = [_prose_failure(notice, around) for notice in notices]
    if not failures or _is_wrapped(report):
        failures = [_prose_failure(Notice(''), around)]
    return Verdict.of(tuple(failures))


def _automatic(
    report: Report, lines: list[str], signs: int, *, certain: bool
) -> Verdict | None:
    """What else a program may have written.

    :param signs: See `automatic.signs`.
    :param certain: ``X-Failed-Recipients`` says that this is a failure.
    """
    mail_system = automatic.from_mail_system(report)
    enough = signs >= automatic.ENOUGH_SIGNS
    delayed = automatic.delay(report, lines)
    if delayed and (mail_system or (signs >= 2 and not certain)):
        return _no_bounce(Reason.delay, *delayed)
    if certain:
        return None
    replied = automatic.automatic_reply(report, enough=enough)
    if replied and not (enough and mail_system):
        return _no_bounce(Reason.automatic_reply, *replied)
    proof = automatic.proof(report, lines)
    if proof is None and not enough:
        proof = automatic.challenge(report, lines)
    if proof:
        return _no_bounce(Reason.challenge, *proof)
    chattered = automatic.chatter(report)
    if chattered and not enough:
        return _no_bounce(Reason.chatter, *chattered)
    return None


def _notices(report: Report, lines: list[str], failed: list[str]) -> list[Notice]:
    """Who failed, from the best source that knows, and what is said of each."""
    notices = find_notices(lines)
    if failed:
        by_address = {one.address.lower(): one for one in notices}
        return [by_address.get(one.lower(), Notice(one)) for one in failed]
    notices = _not_ours(report, notices)
    if not notices:
        notices = _not_ours(report, find_mentions(lines))
    old = find_old(report, lines, {one.address.lower() for one in notices})
    if old and not {one.lower() for one in old} & {n.address.lower() for n in notices}:
        # It knows this format, and we took somebody else's address.
        notices = [Notice(one) for one in old]
    if not notices:
        notices = _not_ours(report, find_mentions(lines, anywhere=True), strict=True)
    if not notices:
        notices = [Notice(one) for one in returned.recipient(report)]
    return notices


def _not_ours(
    report: Report, notices: list[Notice], *, strict: bool = False
) -> list[Notice]:
    """Without the addresses that this report came from and went to.

    :param strict: Also where no others remain.
    """
    if not notices:
        return notices
    own = {address.lower() for address in _header_addresses(report, ('to', 'from'))}
    others = [one for one in notices if one.address.lower() not in own]
    return others if strict else others or notices


def _prose_failure(notice: Notice, around: list[str]) -> Failure:
    said = [one for one in (replies(notice.text), notice.text) if one.strip()]
    codes = Codes()
    if not said:
        codes = find_codes(around[0])
    judged = judge(said, codes, around)
    names = [origin_of(notice.text), notice.address]
    host = refusing_host(notice.text or around[0])
    return _failure([name for name in names if name], judged, host)


def _failed_recipients(report: Report) -> list[str]:
    """Exim's and Gmail's ``X-Failed-Recipients``."""
    values = report.headers.get('x-failed-recipients', [])
    found = [clean_address(one) for value in values for one in value.split(',')]
    return list(dict.fromkeys(one for one in found if one))[:100]


def _header_addresses(report: Report, names: Iterable[str]) -> list[str]:
    return [
        address
        for name in names
        for _name, address in getaddresses(report.headers.get(name, [])[:5])
        if address
    ]


# ------------------------------------------------------ forwarded reports, VERP


def _read_forwarded(report: Report) -> Verdict | None:
    """Read a report that somebody forwarded as an attachment.

    Only where the subject says so, or where nothing else was written: an ordinary
    post that has a report attached is about that report, and is none.
    """
    if not report.attached:
        return None
    written = any(line.strip() for text in report.texts for line in text)
    if written and not (automatic.is_forwarded(report) or _is_wrapped(report)):
        return None
    inner = take_apart(report.attached[0])
    if not RETURNED.isdisjoint(inner.types[:1]):
        return None
    if not automatic.from_mail_system(inner) and not inner.status_lines:
        return None
    verdict = _read(inner)
    return verdict if verdict.recognized else None


def _is_wrapped(report: Report) -> bool:
    """Is this what a mail filter made of a report: a notice, and the report?"""
    if not automatic.from_mail_system(report) or not report.attached:
        return False
    declared = read_headers(report.attached[0], 60).get('content-type', [''])[0].lower()
    return declared.startswith('multipart/report') and 'delivery-status' in declared


def of_address(verdict: Verdict, address: str) -> Verdict:
    """One failure, of the address to which our copy went.

    Where the report names several others (the address forwards to them), the mildest
    counts: the address itself may well work.
    """
    wanted = address.lower()
    for failure in verdict.failures:
        names = (failure.address or '', *failure.aliases)
        if wanted in (name.lower() for name in names):
            break
    else:
        soft = [one for one in verdict.failures if one.kind is Kind.soft]
        failure = (soft or list(verdict.failures))[0]
        names = (failure.address or '', *failure.aliases)
    aliases = tuple(name for name in names if name and name.lower() != wanted)
    return Verdict.of((replace(failure, address=address, aliases=aliases),))

# SPDX-License-Identifier: GPL-3.0-or-later
"""The subject `Unsubscribe`, as people and their mail programs write it (R14)."""

from __future__ import annotations

import email
from email.header import Header

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from qnet_mailman.subscriptions.subject import is_unsubscribe

REPLIES = [
    # As mail programs of these languages put them, Outlook first of all.
    ('English', 'Re:'),
    ('English', 'RE: '),
    ('English, forwarded', 'Fwd: '),
    ('English, forwarded', 'FW: '),
    ('The Bat!', 'Re[2]: '),
    ('counted', 'Re(3): '),
    ('counted', 'Re^4: '),
    ('counted', 'RE *2: '),
    ('German', 'AW: '),
    ('German', 'Antwort: '),
    ('German, forwarded', 'WG: '),
    ('Dutch', 'Antw: '),
    ('Dutch, forwarded', 'Doorst: '),
    ('Swedish', 'SV: '),
    ('Swedish, forwarded', 'VB: '),
    ('Finnish', 'VS: '),
    ('Finnish, forwarded', 'VL: '),
    ('Polish', 'Odp: '),
    ('Polish, forwarded', 'PD: '),
    ('French', 'Rép : '),
    ('French, with a no-break space', 'RE\u00a0: '),
    ('French, with a narrow one', 'Rép\u202f: '),
    ('French, forwarded', 'TR : '),
    ('Italian', 'R: '),
    ('Italian', 'RIF: '),
    ('Italian, forwarded', 'I: '),
    ('Spanish', 'RES: '),
    ('Spanish, forwarded', 'RV: '),
    ('Portuguese, forwarded', 'ENC: '),
    ('Welsh', 'ATB: '),
    ('Turkish', 'YNT: '),
    ('Turkish, forwarded', 'İLT: '),
    ('Greek', 'ΑΠ: '),
    ('Greek', 'Σχετ: '),
    ('Hungarian', 'Vá: '),
    ('Romanian', 'Răspuns: '),
    ('Vietnamese', 'TL: '),
    ('Indonesian', 'Bls: '),
    ('Hebrew', 'הש: '),
    ('Hebrew', 'השב: '),
    ('Hebrew, with marks of direction', '\u200fתשובה:\u200e '),
    ('Arabic', 'رد: '),
    ('Russian', 'Отв: '),
    ('Chinese', '回复：'),
    ('Chinese', '答复: '),
    ('Chinese, traditional', '回覆：'),
    ('Chinese, forwarded', '转发：'),
    ('Japanese', '返信: '),
    ('Japanese', 'ＲＥ：'),
    ('Korean', '회신: '),
    ('several', 'Re: AW: 回复: RE : '),
    ('a mail server', '[EXTERNAL] '),
    ('a mail server', '[EXTERNAL] [Suspicious sender] Re: '),
    ('a mail server', 'Re: [EXT] '),
    ('a mail server', 'EXTERNAL: '),
    ('a mail server', '【外部】'),
    ('a mail server', '{EXTERNAL} '),
    ('a mail server', '(EXTERNAL) '),
    ('a mail server', 'EXTERNAL SENDER: '),
    ('a mail server', 'CAUTION: External E-mail: '),
    ('a mail server', '**EXTERNAL** '),
    ('a mail server', 'EXTERNAL EMAIL - '),
    ('a mail server', '(Externe) '),
    ('the list', '[News] '),
    ('the list', 'Re: [News] '),
    ('the list', '[News] Re: [News] Antw: '),
]

WORDS = [
    'Unsubscribe',
    'unsubscribe',
    'UNSUBSCRIBE',
    '  Unsubscribe  ',
    '"Unsubscribe"',
    '“Unsubscribe”',
    '„Unsubscribe“',
    '« Unsubscribe »',
    "'unsubscribe'",
    '<Unsubscribe>',
    'Unsubscribe.',
    '"Unsubscribe."',
    'UNSUBSCRIBE!',
    '\u200bUnsubscribe\ufeff',
    'Un\u00adsubscribe',
    '\u00a0Unsubscribe\u2003',
    'Ｕｎｓｕｂｓｃｒｉｂｅ',
]

OTHERS = [
    '',
    ' ',
    'Re:',
    '[EXTERNAL]',
    'Resubscribe',
    'Re-unsubscribe',
    'Unsubscribed',
    'Unsubscribe me',
    'Please unsubscribe',
    'Please: unsubscribe me',
    'How do I unsubscribe?',
    'Re: How do I unsubscribe',
    'Re: Why we all should unsubscribe: unsubscribe',
    'unsubscribe unsubscribe',
    'unsubscribe reader@example.org',
    'Subscribe',
    'subscribe',
    # What programs answer with, even where nothing else marks the message.
    'Automatic reply: Unsubscribe',
    'AUTO: Unsubscribe',
    'Autoreply: Unsubscribe',
    'Auto-Reply: Unsubscribe',
    'Autosvar: Unsubscribe',
    'Automatisch antwoord: Unsubscribe',
    'Automatische Antwort: Unsubscribe',
    'Abwesenheit: Unsubscribe',
    'Abwesenheitsnotiz: Unsubscribe',
    'Out of office: Unsubscribe',
    'Out of Office Re: Unsubscribe',
    'Re: Out of the office: Unsubscribe',
    'Réponse automatique : Unsubscribe',
    'Respuesta automática: Unsubscribe',
    'Risposta automatica: Unsubscribe',
    'Автоответ: Unsubscribe',
    'Автоматический ответ: Unsubscribe',
    '自動応答: Unsubscribe',
    '自动答复: Unsubscribe',
    'Undeliverable: Re: the minutes',
    '(auto) Unsubscribe',
    '{Automatic reply} Unsubscribe',
    'EXTERNAL SENDER Unsubscribe',
    '{minutes} Unsubscribe',
]


@pytest.mark.parametrize('word', WORDS)
def test_the_word(word: str) -> None:
    assert is_unsubscribe(word)


@pytest.mark.parametrize('prefix', [prefix for _, prefix in REPLIES])
@pytest.mark.parametrize('word', ['Unsubscribe', '"unsubscribe".'])
def test_behind_what_programs_put_before_it(prefix: str, word: str) -> None:
    assert is_unsubscribe(prefix + word, '[News] ')
    assert is_unsubscribe(str(Header(prefix + word, 'utf-8').encode()), '[News] ')


@pytest.mark.parametrize('subject', OTHERS)
def test_other_subjects(subject: str) -> None:
    assert not is_unsubscribe(subject, '[News] ')


@pytest.mark.parametrize(
    ('prefix', 'subject'),
    [
        ('HQR news - ', 'HQR News - Unsubscribe'),
        ('HQR news - ', 'Re: HQR News - Re: Unsubscribe'),
        ('(HQR) ', 'AW: (HQR) Unsubscribe'),
        ('[Grüße] ', '[grüße] Unsubscribe'),
        ('', 'Unsubscribe'),
        ('Unsubscribe', 'Unsubscribe'),
    ],
)
def test_the_prefix_of_the_list(prefix: str, subject: str) -> None:
    assert is_unsubscribe(subject, prefix)


@pytest.mark.parametrize(
    ('field', 'expected'),
    [
        (b'=?utf-8?q?Unsubscribe?=', True),
        (b'=?UTF-8?B?VW5zdWJzY3JpYmU=?=', True),
        (b'=?iso-8859-1?q?R=E9p_=3A?= Unsubscribe', True),
        (b'Re: =?us-ascii?q?Unsub?=\r\n =?us-ascii?q?scribe?=', True),
        (b'=?bogus-charset?q?Unsubscribe?=', True),
        ('Rép : Unsubscribe'.encode(), True),
        ('Rép : Unsubscribe'.encode('latin-1'), True),
        ('回复：Unsubscribe'.encode(), True),
        (b'Unsubscribe f\xfcr', False),
        (b'=?utf-8?b?!!!?= Unsubscribe', True),
        (b'=?utf-8?q?Unsubscribe', False),
    ],
)
def test_as_it_is_in_a_message(field: bytes, expected: bool) -> None:
    msg = email.message_from_bytes(b'Subject: ' + field + b'\r\n\r\n')
    assert is_unsubscribe(msg['subject']) is expected


def test_no_subject() -> None:
    assert not is_unsubscribe(None)


def test_an_endless_subject_is_none() -> None:
    assert is_unsubscribe('Re: ' * 100 + 'Unsubscribe')
    assert not is_unsubscribe('Re: ' * 100_000 + 'Unsubscribe')


@given(st.binary(max_size=300), st.text(max_size=20))
@example(b'=?x?b?=?= Unsubscribe', '[')
def test_no_subject_is_too_strange(data: bytes, prefix: str) -> None:
    msg = email.message_from_bytes(
        b'Subject: ' + data.replace(b'\n', b' ').replace(b'\r', b' ') + b'\r\n\r\n'
    )
    assert is_unsubscribe(msg['subject'], prefix) in (True, False)


@given(st.text(max_size=100))
def test_no_text_is_too_strange(text: str) -> None:
    assert is_unsubscribe(text) in (True, False)
    assert is_unsubscribe(Header(text, 'utf-8', errors='replace')) in (True, False)


@given(
    st.lists(st.sampled_from([prefix for _, prefix in REPLIES]), max_size=6),
    st.sampled_from(WORDS),
)
def test_any_number_of_prefixes(prefixes: list[str], word: str) -> None:
    assert is_unsubscribe(''.join(prefixes) + word, '[News] ')


@given(st.text(alphabet='abcdefghijklmnopqrstuvwxyz ', min_size=1, max_size=20))
def test_more_words_are_another_subject(text: str) -> None:
    if text.strip():
        assert not is_unsubscribe(f'Unsubscribe {text}')
        assert not is_unsubscribe(f'{text} unsubscribe')

# SPDX-License-Identifier: GPL-3.0-or-later
"""How people's mail programs hand on a message that they got, footer and all."""

from __future__ import annotations

import base64
import html
import quopri
import re
import textwrap
from collections.abc import Callable
from email import message_from_bytes, policy
from email.message import EmailMessage
from urllib.parse import quote

Part = tuple[str, bytes, str]
"""Type with parameters, content, transfer encoding."""

OUTLOOK_FIELDS = (
    'From: News <news1@lists.example.gov>\nSent: Monday, November 30, 2026 9:00 AM\n'
    'To: Kim\nSubject: News\n\n'
)
FORWARDED = '---------- Forwarded message ---------\n'


class Got:
    """A copy that somebody got, in the forms in which programs quote it."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        msg = message_from_bytes(data, policy=policy.default)
        assert isinstance(msg, EmailMessage)
        self.msg = msg
        text, page = msg.get_body(('plain',)), msg.get_body(('html',))
        assert text is not None and page is not None
        self.text = str(text.get_content()).replace('\r\n', '\n')
        self.page = str(page.get_content())

    @property
    def links(self) -> list[str]:
        return re.findall(r'href="(https:[^"]*)"', self.page)


def marked(text: str, mark: str = '> ') -> str:
    return ''.join(f'{mark}{line}\n' for line in text.splitlines())


def flowed(text: str, width: int = 72) -> str:
    """As format=flowed with delsp, which breaks a long word anywhere (RFC 3676)."""
    lines: list[str] = []
    for line in text.splitlines():
        pieces = [line[at : at + width] for at in range(0, len(line), width)] or ['']
        lines += [f'> {piece} ' for piece in pieces[:-1]] + [f'> {pieces[-1]}']
    return '\n'.join(lines) + '\n'


def safe_links(got: Got, ampersand: str = '&amp;') -> str:
    """The page with its links led over a gateway."""
    page = got.page
    for link in got.links:
        over = 'https://nam02.safelinks.protection.example.com/?url='
        page = page.replace(link, f'{over}{quote(link, safe="")}{ampersand}data=05%7C')
    return page


def defended(got: Got) -> str:
    """As another gateway writes links: %-signs are minus signs, slashes underscores."""
    page = got.page
    for link in got.links:
        written = quote(link, safe=':').replace('%2F', '_').replace('%', '-')
        page = page.replace(link, f'https://urldefense.example.com/v2/url?u={written}')
    return page


def words_and_links(got: Got) -> str:
    """HTML as text, as Outlook makes it: the words, and the address in brackets."""
    page = re.sub(r'<a href="([^"]*)"[^>]*>([^<]*)</a>', r'\2<\1>', got.page)
    return html.unescape(re.sub(r'<(?!https?:)[^<>]*>', '', page))


def calendar(text: str) -> bytes:
    """Content lines of 75 octets (RFC 5545 section 3.1)."""
    line = 'DESCRIPTION:' + text.replace('\n', '\\n')
    folded = '\r\n '.join(line[at : at + 70] for at in range(0, len(line), 70))
    return (
        'BEGIN:VCALENDAR\r\nVERSION:2.0\r\nMETHOD:PUBLISH\r\nBEGIN:VEVENT\r\n'
        f'UID:1@example.net\r\n{folded}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n'
    ).encode()


def plain(text: str, encoding: str = '8bit', more: str = '') -> Part:
    return f'text/plain; charset=utf-8{more}', text.encode(), encoding


def rich(page: str, encoding: str = 'quoted-printable') -> Part:
    return 'text/html; charset=utf-8', page.encode(), encoding


def written(part: Part) -> bytes:
    kind, data, encoding = part
    if encoding == 'base64':
        data = base64.encodebytes(data)
    elif encoding == 'quoted-printable':
        data = quopri.encodestring(data)
    head = f'Content-Type: {kind}\nContent-Transfer-Encoding: {encoding}\n\n'
    return head.encode() + data


def together(sub: str, *parts: Part) -> Part:
    whole = b''.join(b'--=_b\n' + written(part) + b'\n' for part in parts)
    return f'multipart/{sub}; boundary="=_b"', whole + b'--=_b--\n', '8bit'


def attached(name: str, kind: str, data: bytes, encoding: str = 'base64') -> Part:
    return f'{kind}; name="{name}"', data, encoding


ANSWER = 'Thanks, all.\n\n'
RICH_ANSWER = '<html><body><p>Thanks, all.</p>'

PROGRAMS: dict[str, Callable[[Got], Part]] = {
    'Outlook, text': lambda got: plain(
        ANSWER + '-----Original Message-----\n' + OUTLOOK_FIELDS + got.text
    ),
    'Outlook, HTML': lambda got: together(
        'alternative',
        plain(ANSWER + OUTLOOK_FIELDS + words_and_links(got), 'base64'),
        rich(f'{RICH_ANSWER}<div id="divRplyFwdMsg">{got.page}</div></body></html>'),
    ),
    'Outlook, behind a gateway': lambda got: rich(RICH_ANSWER + safe_links(got)),
    'Outlook, behind another gateway': lambda got: rich(RICH_ANSWER + defended(got)),
    'Gmail, text': lambda got: plain(
        f'{ANSWER}On Mon, Nov 30, 2026 at 9:00 AM News wrote:\n\n{marked(got.text)}'
    ),
    'Gmail, HTML': lambda got: together(
        'alternative',
        plain(ANSWER + marked(got.text), 'quoted-printable'),
        rich(
            f'{RICH_ANSWER}<div class="gmail_quote"><blockquote>{got.page}'
            '</blockquote></div>',
            'base64',
        ),
    ),
    'Apple Mail, text': lambda got: plain(
        ANSWER + '> On Nov 30, 2026, at 9:00, News wrote:\n' + flowed(got.text),
        'quoted-printable',
        '; format=flowed; delsp=yes',
    ),
    'Apple Mail, HTML': lambda got: rich(
        f'{RICH_ANSWER}<blockquote type="cite"><div>'
        + got.page.replace('unsubscribe/', 'unsubscribe/<wbr>')
        + '</div></blockquote>'
    ),
    'Thunderbird, text': lambda got: plain(
        ANSWER + flowed(got.text, 66), '8bit', '; format=flowed'
    ),
    'Thunderbird, HTML': lambda got: rich(
        f'{RICH_ANSWER}<blockquote type="cite"><pre class="moz-quote-pre" wrap="">'
        f'{html.escape(got.text)}</pre></blockquote>',
        '8bit',
    ),
    'Thunderbird, HTML of text': lambda got: rich(
        f'{RICH_ANSWER}<pre>{html.escape(flowed(got.text, 66))}</pre>', '8bit'
    ),
    'wrapped by hand': lambda got: plain(
        '\n'.join(f'> > {line}' for line in textwrap.wrap(got.text, 60))
    ),
    'entities': lambda got: rich(
        ''.join(f'&#{ord(char)};' for char in got.text), '7bit'
    ),
    'UTF-16': lambda got: (
        'text/plain; charset=utf-16',
        (ANSWER + got.text).encode('utf-16'),
        'base64',
    ),
    'forwarded inline': lambda got: plain(FORWARDED + got.text),
    'forwarded as a message': lambda got: together(
        'mixed', plain(ANSWER), ('message/rfc822', got.data, '8bit')
    ),
    'forwarded as a file': lambda got: together(
        'mixed',
        plain(ANSWER),
        attached('news.eml', 'application/octet-stream', got.data),
        attached('news.txt', 'text/plain', got.text.encode()),
        attached('news.html', 'text/html', got.page.encode()),
        attached('news.pdf', 'application/pdf', b'%PDF\0' + got.text.encode()),
    ),
    'forwarded in base64': lambda got: together(
        'mixed', plain(ANSWER), ('message/rfc822', got.data, 'base64')
    ),
    'a report': lambda got: together(
        'mixed',
        plain(ANSWER),
        ('text/rfc822-headers', got.data.partition(b'\r\n\r\n')[0] + b'\r\n', '7bit'),
    ),
    'a calendar': lambda got: together(
        'mixed', plain(ANSWER), ('text/calendar', calendar(got.text), '8bit')
    ),
    'signed': lambda got: (
        'multipart/signed; micalg=pgp-sha256; '
        'protocol="application/pgp-signature"; boundary="=_b"',
        together(
            'signed',
            plain(ANSWER + marked(got.text)),
            ('application/pgp-signature', b'-----BEGIN PGP SIGNATURE-----', '7bit'),
        )[1],
        '8bit',
    ),
}

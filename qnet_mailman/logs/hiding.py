# SPDX-License-Identifier: GPL-3.0-or-later
"""What must not be in a log, and what not in a support bundle.

The addresses of pages and REST resources, of bounces and of answers hold tokens, and
whatever fails may be logged with them; a token may still be good then.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

KEPT = 8
"""Characters of a token that are left, by which two lines about it are known."""

_TOKEN = re.compile(
    # In the paths of our pages, whatever it is made of.
    r'(?:(?<=/confirm/)|(?<=/unsubscribe/)|(?<=/send-again/)|(?<=/decide/)'
    # Of account mails (allauth).
    r'|(?<=/confirm-email/)|(?<=/reset/key/))[^/\s?"]+'
    # In addresses that we hand out (R35), and of Mailman's pendings; not the name of a
    # queue entry, which ends alike.
    r'|(?<=\+)(?<!\d\+)[A-Za-z0-9]{40,}'
    r'|(?<![0-9A-Fa-f])(?<!\d\+)[0-9A-Fa-f]{40}(?![0-9A-Fa-f])'
    # Of copies and envelope senders (R15, R35), in any case.
    r'|(?<![A-Za-z0-9])(?:[A-Za-z2-7]{72}|[A-Za-z2-7]{48})(?![A-Za-z0-9])'
    r'|(?<![\w-])[A-Za-z0-9_-]{60}(?![\w-])'
)
_CREDENTIAL = re.compile(
    # In a URL (RFC 3986, section 3.2.1).
    r'(?<=://)[^\s/@]*:[^\s/@]+(?=@)'
    # RFC 7617 and RFC 6750.
    r'|(?<=Basic )[A-Za-z0-9+/=]{8,}|(?<=Bearer )[\w.~+/=-]{8,}'
    # What sign-in hands over in a query (RFC 6749, section 4.1.2), and who sets a new
    # password.
    r'|(?<=[?&]code=)[^&\s"]+|(?<=[?&]state=)[^&\s"]+|(?<=[?&]token=)[^&\s"]+'
    r'|(?<=_token=)[^&\s"]+'
)
_ADDRESS = re.compile(
    r'"[^"\n]{0,200}"@[\w.-]+|[^\s<>()\[\],;:"\'/=|`{}\\]+@[\w.-]*\w', re.UNICODE
)
_WORD = re.compile(r'[^\W_]+')
_HOST = re.compile(
    # IPv4, and IPv6 with a double or with all its colons; no time of day.
    r'(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w.])'
    r'|(?<![\w:])(?=[0-9A-Fa-f:]*::|(?:[0-9A-Fa-f]{1,4}:){7})[0-9A-Fa-f:]{3,39}(?![\w:])'
)


def without_secrets(text: str) -> str:
    """A text without tokens and credentials; what is left says that one was there."""
    text = _CREDENTIAL.sub('...', text)
    return _TOKEN.sub(lambda found: f'{found[0][:KEPT]}...', text)


def without_people(text: str) -> str:
    """A text without the addresses of anybody, mail and IP, and without tokens.

    A posting address goes, too: nothing shows that it is none of a person.  So does a
    Message-ID, which has the form of an address, and names a person's host.
    """
    return _HOST.sub('(host)', _ADDRESS.sub('(address)', without_secrets(text)))


def without_names(text: str, names: Iterable[str]) -> str:
    """A text without some names, in any case, wherever they stand as words.

    :param names: Of any number: the text is gone through once.
    """
    by_first: dict[str, list[list[str]]] = {}
    for name in names:
        if words := [word.casefold() for word in _WORD.findall(name)]:
            by_first.setdefault(words[0], []).append(words)
    for some in by_first.values():
        some.sort(key=len, reverse=True)
    found = list(_WORD.finditer(text))
    folded = [match[0].casefold() for match in found]
    pieces, end, at = [], 0, 0
    while at < len(found):
        for words in by_first.get(folded[at], ()):
            if folded[at : at + len(words)] == words:
                pieces += [text[end : found[at].start()], '(name)']
                at += len(words)
                end = found[at - 1].end()
                break
        else:
            at += 1
    return ''.join([*pieces, text[end:]])

# SPDX-License-Identifier: GPL-3.0-or-later
"""Lists of other styles on the wire, with what a site wants there (R40, RFC 8058)."""

from __future__ import annotations

import re
from typing import Any

import pytest
from mailman.config import config
from mailman.interfaces.mailinglist import Personalization
from mailman.mta.deliver import deliver as stock_deliver

from qnet_mailman.mta.deliver import deliver
from tests.effort import effort
from tests.helpers import make_user, message, subscribe
from tests.keeping import Keeper
from tests.lists import list_of_another_style
from tests.mta.test_delivery import footer

READERS = ('a@example.net', 'b@example.net', 'C.Upper@Example.org', 'gruss@example.org')
STRANGERS = ('x+y=z@sub.example.org', "o'brien@example.org")
LEAVE = 'List-Unsubscribe: <mailto:stock-leave@lists.example.gov>\n'
POST = (
    'From: pat@agency.example.gov\n{to}Subject: News\nMessage-ID: <1@example.net>\n'
    'MIME-Version: 1.0\nBcc: hidden@example.org\nContent-Type: {type}\n{fields}\n'
)
TEXT = 'From here on.\n.\nNews.\n'
PARTS = '--b\nContent-Type: text/plain\n\nNews.\n--b--\n'
LINK = re.compile(
    rb'List-Unsubscribe:\s+<https://lists\.example\.gov/unsubscribe/([a-z2-7]{72})/>,\r\n'
    rb'\t<mailto:stock-leave@lists\.example\.gov>\r\n'
)
ONE_CLICK = b'List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n'
BOUNDARY = re.compile(rb'={15}[0-9]+==')
PLAIN = 'text/plain; charset=utf-8'


@pytest.fixture
def stock(core: Any) -> Any:
    mlist = list_of_another_style(members=READERS[:3])
    # A user of some name, who prefers the address.
    user = make_user(READERS[3], 'Größe, "Pat"')
    user.preferred_address = next(iter(user.addresses))
    mlist.subscribe(user)
    config.db.commit()
    return mlist


def post(
    to: str = 'To: stock@lists.example.gov\n', fields: str = LEAVE, kind: str = PLAIN
) -> Any:
    body = TEXT if kind == PLAIN else PARTS
    return message(POST.format(to=to, fields=fields, type=kind) + body)


def sent_by(how: Any, keeper: Keeper, mlist: Any, msg: Any, **msgdata: Any) -> Any:
    """What the mail server got: by sender and recipients."""
    keeper.sent = []
    how(mlist, msg, {'recipients': {*READERS, *STRANGERS}, **msgdata})
    return sorted(
        (sender, sorted(to), BOUNDARY.sub(b'BOUNDARY', data))
        for sender, to, data in keeper.sent
    )


# -------------------------------------------------------------- fast delivery


@pytest.mark.parametrize('personalize', Personalization)
@pytest.mark.parametrize('verp', [True, False])
@pytest.mark.parametrize(
    'msg',
    [
        {},
        {'to': ''},
        {'kind': 'multipart/mixed; boundary="b"'},
        {'kind': 'multipart/alternative; boundary="b"'},
        {'fields': ''},
    ],
    ids=str,
)
def test_fast_delivery_changes_no_byte(
    stock: Any,
    keeper: Keeper,
    configure: Any,
    verp: bool,
    personalize: Personalization,
    msg: dict[str, str],
) -> None:
    configure(other_lists_fast_delivery='yes')
    stock.personalize = personalize
    how = {'verp': verp, 'add-dup-header': {READERS[1]: 1}}
    ours = sent_by(deliver, keeper, stock, post(**msg), **how)
    assert ours == sent_by(stock_deliver, keeper, stock, post(**msg), **how)
    assert len(ours) in (1, 6)


def test_texts_that_name_their_reader_do_so(
    stock: Any, keeper: Keeper, configure: Any
) -> None:
    configure(other_lists_fast_delivery='yes', other_lists_one_click='yes')
    footer(stock, 'For ${user_name_or_address}\n')
    for verp in (True, False):
        ours = sent_by(deliver, keeper, stock, post(fields=''), verp=verp)
        theirs = sent_by(stock_deliver, keeper, stock, post(fields=''), verp=verp)
        assert ours == theirs
        # Where Mailman sends one copy to all, it has nobody to name.
        unnamed = [b'For $' in data for *_, data in ours]
        assert all(unnamed) is not verp
    with_links = sent_by(deliver, keeper, stock, post(), verp=True)
    assert sum(b'For a@example.net' in data for *_, data in with_links) == 1
    assert sum(LINK.search(data) is not None for *_, data in with_links) == 4


@pytest.mark.parametrize('one_click', ['yes', 'no'])
@pytest.mark.parametrize('personalize', Personalization)
def test_few_statements_whatever_the_number(
    stock: Any,
    keeper: Keeper,
    configure: Any,
    personalize: Personalization,
    one_click: str,
) -> None:
    configure(other_lists_fast_delivery='yes', other_lists_one_click=one_click)
    stock.personalize = personalize
    everyone = [f'reader{number}@example.net' for number in range(30)]
    for reader in everyone:
        subscribe(stock, reader)
    # Mailman notes its archivers when they are first asked for.
    sent_by(deliver, keeper, stock, post(), verp=True)
    counts = set()
    for number in (2, 10, 30):
        config.db.commit()
        with effort() as spent:
            sent_by(
                deliver, keeper, stock, post(), verp=True, recipients=everyone[:number]
            )
        assert len(keeper.sent) == number
        counts.add(len(spent.statements))
    assert len(counts) == 1, counts


# ------------------------------------------------------------------ one click


@pytest.mark.parametrize('personalize', Personalization)
@pytest.mark.parametrize('verp', [True, False])
def test_one_click_adds_two_fields_and_nothing_else(
    stock: Any,
    keeper: Keeper,
    configure: Any,
    verp: bool,
    personalize: Personalization,
) -> None:
    configure(other_lists_one_click='yes')
    stock.personalize = personalize
    ours = sent_by(deliver, keeper, stock, post(), verp=verp)
    theirs = sent_by(stock_deliver, keeper, stock, post(), verp=verp)
    # A copy for each, with the envelope sender that Mailman's had.
    assert len(ours) == 6
    expected = {one: (sender, data) for sender, to, data in theirs for one in to}
    tokens = set()
    for sender, (reader,), data in ours:
        token = LINK.search(data)
        assert (token is not None) is (reader in READERS)
        assert (ONE_CLICK in data) is (reader in READERS)
        if token is not None:
            tokens.add(token[1])
        plain = LINK.sub(LEAVE.replace('\n', '\r\n').encode(), data)
        assert (sender, plain.replace(ONE_CLICK, b'')) == expected[reader]
    assert len(tokens) == 4


@pytest.mark.parametrize(
    ('fields', 'msgdata'),
    [
        # A list without such fields, which lets the author's pass.
        ('List-Unsubscribe: <https://elsewhere.example.com/u>\n', {}),
        ('', {}),
        # What Mailman writes to a member, and what is for the owners.
        (LEAVE, {'_fasttrack': True, 'reduced_list_headers': True}),
        (LEAVE, {'to_owner': True}),
    ],
)
def test_other_mail_has_no_link(
    stock: Any,
    keeper: Keeper,
    configure: Any,
    fields: str,
    msgdata: dict[str, Any],
) -> None:
    configure(other_lists_one_click='yes')
    ours = sent_by(deliver, keeper, stock, post(fields=fields), **msgdata)
    theirs = sent_by(stock_deliver, keeper, stock, post(fields=fields), **msgdata)
    assert ours == theirs


def test_digests_have_it(stock: Any, keeper: Keeper, configure: Any) -> None:
    configure(other_lists_one_click='yes')
    ours = sent_by(deliver, keeper, stock, post(), isdigest=True, recipients=READERS)
    assert all(LINK.search(data) for *_, data in ours)
    assert len(ours) == 4


def test_what_a_mail_server_refuses_is_said_as_by_mailman(
    stock: Any, keeper: Keeper, configure: Any
) -> None:
    configure(other_lists_fast_delivery='yes')

    async def refuse(*_arguments: Any) -> str:
        return '550 5.1.1 No such user'

    keeper.handle_RCPT = refuse  # type: ignore[attr-defined]
    said = []
    for how in (deliver, stock_deliver):
        with pytest.raises(Exception) as caught:
            sent_by(how, keeper, stock, post(), verp=True)
        failed = caught.value
        said.append((type(failed), sorted(failed.permanent_failures)))
    assert said[0] == said[1]
    assert len(said[0][1]) == 6

# SPDX-License-Identifier: GPL-3.0-or-later
"""The archive's pages: threads, messages, attachments, lists without posts, marks."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

import pytest
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.test import Client, override_settings
from django_q.models import OrmQ
from hyperkitty.lib.incoming import add_to_list
from hyperkitty.models import (
    Attachment,
    Email,
    Favorite,
    LastView,
    MailingList,
    Sender,
    Tagging,
    Thread,
    Vote,
)
from hyperkitty.models.mailinglist import ArchiveRenderingMode

from qnet_mailman.web.archive.flows import A_PAGE
from qnet_mailman.web.archive.indexing import index_now
from tests.web.gate.asking import text_of
from tests.web.gate.conftest import GatedSite, forgotten, site  # noqa: F401
from tests.web.gate.stub_mailman import NEWS_ADDRESS, STOCK, STOCK_ADDRESS

ARCHIVE = f'/archives/list/{NEWS_ADDRESS}/'


@pytest.fixture
def reading(forgotten: GatedSite) -> Iterator[GatedSite]:  # noqa: F811
    """The site, on which the archive is public."""
    forgotten.core.public |= {NEWS_ADDRESS, STOCK_ADDRESS}
    yield forgotten
    forgotten.core.kind = 'discussion'
    forgotten.core.settings['archive_policy'] = 'private'
    MailingList.objects.all().delete()


@pytest.fixture
def stranger(reading: GatedSite) -> Client:
    return reading.browser('')


def post(text: str = 'Hello.', name: str = NEWS_ADDRESS, **fields: str) -> Email:
    """A post that core archives; its row."""
    headers = {
        'From': 'Ann Author <ann@example.org>',
        'Message-ID': '<1@example.org>',
        'Subject': 'Numbers',
        'Date': 'Fri, 2 Jan 2026 10:00:00 +0100',
    } | {key.replace('_', '-'): value for key, value in fields.items()}
    message = EmailMessage()
    for key, value in headers.items():
        message[key] = value
    message.set_content(text)
    return archived(message, name)


def archived(message: EmailMessage, name: str = NEWS_ADDRESS) -> Email:
    """What HyperKitty makes of a message."""
    if 'Message-ID' not in message:
        message['Message-ID'] = '<1@example.org>'
        message['From'] = 'Ann Author <ann@example.org>'
        message['Subject'] = 'Numbers'
    parsed = message_from_bytes(message.as_bytes(), _class=EmailMessage, policy=default)
    return Email.objects.get(message_id_hash=add_to_list(name, parsed))


def html(markup: str, text: str | None = None) -> EmailMessage:
    """A message in HTML."""
    message = EmailMessage()
    if text is None:
        message.set_content(markup, subtype='html')
    else:
        message.set_content(text)
        message.add_alternative(markup, subtype='html')
    return message


def path_of(email: Email) -> str:
    return f'/archives/list/{email.mailinglist.name}/message/{email.message_id_hash}/'


def thread_of(email: Email) -> str:
    return f'/archives/list/{email.mailinglist.name}/thread/{email.thread.thread_id}/'


def shown(client: Client, path: str) -> str:
    response = client.get(path, secure=True)
    assert response.status_code == 200, path
    return text_of(response)


# ------------------------------------------------------------------ threads


def long_thread(count: int) -> Email:
    """A thread whose first post is the one that is given back."""
    first = post()
    sender = Sender.objects.get(address='ann@example.org')
    begin = datetime(2026, 1, 2, 10, tzinfo=UTC)
    Email.objects.bulk_create(
        Email(
            mailinglist=first.mailinglist,
            message_id=f'{number}@example.org',
            message_id_hash=f'H{number:031}',
            sender=sender,
            sender_name='Ann Author',
            subject='Re: Numbers',
            content=f'Answer {number}.',
            date=begin + timedelta(minutes=number),
            timezone=0,
            thread=first.thread,
            parent=first,
            thread_order=number,
        )
        for number in range(2, count + 1)
    )
    cache.clear()
    return first


def test_a_thread_of_300_posts(stranger: Client, reading: GatedSite) -> None:
    path = thread_of(long_thread(300))
    pages = -(-300 // A_PAGE)
    for query in ('', 'sort=date'):
        found = []
        for number in range(1, pages + 1):
            page = shown(stranger, f'{path}?{query}&page={number}')
            assert f'Page {number} of {pages}' in page
            assert page.count('<article') == A_PAGE
            found += [n for n in range(2, 301) if f'Answer {n}.' in page]
        assert found == list(range(2, 301))
    assert stranger.get(f'{path}?sort=votes', secure=True).status_code == 404


def test_what_scripts_loaded_leads_to_the_page(stranger: Client) -> None:
    thread = thread_of(post())
    for path, target in (
        (f'{thread}replies', thread),
        (f'{ARCHIVE}recent-threads', ARCHIVE),
        (f'{ARCHIVE}top-posters', ARCHIVE),
    ):
        response = stranger.get(path, secure=True)
        assert (response.status_code, response['Location']) == (302, target)


def test_titles_say_what_it_is(stranger: Client) -> None:
    email = post(Subject='Numbers of May')
    MailingList.objects.update(display_name='News')
    for path, title in (
        ('/archives/', 'Archives'),
        (ARCHIVE, 'Archive: News'),
        (f'{ARCHIVE}latest', 'All messages: News'),
        (f'{ARCHIVE}2026/1/', 'Messages of January 2026: News'),
        (path_of(email), 'Numbers of May: News'),
        (thread_of(email), 'Numbers of May: News'),
        ('/archives/search', 'Search'),
    ):
        assert f'<title>{title}: QualityNet Mailer</title>' in shown(stranger, path)


def test_times_say_their_zone(stranger: Client) -> None:
    page = shown(stranger, path_of(post()))
    assert 'January 2, 2026, 09:00 UTC' in page


def test_nobodys_address_is_on_a_page(stranger: Client) -> None:
    email = post(From='ann@example.org')
    pages = (ARCHIVE, f'{ARCHIVE}latest', path_of(email), thread_of(email))
    for path in pages:
        page = shown(stranger, path)
        assert 'ann@example.org' not in page and 'Name not given' in page


def test_a_signed_in_reader_leaves_a_trace_for_their_own_page(
    reading: GatedSite,
) -> None:
    path = thread_of(post())
    for _ in range(2):
        shown(reading.browser('member'), path)
    assert LastView.objects.get().user == reading.users['member']
    assert 'Numbers' in shown(reading.browser('member'), '/archives/profile/last_views')


# ----------------------------------------------------------------- messages


def test_plain_text_has_quotes_links_and_a_signature(stranger: Client) -> None:
    quote = ''.join(f'> line {number}\n' for number in range(9))
    email = post(
        'See https://example.gov/a?b=1&c=2 <b>now</b>\n\n> short\n>> deeper\n\n'
        f'{quote}\nYes.\n\n-- \nAnn\n'
    )
    page = stranger.get(path_of(email), secure=True).content.decode()
    link = 'href="https://example.gov/a?b=1&amp;c=2" rel="nofollow noopener noreferrer"'
    assert f'<a {link}>' in page
    assert '&lt;b&gt;now' in page
    assert '<blockquote><p class="qnet-plain">short</p><blockquote>' in page
    assert '<summary>Quoted text, 9 lines</summary>' in page
    assert '<div class="qnet-signature"><p class="qnet-plain">Ann</p>' in page


def test_a_list_may_want_markdown(stranger: Client) -> None:
    email = post('Some **strong** words\n\n> quoted\n\n<script>alert(1)</script>\n')
    assert '<strong>' not in shown(stranger, path_of(email))
    mode = ArchiveRenderingMode.markdown.value
    MailingList.objects.update(archive_rendering_mode=mode)
    page = shown(stranger, path_of(email))
    assert '<strong>' in page and '<blockquote>' in page
    assert 'quoted-switch' not in page and '<script>alert' not in page


def test_html_alone_is_read(stranger: Client) -> None:
    email = archived(html('<h1>Big</h1><p>News of <i>May</i></p>'))
    page = shown(stranger, path_of(email))
    assert '<h3>Big</h3><p>News of <i>May</i></p>' in page


def test_html_alone_is_found(stranger: Client) -> None:
    """HyperKitty would have nothing but the subject in its index."""
    archived(html('<table><tr><td>Marigold</td><td>May</td></tr></table>'))
    index_now()
    try:
        page = shown(stranger, '/archives/search?q=marigold')
        assert '<h2>1 message</h2>' in page and '<p>Marigold May</p>' in page
        post('Another marigold.', Message_ID='<2@example.org>')
        index_now()
        assert '<h2>2 messages</h2>' in shown(stranger, '/archives/search?q=marigold')
        Email.objects.all().delete()
        assert '0 messages' in shown(stranger, '/archives/search?q=marigold')
    finally:
        call_command('clear_index', interactive=False, verbosity=0)


def test_the_plain_text_beside_it_is_there(stranger: Client) -> None:
    same = archived(html('<p>Good <b>news</b></p>', 'Good news'))
    assert '<details><summary>Plain text' in shown(stranger, path_of(same))
    Email.objects.all().delete()
    more = archived(html('<p>Good <b>news</b></p>', 'Read what is attached, please'))
    assert '<details open><summary>Plain text' in shown(stranger, path_of(more))


def test_html_that_was_attached_is_a_file(stranger: Client) -> None:
    message = EmailMessage()
    message.set_content('See the report.')
    message.add_attachment('<p>Report</p>', subtype='html', filename='report.html')
    page = shown(stranger, path_of(archived(message)))
    assert 'See the report.' in page and '<p>Report</p>' not in page
    assert '>report.html</a>' in page


def test_a_message_too_long_for_its_page_is_read_by_itself(
    stranger: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr('qnet_mailman.web.archive.flows.PAGE_BUDGET', 10)
    email = archived(html('<p>News of May</p>', 'News of May'))
    page = shown(stranger, thread_of(email))
    assert 'Open message 1 by itself' in page and 'News of May' in page


@pytest.mark.parametrize('name', ['logo.png', 'x.png'])
def test_pictures_of_the_message_itself(stranger: Client, name: str) -> None:
    """By their name, or the only one there is."""
    message = html('<p>A <img src="cid:logo.png@01" alt="Logo"></p>')
    message.add_related(b'png', 'image', 'png', cid='<logo.png@01>', filename=name)
    email = archived(message)
    page = stranger.get(path_of(email), secure=True).content.decode()
    source = f'{path_of(email)}attachment/2/{name}'
    assert f'<img src="{source}" alt="Logo"' in page
    assert stranger.get(source, secure=True)['Content-Type'] == 'image/png'


def test_pictures_of_other_sites_when_the_reader_asks(stranger: Client) -> None:
    email = archived(html('<p>A <img src="https://t.example/1.gif" alt="Map"></p>'))
    for path in (path_of(email), thread_of(email)):
        response = stranger.get(path, secure=True)
        page = text_of(response)
        assert 't.example' not in page and '[Map]' in page
        assert '1 picture is not shown' in page
        assert "img-src 'self';" in response['Content-Security-Policy']
        response = stranger.get(f'{path}?pictures=show', secure=True)
        assert '<img src="https://t.example/1.gif" alt="Map"' in text_of(response)
        policy = response['Content-Security-Policy']
        assert "img-src 'self' https:;" in policy and "default-src 'none'" in policy


# -------------------------------------------------------------- attachments


@pytest.mark.parametrize(
    ('kind', 'served'),
    [
        ('text/html', 'application/octet-stream'),
        ('image/svg+xml', 'application/octet-stream'),
        ('text/plain; charset=x', 'application/octet-stream'),
        ('image/png', 'image/png'),
    ],
)
def test_an_attachment_is_a_file(stranger: Client, kind: str, served: str) -> None:
    email = post()
    content = b'<script>alert(1)</script>'
    name = 'pläne "b".html'
    Attachment.objects.create(
        email=email,
        counter=7,
        name=name,
        content_type=kind,
        encoding='utf-8',
        content=content,
    )
    path = f'{path_of(email)}attachment/7/{name}'
    assert '(25 bytes)' in shown(stranger, path_of(email))
    response = stranger.get(path, secure=True)
    assert response.content == content
    assert response['Content-Type'] == served
    assert response['Content-Disposition'].startswith('attachment; filename')
    assert response['X-Content-Type-Options'] == 'nosniff'
    assert 'sandbox' in response['Content-Security-Policy']
    assert 'Content-Encoding' not in response
    assert stranger.get(f'{path}x', secure=True).status_code == 404


# ------------------------------------------------------- lists without posts


def status(reading: GatedSite, person: str, name: str = NEWS_ADDRESS) -> int:
    path = f'/archives/list/{name}/'
    return int(reading.browser(person).get(path, secure=True).status_code)


def test_an_archive_without_posts(reading: GatedSite) -> None:
    for path in (ARCHIVE, f'{ARCHIVE}latest', f'{ARCHIVE}2026/1/'):
        assert 'No messages yet' in shown(reading.browser(''), path)
    for path in ('export/x.mbox.gz', 'feed/', f'thread/{"T" * 32}/'):
        answer = reading.browser('').get(f'{ARCHIVE}{path}', secure=True)
        assert answer.status_code == 404


def test_strangers_learn_nothing_of_a_private_one(reading: GatedSite) -> None:
    reading.core.public.clear()
    for person in ('', 'elsewhere', 'owner_without_role'):
        for name in (NEWS_ADDRESS, 'nothing@example.gov'):
            assert status(reading, person, name) == 404
    for person in ('member', 'moderator', 'administrator', 'operator'):
        assert status(reading, person) == 200
        assert status(reading, person, 'nothing@example.gov') == 404


def test_an_archive_that_is_off_says_so(reading: GatedSite) -> None:
    reading.core.public.clear()
    reading.core.settings['archive_policy'] = 'never'
    page = shown(reading.browser('member'), ARCHIVE)
    assert 'are not kept in an archive' in page


def test_core_is_silent_about_an_archive_without_posts(reading: GatedSite) -> None:
    shown(reading.browser(''), '/archives/')
    reading.core.down = True
    try:
        assert 'No messages yet' in shown(reading.browser(''), ARCHIVE)
    finally:
        reading.core.down = False


# -------------------------------------------------------------------- marks


def press(reading: GatedSite, path: str, **fields: str) -> Any:
    return reading.browser('member').post(path, fields, secure=True)


def test_marks_are_plain_forms(reading: GatedSite) -> None:
    email = post()
    message, thread = path_of(email), thread_of(email)
    for path, fields, target in (
        (f'{message}vote', {'vote': '1'}, message),
        (f'{thread}favorite', {'action': 'add'}, thread),
        (f'{thread}tags', {'action': 'add', 'tag': 'may'}, thread),
    ):
        response = press(reading, path, **fields)
        assert (response.status_code, response['Location']) == (302, target)
    assert Vote.objects.get().value == 1
    page = shown(reading.browser('member'), thread)
    assert 'Take it out of my favorites' in page and 'Tag: may' in page
    assert Favorite.objects.count() == Tagging.objects.count() == 1
    press(reading, f'{message}vote', vote='0')
    press(reading, f'{thread}favorite', action='rm')
    press(reading, f'{thread}tags', action='rm', tag='may')
    assert not (Vote.objects.count() or Favorite.objects.count())
    assert not Tagging.objects.count()
    for fields in ({'vote': '7'}, {'vote': 'x'}, {}):
        assert press(reading, f'{message}vote', **fields).status_code == 404


MARKS = ('I like it', 'favorites', 'Add a tag')


def test_there_are_none_on_a_one_way_list(reading: GatedSite) -> None:
    reading.core.kind = 'notification'
    email = post()
    message, thread = path_of(email), thread_of(email)
    for path in (message, thread):
        page = shown(reading.browser('member'), path)
        assert not [mark for mark in MARKS if mark in page]
    for path, fields in (
        (f'{message}vote', {'vote': '1'}),
        (f'{message}reply', {'message': 'x'}),
        (f'{thread}favorite', {'action': 'add'}),
        (f'{thread}tags', {'action': 'add', 'tag': 'may'}),
    ):
        assert press(reading, path, **fields).status_code == 404
    answer = reading.browser('member').get(f'{ARCHIVE}message/new', secure=True)
    assert answer.status_code == 404
    assert not Vote.objects.count()


def test_lists_of_other_styles_keep_them(reading: GatedSite) -> None:
    reading.core.kind = 'notification'
    reading.core.stock.add(STOCK)
    reading.core.lists.append(STOCK)
    try:
        email = post(name=STOCK_ADDRESS)
        page = shown(reading.browser('member'), thread_of(email))
        assert all(mark in page for mark in MARKS)
        assert press(reading, f'{path_of(email)}vote', vote='-1').status_code == 302
        assert Vote.objects.get().value == -1
    finally:
        reading.core.stock.discard(STOCK)
        reading.core.lists.remove(STOCK)


def test_answers_come_by_mail(
    reading: GatedSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or from the page, where a site wants that."""
    email = post()
    link = f'mailto:{NEWS_ADDRESS}?Subject=Re%3A%20Numbers&amp;In-Reply-To=%3C1%40'
    page = shown(reading.browser('member'), path_of(email))
    assert link in page and '<textarea' not in page
    sent: list[tuple[str, str]] = []

    def send(
        _request: Any, _mlist: Any, subject: str, text: str, _headers: Any
    ) -> bool:
        sent.append((subject, text))
        return False

    monkeypatch.setattr('hyperkitty.views.message.post_to_list', send)
    with override_settings(HYPERKITTY_ALLOW_WEB_POSTING=True):
        assert '<textarea' in shown(reading.browser('member'), path_of(email))
        fields = {'message': 'Yes.'}
        browser = reading.browser('member')
        answer = browser.post(f'{path_of(email)}reply', fields, secure=True)
        assert answer['Location'] == path_of(email)
    assert sent == [('Re: Numbers', 'Yes.')]
    assert 'has been sent' in shown(browser, path_of(email))


def test_the_way_to_sign_in_leads_back(stranger: Client) -> None:
    post(Message_ID='<2@example.org>', Date='Fri, 9 Jan 2026 10:00:00 +0100')
    path = thread_of(post())
    assert f'?next={path}"' in shown(stranger, path).replace('%40', '@')


def test_strangers_have_none(reading: GatedSite) -> None:
    page = shown(reading.browser(''), thread_of(post()))
    assert not [mark for mark in MARKS if mark in page]


def test_joining_threads_on_one_page(reading: GatedSite) -> None:
    one, other = post(), post(Message_ID='<2@example.org>', Subject='Same')
    browser = reading.browser('administrator')
    path = f'{thread_of(one)}reattach'
    assert 'No messages like these' in shown(browser, path)
    wrong = browser.post(path, {'parent-manual': 'x'}, secure=True)
    assert 'Invalid thread id' in text_of(wrong)
    fields = {'parent': other.thread.thread_id}
    answer = browser.post(path, fields, secure=True)
    assert answer['Location'] == thread_of(other)
    assert Thread.objects.get().emails.count() == 2


# ------------------------------------------------------------------ for core


def from_core(client: Client, name: str, **fields: Any) -> Any:
    ask = client.post if name == 'archive' else client.get
    with override_settings(MAILMAN_ARCHIVER_KEY='key'):
        return ask(
            f'/archives/api/mailman/{name}',
            {'mlist': NEWS_ADDRESS, **fields},
            headers={'authorization': 'Token key'},
            secure=True,
        )


@pytest.mark.parametrize('url', ['https://lists.example.gov', 'http://127.0.0.1:8123'])
def test_core_gets_addresses_of_this_site(stranger: Client, url: str) -> None:
    with override_settings(WEB_URL=url):
        lists = from_core(stranger, 'urls').json()['url']
        assert lists == url + ARCHIVE
        message = from_core(stranger, 'urls', msgid='<1@example.org>').json()['url']
        file = SimpleUploadedFile('message.txt', post_bytes())
        assert from_core(stranger, 'archive', message=file).json()['url'] == message
    assert 'Hello.' in shown(stranger, message.removeprefix(url))


def post_bytes() -> bytes:
    return (
        b'From: ann@example.org\r\nMessage-ID: <1@example.org>\r\n'
        b'Subject: Numbers\r\n\r\nHello.\r\n'
    )


def test_one_task_indexes_what_has_come(stranger: Client) -> None:
    OrmQ.objects.all().delete()
    for number in range(3):
        content = post_bytes().replace(b'<1@', b'<%d@' % number)
        file = SimpleUploadedFile('message.txt', content)
        assert from_core(stranger, 'archive', message=file).status_code == 200
    tasks = [each.task for each in OrmQ.objects.all()]
    [ours] = [task for task in tasks if task['name'] == 'index new posts']
    assert ours['func'] is index_now


def test_strangers_are_not_core(stranger: Client) -> None:
    path = f'/archives/api/mailman/urls?mlist={NEWS_ADDRESS}'
    assert stranger.get(path, secure=True).status_code == 401

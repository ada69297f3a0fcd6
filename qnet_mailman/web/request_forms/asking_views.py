# SPDX-License-Identifier: GPL-3.0-or-later
"""The pages on which people ask for something, step by step (R13, R29).

Each step is checked when it is sent, never while somebody types, and all of it works
without scripts.  Opening the link of a mail changes nothing: only the button of its
page does.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import wraps
from http import HTTPStatus
from typing import Any

from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.cache import add_never_cache_headers
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import (
    require_http_methods,
    require_POST,
    require_safe,
)

from qnet_mailman.web.core import CoreUnavailable
from qnet_mailman.web.harp.config import providers
from qnet_mailman.web.pages import bearer_page, page
from qnet_mailman.web.request_forms import answers, asking, drafts, questions
from qnet_mailman.web.request_forms.asking import Looked, Mistake, Outcome
from qnet_mailman.web.request_forms.drafts import Draft
from qnet_mailman.web.request_forms.fields import names_of, page_of, summary_of
from qnet_mailman.web.request_forms.questions import Form
from qnet_mailman.web.request_forms.steps import SUBSCRIBERS, Step, steps_of
from qnet_mailman.web.request_forms.words import KINDS
from qnet_mailman.web.signup.flows import Answered

#: Where the visitor's session has the number of what was sent last.
_SENT = 'qnet_request_number'

#: Buttons beside the one that goes on: for one more person, and for no file.
ADD, WITHOUT_FILE = 'add', 'without-file'

View = Callable[..., HttpResponse]


def _asking(view: View) -> View:
    """A page about a draft: of a known kind, never kept, and there without core."""

    @wraps(view)
    def shown(request: HttpRequest, kind: str, **more: Any) -> HttpResponse:
        if kind not in KINDS:
            raise Http404('no such form')
        try:
            response = view(request, questions.of(kind), **more)
        except CoreUnavailable:
            status = HTTPStatus.SERVICE_UNAVAILABLE
            response = page(request, 'request_forms/unavailable.html', status=status)
        add_never_cache_headers(response)
        return response

    return shown


def _legible(view: View) -> View:
    """A page that says so where what was sent is too large to be looked at.

    Django's check against forged requests would look first, and answer without a page.
    """
    protected = csrf_protect(view)

    @csrf_exempt
    @wraps(view)
    def shown(request: HttpRequest, *args: Any, **more: Any) -> HttpResponse:
        try:
            request.POST.get('')
        except (RequestDataTooBig, TooManyFieldsSent):
            return _too_large(request)
        return protected(request, *args, **more)

    return shown


def _too_large(request: HttpRequest) -> HttpResponse:
    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    return page(request, 'request_forms/too_large.html', status=status)


@require_safe
@_asking
def start(request: HttpRequest, form: Form) -> HttpResponse:
    """To the first step.

    :param request: The request.
    :param form: What is asked.
    """
    return _to_step(form, steps_of(form.kind, {})[0])


def _to_step(form: Form, step: Step) -> HttpResponse:
    return _see(reverse('qnet_ask_step', args=[form.kind, step.key]))


def _see(url: str) -> HttpResponse:
    # 303: loading the page again sends nothing again.
    return HttpResponseRedirect(url, status=HTTPStatus.SEE_OTHER)


@_legible
@require_http_methods(['GET', 'HEAD', 'POST'])
@_asking
def step(request: HttpRequest, form: Form, key: str) -> HttpResponse:
    """A step: its questions, and what is sent of it.

    :param request: The request.
    :param form: What is asked.
    :param key: The step's.
    :raises Http404: where there is no such step, with the answers there are.
    """
    draft = drafts.load(request, form.kind)
    known = asking.known_of(asking.person(request), form.kind)
    if not draft.done:
        draft = replace(draft, answers={**known, **draft.answers})
    here = _step_of(form, draft, key)
    if request.method != 'POST':
        return _shown(request, form, draft, here)
    draft, wrong = _typed(request, form, draft, here)
    if len(''.join(draft.answers.values())) > drafts.MAX_TYPED + _pasted(draft):
        return _too_large(request)
    looked = asking.look(
        request, form, draft, subscribers=SUBSCRIBERS in here.paths and not wrong
    )
    if looked.outcome is not Outcome.GOOD:
        return _shown(request, form, draft, here, looked)
    found = looked.at(names_of(here, form, draft.answers))
    if SUBSCRIBERS in found:
        # What is in a file is corrected there, and chosen anew.
        draft = draft.with_file('', b'')
    if wrong:
        found[SUBSCRIBERS] = [wrong]
    done = tuple(each for each in draft.done if each != key)
    button = request.POST.get('button')
    if found or button in (ADD, WITHOUT_FILE):
        drafts.save(request, replace(draft, done=done))
        if button in (ADD, WITHOUT_FILE):
            return _shown(request, form, draft, here, one_more=button == ADD)
        wrongs = tuple(each for mistakes in found.values() for each in mistakes)
        looked = Looked(Outcome.MISTAKEN, wrongs)
        return _shown(request, form, draft, here, looked)
    draft = replace(draft, done=(*done, key))
    drafts.save(request, draft)
    for following in steps_of(form.kind, draft.answers):
        if following.key not in draft.done:
            return _to_step(form, following)
    return _see(reverse('qnet_ask_check', args=[form.kind]))


def _pasted(draft: Draft) -> int:
    return len(draft.answers.get(SUBSCRIBERS, ''))


def _step_of(form: Form, draft: Draft, key: str) -> Step:
    for each in steps_of(form.kind, draft.answers):
        if each.key == key:
            return each
    raise Http404('no such step')


def _typed(
    request: HttpRequest, form: Form, draft: Draft, here: Step
) -> tuple[Draft, Mistake | None]:
    """The draft with what was sent; and what is wrong with it before core looks."""
    said = answers.without(here, draft.answers)
    draft = replace(draft, answers=said | answers.typed(here, form, request.POST))
    if SUBSCRIBERS not in here.paths:
        return draft, None
    if request.POST.get('button') == WITHOUT_FILE:
        draft = draft.with_file('', b'')
    file = request.FILES.get('file')
    if file is not None and file.size > drafts.MAX_FILE:
        return draft, _wrong(
            f'The file is larger than {drafts.MAX_FILE // 1024**2} MB. Send fewer '
            'subscribers.'
        )
    if file is not None:
        draft = draft.with_file(str(file.name)[:100], file.read())
    pasted = draft.answers.get(SUBSCRIBERS, '').encode()
    if pasted and draft.file:
        return draft, _wrong('Paste the addresses or choose a file, not both.')
    rows = max(map((pasted + draft.content).count, (b'\n', b'\r')))
    if rows > form.most_rows:
        return draft.with_file('', b''), _wrong(
            f'There are more than {form.most_rows:,} rows. Send the first ones; the '
            'administrators of the list can add the others later.'
        )
    return draft, None


def _wrong(words: str) -> Mistake:
    return Mistake((SUBSCRIBERS,), words, words)


def _shown(
    request: HttpRequest,
    form: Form,
    draft: Draft,
    here: Step,
    looked: Looked | None = None,
    *,
    one_more: bool = False,
) -> HttpResponse:
    names = names_of(here, form, draft.answers)
    found = looked.at(names) if looked else {}
    there = steps_of(form.kind, draft.answers)
    place = there.index(here)
    context = {
        'form': form,
        'step': here,
        'number': place + 1,
        'count': len(there),
        'before': there[place - 1] if place else None,
        'page': page_of(here, form, draft.answers, found, one_more=one_more),
        'one_more': one_more,
        'looked': looked,
        'draft': draft,
        'hours': drafts.HOURS,
        'most_file': drafts.MAX_FILE // 1024**2,
        'may_add': here.paths[0] in form.people and here.paths[0] != SUBSCRIBERS,
        'may_sign_in': place == 0
        and bool(providers())
        and asking.person(request) is None,
    }
    status = looked.outcome.value if looked else HTTPStatus.OK
    return page(request, 'request_forms/step.html', context, status=status)


@require_http_methods(['GET', 'HEAD', 'POST'])
@_asking
def check(request: HttpRequest, form: Form) -> HttpResponse:
    """All answers, and the button that sends them.

    :param request: The request.
    :param form: What is asked.
    """
    draft = drafts.load(request, form.kind)
    if not draft.answers:
        return _to_step(form, steps_of(form.kind, {})[0])
    looked = None
    if request.method == 'POST':
        sent = asking.send(request, form, draft)
        looked = sent.looked
        if looked.outcome is Outcome.GOOD:
            drafts.forget(request, form.kind)
            request.session[_SENT] = sent.number
            return _see(reverse('qnet_ask_sent'))
    someone = asking.person(request)
    address = draft.answers.get('requester.email', '')
    context = {
        'form': form,
        'summary': summary_of(form, draft.answers, draft.file_name),
        'looked': looked,
        'to_correct': _by_step(form, draft, looked) if looked else [],
        'address': address,
        'is_shown': someone is not None and someone.email.lower() == address.lower(),
        'hours': drafts.HOURS,
    }
    status = looked.outcome.value if looked else HTTPStatus.OK
    return page(request, 'request_forms/check.html', context, status=status)


def _by_step(form: Form, draft: Draft, looked: Looked) -> list[tuple[Step, Mistake]]:
    """The mistakes, each with the step on which it is corrected."""
    steps = steps_of(form.kind, draft.answers)
    by_step = [(each, names_of(each, form, draft.answers)) for each in steps]
    return [
        (
            next((s for s, names in by_step if one in _flat(looked, names)), steps[0]),
            one,
        )
        for one in looked.mistakes[: asking.MAX_SHOWN]
    ]


def _flat(looked: Looked, names: list[str]) -> list[Mistake]:
    return [each for found in looked.at(names).values() for each in found]


@require_POST
@_asking
def discard(request: HttpRequest, form: Form) -> HttpResponse:
    """Throw away what was typed.

    :param request: The request.
    :param form: What is asked.
    """
    drafts.forget(request, form.kind)
    return _see(reverse('qnet_forms'))


@require_safe
def sent(request: HttpRequest) -> HttpResponse:
    """What happens next.

    :param request: The request.
    """
    number = request.session.get(_SENT, '')
    response = page(request, 'request_forms/sent.html', {'number': number})
    add_never_cache_headers(response)
    return response


@csrf_exempt
@require_http_methods(['GET', 'HEAD', 'POST'])
def confirm(request: HttpRequest, token: str) -> HttpResponse:
    """Ask whether to confirm a request, or confirm it.

    The token alone proves that the mail was read; a cookie would add nothing, and keep
    out whose browser takes none.

    :param request: The request.
    :param token: The token in the link; only core can tell what it stands for.
    """
    pressed = request.method == 'POST'
    confirmation = asking.confirm(token) if pressed else asking.describe(token)
    template = confirmation.answered.name.lower()
    if confirmation.answered is Answered.KNOWN:
        template = 'confirmed' if pressed else 'confirm'
    return bearer_page(
        request,
        f'request_forms/link/{template}.html',
        confirmation.fields,
        status=confirmation.answered.value,
    )

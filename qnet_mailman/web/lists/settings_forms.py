# SPDX-License-Identifier: GPL-3.0-or-later
"""Sections of a list's settings in Postorius that differ from stock.

Postorius saves the fields of a form that have changed.  A disabled field of
Django's never has: what a browser, or a hand-made POST, sends for it is not
looked at.  That is what keeps the threshold and the window as they are (R21), and how
one joins and leaves (R11, R12, R14), which follows from the list's visibility and not
from these settings; and our pipeline, without which nobody would be masked (R7).  Lists
of other styles have stock's forms (R40).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.forms import TextInput
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from postorius.forms.list_forms import (
    AlterMessagesForm,
    BounceProcessingForm,
    ListNew,
    MemberPolicyForm,
)
from postorius.views import list as list_views

#: What operators change: label, and what it means.
OPERATORS_ONLY = {
    'bounce_score_threshold': (
        'Bounce score threshold (read-only)',
        'The points at which the list stops sending to an address.',
    ),
    'bounce_info_stale_after': (
        'Bounce window (read-only)',
        'The days whose points are added up; 7d stands for 7 days, today included.',
    ),
}

#: The pipeline of our lists (R1), by which these forms know them: Postorius has it with
#: the settings of every list.
OUR_PIPELINE = 'qnet-posting-pipeline'
#: How the names of all of ours begin.
OUR_NAMES = 'qnet-'

#: How one joins and leaves: label, what it means, and words for what our styles set.
POLICIES = {
    'subscription_policy': (
        'How people join (read-only)',
        'This follows from the list being public or private. Public: the subscriber '
        'confirms by e-mail. Private: an administrator approves the request, then the '
        'subscriber confirms by e-mail.',
        {
            'confirm': 'The subscriber confirms',
            'confirm_then_moderate': (
                'An administrator approves, then the subscriber confirms'
            ),
        },
    ),
    'unsubscription_policy': (
        'How people leave (read-only)',
        'The member confirms, by e-mail or with the link in a message. No approval is '
        'needed.',
        {'confirm': 'The member confirms'},
    ),
}


class ReadOnlyText(TextInput):
    """A value that can be reached with the keyboard and read, but not changed.

    :ivar words: What to show for a value; the value where it has no words.
    """

    def __init__(self, words: Mapping[str, str]) -> None:
        super().__init__()
        self.words = words

    def format_value(self, value: Any) -> str | None:
        """What the page shows.

        :param value: The value.
        """
        shown: str | None = super().format_value(value)
        return shown if shown is None else self.words.get(shown, shown)

    def build_attrs(
        self, base_attrs: dict[str, Any], extra_attrs: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """Say ``readonly`` instead of ``disabled``, which browsers pass over.

        :param base_attrs: The attributes of the widget.
        :param extra_attrs: Those of the field.
        """
        attrs: dict[str, Any] = super().build_attrs(base_attrs, extra_attrs)
        attrs.pop('disabled', None)
        return attrs | {'readonly': True}


def how_to_ask() -> SafeString:
    """How a list administrator gets another value, in HTML."""
    form = f'{reverse("qnet_forms")}#threshold-change'
    address = settings.FORMS_ADDRESS or settings.SUPPORT_ADDRESS
    if not address:
        return format_html(
            'Operators change it on request: send them a '
            '<a href="{}">threshold-change form</a>.',
            form,
        )
    return format_html(
        'Operators change it on request: send a '
        '<a href="{0}">threshold-change form</a> to <a href="mailto:{1}">{1}</a>.',
        form,
        address,
    )


class BounceSettingsForm(BounceProcessingForm):
    """The bounce settings, with those of the operators read-only."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not _is_ours(self):
            return
        for name, (label, meaning) in OPERATORS_ONLY.items():
            _make_read_only(
                self, name, label, format_html('{} {}', meaning, how_to_ask())
            )


class JoiningAndLeavingForm(MemberPolicyForm):
    """How one joins and leaves: read-only on our lists, as stock on others."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not _is_ours(self):
            return
        for name, (label, meaning, words) in POLICIES.items():
            _make_read_only(self, name, label, meaning, words)


class MessagesForm(AlterMessagesForm):
    """What is done to messages: our pipeline stays ours, and others do not get it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if _is_ours(self):
            _make_read_only(
                self,
                'posting_pipeline',
                'Pipeline (read-only)',
                'It hides the senders of messages, among other things.',
            )
            return
        field = self.fields['posting_pipeline']
        stock = field.choices
        # A function: core is asked when they are looked at.
        field.choices = lambda: [
            each for each in stock if not each[0].startswith(OUR_NAMES)
        ]


class NewListForm(ListNew):
    """A new list: whom it names as owner is none where the list is ours (R25)."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields['list_owner'].help_text = (
            'A list with a style of QualityNet Mailer does not keep this address: its '
            'administrators are assigned with a request form, or with the command '
            '"mailman qnet roles assign".'
        )


def _is_ours(form: Any) -> bool:
    return bool(form.initial.get('posting_pipeline') == OUR_PIPELINE)


def _make_read_only(
    form: Any,
    name: str,
    label: str,
    help_text: str,
    words: Mapping[str, str] | None = None,
) -> None:
    """Show a field's value and take none for it."""
    field = form.fields[name]
    field.disabled = True
    field.label = label
    field.help_text = help_text
    field.widget = ReadOnlyText(words or {})


#: The section's key in Postorius, its form there, ours, and what would happen without.
SECTIONS = (
    (
        'bounce_processing',
        BounceProcessingForm,
        BounceSettingsForm,
        'list administrators could change the bounce threshold.',
    ),
    (
        'subscription_policy',
        MemberPolicyForm,
        JoiningAndLeavingForm,
        'it would offer to change how people join, without any effect.',
    ),
    (
        'alter_messages',
        AlterMessagesForm,
        MessagesForm,
        'list administrators could take a list out of our pipeline.',
    ),
)


def install() -> None:
    """Let Postorius use our forms.

    :raises ImproperlyConfigured: where it has not a form that ours replaces.
    """
    for section, stock, ours, consequence in SECTIONS:
        if list_views.SETTINGS_FORMS.get(section) not in (stock, ours):
            raise ImproperlyConfigured(
                f'This Postorius has no settings section {section!r} with '
                f'{stock.__name__}: {consequence}'
            )
        list_views.SETTINGS_FORMS[section] = ours
    if not issubclass(getattr(list_views, 'ListNew', object), ListNew):
        raise ImproperlyConfigured(
            'This Postorius has no form ListNew: it would not say that an owner is not '
            'kept.'
        )
    list_views.ListNew = NewListForm

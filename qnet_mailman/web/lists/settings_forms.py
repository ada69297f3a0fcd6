# SPDX-License-Identifier: GPL-3.0-or-later
"""Sections of a list's settings in Postorius that differ from stock.

Postorius saves the fields of a form that have changed.  A disabled field of
Django's never has: what a browser, or a hand-made POST, sends for it is not
looked at.  That is what keeps the threshold and the window as they are (R21).
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.forms import TextInput
from django.utils.html import format_html
from django.utils.safestring import SafeString
from postorius.forms.list_forms import BounceProcessingForm
from postorius.views import list as list_views

#: The section's key in Postorius.
SECTION = 'bounce_processing'

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


class ReadOnlyText(TextInput):
    """A value that can be reached with the keyboard and read, but not changed."""

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
    if not settings.SUPPORT_ADDRESS:
        return SafeString(
            'Operators change it on request: send them a threshold-change form.'
        )
    return format_html(
        'Operators change it on request: send a threshold-change form, or a message '
        'with the list, the value you want, and why, to <a href="mailto:{0}">{0}</a>.',
        settings.SUPPORT_ADDRESS,
    )


class BounceSettingsForm(BounceProcessingForm):
    """The bounce settings, with those of the operators read-only."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, (label, meaning) in OPERATORS_ONLY.items():
            field = self.fields[name]
            field.disabled = True
            field.label = label
            field.help_text = format_html('{} {}', meaning, how_to_ask())
            # The id that Postorius's page gives to the help text.
            described_by = f'help-{self[name].id_for_label}'
            field.widget = ReadOnlyText(attrs={'aria-describedby': described_by})


def install() -> None:
    """Let Postorius use our forms.

    :raises ImproperlyConfigured: where it has not the form that ours replaces.
    """
    stock = list_views.SETTINGS_FORMS.get(SECTION)
    if stock not in (BounceProcessingForm, BounceSettingsForm):
        raise ImproperlyConfigured(
            f'This Postorius has no settings section {SECTION!r} with '
            f'{BounceProcessingForm.__name__}: list administrators could change the '
            'bounce threshold.'
        )
    list_views.SETTINGS_FORMS[SECTION] = BounceSettingsForm

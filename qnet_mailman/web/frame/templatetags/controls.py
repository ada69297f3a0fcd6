# SPDX-License-Identifier: GPL-3.0-or-later
"""A form's field as a browser gets it, bound to its help and its mistakes."""

from __future__ import annotations

from django import template
from django.forms import BoundField, Select, Textarea
from django.forms.widgets import CheckboxInput, CheckboxSelectMultiple, RadioSelect

register = template.Library()


@register.filter
def kind(field: BoundField) -> str:
    """How a field is shown: `hidden`, `choices`, `tick`, or `control` for the others.

    :param field: The field.
    """
    widget = field.field.widget
    if widget.attrs.get('hidden'):
        return 'hidden'
    if isinstance(widget, RadioSelect | CheckboxSelectMultiple):
        return 'choices'
    return 'tick' if isinstance(widget, CheckboxInput) else 'control'


@register.filter
def described_by(field: BoundField) -> str:
    """The ids of what is said about a field: first what is wrong, then its help.

    :param field: The field.
    """
    said = [(field.errors, 'errors'), (field.help_text, 'helptext')]
    return ' '.join(f'{field.auto_id}_{name}' for text, name in said if text)


@register.filter
def control(field: BoundField) -> str:
    """The field's control.

    :param field: The field.
    """
    widget = field.field.widget
    attributes = {}
    if kind(field) == 'control':
        select = isinstance(widget, Select)
        attributes['class'] = 'form-select' if select else 'form-control'
    if isinstance(widget, Textarea):
        attributes |= {'rows': '8', 'spellcheck': 'false'}
    if said := described_by(field):
        attributes['aria-describedby'] = said
    if field.errors:
        attributes['aria-invalid'] = 'true'
    # One that jumps to the middle of a page hides what is above it.
    widget.attrs.pop('autofocus', None)
    return field.as_widget(attrs=attributes)

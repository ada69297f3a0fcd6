# SPDX-License-Identifier: GPL-3.0-or-later
"""Forms of accounts: in plain words, and without a choice of the user name."""

from __future__ import annotations

from typing import Any

from allauth.account.forms import LoginForm
from django.conf import settings
from django_mailman3.forms import UserProfileForm
from django_mailman3.models import TIMEZONES


class SignInForm(LoginForm):
    """Stock's, in our words."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields['login'].label = 'E-mail address or user name'
        self.fields['remember'].label = 'Keep me signed in on this computer'
        for name in ('login', 'password'):
            # What is said in the label need not be said in the field.
            self.fields[name].widget.attrs.pop('placeholder', None)


class ProfileForm(UserProfileForm):
    """Stock's form lets everybody take any free name, such as an operator's ID."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # What a browser sends for a disabled field is not looked at.
        self.fields['username'].disabled = True
        self.fields['username'].label = 'User name'
        self.fields['username'].help_text = 'It cannot be changed.'
        # Stock has none that is nobody's choice: a browser would send the first there.
        zone = self.fields['timezone']
        zone.required = False
        zone.label = 'Time zone'
        zone.choices = [('', f'That of the service ({settings.TIME_ZONE})'), *TIMEZONES]

# SPDX-License-Identifier: GPL-3.0-or-later
"""The profile page's form, without a choice of the user name."""

from __future__ import annotations

from typing import Any

from django_mailman3.forms import UserProfileForm


class ProfileForm(UserProfileForm):
    """Stock's form lets everybody take any free name, such as an operator's ID."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # What a browser sends for a disabled field is not looked at.
        self.fields['username'].disabled = True
        self.fields['username'].help_text = 'It cannot be changed.'

# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts our settings forms in the place of Postorius's."""

from __future__ import annotations

from django.apps import AppConfig


class ListsConfig(AppConfig):
    """A list's pages in Postorius."""

    name = 'qnet_mailman.web.lists'
    label = 'qnet_lists'

    def ready(self) -> None:
        """Exchange the forms of settings that are not theirs to change (R11, R21).

        :raises ImproperlyConfigured: where Postorius has no such form any more:
            its administrators could change what only operators may.
        """
        from qnet_mailman.web.lists.settings_forms import install

        install()

# SPDX-License-Identifier: GPL-3.0-or-later
"""The address of the page on which a moderator decides."""

from __future__ import annotations

from django.urls import path

from qnet_mailman.web.deciding.views import decide

urlpatterns = [path('<str:token>/', decide, name='qnet_decide')]

# SPDX-License-Identifier: GPL-3.0-or-later
"""The addresses of the lists that may be adopted or handed back."""

from __future__ import annotations

from django.urls import path

from qnet_mailman.web.adoption import views

urlpatterns = [
    path('', views.lists, name='qnet_adoptable'),
    path('<str:list_id>/', views.one_list, name='qnet_adoption'),
]

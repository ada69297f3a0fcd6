# SPDX-License-Identifier: GPL-3.0-or-later
"""The addresses of the pages with which one joins lists."""

from __future__ import annotations

from django.urls import path

from qnet_mailman.web.signup import views

urlpatterns = [
    path('', views.sign_up, name='qnet_signup'),
    path('done/', views.done, name='qnet_signup_done'),
    path('confirm/<str:token>/', views.confirm, name='qnet_confirm'),
]

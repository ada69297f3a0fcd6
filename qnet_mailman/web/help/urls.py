# SPDX-License-Identifier: GPL-3.0-or-later
"""The addresses of the help pages, one for each topic and guide."""

from __future__ import annotations

from django.urls import path

from qnet_mailman.web.help.views import guide, topic

urlpatterns = [
    path('', topic, {'name': 'index'}, name='qnet_help'),
    path('about/', topic, {'name': 'about'}, name='qnet_help_about'),
    path('start/', topic, {'name': 'start'}, name='qnet_help_start'),
    path('questions/', topic, {'name': 'questions'}, name='qnet_help_questions'),
    path('bounces/', topic, {'name': 'bounces'}, name='qnet_help_bounces'),
    path('contact/', topic, {'name': 'contact'}, name='qnet_help_contact'),
    path('members/', guide, {'name': 'members'}, name='qnet_help_members'),
    path(
        'administrators/',
        guide,
        {'name': 'list-administrators'},
        name='qnet_help_administrators',
    ),
]

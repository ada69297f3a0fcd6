# SPDX-License-Identifier: GPL-3.0-or-later
"""Our pages about a list, among Postorius's; the gate's table names them, too."""

from __future__ import annotations

from django.urls import path

from qnet_mailman.web.lists import views
from qnet_mailman.web.operators.views import list_audit, list_audit_file

urlpatterns = [
    path('lists/<str:list_id>/anonymous_subscribe', views.sign_up_instead),
    path('lists/<str:list_id>/qualitynet/', views.about, name='qnet_list'),
    path(
        'lists/<str:list_id>/qualitynet/<slug:setting>',
        views.change,
        name='qnet_list_change',
    ),
    path(
        'lists/<str:list_id>/forms/<slug:kind>.xlsx', views.form, name='qnet_list_form'
    ),
    path(
        'lists/<str:list_id>/held_messages/<int:number>/',
        views.held_message,
        name='qnet_held_message',
    ),
    path('lists/<str:list_id>/bounces/', views.bounces, name='qnet_list_bounces'),
    path(
        'lists/<str:list_id>/bounces/export.csv',
        views.bounces_as_csv,
        name='qnet_list_bounces_csv',
    ),
    path('lists/<str:list_id>/bounces/act', views.act, name='qnet_list_bounces_act'),
    path(
        'lists/<str:list_id>/bounces/<uuid:member_id>/',
        views.member,
        name='qnet_member_bounces',
    ),
    path('lists/<str:list_id>/audit/', list_audit, name='qnet_list_audit'),
    path(
        'lists/<str:list_id>/audit/export.<slug:kind>',
        list_audit_file,
        name='qnet_list_audit_file',
    ),
    path(
        'lists/<str:list_id>/bounces/<uuid:member_id>/enable',
        views.enable,
        name='qnet_member_enable',
    ),
]

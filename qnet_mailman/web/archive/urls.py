# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands before HyperKitty's addresses, and has their names."""

from __future__ import annotations

from django.urls import include, path, re_path

from qnet_mailman.web.archive import views

_LIST = r'^list/(?P<mlist_fqdn>[^/@]+@[^/@]+)/'

list_patterns = [
    re_path(
        r'^(?P<year>\d{4})/(?P<month>\d\d?)/(?P<day>\d\d?)/$',
        views.archives,
        name='hk_archives_with_day',
    ),
    re_path(
        r'^(?P<year>\d{4})/(?P<month>\d\d?)/$',
        views.archives,
        name='hk_archives_with_month',
    ),
    path('latest', views.archives, name='hk_archives_latest'),
    path('', views.overview, name='hk_list_overview'),
    *(
        path(name, views.to_overview, name=f'hk_list_overview_{name.replace("-", "_")}')
        for name in (
            *('recent-threads', 'pop-threads', 'top-threads'),
            *('favorites', 'posted-to', 'top-posters'),
        )
    ),
]

message_patterns = [
    path('', views.message_page, name='hk_message_index'),
    path(
        'attachment/<int:counter>/<path:filename>',
        views.attachment,
        name='hk_message_attachment',
    ),
    path('vote', views.vote, name='hk_message_vote'),
    path('reply', views.reply, name='hk_message_reply'),
]

thread_patterns = [
    path('', views.thread_page, name='hk_thread'),
    path('replies', views.to_thread, name='hk_thread_replies'),
    path('tags', views.tags, name='hk_tags'),
    path('favorite', views.favorite, name='hk_favorite'),
    path('category', views.set_category, name='hk_thread_set_category'),
    path('reattach', views.reattach, name='hk_thread_reattach'),
    path('reattach-suggest', views.to_reattach, name='hk_thread_reattach_suggest'),
]

urlpatterns = [
    re_path(_LIST, include(list_patterns)),
    re_path(rf'{_LIST}message/(?P<message_id_hash>\w+)/', include(message_patterns)),
    re_path(rf'{_LIST}thread/(?P<threadid>\w+)/', include(thread_patterns)),
    path('api/mailman/urls', views.urls, name='hk_mailman_urls'),
    path('api/mailman/archive', views.archive, name='hk_mailman_archive'),
]

# SPDX-License-Identifier: GPL-3.0-or-later
"""The addresses of `bench.stock_web`, as the stock packages' guides give them."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

urlpatterns = [
    path('', RedirectView.as_view(url='/mailman3/lists/')),
    path('mailman3/', include('postorius.urls')),
    path('archives/', include('hyperkitty.urls')),
    path('', include('django_mailman3.urls')),
    path('accounts/', include('allauth.urls')),
    path('admin/', admin.site.urls),
]

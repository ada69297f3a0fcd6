# SPDX-License-Identifier: GPL-3.0-or-later
"""What somebody has marked in archives, of those that they may still read.

HyperKitty's own pages go on to show subjects, numbers and times of a private archive to
people who read it once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django_mailman3.lib.paginator import paginate

from qnet_mailman.web.gate.archives import readable


@dataclass(frozen=True)
class Bookmarks:
    """One of HyperKitty's pages of what a person has marked.

    :ivar model: What it shows.
    :ivar archive: How that leads to the archive.
    :ivar order: By what it is sorted.
    :ivar name: The page's name, in its template and for it.
    :ivar page: Where the address has the number of the page.
    """

    model: str
    archive: str
    order: str
    name: str
    page: str

    def __call__(
        self, request: HttpRequest, _kwargs: Mapping[str, Any]
    ) -> HttpResponse | None:
        """The page; None for people who are to see everything.

        :param request: The request of somebody who is signed in.
        """
        from hyperkitty.models import ArchivePolicy

        if request.qnet.is_operator:
            return None
        lists = readable(request.user, request.qnet)
        public = {f'{self.archive}__archive_policy': ArchivePolicy.public.value}
        rows = (
            apps.get_model('hyperkitty', self.model)
            .objects.filter(user=request.user)
            .filter(Q(**public) | Q(**{f'{self.archive}__list_id__in': lists}))
            .order_by(self.order)
        )
        return render(
            request,
            f'hyperkitty/user_profile/{self.name}.html',
            {
                self.name: paginate(rows, request.GET.get(self.page)),
                'subpage': self.name,
            },
        )


FAVORITES = Bookmarks(
    'Favorite', 'thread__mailinglist', '-thread__date_active', 'favorites', 'favpage'
)
LAST_VIEWS = Bookmarks(
    'LastView', 'thread__mailinglist', '-view_date', 'last_views', 'lvpage'
)
VOTES = Bookmarks('Vote', 'email__mailinglist', '-email__date', 'votes', 'vpage')

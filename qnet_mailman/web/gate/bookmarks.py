# SPDX-License-Identifier: GPL-3.0-or-later
"""What somebody has marked in archives, of those that they may still read.

HyperKitty's own pages go on to show subjects, numbers and times of a private archive to
people who read it once, and the addresses of authors.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django_mailman3.lib.paginator import paginate

from qnet_mailman.web.gate.archives import of_readers
from qnet_mailman.web.gate.profiles import shown_name


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
        if request.qnet.is_operator:
            return None
        rows = (
            apps.get_model('hyperkitty', self.model)
            .objects.filter(user=request.user)
            .filter(of_readers(f'{self.archive}__', request.user, request.qnet))
            .order_by(self.order)
        )
        page = paginate(rows, request.GET.get(self.page))
        for row in page:
            # The templates show the address of an author without a name.
            email = row.email if self.model == 'Vote' else row.thread.starting_email
            if email is not None:
                email.sender_name = shown_name(email.sender_name)
        return render(
            request,
            f'hyperkitty/user_profile/{self.name}.html',
            {
                self.name: page,
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

# SPDX-License-Identifier: GPL-3.0-or-later
"""A post is found as soon as it is archived.

HyperKitty brings its index up to date once an hour.  Here each post has it done, as a
task of the cluster, by HyperKitty's own job: what one time misses the next one finds.
"""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.core.cache import cache
from django_q.tasks import AsyncTask
from flufl.lock import Lock
from hyperkitty.search_indexes import update_index

#: Says that somebody will look.
_WAITING = 'qnet-index-waits'
#: Seconds after which it is asked for again, should the task have been lost.
_PATIENCE = 300
#: For which an index may be worked on, and for which others wait for it.
_LIFE = timedelta(minutes=15)


def index_soon() -> None:
    """Have new posts indexed; one task is enough for all that wait."""
    if cache.add(_WAITING, True, _PATIENCE):
        AsyncTask(index_now, q_options={'task_name': 'index new posts'}).run()


def index_now() -> None:
    """Index what is newer than the newest post in the index."""
    cache.delete(_WAITING)
    with Lock(settings.HYPERKITTY_JOBS_UPDATE_INDEX_LOCKFILE, lifetime=_LIFE):
        update_index()

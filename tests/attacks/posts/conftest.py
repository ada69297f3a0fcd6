# SPDX-License-Identifier: GPL-3.0-or-later
"""One running site for all attacks by posts: LMTP in, SMTP out, an archive."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from qnet_mailman.demo.site import Site
from tests.sites import started

ARCHIVE = '[archiver.prototype]\nenable: yes\n'


@pytest.fixture(scope='package')
def plain_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site with the list of the example form; each test makes others it needs."""
    folder = tmp_path_factory.mktemp('posts')
    with started(Site(folder, web=False, extra_cfg=ARCHIVE)) as running:
        yield running

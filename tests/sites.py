# SPDX-License-Identifier: GPL-3.0-or-later
"""Whole sites, Mailman's processes on loopback: dear, so a file has one at most.

A file says with ``pytestmark = pytest.mark.site(...)`` which one it needs, and gets it
as the fixture `site`; where several files of a folder need the same, its conftest has
it as `plain_site`, once for all of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from qnet_mailman.demo.configuration import ROOT
from qnet_mailman.demo.site import Site

EXAMPLES = ROOT / 'provisioning' / 'examples'
FORM = EXAMPLES / 'list-request.yaml'
MARKER = (
    'site(forms=, web=, ...): the running site of a file, as the fixture `site` gives '
    'it; see tests/sites.py'
)


@contextmanager
def started(site: Site, forms: Iterable[Path] = (FORM,)) -> Iterator[Site]:
    """A site that runs, has the lists of forms, and has sent its mails about them."""
    with site:
        paths = [str(form) for form in forms]
        if paths:
            site.mailman('qnet', 'provision', *paths, check=True)
            site.wait_idle()
        yield site


@contextmanager
def marked_site(request: pytest.FixtureRequest, folder: Path) -> Iterator[Site]:
    """The site of a file, without a web side if its marker does not ask for one."""
    marker = request.node.get_closest_marker('site')
    if marker is None:
        yield request.getfixturevalue('plain_site')
        return
    options: dict[str, Any] = {'web': False, **marker.kwargs}
    forms = options.pop('forms', (FORM,))
    with started(Site(folder, **options), forms) as site:
        yield site

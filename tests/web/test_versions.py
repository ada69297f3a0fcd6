# SPDX-License-Identifier: GPL-3.0-or-later
"""The first command on a host with an old Django says what to install."""

from __future__ import annotations

import pytest
from django.core.exceptions import ImproperlyConfigured

from qnet_mailman.web.versions import require_django


@pytest.mark.parametrize('version', [(5, 2), (6, 0)])
def test_what_is_new_enough(version: tuple[int, int]) -> None:
    require_django(version)


@pytest.mark.parametrize('version', [(4, 2), (5, 0), (5, 1)])
def test_what_has_ended(version: tuple[int, int]) -> None:
    with pytest.raises(ImproperlyConfigured) as caught:
        require_django(version)
    said = str(caught.value)
    assert said.startswith('Django {}.{} is no longer supported'.format(*version))
    assert 'needs 5.2' in said
    assert 'pip install --no-deps --require-hashes -r ' in said
    assert said.endswith('requirements.lock')

# SPDX-License-Identifier: GPL-3.0-or-later
"""The labelled reports, where this checkout has them beside it."""

from __future__ import annotations

from pathlib import Path

import pytest

CORPUS = Path(__file__).resolve().parents[3] / 'shared/corpus/bounces'


@pytest.fixture(scope='session')
def corpus() -> Path:
    """The folder of ``labels.tsv`` and ``samples/``."""
    if not (CORPUS / 'labels.tsv').is_file():
        pytest.skip(f'the labelled bounce reports are not at {CORPUS}')
    return CORPUS


@pytest.fixture(scope='session')
def samples(corpus: Path) -> list[bytes]:
    return [path.read_bytes() for path in sorted((corpus / 'samples').iterdir())]

# SPDX-License-Identifier: GPL-3.0-or-later
"""The labelled reports, where this checkout has them beside it."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

CORPUS = Path(__file__).resolve().parents[3] / 'shared/corpus/bounces'
SERVERS = CORPUS.with_name('servers')


@pytest.fixture(scope='session')
def corpus() -> Path:
    """The folder of ``labels.tsv`` and ``samples/``."""
    if not (CORPUS / 'labels.tsv').is_file():
        pytest.skip(f'the labelled bounce reports are not at {CORPUS}')
    return CORPUS


@pytest.fixture(scope='session')
def samples(corpus: Path) -> list[bytes]:
    return [path.read_bytes() for path in sorted((corpus / 'samples').iterdir())]


@pytest.fixture(scope='session')
def servers() -> dict[str, tuple[str, bytes]]:
    """Reports that real mail servers wrote: by name, the kind and the report."""
    if not (SERVERS / 'labels.tsv').is_file():
        pytest.skip(f'the reports of real servers are not at {SERVERS}')
    with (SERVERS / 'labels.tsv').open(encoding='utf-8', newline='') as stream:
        return {
            row['file']: (row['kind'], (SERVERS / row['file']).read_bytes())
            for row in csv.DictReader(stream, delimiter='\t')
        }

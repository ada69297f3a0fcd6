# SPDX-License-Identifier: GPL-3.0-or-later
"""The targets of R16 on labelled reports (``../shared/corpus/bounces``)."""

from __future__ import annotations

import email
import logging
from pathlib import Path

import pytest

from bench.classify import Result, lost, main, run, share
from qnet_mailman.bounces.reading.classify import classify

Results = tuple[list[Result], list[Result]]


@pytest.fixture(scope='module')
def results(corpus: Path) -> Results:
    logging.disable(logging.WARNING)
    try:
        ours, stock, _time = run(corpus)
    finally:
        logging.disable(logging.NOTSET)
    return ours, stock


def decided(results: Results) -> list[Result]:
    return [one for one in results[0] if one.right is not None]


def test_98_percent_are_right(results: Results) -> None:
    assert share(decided(results)) >= 0.98


def test_95_percent_of_the_soft_are_right(results: Results) -> None:
    assert share([one for one in decided(results) if one.kind == 'soft']) >= 0.95


def test_nothing_full_too_large_or_suspended_is_hard(results: Results) -> None:
    assert [one.name for one in results[0] if one.promised_soft_called_hard] == []


def test_at_most_one_that_is_no_bounce_is_scored(results: Results) -> None:
    wrong = [o.name for o in decided(results) if o.kind == 'none' and not o.right]
    assert len(wrong) <= 1, wrong


def test_no_address_is_lost_that_stock_finds(results: Results) -> None:
    assert lost(*results) == []


def test_parsed_messages_and_bytes_are_judged_alike(samples: list[bytes]) -> None:
    for data in samples:
        if not data.startswith(b'From '):
            assert classify(email.message_from_bytes(data)) == classify(data)


def test_the_bench_says_where_the_corpus_is_missing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(tmp_path)]) == 0
    assert capsys.readouterr().out.startswith('skipped: no labels.tsv')


def test_the_bench_prints_the_table(
    corpus: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        assert main([str(corpus), '--verbose']) == 0
    finally:
        logging.disable(logging.NOTSET)
    printed = capsys.readouterr().out
    assert 'stock right' in printed
    assert printed.rstrip().endswith('targets met')

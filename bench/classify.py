# SPDX-License-Identifier: GPL-3.0-or-later
"""Classify the labelled bounce reports and print how many are right (R16).

Usage: ``python -m bench.classify [--verbose] [--speed] [CORPUS]``, where CORPUS is the
folder of ``labels.tsv`` and ``samples/`` (default ``../shared/corpus/bounces``).  A
report is right when its failing addresses are the labelled ones and each has its label;
``either`` counts neither way.  flufl.bounce, which stock Mailman uses (temporary =
soft, permanent = hard), runs beside; ``--speed`` compares the time, too.

Exit status: 0, also where the corpus is absent; 1 if a target is missed.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import email
import logging
import sys
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from flufl.bounce import all_failures

from qnet_mailman.bounces.reading.classify import Failure, Kind, classify

CORPUS = Path(__file__).resolve().parents[2] / 'shared/corpus/bounces'

#: Of flufl.bounce, in CPU; with ``--speed``.
SPEED = 1.0
ROUNDS = 3
"""How often the speed is measured; the best counts."""

#: Reasons that R16 promises to be soft, in the labels' words.
PROMISED_SOFT = frozenset({'mailboxfull', 'mesgtoobig', 'exceedlimit', 'suspend'})


@dataclass
class Expected:
    """A failed recipient, as labelled."""

    label: str
    reason: str
    addresses: frozenset[str]


@dataclass
class Result:
    """How one report came out.

    :ivar kind: The label of the whole report: its hardest.
    :ivar right: None where the labels do not decide.
    :ivar found: Were the failing addresses found?  None where there are none.
    """

    name: str
    kind: str
    right: bool | None
    found: bool | None
    promised_soft_called_hard: bool = False
    said: list[str] = field(default_factory=list)


def read_labels(corpus: Path) -> dict[str, list[Expected]]:
    """Read ``labels.tsv``: the failed recipients of each file."""
    labels: dict[str, list[Expected]] = {}
    with (corpus / 'labels.tsv').open(encoding='utf-8', newline='') as stream:
        for row in csv.DictReader(stream, delimiter='\t', quoting=csv.QUOTE_NONE):
            names = [row['address'], *(row['alt'] or '').split(',')]
            addresses = frozenset(
                name.strip().lower() for name in names if name.strip()
            )
            labels.setdefault(row['file'], []).append(
                Expected(row['label'], row['reason'], addresses)
            )
    return labels


def compare(name: str, expected: list[Expected], failures: Iterable[Failure]) -> Result:
    """Compare what was found in a report with its labels."""
    by_name = {
        address.lower(): failure
        for failure in failures
        for address in (failure.address, *failure.aliases)
        if address
    }
    anonymous = [one for one in failures if one.address is None]
    kinds = [one.label for one in expected]
    kind = next((k for k in ('hard', 'soft', 'either') if k in kinds), 'none')
    result = Result(name, kind, True, None)
    failing = [one for one in expected if one.label != 'none']
    used: set[int] = set()
    for one in expected:
        got = next((by_name[a] for a in sorted(one.addresses) if a in by_name), None)
        if got is not None:
            used.add(id(got))
        if one.label == 'none':
            if got is not None or (anonymous and not failing):
                result.right = False
            continue
        result.found = result.found is not False and got is not None
        if one.label == 'either':
            continue
        if got is None or got.kind.value != one.label:
            result.right = False
            hard = (got or Failure(None, Kind.none, None)).kind is Kind.hard  # type: ignore[arg-type]
            hard = hard or any(a.kind is Kind.hard for a in anonymous)
            if one.reason in PROMISED_SOFT and hard:
                result.promised_soft_called_hard = True
    strangers = [one for one in by_name.values() if id(one) not in used]
    if strangers:
        result.right = False
    if kind == 'either' and result.right:
        result.right = None
    for failure in failures:
        result.said.append(
            f'{failure.address} {failure.kind.value} {failure.reason.value} '
            f'{failure.status} {failure.reply_code} | {failure.evidence[:110]}'
        )
    return result


def stock_failures(data: bytes) -> list[Failure]:
    """What stock Mailman gets from the same report."""
    try:
        temporary, permanent = all_failures(email.message_from_bytes(data))
    except Exception:
        return []
    return [
        Failure(one.decode('ascii', 'replace'), kind, None)  # type: ignore[arg-type]
        for kind, found in ((Kind.soft, temporary), (Kind.hard, permanent))
        for one in sorted(found)
    ]


def run(corpus: Path) -> tuple[list[Result], list[Result], float]:
    """Classify the corpus.

    :return: Our results, stock's, and our mean time for a report in milliseconds.
    """
    ours, stock = [], []
    spent = 0.0
    labels = read_labels(corpus)
    for name, expected in labels.items():
        data = (corpus / 'samples' / name).read_bytes()
        begin = time.perf_counter()
        verdict = classify(data)
        spent += time.perf_counter() - begin
        ours.append(compare(name, expected, verdict.failures))
        theirs = [
            Failure(one.address, one.kind, verdict.reason)
            for one in stock_failures(data)
        ]
        stock.append(compare(name, expected, theirs))
    return ours, stock, 1000 * spent / max(1, len(labels))


def lost(ours: list[Result], stock: list[Result]) -> list[str]:
    """The reports in which stock finds the right addresses, and we do not."""
    return [a.name for a, b in zip(ours, stock, strict=True) if b.found and not a.found]


def speed(corpus: Path) -> float:
    """How many times flufl.bounce's speed ours is: seconds of CPU, parsing included."""
    samples = [path.read_bytes() for path in sorted((corpus / 'samples').iterdir())]
    ours, theirs = [], []
    for _ in range(ROUNDS):
        for spent, work in ((ours, classify), (theirs, _detected)):
            begin = time.process_time()
            for data in samples:
                work(data)
            spent.append(time.process_time() - begin)
    return min(theirs) / min(ours)


def _detected(data: bytes) -> None:
    with contextlib.suppress(Exception):
        all_failures(email.message_from_bytes(data))


def table(ours: list[Result], stock: list[Result]) -> list[str]:
    """The lines of the table."""
    lines = [
        f'{"kind":<10}{"reports":>8}{"right":>7}{"%":>8}{"stock right":>13}{"%":>8}'
    ]
    rows = [('hard', ours), ('soft', ours), ('none', ours), ('all', ours)]
    for kind, results in rows:
        pairs = [
            (a, b)
            for a, b in zip(results, stock, strict=True)
            if a.kind != 'either' and kind in (a.kind, 'all')
        ]
        count = max(1, len(pairs))
        right = sum(a.right is True for a, _b in pairs)
        theirs = sum(b.right is True for _a, b in pairs)
        lines.append(
            f'{kind:<10}{len(pairs):>8}{right:>7}{100 * right / count:>8.1f}'
            f'{theirs:>13}{100 * theirs / count:>8.1f}'
        )
    addressed = [a for a in ours if a.found is not None]
    count = max(1, len(addressed))
    found = sum(a.found is True for a in addressed)
    theirs = sum(b.found is True for b in stock)
    lines.append(
        f'{"address":<10}{count:>8}{found:>7}{100 * found / count:>8.1f}'
        f'{theirs:>13}{100 * theirs / count:>8.1f}'
    )
    return lines


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description='Classify labelled bounce reports.')
    parser.add_argument('corpus', nargs='?', type=Path, default=CORPUS)
    parser.add_argument(
        '--speed', action='store_true', help='compare with flufl.bounce, too'
    )
    parser.add_argument('--verbose', action='store_true', help='list what is wrong')
    options = parser.parse_args(arguments)
    if not (options.corpus / 'labels.tsv').is_file():
        print(f'skipped: no labels.tsv in {options.corpus}')
        return 0
    logging.disable(logging.CRITICAL)
    ours, stock, milliseconds = run(options.corpus)
    print('\n'.join(table(ours, stock)))
    decided = [one for one in ours if one.right is not None]
    soft = [one for one in decided if one.kind == 'soft']
    hard = [one.name for one in ours if one.promised_soft_called_hard]
    scored = [one.name for one in decided if one.kind == 'none' and not one.right]
    missing = lost(ours, stock)
    print(f'full, too large or suspended called hard: {len(hard)} {" ".join(hard)}')
    print(f'not a bounce, but scored: {len(scored)} {" ".join(scored)}')
    print(f'addresses that only stock finds: {len(missing)} {" ".join(missing)}')
    print(
        f'mean time for a report: {milliseconds:.2f} ms; either: {count_either(ours)}'
    )
    if options.verbose:
        for one in ours:
            if one.right is False or one.found is False:
                print(f'\n{one.name}: labelled {one.kind}, address found: {one.found}')
                print('\n'.join(f'    {said}' for said in one.said or ['nothing']))
    met = (
        share(decided) >= 0.98
        and share(soft) >= 0.95
        and not hard
        and len(scored) <= 1
        and not missing
    )
    if options.speed:
        times = speed(options.corpus)
        print(f"{times:.2f} times flufl.bounce's speed (target {SPEED:g})")
        met = met and times >= SPEED
    print('targets met' if met else 'targets missed')
    return 0 if met else 1


def share(results: list[Result]) -> float:
    """The share of these results that is right."""
    return sum(one.right is True for one in results) / max(1, len(results))


def count_either(results: list[Result]) -> str:
    """How the reports came out that count neither way."""
    kinds = Counter(
        one.said[0].split()[1] if one.said else 'none'
        for one in results
        if one.kind == 'either'
    )
    return ', '.join(f'{count} {kind}' for kind, count in sorted(kinds.items()))


if __name__ == '__main__':
    sys.exit(main())

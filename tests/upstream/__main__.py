# SPDX-License-Identifier: GPL-3.0-or-later
"""`./run upstream [--quick] [SUITE...]`: the suites, without the plugin and with it.

Exit status: 0 where every difference is explained, else 1.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
import tomllib
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from tests.upstream import sources, suites
from tests.upstream.outcomes import Record, Run, complaints, read_table

HERE = Path(__file__).parent
DIFFERENCES = HERE / 'differences.toml'
RECORD = HERE / 'stock.toml'
"""How Mailman's own tests end without the plugin, for `--quick`."""


def main(arguments: list[str]) -> int:
    """Run them and print what is wrong."""
    options = _options(arguments)
    quick = options.quick
    names = options.suites or [
        name for name, suite in suites.SUITES.items() if not quick or suite.quick
    ]
    rows = read_table(tomllib.loads(DIFFERENCES.read_text('utf-8')))
    record = Record(**tomllib.loads(RECORD.read_text('utf-8')))
    with _folder(options.keep) as work:
        runs = _run_all(names, work, quick=quick)
    found = []
    for name in names:
        ours = runs[name, True]
        if quick:
            found += record.complaints_about_quick(ours)
            stock = record.stock(ours)
        else:
            stock = runs[name, False]
            if name == 'mailman':
                found += record.complaints_about_stock(stock)
        found += [
            f'{name}: {each}'
            for each in complaints(stock, ours, rows.get(name, []), partly=quick)
        ]
    print(*found, sep='\n')
    print(f'upstream: {len(found)} complaints about {", ".join(names)}')
    return 1 if found else 0


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog='./run upstream', description=__doc__)
    parser.add_argument(
        'suites', nargs='*', metavar='SUITE', help=', '.join(suites.SUITES)
    )
    parser.add_argument(
        '--quick',
        action='store_true',
        help="Mailman's own without those that take long, with the plugin alone, and "
        'compared with stock.toml',
    )
    parser.add_argument(
        '--keep', metavar='FOLDER', type=Path, help='where logs are to be kept'
    )
    options = parser.parse_args(arguments)
    if unknown := set(options.suites) - suites.SUITES.keys():
        parser.error(f'there is no suite {", ".join(sorted(unknown))}')
    return options


@contextmanager
def _folder(keep: Path | None) -> Iterator[Path]:
    if keep is not None:
        keep.mkdir(parents=True)
        yield keep.absolute()
        return
    with tempfile.TemporaryDirectory(prefix='qnet-upstream-') as folder:
        yield Path(folder)


def _run_all(
    names: list[str], work: Path, *, quick: bool
) -> dict[tuple[str, bool], Run]:
    """Each suite with the plugin and, but for `quick`, without it."""
    for name in names:
        sources.source(name)
    sources.packages()

    def run(which: tuple[str, bool]) -> Run:
        name, ours = which
        kind = 'with the plugin' if ours else 'stock'
        folder = work / f'{name}-{"ours" if ours else "stock"}'
        folder.mkdir()
        started = time.monotonic()
        found = suites.run(name, folder, ours=ours, quick=quick)
        took = round(time.monotonic() - started)
        counted = Counter(outcome for outcome, _ in found.values())
        ends = ', '.join(f'{count} {outcome}' for outcome, count in counted.items())
        print(f'{name}, {kind}: {len(found)} tests in {took} s: {ends}', flush=True)
        return found

    wanted = [(name, ours) for name in names for ours in (True, False)[: 2 - quick]]
    # Side by side only where their ports do not meet.
    with ThreadPoolExecutor(2 if suites.isolation() else 1) as pool:
        return dict(zip(wanted, pool.map(run, wanted), strict=True))


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))

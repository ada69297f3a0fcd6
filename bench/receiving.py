# SPDX-License-Identifier: GPL-3.0-or-later
"""Posts a minute from LMTP to the archive, and how that depends on the number of lists.

Usage: ``python -m bench.receiving [--lists N...] [--posts N] [--only ours|stock]``.

A running site with all its runners and HyperKitty, on SQLite, with N lists (default 10,
1000) of three members each, ours and a plain Mailman in turn.  The posts (4 KB) go to
20 of the lists over one LMTP connection.  Printed are posts a minute as LMTP takes
them, and as they are done: through the queues ``in`` and ``pipeline``, archived and
delivered.
"""

from __future__ import annotations

import argparse
import csv
import smtplib
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bench.page_times import forms
from bench.rows import Row
from qnet_mailman.demo.ports import HOST
from qnet_mailman.demo.site import Site

POSTER = 'pat@agency.example.gov'
USED = 20
"""Lists that are posted to."""
READERS = 2


def make_lists(site: Site, count: int) -> list[str]:
    """Make lists; those that are used have a poster and readers.

    :return: The posting addresses of those.
    """
    names = [f'page-{number}@{site.domain}' for number in range(count)]
    if site.stock:
        site.rest('POST', 'domains', {'mail_host': site.domain})
        with ThreadPoolExecutor(2) as pool:
            list(
                pool.map(
                    lambda name: site.rest(
                        'POST', 'lists', {'fqdn_listname': name}
                    ).raise_for_status(),
                    names,
                )
            )
    else:
        table = site.folder / 'lists.csv'
        rows = list(csv.DictReader(forms(count, POSTER).splitlines()))
        with table.open('w', newline='') as file:
            writer = csv.DictWriter(file, [*rows[0], 'administrators.1.may_post'])
            writer.writeheader()
            for row in rows:
                writer.writerow({**row, 'administrators.1.may_post': 'yes'})
        site.mailman('qnet', 'provision', str(table), check=True, timeout=3600)
    used = names[: min(USED, count)]
    for name in used:
        for email in (POSTER, *(f'reader{n}@example.net' for n in range(READERS))):
            site.rest(
                'POST',
                'members',
                {
                    'list_id': name.replace('@', '.'),
                    'subscriber': email,
                    'pre_verified': True,
                    'pre_confirmed': True,
                    'pre_approved': True,
                    'send_welcome_message': False,
                },
            ).raise_for_status()
    site.wait_idle(timeout=1800)
    return used


def post(site: Site, lists: list[str], count: int) -> tuple[float, float]:
    """Send posts, and wait until they are archived and delivered.

    :return: Seconds until LMTP had taken all, and until all was done.
    """
    body = 'A line of a message that many people read every day.\n' * 75
    before = len(site.messages())
    started = time.perf_counter()
    with smtplib.LMTP(HOST, site.lmtp_port) as lmtp:
        for number in range(count):
            to = lists[number % len(lists)]
            lmtp.sendmail(
                POSTER,
                [to],
                f'From: {POSTER}\nTo: {to}\nSubject: Post {number}\n'
                f'Message-ID: <{number}@example.gov>\n\n{body}'.replace(
                    '\n', '\r\n'
                ).encode(),
            )
    taken = time.perf_counter() - started
    site.wait_idle(timeout=3600)
    done = time.perf_counter() - started
    copies = len(site.messages()) - before
    assert copies >= count * (READERS if not site.stock else 1), copies
    for queue in ('shunt', 'bad'):
        assert not site.queued(queue)
    return taken, done


def rate(side: str, lists: int, posts: int) -> tuple[float, float]:
    """Posts a minute that LMTP takes, and that are archived and delivered."""
    with (
        tempfile.TemporaryDirectory() as folder,
        Site(Path(folder) / 'site', stock=side == 'stock') as site,
    ):
        taken, done = post(site, make_lists(site, lists), posts)
    return posts / taken * 60, posts / done * 60


def rows() -> Iterator[Row]:
    """Ours beside stock, through all queues and into HyperKitty."""
    ours, theirs = (rate(side, 10, 100)[1] for side in ('ours', 'stock'))
    work = 'posts archived and delivered, 10 lists, SQLite'
    yield Row(work, 'posts a minute', ours, theirs, 'stock', 0)


def main() -> int:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--lists', type=int, nargs='+', default=[10, 1000])
    parser.add_argument('--posts', type=int, default=200)
    parser.add_argument('--only', choices=('ours', 'stock'))
    options = parser.parse_args()
    for count in options.lists:
        for side in ('ours', 'stock'):
            if options.only not in (None, side):
                continue
            taken, done = rate(side, count, options.posts)
            print(
                f'{count:>6} lists  {side:<6} LMTP {taken:7.0f} a minute   '
                f'archived and delivered {done:6.0f} a minute',
                flush=True,
            )
    return 0


if __name__ == '__main__':
    sys.exit(main())

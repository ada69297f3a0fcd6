# SPDX-License-Identifier: GPL-3.0-or-later
"""An announcement of 60 KB of HTML: the CPU seconds of its rules and its masking.

Usage: ``python -m bench.masking``.

Text and HTML as a newsletter has them, with styles and links, from somebody whose posts
are masked: through ``in``, where the rules are, and ``pipeline``, where it is masked.
"""

from __future__ import annotations

from collections.abc import Iterator

from bench import short, sides
from bench.rows import Row

POSTS = 10
BOUND = 0.5
SENTENCE = 'Facilities submit their data by the end of the quarter'
STYLE = 'font-family:Arial,sans-serif;font-size:14px;color:#1b1b1b;line-height:1.5'


def announcement(number: int) -> bytes:
    """Text of 8 KB, and HTML of 52 KB."""
    text = ''.join(f'{SENTENCE}, see step {each}.\n' for each in range(120))
    html = ''.join(
        f'<tr><td style="{STYLE}">{SENTENCE}, '
        f'<a href="https://www.example.gov/news/{number}/{each}?from=mail">see step '
        f'{each}</a>.&nbsp;</td></tr>\n'
        for each in range(220)
    )
    parts = (
        f'Content-Type: text/plain; charset=utf-8\n\n{text}',
        'Content-Type: text/html; charset=utf-8\n\n'
        f'<html><head><title>News</title></head><body><table>{html}</table></body></html>\n',
    )
    content = 'Content-Type: multipart/alternative; boundary="b"\n\n--b\n'
    content += '\n--b\n'.join(parts) + '\n--b--\n'
    return (short.head(number) + content).encode()


def post(list_id: str, times: int) -> dict[str, float]:
    """Announcements, one after another, through all queues: a `sides.Work`."""
    found = short.through(list_id, times, announcement)
    return {**found, 'both': found['in'] + found['pipeline']}


def rows() -> Iterator[Row]:
    """What rules and masking take, beside the build before and stock without them."""
    for database, (before, ours, stock) in sides.compared('masking.post', POSTS):
        for stage in ('both', 'in', 'pipeline'):
            work = f'rules and masking of 60 KB of HTML, {database}, {stage}'
            bound = BOUND if stage == 'both' else 0
            yield Row(work, 'CPU s', ours[stage], before[stage], sides.BEFORE, bound)
        yield Row(work, 'CPU s', ours[stage], stock[stage], 'stock', 0)


if __name__ == '__main__':
    sides.show(rows())

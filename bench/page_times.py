# SPDX-License-Identifier: GPL-3.0-or-later
"""Page times of Postorius with our gate, against stock Postorius on the same core.

Usage: ``python -m bench.page_times [--lists N] [--rounds N]``.

One core with N lists (default 500) that one person administers; two web servers beside
it, ours and stock's, each with one process.  The person is signed in at both: at ours
through an OpenID provider, at stock's with a password.  Each page is asked for in turn
at one and the other; the medians are compared.  Core's own work is the same for both.
Memory caches are warm; ours asks core for the person's rights once a minute, as always.

Exit status: 0; 1 if a page takes more than 10 % longer than stock's.
"""

from __future__ import annotations

import argparse
import csv
import io
import re
import statistics
import sys
import tempfile
import time
from pathlib import Path

import requests

from qnet_mailman.demo import story
from qnet_mailman.demo.narrator import Narrator
from qnet_mailman.demo.ports import HOST, Reservation
from qnet_mailman.demo.processes import Child, wait_until
from qnet_mailman.demo.roles import Visitor
from qnet_mailman.demo.site import Site

ROOT = Path(__file__).resolve().parents[1]
LIMIT = 1.10
PASSWORD = 'a password of the bench'
MEMBERS = 1000
"""Members of the one list whose pages are looked at."""

PREPARE = f"""
import sys, django
django.setup()
from django.core.management import call_command
call_command('migrate', interactive=False, verbosity=0)
call_command('createcachetable', verbosity=0)
call_command('collectstatic', interactive=False, verbosity=0)
from allauth.account.models import EmailAddress
from django.contrib.auth import get_user_model
user = get_user_model().objects.create_user('pat', sys.argv[1], {PASSWORD!r})
EmailAddress.objects.create(user=user, email=sys.argv[1], verified=True, primary=True)
"""


def forms(count: int, administrator: str) -> str:
    """A CSV file with a list request in each row."""
    fixed = {
        'form': 'list-request',
        'requester.name': 'Pat Example',
        'requester.email': administrator,
        'list.description': 'News.',
        'list.type': 'notification',
        'list.visibility': 'public',
        'administrators.1.name': 'Pat Example',
        'administrators.1.email': administrator,
        'administrators.1.harp_id': 'pexample',
        'attestations.no_sensitive_information': 'yes',
        'attestations.security_policies': 'yes',
    }
    file = io.StringIO()
    rows = csv.writer(file)
    rows.writerow([*fixed, 'ticket', 'list.name', 'list.display_name'])
    for number in range(count):
        rows.writerow(
            [*fixed.values(), f'R{number}', f'page-{number}', f'Page {number}']
        )
    return file.getvalue()


def start_stock(site: Site, port: int, email: str) -> Child:
    """Start a stock web side beside ours, with an account."""
    folder = site.folder / 'stock'
    folder.mkdir()
    site_file = folder / 'settings_local.py'
    ours = (site.etc / 'settings_local.py').read_text('utf-8')
    site_file.write_text(
        f'{ours}\nWEB_URL = "http://{HOST}:{port}"\nVAR_DIR = {str(folder)!r}\n',
        'utf-8',
    )
    environment = {
        'QNET_WEB_SETTINGS': str(site_file),
        'DJANGO_SETTINGS_MODULE': 'bench.stock_web',
        'PYTHONPATH': str(ROOT),
    }
    site_file.chmod(0o600)
    prepare, web = (
        Child(
            'stock',
            [sys.executable, *arguments],
            log=folder / 'log',
            env={**site.environment(), **environment},
            cwd=folder,
        )
        for arguments in (
            ('-c', PREPARE, email),
            (
                *('-m', 'gunicorn', 'django.core.wsgi:get_wsgi_application()'),
                *('--bind', f'{HOST}:{port}', '--worker-class', 'gthread'),
                *('--threads', '8', '--timeout', '120', '--no-control-socket'),
            ),
        )
    )
    prepare.start()
    prepare.wait(120)
    prepare.stop()
    web.start()
    return web


def signed_in(base: str) -> requests.Session:
    """The stock account's browser."""
    session = requests.Session()
    session.trust_env = False
    url = f'{base}/accounts/login/'
    page = session.get(url, timeout=60).text
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
    assert token is not None
    answer = session.post(
        url,
        data={'login': 'pat', 'password': PASSWORD, 'csrfmiddlewaretoken': token[1]},
        headers={'Referer': url},
        timeout=60,
    )
    assert answer.ok and 'logout' in answer.text, answer.text
    return session


def seconds(session: requests.Session, url: str) -> float:
    """How long a page takes."""
    started = time.perf_counter()
    answer = session.get(url, timeout=120)
    assert answer.status_code == 200, (url, answer.status_code)
    return time.perf_counter() - started


def main() -> int:
    """Measure, and print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--lists', type=int, default=500)
    parser.add_argument('--rounds', type=int, default=25)
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        Site(Path(folder) / 'site', provider=True) as site,
    ):
        account = site.accounts.administrator
        table = site.folder / 'lists.csv'
        table.write_text(forms(options.lists, account.email), 'utf-8')
        started = time.perf_counter()
        site.mailman('qnet', 'provision', str(table), check=True, timeout=3600)
        print(f'{options.lists} lists in {time.perf_counter() - started:.0f} s')
        people = site.folder / 'people.csv'
        people.write_text(
            'email\n' + ''.join(f'u{n}@example.net\n' for n in range(MEMBERS)), 'utf-8'
        )
        looked_at = f'page-7@{site.domain}'
        site.mailman('qnet', 'import-members', looked_at, str(people), check=True)
        site.wait_idle(timeout=600)
        ports = Reservation()
        port = ports.take()
        ports.release(port)
        stock = start_stock(site, port, account.email)
        try:
            base = f'http://{HOST}:{port}'
            wait_until(lambda: _answers(base), 60, 'stock to answer', stock)
            tale = story.from_form(site, Narrator(io.StringIO()))
            sides = (
                (Visitor(tale, account).web, site.web_url),
                (signed_in(base), base),
            )
            return compare(sides, looked_at.replace('@', '.'), options.rounds)
        finally:
            stock.stop()


def compare(
    sides: tuple[tuple[requests.Session, str], ...], list_id: str, rounds: int
) -> int:
    """Ask both for every page; 1 if ours is too slow."""
    of_list = f'/mailman3/lists/{list_id}'
    missed = 0
    for path in (
        '/mailman3/lists/',
        '/mailman3/lists/?role=owner',
        f'{of_list}/',
        f'{of_list}/settings/digest',
        f'{of_list}/members/member/',
        f'{of_list}/held_messages',
        '/archives/',
    ):
        taken: tuple[list[float], list[float]] = ([], [])
        for number in range(rounds + 2):
            for times, (session, base) in zip(taken, sides, strict=True):
                spent = seconds(session, base + path)
                if number >= 2:
                    times.append(spent)
        ours, stock = map(statistics.median, taken)
        ratio = ours / stock
        missed |= ratio > LIMIT
        print(
            f'{path:<52} ours {ours * 1000:6.0f} ms   stock {stock * 1000:6.0f} ms   '
            f'{ratio - 1:+6.1%}',
            flush=True,
        )
    return missed


def _answers(base: str) -> bool:
    try:
        return requests.get(base, timeout=60).ok
    except requests.ConnectionError:
        return False


if __name__ == '__main__':
    sys.exit(main())

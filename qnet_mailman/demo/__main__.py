# SPDX-License-Identifier: GPL-3.0-or-later
"""``./run demo``: starts the whole service on this machine and shows it working.

Exit status: 0 where all went well (also after Ctrl-C, once everything was
shown), 1 where something went wrong, 130 where it was interrupted before.
"""

from __future__ import annotations

import argparse
import shutil
import signal
import sys
import tempfile
import threading
import traceback
from pathlib import Path
from types import FrameType

from qnet_mailman.demo import membership, roles, story
from qnet_mailman.demo.narrator import Narrator
from qnet_mailman.demo.processes import DemoError
from qnet_mailman.demo.site import Site

INTRODUCTION = (
    'This starts the mailing-list service on this machine: Mailman core, its web '
    'side, {more}and a mail server that shows what is delivered. Then {then}. All of '
    'it listens on 127.0.0.1 only, and no mail leaves this machine.'
)
THEN = (
    'a request form becomes a list, an administrator, a subscriber and a stranger '
    'write to it, messages that come back are scored, somebody joins and leaves, and '
    'people sign in to look after the list, until one of them loses the role'
)
MORE = 'an OpenID provider in the place of HARP, '
STOCK_THEN = 'people write to a list of plain Mailman, without this package'


class Interrupted(BaseException):
    """Somebody wants us to stop."""


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise Interrupted


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """Read the command line.

    :param arguments: The arguments; by default those of the process.
    """
    parser = argparse.ArgumentParser(
        prog='./run demo', description='Start the whole service on this machine.'
    )
    parser.add_argument(
        '--once', action='store_true', help='show everything, then stop'
    )
    parser.add_argument(
        '--dir',
        type=Path,
        help='keep everything in this folder (default: a new one that is removed)',
    )
    parser.add_argument(
        '--stock',
        action='store_true',
        help='plain Mailman without this package, to compare with',
    )
    return parser.parse_args(arguments)


def choose_folder(wanted: Path | None) -> Path:
    """Find a folder to work in.

    :param wanted: What the person asked for.
    :return: A folder that is empty or an earlier demo's.
    :raises DemoError: where it is somebody else's.
    """
    if wanted is None:
        return Path(tempfile.mkdtemp(prefix='qnet-demo-'))
    folder = wanted.resolve()
    if folder.exists():
        if not folder.is_dir():
            raise DemoError(f'--dir: {folder} is not a folder')
        if any(folder.iterdir()) and not (folder / 'etc/mailman.cfg').exists():
            raise DemoError(
                f'--dir: {folder} holds something else; name an empty or new folder'
            )
    return folder


def where_to_look(site: Site) -> str:
    """What to open while the demo runs.

    :param site: The running site.
    """
    people = ''.join(
        f'  {account.role or "without a role":<20}{account.user_id} '
        f'{account.password}\n'
        for account in site.accounts.all()
        if site.provider
    )
    if people:
        people = '"Sign in with HARP (demo)" there, user ID and password:\n' + people
    return f"""\
Sign-up page          {site.web_url}/signup/
Lists (Postorius)     {site.postorius_url}
{people}The operator's account there, without HARP:
  sign in as          {site.web_user}
  with the password   {site.web_password}
Archives (HyperKitty) {site.archive_url}
Delivered mail        {site.sink_url}
  as files in         {site.delivered_folder}
Logs                  {site.logs}
                      {site.var / 'logs'}
"""


def tell(site: Site, narrator: Narrator) -> None:
    """Tell the story.

    :param site: The running site.
    :param narrator: Who tells it.
    """
    if site.stock:
        tale, steps = story.stock(site, narrator), [*story.STOCK_STEPS]
    else:
        tale = story.from_form(site, narrator)
        steps = [*story.STEPS, *membership.STEPS, *roles.STEPS]
    for number, step in enumerate(steps, 1):
        title = (step.__doc__ or step.__name__).splitlines()[0].rstrip('.')
        narrator.heading(f'{number}. {title}')
        step(tale)


def main(arguments: list[str] | None = None) -> int:
    """Run the demo.

    :param arguments: The arguments; by default those of the process.
    :return: The exit status.
    """
    options = parse(arguments)
    narrator = Narrator()
    narrator.say(
        INTRODUCTION.format(more='', then=STOCK_THEN)
        if options.stock
        else INTRODUCTION.format(more=MORE, then=THEN)
    )
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    site: Site | None = None
    folder: Path | None = None
    shown = failed = False
    try:
        folder = choose_folder(options.dir)
        site = Site(
            folder,
            stock=options.stock,
            provider=not options.stock,
            # Administrators are told of bounces while somebody watches.
            qnet_cfg_overrides={'bounce_cycle': '2s'},
            progress=lambda what: narrator.say(f'Starting {what}'),
        )
        narrator.heading('Starting')
        narrator.say(f'The folder is {site.folder}')
        with narrator.step('Starting everything'):
            site.start()
        tell(site, narrator)
        shown = True
        if not options.once:
            narrator.heading('It keeps running. Where to look:')
            narrator.say(where_to_look(site))
            narrator.say('Press Ctrl-C to stop.')
            threading.Event().wait()
    except Interrupted:
        narrator.say()
    except Exception as error:
        failed = True
        if not isinstance(error, (DemoError, ValueError)):
            traceback.print_exc()
        _flush_and_say(f'\nThis went wrong: {error}')
        if site is not None:
            _flush_and_say(site.log_tails())
    finally:
        # Nothing may keep the processes from being stopped.
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        if site is not None:
            try:
                with narrator.step('Stopping everything'):
                    site.stop()
            finally:
                # Again, in case nobody reads any more what we print.
                site.stop()
        if folder is not None and options.dir is None:
            if failed:
                _flush_and_say(f'Everything is still in {folder}')
            else:
                shutil.rmtree(folder, ignore_errors=True)
    if failed:
        return 1
    if not shown:
        return 130
    if options.once:
        narrator.say('All went as it should.')
    return 0


def _flush_and_say(text: str) -> None:
    """Print to standard error, after what went to standard output.

    :param text: What to print.
    """
    sys.stdout.flush()
    print(text, file=sys.stderr, flush=True)


if __name__ == '__main__':
    sys.exit(main())

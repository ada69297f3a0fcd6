#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Request forms into lists, from another host: `mailman qnet provision` over REST.

    provision.py --url https://lists.example.gov/mailman --user NAME FORM...

One file, which runs wherever Python 3.11 and the packages of `requirements.txt` are.
It prints what the command prints, and ends with the same exit status.  The password is
read from a file that only its owner can read, or from the environment; it is never
printed.

A request whose answer is lost is sent again with the same key, by which the server
knows it: nothing is applied twice, and the answer is that of the first.
"""

from __future__ import annotations

import argparse
import base64
import errno
import getpass
import ipaddress
import json
import os
import socket
import ssl
import stat
import sys
import time
import unicodedata
import uuid
from collections import Counter
from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.auth import HTTPBasicAuth

# What follows is the same in qnet_mailman/forms/batch.py and in
# provisioning/provision.py; a test compares the two.

INVALID = 1
"""Exit status: what was asked for is wrong, and nothing was changed."""
COULD_NOT_RUN = 2
"""Exit status: the settings are broken, or the database is away."""
INTERRUPTED = 130
"""Exit status: Ctrl-C, as shells count it."""

SUFFIXES = ('.yaml', '.yml', '.json', '.xlsx', '.pdf', '.csv', '.eml')
"""What the names of files with forms end in."""
HEADINGS = ('requester.email', 'ticket')
"""Columns by one of which a CSV file of forms is known."""
NOT_TRIED = 'not tried'
OUTCOMES = (
    'created',
    'changed',
    'unchanged',
    'planned',
    'invalid',
    'failed',
    NOT_TRIED,
)
"""What becomes of a form, in the order of the summary."""
NAMED = ('invalid', 'failed')
"""Outcomes whose forms the summary names."""


def is_table(content: bytes) -> bool:
    """Whether a CSV file has forms in it, and not subscribers."""
    # Excel writes UTF-16, too, and "sep=;" before the heading.
    text = content[:100_000].replace(b'\0', b'').lower()
    head = [line for line in text.splitlines() if not line.startswith(b'sep=')][:1]
    return any(each.encode() in line for line in head for each in HEADINGS)


def find_forms(names: Iterable[Path]) -> tuple[list[Path], list[str]]:
    """The files that are meant by names of files and folders.

    :param names: A folder stands for the forms in it, by name; not for those in
        folders below it.
    :return: The files, and why others in the folders are left out.
    :raises OSError: if a folder cannot be read.
    """
    files: list[Path] = []
    skipped: list[str] = []
    for name in names:
        if not is_folder(name):
            files.append(name)
            continue
        for path in sorted(name.iterdir()):
            why = _why_not(path)
            if why:
                skipped.append(f'{path}: skipped, {why}')
            else:
                files.append(path)
    return files, skipped


def is_folder(path: Path) -> bool:
    """Whether a name stands for the forms in a folder."""
    try:
        return path.is_dir()
    except OSError:
        # Nobody may look at it, or its name is too long: as for any other file,
        # whoever reads it as a form says what is wrong.
        return False


def _why_not(path: Path) -> str:
    if is_folder(path):
        return 'a folder in a folder'
    if path.name.startswith('.') or path.suffix.lower() not in SUFFIXES:
        return 'not a form'
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            # Reading it could take for ever.
            return 'not a file'
        if path.suffix.lower() == '.csv':
            with path.open('rb') as file:
                return '' if is_table(file.read(100_000)) else 'people, not forms'
    except OSError:
        # Whoever reads it as a form says what is wrong.
        return ''
    return ''


def printable(text: str) -> str:
    """Text without what could command a terminal, or what it cannot show."""
    clean = ''.join(
        char if char.isprintable() or char == '\n' else '\N{REPLACEMENT CHARACTER}'
        for char in text
    )
    encoding = getattr(sys.stdout, 'encoding', None) or 'utf-8'
    return clean.encode(encoding, 'replace').decode(encoding)


def not_tried() -> dict[str, Any]:
    """The result of a form whose turn did not come."""
    return {
        'ticket': '',
        'list': '',
        'lists': [],
        'result': NOT_TRIED,
        'changes': [],
        'notes': [],
        'errors': [],
    }


def result_lines(name: str, result: dict[str, Any]) -> list[str]:
    """What is printed about a form.

    :param name: Where it is.
    :param result: What became of it.
    """
    about = ', '.join(filter(None, (result['list'], result['ticket'])))
    lines = [f'{name}: {result["result"]}' + (f' ({about})' if about else '')]
    lines += [f'  {change["text"]}' for change in result['changes']]
    for error in result['errors']:
        where = error['place'] if error['line'] is None else f'line {error["line"]}'
        words = filter(None, (where, error.get('words', error['message'])))
        lines.append(f'  {": ".join(words)}')
    lines += [f'  note: {note}' for note in result['notes']]
    if result['result'] == 'invalid':
        count = len(result['errors'])
        noun = 'mistake' if count == 1 else 'mistakes'
        lines.append(f'  {count} {noun}; nothing was changed')
    return lines


class Report:
    """Tells what becomes of forms, while that happens and at the end.

    :ivar total: How many forms there are, as far as is known.
    """

    def __init__(self, total: int, *, as_json: bool) -> None:
        self.total = total
        self._as_json = as_json
        self._names: dict[str, list[str]] = {outcome: [] for outcome in OUTCOMES}
        self._bar = None if as_json or not sys.stderr.isatty() else _bar()
        self._task = self._bar.add_task('forms', total=total) if self._bar else None

    def showing(self) -> AbstractContextManager[Any]:
        """While this lasts, a terminal has a bar."""
        return nullcontext() if self._bar is None else self._bar

    def more(self, count: int) -> None:
        """A file has more forms than the one that was counted for it."""
        self.total += count

    def add(self, name: str, result: dict[str, Any]) -> None:
        """Tell what became of a form, at once."""
        self._names[result['result']].append(name)
        if self._as_json:
            print(json.dumps({'file': name, **result}), flush=True)
        else:
            for line in result_lines(name, result):
                print(printable(line))
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, completed=self._done, total=self.total)

    @property
    def _done(self) -> int:
        return sum(map(len, self._names.values()))

    def interrupted(self) -> int:
        """Tell how far it got.

        :return: The exit status.
        """
        self._say(
            f'interrupted: {self._done} of {self.total} forms are done; run the same '
            'command again for the rest'
        )
        return INTERRUPTED

    def stopped(self, why: str) -> None:
        """Tell why the forms that are left are not tried."""
        self._say(f'{why}; run the same command again for the forms that were not done')

    def _say(self, text: str) -> None:
        sys.stdout.flush()
        print(printable(text), file=sys.stderr)

    def finish(self) -> int:
        """Tell the sum, where there was more than one form.

        :return: The exit status (R30).
        """
        counts = Counter({each: len(names) for each, names in self._names.items()})
        if self._done > 1 and not self._as_json:
            print(f'{self._done} forms')
            for outcome in OUTCOMES:
                if counts[outcome]:
                    print(f'{counts[outcome]:>8}  {outcome}')
                for name in self._names[outcome] if outcome in NAMED else ():
                    print(printable(f'{"":>10}{name}'))
        if counts['failed'] or counts[NOT_TRIED]:
            return COULD_NOT_RUN
        return INVALID if counts['invalid'] else 0


def _bar() -> Any:
    # Only where somebody looks: every process of Mailman's reads this module.
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    return Progress(
        TextColumn('{task.description}'),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        # What is piped elsewhere goes there, and not to the terminal of the bar.
        redirect_stdout=sys.stdout.isatty(),
        redirect_stderr=True,
    )


# What follows is of this script alone.

PATH = '/3.1/plugins/qnet/forms/apply'
TIMEOUT = (10, 300)
"""Seconds to connect, and to wait for an answer: a form may have many subscribers."""
TEMPORARY = (502, 503, 504)
"""Statuses after which the same request may be answered."""
UNKNOWN = 'not known whether it was applied: '
MAX_WAIT = 30.0
"""Seconds between two tries."""
MAX_SIZE = 256 * 1024 * 1024
"""Bytes of a file that is sent; no server takes as much."""


class Unusable(Exception):
    """The script cannot run as it was called."""


class Gone(Exception):
    """The server does not answer, or not as it should."""


class Barred(Gone):
    """The server was not asked, or does not let us in."""


class Again(Exception):
    """It did not work, and may the next time."""


class Refused(Exception):
    """The server does not take this request."""


class Server:
    """The REST server of Mailman core."""

    def __init__(
        self, url: str, user: str, password: str, ca_file: str | None, tries: int
    ) -> None:
        self._url = checked_url(url) + PATH
        self._tries = tries
        self._session = requests.Session()
        self._session.auth = HTTPBasicAuth(user.encode(), password.encode())
        self._verify = True if ca_file is None else readable(ca_file)

    def apply(self, path: Path, **how: Any) -> list[dict[str, Any]]:
        """Have the forms in a file applied.

        :param how: `dry_run`, `approved`, `actor`, `ticket`, and `more` if other files
            follow.
        :return: What became of each.
        :raises Gone: if that is not known.
        :raises Refused: if the server does not take the file.
        :raises OSError: if the file cannot be read.
        """
        name = name_to_send(path)
        asked = {'name': name, 'content': encoded(path), **how}
        answer = self._ask({**asked, 'request': uuid.uuid4().hex})
        if answer.get('missing'):
            beside = dict(files_beside(path, answer['missing']))
            asked['beside'] = beside
            answer = self._ask({**asked, 'request': uuid.uuid4().hex})
        try:
            return [
                {**result, 'file': str(path) + result['file'].removeprefix(name)}
                for result in answer['results']
            ]
        except (KeyError, TypeError, AttributeError):
            raise Gone('the server answers something else; is --url right?') from None

    def _ask(self, asked: dict[str, Any]) -> dict[str, Any]:
        wait = 1.0
        for left in reversed(range(self._tries)):
            try:
                return self._ask_once(asked)
            except Again as why:
                if not left:
                    raise Gone(str(why)) from None
            except Barred as why:
                # Perhaps only the answer of the try before was lost.
                raise why if left == self._tries - 1 else Gone(str(why)) from None
            time.sleep(wait)
            wait = min(2 * wait, MAX_WAIT)
        raise AssertionError

    def _ask_once(self, asked: dict[str, Any]) -> dict[str, Any]:
        try:
            # A redirection could lead the password astray.
            response = self._session.post(
                self._url,
                json=asked,
                timeout=TIMEOUT,
                allow_redirects=False,
                # Not the session's: REQUESTS_CA_BUNDLE would come before that.
                verify=self._verify,
            )
            if response.status_code == 200:
                return dict(response.json())
        except requests.exceptions.SSLError as error:
            raise Barred(f'no secure connection: {in_short(error)}') from None
        except (requests.ConnectionError, requests.Timeout) as error:
            raise Again(f'the server does not answer: {in_short(error)}') from None
        except (requests.RequestException, OSError, ValueError) as error:
            raise Gone(f'the server cannot be asked: {error}') from None
        why = f'the server answers {response.status_code} {said(response)}'.rstrip()
        if response.status_code in (400, 413):
            raise Refused(why)
        if response.status_code in (401, 403):
            raise Barred(why)
        raise Again(why) if response.status_code in TEMPORARY else Gone(why)


def said(response: requests.Response) -> str:
    """What a server says about a request that it did not do, in a line."""
    if response.status_code == 401:
        return '(user name or password is wrong)'
    try:
        about = response.json()
        words = [str(about[key]) for key in ('title', 'description') if about.get(key)]
    except (ValueError, AttributeError):
        words = [response.reason]
    return ' '.join(': '.join(words).split())[:500]


def in_short(error: Exception) -> str:
    """The innermost reason of what failed, in a line."""
    while True:
        within = getattr(error, 'reason', None) or (error.args or ('',))[-1]
        if not isinstance(within, Exception):
            return str(getattr(error, 'verify_message', None) or error)
        error = within


def checked_url(url: str) -> str:
    """The address of the server, without a final slash.

    :raises Unusable: if it would show the password to others.
    """
    parts = urlsplit(url)
    if parts.scheme not in ('https', 'http') or not parts.hostname:
        raise Unusable(f'--url: found {url}; expected https://HOST[:PORT][/PATH]')
    if parts.username is not None or parts.query or parts.fragment:
        raise Unusable('--url: expected nothing but https://HOST[:PORT][/PATH]')
    if parts.scheme == 'http' and not is_loopback(parts.hostname):
        raise Unusable(
            f'--url: found {url}; expected https://, as http:// would show the '
            'password to everybody on the way'
        )
    return url.rstrip('/')


def is_loopback(host: str) -> bool:
    """Whether a host is this one."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == 'localhost'


def readable(ca_file: str) -> str:
    """The name of a file with certificates.

    :raises Unusable: if it cannot be used.
    """
    try:
        ssl.create_default_context(cafile=ca_file)
    except ssl.SSLError:
        raise Unusable(f'--ca-file {ca_file}: has no certificates (PEM)') from None
    except OSError as error:
        raise Unusable(
            f'--ca-file {ca_file}: cannot be read: {error.strerror}'
        ) from None
    return ca_file


def password_from(file: Path | None) -> str:
    """The password, from a file or from the environment.

    :raises Unusable: if there is none, or others can read it.
    """
    if file is None:
        if 'QNET_REST_PASSWORD' not in os.environ:
            raise Unusable(
                'there is no password; give --password-file FILE or set '
                'QNET_REST_PASSWORD'
            )
        return os.environ['QNET_REST_PASSWORD']
    try:
        with file.open(encoding='utf-8') as opened:
            if os.fstat(opened.fileno()).st_mode & (stat.S_IRWXG | stat.S_IRWXO):
                raise Unusable(
                    f'{file}: others can read it; make it yours alone: chmod 600 {file}'
                )
            return opened.read().rstrip('\r\n')
    except OSError as error:
        raise Unusable(f'{file}: cannot be read: {error.strerror}') from None
    except UnicodeDecodeError:
        raise Unusable(f'{file}: is not text in UTF-8') from None


def name_to_send(path: Path) -> str:
    """The name of a file, or one that a server takes and that ends as it does."""
    name = path.name
    return name if name.isprintable() and len(name) < 256 else f'form{path.suffix}'


def encoded(path: Path) -> str:
    """What is in a file, in Base64.

    :raises OSError: if it cannot be read, or is none to read to its end.
    """
    # Opening a pipe that nobody writes to would not end.
    with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK), 'rb') as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError(errno.EINVAL, 'Not a file')
        content = file.read(MAX_SIZE + 1)
    if len(content) > MAX_SIZE:
        raise OSError(errno.EFBIG, os.strerror(errno.EFBIG))
    return base64.b64encode(content).decode('ascii')


def files_beside(form: Path, names: list[str]) -> Iterable[tuple[str, str]]:
    """Of the files that a server asks for, those that a form may name.

    Only CSV files in the form's folder, or below it: what is elsewhere is nobody's
    business.  The server says what is wrong with the names of others.
    """
    base = form.parent.resolve()
    for name in names:
        try:
            path = as_it_is_there(Path(base, name))
            if path.suffix.lower() == '.csv' and path.resolve().is_relative_to(base):
                yield name, encoded(path)
        except (OSError, ValueError):
            continue


def as_it_is_there(path: Path) -> Path:
    """A file, or the one whose name differs in capitals or in how accents are kept."""

    def key(name: str) -> str:
        folded = unicodedata.normalize('NFC', name).casefold()
        return unicodedata.normalize('NFC', folded)

    if path.exists() or not path.parent.is_dir():
        return path
    wanted = key(path.name)
    there = sorted(path.parent.iterdir())
    return next((each for each in there if key(each.name) == wanted), path)


def unreadable(error: OSError) -> dict[str, Any]:
    """The result of a file that cannot be read."""
    message = f'cannot be read: {error.strerror}'
    mistake = {'field': '', 'line': None, 'message': message, 'place': ''}
    return {**not_tried(), 'result': 'invalid', 'errors': [mistake]}


def failed(why: str) -> dict[str, Any]:
    """The result of a form of which nobody knows what became."""
    mistake = {'field': '', 'line': None, 'message': why, 'place': ''}
    return {**not_tried(), 'result': 'failed', 'errors': [mistake]}


def provision_all(
    server: Server, files: list[Path], report: Report, **how: Any
) -> None:
    """Have all files applied; after one for which the server is gone, none."""
    for number, path in enumerate(files, start=1):
        try:
            results = server.apply(path, more=number < len(files), **how)
        except Gone as why:
            unknown = '' if isinstance(why, Barred) else UNKNOWN
            report.add(str(path), failed(f'{unknown}{why}'))
            report.stopped(str(why))
            for left in files[number:]:
                report.add(str(left), not_tried())
            return
        except Refused as why:
            report.add(str(path), failed(str(why)))
            continue
        except OSError as error:
            report.add(str(path), unreadable(error))
            continue
        report.more(len(results) - 1)
        for result in results:
            report.add(result.pop('file'), result)


def arguments() -> argparse.Namespace:
    """What the script was called with."""
    parser = argparse.ArgumentParser(
        description='Make lists, or change them, as request forms say, on a mailing '
        'list server elsewhere. A folder stands for the forms in it.',
        epilog='Exit status: 0 every form is applied or was before, 1 some form is '
        'invalid (it changed nothing; the others are applied), 2 could not run, 130 '
        'interrupted. Whatever was interrupted is completed by running the same again.',
    )
    parser.add_argument('--url', required=True, help='the REST server: https://...')
    parser.add_argument(
        '--user',
        default=os.environ.get('QNET_REST_USER'),
        help='its user name (or QNET_REST_USER in the environment)',
    )
    parser.add_argument(
        '--password-file',
        type=Path,
        help='a file with its password (or QNET_REST_PASSWORD in the environment)',
    )
    parser.add_argument(
        '--ca-file', help='certificates of the authorities to trust instead of all'
    )
    parser.add_argument(
        '--tries', type=int, default=6, help='how often one form is sent at most (6)'
    )
    parser.add_argument(
        '--dry-run', action='store_true', help='say what would be done; change nothing'
    )
    parser.add_argument(
        '--approve',
        action='store_true',
        help='answer for what the requester may not ask for alone',
    )
    parser.add_argument(
        '--json', action='store_true', help='print a line of JSON a form'
    )
    parser.add_argument(
        '--ticket', help="the service desk's number, for forms that have none"
    )
    parser.add_argument('form', nargs='+', type=Path, help='a file or folder')
    return parser.parse_args()


def main() -> int:
    """Run.

    :return: The exit status.
    """
    asked = arguments()
    try:
        if not asked.user:
            raise Unusable('there is no user name; give --user or set QNET_REST_USER')
        password = password_from(asked.password_file)
        server = Server(
            asked.url, asked.user, password, asked.ca_file, max(1, asked.tries)
        )
    except Unusable as error:
        print(printable(str(error)), file=sys.stderr)
        return COULD_NOT_RUN
    try:
        files, skipped = find_forms(asked.form)
    except OSError as error:
        why = f'{error.filename}: cannot be read: {error.strerror}'
        print(printable(why), file=sys.stderr)
        return COULD_NOT_RUN
    for line in skipped:
        print(printable(line), file=sys.stderr)
    if not files:
        print('there are no forms', file=sys.stderr)
        return INVALID
    report = Report(len(files), as_json=asked.json)
    how = {'dry_run': asked.dry_run, 'approved': asked.approve, 'actor': caller()}
    if asked.ticket:
        how['ticket'] = asked.ticket
    try:
        with report.showing():
            provision_all(server, files, report, **how)
    except KeyboardInterrupt:
        return report.interrupted()
    return report.finish()


def caller() -> str:
    """Who runs this, and where: for the audit log."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = 'somebody'
    return f'{user}@{socket.gethostname()}'


if __name__ == '__main__':
    sys.exit(main())

# SPDX-License-Identifier: GPL-3.0-or-later
"""The mark of a site that was restored, and that sends nothing before it is told to.

What a backup has in its queues is old, and most of it was sent by the site from which
it was made; so are its warnings and reminders.  The mark is a file beside Mailman's
data: it is there before anything is restored, and is removed by `mailman qnet resume`.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from mailman.config import config

NAME = 'qnet-restored.json'


@dataclass(frozen=True)
class Mark:
    """What was restored.

    :ivar file: The backup's name.
    :ivar made_at: When it was made: in UTC, without a time zone.
    :ivar is_whole: False while it is being restored.
    :ivar entries: The entries that came with it: ``out/NAME`` for each.
    """

    file: str
    made_at: datetime
    is_whole: bool = False
    entries: tuple[str, ...] = ()

    @property
    def reason(self) -> str:
        """Why nothing may be processed yet."""
        if not self.is_whole:
            return f'restoring {self.file} was not finished'
        return (
            f'this site was restored from {self.file}, of '
            f'{self.made_at:%Y-%m-%d %H:%M} UTC, and nobody has told it to go on'
        )


def path() -> Path:
    """Where the mark is, or would be."""
    return Path(config.DATA_DIR, NAME)


def read() -> Mark | None:
    """The mark; None where there is none."""
    try:
        found = json.loads(path().read_text('utf-8'))
    except FileNotFoundError:
        return None
    return Mark(
        found['file'],
        datetime.fromisoformat(found['made_at']),
        found['is_whole'],
        tuple(found['entries']),
    )


def write(mark: Mark) -> None:
    """Set the mark, and return when it is on the disk."""
    new = path().with_suffix('.new')
    values = asdict(mark) | {'made_at': mark.made_at.isoformat()}
    with new.open('w', encoding='utf-8') as file:
        json.dump(values, file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(new, path())


def remove() -> None:
    """Take the mark away."""
    path().unlink()


def reason_to_wait() -> str | None:
    """Why nothing may be processed yet; None where it may."""
    mark = read()
    return None if mark is None else mark.reason

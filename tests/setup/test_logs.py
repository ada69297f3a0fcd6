# SPDX-License-Identifier: GPL-3.0-or-later
"""Mailman's logs follow their file's name, and may be JSON."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from mailman.core import logging as mailman_logging

from qnet_mailman.setup import logs


@pytest.fixture
def log(tmp_path: Path) -> Iterator[logging.Logger]:
    """A logger with a file, as Mailman makes it."""
    made = logging.getLogger('mailman.of-a-test')
    made.propagate = False
    handler = mailman_logging.ReopenableFileHandler('x', str(tmp_path / 'x.log'))
    handler.setFormatter(logging.Formatter('%(message)s'))
    made.addHandler(handler)
    for old in logs.follow([made]):
        old.close()
    yield made
    for each in list(made.handlers):
        made.removeHandler(each)
        each.close()


def test_a_line_after_the_file_was_moved_is_in_a_new_one(
    core: SimpleNamespace, log: logging.Logger, tmp_path: Path
) -> None:
    for number in range(3):
        log.error('line %d', number)
        os.rename(tmp_path / 'x.log', tmp_path / f'x.log.{number}')
    found = [(tmp_path / f'x.log.{number}').read_text() for number in range(3)]
    assert found == ['line 0\n', 'line 1\n', 'line 2\n']


def test_every_character_of_strangers_is_taken(
    core: SimpleNamespace, log: logging.Logger, tmp_path: Path
) -> None:
    # Not by way of the logger, which pytest hears, and cannot pass on.
    [handler] = [each for each in log.handlers if isinstance(each, logs.LogFile)]
    handler.emit(log.makeRecord('x', logging.ERROR, '', 0, 'a \udcff b', (), None))
    assert (tmp_path / 'x.log').read_text() == 'a \\udcff b\n'


def test_a_pipe_is_left_to_mailman(core: SimpleNamespace, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / 'pipe')
    reader = os.open(tmp_path / 'pipe', os.O_RDONLY | os.O_NONBLOCK)
    handler = mailman_logging.ReopenableFileHandler('x', str(tmp_path / 'pipe'))
    logger = logging.Logger('x')
    logger.addHandler(handler)
    assert logs.follow([logger]) == {} and logger.handlers == [handler]
    handler.close()
    os.close(reader)


def test_all_of_mailmans_loggers_follow(core: SimpleNamespace) -> None:
    """Also those that `mailman reopen` never reaches."""
    logs.install()
    for name in ('mailman.smtp', 'mail.log', 'mailman.error', 'sqlalchemy', 'alembic'):
        files = [
            type(each)
            for each in logging.getLogger(name).handlers
            if hasattr(each, 'filename')
        ]
        assert files == [logs.LogFile], name
    assert {type(each) for each in mailman_logging._handlers.values()} == {logs.LogFile}
    mailman_logging.reopen()
    handler = mailman_logging.get_handler('smtp')
    assert handler.filename == handler.baseFilename


def test_json_where_the_site_says_so(
    core: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = logging.LogRecord('mailman.smtp', 20, 'x', 1, 'said', None, None)
    assert not logs.is_json()
    core.config.push('json', '[logging.root]\nformat: {"message": "%(message)s"}\n')
    try:
        assert logs.is_json()
        line = json.loads(logs._line_like(None).format(record))
        # Whoever is at work by default says nothing.
        assert 'actor' not in line and line['message'] == 'said'
        token = logs.audit.current_actor.set('operator:pat')
        line = json.loads(logs._line_like(None).format(record))
        logs.audit.current_actor.reset(token)
        assert line['actor'] == 'operator:pat'
    finally:
        core.config.pop('json')

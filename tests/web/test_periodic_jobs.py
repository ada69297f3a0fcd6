# SPDX-License-Identifier: GPL-3.0-or-later
"""HyperKitty's jobs by their time, and that a failed one is seen."""

from __future__ import annotations

import logging

import pytest
from django.core.management import CommandError, call_command
from django_extensions.management.jobs import BaseJob

from qnet_mailman.web.home.management.commands import periodic_jobs


def test_all_jobs_run_and_the_failed_one_is_named(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    done = []

    class Good(BaseJob):
        def execute(self) -> None:
            done.append('good')

    class Bad(BaseJob):
        def execute(self) -> None:
            raise ValueError('no such thread')

    jobs = {('hyperkitty', 'a'): Bad, ('hyperkitty', 'b'): Good}
    monkeypatch.setattr(periodic_jobs, 'get_jobs', lambda _when, only_scheduled: jobs)
    monkeypatch.setattr(logging.getLogger('qnet'), 'propagate', True)
    with pytest.raises(CommandError, match=r'failed: hyperkitty\.a$'):
        call_command('periodic_jobs', 'hourly')
    assert done == ['good']
    assert 'no such thread' in caplog.text


def test_those_that_there_are_find_something_to_do_or_not() -> None:
    call_command('periodic_jobs', 'minutely')
    with pytest.raises(CommandError, match='invalid choice'):
        call_command('periodic_jobs', 'sometimes')

# SPDX-License-Identifier: GPL-3.0-or-later
"""The alert rules, with Prometheus's own tool."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from qnet_mailman.demo.configuration import ROOT
from qnet_mailman.metrics.text import exposition

ETC = ROOT / 'etc' / 'prometheus'
RULES = ETC / 'qnet-mailer.rules.yml'
STEP, STEPS = 5, 50
"""Minutes between two looks, and how many looks."""

needs_promtool = pytest.mark.skipif(
    shutil.which('promtool') is None, reason="needs Debian's package prometheus"
)

#: Of each alert: series of a site where it is to fire, and where all is well.  `0`
#: is 0 for ever, `0+5` grows by 5 a minute.
STATES: dict[str, tuple[dict[str, str], dict[str, str]]] = {
    'QnetDown': ({'up{job="qnet-core"}': '0'}, {'up{job="qnet-core"}': '1'}),
    'QnetNotReady': ({'qnet_ready': '0'}, {'qnet_ready': '1'}),
    'QnetDatabaseDown': ({'qnet_web_database_up': '0'}, {'qnet_database_up': '1'}),
    'QnetDatabaseSlow': (
        {'qnet_database_ping_seconds': '3'},
        {'qnet_database_ping_seconds': '0.01'},
    ),
    'QnetRunnerDown': (
        {'qnet_runner_up{runner="in:0:1"}': '0'},
        {'qnet_runner_up{runner="in:0:1"}': '1'},
    ),
    'QnetRunnerHangs': (
        {'qnet_runner_heartbeat_timestamp_seconds{runner="in:0:1"}': '0'},
        {'qnet_runner_heartbeat_timestamp_seconds{runner="in:0:1"}': '0+60'},
    ),
    'QnetQueueOld': (
        {'qnet_queue_oldest_age_seconds{queue="out"}': '1000'},
        {'qnet_queue_oldest_age_seconds{queue="retry"}': '100000'},
    ),
    'QnetShunted': (
        {'qnet_queue_entries{queue="shunt"}': '1'},
        {'qnet_queue_entries{queue="out"}': '1000'},
    ),
    'QnetDiskFull': (
        {'qnet_disk_free_bytes{folder="var"}': '1e8'},
        {'qnet_disk_free_bytes{folder="var"}': '1e10'},
    ),
    'QnetMailServerRefuses': (
        {
            'qnet_copies_total{domain="other",answer="accepted"}': '0+5',
            'qnet_copies_total{domain="other",answer="temporary"}': '0+5',
        },
        {
            'qnet_copies_total{domain="other",answer="accepted"}': '0+50',
            'qnet_copies_total{domain="other",answer="temporary"}': '0+5',
        },
    ),
    'QnetProviderRefuses': (
        {'qnet_provider_bounces_total{provider="big.example",kind="hard"}': '0+5'},
        {'qnet_provider_bounces_total{provider="big.example",kind="hard"}': '0+1'},
    ),
    'QnetPostSlow': (
        {'qnet_post_last_copy_seconds': '8000'},
        {'qnet_post_first_copy_seconds': '60', 'qnet_post_last_copy_seconds': '600'},
    ),
    'QnetSignUpFlood': (
        {'qnet_limits_hit_total{limit="sign-up request"}': '0+5'},
        {'qnet_limits_hit_total{limit="loop"}': '0+5'},
    ),
    'QnetTimedWorkLate': (
        {'qnet_job_begun_timestamp_seconds{job="reconcile rosters"}': '0'},
        {'qnet_job_begun_timestamp_seconds{job="reconcile rosters"}': '0+60'},
    ),
    'QnetRolesStale': (
        {
            'qnet_web_roles_checked_last_timestamp_seconds': '0',
            'qnet_web_people_refreshed': '3',
        },
        {
            'qnet_web_roles_checked_last_timestamp_seconds': '0',
            'qnet_web_people_refreshed': '0',
        },
    ),
    'QnetArchiveJobsWait': (
        {'qnet_web_clusters': '0'},
        {'qnet_web_clusters': '1', 'qnet_web_job_oldest_age_seconds': '10'},
    ),
}


def rules() -> list[dict[str, Any]]:
    [group] = yaml.safe_load(RULES.read_text('utf-8'))['groups']
    return list(group['rules'])


def values(text: str) -> str:
    """A series as promtool writes it: its beginning, and what is added in a step."""
    begin, _, more = text.partition('+')
    return f'{begin}+{int(more or 0) * STEP}x{STEPS}'


def state(alert: str, series: dict[str, str], fires: bool) -> dict[str, Any]:
    """A test of promtool's, of how many alerts there are at the end."""
    expected = [{'labels': '{}', 'value': 1}] if fires else []
    return {
        'interval': f'{STEP}m',
        'input_series': [
            {'series': name, 'values': values(value)} for name, value in series.items()
        ],
        'promql_expr_test': [
            {
                'expr': f'count(ALERTS{{alertname="{alert}",alertstate="firing"}})',
                'eval_time': f'{STEP * STEPS}m',
                'exp_samples': expected,
            }
        ],
    }


@needs_promtool
def test_each_alert_fires_when_it_should_and_not_else(tmp_path: Path) -> None:
    assert [rule['alert'] for rule in rules()] == list(STATES)
    test = tmp_path / 'test.yml'
    tests = [
        state(alert, series, fires)
        for alert, (bad, good) in STATES.items()
        for series, fires in ((bad, True), (good, False))
    ]
    whole = {
        'rule_files': [str(RULES)],
        'evaluation_interval': f'{STEP}m',
        'tests': tests,
    }
    test.write_text(yaml.safe_dump(whole), 'utf-8')
    done = subprocess.run(
        ['promtool', 'test', 'rules', str(test)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@needs_promtool
def test_the_configuration_is_one(tmp_path: Path) -> None:
    text = (ETC / 'prometheus.yml').read_text('utf-8')
    password = tmp_path / 'password'
    password.write_text('x', 'utf-8')
    text = text.replace('/etc/prometheus/qnet-mailer.password', str(password))
    text = text.replace('/etc/prometheus/qnet-mailer.rules.yml', str(RULES))
    (tmp_path / 'prometheus.yml').write_text(text, 'utf-8')
    done = subprocess.run(
        ['promtool', 'check', 'config', str(tmp_path / 'prometheus.yml')],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert '16 rules found' in done.stdout


def test_they_are_about_metrics_that_there_are(core: SimpleNamespace) -> None:
    """With the names in the code of the web side, which is another process."""
    there = set(re.findall(r'(?m)^# TYPE (\w+)', exposition().decode()))
    views = (ROOT / 'qnet_mailman/web/metrics/views.py').read_text('utf-8')
    for rule in rules():
        for name in re.findall(r'qnet_\w+', rule['expr']):
            found = name in there or name.removesuffix('_total') in there
            short = re.sub(r'qnet_web_|(_timestamp_seconds)$', '', name)
            assert found or f"'{short}'" in views, name

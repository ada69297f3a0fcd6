# SPDX-License-Identifier: GPL-3.0-or-later
"""A site on which the commands of a guide run as an operator types them."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from qnet_mailman.demo.configuration import ROOT
from qnet_mailman.demo.processes import PATIENCE
from qnet_mailman.demo.site import GRANTS, Site
from tests.guide.reading import Step

#: What stands in commands for something that the reader fills in.
STAND_INS = {
    'ADDRESS': 'lee@example.org',
    'CHILD': 'hqr-workgroup@lists.example.gov',
    'DATE': '2026-11-22',
    'DOMAIN': 'example.org',
    'FILE.csv': 'new.csv',
    'FORM': 'provisioning/examples/threshold-change.yaml',
    'LIST': 'hqr-updates@lists.example.gov',
    'PARENT': 'hqr-updates@lists.example.gov',
}
#: How the guide calls the folder of its configuration.
ETC = '/srv/mailman/etc'

_SCRIPT = '#!/bin/sh\nexec {python} {program} "$@"\n'


class GuideSite:
    """A site, and a folder in which its operator works.

    :ivar work: That folder, with a copy of ``provisioning/``.
    :ivar stand_ins: What commands get in the place of `STAND_INS`.
    """

    grants = GRANTS

    def __init__(self, folder: Path, site: Site) -> None:
        """Write the site's configuration, and programs that know it."""
        self.site = site
        self.stand_ins = dict(STAND_INS)
        self.work = folder / 'work'
        shutil.copytree(ROOT / 'provisioning', self.work / 'provisioning')
        self._programs = folder / 'bin'
        self._programs.mkdir()
        site.write_configuration()
        scripts = Path(sys.executable).parent
        mailman = f'{shlex.quote(str(scripts / "mailman"))}'
        mailman += f' --config {shlex.quote(str(site.mailman_cfg))}'
        if os.geteuid() == 0:
            mailman += ' --run-as-root'
        for name, program in (('mailman', mailman), ('django-admin', '-m django')):
            path = self._programs / name
            python = shlex.quote(sys.executable)
            path.write_text(_SCRIPT.format(python=python, program=program))
            path.chmod(0o755)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.site.stop()

    def start(self, settings: Mapping[str, str]) -> None:
        """Start the site, with more settings of ``qnet.cfg``."""
        self.site.qnet_cfg_overrides.update(settings)
        self.site.start()

    def shell(self, command: str) -> subprocess.CompletedProcess[str]:
        """Run a command as the operator types it, with both outputs in one."""
        env = self.site.environment()
        env['PATH'] = f'{self._programs}:{env["PATH"]}'
        return subprocess.run(
            ['bash', '-c', command],
            cwd=self.work,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=300 * PATIENCE,
            check=False,
        )

    def prepare(self, *commands: str) -> None:
        """Run what must have been done before; it has to succeed."""
        for command in commands:
            done = self.shell(command)
            assert done.returncode == 0, f'{command}\n{done.stdout}'

    def with_list(self, *forms: str) -> None:
        """Make the lists of the example forms, whose people have their roles."""
        self.prepare(f'mailman qnet roles import --no-mail {self.grants}')
        for form in forms or ('list-request.yaml',):
            self.prepare(f'mailman qnet provision provisioning/examples/{form}')

    def follow(self, step: Step) -> None:
        """Run a command of the guide, and see that it prints what the guide shows.

        A command may print more than the guide has lines for; what it has must come in
        its order.  Where the guide shows nothing, the command must succeed.
        """
        command = step.command
        for word, value in self.stand_ins.items():
            command = re.sub(rf'(?<![\w.-]){re.escape(word)}(?![\w.-])', value, command)
        done = self.shell(command)
        said = f'line {step.line} of the guide: {command}\n{done.stdout}'
        found = iter([self._plain(line) for line in done.stdout.splitlines()])
        shown = [self._plain(line) for line in step.shown if line.strip() != '...']
        if not shown:
            assert done.returncode == 0, said
        for line in shown:
            assert line in found, f'not printed, or earlier: {line!r}\n{said}'

    def _plain(self, line: str) -> str:
        """A line without what is another each time."""
        for found, name in (
            (str(self.site.etc), ETC),
            (self.site.web_url, 'https://lists.example.gov'),
            (self.site.provider_url, 'https://harp.example.gov/oauth2/default'),
            ('HARP (demo)', 'HARP'),
        ):
            line = line.replace(found, name)
        line = re.sub(r'\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\dZ)?', 'TIME', line)
        line = line.replace(f':{self.site.lmtp_port}', ':8024')
        return line.rstrip()

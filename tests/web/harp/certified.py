# SPDX-License-Identifier: GPL-3.0-or-later
"""The certified provider of ``tests/oidc`` as a process on loopback."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import pytest

SOURCES = Path(__file__).resolve().parents[2] / 'oidc'
SECRET = 'a secret for tests: %/+ and spaces'
#: oidc-provider 9 needs this version of Node, or a newer one.
NODE = 20


def free_port() -> int:
    """A port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        port: int = probe.getsockname()[1]
        return port


def node_modules(sources: Path = SOURCES) -> Path:
    """The provider, or other packages, installed from the lock file, once for all runs.

    They stand outside the repository.  Without Node or npm the tests are skipped,
    and say so.

    :param sources: The folder with the lock file.
    """
    for program in ('node', 'npm'):
        if shutil.which(program) is None:
            pytest.skip(f'{program} is not installed (needed for {sources.name})')
    version = subprocess.run(
        ['node', '--version'], capture_output=True, text=True, check=True
    ).stdout
    if int(version.lstrip('v').split('.')[0]) < NODE:
        pytest.skip(f'node {version.strip()} is older than {NODE}')
    lock = (sources / 'package-lock.json').read_bytes()
    cache = Path(os.environ.get('XDG_CACHE_HOME') or Path.home() / '.cache')
    folder = cache / 'qnet-mailer-tests'
    target = folder / f'{sources.name}-{hashlib.sha256(lock).hexdigest()[:16]}'
    if not target.is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        building = Path(tempfile.mkdtemp(dir=folder))
        for name in ('package.json', 'package-lock.json'):
            shutil.copy(sources / name, building)
        done = subprocess.run(
            ['npm', 'ci', '--ignore-scripts', '--no-audit', '--no-fund'],
            cwd=building,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            shutil.rmtree(building)
            pytest.skip(f'npm ci failed: {done.stderr[-500:]}')
        try:
            building.rename(target)
        except OSError:
            # Another test process was faster.
            shutil.rmtree(building)
    return target / 'node_modules'


class CertifiedProvider:
    """The provider; :meth:`start` and :meth:`stop` it as often as you like."""

    def __init__(self, folder: Path, client: str) -> None:
        self.issuer = f'http://127.0.0.1:{free_port()}'
        self._folder = folder
        self._client = client
        self._accounts = folder / 'accounts.json'
        self._log = folder / 'provider.log'
        self._process: subprocess.Popen[str] | None = None
        shutil.copy(SOURCES / 'provider.mjs', folder)
        (folder / 'node_modules').symlink_to(node_modules())
        self.set_accounts({})

    def set_accounts(self, accounts: dict[str, dict[str, Any]]) -> None:
        """Who there is, from now on.

        :param accounts: The claims of each subject.
        """
        new = self._accounts.with_suffix('.new')
        new.write_text(json.dumps(accounts))
        new.replace(self._accounts)

    def start(self) -> None:
        """Start it, with a new key and nobody signed in."""
        with self._log.open('a') as log:
            self._process = subprocess.Popen(
                ['node', '--no-warnings', 'provider.mjs'],
                cwd=self._folder,
                env={
                    'PATH': os.environ['PATH'],
                    'ISSUER': self.issuer,
                    'CLIENT': self._client,
                    'ACCOUNTS': str(self._accounts),
                },
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.strip() == 'ready':
                return
        raise AssertionError(f'the provider did not start:\n{self.log}')

    def stop(self) -> None:
        """Stop it; nothing that it knew is kept."""
        if self._process is not None:
            self._process.terminate()
            self._process.communicate(timeout=120)
            self._process = None

    @property
    def log(self) -> str:
        """What it wrote to standard error."""
        return self._log.read_text()

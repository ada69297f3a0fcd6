# SPDX-License-Identifier: GPL-3.0-or-later
"""A Debian of its own, with systemd as PID 1, in its own namespaces."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest

from qnet_mailman.demo.configuration import ROOT
from qnet_mailman.demo.processes import wait_until
from tests.install.proxy import Proxy, in_network

T = TypeVar('T')
DOMAIN = 'lists.example.gov'
READY_ROOT = 'QNET_TEST_ROOT'
"""A folder of `debootstrap --variant=minbase bookworm`, which saves two minutes."""
AUTHORITIES = Path('/etc/ssl/certs/ca-certificates.crt')
PATIENCE = 3600
"""Seconds for a command; a slow machine is no mistake."""
# What a Debian from its installer has, and debootstrap leaves out; and what
# ./run wants.
_PACKAGES = 'systemd systemd-sysv dbus iproute2 ca-certificates python3-venv'


def require() -> Path:
    """Skip the test where there can be no such host; the cgroup for it otherwise."""
    if os.getuid() != 0:
        pytest.skip('only root can give a host its own namespaces')
    for program in ('debootstrap', 'unshare', 'nsenter', 'ip'):
        if shutil.which(program) is None:
            pytest.skip(f'{program} is not installed')
    for folder in (Path('/sys/fs/cgroup'), Path('/sys/fs/cgroup/unified')):
        if (folder / 'cgroup.procs').exists() and (
            folder / 'cgroup.controllers'
        ).exists():
            return folder / f'qnet-test-{os.getpid()}'
    pytest.skip('there is no cgroup2 for systemd')


def make_root(root: Path) -> None:
    """Make a bare Debian 12.

    :param root: Its folder, which is not there yet.
    """
    if ready := os.environ.get(READY_ROOT):
        subprocess.run(['cp', '-a', ready, str(root)], check=True)
    else:
        command = ['debootstrap', '--variant=minbase', 'bookworm', str(root)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    # Nothing is started before the host itself is.
    policy = root / 'usr/sbin/policy-rc.d'
    policy.write_text('#!/bin/sh\nexit 101\n')
    policy.chmod(0o755)
    shutil.copy('/etc/resolv.conf', root / 'etc/resolv.conf')
    shutil.copy(AUTHORITIES, root / 'root/authorities.crt')
    script = (
        'export DEBIAN_FRONTEND=noninteractive; apt-get -qq update && '
        f'apt-get -qq -y --no-install-recommends install {_PACKAGES}'
    )
    subprocess.run(
        ['chroot', str(root), 'sh', '-c', script],
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    policy.unlink()
    (root / 'etc/hostname').write_text(f'{DOMAIN}\n')
    (root / 'etc/hosts').write_text(f'127.0.0.1 localhost\n127.0.0.1 {DOMAIN}\n')
    # What is in the checkout now, and no environment of its.
    sources = subprocess.run(
        ['git', '-C', str(ROOT), 'ls-files', '-zco', '--exclude-standard'],
        check=True,
        capture_output=True,
    )
    (root / 'src').mkdir()
    pack = ['tar', '-C', str(ROOT), '--null', '-T', '-', '-cf', str(root / 'src.tar')]
    subprocess.run(pack, input=sources.stdout, check=True)
    unpack = ['tar', '-C', str(root / 'src'), '-xf', str(root / 'src.tar')]
    subprocess.run(unpack, check=True)


class Host:
    """A host that can be switched on, asked to do something, and cut off.

    :ivar root: Its files.
    """

    def __init__(self, root: Path, cgroup: Path) -> None:
        self.root = root
        self._cgroup = cgroup
        self._process: subprocess.Popen[bytes] | None = None
        self._proxy: Proxy | None = None

    @property
    def pid(self) -> int:
        """Of its PID 1, out here."""
        assert self._process is not None
        path = Path(f'/proc/{self._process.pid}/task/{self._process.pid}/children')
        return int(path.read_text().split()[0])

    def switch_on(self) -> None:
        """Start it, and wait until systemd has started all there is."""
        self._cgroup.mkdir(exist_ok=True)
        boot = Path(__file__).with_name('boot.sh')
        join = f'echo $$ >{self._cgroup}/cgroup.procs; exec "$@"'
        self._process = subprocess.Popen(
            [
                *('sh', '-c', join, 'sh', 'unshare', '--fork', '--kill-child'),
                *('--pid', '--mount', '--net', '--uts', '--ipc', '--cgroup'),
                *('sh', str(boot), str(self.root)),
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        wait_until(self._is_up, PATIENCE, 'systemd to have started all there is')
        self._proxy = Proxy(self.pid)

    def _is_up(self) -> bool:
        try:
            state = self.run('systemctl', 'is-system-running', check=False).stdout
        except (OSError, IndexError):
            return False
        # A console, of which there is none, may have failed.
        return state.strip() in ('running', 'degraded')

    def cut_off(self) -> None:
        """Kill all of its processes at once, as a power cut does."""
        assert self._process is not None and self._proxy is not None
        self._proxy.close()
        self._process.kill()
        self._process.wait()
        events = self._cgroup / 'cgroup.events'
        gone = 'populated 0'
        wait_until(lambda: gone in events.read_text(), PATIENCE, 'all to be gone')
        for folder, _folders, _files in os.walk(self._cgroup, topdown=False):
            os.rmdir(folder)
        self._process = self._proxy = None

    def close(self) -> None:
        """Switch it off, and take its files away."""
        if self._process is not None:
            self.cut_off()
        shutil.rmtree(self.root, ignore_errors=True)

    def run(
        self, *command: str, check: bool = True, input: str = ''
    ) -> subprocess.CompletedProcess[str]:
        """Run a command of its, as its root.

        :param command: The words.
        :param check: Whether to fail where it does.
        :param input: What it reads.
        """
        proxy = self._proxy.url if self._proxy is not None else ''
        done = subprocess.run(
            [
                *('nsenter', '-t', str(self.pid), '-p', '-m', '-n', '-u', '-i', '-C'),
                *(f'--root=/proc/{self.pid}/root', f'--wd=/proc/{self.pid}/root'),
                *('/usr/bin/env', '-i', 'HOME=/root', 'PIP_CERT=/root/authorities.crt'),
                'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
                *(f'http_proxy={proxy}', f'https_proxy={proxy}'),
                *('no_proxy=127.0.0.1,localhost', *command),
            ],
            capture_output=True,
            text=True,
            input=input,
            timeout=PATIENCE,
            check=False,
        )
        assert not check or not done.returncode, (
            done.stdout[-6000:] + done.stderr[-3000:]
        )
        return done

    def inside(self, function: Callable[[], T]) -> T:
        """Call a function of the test in the host's network.

        :param function: What to call.
        """
        return in_network(self.pid, function)

    def install(self, *options: str) -> str:
        """Run `./run install`, and give what it says."""
        command = ('/src/run', 'install', '--domain', DOMAIN, *options)
        return self.run(*command).stdout

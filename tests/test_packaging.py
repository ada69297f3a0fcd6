# SPDX-License-Identifier: GPL-3.0-or-later
"""What is handed out is all that a host needs, and nothing that only tests it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from configparser import ConfigParser
from dataclasses import dataclass
from pathlib import Path

import pytest

from qnet_mailman import __version__
from qnet_mailman.demo.configuration import merge

ROOT = Path(__file__).resolve().parent.parent
LOCKS = ('requirements.lock', 'requirements-dev.lock')
DEMO = 'qnet_mailman/demo/'


@dataclass(frozen=True)
class Packages:
    wheel: Path
    #: The names of files in the wheel, and in the archive of the sources.
    in_wheel: set[str]
    in_sources: set[str]


@pytest.fixture(scope='module')
def packages(tmp_path_factory: pytest.TempPathFactory) -> Packages:
    """What `./run build` builds, from a copy of what git would hand out."""
    source = tmp_path_factory.mktemp('source') / 'copy'
    shutil.copytree(
        ROOT,
        source,
        ignore=shutil.ignore_patterns(
            *('.git', '.venv*', '.*_cache', '.hypothesis', '.tox', '__pycache__'),
            *('var', 'build', 'dist', '*.egg-info'),
        ),
    )
    # In a checkout, setuptools-scm would hand out all that git knows.
    if shutil.which('git'):
        for command in (['init', '-q'], ['add', '-A']):
            subprocess.run(['git', *command], cwd=source, check=True)
    out = tmp_path_factory.mktemp('dist')
    subprocess.run(
        [sys.executable, '-m', 'build', '--no-isolation', '--outdir', out, source],
        check=True,
        capture_output=True,
    )
    [wheel], [sources] = out.glob('*.whl'), out.glob('*.tar.gz')
    with tarfile.open(sources) as archive:
        files = {member.name.partition('/')[2] for member in archive if member.isfile()}
    return Packages(wheel, set(zipfile.ZipFile(wheel).namelist()), files)


def checked_out(folder: str) -> set[str]:
    return {
        str(path.relative_to(ROOT))
        for path in (ROOT / folder).rglob('*')
        if path.is_file() and '__pycache__' not in path.parts
    }


def names(lock: str) -> dict[str, set[str]]:
    """The distributions of a lock file, with their versions."""
    found: dict[str, set[str]] = {}
    for name, version in re.findall(
        r'^([^ #=]+)==(\S+)', (ROOT / lock).read_text(), re.M
    ):
        found.setdefault(name, set()).add(version)
    return found


def test_every_file_of_the_package_but_the_demo_is_in_the_wheel(
    packages: Packages,
) -> None:
    ours = {name for name in checked_out('qnet_mailman') if not name.startswith(DEMO)}
    assert ours - packages.in_wheel == set()


def test_an_operator_finds_all_in_the_sources(packages: Packages) -> None:
    wanted = {
        name
        for folder in ('docs', 'etc', 'provisioning', 'qnet_mailman')
        for name in checked_out(folder)
        if not name.startswith(DEMO)
    }
    wanted |= {'README.md', 'CHANGELOG.md', 'LICENSE', 'requirements.lock'}
    assert wanted - packages.in_sources == set()


def test_what_only_tests_it_is_not_handed_out(packages: Packages) -> None:
    for found in (packages.in_wheel, packages.in_sources):
        tops = {name.partition('/')[0] for name in found}
        assert tops & {'tests', 'bench', 'findings', '.ci', 'run', *LOCKS[1:]} == set()
        assert not any(name.startswith(DEMO) for name in found)


def test_the_wheel_brings_the_list_of_what_to_install_beside_it(
    packages: Packages,
) -> None:
    lock = f'qnet_mailer-{__version__}.data/data/share/qnet-mailer/requirements.lock'
    with zipfile.ZipFile(packages.wheel) as wheel:
        assert wheel.read(lock) == (ROOT / 'requirements.lock').read_bytes()


def test_the_wheel_brings_the_guides_that_the_site_shows(packages: Packages) -> None:
    data = f'qnet_mailer-{__version__}.data/data/share/qnet-mailer/docs'
    with zipfile.ZipFile(packages.wheel) as wheel:
        for file in ('members.md', 'list-administrators.md'):
            text = (ROOT / 'docs' / file).read_bytes()
            assert wheel.read(f'{data}/{file}') == text


def test_django_is_asked_for_by_the_web_side_only(packages: Packages) -> None:
    with zipfile.ZipFile(packages.wheel) as wheel:
        metadata = wheel.read(f'qnet_mailer-{__version__}.dist-info/METADATA').decode()
    lines = metadata.splitlines()
    assert lines[1:3] == ['Name: qnet-mailer', f'Version: {__version__}']
    wanted = [line for line in lines if line.startswith('Requires-Dist:')]
    web = [line for line in wanted if 'django' in line.lower() or 'postorius' in line]
    assert web and all('extra == "web"' in line for line in web)
    assert any(line.startswith('Requires-Dist: mailman') for line in wanted)
    assert any('psycopg2' in line and '"postgresql"' in line for line in wanted)


def test_every_folder_of_the_package_says_what_it_is_for() -> None:
    for path in (ROOT / 'qnet_mailman').rglob('__init__.py'):
        assert '"""' in path.read_text('utf-8'), path


@pytest.mark.parametrize('lock', LOCKS)
def test_the_lock_file_has_a_hash_for_everything(lock: str) -> None:
    text = (ROOT / lock).read_text('utf-8')
    entries = [entry for entry in text.split('\n') if entry and entry[0] not in ' #']
    assert len(entries) > 80
    assert all('==' in entry and entry.endswith('\\') for entry in entries)


def test_the_lock_files_share_their_versions() -> None:
    run, test = (names(lock) for lock in LOCKS)
    assert all(run[name] == test[name] for name in run.keys() & test.keys())


def test_a_host_has_all_that_setup_cfg_asks_for_and_no_tests() -> None:
    setup = ConfigParser(interpolation=None)
    setup.read(ROOT / 'setup.cfg')
    asked = setup['options']['install_requires']
    for extra in setup['options.extras_require'].values():
        asked += extra
    wanted = {
        re.sub('[-_.]+', '-', name).lower()
        for name in re.findall(r'^([\w.-]+)', asked, re.M)
    }
    run, test = (names(lock) for lock in LOCKS)
    assert wanted - run.keys() == set()
    tools = {'pytest', 'playwright', 'oidc-provider-mock', 'mypy', 'cyclonedx-bom'}
    assert tools & run.keys() == set() and tools <= test.keys()


def test_changelog_and_guide_name_this_version() -> None:
    text = (ROOT / 'CHANGELOG.md').read_text('utf-8')
    headings = re.findall(r'^## (.+)$', text, re.M)
    assert headings[0] == 'Unreleased'
    guide = (ROOT / 'docs/operators.md').read_text('utf-8')
    assert f'qnet_mailer-{__version__}-py3-none-any.whl' in guide
    assert re.fullmatch(rf'{re.escape(__version__)} \(\d{{4}}-\d\d-\d\d\)', headings[1])


def pythons() -> Iterator[str]:
    """Each Python that the package is for, where it is installed."""
    for minor in (11, 12, 13):
        name = f'python3.{minor}'
        others = Path('~/.pyenv/versions').expanduser().glob(f'3.{minor}.*/bin/{name}')
        for python in (shutil.which(name), *map(str, others)):
            if (
                python
                and not subprocess.run(
                    [python, '-c', 'import ensurepip, venv'], capture_output=True
                ).returncode
            ):
                yield python
                break


@pytest.mark.long
@pytest.mark.parametrize('python', pythons())
def test_a_host_runs_what_the_wheel_and_its_list_bring(
    packages: Packages, python: str, tmp_path: Path
) -> None:
    bin = tmp_path / 'venv/bin'
    environment = {
        **{name: os.environ[name] for name in os.environ if name[:4] != 'QNET'},
        'DJANGO_SETTINGS_MODULE': 'qnet_mailman.web.settings',
        'QNET_WEB_SETTINGS': str(tmp_path / 'settings_local.py'),
    }

    def do(program: str, *arguments: str | Path) -> str:
        done = subprocess.run(
            [bin / program, *arguments],
            cwd=tmp_path,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        return f'{done.stdout}exit status {done.returncode}'

    subprocess.run([python, '-m', 'venv', bin.parent], check=True)
    do('pip', 'install', '-q', '--no-deps', packages.wheel)
    lock = bin.parent / 'share/qnet-mailer/requirements.lock'
    do('pip', 'install', '-q', '--no-deps', '--require-hashes', '-r', lock)

    (tmp_path / 'qnet.cfg').write_text((ROOT / 'etc/qnet.cfg').read_text())
    (tmp_path / 'mailman.cfg').write_text(
        merge(
            (ROOT / 'etc/mailman.cfg').read_text(),
            {'mailman': {'layout': 'here'}, 'paths.here': {'var_dir': str(tmp_path)}},
        )
    )
    mailman = ('mailman', '-C', tmp_path / 'mailman.cfg', '--run-as-root', 'qnet')
    assert do(*mailman, '--version') == f'qnet-mailer {__version__}\nexit status 0'
    assert f'ok        plugin: set up from {tmp_path}/qnet.cfg\n' in do(
        *mailman, 'check', '--no-web', '--no-mail'
    )

    settings = (ROOT / 'etc/settings_local.py').read_text()
    for name, value in (('KEY', 'x' * 40), ('PASS', 'y'), ('DIR', str(tmp_path))):
        settings = re.sub(
            rf"^(\w+_{name} = )'.*'$", rf'\1{value!r}', settings, flags=re.M
        )
    # A PostgreSQL is no package.
    engine, name = 'django.db.backends.sqlite3', str(tmp_path / 'web.db')
    settings += f'DATABASES["default"] = {{"ENGINE": {engine!r}, "NAME": {name!r}}}\n'
    (tmp_path / 'settings_local.py').write_text(settings)
    assert do('django-admin', 'migrate', '-v0') == 'exit status 0'
    assert 'identified no issues' in do('django-admin', 'check')
    gunicorn = ('gunicorn', '-c', ROOT / 'etc/gunicorn/gunicorn.conf.py')
    assert do(*gunicorn, '--check-config') == 'exit status 0'

    # What pip would bring by itself.
    do('pip', 'install', '-q', '--no-deps', 'Django==5.0.14')
    assert f'pip install --no-deps --require-hashes -r {lock}\n' in do(
        'django-admin', 'migrate'
    )

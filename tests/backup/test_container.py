# SPDX-License-Identifier: GPL-3.0-or-later
"""A backup's file: what is damaged or cut off is refused (R33)."""

from __future__ import annotations

import io
import os
import tarfile
from contextlib import closing
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qnet_mailman.backup.container import (
    MANIFEST,
    BackupError,
    Manifest,
    Writer,
    extract,
    verify,
)

MADE = datetime(2026, 3, 2, 12)
PARTS = {'core/database': b'rows' * 700, 'core/queue/in/1+a.pck': b'', 'web/x': b'\0x'}


@pytest.fixture(scope='module')
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A backup with three parts."""
    folder = tmp_path_factory.mktemp('backup')
    path = folder / 'qnet.tar'
    with closing(Writer(path)) as writer:
        for name, content in PARTS.items():
            source = folder / 'source'
            source.write_bytes(content)
            os.utime(source, (1000, 1000))
            writer.add(name, source)
        writer.finish(MADE, {'version': '1'})
    return path


def parts_of(path: Path, folder: Path) -> dict[str, bytes]:
    extract(path, {'core': folder / 'core', 'web/x': folder / 'x'})
    return {
        'core/database': (folder / 'core/database').read_bytes(),
        'core/queue/in/1+a.pck': (folder / 'core/queue/in/1+a.pck').read_bytes(),
        'web/x': (folder / 'x').read_bytes(),
    }


def test_what_goes_in_comes_out(whole: Path, tmp_path: Path) -> None:
    manifest = verify(whole)
    assert (manifest.made_at, manifest.about) == (MADE, {'version': '1'})
    assert manifest.parts.keys() == PARTS.keys()
    assert parts_of(whole, tmp_path) == PARTS
    # How long an entry has waited is told by this.
    assert (tmp_path / 'core/queue/in/1+a.pck').stat().st_mtime == 1000
    # It holds passwords.
    assert whole.stat().st_mode & 0o777 == 0o600
    # Any tar can read it: the guide unpacks configuration so.
    with tarfile.open(whole) as tar:
        assert tar.getnames() == [*PARTS, MANIFEST]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_what_is_cut_off_is_refused(
    whole: Path, tmp_path: Path, data: st.DataObject
) -> None:
    content = whole.read_bytes()
    end = content.rindex(b'}') + 1
    cut = tmp_path / 'cut.tar'
    cut.write_bytes(content[: data.draw(st.integers(0, end - 1))])
    with pytest.raises(BackupError, match=r'cut\.tar: '):
        verify(cut)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_damaged_one_is_refused_or_unharmed(
    whole: Path,
    tmp_path_factory: pytest.TempPathFactory,
    tmp_path: Path,
    data: st.DataObject,
) -> None:
    content = bytearray(whole.read_bytes())
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] ^= data.draw(st.integers(1, 255))
    damaged = tmp_path / 'damaged.tar'
    damaged.write_bytes(content)
    try:
        verify(damaged)
    except BackupError as error:
        assert str(error).startswith(str(damaged))
    else:
        assert parts_of(damaged, tmp_path_factory.mktemp('out')) == PARTS


@pytest.mark.parametrize(
    'name', ['../outside', '/etc/outside', 'core/../../outside', 'core/\0x']
)
def test_no_part_leads_outside(tmp_path: Path, name: str) -> None:
    path = tmp_path / 'odd.tar'
    with tarfile.open(path, 'w') as tar:
        tar.addfile(tarfile.TarInfo(name))
        text = Manifest(MADE, {}, {name: (0, EMPTY_SUM)}).as_json()
        info = tarfile.TarInfo(MANIFEST)
        info.size = len(text)
        tar.addfile(info, io.BytesIO(text))
    with pytest.raises(BackupError):
        verify(path)
    if '\0' not in name:
        with pytest.raises(BackupError):
            extract(path, {name.partition('/')[0]: tmp_path / 'in'})


EMPTY_SUM = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'


@pytest.mark.parametrize('kind', [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE])
def test_only_plain_files_are_parts(tmp_path: Path, kind: bytes) -> None:
    path = tmp_path / 'odd.tar'
    with tarfile.open(path, 'w') as tar:
        info = tarfile.TarInfo('core/queue/in/1.pck')
        info.type, info.linkname = kind, 'elsewhere'
        tar.addfile(info)
    with pytest.raises(BackupError):
        verify(path)


def test_one_of_a_later_kind_says_so() -> None:
    with pytest.raises(BackupError, match='later version'):
        Manifest.of(b'{"format": 2}')
    for text in (b'', b'[]', b'{"format": 1}', b'\xff', b'{"format": "1"}'):
        with pytest.raises(BackupError, match='cannot be read'):
            Manifest.of(text)

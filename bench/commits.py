# SPDX-License-Identifier: GPL-3.0-or-later
"""Another commit of this repository beside this one, in the same environment.

Its files lie in a temporary folder, with this tree's ``bench``: both commits are
measured by the same code.  A small virtual environment there puts them before the
packages that are installed here, for every process that is started from it.
"""

from __future__ import annotations

import io
import shutil
import site
import subprocess
import sys
import tarfile
import tempfile
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Build:
    """A commit that can be run."""

    tree: Path
    python: Path

    def run(self, *arguments: str) -> str:
        """Run its interpreter at the root of its files.

        :return: What it printed; errors of the program are shown as they come.
        :raises subprocess.CalledProcessError: if it fails.
        """
        return subprocess.run(
            [self.python, *arguments],
            cwd=self.tree,
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        ).stdout


HERE = Build(ROOT, Path(sys.executable))


def name_of(commit: str = 'HEAD') -> str:
    """The short name of a commit; with `+` where files here differ from it.

    :raises subprocess.CalledProcessError: if there is no such commit.
    """
    name = _git('rev-parse', '--short', f'{commit}^{{commit}}').decode().strip()
    changed = commit == 'HEAD' and _git('status', '--porcelain', '-uno')
    return f'{name}+' if changed else name


@contextmanager
def build_of(commit: str) -> Iterator[Build]:
    """Make a commit ready to run, and remove it afterwards.

    :raises subprocess.CalledProcessError: if there is no such commit.
    """
    with tempfile.TemporaryDirectory(prefix='qnet-bench-') as folder:
        tree = Path(folder) / 'tree'
        with tarfile.open(fileobj=io.BytesIO(_git('archive', commit))) as archive:
            archive.extractall(tree, filter='data')
        shutil.rmtree(tree / 'bench', ignore_errors=True)
        shutil.copytree(ROOT / 'bench', tree / 'bench')
        # What is measured there may want a third commit.
        folder_of_git = _git('rev-parse', '--absolute-git-dir').decode()
        (tree / '.git').write_text(f'gitdir: {folder_of_git}')
        yield Build(tree, _environment(Path(folder) / 'venv', tree))


def _environment(folder: Path, tree: Path) -> Path:
    venv.create(folder, symlinks=True)
    packages = next(folder.glob('lib/python*/site-packages'))
    (packages / 'commit.pth').write_text(
        '\n'.join([str(tree), *site.getsitepackages()])
    )
    python = folder / 'bin/python'
    # `mailman` and the others, whose first line names an interpreter.
    for script in Path(sys.executable).parent.iterdir():
        if script.is_file() and not (python.parent / script.name).exists():
            head, _, rest = script.read_bytes().partition(b'\n')
            if head.startswith(b'#!') and b'python' in head:
                copy = python.parent / script.name
                copy.write_bytes(b'#!%s\n%s' % (str(python).encode(), rest))
                copy.chmod(0o755)
    return python


def _git(*arguments: str) -> bytes:
    return subprocess.run(
        ['git', *arguments], cwd=ROOT, stdout=subprocess.PIPE, check=True
    ).stdout

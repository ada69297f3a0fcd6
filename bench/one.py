# SPDX-License-Identifier: GPL-3.0-or-later
"""The rows of one module of this package, each as a line of JSON.

Usage: ``python -m bench.one NAME``.  Whatever else is printed goes to standard error.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict
from importlib import import_module


def main() -> None:
    """Measure."""
    lines = os.fdopen(os.dup(1), 'w', encoding='utf-8')
    os.dup2(2, 1)
    for row in import_module(f'bench.{sys.argv[1]}').rows():
        print(json.dumps(asdict(row)), file=lines, flush=True)


if __name__ == '__main__':
    main()

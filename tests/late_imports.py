# SPDX-License-Identifier: GPL-3.0-or-later
"""A contract for import-linter: which modules import inside functions, and what.

Such an import hides an arrow from whoever reads the top of a file, so each is named in
`.importlinter`, as ``module: what it imports``; one that is not named there breaks the
contract, and so does one that is named there and gone.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output

ROOT = Path(__file__).resolve().parent.parent


class LateImports(Contract):
    """See the module."""

    type_name = 'late_imports'
    allowed = fields.ListField(subfield=fields.StringField(), required=False)

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        """See `Contract`."""
        found = {
            f'{module}: {name}'
            for module in graph.modules
            if module.split('.')[0] == 'qnet_mailman'
            for name in late_imports(module)
        }
        allowed = set(self.allowed or ())
        unnamed, gone = sorted(found - allowed), sorted(allowed - found)
        return ContractCheck(
            kept=not unnamed and not gone,
            metadata={'not named': unnamed, 'named, and not there': gone},
        )

    def render_broken_contract(self, check: ContractCheck) -> None:
        """See `Contract`."""
        for what, lines in check.metadata.items():
            for line in lines:
                output.print_error(f'{what}: {line}')


def late_imports(module: str) -> Iterator[str]:
    """What a module imports inside functions, as dotted names."""
    path = ROOT.joinpath(*module.split('.')).with_suffix('.py')
    if not path.exists():
        return
    for function in ast.walk(ast.parse(path.read_text(encoding='utf-8'))):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            for node in ast.walk(function):
                if isinstance(node, ast.Import):
                    yield from (alias.name for alias in node.names)
                elif isinstance(node, ast.ImportFrom):
                    yield from (f'{node.module}.{alias.name}' for alias in node.names)

"""The house stays readable: the page that leads through the code names what is there."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
STOP = re.compile(r"\[`([\w.]+)`\]\(\.\./(offers_cli/[\w/.]+)\)")


def test_every_stop_on_the_way_through_the_code_is_there() -> None:
    stops = STOP.findall((ROOT / "docs" / "reading-the-code.md").read_text())
    assert len(stops) >= 10
    for name, file in stops:
        names: list[str] = name.split(".")
        scope: ast.AST = ast.parse((ROOT / file).read_text())
        for part in names:
            inside = [
                node
                for node in ast.iter_child_nodes(scope)
                if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and node.name == part
            ]
            assert inside, f"{name} is not in {file}"
            scope = inside[0]

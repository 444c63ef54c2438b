"""The house stays readable: no name means two things, and the page that leads through the code names what is there."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "offers_cli"
STOP = re.compile(r"\[`([\w.]+)`\]\(\.\./(offers_cli/[\w/.]+)\)")


def test_no_public_class_has_the_name_of_another() -> None:
    homes = defaultdict(list)
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                homes[node.name].append(str(path.relative_to(PACKAGE)))
    assert {name: files for name, files in homes.items() if len(files) > 1} == {}


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

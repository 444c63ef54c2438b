"""The house stays readable: no name has two meanings, no files go in circles, the page through it names what is."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from graphlib import TopologicalSorter
from pathlib import Path

import grimp

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


def test_no_file_imports_itself_by_way_of_others() -> None:
    """Those for types count as well: files that need each other are one file, or lack one."""
    graph = grimp.build_graph("offers_cli", cache_dir=None)
    TopologicalSorter({module: graph.find_modules_directly_imported_by(module) for module in graph.modules}).prepare()


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

"""No assertion compares how long something took: it would be red on a busy machine, and prove little on a quiet one.

Assert what happened instead, in which order, how often; turn a clock that is handed in; wait with `waiting.wait_until`
for what must come. How fast things are is measured in `bench`.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
CLOCKS = {
    *("time", "monotonic", "perf_counter", "process_time", "thread_time"),
    *("time_ns", "monotonic_ns", "perf_counter_ns", "process_time_ns", "now", "utcnow"),
}


def called(node: ast.AST) -> str:
    """The last name of what a call calls; empty for what is no call."""
    match node:
        case ast.Call(func=ast.Attribute(attr=name)) | ast.Call(func=ast.Name(id=name)):
            return name
    return ""


def name_of(node: ast.AST) -> str:
    """The name that a variable or attribute is told apart by; empty for other expressions."""
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
    return ""


class Durations:
    """Which expressions of a function hold a moment of a real clock, and which the time between two moments.

    Args:
        measuring: names of functions that return the time between two moments.
    """

    def __init__(self, function: ast.AST, measuring: Iterable[str]) -> None:
        self._measuring = frozenset(measuring)
        self._moments: set[str] = set()
        self._durations: set[str] = set()
        for node in ast.walk(function):
            if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                names = {name_of(target) for target in targets} - {""}
                if self.hold(node.value):
                    self._durations |= names
                elif called(node.value) in CLOCKS:
                    self._moments |= names

    def _is_moment(self, node: ast.AST) -> bool:
        return called(node) in CLOCKS or name_of(node) in self._moments

    def hold(self, expression: ast.AST) -> bool:
        """Whether a time between two moments is part of the expression."""
        for node in ast.walk(expression):
            match node:
                case ast.BinOp(op=ast.Sub()) if self._is_moment(node.left) or self._is_moment(node.right):
                    return True
                case ast.Name() | ast.Attribute() if name_of(node) in self._durations:
                    return True
                case ast.Call() if called(node) in self._measuring:
                    return True
        return False


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


def measuring_functions(trees: Iterable[ast.AST]) -> set[str]:
    """The names of functions that return how long something took."""
    return {
        function.name
        for tree in trees
        for function in functions(tree)
        for durations in [Durations(function, ())]
        for node in ast.walk(function)
        if isinstance(node, ast.Return) and node.value and durations.hold(node.value)
    }


def races(tree: ast.AST, measuring: Iterable[str] = ()) -> list[int]:
    """The lines with assertions that compare how long something took."""
    return sorted(
        {
            node.lineno
            for function in functions(tree)
            for durations in [Durations(function, measuring)]
            for node in ast.walk(function)
            if isinstance(node, ast.Assert)
            and any(isinstance(part, ast.Compare) and durations.hold(part) for part in ast.walk(node.test))
        }
    )


@pytest.mark.slow
def test_no_assertion_compares_how_long_something_took() -> None:
    texts = {path: path.read_text() for path in sorted(TESTS.rglob("*.py"))}
    trees = {path: ast.parse(text) for path, text in texts.items() if any(f"{clock}(" in text for clock in CLOCKS)}
    measuring = measuring_functions(trees.values())
    trees |= {path: ast.parse(text) for path, text in texts.items() if any(f"{name}(" in text for name in measuring)}
    found = [f"{path.relative_to(TESTS)}:{line}" for path, tree in trees.items() for line in races(tree, measuring)]
    assert not found, __doc__


@pytest.mark.parametrize(
    "body",
    [
        "began = time.monotonic(); work(); assert time.monotonic() - began < 2",
        "began = perf_counter(); work(); took = perf_counter() - began; assert took < limit",
        "self.began = time.process_time(); work(); assert 1 < time.process_time() - self.began < 3, 'why'",
        "assert abs(score - time.time() - 500) < 3",
        "assert datetime.now(UTC) - seen_at < timedelta(seconds=5)",
        "seconds = measure(work); assert seconds < 4",
    ],
)
def test_it_finds_a_comparison(body: str) -> None:
    assert races(ast.parse(f"def test(): {body}"), {"measure"}) == [1]


@pytest.mark.parametrize(
    "body",
    [
        "deadline = time.monotonic() + 60; assert time.monotonic() < deadline",
        "before = time.time(); assert before <= seen_at <= time.time()",
        "seconds = measure(work); print(seconds); assert work.done",
        "clock.now += 5; assert pace.wait_s - clock.now < 2",
    ],
)
def test_it_lets_waits_and_orders_pass(body: str) -> None:
    assert races(ast.parse(f"def test(): {body}"), {"measure"}) == []


def test_it_knows_functions_that_measure() -> None:
    tree = ast.parse("def wait():\n began = time.monotonic()\n while away(): pass\n return time.monotonic() - began")
    assert measuring_functions([tree]) == {"wait"}

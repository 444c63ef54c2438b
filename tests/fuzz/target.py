"""What is fuzzed: a maker of hostile inputs, and what reads them."""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Target:
    """One reader of what strangers write.

    `make` draws an input from its source of chance alone, so that a case can be drawn again; `read` may raise what is
    `declared`, and nothing else.
    """

    make: Callable[[random.Random], Any]
    read: Callable[[Any], object]
    declared: tuple[type[Exception], ...]


def target_names() -> list[str]:
    """Each module of `targets` is one target: its function ``opened()`` gives it, with the servers that it needs."""
    return sorted(path.stem for path in (Path(__file__).parent / "targets").glob("[!_]*.py"))


def opened(name: str) -> AbstractContextManager[Target]:
    module = import_module(f"fuzz.targets.{name}")
    context: AbstractContextManager[Target] = module.opened()
    return context


def case(target: Target, seed: str, number: int) -> Any:
    """An input; the same seed and number are the same input."""
    return target.make(random.Random(f"{seed}:{number}"))

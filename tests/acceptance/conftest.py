"""The installed program against the demo shop and a real Redis."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from acceptance.program import Program
from shop import Shop

from offers_cli.demo.catalogue import Catalogue
from offers_cli.redis.embedded import stop_server


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "acceptance" in item.path.parts:
            item.add_marker(pytest.mark.acceptance)


@pytest.fixture
def folder() -> Iterator[Path]:
    """A short folder: a unix socket's path may not be long."""
    with tempfile.TemporaryDirectory(prefix="of-") as name:
        yield Path(name)


@pytest.fixture
def offers(folder: Path) -> Iterator[Program]:
    """The program with an empty home; the Redis it starts is stopped at the end."""
    home = folder / "home"
    yield Program(home)
    stop_server(home)


@pytest.fixture
def calm_shop() -> Iterator[Shop]:
    """Forty offers, none in trouble."""
    with Shop(Catalogue(40, 1, ())) as shop:
        yield shop

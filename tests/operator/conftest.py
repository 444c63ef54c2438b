"""What the operator's commands are tested with: the installed program, a shop, short folders."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from acceptance.program import Program, at_shop
from shop import Shop

from offers_cli.demo.catalogue import Catalogue
from offers_cli.redis.embedded import stop_server


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "operator" in item.path.parts:
            item.add_marker(pytest.mark.acceptance)


@pytest.fixture
def folder() -> Iterator[Path]:
    """A short folder: a unix socket's path may not be long."""
    with tempfile.TemporaryDirectory(prefix="of-") as name:
        yield Path(name)


@pytest.fixture
def shop() -> Iterator[Shop]:
    with Shop(Catalogue(20, 1, ())) as running:
        yield running


@pytest.fixture
def program(folder: Path, shop: Shop) -> Iterator[Program]:
    """The program at the shop, with an embedded Redis that is stopped at the end."""
    home = folder / "home"
    yield at_shop(Program(home), shop)
    stop_server(home)

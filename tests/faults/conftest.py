from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from servers import RedisServer


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "faults" in item.path.parts:
            item.add_marker(pytest.mark.slow)


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="of-", ignore_cleanup_errors=True) as name:
        yield Path(name)


@pytest.fixture
def server() -> Iterator[RedisServer]:
    """A Redis of the test's own, with an append-only file, to be killed and restarted."""
    with RedisServer() as server:
        yield server


@pytest.fixture
def connection(server: RedisServer) -> Iterator[redis.Redis]:
    with server.connect() as client:
        yield client

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from servers import RedisServer
from storage.cases import at

from offers_cli.fetch.snapshots import Snapshots
from offers_cli.storage.base import Storage
from offers_cli.storage.sqlite.storage import open_sqlite


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Storage]:
    storage = open_sqlite(tmp_path / "offers.db")
    yield storage
    storage.close()


@pytest.fixture
def snapshots(tmp_path: Path) -> Snapshots:
    return Snapshots(tmp_path / "snapshots", mode="all", clock=lambda: at(10).timestamp())


@pytest.fixture(scope="session")
def services_redis() -> Iterator[RedisServer]:
    with RedisServer() as server:
        yield server


@pytest.fixture
def connection(services_redis: RedisServer) -> Iterator[redis.Redis]:
    """A connection to an empty Redis."""
    with services_redis.connect() as client:
        client.flushall()
        yield client

from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis
from alert_receiver import Receiver
from servers import RedisServer


@pytest.fixture(scope="session")
def shared_redis() -> Iterator[RedisServer]:
    with RedisServer() as server:
        yield server


@pytest.fixture
def connection(shared_redis: RedisServer) -> Iterator[redis.Redis]:
    """A connection to an empty Redis."""
    with shared_redis.connect() as client:
        client.flushall()
        yield client


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver

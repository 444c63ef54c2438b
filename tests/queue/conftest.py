from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis
from servers import RedisServer


@pytest.fixture(scope="session")
def shared_redis() -> Iterator[RedisServer]:
    with RedisServer() as server:
        yield server


@pytest.fixture
def redis_server() -> Iterator[RedisServer]:
    """A server of the test's own, to be killed and restarted."""
    with RedisServer() as server:
        yield server


@pytest.fixture
def connection(shared_redis: RedisServer) -> Iterator[redis.Redis]:
    """A connection to an empty Redis."""
    with shared_redis.connect() as client:
        client.flushall()
        yield client


@pytest.fixture
def redis_url(shared_redis: RedisServer) -> str:
    with shared_redis.connect() as client:
        client.flushall()
    return shared_redis.url

"""A fetcher for loopback servers, a Redis for the pace, and canaries that nobody may touch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
import redis
from fetch.free_pace import FreePace
from fetch.hostile_servers import Canary, RawServer, Respond
from servers import RedisServer
from waiting import NEVER_S

from offers_cli.fetch.client import PoliteFetcher
from offers_cli.fetch.guard import Guard
from offers_cli.marketplaces.mercado_livre.urls import is_wall


@pytest.fixture
def pace() -> FreePace:
    return FreePace()


@pytest.fixture
def serve() -> Iterator[Callable[[Respond], RawServer]]:
    """Starts raw servers; all of them end with the test."""
    with ExitStack() as stack:
        yield lambda respond: stack.enter_context(RawServer(respond))


@pytest.fixture
def make_fetcher(pace: FreePace) -> Iterator[Callable[..., PoliteFetcher]]:
    """Makes fetchers that may go to the given servers and nowhere else."""
    with ExitStack() as stack:

        def make(*servers: RawServer, **options: Any) -> PoliteFetcher:
            guard = Guard([server.netloc for server in servers], allow_private=True)
            defaults: dict[str, Any] = {"guard": guard, "pace": pace, "timeout_s": NEVER_S}
            fetcher = PoliteFetcher(is_wall=is_wall, **{**defaults, **options})
            stack.callback(fetcher.close)
            return fetcher

        yield make


@pytest.fixture
def canary() -> Iterator[Canary]:
    with Canary() as listening:
        yield listening


@pytest.fixture(scope="session")
def pace_redis() -> Iterator[RedisServer]:
    with RedisServer() as server:
        yield server


@pytest.fixture
def connection(pace_redis: RedisServer) -> Iterator[redis.Redis]:
    """A connection to an empty Redis."""
    with pace_redis.connect() as client:
        client.flushall()
        yield client

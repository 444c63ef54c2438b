"""The pages of the last days, in a real Redis."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import redis
from servers import RedisServer

from offers_cli.drift.detect import FieldCounts
from offers_cli.drift.store import DriftStore

GOOD = FieldCounts.of_page(1, {"price_cents": {"state": 1}})
BAD = FieldCounts.of_page(1, {})


class Clock:
    moment = datetime(2026, 3, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.moment


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    with RedisServer() as running:
        yield running


@pytest.fixture
def connection(server: RedisServer) -> Iterator[redis.Redis]:
    client = redis.Redis.from_url(server.url)
    client.flushall()
    yield client
    client.close()


def test_a_change_on_the_next_day_is_told_and_forgotten_after_a_week(connection: redis.Redis) -> None:
    clock = Clock()
    store = DriftStore(lambda: connection, now=clock)
    store.record("shop product", [GOOD] * 300)
    assert store.warnings() == []
    clock.moment += timedelta(days=1)
    store.record("shop product", [BAD] * 50)
    assert [(w.source, w.field) for w in store.warnings()] == [("shop product", "price_cents")], "once"
    clock.moment += timedelta(days=8)
    store.record("shop product", [BAD] * 300)
    [broken] = store.warnings()
    assert broken.is_broken, (
        "what is usual is what the last seven days were, but pages without any price are never well"
    )


def test_what_is_kept_is_bounded(connection: redis.Redis) -> None:
    store = DriftStore(lambda: connection)
    for _ in range(5):
        store.record("shop product", [GOOD] * 100)
    assert connection.llen("offers:drift:recent:shop product") == 200
    keys = [key for key in connection.keys("offers:drift:*") if key != b"offers:drift:sources"]
    assert all(0 < int(connection.ttl(key)) <= 8 * 86400 for key in keys)

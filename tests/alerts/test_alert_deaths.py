"""Two workers killed at every step of an alert: none lost, and none doubled where the receiver answered."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
import redis
from alert_receiver import Receiver
from servers import RedisServer

from offers_cli.alerts.store import DIED, AlertStore

pytestmark = pytest.mark.network
SCRIPT = Path(__file__).with_name("killed_workers.py")


def check(server: RedisServer, connection: redis.Redis, receiver: Receiver, *, rounds: int) -> Counter[str]:
    """Each alert arrived once, or is shown as unknown; what is shown as sent arrived. Returns how many ended how."""
    command = [sys.executable, "-W", "ignore", str(SCRIPT), str(server.socket), receiver.address, str(rounds)]
    subprocess.run(command, check=True)
    arrived, store = Counter(receiver.titles), AlertStore(connection, queue_name="enrichment")
    shown = {each.message.title: each for each in store.deliveries()}
    assert len(shown) == len(store.deliveries()) == rounds
    assert max(arrived.values()) == 1, "an alert came twice"
    for title, delivery in shown.items():
        assert delivery.state == ("sent" if not delivery.note else "unknown"), delivery
        assert title in arrived or delivery.note == DIED, "an alert is lost, and nobody is told so"
    return Counter(each.state for each in shown.values())


def test_no_alert_is_lost_or_doubled_by_a_death(
    shared_redis: RedisServer, connection: redis.Redis, receiver: Receiver
) -> None:
    ended = check(shared_redis, connection, receiver, rounds=12)
    assert ended.keys() == {"sent", "unknown"}


@pytest.mark.slow
def test_no_alert_of_two_hundred_is_lost_or_doubled_by_deaths_at_every_step(
    shared_redis: RedisServer, connection: redis.Redis, receiver: Receiver
) -> None:
    ended = check(shared_redis, connection, receiver, rounds=200)
    assert ended.keys() == {"sent", "unknown"}

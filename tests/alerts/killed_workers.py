"""Two workers that watch and send alerts, each killed at a step; a third one then does the rest.

``python killed_workers.py SOCKET ADDRESS ROUNDS``, in a process of its own, which forks: each worker is one fork.
"""

from __future__ import annotations

import os
import random
import signal
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from offers_cli.alerts.channels import Channels
from offers_cli.alerts.post import Post
from offers_cli.alerts.rule import Rule
from offers_cli.alerts.store import SEND_S, AlertStore
from offers_cli.alerts.watch import OfferWatch
from offers_cli.config.values import Secret
from offers_cli.redis.connection import connect_to_socket
from offers_cli.storage.base import RecordedPrice, StoredOffer

STEPS = 12
"""Before and after each thing that a worker asks of Redis and of the service to send one alert."""
NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)


class Shop:
    """A storage with one offer, whose price has just fallen."""

    def __init__(self, number: int) -> None:
        fell_at = NOON + timedelta(minutes=number + 1)
        self.offer = StoredOffer(
            id=f"o{number}",
            marketplace="mercado_livre",
            external_id=f"MLB{number}",
            title=f"Fone {number}",
            url="https://produto.mercadolivre.com.br/MLB-1",
            image_url=None,
            currency="BRL",
            price_cents=9_000,
            old_price_cents=None,
            discount_pct=None,
            commission_pct=None,
            affiliate_link=None,
            affiliation_id=None,
            source="ofertas",
            status="active",
            first_seen_at=NOON,
            last_seen_at=fell_at,
            price_changed_at=fell_at,
            item_id=None,
            catalogue_id=None,
        )

    def find_offers(self, _wanted: object) -> list[StoredOffer]:
        return [self.offer]

    def recorded_prices(self, _ids: object) -> dict[str, list[RecordedPrice]]:
        before = RecordedPrice(NOON.timestamp(), 12_000, None, None)
        return {self.offer.id: [before, RecordedPrice(self.offer.price_changed_at.timestamp(), 9_000, None, None)]}


def work(socket: Path, channels: Channels, number: int, *, die_at: int, later_s: float = 0.0) -> None:
    """What one worker does, which dies at that step."""
    steps = iter(range(1000))

    def die_at_last() -> None:
        if next(steps) == die_at:
            os.kill(os.getpid(), signal.SIGKILL)

    def watched(do: Callable[..., Any]) -> Callable[..., Any]:
        def done(*args: Any, **values: Any) -> Any:
            die_at_last()
            answer = do(*args, **values)
            die_at_last()
            return answer

        return done

    now = NOON + timedelta(minutes=number + 2)
    store = AlertStore(connect_to_socket(socket), queue_name="enrichment", clock=lambda: now.timestamp() + later_s)
    for name in ("tell", "move_cursor", "take", "settle"):
        setattr(store, name, watched(getattr(store, name)))
    sender = SimpleNamespace(send=watched(channels.send))
    watch = OfferWatch(store, storage=Shop(number), channels=channels.names, now=lambda: now)  # type: ignore[arg-type]
    watch.look()
    Post(store, sender, worker=f"w{os.getpid()}").send_waiting()  # type: ignore[arg-type]


def main(socket: Path, address: str, rounds: int) -> None:
    channels, choice = Channels(Secret(address)), random.Random(16)
    store = AlertStore(connect_to_socket(socket), queue_name="enrichment")
    store.add_rule(Rule(name="phones", below_cents=10_000, added_at=NOON))
    for number in range(rounds):
        # The first one dies at each step in turn, the other wherever it likes, beside it or after it.
        deaths = [number % STEPS, choice.randrange(STEPS)]
        first = fork(socket, channels, number, die_at=deaths[0])
        if number % 2:
            wait_for(first)
        second = fork(socket, channels, number, die_at=deaths[1])
        for child in [second] if number % 2 else [first, second]:
            wait_for(child)
        wait_for(fork(socket, channels, number, die_at=-1, later_s=SEND_S + 1), may_die=False)


def fork(socket: Path, channels: Channels, number: int, **how: Any) -> int:
    child = os.fork()
    if not child:
        try:
            work(socket, channels, number, **how)
            os._exit(0)
        finally:
            os._exit(1)
    return child


def wait_for(child: int, *, may_die: bool = True) -> None:
    """Until it has ended, well or as it was to."""
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) in ({0, -signal.SIGKILL} if may_die else {0})


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))

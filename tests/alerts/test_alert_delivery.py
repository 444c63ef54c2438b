"""From a price that fell to a message that arrived: what is told, to whom, and what is known of it."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
import redis
from alert_receiver import TOKEN, Receiver
from servers import RedisServer
from waiting import wait_until

from offers_cli import worker as worker_module
from offers_cli.alerts import watch
from offers_cli.alerts.channels import Channels
from offers_cli.alerts.post import Post
from offers_cli.alerts.rule import Rule
from offers_cli.alerts.store import AlertStore, Message
from offers_cli.alerts.thread import AlertThread
from offers_cli.alerts.troubles import TroubleWatch
from offers_cli.alerts.watch import OfferWatch
from offers_cli.config import load_config
from offers_cli.config.values import Secret
from offers_cli.errors import ConfigError, QueueUnavailable, StorageUnavailable
from offers_cli.offer import Offer, PriceCondition
from offers_cli.queue.signals import StopRequest
from offers_cli.runtime import open_runtime
from offers_cli.storage.base import OfferFilter, ScrapeRun, Storage

pytest_plugins = ("storage.conftest",)

NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)


class World:
    """A catalogue, a rule's watch over it, and its time."""

    def __init__(self, storage: Storage, connection: redis.Redis) -> None:
        self.now = NOON
        self.storage = storage
        self.store = AlertStore(connection, queue_name="enrichment", clock=self.read_clock)
        self.watch = self.new_watch()

    def read_clock(self) -> float:
        """As Redis's clock is read."""
        return self.now.timestamp()

    def new_watch(self) -> OfferWatch:
        """As another worker has it."""
        return OfferWatch(self.store, storage=self.storage, channels=["1 json"], now=lambda: self.now)

    def add(self, **values: Any) -> Rule:
        rule = Rule(name="phones", added_at=self.now, **values)
        assert self.store.add_rule(rule)
        return rule

    def show(self, cents: int, *numbers: int, **more: Any) -> None:
        """A listing shows these offers a minute later."""
        self.now += timedelta(minutes=1)
        cards = [
            Offer(
                marketplace="mercado_livre",
                external_id=f"MLB{number}",
                title=f"Fone {number}",
                url=f"https://produto.mercadolivre.com.br/MLB-{number}",
                price_cents=cents,
                currency="BRL",
                source="ofertas",
                price_condition=PriceCondition.ANY,
                **more,
            )
            for number in numbers
        ]
        self.storage.save_offers(cards, seen_at=self.now)

    def told(self, watch: OfferWatch | None = None) -> list[str]:
        """What a look adds to the deliveries."""
        before = {each.id for each in self.store.deliveries()}
        (watch or self.watch).look()
        return sorted(each.message.title for each in self.store.deliveries() if each.id not in before)


@pytest.fixture
def world(sqlite_storage: Storage, connection: redis.Redis) -> World:
    return World(sqlite_storage, connection)


@pytest.fixture
def world_of_each(storage: Storage, connection: redis.Redis) -> World:
    return World(storage, connection)


def test_a_new_low_is_told_once_on_each_storage(world_of_each: World) -> None:
    world = world_of_each
    world.show(12_000, 1, 2)
    world.add(below_cents=10_000)
    assert world.told() == []
    world.show(9_500, 1)
    assert world.told() == ["R$ 95,00: Fone 1"]
    assert world.told() == []
    assert world.told(world.new_watch()) == []
    world.show(9_000, 1, 2, 3)
    assert world.told() == ["R$ 90,00: Fone 1", "R$ 90,00: Fone 2"]


def test_a_rule_looks_at_its_own_offers_alone(world: World) -> None:
    world.show(12_000, 1, 2, 33)
    world.add(below_cents=10_000, matching=OfferFilter(search="fone 33"))
    [offer] = world.storage.find_offers(OfferFilter(search="fone 2"))
    assert world.store.add_rule(Rule(name="one", drop_pct=10, offer_id=offer.id, added_at=world.now))
    world.show(9_000, 1, 2, 33)
    assert world.told() == ["R$ 90,00: Fone 2", "R$ 90,00: Fone 33"]
    assert {each.message.about for each in world.store.deliveries()} == {"one", "phones"}


def test_a_price_that_is_saved_late_is_told_all_the_same(world: World) -> None:
    """It was seen before the last look, and written after it: its worker waited for the database."""
    world.show(12_000, 1, 2)
    world.add(below_cents=10_000)
    world.show(9_000, 1)
    assert world.told() == ["R$ 90,00: Fone 1"]
    seen = world.now
    world.now -= timedelta(seconds=90)
    world.show(9_100, 2)
    assert world.now < seen
    assert world.told() == ["R$ 91,00: Fone 2"]


def test_rules_added_again_after_redis_was_lost_bring_no_storm(world: World, connection: redis.Redis) -> None:
    world.show(12_000, *range(20))
    world.add(below_cents=10_000)
    world.show(9_000, *range(20))
    assert len(world.told()) == 20
    connection.flushall()
    world.add(below_cents=10_000)
    assert world.told(world.new_watch()) == []


def test_what_changed_while_no_worker_was_there_is_told_by_the_next_one(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More than a batch of it, all at one moment."""
    monkeypatch.setattr(watch, "BATCH", 5)
    numbers = range(13)
    world.show(12_000, *numbers)
    world.add(below_cents=10_000)
    world.show(9_000, *numbers)
    world.now += timedelta(days=3)
    assert len(world.told()) == 13
    assert world.told(world.new_watch()) == []


def test_a_watch_that_died_between_two_alerts_tells_the_rest_and_no_alert_twice(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.show(12_000, 1, 2, 3)
    world.add(below_cents=10_000)
    world.show(9_000, 1, 2, 3)
    tell, told = world.store.tell, list[Any]()

    def die_at_second(*args: Any, **values: Any) -> bool:
        if told:
            raise StorageUnavailable("as if killed")
        told.append(args)
        return tell(*args, **values)

    monkeypatch.setattr(world.store, "tell", die_at_second)
    with pytest.raises(StorageUnavailable):
        world.watch.look()
    monkeypatch.undo()
    assert len(world.told(world.new_watch())) == 2
    assert len(world.store.deliveries()) == 3


def test_nothing_is_asked_of_the_database_without_a_rule(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(world.watch, "_storage", None)
    assert world.told() == []


@pytest.mark.network
@pytest.mark.parametrize(
    ("status", "state", "why"),
    [(200, "sent", ""), (204, "sent", ""), (500, "refused", "answered 500"), (None, "unknown", "did not answer")],
)
def test_a_delivery_says_what_its_service_said(receiver: Receiver, status: int | None, state: str, why: str) -> None:
    receiver.status = status
    found, note = Channels(receiver.urls).send("1 json", Message(title="t", text="x", about="r"))
    assert (found, receiver.titles) == (state, ["t"])
    assert why in note


@pytest.mark.network
def test_a_message_is_sent_in_the_language_that_is_spoken_but_for_the_name_of_an_offer(
    receiver: Receiver, in_portuguese: None
) -> None:
    channels = Channels(receiver.urls)
    channels.send("1 json", Message(title="The disk is nearly full", text="x", about="disk"))
    channels.send("1 json", Message(title="R$ 90,00: Deals", text="x", about="r", offer_id="1"))
    assert receiver.titles == ["O disco está quase cheio", "R$ 90,00: Deals"]


def test_a_service_that_cannot_be_reached_is_unknown() -> None:
    channels = Channels(Secret(f"json://127.0.0.1:9/{TOKEN}"))
    assert channels.send("1 json", Message(title="t", text="x", about="r"))[0] == "unknown"
    assert channels.send("2 tgram", Message(title="t", text="x", about="r"))[0] == "refused"


@pytest.mark.network
def test_no_address_is_told_by_logs_redis_or_errors(
    receiver: Receiver, world: World, connection: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It holds a token by which anybody may write to the operator."""
    lines: list[str] = []
    heard = logging.Handler()
    heard.emit = lambda record: lines.append(record.getMessage())  # type: ignore[method-assign]
    monkeypatch.setattr(logging.getLogger(), "handlers", [heard])
    monkeypatch.setattr(logging.getLogger("apprise"), "level", logging.DEBUG)
    channels = Channels(receiver.urls)
    world.show(12_000, 1)
    world.add(below_cents=10_000)
    world.show(9_000, 1)
    world.watch.look()
    receiver.status = None
    assert Post(world.store, channels, worker="a").send_waiting() == 1
    kept = [connection.hgetall(key) for key in (world.store.keys.deliveries, world.store.keys.rules)]
    assert lines
    assert TOKEN not in repr((lines, kept)) + repr(world.store.deliveries()) + repr(receiver.urls)
    with pytest.raises(ConfigError) as refused:
        Channels(Secret(f"nosuch://{TOKEN}"))
    assert "1 nosuch" in refused.value.message
    assert TOKEN not in repr(refused.value) + refused.value.hint


@pytest.mark.network
def test_what_arrived_while_redis_was_away_is_shown_as_sent_when_it_is_back(
    receiver: Receiver, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would be shown as unknown, and its reader would send it by hand."""
    message = Message(title="kept", text="x", about="disk")
    world.store.note_trouble("disk", seen=b"", value="{}", message=message, channels=["1 json"])
    post = Post(world.store, Channels(receiver.urls), worker="a")

    def away(*_args: object) -> None:
        raise QueueUnavailable("Redis is away")

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(world.store, "settle", away)
        with pytest.raises(QueueUnavailable):
            post.send_waiting()
    assert post.send_waiting() == 0
    assert receiver.titles == ["kept"]
    assert [each.state for each in world.store.deliveries()] == ["sent"]


@pytest.mark.network
def test_a_worker_with_addresses_watches_and_sends_beside_its_jobs(
    receiver: Receiver, shared_redis: RedisServer, world: World, tmp_path: Path
) -> None:
    """As `offers worker` puts it together, with the settings alone."""
    tmp_path.chmod(0o700)
    settings = {"OFFERS_HOME": str(tmp_path), "REDIS_URL": shared_redis.url, "OFFERS_ALERT_URLS": receiver.address}
    with open_runtime(load_config(settings, tmp_path)) as runtime:
        world.now, world.storage = datetime.now(UTC) - timedelta(hours=1), runtime.storage
        world.show(12_000, 1)
        world.add(below_cents=10_000)
        world.show(9_000, 1)
        run = ScrapeRun(id=str(uuid4()), source="ofertas", status="failed", started_at=world.now - timedelta(days=3))
        runtime.storage.save_run(run)
        worker = SimpleNamespace(stop_request=StopRequest(1))
        with worker_module._alerts_beside(worker, runtime):  # type: ignore[arg-type]
            wait_until(lambda: len(receiver.titles) == 2)
    assert sorted(receiver.titles) == ["Nothing was scraped for 72 hours", "R$ 90,00: Fone 1"]
    assert not world.store.has_leader()


def test_a_worker_whose_address_is_none_does_its_jobs_and_says_so(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    thread = AlertThread(
        world.store,
        open_channels=lambda: Channels(Secret(f"nosuch://{TOKEN}")),
        offers=world.watch,
        troubles=TroubleWatch(world.store, {}, channels=[], now=lambda: world.now),
        stop_request=StopRequest(1),
    )
    thread.start()
    thread.join()
    assert "no alert is sent" in caplog.text
    assert TOKEN not in caplog.text


def test_without_apprise_the_command_that_installs_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "apprise", None)
    with pytest.raises(ConfigError, match="apprise is missing") as refused:
        Channels(Secret("json://localhost"))
    assert "[notify]" in refused.value.hint


@pytest.fixture
def two_threads(receiver: Receiver, world: World) -> Iterator[list[AlertThread]]:
    stop, store = StopRequest(1), AlertStore(world.store._connection, queue_name="enrichment")
    threads = [
        AlertThread(
            store,
            open_channels=lambda: Channels(receiver.urls),
            offers=OfferWatch(store, storage=world.storage, channels=["1 json"], now=lambda: world.now),
            troubles=TroubleWatch(store, {}, channels=["1 json"], now=lambda: world.now),
            stop_request=stop,
            tick_s=0.01,
        )
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    yield threads
    for thread in threads:
        thread.close()


@pytest.mark.network
def test_of_two_workers_one_sends_and_the_other_takes_over(
    two_threads: list[AlertThread], receiver: Receiver, world: World
) -> None:
    world.show(12_000, 1)
    world.add(below_cents=10_000)
    world.show(9_000, 1)
    wait_until(lambda: receiver.titles == ["R$ 90,00: Fone 1"])
    first = next(thread for thread in two_threads if world.store.lead(thread.worker, seconds=60))
    first.close()
    world.show(8_000, 1)
    wait_until(lambda: receiver.titles == ["R$ 90,00: Fone 1", "R$ 80,00: Fone 1"])
    wait_until(lambda: {each.state for each in world.store.deliveries()} == {"sent"})


def test_a_database_that_is_away_keeps_no_reserved_alert_waiting(
    two_threads: list[AlertThread], receiver: Receiver, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_args: object, **_values: object) -> None:
        raise StorageUnavailable("the database is away")

    for thread in two_threads:
        monkeypatch.setattr(thread._offers, "look", away)
    message = Message(title="kept", text="x", about="disk")
    assert world.store.note_trouble("disk", seen=b"", value="{}", message=message, channels=["1 json"])
    wait_until(lambda: receiver.titles == ["kept"])
    assert all(thread.is_alive() for thread in two_threads)

"""What Redis keeps of alerts: told once, taken by one worker, ended once, whoever dies and whatever is planted."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import redis
from queue_foreign import PLANTS

from offers_cli.alerts.rule import Rule, Told
from offers_cli.alerts.store import SEND_S, AlertStore, Message
from offers_cli.alerts.troubles import Trouble, TroubleWatch
from offers_cli.errors import StorageUnavailable

NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)
RULE = Rule(name="phones", below_cents=10_000, added_at=NOON)
MESSAGE = Message(title="R$ 90,00: Fone", text="less", about="phones", offer_id="o1")
TOLD = Told(changed_s=1.0)


class Clock:
    """Redis's clock, as the test turns it."""

    def __init__(self) -> None:
        self.now = NOON.timestamp()

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(connection: redis.Redis, clock: Clock) -> AlertStore:
    store = AlertStore(connection, queue_name="enrichment", clock=clock)
    assert store.add_rule(RULE)
    return store


def tell(
    store: AlertStore, *, seen: bytes = b"", told: Told = TOLD, rule: Rule = RULE, channels: Any = ("1 json",)
) -> bool:
    return store.tell(rule, "o1", seen=seen, told=told, message=MESSAGE, channels=channels)


def states(store: AlertStore) -> list[tuple[str, str, str]]:
    return [(each.channel, each.state, each.note) for each in store.deliveries()]


def test_two_workers_that_saw_the_same_low_tell_it_once(store: AlertStore) -> None:
    assert tell(store)
    assert not tell(store)
    assert states(store) == [("1 json", "reserved", "")]


def test_a_further_low_is_told_by_whoever_saw_the_last_one(store: AlertStore) -> None:
    assert tell(store)
    seen = store.told(RULE, ["o1", "o2"])
    assert [*seen] == ["o1"]
    assert tell(store, seen=seen["o1"], told=Told(changed_s=2.0))
    assert not tell(store, seen=seen["o1"], told=Told(changed_s=3.0))
    assert len(states(store)) == 2


def test_a_rule_that_was_removed_or_added_anew_meanwhile_tells_nothing(store: AlertStore) -> None:
    other = Rule(name="phones", below_cents=10_000, added_at=NOON + timedelta(seconds=1))
    assert not store.add_rule(other)
    store.remove_rule("phones")
    assert not tell(store)
    assert store.add_rule(other)
    assert not tell(store)
    assert store.deliveries() == []


def test_a_rule_added_anew_under_an_old_name_remembers_nothing(store: AlertStore) -> None:
    tell(store)
    store.move_cursor(RULE, NOON + timedelta(hours=1))
    store.remove_rule("phones")
    store.add_rule(RULE)
    assert store.told(RULE, ["o1"]) == {}
    assert store.cursor(RULE) == NOON


def test_a_cursor_is_moved_while_its_rule_stands_and_never_before_it(store: AlertStore) -> None:
    later = NOON + timedelta(hours=1)
    assert store.cursor(RULE) == NOON
    assert store.move_cursor(RULE, later)
    assert store.cursor(RULE) == later
    store.remove_rule("phones")
    assert not store.move_cursor(RULE, later)


def test_each_delivery_is_taken_by_one_worker_the_oldest_first(store: AlertStore, clock: Clock) -> None:
    tell(store, channels=["1 json"])
    clock.now += 1
    tell(store, seen=TOLD.encode().encode(), told=Told(changed_s=2.0), channels=["2 tgram"])
    taken = [store.take(worker) for worker in ("a", "b", "c")]
    assert [each and each.channel for each in taken] == ["1 json", "2 tgram", None]
    assert taken[0] is not None
    assert taken[0].message == MESSAGE
    assert [state for _, state, _ in states(store)] == ["sending", "sending"]


def test_a_reservation_whose_worker_died_before_it_was_begun_is_taken_up(store: AlertStore, clock: Clock) -> None:
    tell(store)
    clock.now += 10 * SEND_S
    assert store.take("b") is not None


def test_what_was_being_sent_when_its_worker_died_is_shown_as_unknown_and_not_sent_again(
    store: AlertStore, clock: Clock
) -> None:
    tell(store)
    assert store.take("a")
    clock.now += SEND_S - 1
    assert store.take("b") is None
    assert states(store) == [("1 json", "sending", "")]
    clock.now += 2
    assert store.take("b") is None
    assert states(store) == [("1 json", "unknown", "its worker died while it was sent")]


def test_a_worker_that_was_only_slow_says_what_became_of_its_delivery(store: AlertStore, clock: Clock) -> None:
    tell(store)
    delivery = store.take("slow")
    assert delivery
    clock.now += SEND_S + 1
    store.take("b")
    assert not store.settle(delivery.id, "b", "refused", "not mine")
    assert store.settle(delivery.id, "slow", "sent")
    assert states(store) == [("1 json", "sent", "")]


def test_of_the_deliveries_that_ended_only_the_last_are_kept(store: AlertStore) -> None:
    """Years of alerts do not fill Redis; what waits is never dropped."""
    tell(store, channels=[f"{number} json" for number in range(205)])
    for _ in range(203):
        delivery = store.take("a")
        assert delivery
        store.settle(delivery.id, "a", "sent")
    kept = [state for _, state, _ in states(store)]
    assert (kept.count("sent"), kept.count("reserved")) == (200, 2)


def test_one_worker_leads_until_it_gives_no_sign(store: AlertStore) -> None:
    assert not store.has_leader()
    assert store.lead("a", seconds=60)
    assert store.has_leader()
    assert not store.lead("b", seconds=60)
    assert store.lead("a", seconds=0)
    assert store.lead("b", seconds=60)


def every_key(store: AlertStore) -> list[str]:
    return [*vars(store.keys).values(), store.keys.told_by("phones")]


@pytest.mark.parametrize("kind", PLANTS)
def test_whatever_is_planted_in_a_key_stops_no_alert(store: AlertStore, connection: redis.Redis, kind: str) -> None:
    """And nothing of it crashes the list."""
    for key in every_key(store):
        connection.flushall()
        PLANTS[kind](connection, key)
        store.deliveries()
        store.rules()
        store.has_leader()
        store.cursor(RULE)
        TroubleWatch(store, {}, channels=(), now=lambda: NOON).look()
        planted_rule = connection.hexists(store.keys.rules, "phones")
        assert store.add_rule(RULE) or planted_rule
        seen = store.told(RULE, ["o1"]).get("o1", b"")
        assert tell(store, seen=seen), key
        sent = []
        while delivery := store.take("a"):
            sent.append(delivery.message)
            assert store.settle(delivery.id, "a", "sent")
        assert MESSAGE in sent, key
        store.remove_rule("phones")


def test_planted_deliveries_and_troubles_are_neither_sent_nor_shown(store: AlertStore, connection: redis.Redis) -> None:
    keys = store.keys
    for name, text in (("x", b"\xff"), ("y", b"[1]"), ("z", b'{"channel": 1}')):
        connection.hset(keys.deliveries, mapping={name: text, f"{name}:state": "reserved"})
        connection.zadd(keys.waiting, {name: 1})
    connection.zadd(keys.waiting, {"nothing": 0, "inf": float("inf")})
    connection.hset(keys.troubles, mapping={"wall x": b"\xff", "disk": b"{}"})
    assert store.take("a") is None
    assert store.deliveries() == []
    TroubleWatch(store, {"wall": list, "disk": list}, channels=["1 json"], now=lambda: NOON).look()
    assert store.troubles() == {}
    assert store.deliveries() == []


WALL = Trouble(name="wall s", title="s shows a wall", text="wait", over="s serves again", after=timedelta(minutes=30))
SOON = Trouble(name="session", title="ends soon", text="x", over="works again", is_grave=False)
ENDED = Trouble(name="session", title="has ended", text="x", over="works again")


class Troubles:
    """What is wrong, minute by minute, and what is told of it."""

    def __init__(self, store: AlertStore) -> None:
        self.store, self.now, self.here = store, NOON, list[Trouble]()
        self.error: Exception | None = None
        looks = {kind: lambda kind=kind: self._look(kind) for kind in ("wall", "session")}
        self.watch = TroubleWatch(store, looks, channels=["1 json"], now=lambda: self.now)

    def _look(self, kind: str) -> list[Trouble]:
        if self.error and kind == "wall":
            raise self.error
        return [trouble for trouble in self.here if trouble.name.startswith(kind)]

    def after(self, minutes: int, *here: Trouble) -> list[str]:
        """What was told in these minutes, with these troubles in each of them."""
        self.here, before = [*here], {each.id for each in self.store.deliveries()}
        for _ in range(minutes):
            self.now += timedelta(minutes=1)
            self.watch.look()
        return [each.message.title for each in self.store.deliveries() if each.id not in before]


@pytest.fixture
def troubles(store: AlertStore) -> Troubles:
    return Troubles(store)


def test_a_wall_is_told_when_it_lasts_and_when_it_is_over(troubles: Troubles) -> None:
    assert troubles.after(30, WALL) == []
    assert troubles.after(60, WALL) == ["s shows a wall"]
    assert troubles.after(5) == []
    assert troubles.after(5, WALL) == []
    assert troubles.after(30) == ["s serves again"]
    assert troubles.after(30) == []


def test_a_wall_that_is_over_soon_is_not_told(troubles: Troubles) -> None:
    assert troubles.after(20, WALL) == []
    assert troubles.after(60) == []
    assert troubles.after(20, WALL) == []


def test_a_trouble_that_gets_worse_is_told_again_and_over_once(troubles: Troubles) -> None:
    assert troubles.after(5, SOON) == ["ends soon"]
    assert troubles.after(5, ENDED) == ["has ended"]
    assert troubles.after(5, SOON) == []
    assert troubles.after(30) == ["works again"]


def test_what_cannot_be_looked_at_is_not_said_to_be_over(troubles: Troubles) -> None:
    assert troubles.after(40, WALL) == ["s shows a wall"]
    troubles.error = StorageUnavailable("away")
    assert troubles.after(60) == []
    assert [*troubles.store.troubles()] == ["wall s"]


def test_two_workers_that_see_a_trouble_tell_it_once(troubles: Troubles) -> None:
    other = Troubles(troubles.store)
    assert troubles.after(1, SOON) == ["ends soon"]
    assert other.after(1, SOON) == []

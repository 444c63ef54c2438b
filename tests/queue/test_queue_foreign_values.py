"""Whatever a stranger puts in place of a key: no worker stops or crashes, no job is lost, and who asks is answered."""

from __future__ import annotations

import re
import shlex
from collections import Counter
from collections.abc import Callable
from importlib.resources import files
from typing import Any

import pytest
import redis
from queue_fakes import Database, enqueue, found, make_worker
from queue_foreign import NAMES, PLANTS, SHOP, SOURCE, URL, ask_everything
from servers import RedisServer

from offers_cli.drift.detect import FieldCounts
from offers_cli.drift.store import DriftStore
from offers_cli.errors import PageBlocked
from offers_cli.fetch.pace import SharedPace
from offers_cli.offer import Enrichment
from offers_cli.queue.job import ClaimedJob
from offers_cli.queue.keys import QueueKeys
from offers_cli.queue.registries import Registries
from offers_cli.redis.quarantine import find_set_aside
from offers_cli.redis.scripts import QUARANTINE, load_script, load_type_guard

OFFERS = [f"o{n}" for n in range(6)]
QUICK = ("string", "hash")


def run(connection: redis.Redis, database: Database, meanwhile: Callable[[], Any] = lambda: None) -> None:
    """A burst whose jobs keep the shop's pace, see a wall and a page, and are remembered."""
    pace, drift = SharedPace(connection, delay_s=0, first_pause_s=0.001), DriftStore(lambda: connection)

    def enrich(job: ClaimedJob) -> Enrichment:
        meanwhile()
        pace.reserve("other.test")
        pace.is_paused(SHOP)
        pace.note_refusal(SHOP, URL, None, reason=PageBlocked.code)
        pace.pause(SHOP, 0.001, reason="rate_limited")
        drift.record(SOURCE, [FieldCounts.of_page(1, {"price_cents": {"state": 1}})])
        return found(job)

    make_worker(connection, database, enrich).run(burst=True)


def plant_and_work(connection: redis.Redis, key: str, kind: str) -> None:
    """The planted key is there first; every job is done once, and what was planted is not deleted."""
    connection.flushall()
    PLANTS[kind](connection, key)
    ask_everything(connection)
    database = Database()
    enqueue(connection, OFFERS)
    run(connection, database)
    assert database.saved == dict.fromkeys(OFFERS, 1), (key, kind)
    ask_everything(connection)


def plant_in_the_middle(connection: redis.Redis, key: str, kind: str) -> None:
    """It takes the place of what is there, while jobs run: what is forgotten by that is found by `enqueue-missing`."""
    connection.flushall()
    database, running = Database(), Counter[str]()
    enqueue(connection, OFFERS)

    def plant() -> None:
        if not running["planted"]:
            running["planted"] += 1
            connection.delete(key)
            PLANTS[kind](connection, key)

    run(connection, database, plant)
    for _ in range(2):  # the jobs that were running count as running until their leases run out
        connection.delete(QueueKeys("enrichment").leases)
        enqueue(connection, [offer_id for offer_id in OFFERS if offer_id not in database.saved])
        run(connection, database)
    assert set(database.saved) == set(OFFERS), (key, kind)
    ask_everything(connection)


@pytest.mark.parametrize("name", NAMES)
def test_a_planted_key_stops_no_burst_and_no_question(connection: redis.Redis, name: str) -> None:
    for kind in QUICK:
        plant_and_work(connection, NAMES[name], kind)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_nothing_that_is_planted_stops_a_burst_or_a_question(connection: redis.Redis, name: str) -> None:
    for kind in PLANTS.keys() - set(QUICK):
        plant_and_work(connection, NAMES[name], kind)
    for kind in PLANTS:
        plant_in_the_middle(connection, NAMES[name], kind)


def set_aside(connection: redis.Redis) -> list[str]:
    """What the keys that were set aside were called."""
    names: Any = connection.zrange(QUARANTINE, 0, -1)
    assert connection.exists(*names) == len(names)
    return [name.decode().removeprefix(f"{QUARANTINE}:").partition(":")[2] for name in names]


def test_what_is_set_aside_is_kept_and_listed(connection: redis.Redis) -> None:
    connection.set("rq:finished:enrichment", "mine")
    connection.expire("rq:finished:enrichment", 1000)
    enqueue(connection, OFFERS)
    make_worker(connection, Database()).run(burst=True)
    names: Any = connection.zrange(QUARANTINE, 0, -1)
    [name] = names
    assert set_aside(connection) == ["rq:finished:enrichment"]
    assert connection.get(name) == b"mine"
    assert int(connection.ttl(name)) > 900, "it still expires when it was to"
    assert connection.zcard("rq:finished:enrichment") == 6


def test_a_worker_names_each_key_that_is_set_aside_once(
    connection: redis.Redis, caplog: pytest.LogCaptureFixture
) -> None:
    connection.set("rq:finished:enrichment", "of yesterday")
    Registries(connection).counts()
    enqueue(connection, OFFERS)
    planted = ["rq:failed:enrichment", "offers:leases:enrichment"]
    for key in planted:
        connection.set(key, "x")
    make_worker(connection, Database()).run(burst=True)
    told = [record.figures for record in caplog.records if "set aside" in record.getMessage()]  # type: ignore[attr-defined]
    assert sorted(figures["key"] for figures in told) == sorted(planted)


def test_what_was_set_aside_is_shown_by_the_command_given_with_it(
    connection: redis.Redis, shared_redis: RedisServer
) -> None:
    for kind in ("string", "list", "set", "zset", "hash", "stream"):
        PLANTS[kind](connection, "rq:queue:enrichment" if kind != "list" else "rq:failed:enrichment")
        Registries(connection).counts()
    found = find_set_aside(connection)
    assert [one.kind for one in found] == ["string", "list", "set", "zset", "hash", "stream"]
    for one in found:
        program, *words = shlex.split(one.look)
        assert (program, words[:2]) == ("redis-cli", ["-s", str(shared_redis.socket)])
        assert connection.execute_command(*words[2:])  # type: ignore[no-untyped-call]


def test_a_name_that_cannot_be_typed_is_shown_by_the_list_of_all(connection: redis.Redis) -> None:
    """Nor do scores of a stranger break the list."""
    connection.set(f"{QUARANTINE}:1:\x1b]0;x\x07", "x")
    connection.set(f"{QUARANTINE}:2:$(id)", "x")
    connection.set("no time", "x")
    scores: dict[str, float] = {f"{QUARANTINE}:1:\x1b]0;x\x07": 1, f"{QUARANTINE}:2:$(id)": 2}
    connection.zadd(QUARANTINE, scores | {"no time": float("inf"), "gone": 3})
    shown = [one.look.partition(" ZRANGE")[2] or shlex.split(one.look)[-1] for one in find_set_aside(connection)]
    assert shown == [" offers:quarantine 0 -1", f"{QUARANTINE}:2:$(id)"]


def test_of_many_keys_only_the_newest_are_kept(connection: redis.Redis) -> None:
    """And what a stranger wrote into their list leads to no other key."""
    connection.set("precious", "x")
    connection.zadd(QUARANTINE, {"precious": 0, **{f"{QUARANTINE}:{n}:old": n for n in range(1, 1000)}})
    connection.set(f"{QUARANTINE}:1:old", "x")
    for place in ("rq:finished:enrichment", "rq:failed:enrichment"):
        connection.set(place, "x")
    Registries(connection).counts()
    assert connection.zcard(QUARANTINE) == 1000
    assert connection.exists("precious", f"{QUARANTINE}:1:old") == 1
    assert set_aside_last(connection, 2) == {"rq:finished:enrichment", "rq:failed:enrichment"}


def set_aside_last(connection: redis.Redis, count: int) -> set[str]:
    names: Any = connection.zrange(QUARANTINE, -count, -1)
    return {name.decode().split(":", 3)[3] for name in names}


FOR_ANY_TYPE = {"DEL", "EXISTS", "EXPIRE", "PERSIST", "PEXPIRE", "PTTL", "RENAME"}
ASKS_FIRST = {"SET"}
REFUSED = [
    "GET KEY", "INCRBY KEY 1",
    "HGET KEY f", "HMGET KEY f", "HGETALL KEY", "HSET KEY f 1", "HSETNX KEY f 1", "HDEL KEY f", "HEXISTS KEY f",
    "HSTRLEN KEY f", "HINCRBY KEY f 1", "HINCRBYFLOAT KEY f 1",
    "LPOP KEY", "LPUSH KEY x", "RPUSH KEY x", "LLEN KEY", "LRANGE KEY 0 1", "LINDEX KEY 0", "LREM KEY 1 x",
    "LPOS KEY x", "LTRIM KEY 0 1",
    "SADD KEY x", "SREM KEY x", "SMEMBERS KEY", "SCARD KEY",
    "ZADD KEY 1 x", "ZCARD KEY", "ZCOUNT KEY 0 1", "ZRANGE KEY 0 1", "ZRANGEBYSCORE KEY 0 1", "ZREM KEY x",
    "ZREMRANGEBYSCORE KEY 0 1", "ZSCORE KEY x",
    "XADD KEY * f 1", "XREVRANGE KEY + -",
]  # fmt: skip


@pytest.mark.parametrize("command", REFUSED)
def test_redis_refuses_a_key_of_a_wrong_type_and_leaves_it_as_it_is(connection: redis.Redis, command: str) -> None:
    """By that every script knows that it met one: a command that does as it is asked would spoil what is not ours."""
    if command.startswith(("GET", "INCRBY")):
        connection.rpush("key", "precious")
    else:
        connection.set("key", "precious")
    before = connection.dump("key")
    with pytest.raises(redis.ResponseError, match=r"^WRONGTYPE"):
        connection.execute_command(*command.replace("KEY", "key").split())  # type: ignore[no-untyped-call]
    assert connection.dump("key") == before


def test_every_command_of_the_scripts_is_refused_by_a_key_of_a_wrong_type() -> None:
    """Or is for any: another would not be noticed in the middle of a script."""
    refused = {command.partition(" ")[0] for command in REFUSED}
    scripts = [
        (package, script.name.removesuffix(".lua"))
        for package in ("offers_cli.queue", "offers_cli.fetch", "offers_cli.alerts")
        for script in (files(package) / "lua").iterdir()
        if script.name not in {"prelude.lua", "rehearse.lua"}
    ]
    for package, name in scripts:
        text = load_script(package, name).removeprefix(load_type_guard())
        used = set(re.findall(r"\bcall(?:_counter)?\('([A-Z]+)'", text)) - {"TIME", "TYPE"}
        assert used
        assert used <= refused | FOR_ANY_TYPE | ASKS_FIRST, name
        counters = set(re.findall(r"\bcall\('(\w*INCR\w*|\w*DECR\w*)'", text))
        assert not counters, f"{name} adds to what may be no number"
        assert set(re.findall(r"redis\.call\('([A-Z]+)'", text)) <= {"TIME", "TYPE"}, f"{name} goes past the accessor"

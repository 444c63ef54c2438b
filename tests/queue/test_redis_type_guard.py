"""What every script begins with: a key of a wrong type makes way, once and with its name, and nothing else does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import redis

from offers_cli.redis.scripts import QUARANTINE, load_type_guard

Run = Callable[[str], Any]


@pytest.fixture
def run(connection: redis.Redis) -> Run:
    """Runs a script after the guard."""
    return lambda script: connection.eval(f"{load_type_guard()}\n{script}", 0)


def names_aside(connection: redis.Redis) -> list[str]:
    names: Any = connection.zrange(QUARANTINE, 0, -1)
    return [name.decode() for name in names]


def test_a_key_of_a_wrong_type_makes_way_and_keeps_what_it_holds(connection: redis.Redis, run: Run) -> None:
    connection.set("key", "precious")
    before: Any = connection.time()
    assert run("return call('HSET', 'key', 'field', 1)") == 1
    after: Any = connection.time()
    [name] = names_aside(connection)
    moment = name.removeprefix(f"{QUARANTINE}:").removesuffix(":key")
    seconds, _, micros = moment.partition(".")
    assert before <= (int(seconds), int(micros)) <= after
    assert len(micros) == 6
    assert connection.zscore(QUARANTINE, name) == pytest.approx(float(moment))
    assert connection.get(name) == b"precious"
    assert connection.hgetall("key") == {b"field": b"1"}


def test_a_key_of_the_right_type_or_none_stays_where_it_is(connection: redis.Redis, run: Run) -> None:
    connection.hset("key", "field", "x")
    assert run("return call('HGET', 'key', 'field')") == b"x"
    assert run("return call('HGET', 'none', 'field')") is None
    assert names_aside(connection) == []


@pytest.mark.parametrize(("kind", "there"), [("hash", 1), ("string", None)])
def test_whether_there_is_such_a_key_is_answered_once_it_has_made_way(
    connection: redis.Redis, run: Run, kind: str, there: int | None
) -> None:
    if kind == "hash":
        connection.hset("key", "field", "x")
    else:
        connection.set("key", "x")
    assert run("return is_there('key', 'hash')") == there
    assert run("return is_there('none', 'hash')") is None
    assert len(names_aside(connection)) == (not there)


def test_a_command_for_any_type_moves_nothing(connection: redis.Redis, run: Run) -> None:
    connection.set("key", "x")
    assert run("return {call('EXISTS', 'key'), call('EXPIRE', 'key', 60), call('DEL', 'key')}") == [1, 1, 1]
    assert names_aside(connection) == []


def test_a_key_of_the_right_type_costs_no_look_at_its_type(connection: redis.Redis, run: Run) -> None:
    """Jobs are claimed while Redis serves nobody else: what is asked of it for each must be little."""
    connection.config_resetstat()
    run("for _ = 1, 3 do call('HSET', 'key', 'field', 1) call_counter('HINCRBY', 'key', 'field', 1) end")
    told: Any = connection.info("commandstats")
    assert "cmdstat_type" not in told
    assert told["cmdstat_hset"]["calls"] == 3


def test_a_value_takes_no_other_ones_place(connection: redis.Redis, run: Run) -> None:
    """SET is not refused: it would replace a list without a word."""
    connection.rpush("key", "precious")
    assert run("call('SET', 'key', 1) return call('GET', 'key')") == b"1"
    [name] = names_aside(connection)
    assert connection.lrange(name, 0, -1) == [b"precious"]
    run("call('SET', 'key', 2)")
    assert names_aside(connection) == [name]


@pytest.mark.parametrize(
    ("command", "held", "amount"),
    [
        ("HINCRBY", "x", "2"),
        ("HINCRBY", "9223372036854775807", "2"),
        ("HINCRBYFLOAT", "x", "2"),
        ("HINCRBYFLOAT", "-inf", "inf"),
    ],
)
def test_a_counter_that_holds_no_number_makes_way(
    connection: redis.Redis, run: Run, command: str, held: str, amount: str
) -> None:
    connection.hset("key", mapping={"field": held, "other": "x"})
    try:
        run(f"return call_counter('{command}', 'key', 'field', '{amount}')")
    except redis.ResponseError:  # Redis takes no infinity, wherever it stands
        assert amount == "inf"
    else:
        assert connection.hgetall("key") == {b"field": b"2"}
    [name] = names_aside(connection)
    assert connection.hget(name, "field") == held.encode()


@pytest.mark.parametrize(("command", "kind"), [("INCRBY", "string"), ("HINCRBY", "hash")])
def test_a_counter_of_a_wrong_type_makes_way(connection: redis.Redis, run: Run, command: str, kind: str) -> None:
    connection.rpush("key", "x")
    field = "'field', " if kind == "hash" else ""
    assert run(f"return call_counter('{command}', 'key', {field}2)") == 2
    assert len(names_aside(connection)) == 1


def test_a_counter_goes_on_from_the_number_that_it_holds(connection: redis.Redis, run: Run) -> None:
    connection.set("key", 5)
    assert run("return call_counter('INCRBY', 'key', 2)") == 7
    assert run("return call_counter('DECR', 'key')") == 6
    connection.hset("hash", "field", "1.5")
    assert run("return call_counter('HINCRBYFLOAT', 'hash', 'field', 2)") == b"3.5"
    assert names_aside(connection) == []


def test_a_refusal_that_has_another_reason_moves_nothing_and_is_told(connection: redis.Redis, run: Run) -> None:
    connection.hset("key", "field", 1)
    with pytest.raises(redis.ResponseError, match=r"(?i)wrong number of arg"):
        run("return call_counter('HINCRBY', 'key', 'field', 1, 'one too many')")
    assert names_aside(connection) == []
    assert connection.hget("key", "field") == b"1"


@pytest.mark.parametrize(("before", "oldest_left"), [(999, 0), (1000, 1), (1001, 2)])
def test_of_a_thousand_that_were_set_aside_the_newest_stay(
    connection: redis.Redis, run: Run, before: int, oldest_left: int
) -> None:
    names = [f"{QUARANTINE}:{number}:old" for number in range(before)]
    connection.mset(dict.fromkeys(names, "x"))
    connection.zadd(QUARANTINE, {name: number for number, name in enumerate(names)})
    connection.set("key", "x")
    run("call('HGET', 'key', 'field')")
    left = names_aside(connection)
    assert len(left) == 1000
    assert left[:-1] == names[oldest_left:]
    assert connection.exists(*names) == len(names) - oldest_left


@pytest.mark.parametrize("other", ["precious", f"{QUARANTINE}", f"{QUARANTINE}x:1", f"x{QUARANTINE}:1"])
def test_what_a_stranger_wrote_into_the_list_leads_to_no_other_key(
    connection: redis.Redis, run: Run, other: str
) -> None:
    connection.zadd(QUARANTINE, {other: 0, **{f"{QUARANTINE}:{number}:old": number for number in range(1, 1000)}})
    if other != QUARANTINE:
        connection.set(other, "x")
    connection.set("key", "x")
    run("call('HGET', 'key', 'field')")
    assert connection.exists(other)
    assert connection.zscore(QUARANTINE, other) is None
    assert connection.zcard(QUARANTINE) == 1000

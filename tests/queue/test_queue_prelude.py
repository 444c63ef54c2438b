"""What all scripts of the queue share, function by function: what a stranger may have written, and every bound."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
import redis

from offers_cli.errors import WORK_ERRORS
from offers_cli.redis.scripts import load_script

QUEUE = "rq:queue:enrichment"
NOW = 2_000_000_000.25
Ask = Callable[..., Any]


@pytest.fixture
def ask(connection: redis.Redis) -> Ask:
    """Evaluates an expression after the prelude; its arguments are `ARGV[2]` and so on, and nil and false are None."""
    prelude = load_script("offers_cli.queue", "failures").partition("-- Counts")[0]

    def evaluate(expression: str, *args: str | int, now: float | str = NOW) -> Any:
        return connection.eval(f"{prelude}\nreturn {expression}", 0, now, *args)

    return evaluate


@pytest.mark.parametrize(
    ("text", "number"),
    [("0", 0), ("-5", -5), ("9" * 12, 10**12 - 1), ("9" * 13, None), ("-" + "9" * 11, 1 - 10**11)]
    + [(text, None) for text in ("", "-", "1.5", " 1", "1 ", "1e3", "x", "--1")],
)
def test_a_whole_number_has_twelve_characters_at_the_most(ask: Ask, text: str, number: int | None) -> None:
    assert ask("whole(ARGV[2])", text) == number


def test_nothing_is_no_whole_number(ask: Ask) -> None:
    assert ask("whole(false)") is None


@pytest.mark.parametrize(
    ("written", "amount", "sum_"),
    [
        *((None, 1, 1), ("0", 1, 1), ("4", 1, 5), ("4", -1, 3), ("4", -9, 0), ("0", -1, 0)),
        *(("1000", 1, 1001), ("1001", 1, 1), ("-1", 2, 2), ("x", 1, 1), ("1.5", 1, 1)),
    ],
)
def test_a_counter_that_holds_no_small_number_begins_at_nothing(
    ask: Ask, connection: redis.Redis, written: str | None, amount: int, sum_: int
) -> None:
    if written is not None:
        connection.hset("rq:job:a", "attempts", written)
    assert ask(f"add('a', 'attempts', {amount})") == sum_
    assert connection.hget("rq:job:a", "attempts") == str(sum_).encode()


@pytest.mark.parametrize(("others", "found"), [(0, False), (1, False), (1000, False), (1001, True)])
def test_a_long_list_is_not_searched_for_an_id(ask: Ask, connection: redis.Redis, others: int, found: bool) -> None:
    """It is taken to hold it: so no job is queued twice."""
    if others:
        connection.rpush(QUEUE, *("other" for _ in range(others)))
    assert bool(ask("in_list(ARGV[2], 'a')", QUEUE)) is found
    connection.lpush(QUEUE, "a")
    assert ask("in_list(ARGV[2], 'a')", QUEUE) == 1


@pytest.mark.parametrize("place", ["rq:queue:enrichment", "rq:queue:enrichment:intermediate"])
def test_a_queued_job_stands_in_the_queue_or_on_its_way_out(ask: Ask, connection: redis.Redis, place: str) -> None:
    assert not ask("stands(ARGV[2], 'a', 'queued')", QUEUE)
    connection.rpush(place, "a")
    assert ask("stands(ARGV[2], 'a', 'queued')", QUEUE) == 1


@pytest.mark.parametrize("registry", ["offers:leases:enrichment", "rq:wip:enrichment"])
def test_a_started_job_stands_where_one_of_its_executions_is_renewed(
    ask: Ask, connection: redis.Redis, registry: str
) -> None:
    connection.zadd("rq:executions:a", {"e1": 1, "e2": 2})
    connection.zadd(registry, {"b:e2": 1})
    assert not ask("stands(ARGV[2], 'a', 'started')", QUEUE)
    connection.zadd(registry, {"a:e2": 1})
    assert ask("stands(ARGV[2], 'a', 'started')", QUEUE) == 1


@pytest.mark.parametrize("status", ["scheduled", "deferred"])
def test_a_job_that_waits_stands_in_the_registry_of_its_status(ask: Ask, connection: redis.Redis, status: str) -> None:
    for other in {"scheduled", "deferred"} - {status}:
        connection.zadd(f"rq:{other}:enrichment", {"a": 1})
    assert not ask("stands(ARGV[2], 'a', ARGV[3])", QUEUE, status)
    connection.zadd(f"rq:{status}:enrichment", {"a": 1})
    assert ask("stands(ARGV[2], 'a', ARGV[3])", QUEUE, status) == 1


def test_a_job_of_another_status_stands_wherever_it_is(ask: Ask) -> None:
    assert ask("stands(ARGV[2], 'a', 'rate_limited')", QUEUE) == 1


@pytest.mark.parametrize(
    ("meta", "foreign"),
    [
        ({"who": "me", "code": "bug", "message": "x", "attempts": 1}, {"who": "me"}),
        *(
            ({**meta, "who": "me"}, {**meta, "who": "me"})
            for meta in ({"code": "bug", "message": "x"}, {"attempts": 1})
        ),
        ({"code": "bug", "attempts": 1}, {"code": "bug", "attempts": 1}),
        ({"message": "x", "attempts": 1}, {"message": "x", "attempts": 1}),
        ({"pad": "x" * (65_536 - 11)}, {"pad": "x" * (65_536 - 11)}),
        ({"pad": "x" * (65_536 - 10)}, {}),
        *((text, {}) for text in ("", "{", "7", '"x"', '{"a": 1e999}')),
    ],
)
def test_what_a_stranger_wrote_of_a_job_is_kept_but_for_our_failure(
    ask: Ask, connection: redis.Redis, meta: Any, foreign: Any
) -> None:
    connection.hset("rq:job:a", "meta", meta if isinstance(meta, str) else json.dumps(meta))
    assert json.loads(ask("cjson.encode(foreign_meta('a'))")) == foreign


def test_a_job_without_a_meta_was_told_nothing(ask: Ask) -> None:
    assert json.loads(ask("cjson.encode(foreign_meta('a'))")) == {}


@pytest.mark.parametrize(
    ("meta", "left"),
    [
        ('{"code": "bug", "message": "x", "attempts": 1}', None),
        ('{"code": "bug", "message": "x", "attempts": 1, "who": 1}', b'{"who":1}'),
        ('{"who":  1}', b'{"who":  1}'),
        ("{[", b"{["),
    ],
)
def test_a_failure_is_forgotten_and_nothing_else(
    ask: Ask, connection: redis.Redis, meta: str, left: bytes | None
) -> None:
    connection.hset("rq:job:a", "meta", meta)
    ask("forget_failure('a')")
    assert connection.hget("rq:job:a", "meta") == left


@pytest.mark.parametrize(
    ("meta", "code"),
    [('{"code": "page_changed"}', b"page_changed"), ('{"code":"a"}', b"a"), ('{"code": "A"}', b"bug"), ("", b"bug")],
)
def test_a_job_without_a_code_failed_by_a_bug(ask: Ask, connection: redis.Redis, meta: str, code: bytes) -> None:
    assert ask("code_of('a')") == b"bug"
    connection.hset("rq:job:a", mapping={"status": "failed", "meta": meta})
    assert ask("code_of('a')") == code


def test_the_number_of_a_failure_code_never_changes(ask: Ask) -> None:
    """They stand in the registries of everybody's Redis: a new code is written behind the last."""
    known = [
        *("bug", "page_blocked", "page_changed", "shop_unknown", "offer_gone", "rate_limited", "site_unavailable"),
        *("not_html", "too_large", "forbidden_url", "robots_forbidden", "redirect", "storage_unavailable"),
        *("storage_refused", "session_expired", "label_refused", "link_refused", "queue_unavailable", "queue_refused"),
    ]
    codes = [code.decode() for code in ask("CODES")]
    assert codes[: len(known)] == known
    assert set(WORK_ERRORS) <= set(codes)
    assert len(set(codes)) == len(codes) < 64


def test_a_score_tells_when_a_job_expires_and_why_it_failed(ask: Ask, connection: redis.Redis) -> None:
    """As Redis gives it back. One of whole seconds, or for ever, is another program's: the job itself is asked."""
    connection.hset("rq:job:a", mapping={"status": "failed", "meta": '{"code": "strange"}'})
    for code in ("page_blocked", "queue_refused", "strange"):
        ask("call('ZADD', 'scores', ended_score(now, ARGV[2]), 'a')", code)
        assert ask("math.floor(call('ZSCORE', 'scores', 'a'))") == int(NOW)
        assert ask("failed_code('a', call('ZSCORE', 'scores', 'a'))") == code.encode()
    for score in (str(int(NOW)), f"{int(NOW)}.3", "inf"):
        assert ask("failed_code('a', tonumber(ARGV[2]))", score) == b"strange"


@pytest.mark.parametrize(
    ("status", "executions", "runs"),
    [("started", ["e1"], 1), ("started", ["e1", "e2"], None), ("started", ["e2"], None), ("queued", ["e1"], None)],
)
def test_a_job_runs_in_an_execution_that_is_its_only_one(
    ask: Ask, connection: redis.Redis, status: str, executions: list[str], runs: int | None
) -> None:
    connection.hset("rq:job:a", "status", status)
    connection.zadd("rq:executions:a", dict.fromkeys(executions, 1))
    assert ask("runs_in('a', 'e1')") == runs


def test_a_started_job_that_has_no_executions_runs_in_any(ask: Ask, connection: redis.Redis) -> None:
    assert ask("runs_in('a', 'e1')") is None
    connection.hset("rq:job:a", "status", "started")
    assert ask("runs_in('a', 'e1')") == 1, "its executions were deleted"


@pytest.mark.parametrize(
    ("origin", "ours", "foreign"), [("enrichment", 1, None), ("other", None, 1), ("", None, None), (None, None, None)]
)
def test_a_job_is_of_the_queue_that_it_names(
    ask: Ask, connection: redis.Redis, origin: str | None, ours: int | None, foreign: int | None
) -> None:
    if origin is not None:
        connection.hset("rq:job:a", "origin", origin)
    assert ask("is_ours(ARGV[2], 'a')", QUEUE) == ours
    assert ask("is_foreign(ARGV[2], 'a')", QUEUE) == foreign


def test_a_key_of_another_type_is_no_job_and_stays(ask: Ask, connection: redis.Redis) -> None:
    connection.set("rq:job:a", "precious")
    assert ask("origin_of('a')") == b""
    assert connection.get("rq:job:a") == b"precious"


def test_the_entries_of_a_job_are_its_own_and_no_other_s(ask: Ask, connection: redis.Redis) -> None:
    connection.zadd("registry", {"a": 1, "a:e1": 2, "a:e2": 3, "ab:e1": 4, "b:a": 5})
    assert ask("entries_of('registry', 'a')") == [b"a", b"a:e1", b"a:e2"]
    connection.set("precious", "x")
    assert ask("entries_of('precious', 'a')") == []
    assert connection.get("precious") == b"x"


def test_a_job_is_taken_out_wherever_it_stands(ask: Ask, connection: redis.Redis) -> None:
    take = "take_out(ARGV[2], 'read', {'one', 'precious', 'other'}, 'a')"
    connection.set("precious", "x")
    connection.set("read", 7)
    connection.rpush(QUEUE, "c")
    assert ask(take, QUEUE) is None
    connection.zadd("other", {"a": 1, "b": 2})
    assert ask(take, QUEUE) == 1
    assert (connection.zrange("other", 0, -1), connection.get("read")) == ([b"b"], b"7")
    connection.rpush(QUEUE, "a", "b", "a")
    assert ask(take, QUEUE) == 1
    assert (connection.lrange(QUEUE, 0, -1), connection.exists("read")) == ([b"c", b"b"], 0), "it is read anew"
    connection.rpush(QUEUE, "a")
    assert ask(take, QUEUE) == 1, "it stood there once"
    assert connection.get("precious") == b"x"
    assert ask("take_out('precious', 'read', {}, 'a')") is None


def test_a_name_of_an_execution_has_two_parts(ask: Ask) -> None:
    assert ask("{split('a:b:c')}") == [b"a", b"b:c"]
    assert ask("{split('a')}") == []


def test_without_a_clock_of_ours_the_time_is_redis_s_to_the_microsecond(ask: Ask, connection: redis.Redis) -> None:
    def micros() -> int:
        time: Any = connection.time()
        return int(time[0]) * 1_000_000 + int(time[1])

    before, told, after = micros(), ask("string.format('%.0f', now * 1000000)", now=""), micros()
    assert before <= int(told) <= after


@pytest.mark.parametrize(("ttl", "expires"), [(-1, False), (100, True)])
def test_a_result_is_kept_as_long_as_its_job(ask: Ask, connection: redis.Redis, ttl: int, expires: bool) -> None:
    ask(f"add_result('a', {ttl}, {{'type', '1'}})")
    results: Any = connection.xrange("rq:results:a")
    assert [fields for _, fields in results] == [{b"type": b"1"}]
    assert (connection.ttl("rq:results:a") > 0) is expires


def test_all_executions_of_a_job_end_in_every_place_that_knows_them(ask: Ask, connection: redis.Redis) -> None:
    connection.zadd("rq:executions:a", {"e1": 1, "e2": 2})
    for place in ("started", "leases"):
        connection.zadd(place, {"a:e1": 1, "a:e2": 2, "b:e1": 3})
    for execution in ("e1", "e2"):
        connection.hset(f"rq:execution:a:{execution}", "worker_name", "w")
        connection.sadd("rq:worker:w:executions", f"a:{execution}")
    connection.sadd("rq:worker:w:executions", "b:e1")
    for key in ("rq:job:a", "rq:job:a:dependents"):
        connection.hset(key, "x", "y")
    connection.sadd("rq:job::a:dependencies", "c")
    connection.xadd("rq:results:a", {"type": "1"})
    ask("forget_job('started', 'leases', 'a')")
    assert connection.zrange("started", 0, -1) == connection.zrange("leases", 0, -1) == [b"b:e1"]
    assert connection.smembers("rq:worker:w:executions") == {b"b:e1"}
    assert sorted(connection.keys("*")) == [b"leases", b"rq:worker:w:executions", b"started"]


@pytest.mark.parametrize(
    ("status", "allows", "starts"),
    [("finished", "", 1), ("failed", "1", 1), ("failed", "0", None), ("failed", "", None), ("queued", "1", None)],
)
def test_a_job_starts_when_those_that_it_waits_for_are_done(
    ask: Ask, connection: redis.Redis, status: str, allows: str, starts: int | None
) -> None:
    connection.hset("rq:job:a", "allow_dependency_failures", allows)
    connection.sadd("rq:job::a:dependencies", "gone", "b")
    connection.hset("rq:job:b", "status", status)
    assert ask("may_start('a')") == starts


def test_a_dependent_waits_behind_the_others_with_a_timeout_of_its_own_or_rq_s(
    ask: Ask, connection: redis.Redis
) -> None:
    connection.hset("rq:job:c", "timeout", 7)
    connection.rpush("rq:queue:reports", "earlier")
    for other in "bc":
        connection.hset(f"rq:job:{other}", mapping={"status": "deferred", "origin": "reports"})
        connection.expire(f"rq:job:{other}", 1000)
        connection.zadd("rq:deferred:reports", {other: 1})
        connection.sadd("rq:job:a:dependents", other)
    ask("start_dependents('a')")
    assert [connection.hget(f"rq:job:{other}", "timeout") for other in "bc"] == [b"180", b"7"]
    assert [connection.ttl(f"rq:job:{other}") for other in "bc"] == [-1, -1]
    assert connection.smembers("rq:queues") == {b"rq:queue:reports"}
    first, *others = connection.lrange("rq:queue:reports", 0, -1)
    assert (first, sorted(others)) == (b"earlier", [b"b", b"c"])
    assert not connection.exists("rq:deferred:reports", "rq:job:a:dependents")


def test_a_dependent_with_a_rate_limit_is_ready_from_this_second(ask: Ask, connection: redis.Redis) -> None:
    connection.hset("rq:job:b", mapping={"status": "deferred", "origin": "reports", "rate_limit_key": "k"})
    connection.sadd("rq:job:a:dependents", "b")
    ask("start_dependents('a')")
    assert connection.hget("rq:job:b", "status") == b"ready_to_enqueue"
    assert connection.zscore("rq:ready:reports", "b") == int(NOW)
    assert not connection.exists("rq:queue:reports", "rq:queues")

"""The shared clock: one rate over all processes, pauses for everyone, nothing that wedges. On a real Redis."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import redis
from servers import RedisServer

from offers_cli.errors import HostPaused, Outcome, QueueRefused, QueueUnavailable, TurnTooFar
from offers_cli.fetch.politeness import SharedPace

pytestmark = pytest.mark.network

HOST = "www.shop.test"


def test_turns_lie_one_delay_apart(connection: redis.Redis) -> None:
    pace = SharedPace(connection, delay_s=0.5)
    waits = [pace.reserve(HOST) for _ in range(5)]
    assert waits[0] == 0.0
    for turn, wait_s in enumerate(waits):
        assert 0.5 * turn - 0.1 < wait_s < 0.51 * turn + 0.001


def test_hosts_and_egresses_have_clocks_of_their_own(connection: redis.Redis) -> None:
    pace = SharedPace(connection, delay_s=60)
    assert pace.reserve(HOST) == pace.reserve("other.test") == pace.reserve(HOST, "proxy:1") == 0.0
    assert pace.reserve(HOST.upper()) > 59


def test_several_clients_share_one_clock(connection: redis.Redis, pace_redis: RedisServer) -> None:
    with pace_redis.connect() as second:
        assert SharedPace(connection, delay_s=60).reserve(HOST) == 0.0
        assert SharedPace(second, delay_s=60).reserve(HOST) > 59


def test_no_delay_is_no_waiting(connection: redis.Redis) -> None:
    pace = SharedPace(connection, delay_s=0)
    assert {pace.reserve(HOST) for _ in range(50)} == {0.0}


def test_a_turn_too_far_away_takes_nothing(connection: redis.Redis) -> None:
    pace = SharedPace(connection, delay_s=10)
    pace.reserve(HOST)
    for _ in range(3):
        with pytest.raises(TurnTooFar) as far:
            pace.reserve(HOST, max_wait_s=1)
        assert 9 < far.value.wait_s < 10.3
        assert (far.value.retry_after_s, far.value.outcome) == (far.value.wait_s, Outcome.SNOOZE)
    assert 9 < pace.reserve(HOST, max_wait_s=10.5) < 10.3


def test_a_dead_process_leaves_no_debt(connection: redis.Redis) -> None:
    """Turns that nobody uses pass by; the keys go by themselves."""
    pace = SharedPace(connection, delay_s=0.05)
    for _ in range(4):
        pace.reserve(HOST)
    time.sleep(0.3)
    assert pace.reserve(HOST) == 0.0
    assert 0 < connection.pttl(f"offers:pace:turn:{HOST}|direct") < 2000


def test_a_shorter_delay_counts_at_once(connection: redis.Redis) -> None:
    """An operator who set an hour by mistake is not made to wait for it."""
    SharedPace(connection, delay_s=3600).reserve(HOST)
    assert SharedPace(connection, delay_s=0.5).reserve(HOST) < 0.52


def test_a_clock_that_was_set_back_wedges_nothing(connection: redis.Redis) -> None:
    year_ahead_us = (time.time() + 365 * 86400) * 1e6
    connection.set(f"offers:pace:turn:{HOST}|direct", f"{year_ahead_us:.0f}")
    assert SharedPace(connection, delay_s=0.5).reserve(HOST) < 0.52


def test_the_nearest_of_several_egresses_is_taken_in_turn(connection: redis.Redis) -> None:
    pace = SharedPace(connection, delay_s=60)
    taken = [pace.reserve_any(HOST, ("a:1", "b:1", "c:1")) for _ in range(6)]
    assert sorted(egress for egress, _ in taken[:3]) == ["a:1", "b:1", "c:1"]
    assert [egress for egress, _ in taken[:3]] == [egress for egress, _ in taken[3:]]
    assert [wait_s > 59 for _, wait_s in taken] == [False] * 3 + [True] * 3


def test_a_paused_egress_is_passed_over(connection: redis.Redis) -> None:
    pace = SharedPace(connection, delay_s=0.01)
    pace.pause(HOST, 30, reason="page_blocked", egress="a:1")
    assert {pace.reserve_any(HOST, ("a:1", "b:1"))[0] for _ in range(5)} == {"b:1"}
    pace.pause(HOST, 10, reason="rate_limited", egress="b:1")
    with pytest.raises(HostPaused) as paused:
        pace.reserve_any(HOST, ("a:1", "b:1"))
    assert paused.value.reason == "rate_limited"
    assert 9 < paused.value.seconds <= 10


def test_a_pause_holds_for_everyone_and_ends(connection: redis.Redis, pace_redis: RedisServer) -> None:
    with pace_redis.connect() as second:
        assert SharedPace(second, delay_s=0).pause(HOST, 0.2, reason="rate_limited") == 0.2
    pace = SharedPace(connection, delay_s=0)
    with pytest.raises(HostPaused) as paused:
        pace.reserve(HOST)
    assert (paused.value.host, paused.value.reason, paused.value.outcome) == (HOST, "rate_limited", Outcome.SNOOZE)
    assert 0 < paused.value.seconds <= 0.2
    assert pace.reserve("other.test") == 0.0
    time.sleep(0.25)
    assert pace.reserve(HOST) == 0.0
    assert pace.paused_hosts() == []


def test_a_longer_pause_in_force_stays(connection: redis.Redis) -> None:
    pace = SharedPace(connection, delay_s=0)
    pace.pause(HOST, 100, reason="page_blocked")
    assert 99 < pace.pause(HOST, 5, reason="rate_limited") <= 100
    assert [found.reason for found in pace.paused_hosts()] == ["page_blocked"]


def test_walls_met_again_pause_longer_each_time_up_to_an_hour(connection: redis.Redis) -> None:
    pace = SharedPace(connection, delay_s=0, first_pause_s=60)
    seconds = []
    for _ in range(9):
        seconds.append(pace.pause(HOST, None, reason="page_blocked"))
        connection.delete(f"offers:pace:pause:{HOST}|direct")  # the pause is over
    assert seconds == [60, 120, 240, 480, 960, 1920, 3600, 3600, 3600]


def test_many_answers_from_one_wall_are_one_wall(connection: redis.Redis) -> None:
    pace = SharedPace(connection, delay_s=0, first_pause_s=60)
    with ThreadPoolExecutor(16) as threads:
        seconds = list(threads.map(lambda _: pace.pause(HOST, None, reason="page_blocked"), range(64)))
    assert all(59 < each <= 60 for each in seconds)


def test_a_wall_is_forgotten_after_as_much_time_without_one(connection: redis.Redis) -> None:
    pace = SharedPace(connection, delay_s=0, first_pause_s=0.1)
    assert pace.pause(HOST, None, reason="page_blocked") == 0.1
    time.sleep(0.12)
    assert pace.pause(HOST, None, reason="page_blocked") == 0.2
    time.sleep(0.45)
    assert pace.pause(HOST, None, reason="page_blocked") == 0.1


def test_pauses_survive_a_restart_of_redis() -> None:
    with RedisServer("--appendfsync", "always") as server:
        with server.connect() as client:
            SharedPace(client, delay_s=0).pause(HOST, 100, reason="page_blocked", egress="proxy:1")
        server.restart()
        with server.connect() as client:
            (paused,) = SharedPace(client, delay_s=0).paused_hosts()
            assert (paused.host, paused.egress, paused.reason) == (HOST, "proxy:1", "page_blocked")
            assert 90 < paused.seconds <= 100


def test_a_client_that_decodes_answers_works_too(pace_redis: RedisServer, connection: redis.Redis) -> None:
    with redis.Redis(unix_socket_path=str(pace_redis.socket), decode_responses=True) as client:
        pace = SharedPace(client, delay_s=0)
        pace.pause(HOST, 100, reason="page_blocked")
        with pytest.raises(HostPaused):
            pace.reserve(HOST)
        assert [found.host for found in pace.paused_hosts()] == [HOST]


def test_a_redis_that_is_gone_is_said_to_be_gone() -> None:
    with RedisServer() as server, server.connect() as client:
        pace = SharedPace(client, delay_s=0)
        pace.reserve(HOST)
        server.stop()
        for work in (lambda: pace.reserve(HOST), lambda: pace.pause(HOST, 1, reason="x"), pace.paused_hosts):
            with pytest.raises(QueueUnavailable, match="keeps the pace"):
                work()


def test_a_redis_that_refuses_is_said_to_refuse(connection: redis.Redis) -> None:
    connection.lpush(f"offers:pace:turn:{HOST}|direct", "not a turn")
    with pytest.raises(QueueRefused):
        SharedPace(connection, delay_s=0).reserve(HOST)


# The rate that a server sees, with processes that reserve, wait and go.

GO = """
import json, os, sys, time, redis
from concurrent.futures import ThreadPoolExecutor
from offers_cli.fetch.politeness import SharedPace

socket, processes, delay_s, start, seconds = sys.argv[1], int(sys.argv[2]), *map(float, sys.argv[3:])

def go(_place):
    went = []
    while time.time() < start + seconds:
        time.sleep(pace.reserve("h"))
        went.append(time.time())
    return went

children = []
for _ in range(processes):
    reader, writer = os.pipe()
    if os.fork() == 0:
        pace = SharedPace(redis.Redis(unix_socket_path=socket), delay_s=delay_s)
        time.sleep(max(0, start - time.time()))
        with ThreadPoolExecutor(4) as threads:
            went = [at for found in threads.map(go, range(4)) for at in found]
        with os.fdopen(writer, "w") as out:
            json.dump(went, out)
        os._exit(0)
    os.close(writer)
    children.append(reader)
print(json.dumps(sorted(at for reader in children for at in json.load(os.fdopen(reader)))))
"""


def times_gone(server: RedisServer, *, processes: int, delay_s: float, seconds: float) -> list[float]:
    start = time.time() + 0.5 + 0.02 * processes
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            textwrap.dedent(GO),
            str(server.socket),
            str(processes),
            str(delay_s),
            str(start),
            str(seconds),
        ],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        timeout=seconds + 60,
        check=True,
    )
    return [at for at in json.loads(done.stdout) if at < start + seconds]


def most_within(times: list[float], window_s: float) -> int:
    """The most requests that any window of that length holds."""
    most, first = 0, 0
    for last, at in enumerate(times):
        while times[first] <= at - window_s:
            first += 1
        most = max(most, last - first + 1)
    return most


def check_rate(times: list[float], *, delay_s: float, window_s: float) -> None:
    promised = window_s / delay_s
    rate = (len(times) - 1) / (times[-1] - times[0])
    print(json.dumps({"rate": round(rate * delay_s, 4), "most": most_within(times, window_s) / promised}))
    assert most_within(times, window_s) <= promised * 1.02
    assert rate >= 0.95 / delay_s


@pytest.mark.parametrize("processes", [1, 4, 16])
def test_the_server_sees_the_configured_rate(processes: int, connection: redis.Redis, pace_redis: RedisServer) -> None:
    times = times_gone(pace_redis, processes=processes, delay_s=0.02, seconds=3)
    check_rate(times, delay_s=0.02, window_s=2)


@pytest.mark.slow
@pytest.mark.parametrize("processes", [1, 4, 16])
@pytest.mark.parametrize("delay_s", [0.5, 0.05])
def test_over_any_ten_seconds_the_rate_holds(
    processes: int, delay_s: float, connection: redis.Redis, pace_redis: RedisServer
) -> None:
    times = times_gone(pace_redis, processes=processes, delay_s=delay_s, seconds=14)
    check_rate(times, delay_s=delay_s, window_s=10)

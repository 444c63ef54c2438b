"""The shared clock: one rate over all processes, pauses for everyone, nothing that wedges. On a real Redis."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
import redis
from servers import RedisServer

from offers_cli.errors import HostPaused, Outcome, QueueRefused, QueueUnavailable
from offers_cli.fetch.politeness import SharedPace

pytestmark = pytest.mark.network

HOST = "www.shop.test"
KEY = f"offers:pace:{HOST}|direct"


class Clock:
    """Seconds since 1970, moved by hand."""

    now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def make_pace(connection: redis.Redis, clock: Clock) -> Callable[..., SharedPace]:
    """Makes paces on the test's Redis and clock."""

    def make(delay_s: float = 0.0, *, first_pause_s: float = 10.0, client: redis.Redis = connection) -> SharedPace:
        return SharedPace(client, delay_s=delay_s, first_pause_s=first_pause_s, clock=clock)

    return make


MakePace = Callable[..., SharedPace]


def wait_s(pace: SharedPace, host: str = HOST, egress: str = "direct") -> float:
    """The wait for the next turn."""
    return pace.reserve(host, (egress,))[1]


def test_turns_lie_one_delay_and_some_slack_apart(make_pace: MakePace) -> None:
    pace = make_pace(0.5)
    assert [wait_s(pace) for _ in range(5)] == [0.0, 0.51, 1.02, 1.53, 2.04]


def test_time_that_passes_shortens_the_wait(make_pace: MakePace, clock: Clock) -> None:
    pace = make_pace(0.5)
    wait_s(pace)
    clock.now += 0.5
    assert wait_s(pace) == pytest.approx(0.01, abs=1e-6)
    clock.now += 0.6
    assert wait_s(pace) == 0.0
    assert wait_s(pace) == 0.51, "the next turn counts from when this one was taken"


def test_without_a_clock_of_ours_redis_tells_the_time(connection: redis.Redis) -> None:
    pace = SharedPace(connection, delay_s=3600, first_pause_s=10)
    before = connection.time()[0]
    wait_s(pace)
    turn = connection.hget(KEY, "turn")
    assert turn is not None
    assert before <= int(turn) // 1_000_000 <= connection.time()[0]


def test_hosts_and_egresses_have_clocks_of_their_own(make_pace: MakePace) -> None:
    pace = make_pace(60)
    assert wait_s(pace) == wait_s(pace, "other.test") == wait_s(pace, HOST, "proxy:1") == 0.0
    assert wait_s(pace, HOST.upper()) == 61.2, "names of hosts are the same in any case"


def test_several_clients_share_one_clock(make_pace: MakePace, pace_redis: RedisServer) -> None:
    with pace_redis.connect() as second:
        assert wait_s(make_pace(60)) == 0.0
        assert wait_s(make_pace(60, client=second)) == 61.2


RESERVE = """
import json, sys, redis
from concurrent.futures import ThreadPoolExecutor
from offers_cli.fetch.politeness import SharedPace

client = redis.Redis(unix_socket_path=sys.argv[1])
pace = SharedPace(client, delay_s=1, first_pause_s=10, clock=lambda: float(sys.argv[2]))
with ThreadPoolExecutor(4) as threads:
    print(json.dumps(list(threads.map(lambda _: pace.reserve("h")[1], range(50)))))
"""


def test_no_turn_is_given_twice_to_processes_that_ask_at_once(
    connection: redis.Redis, pace_redis: RedisServer, clock: Clock
) -> None:
    """Two processes of four threads take fifty turns each: together they are one turn a second."""
    started = [
        subprocess.Popen(
            [sys.executable, "-c", RESERVE, str(pace_redis.socket), str(clock.now)], stdout=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    waits = sorted(wait for process in started for wait in json.loads(process.communicate()[0]))
    assert waits == pytest.approx([turn * 1.02 for turn in range(100)])


def test_no_delay_is_no_waiting(make_pace: MakePace) -> None:
    pace = make_pace(0)
    assert {wait_s(pace) for _ in range(50)} == {0.0}


def test_a_dead_process_leaves_no_debt(make_pace: MakePace, clock: Clock, connection: redis.Redis) -> None:
    """Turns that nobody uses pass by; the keys go by themselves, but not before the last turn."""
    pace = make_pace(5)
    assert [wait_s(pace) for _ in range(4)][-1] == pytest.approx(15.3)
    assert 20_400 < connection.pttl(KEY) <= 21_400
    clock.now += 30
    assert wait_s(pace) == 0.0


def test_a_shorter_delay_counts_at_once(make_pace: MakePace) -> None:
    """An operator who set an hour by mistake is not made to wait for it."""
    wait_s(make_pace(3600))
    assert wait_s(make_pace(0.5)) == 0.51


def test_a_clock_that_was_set_back_wedges_nothing(make_pace: MakePace, clock: Clock) -> None:
    pace = make_pace(0.5)
    clock.now += 365 * 86_400
    wait_s(pace)
    pace.pause("paused.test", 900, reason="page_blocked")
    clock.now -= 365 * 86_400
    assert wait_s(pace) == 0.0
    assert wait_s(pace, "paused.test") == 0.0
    assert pace.paused_hosts() == []


def test_a_long_queue_of_turns_is_no_clock_that_was_set_back(make_pace: MakePace) -> None:
    pace = make_pace(0.5)
    assert [wait_s(pace) for _ in range(900)][-1] == pytest.approx(899 * 0.51)


def test_the_nearest_of_several_egresses_is_taken_in_turn(make_pace: MakePace) -> None:
    pace = make_pace(60)
    taken = [pace.reserve(HOST, ("a:1", "b:1", "c:1")) for _ in range(6)]
    assert taken == [(egress, wait) for wait in (0.0, 61.2) for egress in ("a:1", "b:1", "c:1")]


def test_a_paused_egress_is_passed_over(make_pace: MakePace) -> None:
    pace = make_pace(0.01)
    pace.pause(HOST, 30, reason="page_blocked", egress="a:1")
    assert {pace.reserve(HOST, ("a:1", "b:1"))[0] for _ in range(5)} == {"b:1"}
    pace.pause(HOST, 10, reason="rate_limited", egress="b:1")
    for egresses in (("a:1", "b:1"), ("b:1", "a:1")):
        with pytest.raises(HostPaused) as paused:
            pace.reserve(HOST, egresses)
        assert (paused.value.reason, paused.value.seconds) == ("rate_limited", 10), "the way that opens first"


def test_a_pause_holds_for_everyone_and_ends(make_pace: MakePace, clock: Clock, pace_redis: RedisServer) -> None:
    with pace_redis.connect() as second:
        assert make_pace(client=second).pause(HOST, 0.2, reason="rate_limited") == 0.2
    pace = make_pace()
    with pytest.raises(HostPaused) as paused:
        pace.reserve(HOST)
    assert (paused.value.host, paused.value.reason, paused.value.outcome) == (HOST, "rate_limited", Outcome.SNOOZE)
    assert paused.value.seconds == 0.2
    assert wait_s(pace, "other.test") == 0.0
    assert [(found.host, found.egress, found.seconds) for found in pace.paused_hosts()] == [(HOST, "direct", 0.2)]
    clock.now += 0.2
    assert wait_s(pace) == 0.0
    assert pace.paused_hosts() == []


def test_whether_a_host_is_paused_is_asked_again_after_a_wait(make_pace: MakePace, clock: Clock) -> None:
    """A turn may lie behind the end of a pause that came after it was given out."""
    pace = make_pace(10)
    assert [wait_s(pace) for _ in range(3)] == [0.0, 10.2, 20.4]
    assert not pace.is_paused(HOST)
    pace.pause(HOST, 15, reason="rate_limited")
    clock.now += 10.2
    assert pace.is_paused(HOST)
    assert not pace.is_paused(HOST, "proxy:1")
    clock.now += 10.2
    assert not pace.is_paused(HOST)


def test_pauses_that_are_over_are_forgotten(make_pace: MakePace, clock: Clock, connection: redis.Redis) -> None:
    pace = make_pace()
    pace.pause("one.test", 5, reason="rate_limited")
    clock.now += 10
    pace.pause("other.test", 5, reason="rate_limited")
    assert connection.zrange("offers:pace:paused", 0, -1) == [b"other.test|direct"]
    assert 0 < connection.pttl("offers:pace:other.test|direct") <= 10_000


def test_a_longer_pause_in_force_stays_and_a_longer_one_replaces(make_pace: MakePace) -> None:
    pace = make_pace()
    pace.pause(HOST, 100, reason="page_blocked")
    assert pace.pause(HOST, 5, reason="rate_limited") == 100
    assert [(found.reason, found.seconds) for found in pace.paused_hosts()] == [("page_blocked", 100)]
    assert pace.pause(HOST, 200, reason="rate_limited") == 200
    assert [(found.reason, found.seconds) for found in pace.paused_hosts()] == [("rate_limited", 200)]


def test_walls_met_again_pause_longer_each_time_up_to_an_hour(make_pace: MakePace, clock: Clock) -> None:
    pace = make_pace(first_pause_s=60)
    seconds = []
    for _ in range(9):
        seconds.append(pace.pause(HOST, None, reason="page_blocked"))
        clock.now += seconds[-1]
    assert seconds == [60, 120, 240, 480, 960, 1920, 3600, 3600, 3600]


def test_many_answers_from_one_wall_are_one_wall(make_pace: MakePace, clock: Clock) -> None:
    pace = make_pace(first_pause_s=60)
    with ThreadPoolExecutor(16) as threads:
        seconds = list(threads.map(lambda _: pace.pause(HOST, None, reason="page_blocked"), range(64)))
    assert set(seconds) == {60}
    clock.now += 60
    assert pace.pause(HOST, None, reason="page_blocked") == 120


def test_a_wall_is_forgotten_after_as_much_time_without_one(make_pace: MakePace, clock: Clock) -> None:
    pace = make_pace(first_pause_s=10)
    assert pace.pause(HOST, None, reason="page_blocked") == 10
    clock.now += 19.9
    assert pace.pause(HOST, None, reason="page_blocked") == 20
    clock.now += 40
    assert pace.pause(HOST, None, reason="page_blocked") == 10


def test_pauses_survive_a_restart_of_redis(make_pace: MakePace) -> None:
    with RedisServer("--appendfsync", "always") as server:
        with server.connect() as client:
            make_pace(client=client).pause(HOST, 100, reason="page_blocked", egress="proxy:1")
        server.restart()
        with server.connect() as client:
            (paused,) = make_pace(client=client).paused_hosts()
            assert (paused.host, paused.egress, paused.reason) == (HOST, "proxy:1", "page_blocked")
            assert paused.seconds == 100


def test_a_client_that_decodes_answers_works_too(make_pace: MakePace, pace_redis: RedisServer) -> None:
    with redis.Redis(unix_socket_path=str(pace_redis.socket), decode_responses=True) as client:
        pace = make_pace(client=client)
        pace.pause(HOST, 100, reason="page_blocked")
        with pytest.raises(HostPaused):
            pace.reserve(HOST)
        assert [found.host for found in pace.paused_hosts()] == [HOST]


def test_a_redis_that_is_gone_is_said_to_be_gone() -> None:
    with RedisServer() as server, server.connect() as client:
        pace = SharedPace(client, delay_s=0, first_pause_s=10)
        pace.reserve(HOST)
        server.stop()
        for work in (lambda: pace.reserve(HOST), lambda: pace.pause(HOST, 1, reason="x"), pace.paused_hosts):
            with pytest.raises(QueueUnavailable, match="Redis does not answer"):
                work()


def test_a_redis_that_refuses_is_said_to_refuse(make_pace: MakePace, connection: redis.Redis) -> None:
    connection.lpush(KEY, "not a host")
    with pytest.raises(QueueRefused):
        make_pace().reserve(HOST)

"""The shared clock: one rate over all processes, pauses for everyone, nothing that wedges. On a real Redis."""

from __future__ import annotations

import heapq
import json
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
import redis
from servers import RedisServer

from offers_cli.errors import HostPaused, Outcome, QueueRefused, QueueUnavailable
from offers_cli.fetch.pace import MOST_WALLS, REQUESTS, Refusal, SharedPace
from offers_cli.fetch.response import Page

pytestmark = pytest.mark.network

HOST = "www.shop.test"
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
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
    turns = [connection.hget(f"offers:pace:{wait_s(pace, host) or host}|direct", "turn") for host in "abcdefgh"]
    assert any(int(turn or 0) % 1_000_000 for turn in turns), "to the microsecond"


def test_hosts_and_egresses_have_clocks_of_their_own(make_pace: MakePace) -> None:
    pace = make_pace(60)
    assert wait_s(pace) == wait_s(pace, "other.test") == wait_s(pace, HOST, "proxy:1") == 0.0
    assert wait_s(pace, HOST.upper()) == 61.2, "names of hosts are the same in any case"


def test_several_clients_share_one_clock(make_pace: MakePace, pace_redis: RedisServer) -> None:
    with pace_redis.connect() as second:
        assert wait_s(make_pace(60)) == 0.0
        assert wait_s(make_pace(60, client=second)) == 61.2


def test_no_delay_is_no_waiting(make_pace: MakePace) -> None:
    pace = make_pace(0)
    assert {wait_s(pace) for _ in range(50)} == {0.0}


def test_a_dead_process_leaves_no_debt(make_pace: MakePace, clock: Clock, connection: redis.Redis) -> None:
    """Turns that nobody uses pass by; the keys go by themselves, but not before the last turn."""
    pace = make_pace(5)
    assert [wait_s(pace) for _ in range(4)][-1] == pytest.approx(15.3)
    assert 3_600_000 < connection.pttl(KEY) <= 3_620_400
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


def test_a_turn_is_believed_up_to_a_thousand_delays_from_now(make_pace: MakePace, clock: Clock) -> None:
    """One further off was given out by a clock that has been set back."""
    pace, turn = make_pace(0.5), clock.now
    wait_s(pace)
    clock.now = turn - 510
    assert wait_s(pace) == 510.51
    clock.now = turn + 0.51 - 510.000001
    assert wait_s(pace) == 0.0


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


def test_of_ways_that_open_at_once_the_first_says_why(make_pace: MakePace) -> None:
    pace = make_pace()
    pace.pause(HOST, 30, reason="page_blocked", egress="a:1")
    pace.pause(HOST, 30, reason="rate_limited", egress="b:1")
    with pytest.raises(HostPaused) as paused:
        pace.reserve(HOST, ("a:1", "b:1"))
    assert paused.value.reason == "page_blocked"


def test_a_pause_holds_to_its_last_microsecond(make_pace: MakePace, clock: Clock) -> None:
    pace = make_pace()
    pace.pause(HOST, 10, reason="rate_limited")
    clock.now += 9.999999
    with pytest.raises(HostPaused) as paused:
        wait_s(pace)
    assert paused.value.seconds == 1e-6
    assert pace.is_paused(HOST)
    assert pause_s(pace) == 1e-6


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


def test_paused_hosts_stand_in_the_order_of_their_names(make_pace: MakePace) -> None:
    pace = make_pace()
    for host, seconds in (("b.test", 10), ("c.test", 5), ("a.test", 20)):
        pace.pause(host, seconds, reason="rate_limited")
    assert [found.host for found in pace.paused_hosts()] == ["a.test", "b.test", "c.test"]


def test_a_foreign_key_in_the_place_of_the_paused_hosts_hides_them_and_stops_nothing(
    make_pace: MakePace, connection: redis.Redis
) -> None:
    connection.set("offers:pace:paused", "planted")
    assert make_pace().paused_hosts() == []


def test_no_pause_is_longer_than_an_hour(make_pace: MakePace) -> None:
    assert make_pace().pause(HOST, 1e9, reason="rate_limited") == 3600


def test_pauses_that_are_over_are_forgotten(make_pace: MakePace, clock: Clock, connection: redis.Redis) -> None:
    pace = make_pace()
    pace.pause("one.test", 5, reason="rate_limited")
    clock.now += 10
    pace.pause("other.test", 5, reason="rate_limited")
    assert connection.zrange("offers:pace:paused", 0, -1) == [b"other.test|direct"]
    assert 0 < connection.pttl("offers:pace:other.test|direct") <= 3_605_000


def test_a_longer_pause_in_force_stays_and_a_longer_one_replaces(make_pace: MakePace) -> None:
    pace = make_pace()
    pace.pause(HOST, 100, reason="page_blocked")
    for seconds in (5, 100):
        assert pace.pause(HOST, seconds, reason="rate_limited") == 100
    assert [(found.reason, found.seconds) for found in pace.paused_hosts()] == [("page_blocked", 100)]
    assert pace.pause(HOST, 200, reason="rate_limited") == 200
    assert [(found.reason, found.seconds) for found in pace.paused_hosts()] == [("rate_limited", 200)]


def test_a_short_pause_does_not_let_a_long_queue_of_turns_be_forgotten(
    make_pace: MakePace, connection: redis.Redis
) -> None:
    pace = make_pace(500)
    assert [wait_s(pace) for _ in range(3)][-1] == 1020
    pace.pause(HOST, 1, reason="rate_limited")
    assert connection.pttl(KEY) > 4_600_000


def test_a_host_is_known_for_an_hour_after_its_pause(make_pace: MakePace, connection: redis.Redis) -> None:
    """It goes then, and not before: counted from Redis's own time, between two readings of it."""

    def now_ms() -> int:
        seconds, micros = connection.time()
        return seconds * 1000 + micros // 1000

    pace, before = make_pace(), now_ms()
    pace.pause(HOST, 10, reason="rate_limited")
    assert connection.pttl(KEY) + now_ms() >= before + 3_610_000 - 1


# Refusals: whose trouble they are, the host's or one page's.


def page(number: int = 1, host: str = HOST, egress: str = "direct") -> Page:
    url = f"https://{host}/{number}"
    return Page(url=url, final_url=url, status=200, body=b"", encoding="utf-8", fetched_at=NOW, egress=egress)


def wall(pace: SharedPace, number: int = 1, *, seconds: float | None = None, egress: str = "direct") -> Refusal:
    return pace.note_refusal(HOST, page(number).url, seconds, reason="page_blocked", egress=egress)


def pause_s(pace: SharedPace) -> float:
    """How long the host is paused; 0 when it is not."""
    return sum(found.seconds for found in pace.paused_hosts() if found.host == HOST)


def test_a_host_that_refuses_all_pages_is_paused_longer_each_time_up_to_an_hour(
    make_pace: MakePace, clock: Clock
) -> None:
    pace = make_pace(first_pause_s=60)
    seconds = []
    for number in range(9):
        assert wall(pace, number).walls == 0, "no page is blamed"
        seconds.append(pause_s(pace))
        clock.now += seconds[-1]
    assert seconds == [60, 120, 240, 480, 960, 1920, 3600, 3600, 3600]


def test_the_page_that_met_the_wall_lets_others_go_first(make_pace: MakePace, clock: Clock) -> None:
    pace = make_pace(first_pause_s=60)
    assert wall(pace).wait_s == 120
    clock.now += 60
    assert wall(pace).wait_s == 180
    assert wall(pace, 2, seconds=300).wait_s == 300, "what the host asks for is obeyed to the second"


def test_many_answers_from_one_wall_are_one_wall(make_pace: MakePace, clock: Clock) -> None:
    pace = make_pace(first_pause_s=60)
    with ThreadPoolExecutor(16) as threads:
        noted = list(threads.map(lambda number: wall(pace, number), range(64)))
    assert set(noted) == {Refusal(wait_s=120)}
    clock.now += 60
    wall(pace)
    assert pause_s(pace) == 120


def test_a_page_that_is_served_ends_the_strikes(make_pace: MakePace, clock: Clock) -> None:
    pace = make_pace(first_pause_s=60)
    for number in (1, 2, 3):
        wall(pace, number)
        clock.now += 240
    pace.note_served(page(4))
    wall(pace, 5)
    assert pause_s(pace) == 60


def test_refusals_are_forgotten_an_hour_after_their_pause(make_pace: MakePace, clock: Clock) -> None:
    pace = make_pace(first_pause_s=60)
    for number, (later_s, expected_s) in enumerate([(0, 60), (60 + 3599, 120), (120 + 3600, 60)]):
        clock.now += later_s
        wall(pace, number)
        assert pause_s(pace) == expected_s


def test_what_a_host_asks_for_does_not_grow_and_is_no_strike(make_pace: MakePace, clock: Clock) -> None:
    pace = make_pace(first_pause_s=60)
    for number in range(4):
        wall(pace, number, seconds=7)
        assert pause_s(pace) == 7
        clock.now += 7
    wall(pace, 5)
    assert pause_s(pace) == 60


def test_a_page_alone_with_its_wall_pauses_nobody_and_waits_longer_each_time(make_pace: MakePace, clock: Clock) -> None:
    pace = make_pace(first_pause_s=10)
    assert wall(pace) == Refusal(wait_s=20, walls=0), "the first one may be the host's"
    clock.now += 10
    for walls, wait_s in ((2, 20), (3, 40), (4, 80), (5, 160)):
        pace.note_served(page(2))
        assert wall(pace) == Refusal(wait_s=wait_s, walls=walls)
        assert pause_s(pace) == 0


def test_where_many_pages_are_alone_with_their_walls_each_new_one_pauses_its_host_for_less(
    make_pace: MakePace, clock: Clock
) -> None:
    """A category behind an age gate costs its shop seconds, not hours; a shop that refuses is paused in full again."""
    pace = make_pace(first_pause_s=12)
    pauses = []
    for number in range(1, 16):
        wall(pace, number)
        pauses.append(pause_s(pace))
        clock.now += 12
        pace.note_served(page(99))
        assert [wall(pace, number).walls for _ in range(4)] == [2, 3, 4, 5]
    assert pauses == pytest.approx([12, 6, 4, 3, 2.4, 2, 12 / 7, 1.5, 12 / 9, 1.2, 12 / 11, 1, 1, 1, 1], abs=1e-5)
    for expected_s in (1, 24):
        wall(pace, 50)
        assert pause_s(pace) == expected_s
        clock.now += expected_s
    pace.note_served(page(99))
    wall(pace, 51)
    assert pause_s(pace) == 12


def test_it_stays_alone_when_nothing_else_is_left_to_ask(make_pace: MakePace, clock: Clock) -> None:
    pace = make_pace()
    wall(pace)
    clock.now += 10
    pace.note_served(page(2))
    assert [wall(pace).walls for _ in range(4)] == [2, 3, 4, 5]


def test_after_five_walls_a_page_is_counted_anew_and_still_pauses_nobody(make_pace: MakePace, clock: Clock) -> None:
    """So a job that is requeued has five attempts again."""
    pace = make_pace()
    wall(pace)
    clock.now += 10
    pace.note_served(page(2))
    assert [wall(pace).walls for _ in range(10)] == [2, 3, 4, 5, 1, 2, 3, 4, 5, 1]
    assert pause_s(pace) == 0


def test_a_page_that_was_served_begins_anew(make_pace: MakePace, clock: Clock) -> None:
    pace = make_pace()
    wall(pace)
    clock.now += 10
    pace.note_served(page(2))
    wall(pace)
    pace.note_served(page(1))
    assert wall(pace).walls == 0
    assert pause_s(pace) == 10


def test_no_page_is_blamed_while_its_host_refuses_others_too(make_pace: MakePace, clock: Clock) -> None:
    pace = make_pace()
    wall(pace, 1)
    clock.now += 10
    pace.note_served(page(2))
    assert wall(pace, 1).walls == 2
    assert wall(pace, 3).walls == 0, "another page: the host may have begun to refuse"
    for _ in range(20):
        clock.now += 3600
        assert wall(pace, 1).walls == 0
    pace.note_served(page(2))
    assert wall(pace, 1).walls == 3


def test_two_pages_with_walls_of_their_own_do_not_cover_for_each_other(make_pace: MakePace, clock: Clock) -> None:
    pace = make_pace()
    for number in (1, 2):
        wall(pace, number)
        clock.now += 10
        pace.note_served(page(9))
    assert [wall(pace, number).walls for _ in range(4) for number in (1, 2)] == [2, 2, 3, 3, 4, 4, 5, 5]
    assert pause_s(pace) == 0


def test_each_way_out_has_its_own_walls(make_pace: MakePace, clock: Clock) -> None:
    """A proxy that is blocked is no reason to blame a page, though others are served through another one."""
    pace = make_pace()
    for _ in range(3):
        pace.note_served(page(2, egress="b:1"))
        assert wall(pace, egress="a:1").walls == 0
        clock.now += 3600


def test_a_page_that_one_way_out_is_served_stays_walled_for_another(make_pace: MakePace, clock: Clock) -> None:
    pace = make_pace()
    wall(pace, egress="a:1")
    clock.now += 10
    pace.note_served(page(2, egress="a:1"))
    assert wall(pace, egress="a:1").walls == 2
    pace.note_served(page(1, egress="b:1"))
    assert wall(pace, egress="a:1").walls == 3


def test_hosts_that_only_redirect_have_served_as_well(make_pace: MakePace, clock: Clock) -> None:
    pace = make_pace()
    wall(pace, 1)
    clock.now += 10
    pace.note_served(replace(page(2), final_url="https://other.test/2", redirects=((HOST, "direct"),)))
    assert wall(pace, 1).walls == 2


def test_a_lone_wall_that_says_how_long_is_obeyed(make_pace: MakePace, clock: Clock) -> None:
    pace = make_pace(first_pause_s=10)
    wall(pace, 1)
    clock.now += 10
    pace.note_served(page(2))
    assert wall(pace, 1, seconds=300) == Refusal(wait_s=300, walls=2)
    assert pause_s(pace) == 300
    clock.now += 300
    assert wall(pace, 1, seconds=3) == Refusal(wait_s=40, walls=3)
    assert pause_s(pace) == 3


def test_a_host_that_asks_for_no_pause_is_not_paused_and_that_is_no_strike(make_pace: MakePace) -> None:
    """`Retry-After: 0`."""
    pace = make_pace(first_pause_s=60)
    assert wall(pace, seconds=0) == Refusal(wait_s=0, walls=0)
    assert pause_s(pace) == 0
    wall(pace, 2)
    assert [(found.seconds, found.reason) for found in pace.paused_hosts()] == [(60, "page_blocked")]


def test_a_refusal_that_asks_for_no_pause_is_the_host_s_in_the_midst_of_a_pause_too(
    make_pace: MakePace, clock: Clock
) -> None:
    """So the page that was refused before is not the only one, and is not blamed."""
    pace = make_pace(first_pause_s=10)
    wall(pace, 1)
    pace.note_served(page(9))
    assert wall(pace, 2, seconds=0) == Refusal(wait_s=10, walls=0)
    clock.now += 10
    assert wall(pace, 1).walls == 0


def test_a_page_alone_with_its_wall_waits_for_a_pause_in_force_too(make_pace: MakePace, clock: Clock) -> None:
    """Asked earlier, it would meet the pause."""
    pace = make_pace(first_pause_s=10)
    wall(pace, 1)
    clock.now += 10
    pace.note_served(page(2))
    pace.pause(HOST, 300, reason="rate_limited")
    for seconds in (None, 0, 40):
        assert wall(pace, 1, seconds=seconds).wait_s == 300
    assert pause_s(pace) == 300


def test_pages_given_up_shorten_no_pause_after_too_many_requests(make_pace: MakePace, clock: Clock) -> None:
    pace = make_pace(first_pause_s=10)
    wall(pace, 1)
    clock.now += 10
    pace.note_served(page(2))
    assert [wall(pace, 1).walls for _ in range(4)][-1] == MOST_WALLS
    pace.note_refusal(HOST, page(3).url, None, reason="rate_limited")
    assert pause_s(pace) == 10


def test_too_many_requests_are_always_the_host_s_but_a_page_alone_waits_longer(
    make_pace: MakePace, clock: Clock
) -> None:
    pace = make_pace(first_pause_s=10)
    waits = []
    for _ in range(11):
        noted = pace.note_refusal(HOST, page(1).url, None, reason="rate_limited")
        waits.append(noted.wait_s)
        assert pause_s(pace) == 10
        clock.now += 10
        pace.note_served(page(2))
    assert waits == [20, 20, 40, 80, 160, 320, 640, 1280, 2560, 3600, 3600]


def test_walls_of_a_page_are_remembered_for_a_day(make_pace: MakePace, connection: redis.Redis) -> None:
    pace = make_pace(first_pause_s=10)
    wall(pace)
    (key,) = connection.keys("offers:pace:page:*")
    assert len(key) == len("offers:pace:page:") + 32
    assert 86_350_000 < connection.pttl(key) <= 86_400_000
    assert 3_600_000 < connection.pttl(KEY) <= 3_610_000, "and the host's strikes for an hour after its pause"
    pace.note_served(page(1))
    assert connection.keys("offers:pace:page:*") == []


def test_a_shop_with_one_walled_page_is_worked_off_at_its_pace(make_pace: MakePace, clock: Clock) -> None:
    """Fifty jobs of one host: one pause, and the page with the wall is asked five times."""
    pace = make_pace(0.5)
    began, asked = clock.now, 0
    waiting = [(clock.now, number) for number in range(50)]
    served_at = 0.0
    while waiting:
        due, number = heapq.heappop(waiting)
        clock.now = max(clock.now, due)
        try:
            clock.now += wait_s(pace)
        except HostPaused as paused:
            heapq.heappush(waiting, (clock.now + paused.seconds, number))
            continue
        if number == 7:
            asked += 1
            noted = wall(pace, number)
            if noted.walls < MOST_WALLS:
                heapq.heappush(waiting, (clock.now + noted.wait_s, number))
            continue
        pace.note_served(page(number))
        served_at = clock.now
    assert asked == MOST_WALLS
    assert served_at - began == pytest.approx(10 + 48 * 0.51), "one first pause beside the turns"


def test_a_shop_that_is_walled_altogether_is_left_in_peace_and_nobody_is_blamed(
    make_pace: MakePace, clock: Clock
) -> None:
    pace = make_pace(0.5)
    began, asked = clock.now, 0
    waiting = [(clock.now, number) for number in range(20)]
    while clock.now < began + 6 * 3600:
        due, number = heapq.heappop(waiting)
        clock.now = max(clock.now, due)
        try:
            clock.now += wait_s(pace)
        except HostPaused as paused:
            heapq.heappush(waiting, (clock.now + min(900, paused.seconds), number))
            continue
        asked += 1
        noted = wall(pace, number)
        assert noted.walls == 0
        heapq.heappush(waiting, (clock.now + min(900, noted.wait_s), number))
    assert asked == 14, "nine pauses that grow from ten seconds to an hour, then one request an hour"


def test_a_redis_that_is_gone_loses_no_page_that_was_served() -> None:
    with RedisServer() as server, server.connect() as client:
        server.stop()
        SharedPace(client, delay_s=0, first_pause_s=10).note_served(page())


def test_a_redis_that_refuses_loses_no_page_that_was_served(make_pace: MakePace, connection: redis.Redis) -> None:
    connection.set(f"offers:pace:{HOST}|direct", "planted")
    make_pace().note_served(page())
    assert connection.get(f"offers:pace:{HOST}|direct") == b"planted"


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
    connection.replicaof("127.0.0.1", "1")
    try:
        with pytest.raises(QueueRefused, match="read-only replica"):
            make_pace().reserve(HOST)
    finally:
        connection.replicaof("NO", "ONE")


def test_a_full_redis_still_gives_turns_and_keeps_pauses(make_pace: MakePace, connection: redis.Redis) -> None:
    """It refuses new jobs; those it holds are worked off, at the same pace as ever."""
    pace = make_pace(0.5)
    connection.config_set("maxmemory", 1)
    try:
        assert [wait_s(pace) for _ in range(2)] == [0.0, 0.51]
        assert pace.note_refusal(HOST, f"https://{HOST}/p/1", 20, reason="page_blocked").wait_s == 20
        with pytest.raises(HostPaused):
            wait_s(pace)
        assert pace.pause("other.test", 20, reason="page_blocked") == 20
    finally:
        connection.config_set("maxmemory", 0)


RESERVE = """
import json, sys, redis
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from offers_cli.fetch.pace import SharedPace

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


def counted(connection: redis.Redis) -> dict[str, int]:
    """What stands in Redis of the requests."""
    found: Any = connection.hgetall(REQUESTS)
    return {name.decode(): int(count) for name, count in found.items() if name != b"fields"}


def test_requests_are_counted_by_the_way_of_the_next_turn(make_pace: MakePace, connection: redis.Redis) -> None:
    """No round trip of their own, over all processes together."""
    first, second = make_pace(), make_pace()
    for status in (200, 200, 404, None):
        first.note_response("WWW.shop.test", status)
    assert counted(connection) == {}
    first.reserve(HOST)
    assert counted(connection) == {f"{HOST} 200": 2, f"{HOST} 404": 1, f"{HOST} none": 1}
    second.note_response(HOST, 200)
    second.reserve("other.test")
    first.reserve(HOST)
    assert counted(connection) == {f"{HOST} 200": 3, f"{HOST} 404": 1, f"{HOST} none": 1}
    totals = first.request_totals()
    assert totals.answered == {(HOST, "200"): 3, (HOST, "404"): 1, (HOST, "none"): 1}
    assert totals.waited_s == {}


def test_what_no_turn_took_along_is_counted_at_the_end(make_pace: MakePace, connection: redis.Redis) -> None:
    pace = make_pace()
    pace.note_response(HOST, 200)
    pace.report()
    pace.report()
    assert counted(connection) == {f"{HOST} 200": 1}


def test_the_wait_for_turns_is_counted_by_host(make_pace: MakePace) -> None:
    pace = make_pace(0.5)
    assert [wait_s(pace) for _ in range(3)] == [0.0, 0.51, 1.02]
    pace.report()
    assert pace.request_totals().waited_s == {HOST: pytest.approx(1.53)}


def test_a_paused_host_loses_no_count(make_pace: MakePace, connection: redis.Redis) -> None:
    pace = make_pace()
    pace.pause(HOST, 60, reason="page_blocked")
    pace.note_response(HOST, 403)
    with pytest.raises(HostPaused):
        pace.reserve(HOST)
    assert counted(connection) == {f"{HOST} 403": 1}


def test_hosts_without_end_fill_no_redis(make_pace: MakePace, connection: redis.Redis) -> None:
    """Beyond a bound they are counted together, whatever their number; those known before go on by themselves."""
    pace = make_pace()
    for number in range(600):
        pace.note_response(f"h{number}.test", 200)
    pace.report()
    for number in range(600):
        pace.note_response(f"h{number}.test", 200)
    pace.reserve(HOST)
    counts = counted(connection)
    assert len(counts) == 501
    assert counts["h0.test 200"] == counts["h499.test 200"] == 2
    assert counts["other 200"] == 200


def test_whatever_was_planted_in_the_counts_does_not_stop_a_turn(make_pace: MakePace, connection: redis.Redis) -> None:
    pace = make_pace()
    connection.set(REQUESTS, "x")
    pace.note_response(HOST, 200)
    pace.reserve(HOST)
    assert counted(connection) == {f"{HOST} 200": 1}
    connection.hset(REQUESTS, mapping={"fields": "nan", f"{HOST} 200": "x"})
    assert pace.request_totals().answered == {(HOST, "200"): 0}
    pace.note_response(HOST, 200)
    pace.reserve(HOST)
    assert counted(connection) == {f"{HOST} 200": 1}


def test_without_redis_counts_are_lost_and_nothing_else(make_pace: MakePace) -> None:
    with RedisServer() as mortal, mortal.connect() as client:
        pace = make_pace(client=client)
        pace.note_response(HOST, 200)
        mortal.kill()
        pace.report()

"""The pace of one process alone."""

from __future__ import annotations

from typing import Any

import pytest

from offers_cli.errors import HostPaused, PageBlocked
from offers_cli.fetch.pace import LocalPace, Refusal, record_refusal


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_turns_of_one_host_are_apart_and_hosts_do_not_wait_for_each_other() -> None:
    pace = LocalPace(delay_s=0.5, pause_s=60, clock=Clock())
    assert [pace.reserve("a")[1] for _ in range(3)] == [0, 0.5, 1.0]
    assert pace.reserve("b")[1] == 0


def test_no_host_is_paused_on_a_machine_that_has_just_started() -> None:
    """Whose clock begins at nothing."""
    clock = Clock()
    clock.now = 0.0
    assert LocalPace(delay_s=0.5, pause_s=60, clock=clock).reserve("a") == ("direct", 0)


def test_time_passes() -> None:
    clock = Clock()
    pace = LocalPace(delay_s=0.5, pause_s=60, clock=clock)
    pace.reserve("a")
    clock.now += 10
    assert pace.reserve("a")[1] == 0


def test_a_paused_host_is_told_of_instead_of_waited_for() -> None:
    clock = Clock()
    pace = LocalPace(delay_s=0, pause_s=60, clock=clock)
    assert pace.pause("a", 30, reason="rate_limited") == 30
    assert pace.pause("a", 5, reason="site_unavailable") == 30, "a shorter pause shortens nothing"
    with pytest.raises(HostPaused) as paused:
        pace.reserve("a")
    assert (paused.value.host, paused.value.seconds, paused.value.reason) == ("a", 30, "rate_limited")
    assert pace.reserve("b")[1] == 0
    clock.now += 30
    assert pace.reserve("a")[1] == 0
    assert pace.note_refusal("a", "http://a/1", None, reason="page_blocked") == Refusal(wait_s=60)
    assert pace.note_refusal("a", "http://a/1", 90, reason="rate_limited") == Refusal(wait_s=90)
    with pytest.raises(HostPaused) as paused:
        pace.reserve("a")
    assert (paused.value.seconds, paused.value.reason) == (90, "rate_limited")


def test_a_refusal_through_one_egress_pauses_no_other() -> None:
    pace = LocalPace(delay_s=0, pause_s=60, clock=Clock())
    pace.note_refusal("a", "http://a/1", None, reason="page_blocked", egress="p1")
    assert pace.is_paused("a", "p1")
    assert not pace.is_paused("a")


def test_whether_a_host_is_paused_is_asked_again_after_a_wait() -> None:
    clock = Clock()
    pace = LocalPace(delay_s=1, pause_s=60, clock=clock)
    assert not pace.is_paused("a")
    pace.pause("a", 30, reason="rate_limited")
    assert pace.is_paused("a")
    assert not pace.is_paused("a", "p1")
    clock.now += 30
    assert not pace.is_paused("a")


def test_another_egress_goes_on_while_one_is_paused() -> None:
    pace = LocalPace(delay_s=0, pause_s=60, clock=Clock())
    pace.pause("a", 30, reason="page_blocked", egress="p1")
    assert pace.reserve("a", ("p1", "p2")) == ("p2", 0)


def test_of_paused_egresses_the_one_that_opens_first_is_told_of() -> None:
    pace = LocalPace(delay_s=0, pause_s=60, clock=Clock())
    pace.pause("a", 30, reason="page_blocked", egress="p1")
    pace.pause("a", 10, reason="rate_limited", egress="p2")
    with pytest.raises(HostPaused) as paused:
        pace.reserve("a", ("p1", "p2"))
    assert (paused.value.seconds, paused.value.reason) == (10, "rate_limited")


def test_the_nearest_egress_is_taken() -> None:
    pace = LocalPace(delay_s=1, pause_s=60, clock=Clock())
    assert [pace.reserve("a", ("p1", "p2"))[0] for _ in range(2)] == ["p1", "p2"]


def test_who_asked_for_a_refused_page_learns_how_long_to_leave_it_and_how_often_it_was_refused() -> None:
    noted: list[Any] = []

    class Pace(LocalPace):
        def note_refusal(self, *page: Any, **refused: Any) -> Refusal:
            noted.append((page, refused))
            return Refusal(wait_s=60, walls=2)

    error = PageBlocked("a wall", retry_after_s=7)
    record_refusal(Pace(delay_s=0, pause_s=1), error, host="a", url="http://a/1", egress="p1")
    assert noted == [(("a", "http://a/1", 7), {"reason": "page_blocked", "egress": "p1"})]
    assert (error.retry_after_s, error.walls) == (60, 2)

"""The pace of one process alone, for when Redis does not answer."""

from __future__ import annotations

import pytest

from offers_cli.errors import TurnTooFar
from offers_cli.fetch.local_pace import LocalPace


def test_turns_of_one_host_and_egress_lie_one_delay_apart() -> None:
    now = [100.0]
    pace = LocalPace(delay_s=0.5, clock=lambda: now[0])
    assert [pace.reserve("h") for _ in range(3)] == [0.0, 0.5, 1.0]
    assert pace.reserve("other") == pace.reserve("h", "proxy:1") == 0.0
    now[0] = 110.0
    assert pace.reserve("h") == 0.0


def test_a_turn_too_far_away_takes_nothing() -> None:
    pace = LocalPace(delay_s=10, clock=lambda: 100.0)
    pace.reserve("h")
    for _ in range(2):
        with pytest.raises(TurnTooFar):
            pace.reserve("h", max_wait_s=9)
    assert pace.reserve("h", max_wait_s=10) == 10.0


def test_the_nearest_egress_is_taken() -> None:
    pace = LocalPace(delay_s=10, clock=lambda: 100.0)
    assert [pace.reserve_any("h", ("a", "b")) for _ in range(3)] == [("a", 0.0), ("b", 0.0), ("a", 10.0)]


def test_a_pause_pushes_the_next_turn_away() -> None:
    pace = LocalPace(delay_s=1, clock=lambda: 100.0)
    assert pace.pause("h", 30, reason="rate_limited") == 30.0
    assert pace.pause("h", 5, reason="rate_limited") == 30.0
    assert pace.reserve("h") == 30.0

"""When commands on a clock are due: over daylight-saving changes, over steps of the clock, with jitter."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offers_cli.queue.cron import check_cron, corrected, first_clock, next_run, shortest_gap, turned
from offers_cli.queue.schedule import Entry, EntryClock

ADDED = datetime(2026, 1, 1, tzinfo=UTC)
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


def no_jitter(_most: float) -> float:
    return 0.0


def entry(cron: str | None = None, zone: str = "UTC", *, every_s: int | None = None, jitter_s: int = 0) -> Entry:
    return Entry(
        name="e", command=("doctor",), cron=cron, every_s=every_s, time_zone=zone, jitter_s=jitter_s, added_at=ADDED
    )


def wall_times(cron: str, zone: str, first: str, count: int) -> list[str]:
    """The next runs from a wall time on, by the wall clock of that zone."""
    moment, found = datetime.fromisoformat(first).replace(tzinfo=ZoneInfo(zone)), []
    for _ in range(count):
        moment = next_run(entry(cron, zone), moment.astimezone(UTC))
        found.append(f"{moment.astimezone(ZoneInfo(zone)):%d %H:%M}")
    return found


def test_a_daily_run_keeps_its_wall_time_over_both_changes() -> None:
    assert wall_times("0 7 * * *", "Europe/Lisbon", "2026-03-27 12:00", 3) == [
        "28 07:00",
        "29 07:00",
        "30 07:00",
    ]
    assert wall_times("0 7 * * *", "Europe/Lisbon", "2026-10-23 12:00", 3) == [
        "24 07:00",
        "25 07:00",
        "26 07:00",
    ]


def test_a_run_in_the_hour_that_spring_skips_is_not_lost() -> None:
    assert wall_times("30 2 * * *", "America/New_York", "2026-03-07 12:00", 2) == ["08 03:30", "09 02:30"]


def test_midnight_that_does_not_exist_in_brazil_is_an_hour_later() -> None:
    assert wall_times("0 0 * * *", "America/Sao_Paulo", "2018-11-03 12:00", 2) == ["04 01:00", "05 00:00"]


def test_a_run_in_the_hour_that_autumn_repeats_happens_once() -> None:
    assert wall_times("30 1 * * *", "America/New_York", "2026-10-31 12:00", 2) == ["01 01:30", "02 01:30"]
    assert wall_times("30 23 * * *", "America/Sao_Paulo", "2018-02-16 12:00", 3) == [
        "16 23:30",
        "17 23:30",
        "18 23:30",
    ]


def test_skipped_times_of_one_hour_are_no_two_runs_at_once() -> None:
    """02:00 and 03:00 fall together in spring."""
    assert wall_times("0 * * * *", "America/New_York", "2026-03-08 00:30", 3) == [
        "08 01:00",
        "08 03:00",
        "08 04:00",
    ]


@given(
    moment=st.integers(1_483_228_800, 1_798_761_600).map(lambda stamp: datetime.fromtimestamp(stamp, UTC)),
    zone=st.sampled_from(["America/Sao_Paulo", "Europe/Lisbon", "America/New_York", "Australia/Lord_Howe", "UTC"]),
    cron=st.sampled_from(["*/5 * * * *", "30 2 * * *", "0 0 * * *", "15 1,2,3 * * *", "0 4 1 * *", "0 9 * * mon-fri"]),
)
def test_the_next_run_is_always_later_and_never_far(moment: datetime, zone: str, cron: str) -> None:
    found = next_run(entry(cron, zone), moment)
    assert moment < found <= moment + timedelta(days=32)


def test_an_interval_is_real_time_whatever_the_wall_clock_does() -> None:
    before = datetime(2026, 11, 1, 5, 30, tzinfo=UTC)
    assert next_run(entry(every_s=3600, zone="America/New_York"), before) == before + HOUR


def test_a_new_interval_runs_at_once_and_a_new_cron_line_at_its_time() -> None:
    assert first_clock(entry(every_s=600), ADDED, no_jitter).next_at == ADDED
    assert first_clock(entry("0 7 * * *"), ADDED, no_jitter).next_at == ADDED + 7 * HOUR


def test_what_was_missed_for_a_week_is_one_run() -> None:
    now = ADDED + timedelta(days=7, minutes=3)
    assert turned(entry("0 * * * *"), now, no_jitter).next_at == now + 57 * MINUTE
    assert turned(entry(every_s=600), now, no_jitter).next_at == now + 10 * MINUTE


def test_jitter_comes_on_top_and_is_drawn_from_what_was_asked_for() -> None:
    asked: list[float] = []
    clock = turned(entry("0 7 * * *", jitter_s=600), ADDED, lambda most: asked.append(most) or most / 2)  # type: ignore[func-returns-value]
    assert (asked, clock.next_at) == ([600], ADDED + 7 * HOUR + 5 * MINUTE)


def ran(one: Entry, at: datetime) -> EntryClock:
    return turned(one, at, no_jitter)


def test_a_clock_that_goes_forward_changes_nothing() -> None:
    one = entry("0 7 * * *")
    clock = ran(one, ADDED + 7 * HOUR)
    assert corrected(one, clock, ADDED + 8 * HOUR, no_jitter) is clock


def test_a_small_step_back_repeats_no_daily_run() -> None:
    """It ran at 07:00; then the clock says 05:30 again."""
    one = entry("0 7 * * *")
    clock = ran(one, ADDED + 7 * HOUR)
    assert corrected(one, clock, ADDED + 5 * HOUR + 30 * MINUTE, no_jitter) is clock


def test_a_small_step_back_stalls_no_frequent_run() -> None:
    """It runs every five minutes; two hours back it would wait for two hours."""
    one = entry("*/5 * * * *")
    clock = ran(one, ADDED + 7 * HOUR)
    now = ADDED + 5 * HOUR + MINUTE
    assert corrected(one, clock, now, no_jitter).next_at == now + 4 * MINUTE


def test_a_clock_that_was_a_year_ahead_stalls_nothing_for_a_year() -> None:
    ahead = ADDED + timedelta(days=365)
    for one in (entry("0 7 * * *"), entry(every_s=6 * 3600)):
        for clock in (ran(one, ahead), EntryClock(next_at=ahead + 7 * HOUR, set_at=ahead)):
            right = corrected(one, clock, ADDED, no_jitter)
            assert ADDED < right.next_at <= ADDED + 7 * HOUR
            assert corrected(one, right, ADDED + MINUTE, no_jitter) is right


def test_an_interval_waits_no_longer_than_one_interval_after_a_step_back() -> None:
    one = entry(every_s=1800)
    now = ADDED + HOUR
    assert corrected(one, ran(one, ADDED + 6 * HOUR), now, no_jitter).next_at == now + 30 * MINUTE


@given(
    back=st.integers(1, 3 * 86_400),
    after=st.integers(0, 86_400),
    kind=st.sampled_from([("*/5 * * * *", 5 * MINUTE), ("0 7 * * *", 24 * HOUR)]),
)
def test_no_step_back_stalls_longer_than_to_the_run_after_and_three_hours(
    back: int, after: int, kind: tuple[str, timedelta]
) -> None:
    one, gap = entry(kind[0]), kind[1]
    clock = ran(one, ADDED + timedelta(seconds=after))
    now = ADDED + timedelta(seconds=after - back)
    due = corrected(one, clock, now, no_jitter).next_at
    assert due <= now + 3 * HOUR + gap


@pytest.mark.parametrize(
    "cron",
    [
        "",
        "* * * *",
        "* * * * * *",
        "61 * * * *",
        "x * * * *",
        "0 0 31 2 *",
        "*/0 * * * *",
        "R * * * *",
        "H * * * *",
        "@daily",
        "0 0 * * *; id",
        "0\t0 * * *",
        "9" * 300,
    ],
)
def test_a_line_that_names_no_time_is_refused(cron: str) -> None:
    assert check_cron(cron, "UTC", now=ADDED)


@pytest.mark.parametrize(
    "cron", ["*/5 * * * *", "0 7 * * mon-fri", "15,45 8-20 * * *", "0 3 1 jan,jul *", "0 9 * * 1#1"]
)
def test_a_line_that_names_times_is_taken(cron: str) -> None:
    assert check_cron(cron, "America/Sao_Paulo", now=ADDED) is None


def test_the_shortest_time_between_two_runs_is_found() -> None:
    assert shortest_gap(entry("0,10 7 * * *"), ADDED) == 10 * MINUTE
    assert shortest_gap(entry(every_s=3600), ADDED) == HOUR

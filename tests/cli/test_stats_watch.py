"""The live view of `stats --watch`: every figure on a line of its own, never more lines than the terminal has."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from offers_cli.cli.render import Line, Output, Table
from offers_cli.cli.stats import stats_blocks, view_rows, watch_stats
from offers_cli.drift.detect import DriftWarning
from offers_cli.fetch.pace import PausedHost
from offers_cli.queue.registries import QueueCounts, RunningJob, RunningWorker
from offers_cli.queue.schedule import Run
from offers_cli.redis.quarantine import SetAside
from offers_cli.report import Problem
from offers_cli.services.alerts import AlertCounts
from offers_cli.services.schedule import ScheduleEntry
from offers_cli.services.stats import Needing, RecentlyEnded, StatsReport
from offers_cli.storage.base import OfferCounts

NOW = datetime(2026, 6, 1, tzinfo=UTC)
QUEUE = QueueCounts(queued=1200, started=3, scheduled=0, deferred=0, finished=500, failed=3, workers=1)


def worker(jobs: int) -> RunningWorker:
    running = RunningJob(
        job_id="enrich-o1", offer_id="o1", url="https://shop.test/o1", started_at=NOW - timedelta(seconds=4)
    )
    return RunningWorker(
        name="w",
        state="busy",
        waits_for=None,
        hostname="host",
        pid=7,
        started_at=NOW - timedelta(hours=2),
        seen_at=NOW,
        jobs=(running,) * jobs,
    )


ASIDE = SetAside(key="rq:wip:enrichment", kind="string", at=NOW, look="redis-cli GET x")


def report(jobs: int = 1) -> StatsReport:
    return StatsReport(
        queue=QUEUE,
        jobs_per_minute=58.04,
        time_to_empty_s=124,
        failures={"site_unavailable": 1, "page_changed": 2},
        offers=OfferCounts(
            total=1000, enriched=835, gone=3, missing_old_price=12, missing_discount=30, missing_affiliate_link=1000
        ),
        paused=(PausedHost(host="shop.test", egress="direct", seconds=25.4, reason="page_blocked"),),
        drift=(DriftWarning(source="s", field="f", message="old price found on 2% of pages, usually on 80%"),),
        workers=(worker(jobs),),
    )


def on_clock(name: str, **facts: Any) -> ScheduleEntry:
    ordinary: dict[str, Any] = {
        "command": ("doctor",),
        "every_s": 1800,
        "cron": None,
        "time_zone": "UTC",
        "jitter_s": 0,
        "added_at": NOW,
        "status": "waiting",
        "next_run_at": NOW,
        "last_run": None,
        "skipped_at": None,
    }
    return ScheduleEntry(name=name, **(ordinary | facts))


def test_what_is_on_the_clock_is_seen_while_it_runs_and_when_it_failed() -> None:
    failed = Run(started_at=NOW, ended_at=NOW, exit_code=4, status="failed", result="site_unavailable: away")
    entries = (on_clock("new"), on_clock("slow", status="running"), on_clock("bad", last_run=failed))
    watched = dict(view_rows(replace(report(), schedule=entries), now=NOW, height=24))["by the clock"]
    assert [part.split(",")[0] for part in watched.split("; ")] == ["new never run", "slow running", "bad failed"]
    [table] = [block for block in stats_blocks(StatsReport(schedule=entries)) if isinstance(block, Table)]
    assert [row[0] for row in table.rows] == ["new", "slow", "bad"]
    assert "by the clock" not in dict(view_rows(report(), now=NOW, height=24))


def test_everything_worth_watching_is_there() -> None:
    shown = dict(view_rows(report(), now=NOW, height=24))
    assert shown["queue"] == "queued 1,200  running 3  put off 0  waiting for another job 0"
    assert shown["rate"] == "58.0 jobs per minute, empty in 2 min 4 s"
    assert shown["failures"] == "page_changed 2  site_unavailable 1"
    assert shown["coverage"] == "1,000 offers, 3 gone, 835 enriched"
    assert shown["paused"] == "shop.test for 25 s (page_blocked)"
    assert shown["pages"].startswith("old price")
    assert shown["worker"] == "host pid 7 · busy · up 2 h 0 min"
    assert "suspended" not in shown
    assert shown[""].split() == ["4", "s", "https://shop.test/o1"]


def test_each_figure_says_what_it_counts() -> None:
    needing = Needing(any=4, old_price=4, discount=1, affiliate_link=None)
    recent = RecentlyEnded(window_s=300, finished=40, failed=2)
    full = replace(report(), needing=needing, recent=recent)
    shown = dict(view_rows(full, now=NOW, height=24))
    assert shown["coverage"] == "1,000 offers, 3 gone, 835 enriched; 993 of 997 on sale need nothing (99%)"
    assert shown["ended"] == "finished 40  failed 2  in the last 5 min"
    tables = {block.title: block.rows for block in stats_blocks(full) if isinstance(block, Table)}
    queue, offers = ({str(name): count for name, count in tables[title]} for title in ("Queue", "Offers"))
    assert queue["finished, kept for 8 min"] == 500
    assert (queue["finished in the last 5 min"], queue["failed in the last 5 min"]) == (40, 2)
    assert offers["still need something"] == 4
    assert offers["on sale, missing affiliate link"] == 1000
    done = replace(full, needing=Needing(any=0, old_price=0, discount=0, affiliate_link=0))
    assert dict(view_rows(done, now=NOW, height=24))["coverage"].endswith("997 of 997 on sale need nothing (100%)")


def test_the_newest_key_that_was_set_aside_is_there() -> None:
    shown = dict(view_rows(replace(report(), set_aside=(ASIDE,) * 3), now=NOW, height=30))
    assert shown["set aside"] == "rq:wip:enrichment (a string); redis-cli GET x"


def test_stats_shows_some_of_the_keys_that_were_set_aside_and_counts_the_others() -> None:
    lines = [block.text for block in stats_blocks(replace(report(), set_aside=(ASIDE,) * 7)) if isinstance(block, Line)]
    told = "set aside, because it is a string: rq:wip:enrichment; redis-cli GET x"
    assert (lines.count(told), lines[-1]) == (5, "and 2 more, see docs/redis.md")


@pytest.mark.parametrize("height", [1, 5, 12, 24])
def test_a_short_terminal_is_not_overfilled(height: int) -> None:
    rows = view_rows(report(jobs=50), now=NOW, height=height)
    assert len(rows) == height
    if height > 10:
        assert rows[-1] == ("", f"… {51 - (height - 10)} more lines; a taller window shows them")


def test_a_service_that_is_down_is_told_and_hides_nothing_else() -> None:
    down = StatsReport(offers=report().offers, problems=(Problem(code="queue_unavailable", message="Redis is away"),))
    shown = dict(view_rows(down, now=NOW, height=24))
    assert shown["error"] == "Redis is away"
    assert "coverage" in shown
    assert "queue" not in shown


def test_off_a_terminal_each_look_is_one_block(capsys: pytest.CaptureFixture[str]) -> None:
    waits: list[float] = []

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 3:
            raise KeyboardInterrupt

    with pytest.raises(Exception, match="130"):
        watch_stats(report, Output(), interval_s=5, sleep=sleep)
    blocks = capsys.readouterr().out.removesuffix("\n\n").split("\n\n")
    assert len(blocks) == 3
    assert all("queued\t1200" in block and "\x1b" not in block for block in blocks)
    assert waits == [5, 5, 5]


def test_a_worker_tells_what_it_waits_for_and_a_suspended_queue_is_told() -> None:
    waiting = replace(report(), workers=(replace(worker(0), waits_for="the database: it is locked"),), suspended=True)
    shown = dict(view_rows(waiting, now=NOW, height=24))
    assert shown["worker"] == "host pid 7 · waits for the database: it is locked · up 2 h 0 min"
    assert shown["suspended"] == "no job is started, until rq resume"
    texts = [block.text for block in stats_blocks(waiting) if isinstance(block, Line)]
    assert "suspended: no job is started, until rq resume" in texts


def test_alerts_that_may_be_lost_are_shown_and_no_others() -> None:
    """Who waits for a low price on a phone does not look for it here."""
    counts = AlertCounts(rules=2, waiting=1, late=0, sent=9, unknown=0, refused=0)
    assert stats_blocks(StatsReport(alerts=counts)) == []
    lost = StatsReport(alerts=replace(counts, unknown=2, late=1))
    assert stats_blocks(lost) == [Line("alerts: 2 unknown, 1 not yet sent; offers alerts list")]
    assert ("alerts", "2 unknown, 1 not yet sent") in view_rows(lost, now=NOW, height=20)

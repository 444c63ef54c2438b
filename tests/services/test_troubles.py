"""What operators are told of before they would have seen it: login, walls, pages, label, scrapes, disk."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest

from offers_cli.affiliate.session import SessionReport
from offers_cli.alerts.troubles import Trouble
from offers_cli.drift.detect import DriftWarning
from offers_cli.fetch.pace import PausedHost
from offers_cli.queue.registries import PutOff
from offers_cli.report import Problem
from offers_cli.services.troubles import WALL_AFTER, list_looks
from offers_cli.storage.base import ScrapeRun

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def look(kind: str, **found: Any) -> list[Trouble]:
    """What is found of a kind, where all else is well."""
    looks = list_looks(
        session=SimpleNamespace(check=lambda: found.get("session", SessionReport())),  # type: ignore[arg-type]
        pace=SimpleNamespace(paused_hosts=lambda: found.get("paused", ())),  # type: ignore[arg-type]
        drift=SimpleNamespace(warnings=lambda: found.get("warnings", ())),  # type: ignore[arg-type]
        queue=SimpleNamespace(put_off=lambda: found.get("put_off", ())),  # type: ignore[arg-type]
        storage=SimpleNamespace(find_runs=lambda limit: found.get("runs", ())[:limit]),
        home=found.get("home", Path("/nowhere")),
        no_scrape_s=86_400,
        now=lambda: NOW,
    )
    return [*looks[kind]()]


def session(**values: Any) -> SessionReport:
    facts: dict[str, Any] = {"valid": True, "imported_at": NOW, "age_days": 1, "days_left": 20}
    return SessionReport(**facts | values)


@pytest.mark.parametrize("kind", ["session", "wall", "pages", "label", "scrape"])
def test_where_all_is_well_nothing_is_told(kind: str) -> None:
    """No session, no pause, no run yet: who has just begun has no trouble."""
    assert look(kind) == []


def test_a_login_that_has_ended_is_worse_than_one_that_ends_soon() -> None:
    problem = Problem(code="session_expired", message="the site refuses the session")
    [ended] = look("session", session=session(valid=False, problems=(problem,)))
    assert (ended.title, ended.is_grave) == ("The affiliate's login has ended", True)
    assert "The site refuses the session. " in ended.text
    [soon] = look("session", session=session(days_left=2, expires_at=NOW + 2 * DAY))
    assert (soon.name, soon.is_grave) == (ended.name, False)
    assert "2026-11-28 12:00 UTC" in soon.text
    [old] = look("session", session=session(days_left=None, age_days=25))
    assert "25 days ago" in old.text
    assert look("session", session=session(days_left=3)) == []
    assert look("session", session=session(days_left=None, age_days=24)) == []


def paused(host: str, egress: str, reason: str) -> PausedHost:
    return PausedHost(host=host, egress=egress, seconds=9, reason=reason)


def test_a_wall_is_one_trouble_for_each_host_whatever_the_ways_out() -> None:
    hosts = [paused("b", "1", "page_blocked"), paused("a", "1", "page_blocked"), paused("a", "2", "page_blocked")]
    found = look("wall", paused=[*hosts, paused("c", "1", "rate_limited")])
    assert [(each.name, each.after) for each in found] == [("wall a", WALL_AFTER), ("wall b", WALL_AFTER)]


def test_pages_that_changed_are_told_by_source_with_their_fields() -> None:
    warnings = [
        DriftWarning(source="ml product", field="title", message="title found on 10%"),
        DriftWarning(source="ml listing", field="price_cents", message="price found on none", is_broken=True),
        DriftWarning(source="ml product", field="brand", message="brand found on 5%"),
    ]
    found = look("pages", warnings=warnings)
    assert [(each.name, each.is_grave) for each in found] == [("pages ml listing", True), ("pages ml product", False)]
    assert "title found on 10%; brand found on 5%" in found[1].text


def test_a_label_that_is_refused_is_told_with_what_waits_for_another() -> None:
    put_off = [
        PutOff(code="label_refused", jobs=7, message="the label shop: unknown"),
        PutOff(code="x", jobs=1, message=""),
    ]
    [label] = look("label", put_off=put_off)
    assert "the label shop: unknown; links that wait for another one: 7" in label.text


def run(status: Any, ago: timedelta) -> ScrapeRun:
    return ScrapeRun(id=str(uuid4()), source="ofertas", status=status, started_at=NOW - ago, finished_at=NOW - ago)


@pytest.mark.parametrize(
    ("runs", "hours"),
    [
        ([run("failed", DAY / 24), run("done", 2 * DAY)], 48),
        ([run("failed", DAY / 24), run("failed", 3 * DAY)], 72),
        ([run("done", DAY / 2), run("done", 9 * DAY)], None),
        ([run("failed", DAY / 2)], None),
    ],
)
def test_scrapes_that_fail_or_do_not_come_are_told_as_none(runs: Sequence[ScrapeRun], hours: int | None) -> None:
    found = look("scrape", runs=runs)
    assert [each.title for each in found] == ([f"Nothing was scraped for {hours} hours"] if hours else [])


@pytest.mark.parametrize(("mib", "grave"), [(99, True), (1023, False), (1024, None)])
def test_a_disk_is_told_before_it_is_full(
    mib: int, grave: bool | None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _path: SimpleNamespace(free=mib * 2**20))
    found = look("disk", home=tmp_path)
    assert [each.is_grave for each in found] == ([] if grave is None else [grave])

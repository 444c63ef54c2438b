"""`/metrics`: what it says, what it costs, and that the board and the alerts ask for nothing that is not there."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from programs.conftest import HOSTILE, Desk, open_desk
from servers import RedisServer

from offers_cli.drift.detect import DriftWarning
from offers_cli.fetch.pace import REQUESTS
from offers_cli.queue.schedule import Run
from offers_cli.times import utc_now

DOCS = Path(__file__).parents[2] / "docs"
TOKEN = "correct-horse-battery-staple"
LABEL = r'[a-z_]+="(?:[^"\\\n]|\\["\\n])*"'
SERIES = re.compile(rf"(?P<name>[a-z_]+)(?:\{{(?P<labels>{LABEL}(?:,{LABEL})*)\}})? (?P<value>[-+0-9.e]+)")

promtool = pytest.mark.skipif(
    shutil.which("promtool") is None, reason="promtool (Debian's prometheus) is not installed"
)


def read(text: str) -> dict[str, float]:
    """The series of a page of metrics by name and labels; every line of it obeys the format."""
    found: dict[str, float] = {}
    described: dict[str, str] = {}
    assert text.endswith("\n")
    for line in text.removesuffix("\n").split("\n"):
        if line.startswith("# HELP "):
            continue
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            assert name not in described, f"{name} is described twice"
            described[name] = kind
            continue
        series = SERIES.fullmatch(line)
        assert series, line
        family = re.sub(r"_(bucket|sum|count)$", "", series["name"])
        assert series["name"] in described or described.get(family) == "histogram", line
        key = line.rpartition(" ")[0]
        assert key not in found, f"{key} stands twice"
        found[key] = float(series["value"])
    return found


def test_the_figures_are_those_of_the_queue_and_the_catalogue(stocked: Desk) -> None:
    pace = stocked.runtime.shared_pace
    for status in (200, 200, 503, None):
        pace.note_response("Shop.test", status)
    pace.report()
    pace.pause("shop.test", 60, reason="page_blocked")
    answer = stocked.get("/metrics")
    assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    found = read(answer.text)
    for series, value in {
        'offers_up{service="redis"}': 1,
        'offers_up{service="database"}': 1,
        'offers_jobs{state="failed"}': 1,
        'offers_jobs{state="queued"}': 0,
        'offers_attempts_total{outcome="finished",code=""}': 1,
        'offers_attempts_total{outcome="failed",code="page_changed"}': 1,
        "offers_attempt_seconds_count": 2,
        'offers_attempt_seconds_bucket{le="+Inf"}': 2,
        'offers_stored{status="active"}': 6,
        'offers_stored{status="gone"}': 0,
        "offers_enriched": 1,
        'offers_missing{field="affiliate_link"}': 6,
        'offers_requests_total{host="shop.test",status="200"}': 2,
        'offers_requests_total{host="shop.test",status="503"}': 1,
        'offers_requests_total{host="shop.test",status="none"}': 1,
        "offers_workers": 0,
        "offers_queue_suspended": 0,
        "offers_schedule_has_worker": 0,
    }.items():
        assert found[series] == value, series
    assert 0 < found['offers_host_paused_seconds{host="shop.test",egress="direct",reason="page_blocked"}'] <= 60
    assert found["offers_last_scrape_timestamp_seconds"] > 0
    assert found['offers_schedule_next_run_timestamp_seconds{entry="tidy"}'] > 0


def test_a_strangers_words_stay_inside_their_label(stocked: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who could end a line could write any figure into the operator's graphs."""
    evil = f'x"}} 1\noffers_up{{service="redis"}} 7\\{HOSTILE}'
    monkeypatch.setattr(
        stocked.runtime.drift_store, "warnings", lambda: [DriftWarning(source=evil, field=evil, message=evil)]
    )
    connection = stocked.runtime.connection
    connection.hset(REQUESTS, mapping={f"{evil} 200": 5, "a.test 2000": 1, "b.test 200": "x", b"\xff 200": 3, "c": 1})
    connection.hset("offers:totals:enrichment", mapping={f"failed {evil}": 5, "failed bug": "x", "le 1": "-5", evil: 1})
    found = read(stocked.get("/metrics").text)
    assert found['offers_up{service="redis"}'] == 1
    assert len([series for series in found if series.startswith("offers_drift_warnings")]) == 1
    assert found['offers_attempts_total{outcome="failed",code="other"}'] == 5
    assert found['offers_requests_total{host="b.test",status="200"}'] == 0
    assert not [series for series in found if "a.test" in series]


def test_hosts_without_end_make_no_series_without_end(stocked: Desk) -> None:
    """Each series stays in the operator's Prometheus for weeks."""
    stocked.runtime.connection.hset(REQUESTS, mapping={f"h{number}.test 200": 1 for number in range(5000)})
    found = read(stocked.get("/metrics").text)
    assert len([series for series in found if series.startswith("offers_requests_total")]) == 200


def commands_of(desk: Desk) -> int:
    """How many commands Redis does for one look, those of scripts included."""
    before = calls(desk)
    desk.get("/metrics")
    return calls(desk) - before


def calls(desk: Desk) -> int:
    stats: Any = desk.runtime.connection.info("commandstats")
    return sum(command["calls"] for name, command in stats.items() if name != "cmdstat_info")


def test_a_look_costs_the_same_with_a_thousand_failed_jobs(stocked: Desk) -> None:
    desk = stocked
    desk.get("/metrics")  # loads the scripts
    few = commands_of(desk)
    connection = desk.runtime.connection
    connection.zadd("rq:failed:enrichment", {f"enrich-{number}": 9e9 for number in range(1000)})
    connection.zadd("rq:scheduled:enrichment", {f"enrich-s{number}": 9e9 for number in range(1000)})
    assert commands_of(desk) == few


def test_what_one_service_cannot_tell_the_other_does(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Alerts on a dead Redis need an answer that says so."""
    with RedisServer() as mortal:
        monkeypatch.setenv("REDIS_URL", mortal.url)
        with open_desk() as desk:
            mortal.kill()
            answer = desk.get("/metrics")
            found = read(answer.text)
    assert answer.status_code == 200
    assert (found['offers_up{service="redis"}'], found['offers_up{service="database"}']) == (0, 1)
    assert found['offers_stored{status="active"}'] == 0
    assert not [series for series in found if series.startswith("offers_jobs")]
    assert mortal.directory.name not in answer.text


@pytest.fixture
def guarded(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    monkeypatch.setenv("OFFERS_DASHBOARD_TOKEN", TOKEN)
    with open_desk() as opened:
        yield opened


def test_the_figures_need_the_token_and_a_known_name(guarded: Desk) -> None:
    assert guarded.get("/metrics").status_code == 401
    assert guarded.get("/metrics", Host="evil.example").status_code == 403
    assert guarded.ask("POST", "/metrics", Authorization=f"Bearer {TOKEN}").status_code == 405
    answer = guarded.get("/metrics", Authorization=f"Bearer {TOKEN}")
    assert answer.status_code == 200
    assert TOKEN not in answer.text


@pytest.mark.parametrize(("status", "exit_code", "shown"), [("ok", 0, 1), ("failed", 1, 0)])
def test_an_entrys_last_run_was_well_or_not(stocked: Desk, status: str, exit_code: int, shown: int) -> None:
    [tidy] = stocked.runtime.schedule.look().commands
    began = utc_now()
    stocked.runtime.schedule.begin(
        tidy.entry, Run(started_at=began, ended_at=began, exit_code=exit_code, status=status)
    )
    found = read(stocked.get("/metrics").text)
    assert found['offers_schedule_last_run_ok{entry="tidy"}'] == shown
    assert found['offers_schedule_last_run_timestamp_seconds{entry="tidy"}'] == pytest.approx(began.timestamp(), abs=1)


@pytest.fixture
def everything(stocked: Desk, monkeypatch: pytest.MonkeyPatch) -> str:
    """A page on which each metric has a series."""
    pace, schedule = stocked.runtime.shared_pace, stocked.runtime.schedule
    pace.note_response("shop.test", 200)
    pace.report()
    pace.pause("shop.test", 60, reason="page_blocked")
    stocked.runtime.connection.hset(REQUESTS, "shop.test waited_us", 1_500_000)
    [tidy] = schedule.look().commands
    schedule.begin(tidy.entry, Run(started_at=utc_now(), ended_at=utc_now(), exit_code=1, status="failed"))
    warning = DriftWarning(source="ofertas", field="price", message="gone")
    monkeypatch.setattr(stocked.runtime.drift_store, "warnings", lambda: [warning])
    return stocked.get("/metrics").text


def names_in(expressions: str) -> set[str]:
    return set(re.findall(r"\boffers_[a-z_]+", expressions))


def test_the_board_and_the_alerts_ask_for_no_metric_that_is_not_there(everything: str) -> None:
    """A panel without data, an alert that never fires: nobody would notice."""
    there = names_in("\n".join(series for series in read(everything)))
    board = json.loads((DOCS / "grafana" / "offers.json").read_text())
    asked = [target["expr"] for panel in board["panels"] for target in panel["targets"]]
    asked += [variable["query"]["query"] for variable in board["templating"]["list"] if variable["type"] == "query"]
    assert names_in("\n".join(asked)) <= there
    rules = re.findall(
        r"expr: (?:>-\n)?(.*?)\n +(?:for|labels):", (DOCS / "prometheus" / "alerts.yml").read_text(), re.DOTALL
    )
    assert len(rules) > 5
    assert names_in("\n".join(rules)) <= there
    described = set(re.findall(r"^\| `(offers_[a-z_]+)", (DOCS / "metrics.md").read_text(), re.MULTILINE))
    assert described == set(re.findall(r"^# TYPE (\S+)", everything, re.MULTILINE))


@promtool
def test_prometheus_reads_the_page(everything: str) -> None:
    checked = subprocess.run(
        ["promtool", "check", "metrics"], input=everything, text=True, capture_output=True, check=False
    )
    assert (checked.returncode, checked.stderr) == (0, "")


@promtool
def test_each_alert_fires_when_it_should_and_only_then() -> None:
    for words in (("check", "rules", "alerts.yml"), ("test", "rules", "alerts_test.yml")):
        checked = subprocess.run(
            ["promtool", *words], cwd=DOCS / "prometheus", text=True, capture_output=True, check=False
        )
        assert checked.returncode == 0, checked.stdout + checked.stderr

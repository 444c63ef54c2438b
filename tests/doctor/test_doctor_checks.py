"""Single checks of the doctor, with facts that a test cannot bring about: a full disk, a wrong clock, an old Python."""

from __future__ import annotations

import base64
import threading
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from offers_cli.config import Secret
from offers_cli.errors import QueueRefused, QueueUnavailable
from offers_cli.queue.registries import PutOff
from offers_cli.redis.health import RedisHealth
from offers_cli.redis.quarantine import SetAside
from offers_cli.services.doctor.alerts import look_at_alerts
from offers_cli.services.doctor.database import look_at_supabase
from offers_cli.services.doctor.examine import Check, Finding, examine
from offers_cli.services.doctor.machine import look_at_disk, look_at_python
from offers_cli.services.doctor.queue import look_at_queue
from offers_cli.services.doctor.schedule import look_at_schedule
from offers_cli.services.doctor.site import look_at_label, look_at_session
from offers_cli.storage.health import is_public_key

NOW = datetime(2026, 11, 23, tzinfo=UTC)
WELL = RedisHealth(
    command="redis-cli",
    server="Redis 7.0.15",
    version=(7, 0, 15),
    is_cluster=False,
    primary=None,
    eviction_policy="noeviction",
    max_memory_bytes=0,
    appends=True,
    snapshots=True,
    writes_succeed=True,
    open_to=(),
    ahead_s=0.0,
)


def queue_findings(
    *,
    suspended: bool = False,
    queued: int = 0,
    refusal: QueueRefused | None = None,
    set_aside: Sequence[SetAside] = (),
    **facts: object,
) -> dict[str, Finding]:
    from dataclasses import replace

    def check_rights() -> None:
        if refusal:
            raise refusal

    queue: Any = SimpleNamespace(
        counts=lambda: SimpleNamespace(queued=queued, scheduled=0, workers=0),
        suspended=lambda: suspended,
        check_rights=check_rights,
        set_aside=lambda: set_aside,
    )
    health = replace(WELL, **facts)  # type: ignore[arg-type]
    found = look_at_queue(read_health=lambda: health, queue=queue, address=None)
    return {finding.name: finding for finding in found}


def test_a_suspended_queue_wants_to_be_resumed_and_no_worker_started() -> None:
    finding = queue_findings(suspended=True, queued=200)["workers"]
    assert (finding.state, finding.advice) == ("warning", "rq resume")
    assert finding.evidence == "the queue is suspended: no job is started, 200 wait"
    assert queue_findings(queued=200)["workers"].advice == "offers worker --burst"


@pytest.mark.parametrize(("temporary", "state", "exit_code"), [(False, "problem", 3), (True, "unknown", 0)])
def test_what_a_worker_may_not_do_is_found_before_it_starts(temporary: bool, state: str, exit_code: int) -> None:
    refusal = QueueRefused("no channel", hint="grant it", temporary=temporary)
    finding = queue_findings(refusal=refusal)["rights"]
    assert (finding.state, finding.exit_code, finding.evidence, finding.advice) == (
        *(state, exit_code),
        *("no channel", "grant it"),
    )


def test_the_newest_key_that_was_set_aside_is_named_with_the_command_that_shows_it() -> None:
    keys = [SetAside(key=key, kind="list", at=NOW, look=f"redis-cli LRANGE {key} 0 -1") for key in ("old", "new")]
    finding = queue_findings(set_aside=keys)["keys"]
    assert (finding.state, finding.advice) == ("warning", "redis-cli LRANGE new 0 -1")
    assert finding.evidence == "2 of a wrong type were set aside, the newest new (a list)"


@pytest.mark.parametrize(
    ("free", "state", "exit_code"), [(10 * 2**30, "ok", 0), (2**29, "warning", 0), (2**20, "problem", 4)]
)
def test_disk(tmp_path: Path, free: int, state: str, exit_code: int) -> None:
    (finding,) = look_at_disk(tmp_path / "missing", free_bytes=lambda _: free)
    assert (finding.state, finding.exit_code) == (state, exit_code)
    assert str(tmp_path) in finding.evidence


def test_the_disk_tells_what_killed_backups_left(tmp_path: Path) -> None:
    left = tmp_path / ".offers db.1.partial"
    left.write_bytes(bytes(2**20))
    (finding,) = look_at_disk(tmp_path, free_bytes=lambda _: 2**40, leftovers=[left])
    assert (finding.state, finding.advice) == ("warning", f"rm -f '{left}'")
    assert "1.0 MiB" in finding.evidence


@pytest.mark.parametrize(("version", "state"), [((3, 11, 0), "ok"), ((3, 10, 9), "problem")])
def test_python(version: tuple[int, ...], state: str) -> None:
    assert look_at_python(version)[0].state == state


@pytest.mark.parametrize(
    ("ahead_s", "state", "words"),
    [(0.4, "ok", ""), (-5.0, "warning", "5.0 s ahead of"), (5.0, "warning", "behind"), (90.0, "problem", "behind")],
)
def test_clock(ahead_s: float, state: str, words: str) -> None:
    finding = queue_findings(ahead_s=ahead_s)["clock"]
    assert finding.state == state
    assert words in finding.evidence


def test_a_service_that_does_not_let_us_ask_is_unknown_not_well() -> None:
    found = queue_findings(eviction_policy=None, appends=False, snapshots=None, open_to=None)
    assert {found[name].state for name in ("eviction", "persistence", "exposure")} == {"unknown"}


def test_redis_that_cannot_write_is_a_problem_whatever_its_settings() -> None:
    assert queue_findings(writes_succeed=False)["persistence"].state == "problem"


def test_an_old_redis_is_a_problem() -> None:
    assert queue_findings(version=(5, 0, 7))["redis"].state == "problem"


def test_a_redis_that_does_not_say_what_it_is_may_be_well() -> None:
    found = queue_findings(server=None, version=None, eviction_policy=None, appends=None, snapshots=None, open_to=None)
    assert {name: finding.state for name, finding in found.items()} == {
        "redis": "ok",
        "eviction": "unknown",
        "persistence": "unknown",
        "exposure": "unknown",
        "clock": "ok",
        "rights": "ok",
        "keys": "ok",
        "workers": "ok",
    }


@pytest.mark.parametrize(
    ("tables", "offers", "has_key", "state"),
    [
        ({}, 5, True, "ok"),
        ({}, 5, False, "unknown"),
        ({"offers": 0}, 5, True, "ok"),
        ({"offers": 0}, 0, True, "unknown"),
        ({"offers": 1, "price_history": 0}, 5, True, "problem"),
    ],
)
def test_what_strangers_can_read(*, tables: dict[str, int], offers: int, has_key: bool, state: str) -> None:
    found = look_at_supabase(count_offers=lambda: offers, find_open_tables=lambda: tables, has_anon_key=has_key)
    (finding,) = [finding for finding in found if finding.name == "row_level_security"]
    assert finding.state == state


@pytest.mark.parametrize(
    ("age_days", "refused", "state"), [(1, False, "ok"), (40, False, "warning"), (1, True, "problem")]
)
def test_session(age_days: int, refused: bool, state: str) -> None:
    session: Any = SimpleNamespace(imported_at=NOW - timedelta(days=age_days), refused_at=NOW if refused else None)
    assert look_at_session(lambda: session, now=NOW)[0].state == state


@pytest.mark.parametrize(
    ("label", "refused", "state"),
    [(None, "errada", "ok"), ("certa", None, "ok"), ("certa", "errada", "warning"), ("errada", "errada", "problem")],
)
def test_label(label: str | None, refused: str | None, state: str) -> None:
    waiting = PutOff(code="label_refused", jobs=3, message=f"… does not accept the label {refused}: no such tag")
    found = look_at_label(label, [PutOff(code="page_blocked", jobs=9, message="")] + ([waiting] if refused else []))
    assert found.state == state
    assert ("3 links wait" in found.evidence) == (state in ("warning", "problem"))


def test_a_check_that_hangs_and_one_that_breaks_hide_no_other() -> None:
    forever = threading.Event()

    def hang() -> Sequence[Finding]:
        forever.wait()
        return []

    def break_down() -> Sequence[Finding]:
        raise ZeroDivisionError

    def look() -> Sequence[Finding]:
        return [Finding(name="fine", state="ok", evidence="seen")]

    report = examine(
        [
            Check(names=("hangs", "after"), look=hang, late=QueueUnavailable),
            Check(names=("breaks",), look=break_down, late=QueueUnavailable),
            Check(names=("fine",), look=look, late=QueueUnavailable),
        ],
        deadline_s=0.05,
    )
    forever.set()
    assert [(f.name, f.state) for f in report.findings] == [
        ("hangs", "problem"),
        ("after", "unknown"),
        ("breaks", "problem"),
        ("fine", "ok"),
    ]
    assert [problem.exit_code for problem in report.problems] == [4, 1]


@pytest.mark.parametrize(
    ("key", "public"),
    [
        ("sb_publishable_abc", True),
        ("sb_secret_abc", False),
        ("e30." + base64.urlsafe_b64encode(b'{"role": "anon"}').decode().rstrip("=") + ".sig", True),
        ("e30." + base64.urlsafe_b64encode(b'{"role": "service_role"}').decode().rstrip("=") + ".sig", False),
        ("a.b.c", False),
        ("a.\u00e9.c", False),
    ],
)
def test_public_keys_are_told_from_secret_ones(*, key: str, public: bool) -> None:
    assert is_public_key(Secret(key)) is public


def alerts(*states: tuple[str, timedelta], rules: int = 1, urls: bool = True, leader: bool = True) -> Finding:
    """What is found of alerts that ended, or were reserved, so long ago."""
    deliveries = [SimpleNamespace(state=state, at=NOW - ago) for state, ago in states]
    store: Any = SimpleNamespace(
        rules=lambda: ([object()] * rules, []),
        deliveries=lambda: deliveries,
        has_leader=lambda: leader,
        now=lambda: NOW,
    )
    return look_at_alerts(store, Secret("json://x") if urls else None)


def test_rules_that_nobody_can_be_told_by_are_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    assert alerts(rules=0, urls=False).state == "ok"
    assert alerts(urls=False).advice == "offers config set OFFERS_ALERT_URLS"
    monkeypatch.setattr("offers_cli.services.doctor.alerts.is_installed", lambda: False)
    assert "[notify]" in alerts().advice


def test_alerts_that_did_not_arrive_are_counted_for_a_day() -> None:
    hour = timedelta(hours=1)
    assert alerts(("sent", hour), ("unknown", 25 * hour), ("reserved", timedelta(minutes=1))).state == "ok"
    found = alerts(("unknown", hour), ("unknown", hour), ("refused", hour), ("sent", hour))
    assert (found.state, found.advice) == ("warning", "offers alerts list")
    assert found.evidence == "1 rule; alerts: 2 unknown, 1 refused"
    waiting = alerts(("reserved", 50 * hour), leader=False)
    assert (waiting.evidence, waiting.advice) == ("1 rule; alerts: 1 not yet sent", "offers worker")


def entry(name: str, *, due_ago: timedelta = timedelta(), status: str = "waiting", ended: str = "ok") -> Any:
    run = SimpleNamespace(status=ended) if ended else None
    clock = SimpleNamespace(next_at=NOW - due_ago)
    return SimpleNamespace(entry=SimpleNamespace(name=name), clock=clock, status=status, last_run=run)


def schedule(*commands: Any, has_worker: bool = True, unreadable: tuple[str, ...] = ()) -> Finding:
    """What is found of these entries."""
    state = SimpleNamespace(at=NOW, has_worker=has_worker, commands=commands, unreadable=unreadable)
    looked_at: Any = SimpleNamespace(look=lambda: state)
    return look_at_schedule(looked_at)


def test_a_schedule_that_nobody_runs_is_a_warning() -> None:
    assert schedule(has_worker=False).state == "ok", "there is nothing to run"
    nobody = schedule(entry("tidy"), has_worker=False)
    assert (nobody.state, nobody.evidence, nobody.advice) == (
        *("warning", "1 entry, and no worker that runs them", "offers worker"),
    )
    assert schedule(unreadable=("odd",)).state == "warning"


def test_an_entry_that_is_overdue_or_failed_the_last_time_is_named() -> None:
    hour = timedelta(hours=1)
    well = (entry("new", ended=""), entry("late", due_ago=timedelta(minutes=14)), entry("odd", ended="partial"))
    assert schedule(*well, entry("long", due_ago=hour, status="running", ended="running")).state == "ok"
    found = schedule(entry("a", due_ago=hour), entry("b", ended="failed"), entry("c", ended="killed"), *well)
    assert (found.state, found.advice) == ("warning", "offers schedule list")
    assert found.evidence == "6 entries; a is overdue, b failed the last time, c was killed the last time"

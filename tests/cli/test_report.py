"""A report's fields are the keys of its JSON, and are written as JSON writes them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path

from offers_cli.queue.results import WorkerReport
from offers_cli.report import INTERNAL, WHEN_DONE, Problem, Report


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A part of a report."""

    at: datetime
    secret: str = field(default="not shown", metadata=INTERNAL)


@dataclass(frozen=True, slots=True, kw_only=True)
class SightReport(Report):
    """A report with one field of each kind."""

    file: Path
    dry_run: bool = field(default=False, metadata=WHEN_DONE)
    seen: tuple[Seen, ...] = ()
    counts: dict[str, int | None] = field(default_factory=dict)
    now: datetime | None = field(default=None, metadata=INTERNAL)


def test_the_data_are_the_fields_in_their_order_as_json_writes_them() -> None:
    report = SightReport(
        file=Path("/tmp/x"),
        seen=(Seen(at=datetime(2026, 1, 31, 9, 0, 0, 5, tzinfo=timezone(timedelta(hours=-3)))),),
        counts={"a": None},
        problems=(Problem(code="c", message="m"),),
    )
    assert list(report.data().items()) == [
        ("file", "/tmp/x"),
        ("dry_run", False),
        ("seen", [{"at": "2026-01-31T12:00:00.000005Z"}]),
        ("counts", {"a": None}),
    ]


def test_what_is_only_known_when_something_was_done_is_no_key_of_a_failure() -> None:
    assert SightReport.keys() == ("file", "seen", "counts")


def test_a_report_within_a_report_writes_its_own_data() -> None:
    @dataclass(frozen=True, slots=True, kw_only=True)
    class Steps(Report):
        steps: tuple[Report, ...] = ()

    assert Steps(steps=(WorkerReport(succeeded=3, duration_s=2.0),)).data()["steps"][0]["jobs_per_s"] == 1.5

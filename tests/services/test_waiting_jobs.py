"""A burst that ends while jobs still wait says so."""

from __future__ import annotations

from dataclasses import dataclass

from offers_cli.queue.work import WorkerReport
from offers_cli.services.report import Problem
from offers_cli.services.work import WorkReport, tell_waiting


@dataclass(frozen=True)
class Host:
    host: str = "shop.test"
    seconds: float = 20.0
    reason: str = "page_blocked"


def told(worker: WorkerReport, *hosts: Host, scheduled: int = 2, session: tuple[Problem, ...] = ()) -> list[Problem]:
    report = tell_waiting(WorkReport(worker=worker), scheduled=scheduled, paused=hosts, session=session)
    return list(report.problems)


def test_nothing_is_told_when_nothing_waits() -> None:
    assert told(WorkerReport(succeeded=3, retried=1, snoozed=1), Host(), scheduled=0) == []
    assert told(WorkerReport(succeeded=3), Host()) == [], "what waits was not put off by this worker"


def test_attempts_that_failed_are_not_told_as_done() -> None:
    [problem] = told(WorkerReport(retried=2))
    assert (problem.code, problem.exit_code) == ("site_unavailable", 1)
    assert "2 jobs wait" in problem.message


def test_a_pause_ends_a_burst_with_the_exit_code_of_its_reason() -> None:
    assert [problem.exit_code for problem in told(WorkerReport(snoozed=1), Host())] == [5]
    [problem] = told(WorkerReport(snoozed=1, retried=1), Host(reason="site_unavailable"))
    assert (problem.code, problem.exit_code) == ("site_unavailable", 4)


def test_a_missing_login_is_told_instead_of_a_pause() -> None:
    expired = Problem(code="session_expired", message="log in", exit_code=3)
    assert told(WorkerReport(snoozed=1), session=(expired,)) == [expired]

"""A burst that ends while jobs still wait says so: it looks at what is left, not at what it happened to do."""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest

from offers_cli.queue.results import WorkerReport
from offers_cli.report import Problem
from offers_cli.services.worker import with_waiting


@dataclass(frozen=True)
class Host:
    host: str = "shop.test"
    seconds: float = 20.4
    reason: str = "page_blocked"


@dataclass(frozen=True)
class Jobs:
    code: str = "page_blocked"
    jobs: int = 2
    message: str = "a captcha"


def told(report: WorkerReport | None = None, **waiting: Any) -> list[Problem]:
    """What a burst reports that leaves so many `jobs` in the queue, those `put_off` and hosts `paused`."""
    facts: dict[str, Any] = {"jobs": 0, "suspended": False, "put_off": [], "paused": [], "session": [], **waiting}
    counts = SimpleNamespace(queued=facts["jobs"], scheduled=0)
    queue: Any = SimpleNamespace(
        counts=lambda: counts, put_off=lambda: facts["put_off"], suspended=lambda: facts["suspended"]
    )
    pace: Any = SimpleNamespace(paused_hosts=lambda: facts["paused"])
    done = with_waiting(report or WorkerReport(), queue=queue, pace=pace, check_session=lambda: facts["session"])
    return list(done.problems)


def test_nothing_is_told_when_nothing_waits_for_anything() -> None:
    assert told() == []
    assert told(suspended=True, paused=[Host()]) == [], "neither keeps a job"
    assert told(jobs=3) == [], "scheduled for later by its operator, or queued while this burst ended"


def test_what_went_wrong_before_is_still_told() -> None:
    before = Problem(code="offer_gone", message="gone")
    problems = told(WorkerReport(problems=(before,)), put_off=[Jobs()])
    assert [problem.code for problem in problems] == ["offer_gone", "page_blocked"]


def test_a_suspended_queue_is_told_with_the_way_out() -> None:
    [problem] = told(suspended=True, jobs=200)
    assert (problem.code, problem.exit_code, problem.hint) == ("queue_refused", 3, "rq resume")
    assert problem.message == "the queue is suspended; 200 jobs wait"


def test_a_host_that_rests_ends_a_burst_with_the_exit_code_of_its_reason() -> None:
    """Also when this burst itself asked for nothing: a run before it met the wall."""
    [problem] = told(put_off=[Jobs()], paused=[Host(), Host(reason="rate_limited")])
    assert (problem.code, problem.exit_code) == ("page_blocked", 5)
    assert problem.message == "shop.test rests for another 20 s; 2 jobs wait and lose nothing"
    assert "offers worker --burst" in problem.hint
    [problem] = told(put_off=[Jobs(code="site_unavailable")], paused=[Host(reason="site_unavailable")])
    assert problem.exit_code == 4


def test_hosts_that_rest_for_one_reason_are_told_together() -> None:
    [problem] = told(put_off=[Jobs()], paused=[Host(), Host(host="other.test", seconds=5)])
    assert problem.message.startswith("shop.test rests for another 20 s, other.test rests for another 5 s; 2 jobs wait")


def test_an_attempt_that_failed_and_waits_is_not_told_as_done() -> None:
    [problem] = told(put_off=[Jobs(code="site_unavailable", jobs=1, message="503")])
    assert (problem.code, problem.exit_code) == ("site_unavailable", 1)
    assert problem.message == "1 job waits for another attempt: 503"


def test_a_missing_login_is_told_in_its_own_words() -> None:
    expired = Problem(code="session_expired", message="log in", exit_code=3)
    assert told(put_off=[Jobs(code="session_expired")], session=[expired]) == [expired]
    [problem] = told(put_off=[Jobs(code="session_expired", message="refused lately")])
    assert (problem.exit_code, problem.hint) == (3, "offers session check")
    assert "refused lately" in problem.message


@pytest.mark.parametrize(
    ("code", "exit_code"),
    [
        ("storage_unavailable", 4),
        ("queue_unavailable", 4),
        ("queue_refused", 3),
        ("rate_limited", 5),
        ("unheard_of", 1),
    ],
)
def test_whatever_put_jobs_off_is_told_with_its_exit_code(code: str, exit_code: int) -> None:
    [problem] = told(put_off=[Jobs(code=code, message="")])
    assert (problem.code, problem.exit_code) == (code, exit_code)
    assert problem.message == f"2 jobs wait for another attempt: {code}"
    assert problem.hint


def test_each_reason_is_told() -> None:
    reasons = [Jobs(), Jobs(code="storage_unavailable")]
    assert [problem.code for problem in told(put_off=reasons)] == ["page_blocked", "storage_unavailable"]

"""What becomes of a job after an attempt: each wait, bound and exception of the rules, at its edges."""

from __future__ import annotations

from random import Random

import pytest

from offers_cli.errors import (
    Bug,
    ForbiddenUrl,
    HostPaused,
    LinkRefused,
    NotHtml,
    OfferGone,
    PageBlocked,
    PageChanged,
    QueueRefused,
    QueueUnavailable,
    RateLimited,
    Redirected,
    SessionExpired,
    SiteUnavailable,
    StorageRefused,
    StorageUnavailable,
    TooLarge,
    WorkError,
)
from offers_cli.queue.job import JobFailure
from offers_cli.queue.outage import Backoff
from offers_cli.queue.retry_policy import FINISHED, GIVEN_BACK, JobOutcome, JobStatus, RetryPolicy, refused, stopped


class Loaded(Random):
    """Gives the least or the most that it is asked for."""

    def __init__(self, *, most: bool) -> None:
        super().__init__(0)
        self._most = most

    def uniform(self, a: float, b: float) -> float:
        return b if self._most else a


LEAST, MOST = Loaded(most=False), Loaded(most=True)


def decide(error: WorkError, *, attempt: int = 1, policy: RetryPolicy | None = None, most: bool = False) -> JobOutcome:
    return (policy or RetryPolicy()).decide(error, attempt=attempt, random=MOST if most else LEAST)


SNOOZED = (
    PageBlocked("x"),
    RateLimited("x"),
    SessionExpired("x"),
    HostPaused("h", reason="page_blocked", seconds=30),
    StorageUnavailable("x"),
    QueueUnavailable("x"),
    QueueRefused("x", temporary=True),
)
FAILED = (
    OfferGone("x"),
    LinkRefused("x"),
    ForbiddenUrl("x"),
    PageChanged("x"),
    NotHtml("x"),
    TooLarge("x"),
    Redirected("x"),
    StorageRefused("x"),
    Bug("x"),
)


@pytest.mark.parametrize("error", SNOOZED, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("attempt", [1, 3, 99])
def test_a_snooze_spends_no_attempt_however_often_it_comes(error: WorkError, attempt: int) -> None:
    outcome = decide(error, attempt=attempt)
    assert (outcome.status, outcome.spent) == (JobStatus.SCHEDULED, False)
    assert outcome.failure == JobFailure(code=error.code, message=error.message, attempts=attempt)


@pytest.mark.parametrize("error", FAILED, ids=lambda error: type(error).__name__)
def test_a_failure_is_final_at_its_first_attempt(error: WorkError) -> None:
    failure = JobFailure(code=error.code, message="x", attempts=1)
    assert decide(error) == JobOutcome(status=JobStatus.FAILED, spent=True, delay_s=0, failure=failure)


@pytest.mark.parametrize(
    ("error", "delay_s"),
    [
        (PageBlocked("x"), 30),
        (RateLimited("x"), 30),
        (SessionExpired("x"), 30),
        (StorageUnavailable("x"), 1),
        (QueueUnavailable("x"), 1),
        (QueueRefused("x", temporary=True), 1),
    ],
    ids=lambda value: type(value).__name__,
)
def test_how_long_a_snooze_is_that_does_not_say(error: WorkError, delay_s: float) -> None:
    """The worker itself waits for the storage and Redis, so their jobs are due when it goes on."""
    assert decide(error).delay_s == delay_s


@pytest.mark.parametrize(
    ("asked_s", "delay_s"), [(0, 1), (0.99, 1), (1, 1), (1.5, 1.5), (60, 60), (900, 900), (900.1, 900), (1e9, 900)]
)
def test_a_site_is_obeyed_within_a_second_and_a_quarter_of_an_hour(asked_s: float, delay_s: float) -> None:
    assert decide(PageBlocked("x", retry_after_s=asked_s)).delay_s == delay_s
    assert decide(StorageUnavailable("x", retry_after_s=asked_s)).delay_s == delay_s
    assert decide(PageBlocked("x", retry_after_s=asked_s), most=True).delay_s == delay_s * 1.25


def test_a_retry_waits_ten_seconds_then_a_minute_then_fails() -> None:
    first, second, third = (decide(SiteUnavailable("503"), attempt=attempt) for attempt in (1, 2, 3))
    assert (first.status, first.spent, first.delay_s) == (JobStatus.SCHEDULED, True, 10)
    assert (second.status, second.spent, second.delay_s) == (JobStatus.SCHEDULED, True, 60)
    assert (third.status, third.spent, third.delay_s) == (JobStatus.FAILED, True, 0)
    assert [outcome.failure and outcome.failure.attempts for outcome in (first, second, third)] == [1, 2, 3]
    assert decide(SiteUnavailable("503"), attempt=4).status is JobStatus.FAILED


def test_waits_are_spread_by_a_quarter_at_the_most() -> None:
    assert decide(SiteUnavailable("503"), most=True).delay_s == 12.5
    policy = RetryPolicy(jitter=0.5)
    assert decide(SiteUnavailable("503"), policy=policy, most=True).delay_s == 15
    assert decide(PageBlocked("x"), policy=policy, most=True).delay_s == 45
    delays = {RetryPolicy().decide(PageBlocked("x"), attempt=1, random=Random(seed)).delay_s for seed in range(50)}
    assert len(delays) == 50
    assert all(30 <= delay <= 37.5 for delay in delays)


def test_the_last_wait_repeats() -> None:
    policy = RetryPolicy(attempts=5, waits_s=(2.0, 3.0))
    waits = [decide(SiteUnavailable("503"), attempt=attempt, policy=policy).delay_s for attempt in (1, 2, 3, 4)]
    assert waits == [2, 3, 3, 3]
    assert decide(SiteUnavailable("503"), attempt=5, policy=policy).status is JobStatus.FAILED


def test_the_settings_of_a_policy_are_obeyed() -> None:
    policy = RetryPolicy(snooze_s=7, service_snooze_s=5)
    assert decide(PageBlocked("x"), policy=policy).delay_s == 7
    assert decide(StorageUnavailable("x"), policy=policy).delay_s == 5


def test_the_verdicts_without_an_error() -> None:
    assert JobOutcome(status=JobStatus.FINISHED, spent=True, delay_s=0, failure=None) == FINISHED
    assert JobOutcome(status=JobStatus.QUEUED, spent=False, delay_s=0, failure=None) == GIVEN_BACK


def test_a_job_that_is_not_ours_fails_as_refused() -> None:
    outcome = refused("its data is not JSON", attempt=2)
    failure = JobFailure(code="bug", message="refused: its data is not JSON", attempts=2)
    assert outcome == JobOutcome(status=JobStatus.FAILED, spent=True, failure=failure)


def test_a_job_that_an_operator_stops_stands_among_the_failed() -> None:
    failure = JobFailure(code="bug", message="stopped by an operator's command", attempts=2)
    assert stopped(attempt=2) == JobOutcome(status=JobStatus.STOPPED, spent=True, failure=failure)


def test_statuses_are_the_words_of_rq() -> None:
    """They stand in the job's hash, where RQ's tools read them."""
    from rq.job import JobStatus as StatusOfRQ

    assert {status.value for status in JobStatus} <= {status.value for status in StatusOfRQ}
    assert [status.value for status in JobStatus] == ["finished", "failed", "stopped", "scheduled", "queued"]


def test_a_backoff_doubles_to_its_last_wait_and_begins_anew() -> None:
    waits = Backoff(0.25, 5.0)
    assert waits.failures == 0
    assert [waits.next_s() for _ in range(7)] == [0.25, 0.5, 1, 2, 4, 5, 5]
    assert waits.failures == 7
    waits.reset()
    assert (waits.failures, waits.next_s()) == (0, 0.25)


def test_a_backoff_survives_any_number_of_failures() -> None:
    waits = Backoff(1e-9, 3600.0)
    waits.failures = 100_000
    assert waits.next_s() == pytest.approx(1e-9 * 2**20)

"""How a worker is told to stop, what it says then, and how many jobs end it."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
import redis
from queue_fakes import Database, enqueue, found, make_worker, raising
from waiting import NEVER_S

from offers_cli.errors import Bug, OffersError, PageChanged, QueueRefused, QueueUnavailable, StorageRefused
from offers_cli.log import get_log
from offers_cli.offer import Enrichment
from offers_cli.queue import worker as worker_module
from offers_cli.queue.job import ClaimedJob
from offers_cli.queue.registries import Registries
from offers_cli.queue.results import COUNTERS, WorkerReport
from offers_cli.queue.signals import FINISHING, FINISHING_INTERRUPTED, STOP_NOW_SIGNAL, StopRequest, stop_on_signals
from offers_cli.queue.supervisor import CRASHES_ALLOWED, Supervisor, WorkerSlot


def wait_until(condition: Callable[[], Any]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


class NotedRequest(StopRequest):
    """Notes how it was made."""

    def __init__(self) -> None:
        super().__init__(30)
        self.noted: list[tuple[bool, bool]] = []

    def make(self, *, now: bool = False, interrupted: bool = False) -> None:
        super().make(now=now, interrupted=interrupted)
        self.noted.append((now, interrupted))


@pytest.fixture(autouse=True)
def hang_up_heard() -> Iterator[None]:
    """Whatever the tests themselves were started under."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.fixture
def hang_up_ignored() -> Iterator[None]:
    """As under `nohup`."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    yield
    signal.signal(signal.SIGHUP, before)


def send(*numbers: int, supervised: bool = False) -> list[tuple[bool, bool]]:
    request = NotedRequest()
    with stop_on_signals(request, supervised=supervised):
        for number in numbers:
            os.kill(os.getpid(), number)
    return request.noted


def test_the_second_signal_stops_at_once() -> None:
    assert send(signal.SIGTERM) == [(False, False)]
    assert send(signal.SIGINT, signal.SIGINT) == [(False, True), (True, True)]
    assert send(signal.SIGTERM, signal.SIGTERM) == [(False, False), (True, False)]


def test_a_closed_terminal_stops_as_sigterm_does_however_often_it_says_so() -> None:
    assert send(signal.SIGHUP, signal.SIGHUP) == [(False, False), (False, False)]
    assert send(signal.SIGHUP, signal.SIGTERM) == [(False, False), (True, False)]


def test_a_supervised_worker_stops_at_once_only_when_its_supervisor_says_so() -> None:
    numbers = (signal.SIGTERM, signal.SIGTERM, signal.SIGHUP, STOP_NOW_SIGNAL)
    assert send(*numbers, supervised=True) == [(False, False), (False, False), (False, False), (True, False)]


@pytest.mark.usefixtures("hang_up_ignored")
def test_under_nohup_a_closed_terminal_stops_nothing() -> None:
    assert send(signal.SIGHUP) == []
    assert send(signal.SIGHUP, supervised=True) == []
    assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN


def test_handlers_are_given_back() -> None:
    numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, STOP_NOW_SIGNAL)
    before = [signal.getsignal(number) for number in numbers]
    send(supervised=True)
    assert [signal.getsignal(number) for number in numbers] == before


@pytest.mark.parametrize(("interrupted", "message"), [(True, FINISHING_INTERRUPTED), (False, FINISHING)])
def test_what_follows_is_said_once_and_at_once(
    connection: redis.Redis, caplog: pytest.LogCaptureFixture, *, interrupted: bool, message: str
) -> None:
    """Running jobs may take 30 s to finish: nobody shall wonder whether the key was heard."""
    enqueue(connection, "abcd")
    may_end = threading.Event()

    def enrich(job: ClaimedJob) -> Enrichment:
        assert may_end.wait(NEVER_S)
        return found(job)

    worker = make_worker(connection, Database(), enrich, concurrency=2)
    thread = threading.Thread(target=worker.run)
    thread.start()
    wait_until(lambda: Registries(connection).counts().started == 2)
    worker.stop_request.make(interrupted=interrupted)
    wait_until(lambda: message in [record.getMessage() for record in caplog.records])
    may_end.set()
    thread.join(20)
    [said] = [record for record in caplog.records if record.getMessage() == message]
    assert said.figures == {"jobs": 2, "at_most_s": 30.0}  # type: ignore[attr-defined]
    assert Registries(connection).counts().queued == 2


def test_nothing_is_said_before_it_was_asked_to_stop_or_when_it_stops_now(caplog: pytest.LogCaptureFixture) -> None:
    request = StopRequest(30)
    request.log_once(get_log("worker"))
    request.make(now=True)
    request.log_once(get_log("worker"))
    assert caplog.records == []


def slot(number: int, processes: int, done: tuple[int, ...] = (0, 0, 0, 0, 0)) -> WorkerSlot:
    counts: Any = list(done)
    _, theirs = multiprocessing.Pipe(duplex=False)
    return WorkerSlot(number, processes, counts, theirs)


@pytest.mark.parametrize(("jobs", "processes"), [(7, 2), (1, 3), (0, 2), (100, 7), (6, 3)])
def test_the_processes_share_a_number_of_jobs_among_them(jobs: int, processes: int) -> None:
    shares = [slot(number, processes).share_of(jobs) or 0 for number in range(processes)]
    assert sum(shares) == jobs
    assert max(shares) - min(shares) <= 1


def test_a_process_that_follows_a_killed_one_does_the_rest_of_its_share() -> None:
    assert slot(0, 2, (1, 1, 0, 1, 0)).share_of(7) == 1
    assert slot(0, 2, (5, 0, 0, 0, 1)).share_of(7) == 0
    assert slot(0, 2).share_of(None) is None


def test_a_slot_adds_to_what_was_done_in_it_before() -> None:
    one = slot(0, 2, (1, 2, 3, 4, 5))
    one.record(WorkerReport(succeeded=10, failed=20, retried=30, snoozed=40, gone=50))
    assert dict(zip(COUNTERS, one._counts, strict=True)) == {
        "succeeded": 11,
        "failed": 22,
        "retried": 33,
        "snoozed": 44,
        "gone": 55,
    }


@pytest.mark.parametrize(
    ("error", "patience_s", "waits"),
    [
        (QueueUnavailable("gone"), 60.0, True),
        (QueueRefused("failing over", temporary=True), 60.0, True),
        (QueueRefused("failing over", temporary=True), -1.0, False),
        (QueueRefused("no rights"), 60.0, False),
        (StorageRefused("read-only"), 60.0, False),
        (Bug("twenty in a row"), 60.0, False),
    ],
)
def test_only_a_redis_that_was_there_before_is_waited_for_and_only_so_long(
    error: OffersError, patience_s: float, *, waits: bool
) -> None:
    supervisor = Supervisor(lambda _slot: None, processes=1, patience_s=patience_s)
    [process] = supervisor._processes
    assert not supervisor._waits_for_redis(process, error), "at the first start it is an answer"
    process.waits.next_s()
    assert supervisor._waits_for_redis(process, error) == waits


def test_worker_processes_leave_alone_what_was_imported_for_all_of_them() -> None:
    """Each would get its own copy of it at its first collection of garbage."""
    *_, last = Supervisor(lambda _slot: None, processes=2, preload=["json"])._preload
    code = f"import gc, json, {last}; print(gc.get_freeze_count())"
    frozen = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert int(frozen) > 0


def test_a_process_that_cannot_be_started_is_tried_again_and_in_the_end_named(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """What forks may die at that very moment: once is nothing, but nobody shall wait for workers that never come."""

    class Unstartable:
        def __init__(self, **_: object) -> None:
            """Takes what a process takes."""

        def start(self) -> None:
            raise EOFError("unexpected EOF")

    supervisor = Supervisor(lambda _slot: None, processes=1)
    [process] = supervisor._processes
    context: Any = SimpleNamespace(Process=Unstartable)
    for _ in range(CRASHES_ALLOWED - 1):
        supervisor._start(process, 0, context)
    assert (process.process, supervisor.stop_request.made) == (None, False)
    assert process.start_at > process.started_at
    supervisor._start(process, 0, context)
    assert isinstance(supervisor._error, Bug)
    assert supervisor.stop_request.made
    assert "a worker process could not be started" in [record.getMessage() for record in caplog.records]


def test_a_worker_whose_supervisor_was_killed_has_nobody_to_tell() -> None:
    reader, writer = multiprocessing.Pipe(duplex=False)
    counts: Any = [0, 0, 0, 0]
    reader.close()
    WorkerSlot(0, 1, counts, writer).send_end(QueueRefused("no rights"))


def test_unexpected_errors_in_a_row_end_the_worker_before_they_fail_the_queue(
    connection: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_module, "BUGS_ALLOWED", 5)
    enqueue(connection, (f"o{n}" for n in range(50)))
    with pytest.raises(
        Bug, match="5 jobs in a row ended in an unexpected error, the last in OSError: no clock"
    ) as told:
        make_worker(connection, Database(), raising(OSError("no clock")), concurrency=1).run()
    assert "requeue-failed --reason bug" in told.value.hint
    counts = Registries(connection).counts()
    assert (counts.failed, counts.queued, counts.started) == (5, 45, 0)


@pytest.mark.parametrize("other", [None, PageChanged("no price")])
def test_unexpected_errors_among_others_are_those_of_their_jobs(
    connection: redis.Redis, monkeypatch: pytest.MonkeyPatch, other: PageChanged | None
) -> None:
    monkeypatch.setattr(worker_module, "BUGS_ALLOWED", 5)
    enqueue(connection, (f"o{n}" for n in range(20)))

    def enrich(job: ClaimedJob) -> Enrichment:
        if int(job.offer_id[1:]) % 5:
            raise ZeroDivisionError("oops")
        if other:
            raise other
        return found(job)

    report = make_worker(connection, Database(), enrich, concurrency=1).run(burst=True)
    assert report.succeeded + report.failed == 20


def test_an_error_that_cannot_even_be_printed_is_a_bug_of_its_job(connection: redis.Redis) -> None:
    """It must not end the thread: the job would hang until its time is over."""

    class Unprintable(Exception):
        def __str__(self) -> str:
            raise ValueError("no words")

    enqueue(connection, "ab")
    report = make_worker(connection, Database(), raising(Unprintable()), concurrency=1).run(burst=True)
    assert report.failed == 2
    assert "Unprintable" in Registries(connection).failed_jobs()[0].message


def test_a_worker_without_work_in_hand_does_not_wait_for_redis_to_end(
    connection: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Told to stop during an outage it ends, and does not use up its grace."""
    worker = make_worker(connection, Database(), grace_s=3600)

    def away(*_: object, **__: object) -> None:
        worker.stop()
        raise QueueRefused("failing over", temporary=True)

    monkeypatch.setattr(worker._leases, "claim", away)
    thread = threading.Thread(target=worker.run, daemon=True)
    thread.start()
    thread.join(20)
    assert not thread.is_alive()

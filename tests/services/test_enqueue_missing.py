"""Enqueueing what is missing: what is read, when, and what is handed to the queue."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest
import redis

from offers_cli.cli.enqueue_missing import enqueue_blocks
from offers_cli.cli.render import Line
from offers_cli.errors import QueueUnavailable, StorageUnavailable
from offers_cli.queue.enqueue import EnqueueReport, EnrichmentQueue
from offers_cli.queue.job import EnrichmentJob
from offers_cli.services.enqueue_missing import EnqueueMissingReport, enqueue_missing
from offers_cli.storage.base import NeedingOffer

OFFER = NeedingOffer("o1", "https://shop.test/1", 500)


class Desk:
    """A storage and a queue that write down in which order they are asked."""

    def __init__(self) -> None:
        self.asked: list[object] = []

    def find_needing(self, **_: object) -> Iterator[NeedingOffer]:
        self.asked.append("read")
        yield OFFER

    def time(self) -> float:
        self.asked.append("time")
        return 7.5

    def enqueue(self, jobs: Iterable[EnrichmentJob], /, *, unless_ended_since: float, **_: object) -> EnqueueReport:
        self.asked += [(job.offer_id, unless_ended_since) for job in jobs]
        return EnqueueReport(enqueued=1, already_queued=0)


def test_what_ends_after_the_read_began_is_not_queued_again() -> None:
    """The queue's time is taken before the offers are read: what ends in between is left alone as well."""
    desk: Any = Desk()
    report = enqueue_missing(storage=desk, queue=desk, missing=frozenset(), limit=10)
    assert desk.asked == ["time", "read", ("o1", 7.5)]
    assert (report.found, report.enqueued, report.already_queued) == (1, 1, 0)


def test_a_dry_run_says_what_would_be_queued_and_does_not_ask_the_queue() -> None:
    desk: Any = Desk()
    options: Any = {"missing": frozenset(), "limit": 10, "dry_run": True}
    report = enqueue_missing(storage=desk, queue=desk, **options)
    assert (report.found, report.would_enqueue, report.enqueued) == (1, 1, 0)
    assert desk.asked == ["read"]
    assert enqueue_blocks(report) == [
        Line("enqueue-missing (dry run, nothing changed): found=1 would_enqueue=1"),
    ]


class LongList:
    """A storage whose offers are made when they are asked for, and that ends at one of them as it is told to."""

    def __init__(self, at: int, end: Callable[[], object] = list) -> None:
        self._at = at
        self._end = end
        self.read = 0

    def find_needing(self, **_: object) -> Iterator[NeedingOffer]:
        for number in range(5_000):
            if number == self._at:
                self._end()
            self.read += 1
            yield NeedingOffer(f"o{number}", f"https://shop.test/{number}", 500)


def raising(error: BaseException) -> Callable[[], object]:
    def end() -> None:
        raise error

    return end


def enqueue(storage: Any, connection: redis.Redis, *, limit: int = 10_000) -> EnqueueMissingReport:
    queue = EnrichmentQueue(connection)
    return enqueue_missing(storage=storage, queue=queue, missing=frozenset(), limit=limit)


def test_the_first_jobs_wait_in_the_queue_before_a_large_catalogue_was_read(connection: redis.Redis) -> None:
    """Else a worker stands idle, and all offers stand in memory, until the last was read."""
    waiting: list[int] = []
    storage = LongList(1_500, lambda: waiting.append(connection.llen("rq:queue:enrichment")))
    assert enqueue(storage, connection).enqueued == 5_000
    assert waiting == [1_000]


def test_no_more_offers_are_read_than_are_queued(connection: redis.Redis) -> None:
    storage = LongList(-1)
    report = enqueue(storage, connection, limit=1_200)
    assert (report.enqueued, storage.read) == (1_200, 1_200)


@pytest.mark.parametrize(
    ("error", "code", "exit_code"),
    [
        (KeyboardInterrupt(), "interrupted", 130),
        (StorageUnavailable("gone"), "storage_unavailable", 4),
        (QueueUnavailable("gone"), "queue_unavailable", 4),
    ],
)
def test_what_was_queued_before_the_end_came_is_counted(
    connection: redis.Redis, error: BaseException, code: str, exit_code: int
) -> None:
    """Ctrl-C, or a database or a Redis that goes away: the operator would not know how much is left to do."""
    report = enqueue(LongList(2_500, raising(error)), connection)
    assert (report.enqueued, report.found) == (2_000, 2_000) == (connection.llen("rq:queue:enrichment"),) * 2
    assert [problem.code for problem in report.problems] == [code]
    assert report.exit_code == exit_code


def test_an_error_before_anything_was_queued_is_the_error_of_the_command(connection: redis.Redis) -> None:
    with pytest.raises(StorageUnavailable):
        enqueue(LongList(0, raising(StorageUnavailable("gone"))), connection)

"""Enqueueing what is missing: what is read, when, and what is handed to the queue."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

from offers_cli.cli.enqueue_missing import enqueue_blocks
from offers_cli.cli.render import Line
from offers_cli.queue.enqueue import EnqueueReport
from offers_cli.queue.job import EnrichmentJob
from offers_cli.services.enqueue_missing import enqueue_missing

OFFER = SimpleNamespace(id="o1", url="https://shop.test/1", price_cents=500)


class Desk:
    """A storage and a queue that write down in which order they are asked."""

    def __init__(self) -> None:
        self.asked: list[object] = []

    def offers_needing_enrichment(self, **_: object) -> list[Any]:
        self.asked.append("read")
        return [OFFER]

    def time(self) -> float:
        self.asked.append("time")
        return 7.5

    def enqueue(self, jobs: Sequence[EnrichmentJob], /, *, unless_ended_since: float, **_: object) -> Any:
        self.asked.append((jobs[0].offer_id, unless_ended_since))
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

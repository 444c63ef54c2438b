"""`failed` and `requeue-failed` over a real queue."""

from __future__ import annotations

import pytest
import redis
from queue_fakes import Database, enqueue, make_worker, raising

from offers_cli.errors import PageChanged, TooLarge, UsageError
from offers_cli.queue.registries import Registries
from offers_cli.services.failed import check_reasons, failed


@pytest.fixture
def queue(connection: redis.Redis) -> Registries:
    """Three jobs failed because their pages have changed, one because its page was too large."""
    for error, offer_ids in ((PageChanged("no price"), "abc"), (TooLarge("9 MB"), "d")):
        enqueue(connection, offer_ids)
        make_worker(connection, Database(), raising(error)).run(burst=True)
    return Registries(connection)


def test_all_failed_jobs_are_told_with_their_reasons(queue: Registries) -> None:
    data = failed(queue=queue).data()
    assert data["total"] == 4
    assert {(job["offer_id"], job["reason"]) for job in data["jobs"]} == {
        *(("a", "page_changed"), ("b", "page_changed"), ("c", "page_changed"), ("d", "too_large")),
    }
    assert all(job["attempts"] == 1 and job["failed_at"].endswith("Z") for job in data["jobs"])


@pytest.mark.parametrize(("reasons", "total"), [((), 4), (("page_changed",), 3), (("too_large",), 1)])
def test_a_limit_shows_some_and_counts_all_of_these_reasons(
    queue: Registries, reasons: tuple[str, ...], total: int
) -> None:
    report = failed(queue=queue, reasons=frozenset(reasons), limit=1)
    assert (len(report.jobs), report.total) == (1, total)


def test_failed_jobs_go_back_by_reason(queue: Registries) -> None:
    would = queue.requeue_failed(reasons=check_reasons(["page_changed"]), dry_run=True)
    assert would.data() == {"found": 3, "requeued": 0, "skipped": 0, "dry_run": True}
    done = queue.requeue_failed(reasons=check_reasons(["page_changed"]))
    assert done.data() == {"found": 3, "requeued": 3, "skipped": 0, "dry_run": False}
    assert (queue.counts().queued, queue.counts().failed) == (3, 1)


def test_failed_jobs_go_back_by_offer_and_up_to_a_limit(queue: Registries) -> None:
    assert queue.requeue_failed(offer_ids=frozenset("d")).requeued == 1
    assert queue.requeue_failed(limit=2).requeued == 2
    assert queue.requeue_failed(older_than_s=3600).requeued == 0
    assert queue.counts().failed == 1


def test_a_reason_that_is_none_is_refused_with_the_nearest() -> None:
    with pytest.raises(UsageError, match="page_chnged") as caught:
        check_reasons(["page_chnged"])
    assert caught.value.hint == "--reason page_changed"

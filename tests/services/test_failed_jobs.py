"""`failed` and `requeue-failed` over a real queue."""

from __future__ import annotations

from collections.abc import Iterable
from types import SimpleNamespace
from typing import Any

import pytest
import redis
from queue_fakes import Database, enqueue, make_worker, raising
from storage.cases import card, save

from offers_cli.errors import (
    NotFound,
    OfferGone,
    PageChanged,
    QueueUnavailable,
    StorageUnavailable,
    TooLarge,
    UsageError,
    WorkError,
)
from offers_cli.marketplaces.mercado_livre import MercadoLivre
from offers_cli.queue.registries import Registries, RequeueReport
from offers_cli.queue.results import WorkerReport
from offers_cli.services.failed import check_reasons, failed, requeue_failed
from offers_cli.services.worker import with_failures
from offers_cli.storage.base import Storage

NO_OFFERS: Any = SimpleNamespace(offers_by_id=lambda _ids: [])


@pytest.fixture
def queue(connection: redis.Redis) -> Registries:
    """Three jobs failed because their pages have changed, one because its page was too large."""
    for error, offer_ids in ((PageChanged("no price"), "abc"), (TooLarge("9 MB"), "d")):
        enqueue(connection, offer_ids)
        make_worker(connection, Database(), raising(error)).run(burst=True)
    return Registries(connection)


def test_all_failed_jobs_are_told_with_their_reasons(queue: Registries) -> None:
    data = failed(queue=queue, storage=NO_OFFERS).data()
    assert data["total"] == 4
    assert {(job["offer_id"], job["reason"]) for job in data["jobs"]} == {
        *(("a", "page_changed"), ("b", "page_changed"), ("c", "page_changed"), ("d", "too_large")),
    }
    assert all(job["attempts"] == 1 and job["failed_at"].endswith("Z") for job in data["jobs"])


@pytest.mark.parametrize(("reasons", "total"), [((), 4), (("page_changed",), 3), (("too_large",), 1)])
def test_a_limit_shows_some_and_counts_all_of_these_reasons(
    queue: Registries, reasons: tuple[str, ...], total: int
) -> None:
    report = failed(queue=queue, storage=NO_OFFERS, reasons=frozenset(reasons), limit=1)
    assert (len(report.jobs), report.total) == (1, total)


def test_failed_jobs_go_back_by_reason(queue: Registries) -> None:
    would = queue.requeue_failed(reasons=check_reasons(["page_changed"]), dry_run=True)
    assert would.data() == {"found": 3, "requeued": 0, "skipped": 0, "dry_run": True, "left": {}}
    done = queue.requeue_failed(reasons=check_reasons(["page_changed"]))
    assert done.data() == {"found": 3, "requeued": 3, "skipped": 0, "dry_run": False, "left": {}}
    assert (queue.counts().queued, queue.counts().failed) == (3, 1)


def test_failed_jobs_go_back_by_offer_and_up_to_a_limit(queue: Registries) -> None:
    assert queue.requeue_failed(offer_ids=frozenset("d")).requeued == 1
    assert queue.requeue_failed(limit=2).requeued == 2
    assert queue.requeue_failed(older_than_s=3600).requeued == 0
    assert queue.counts().failed == 1


def test_named_offers_go_back_by_whatever_they_are_called(connection: redis.Redis, database: Storage) -> None:
    """A typo requeues nothing; an offer without a failed job is said to have none."""
    saved = save(database, card(70011), card(70022), card(70033))
    enqueue(connection, [each.offer_id for each in saved[:2]])
    make_worker(connection, Database(), raising(PageChanged("no price"))).run(burst=True)

    def requeue(*names: str) -> RequeueReport:
        shops = (MercadoLivre(),)
        return requeue_failed(names, queue=Registries(connection), storage=database, marketplaces=shops)

    with pytest.raises(NotFound) as caught:
        requeue("MLB70011", "MLB70012")
    assert caught.value.hint.startswith("offers show MLB700")
    idle = requeue("MLB70033")
    assert (idle.found, [each.code for each in idle.problems], idle.exit_code) == (0, ["not_found"], 2)
    partly = requeue("mlb-70011", "MLB70033", f"enrich-{saved[0].offer_id}")
    assert (partly.found, partly.requeued, partly.exit_code) == (1, 1, 1), "the same offer by two names is one job"
    assert requeue(saved[1].offer_id.upper()).requeued == 1
    assert requeue("11111111-2222-4333-8444-555555555555").exit_code == 2, "an offer that is deleted may have a job"


def test_what_is_final_goes_back_only_when_it_is_asked_for(connection: redis.Redis, database: Storage) -> None:
    """An offer that is gone would fail again at each requeue, and fill cron's mail."""
    changed, gone, other = save(database, card(70011), card(70022), card(70033))
    fail(
        connection,
        (changed.offer_id, PageChanged("no price")),
        (gone.offer_id, OfferGone("404")),
        (other.offer_id, OfferGone("410")),
    )
    queue = Registries(connection)

    def requeue(*names: str, reasons: Iterable[str] = (), dry_run: bool = False) -> RequeueReport:
        shops = (MercadoLivre(),)
        wanted = frozenset(reasons)
        return requeue_failed(names, queue=queue, storage=database, marketplaces=shops, reasons=wanted, dry_run=dry_run)

    would = requeue(dry_run=True)
    assert (would.found, would.requeued, would.left, would.dry_run) == (1, 0, {"offer_gone": 2}, True)
    done = requeue()
    assert (done.found, done.requeued, done.left) == (1, 1, {"offer_gone": 2})
    again = requeue()
    assert (again.found, again.left, again.exit_code) == (0, {"offer_gone": 2}, 0), "no empty list of reasons means all"
    assert requeue("MLB70022").requeued == 1
    assert requeue(reasons=["offer_gone"]).data()["requeued"] == 1
    assert queue.counts().failed == 0


def test_a_reason_that_is_none_is_refused_with_the_nearest() -> None:
    with pytest.raises(UsageError, match="page_chnged") as caught:
        check_reasons(["page_chnged"])
    assert caught.value.hint == "--reason page_changed"


def fail(connection: redis.Redis, *failures: tuple[str, WorkError]) -> None:
    for offer_id, error in failures:
        enqueue(connection, [offer_id])
        make_worker(connection, Database(), raising(error)).run(burst=True)


def test_failures_are_grouped_with_an_example_that_can_be_recognised_and_the_next_command(
    connection: redis.Redis, database: Storage
) -> None:
    one, other, gone = save(database, card(70011), card(70022), card(70033))
    fail(
        connection,
        (one.offer_id, PageChanged("no price")),
        (other.offer_id, PageChanged("two prices")),
        (gone.offer_id, OfferGone("404")),
    )
    report = failed(queue=Registries(connection), storage=database)
    assert {(row["external_id"], row["title"]) for row in report.data()["jobs"]} == {
        (f"MLB{number}", f"Fone {number}") for number in (70011, 70022, 70033)
    }
    groups = {group.code: group for group in report.groups}
    assert groups["page_changed"].jobs == 2
    example = groups["page_changed"].external_id
    assert example in {"MLB70011", "MLB70022"}
    assert groups["page_changed"].example == f"Fone {example[3:]} ({example})"
    assert groups["page_changed"].next == f"offers explain {example}"
    assert "nothing to do" in groups["offer_gone"].next


def test_the_failures_of_a_worker_are_told_by_code_and_a_gone_offer_is_none(
    connection: redis.Redis, database: Storage
) -> None:
    saved = save(database, *(card(70000 + number) for number in range(5)))
    errors = [OfferGone("404"), PageChanged("a"), PageChanged("b"), TooLarge("c"), OfferGone("410")]
    fail(connection, *zip((each.offer_id for each in saved), errors, strict=True))
    report = with_failures(WorkerReport(failed=3, gone=2), queue=Registries(connection), storage=database)
    changed, large = report.problems
    assert (large.code, large.hint) == ("too_large", "offers explain MLB70003")
    assert large.message == "1 job failed: Fone 70003 (MLB70003): c"
    assert changed.message in {
        "2 jobs failed, such as Fone 70001 (MLB70001): a",
        "2 jobs failed, such as Fone 70002 (MLB70002): b",
    }
    assert report.exit_code == 1
    only_gone = with_failures(WorkerReport(gone=2), queue=Registries(connection), storage=database)
    assert (only_gone.problems, only_gone.exit_code) == ((), 0)


def test_without_redis_or_database_the_failures_are_counted_all_the_same(connection: redis.Redis) -> None:
    def away(*_: object, **__: object) -> Any:
        raise StorageUnavailable("away")

    fail(connection, ("a", PageChanged("no price")))
    no_database: Any = SimpleNamespace(offers_by_id=away)
    report = with_failures(WorkerReport(failed=2), queue=Registries(connection), storage=no_database)
    assert [(problem.code, problem.message) for problem in report.problems] == [
        ("page_changed", "1 job failed: a: no price"),
        ("jobs_failed", "1 job failed"),
    ]
    no_redis: Any = SimpleNamespace(failed_jobs=_gone)
    assert with_failures(WorkerReport(failed=2), queue=no_redis, storage=no_database).problems[0].code == "jobs_failed"


def _gone(**_: object) -> Any:
    raise QueueUnavailable("away")

"""A whole scrape: its figures, its record, and what becomes of both when the site, the queue or the database fails."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from services.scrape_setup import OFERTAS, Queue, Shop, scraper, ticking
from storage.cases import at, card, page

from offers_cli.errors import (
    OffersError,
    PageBlocked,
    QueueRefused,
    QueueUnavailable,
    StorageBusy,
    StorageRefused,
)
from offers_cli.offer import Offer
from offers_cli.queue.enqueue import EnqueueReport
from offers_cli.queue.job import EnrichmentJob
from offers_cli.services.sources import Source
from offers_cli.storage.base import Missing, ScrapeRun
from offers_cli.storage.sqlite.storage import SqliteStorage


class FailingStorage(SqliteStorage):
    """SQLite whose call of a name fails after so many that went well."""

    failing: str = ""
    after: int = 0
    error: BaseException = StorageBusy("the database is away")

    def _maybe_fail(self, name: str) -> None:
        if name == self.failing:
            self.after -= 1
            if self.after < 0:
                raise self.error

    def save_offers(self, *args: Any, **options: Any) -> Any:
        self._maybe_fail("save_offers")
        return super().save_offers(*args, **options)

    def save_run(self, run: ScrapeRun) -> None:
        self._maybe_fail("save_run")
        super().save_run(run)


@pytest.fixture
def storage(tmp_path: Path) -> Iterator[FailingStorage]:
    opened = FailingStorage(tmp_path / "offers.db")
    yield opened
    opened.close()


def fail(storage: FailingStorage, name: str, *, after: int = 0, error: BaseException | None = None) -> None:
    storage.failing, storage.after = name, after
    storage.error = error or storage.error


def test_a_scrape_saves_queues_and_records(storage: FailingStorage) -> None:
    queue, now = Queue(), ticking()
    report = scraper(storage, Shop(3), queue, now=now).scrape([OFERTAS])
    assert report.data() == {
        "run_id": report.run_id,
        "pages": 3,
        "seen": 24,
        "new": 24,
        "changed": 0,
        "unchanged": 0,
        "filtered": 0,
        "unreadable": 0,
        "refused": 0,
        "enqueued": 24,
        "already_queued": 0,
        "pages_spared": 0,
        "would_enqueue": 0,
        "duration_s": report.duration_s,
        "dry_run": False,
    }
    assert report.duration_s
    assert report.duration_s > 0
    assert (report.exit_code, storage.counts().total, len(queue.jobs)) == (0, 24, 24)
    [run] = storage.find_runs()
    assert (run.id, run.source, run.status, run.pages, run.seen, run.new, run.enqueued, run.error) == (
        *(report.run_id, "ofertas", "done", 3, 24, 24, 24, None),
    )
    assert run.finished_at
    assert run.finished_at > run.started_at
    again = scraper(storage, Shop(3), queue, now=now).scrape([OFERTAS])
    assert (again.new, again.unchanged, again.enqueued, again.already_queued) == (0, 24, 0, 24)


def showing(*cards: Offer, pages: int = 1) -> Shop:
    """A shop whose every page shows these cards."""
    shop = Shop(pages)
    shop.offers = lambda page: iter(cards)  # type: ignore[method-assign]  # noqa: ARG005
    return shop


TOLD = {"old_price_cents": 20_000, "discount_pct": 50}


@pytest.mark.parametrize("dry_run", [False, True])
def test_a_page_is_spared_for_each_offer_whose_own_card_says_both(storage: FailingStorage, dry_run: bool) -> None:
    """Once for an offer, however many cards it has; not for one whose card leaves the discount or the old price out."""
    cards = [card(1, **TOLD), card(1, **TOLD), card(2, old_price_cents=20_000), card(3, discount_pct=50), card(4)]
    shop, queue = showing(*cards, pages=2), Queue()
    report = scraper(storage, shop, queue, dry_run=dry_run).scrape([OFERTAS])
    assert (report.pages, report.pages_spared) == (2, 1)
    assert len(queue.jobs) == (0 if dry_run else 3)


def test_a_trusted_card_without_a_struck_price_spares_its_page(storage: FailingStorage) -> None:
    """Not one that shows a struck price without its discount: its page is asked."""
    cards = [card(1), card(2, **TOLD), card(3, old_price_cents=20_000)]
    queue = Queue()
    report = scraper(storage, showing(*cards), queue, trust_cards=True).scrape([OFERTAS])
    assert (report.enqueued, report.pages_spared) == (1, 2)
    assert [job.url for job in queue.jobs.values()] == [cards[2].url]


def test_an_offer_that_waits_for_its_link_alone_spares_its_page(storage: FailingStorage) -> None:
    shop, queue = showing(card(1, **TOLD)), Queue()
    report = scraper(storage, shop, queue, wanted=frozenset(Missing)).scrape([OFERTAS])
    assert (report.enqueued, report.pages_spared) == (1, 1)


def test_what_its_page_answered_earlier_is_not_spared_by_a_card_that_says_nothing(storage: FailingStorage) -> None:
    [saved] = storage.save_offers([card(1)], seen_at=at(0)).saved
    storage.save_enrichments([page(saved.offer_id, 1)])
    shop, queue = showing(card(1)), Queue()
    report = scraper(storage, shop, queue, now=lambda: at(2)).scrape([OFERTAS])
    assert (report.enqueued, report.pages_spared) == (0, 0)


def test_a_dry_run_says_how_many_would_be_queued(storage: FailingStorage) -> None:
    """Each once, however often it is shown, and none that lacks nothing."""
    shop = showing(card(1), card(2), card(3, **TOLD), pages=2)
    report = scraper(storage, shop, dry_run=True).scrape([OFERTAS])
    assert (report.would_enqueue, report.enqueued) == (2, 0)
    assert scraper(storage, shop).scrape([OFERTAS]).enqueued == 2


def test_each_page_is_logged_with_its_number_and_its_own_figures(
    storage: FailingStorage, caplog: pytest.LogCaptureFixture
) -> None:
    """Without their queries, which the log leaves out, the addresses of all pages are one."""
    caplog.set_level("INFO")
    scraper(storage, Shop(2)).scrape([OFERTAS])
    scraper(storage, Shop(1), dry_run=True).scrape([OFERTAS])
    told = [record for record in caplog.records if record.getMessage() in ("page saved", "page read")]
    figures = [(each.figures["page"], each.figures["new"], each.figures["unchanged"]) for each in told]  # type: ignore[attr-defined]
    assert figures == [(1, 8, 0), (2, 8, 0), (1, 0, 8)]
    assert [each.getMessage() for each in told] == ["page saved", "page saved", "page read"], "a dry run saves none"


def test_a_dry_run_leaves_nothing(storage: FailingStorage) -> None:
    queue = Queue()
    report = scraper(storage, Shop(2), queue, dry_run=True).scrape([OFERTAS])
    assert (report.run_id, report.pages, report.new, report.enqueued) == (None, 2, 16, 0)
    assert (storage.counts().total, storage.find_runs(), queue.jobs) == (0, [], {})


def test_a_limit_ends_in_the_middle_of_a_page(storage: FailingStorage) -> None:
    report = scraper(storage, Shop(3), limit=11).scrape([OFERTAS])
    assert (report.pages, report.seen, storage.counts().total) == (2, 11, 11)


def test_a_limit_counts_what_is_taken_not_what_is_filtered(storage: FailingStorage) -> None:
    """Whoever asks for two offers of at least 50% gets two, if there are as many; the third is not looked at."""
    shop = showing(
        card(1, discount_pct=10), card(2, **TOLD), card(3, discount_pct=49), card(4, **TOLD), card(5, **TOLD)
    )
    report = scraper(storage, shop, limit=2, min_discount=50).scrape([OFERTAS])
    assert (report.seen, report.filtered, report.new, storage.counts().total) == (4, 2, 2, 2)


def test_a_refused_card_is_one_item_of_a_scrape_that_is_done(storage: FailingStorage) -> None:
    report = scraper(storage, showing(card(1), card(2, price_cents=-1))).scrape([OFERTAS])
    assert (report.new, report.refused, report.exit_code) == (1, 1, 1)
    [run] = storage.find_runs()
    assert (run.status, run.error) == ("done", "storage_refused")


def test_a_source_that_ends_early_does_not_stop_the_next(storage: FailingStorage) -> None:
    blocked = PageBlocked("a wall", hint="wait")
    shop = Shop(2, page2=blocked)
    report = scraper(storage, shop).scrape([OFERTAS, Source("search", "fone")])
    assert (report.pages, report.seen, report.new, report.unchanged) == (3, 24, 16, 8)
    assert [(problem.code, problem.hint) for problem in report.problems] == [("page_blocked", "wait")]
    assert report.exit_code == 1, "one item failed, the rest is done"
    [run] = storage.find_runs()
    assert (run.source, run.status, run.error, run.seen) == ("ofertas fone", "failed", "page_blocked", 24)


def test_sources_that_all_fail_end_with_the_code_of_what_stopped_them(storage: FailingStorage) -> None:
    shop = Shop(2, page2=PageBlocked("a wall"))
    assert scraper(storage, shop).scrape([OFERTAS]).exit_code == 5


@pytest.mark.parametrize("error", [QueueUnavailable("Redis is away"), QueueRefused("out of memory")])
def test_a_queue_that_refuses_costs_nothing_that_is_saved(storage: FailingStorage, error: OffersError) -> None:
    queue = Queue(error)
    report = scraper(storage, Shop(3), queue).scrape([OFERTAS])
    assert (report.pages, report.new, report.enqueued, storage.counts().total) == (3, 24, 0, 24)
    assert [problem.code for problem in report.problems] == [error.code], "it is told once, and not asked again"
    assert "enqueue-missing" in report.problems[0].hint


@pytest.mark.parametrize("error", [StorageBusy("the database is away"), StorageRefused("no such key")])
def test_a_database_that_fails_ends_the_scrape_with_the_figures_of_what_was_saved(
    storage: FailingStorage, error: OffersError
) -> None:
    fail(storage, "save_offers", after=2, error=error)
    shop = Shop(3)
    report = scraper(storage, shop).scrape([OFERTAS, Source("search", "fone")])
    assert (report.pages, report.seen, report.new, report.enqueued) == (2, 16, 16, 16)
    assert [problem.code for problem in report.problems] == [error.code], "the next source is not tried"
    assert report.exit_code == error.exit_code
    [run] = storage.find_runs()
    assert (run.status, run.pages, run.new, run.error) == ("failed", 2, 16, error.code)


@pytest.mark.parametrize("after", [1, 4])
def test_a_record_that_cannot_be_written_spoils_no_scrape(storage: FailingStorage, after: int) -> None:
    """Neither on the way, from the first page on, nor at the end."""
    fail(storage, "save_run", after=after)
    report = scraper(storage, Shop(3)).scrape([OFERTAS])
    assert (report.pages, report.new, report.enqueued, storage.counts().total) == (3, 24, 24, 24)
    [problem] = report.problems
    assert problem.message == "the figures of this run were not recorded: the database is away"
    assert report.exit_code == 1, "one thing is not done, everything else is"


def test_a_database_that_is_away_at_the_start_gives_figures_too(storage: FailingStorage) -> None:
    fail(storage, "save_run")
    report = scraper(storage, Shop(3)).scrape([OFERTAS])
    assert (report.run_id, report.pages, report.seen) == (None, 0, 0)
    assert report.exit_code == 4


@pytest.mark.parametrize(("name", "after", "pages"), [("save_offers", 0, 0), ("save_run", 2, 2), ("save_run", 4, 3)])
def test_ctrl_c_gives_figures_too(storage: FailingStorage, name: str, after: int, pages: int) -> None:
    fail(storage, name, after=after, error=KeyboardInterrupt())
    report = scraper(storage, Shop(3)).scrape([OFERTAS])
    assert (report.pages, report.exit_code) == (pages, 130)


def test_a_bug_still_records_the_run(storage: FailingStorage) -> None:
    fail(storage, "save_offers", after=1, error=ZeroDivisionError())
    with pytest.raises(ZeroDivisionError):
        scraper(storage, Shop(3)).scrape([OFERTAS])
    [run] = storage.find_runs()
    assert (run.status, run.pages, run.new) == ("interrupted", 1, 8)


def test_the_record_goes_along_with_the_pages(storage: FailingStorage) -> None:
    """What is known of a scrape that is killed now."""
    told: list[tuple[str, int, int, bool]] = []

    def look(_report: object) -> None:
        [run] = storage.find_runs()
        assert run.alive_at
        told.append((run.status, run.pages, run.new, run.alive_at > run.started_at))

    scraper(storage, Shop(3), on_page=look).scrape([OFERTAS])
    assert told == [("running", page, page * 8, True) for page in (1, 2, 3)]


def test_one_card_whose_address_no_offer_may_have_stops_no_other(storage: FailingStorage) -> None:
    """It is counted and named; its page's other cards are saved and queued, and so is the next page."""
    shop, queue = Shop(2), Queue()
    odd = card(500, url="https://user:secret@shop.test/p/MLB500")
    shop.offers = lambda page: iter([*Shop.offers(shop, page), *([odd] if page == 1 else [])])  # type: ignore[method-assign]
    report = scraper(storage, shop, queue).scrape([OFERTAS])
    assert (report.seen, report.new, report.refused, report.enqueued) == (17, 16, 1, 16)
    assert [problem.message for problem in report.problems] == ["offer MLB500 was refused: url carries a user name"]
    assert storage.counts().total == len(queue.jobs) == 16


def test_a_stored_address_that_cannot_be_queued_is_named_with_what_mends_it(storage: FailingStorage) -> None:
    class Strict(Queue):
        def enqueue(self, jobs: Sequence[EnrichmentJob], /) -> EnqueueReport:
            first, *others = jobs
            queued = super().enqueue(others)
            return EnqueueReport(enqueued=queued.enqueued, already_queued=0, refused={first.offer_id: "it is too long"})

    report = scraper(storage, Shop(1), Strict()).scrape([OFERTAS])
    assert (report.new, report.enqueued) == (8, 7)
    [problem] = report.problems
    assert (problem.code, problem.hint) == ("forbidden_url", "offers db repair --dry-run")
    assert problem.offer_id

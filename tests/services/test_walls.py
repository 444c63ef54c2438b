"""What a wall means: for its host, for one page, for its job."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from random import Random

import pytest
from drift_fakes import DriftMemory
from fetch.free_pace import FreePace

from offers_cli.drift.watch import DriftWatch
from offers_cli.errors import OfferGone, Outcome, PageBlocked, PageChanged, PageError, RateLimited
from offers_cli.fetch.pace import MOST_WALLS
from offers_cli.fetch.response import Page
from offers_cli.marketplaces.base import Html
from offers_cli.marketplaces.mercado_livre import MercadoLivre
from offers_cli.queue.job import EnrichmentJob
from offers_cli.queue.retry_policy import JobStatus, RetryPolicy
from offers_cli.services.enrich import enrich
from offers_cli.services.pages import Pages
from offers_cli.services.sources import Source

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
URL = "https://www.mercadolivre.com.br/p/MLB1"


class KeepNothing:
    def keep(self, _page: Page, *, offer_id: str | None, code: str | None) -> None:  # noqa: ARG002 (the keeper's form)
        return None


class Shop:
    """Answers each page alike: with a text, or a refusal that was noted with so many walls."""

    def __init__(self, refusal: PageError | None = None) -> None:
        self.refusal = refusal

    def get(self, url: str) -> Page:
        if self.refusal:
            raise self.refusal
        return Page(
            url=url, final_url=f"{url}-slug", status=200, body=b"x", encoding="utf-8", fetched_at=NOW, egress="p:1"
        )

    def close(self) -> None:
        """Nothing is open."""


def pages(shop: Shop, pace: FreePace) -> Pages:
    return Pages(
        fetcher=shop,
        marketplace_for=lambda _url: MercadoLivre(),
        snapshots=KeepNothing(),  # type: ignore[arg-type]
        pace=pace,
        sleep=lambda _seconds: None,
    )


def raising(error: Exception) -> Callable[[Html, str], str]:
    def reader(_html: Html, _url: str) -> str:
        raise error

    return reader


def listing(pages: Pages, reader: Callable[[Html, str], str]) -> str:
    return pages.load_listing(Source(kind="listing", label=URL), None, reader)


def product(pages: Pages, reader: Callable[[Html, str], str]) -> str:
    return pages.read(pages.fetch(URL), reader)


Load = Callable[[Pages, Callable[[Html, str], str]], str]


@pytest.mark.parametrize("load", [listing, product])
def test_a_wall_that_answers_200_is_noted_for_its_host_and_page(load: Load) -> None:
    pace = FreePace()
    pace.walls = 2
    with pytest.raises(PageBlocked) as blocked:
        load(pages(Shop(), pace), raising(PageBlocked("captcha")))
    assert pace.pauses == [("www.mercadolivre.com.br", None, "page_blocked", "p:1")]
    assert pace.refused == [("www.mercadolivre.com.br", URL)]
    assert (blocked.value.walls, blocked.value.retry_after_s) == (2, 60.0)
    assert pace.served == []


@pytest.mark.parametrize("load", [listing, product])
def test_a_page_that_was_read_is_noted_as_served(load: Load) -> None:
    pace = FreePace()
    assert load(pages(Shop(), pace), lambda _html, _url: "read") == "read"
    assert (pace.served, pace.refused) == ([URL], [])


def test_an_ended_offer_is_a_page_that_was_served_but_an_unknown_page_may_be_a_new_wall() -> None:
    pace = FreePace()
    with pytest.raises(OfferGone):
        product(pages(Shop(), pace), raising(OfferGone("paused")))
    assert pace.served == [URL]
    with pytest.raises(PageChanged):
        product(pages(Shop(), pace), raising(PageChanged("no price")))
    assert pace.served == [URL]


def blocked(walls: int, error: PageError) -> PageError:
    error.walls = walls
    return error


def enrich_refused(refusal: PageError) -> PageError:
    """What one job ends with whose page is refused."""
    job = EnrichmentJob(offer_id="1", url=URL, current_price_cents=None)
    with pytest.raises(PageError) as raised:
        enrich(job, observed_at=NOW, pages=pages(Shop(refusal), FreePace()), drift=DriftWatch(DriftMemory()))
    return raised.value


def test_a_job_whose_page_alone_shows_a_wall_fails_after_five() -> None:
    policy = RetryPolicy()
    for walls in range(MOST_WALLS):
        waits = enrich_refused(blocked(walls, PageBlocked("403", retry_after_s=30)))
        outcome = policy.decide(waits, attempt=1, random=Random(1))
        assert (outcome.status, outcome.spent) == (JobStatus.SCHEDULED, False)
        assert outcome.delay_s >= 30
    failed = enrich_refused(blocked(MOST_WALLS, PageBlocked("shop.test answered 403", retry_after_s=30)))
    assert (failed.code, failed.outcome) == ("page_blocked", Outcome.FAIL)
    assert "this page alone was refused 5 times" in failed.message
    assert "shop.test answered 403" in failed.message
    assert policy.decide(failed, attempt=1, random=Random(1)).status is JobStatus.FAILED


def test_a_job_never_fails_for_too_many_requests() -> None:
    assert enrich_refused(blocked(99, RateLimited("429"))).outcome is Outcome.SNOOZE

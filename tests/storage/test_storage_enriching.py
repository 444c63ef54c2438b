"""Conformance: what the results of jobs do to an offer, on every storage."""

from __future__ import annotations

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from storage.cases import at, card, everything, failure, history, link, needing, page, save, stored

from offers_cli.offer import Enrichment, EnrichmentFailure, Offer
from offers_cli.storage.base import PricePoint, Storage, StoredOffer
from offers_cli.storage.rules import EnrichmentResult


def test_a_page_fills_what_the_listing_lacked(storage: Storage) -> None:
    [saved] = save(storage)
    found = page(
        saved.offer_id,
        1,
        old_price_cents=20_000,
        discount_pct=50,
        title="Fone, completo",
        affiliate_link="https://meli.la/x",
        affiliation_id="tag",
        affiliate_checked=True,
        strategies={"price_cents": "state", "old_price_cents": "dom"},
    )
    report = storage.save_enrichments([found])
    offer = stored(storage, saved.offer_id)
    assert report.applied == {saved.offer_id}
    assert (offer.price_cents, offer.old_price_cents, offer.discount_pct) == (10_000, 20_000, 50)
    assert (offer.title, offer.affiliate_link, offer.affiliation_id) == ("Fone, completo", "https://meli.la/x", "tag")
    assert offer.enriched_at == offer.affiliate_checked_at == at(1)
    assert offer.strategies == {"price_cents": "state", "old_price_cents": "dom"}
    assert (offer.enrich_attempts, offer.enrich_attempted_at, offer.enrich_error) == (1, at(1), None)
    assert (offer.price_changed_at, offer.last_seen_at) == (at(0), at(0))
    assert history(storage, offer.id) == [(10_000, None, "listing"), (10_000, 20_000, "product")]


def test_the_same_result_again_changes_nothing(storage: Storage) -> None:
    """A reply that was lost makes the worker write again."""
    [saved] = save(storage)
    results = [page(saved.offer_id, 1, price_cents=9_000, old_price_cents=20_000, discount_pct=55)]
    failures = [failure(saved.offer_id, 1, "link_refused", final=True)]
    storage.save_enrichments(results, failures)
    before = stored(storage, saved.offer_id)
    report = storage.save_enrichments(results, failures)
    assert report.applied == {saved.offer_id}
    assert stored(storage, saved.offer_id) == before
    assert before.enrich_attempts == 1
    assert len(storage.price_history(saved.offer_id)) == 2


def test_another_price_on_the_page_is_a_price_change(storage: Storage) -> None:
    [saved] = save(storage, card(old_price_cents=20_000, discount_pct=50))
    storage.save_enrichments([page(saved.offer_id, 1, price_cents=9_000)])
    offer = stored(storage, saved.offer_id)
    assert (offer.price_cents, offer.old_price_cents, offer.discount_pct) == (9_000, None, None)
    assert offer.price_changed_at == offer.enriched_at == at(1)
    assert history(storage, offer.id)[-1] == (9_000, None, "product")
    assert needing(storage) == []


def test_an_older_page_never_overwrites_a_newer_one(storage: Storage) -> None:
    [saved] = save(storage)
    storage.save_enrichments([page(saved.offer_id, 5, price_cents=9_000, old_price_cents=18_000, discount_pct=50)])
    before = stored(storage, saved.offer_id)
    report = storage.save_enrichments([page(saved.offer_id, 4, price_cents=1, title="slow duplicate")])
    assert report.superseded == {saved.offer_id}
    assert stored(storage, saved.offer_id) == before


def test_a_page_claimed_before_a_listing_saw_another_price_is_stale(storage: Storage) -> None:
    [saved] = save(storage)
    save(storage, card(price_cents=9_000), minute=5)
    before = stored(storage, saved.offer_id)
    report = storage.save_enrichments([page(saved.offer_id, 4, price_cents=10_000, old_price_cents=20_000)])
    assert report.stale == {saved.offer_id}
    assert stored(storage, saved.offer_id) == before
    assert needing(storage) == [saved.offer_id]


def test_a_page_claimed_before_the_last_sight_counts_when_the_price_is_the_same(storage: Storage) -> None:
    """`enriched_at` is then the moment of the price change, or the offer would be asked for ever."""
    [saved] = save(storage)
    save(storage, card(price_cents=9_000), minute=5)
    report = storage.save_enrichments([page(saved.offer_id, 4, price_cents=9_000)])
    assert report.applied == {saved.offer_id}
    assert stored(storage, saved.offer_id).enriched_at == at(5)
    assert needing(storage) == []


def test_a_page_at_the_same_price_erases_nothing_that_the_card_showed(storage: Storage) -> None:
    [saved] = save(storage, card(old_price_cents=20_000, discount_pct=50))
    storage.save_enrichments([page(saved.offer_id, 1)])
    offer = stored(storage, saved.offer_id)
    assert (offer.old_price_cents, offer.discount_pct) == (20_000, 50)
    assert len(storage.price_history(offer.id)) == 1


def test_a_suspect_old_price_is_kept_but_no_fact(storage: Storage) -> None:
    [saved] = save(storage)
    storage.save_enrichments([page(saved.offer_id, 1, suspect_old_price_cents=99_999_999)])
    offer = stored(storage, saved.offer_id)
    assert (offer.old_price_cents, offer.suspect_old_price_cents) == (None, 99_999_999)
    assert len(storage.price_history(offer.id)) == 1


def test_without_a_price_the_stored_one_measures_the_old_price(storage: Storage) -> None:
    one, two = save(storage, card(1), card(2))
    storage.save_enrichments(
        [
            page(one.offer_id, 1, price_cents=None, old_price_cents=20_000, discount_pct=50),
            page(two.offer_id, 1, price_cents=None, old_price_cents=9_999),
        ]
    )
    assert stored(storage, one.offer_id).old_price_cents == 20_000
    assert stored(storage, two.offer_id).old_price_cents is None


def test_the_link_is_written_apart_from_the_page(storage: Storage) -> None:
    [saved] = save(storage)
    storage.save_enrichments([link(saved.offer_id, 5, "https://meli.la/x", affiliation_id="tag")])
    offer = stored(storage, saved.offer_id)
    assert (offer.affiliate_link, offer.affiliate_checked_at, offer.enriched_at) == ("https://meli.la/x", at(5), None)
    report = storage.save_enrichments([page(saved.offer_id, 4, old_price_cents=20_000, discount_pct=50)])
    assert report.applied == {saved.offer_id}
    assert stored(storage, saved.offer_id).affiliate_link == "https://meli.la/x"
    report = storage.save_enrichments([link(saved.offer_id, 3, "https://meli.la/older")])
    assert report.superseded == {saved.offer_id}
    storage.save_enrichments([link(saved.offer_id, 6, None)])
    offer = stored(storage, saved.offer_id)
    assert (offer.affiliate_link, offer.affiliate_checked_at) == ("https://meli.la/x", at(6))


def test_a_stale_page_still_brings_its_link(storage: Storage) -> None:
    [saved] = save(storage)
    save(storage, card(price_cents=9_000), minute=5)
    told = page(saved.offer_id, 4, affiliate_link="https://meli.la/x", affiliate_checked=True)
    assert storage.save_enrichments([told]).stale == {saved.offer_id}
    offer = stored(storage, saved.offer_id)
    assert (offer.affiliate_link, offer.enriched_at, offer.price_cents) == ("https://meli.la/x", None, 9_000)


def test_a_failure_is_recorded_and_forgotten_at_the_next_success(storage: Storage) -> None:
    [saved] = save(storage)
    assert storage.save_enrichments([], [failure(saved.offer_id, 1)]).applied == {saved.offer_id}
    offer = stored(storage, saved.offer_id)
    assert (offer.enrich_error, offer.enrich_error_message) == ("page_changed", "it was page_changed")
    assert (offer.enrich_attempts, offer.enriched_at, offer.status) == (1, None, "active")
    storage.save_enrichments([page(saved.offer_id, 2)])
    offer = stored(storage, saved.offer_id)
    assert (offer.enrich_error, offer.enrich_error_message, offer.enrich_attempts) == (None, None, 2)


def test_a_failure_of_an_older_attempt_does_not_hide_a_newer_success(storage: Storage) -> None:
    [saved] = save(storage)
    storage.save_enrichments([page(saved.offer_id, 5)])
    before = stored(storage, saved.offer_id)
    report = storage.save_enrichments([], [failure(saved.offer_id, 4, "offer_gone", gone=True)])
    assert report.superseded == {saved.offer_id}
    assert stored(storage, saved.offer_id) == before


def test_a_success_of_an_older_attempt_counts_though_a_newer_one_failed(storage: Storage) -> None:
    [saved] = save(storage)
    storage.save_enrichments([], [failure(saved.offer_id, 5)])
    assert storage.save_enrichments([page(saved.offer_id, 4, old_price_cents=20_000)]).applied == {saved.offer_id}
    offer = stored(storage, saved.offer_id)
    assert (offer.old_price_cents, offer.enrich_error, offer.enrich_attempts) == (20_000, "page_changed", 1)


def test_gone_and_back(storage: Storage) -> None:
    [saved] = save(storage)
    storage.save_enrichments([], [failure(saved.offer_id, 1, "offer_gone", gone=True, final=True)])
    offer = stored(storage, saved.offer_id)
    assert (offer.status, offer.enrich_error, storage.counts().gone) == ("gone", "offer_gone", 1)
    save(storage, minute=2)
    assert stored(storage, saved.offer_id).status == "active"
    assert storage.counts().gone == 0


def test_gone_is_not_believed_when_a_listing_saw_the_offer_meanwhile(storage: Storage) -> None:
    [saved] = save(storage, minute=5)
    report = storage.save_enrichments([], [failure(saved.offer_id, 4, "offer_gone", gone=True)])
    assert report.stale == {saved.offer_id}
    assert stored(storage, saved.offer_id).status == "active"


def test_a_late_listing_does_not_revive_what_is_gone_since(storage: Storage) -> None:
    [saved] = save(storage)
    storage.save_enrichments([], [failure(saved.offer_id, 5, "offer_gone", gone=True)])
    save(storage, minute=4)
    assert stored(storage, saved.offer_id).status == "gone"


def test_a_page_that_can_be_read_brings_a_gone_offer_back(storage: Storage) -> None:
    [saved] = save(storage)
    storage.save_enrichments([], [failure(saved.offer_id, 5, "offer_gone", gone=True)])
    storage.save_enrichments([page(saved.offer_id, 4)])
    assert stored(storage, saved.offer_id).status == "gone"
    storage.save_enrichments([page(saved.offer_id, 6)])
    assert stored(storage, saved.offer_id).status == "active"


def test_a_batch_is_applied_in_the_order_of_its_claims(storage: Storage) -> None:
    [saved] = save(storage)
    report = storage.save_enrichments(
        [page(saved.offer_id, 3, price_cents=7_000), page(saved.offer_id, 2, price_cents=8_000)],
        [failure(saved.offer_id, 1)],
    )
    offer = stored(storage, saved.offer_id)
    assert report.applied == {saved.offer_id}
    assert (offer.price_cents, offer.enrich_attempts, offer.enrich_error) == (7_000, 3, None)
    assert [price for price, _, _ in history(storage, offer.id)] == [10_000, 8_000, 7_000]


@pytest.mark.parametrize("unknown", ["11111111-2222-4333-8444-555555555555", "no uuid", "", "x' OR 1=1 --"])
def test_unknown_offers_are_named_and_the_others_written(storage: Storage, unknown: str) -> None:
    [saved] = save(storage)
    report = storage.save_enrichments([page(unknown, 1), page(saved.offer_id, 1)], [failure(unknown, 1)])
    assert report.unknown == {unknown}
    assert report.applied == {saved.offer_id}


def test_a_result_that_cannot_be_stored_leaves_its_batch_standing(storage: Storage) -> None:
    one, two = save(storage, card(1), card(2))
    report = storage.save_enrichments([page(one.offer_id, 1, price_cents=-1), page(two.offer_id, 1, title="a\0b")])
    assert report.applied == {two.offer_id}
    assert "price_cents" in report.refused[one.offer_id]
    assert stored(storage, one.offer_id).enrich_attempts == 0


def test_nothing_to_write_is_no_error(storage: Storage) -> None:
    assert storage.save_enrichments([]).applied == frozenset()


def test_writers_of_results_at_once_leave_the_newest(storage: Storage) -> None:
    offers = [offer.offer_id for offer in save(storage, *(card(number) for number in range(30)))]
    batches = [
        [page(offer, minute, price_cents=1_000 + minute) for offer in random.Random(minute).sample(offers, 30)]
        for minute in range(1, 13)
    ]
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(storage.save_enrichments, batches))
    assert {(offer.price_cents, offer.enriched_at) for offer in everything(storage)} == {(1_012, at(12))}


@pytest.mark.parametrize("minutes", [12, pytest.param(80, marks=pytest.mark.slow)], ids=["short", "long"])
def test_a_random_life_is_the_same_on_both_storages(
    sqlite_storage: Storage, supabase_storage: Storage, minutes: int
) -> None:
    """The rules stand twice, in Python and in SQL; whatever happens to the offers, the rows come out the same."""
    chance = random.Random(20260301)
    for minute in range(minutes):
        cards = [_random_card(chance) for _ in range(5)]
        seen_minute = minute + chance.choice((0, 0, 0, -3))
        outcomes = [
            [(offer.external_id, offer.outcome, offer.needs) for offer in save(storage, *cards, minute=seen_minute)]
            for storage in (sqlite_storage, supabase_storage)
        ]
        assert outcomes[0] == outcomes[1]
        results = [_random_result(chance, minute) for _ in range(4)]
        assert _apply(sqlite_storage, results) == _apply(supabase_storage, results)
    assert _by_external_id(sqlite_storage) == _by_external_id(supabase_storage)
    assert sqlite_storage.counts() == supabase_storage.counts()


def _by_external_id(storage: Storage) -> dict[str, tuple[StoredOffer, list[PricePoint]]]:
    """Every offer and its history, the random ids left out."""
    return {
        offer.external_id: (replace(offer, id=""), storage.price_history(offer.id)) for offer in everything(storage)
    }


def _random_card(chance: random.Random) -> Offer:
    return card(
        chance.randrange(12),
        title=chance.choice(("Fone", "Fone novo")),
        price_cents=chance.choice((5_000, 10_000)),
        old_price_cents=chance.choice((None, 9_000, 20_000)),
        discount_pct=chance.choice((None, None, 30, 50)),
        commission_pct=chance.choice((None, 12)),
        affiliate_link=chance.choice((None, None, None, "https://meli.la/card")),
    )


def _random_result(chance: random.Random, minute: int) -> tuple[str, Callable[[str], EnrichmentResult]]:
    """The external id of an offer, and what one attempt at it ended with."""
    claimed = minute + chance.choice((0.5, 0.5, -2, -6))
    return f"MLB{chance.randrange(12)}", chance.choice((_page, _page, _page, _link, _failure))(chance, claimed)


def _page(chance: random.Random, claimed: float) -> Callable[[str], EnrichmentResult]:
    found = {
        "price_cents": chance.choice((5_000, 10_000, None)),
        "old_price_cents": chance.choice((None, 9_000, 20_000)),
        "discount_pct": chance.choice((None, 30, 50)),
        "suspect_old_price_cents": chance.choice((None, None, 99_000)),
        "title": chance.choice((None, "Fone da página")),
        "strategies": chance.choice(({}, {"title": "state"})),
        "affiliate_checked": chance.random() < 0.2,
    }
    return lambda offer_id: page(offer_id, claimed, **found)


def _link(chance: random.Random, claimed: float) -> Callable[[str], EnrichmentResult]:
    affiliate_link = chance.choice((None, "https://meli.la/page"))
    return lambda offer_id: link(offer_id, claimed, affiliate_link)


def _failure(chance: random.Random, claimed: float) -> Callable[[str], EnrichmentResult]:
    code = chance.choice(("page_changed", "offer_gone", "link_refused", "forbidden_url"))
    is_gone, is_final = code == "offer_gone", code != "page_changed"
    return lambda offer_id: failure(offer_id, claimed, code, gone=is_gone, final=is_final)


def _apply(storage: Storage, results: list[tuple[str, Callable[[str], EnrichmentResult]]]) -> dict[str, set[str]]:
    """Save the results as one batch; what became of which offers, by external id."""
    names: dict[str, str] = {}
    made: list[EnrichmentResult] = []
    for external_id, result_of in results:
        offer = storage.find_offer(external_id)
        offer_id = offer.id if offer else "11111111-2222-4333-8444-555555555555"
        names[offer_id] = external_id
        made.append(result_of(offer_id))
    report = storage.save_enrichments(
        [result for result in made if isinstance(result, Enrichment)],
        [result for result in made if isinstance(result, EnrichmentFailure)],
    )
    return {
        became: {names[offer_id] for offer_id in getattr(report, became)}
        for became in ("applied", "superseded", "stale", "unknown")
    }

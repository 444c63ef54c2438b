"""Conformance: which offers need enrichment, in which order, on every storage."""

from __future__ import annotations

import itertools

import pytest
from storage.cases import EVERYTHING, LINK, PAGE_FIELDS, at, card, failure, link, needing, page, save, stored

from offers_cli.offer import Offer
from offers_cli.storage.base import Missing, SavedOffer, Storage


def test_a_field_that_is_null_is_needed(storage: Storage) -> None:
    nothing, old, both = save(
        storage, card(1), card(2, old_price_cents=20_000), card(3, old_price_cents=20_000, discount_pct=50)
    )
    assert set(needing(storage, frozenset({Missing.OLD_PRICE}))) == {nothing.offer_id}
    assert set(needing(storage, frozenset({Missing.DISCOUNT}))) == {nothing.offer_id, old.offer_id}
    assert set(needing(storage, LINK)) == {nothing.offer_id, old.offer_id, both.offer_id}
    assert needing(storage, frozenset()) == []
    assert old.needs == {Missing.DISCOUNT, Missing.AFFILIATE_LINK}


@pytest.mark.parametrize("size", [1, 2, 3])
def test_every_combination_is_the_union_of_its_fields(storage: Storage, size: int) -> None:
    save(
        storage,
        card(1, discount_pct=10),
        card(2, old_price_cents=20_000),
        card(3, affiliate_link="https://meli.la/x", old_price_cents=20_000, discount_pct=50),
        card(4),
    )
    for fields in map(frozenset, itertools.combinations(Missing, size)):
        separately = set().union(*(needing(storage, frozenset({field})) for field in fields))
        found = needing(storage, fields)
        assert set(found) == separately
        assert len(found) == len(separately) == storage.count_needing(fields)


def test_a_page_without_old_price_is_an_answer(storage: Storage) -> None:
    [saved] = save(storage)
    assert storage.count_needing(PAGE_FIELDS) == 1
    storage.save_enrichments([page(saved.offer_id, 1)])
    assert storage.count_needing(PAGE_FIELDS) == storage.count_needing(frozenset()) == 0
    assert storage.counts().missing_old_price == 1, "it is not there, and nobody needs to look again"
    assert needing(storage) == []
    assert needing(storage, LINK) == [saved.offer_id]


def trust(storage: Storage, *cards: Offer, minute: float = 0) -> list[SavedOffer]:
    report = storage.save_offers(cards, seen_at=at(minute), trust_cards=True)
    assert report.refused == ()
    return list(report.saved)


def test_a_trusted_card_without_a_struck_price_is_an_answer(storage: Storage) -> None:
    """No page is asked for it; its link still is, and a struck price without a discount too."""
    silent, struck = trust(storage, card(1), card(2, old_price_cents=20_000))
    assert (silent.needs, struck.needs) == (LINK, LINK | {Missing.DISCOUNT})
    assert needing(storage) == [struck.offer_id]
    assert set(needing(storage, LINK)) == {silent.offer_id, struck.offer_id}
    assert needing(storage, recheck=1) == [struck.offer_id, silent.offer_id]
    offer = stored(storage, silent.offer_id)
    assert (offer.enriched_at, offer.strategies) == (at(0), {"old_price_cents": "card"})
    assert stored(storage, struck.offer_id).enriched_at is None


def test_a_trusted_card_answers_for_what_was_due_before(storage: Storage) -> None:
    [saved] = save(storage)
    assert needing(storage) == [saved.offer_id]
    trust(storage, card(), minute=1)
    assert needing(storage) == []
    trust(storage, card(price_cents=9_000), minute=2)
    assert needing(storage) == []
    assert stored(storage, saved.offer_id).enriched_at == at(2)
    save(storage, card(price_cents=8_000), minute=3)
    assert needing(storage) == [saved.offer_id]


def test_a_trusted_card_takes_nothing_from_a_page(storage: Storage) -> None:
    """Neither its moment nor its strategies; nor does a card that was seen before another."""
    [saved] = save(storage)
    storage.save_enrichments([page(saved.offer_id, 1, title="Fone da página", strategies={"title": "state"})])
    trust(storage, card(), minute=2)
    offer = stored(storage, saved.offer_id)
    assert (offer.title, offer.enriched_at, offer.strategies) == ("Fone da página", at(1), {"title": "state"})
    save(storage, card(price_cents=9_000), minute=4)
    trust(storage, card(), minute=3)
    assert needing(storage) == [saved.offer_id]


def test_whether_a_card_is_trusted_is_answered_by_a_dry_run_too(storage: Storage) -> None:
    (would,) = storage.save_offers([card()], seen_at=at(0), trust_cards=True, dry_run=True).saved
    assert would.needs == LINK
    assert storage.counts().total == 0


def test_a_programme_without_link_is_an_answer(storage: Storage) -> None:
    [saved] = save(storage)
    storage.save_enrichments([link(saved.offer_id, 1, None)])
    assert needing(storage, LINK) == []
    assert needing(storage) == [saved.offer_id]


def test_a_new_price_asks_again_for_page_and_link(storage: Storage) -> None:
    [saved] = save(storage)
    storage.save_enrichments([page(saved.offer_id, 1, affiliate_checked=True)])
    assert needing(storage, EVERYTHING) == []
    save(storage, card(price_cents=1), minute=2)
    assert needing(storage) == needing(storage, LINK) == [saved.offer_id]


def test_a_gone_offer_is_not_asked_until_a_listing_shows_it(storage: Storage) -> None:
    [saved] = save(storage)
    storage.save_enrichments([], [failure(saved.offer_id, 1, "offer_gone", gone=True, final=True)])
    assert needing(storage, EVERYTHING, recheck=99) == []
    [back] = save(storage, minute=2)
    assert back.needs == EVERYTHING
    assert needing(storage) == [saved.offer_id]


def test_a_failure_that_is_not_final_is_asked_again(storage: Storage) -> None:
    [saved] = save(storage)
    storage.save_enrichments([], [failure(saved.offer_id, 1)])
    assert needing(storage) == [saved.offer_id]


def test_a_final_failure_is_not_asked_again_until_the_price_changes(storage: Storage) -> None:
    [saved] = save(storage)
    storage.save_enrichments([], [failure(saved.offer_id, 1, "forbidden_url", final=True)])
    assert needing(storage, EVERYTHING) == []
    save(storage, card(price_cents=1), minute=2)
    assert needing(storage, EVERYTHING) == [saved.offer_id]


def test_a_refused_link_leaves_the_page_to_be_read(storage: Storage) -> None:
    [saved] = save(storage)
    storage.save_enrichments([], [failure(saved.offer_id, 1, "link_refused", final=True)])
    assert needing(storage, LINK) == []
    assert needing(storage) == [saved.offer_id]


def test_order_is_never_tried_first_then_oldest_and_stable(storage: Storage) -> None:
    offers = [save(storage, card(number), minute=number)[0].offer_id for number in (3, 1, 2, 5, 4)]
    by_age = [offers[1], offers[2], offers[0], offers[4], offers[3]]
    assert needing(storage) == by_age
    tried_late, tried_early = by_age[0], by_age[2]
    storage.save_enrichments([], [failure(tried_early, 20), failure(tried_late, 30)])
    expected = [by_age[1], by_age[3], by_age[4], tried_early, tried_late]
    assert needing(storage) == needing(storage) == expected
    assert needing(storage, EVERYTHING) == expected
    for limit in range(6):
        assert needing(storage, limit=limit) == expected[:limit]


def test_offers_of_one_page_have_a_stable_order(storage: Storage) -> None:
    save(storage, *(card(number) for number in range(20)))
    everyone = needing(storage, EVERYTHING)
    assert len(everyone) == 20
    assert needing(storage, EVERYTHING, limit=7) == everyone[:7]
    assert needing(storage, limit=7) == everyone[:7]


def test_recheck_asks_again_what_was_answered_long_ago_after_what_was_never_asked(storage: Storage) -> None:
    long_ago, lately, never, found = (offer.offer_id for offer in save(storage, *(card(n) for n in range(4))))
    storage.save_enrichments(
        [
            page(long_ago, 10),
            page(lately, 50),
            page(found, 10, old_price_cents=20_000, discount_pct=50),
        ]
    )
    assert needing(storage) == [never]
    assert needing(storage, recheck=30) == [never, long_ago]
    assert needing(storage, recheck=60) == [never, long_ago, lately]
    assert needing(storage, recheck=60, limit=2) == [never, long_ago]
    assert needing(storage, EVERYTHING, recheck=10)[-1] != long_ago  # asked at that very moment, not before it


def test_an_offer_of_a_long_list_comes_once_wherever_a_page_ends(
    storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its page and its link were asked for at different times, or one of them never: else it would be queued twice."""
    never, tried, page_first, link_first, at_once, page_only, link_only = (
        offer.offer_id for offer in save(storage, *(card(number) for number in range(7)))
    )
    storage.save_enrichments([], [failure(tried, 5)])
    storage.save_enrichments([page(page_first, 10), link(link_first, 11, None), page(page_only, 12)])
    storage.save_enrichments([page(at_once, 13, affiliate_checked=True), link(link_only, 14, None)])
    storage.save_enrichments([link(page_first, 20, None), page(link_first, 21)])
    everyone = [never, tried, page_only, link_only, page_first, link_first, at_once]
    for page_size in (1, 2, 3, 100):
        monkeypatch.setattr("offers_cli.storage.supabase.storage.NEEDING", page_size)
        assert needing(storage, EVERYTHING, recheck=30) == everyone
        assert needing(storage, PAGE_FIELDS, recheck=30)[-4:] == [page_first, page_only, at_once, link_first]


@pytest.mark.slow
def test_paging_over_the_row_cap_of_the_server(storage: Storage) -> None:
    """PostgREST answers 1,000 rows at the most by default; the limit asked for is the limit given."""
    save(storage, *(card(number) for number in range(1_111)))
    assert len(set(needing(storage, EVERYTHING, limit=1_050))) == 1_050
    assert len(set(needing(storage, PAGE_FIELDS, limit=5_000))) == 1_111
    assert at(0) == storage.offers_needing_enrichment(limit=1, missing=LINK)[0].first_seen_at

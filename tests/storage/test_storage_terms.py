"""By which payment a price holds, and the facts beside it: kept, read back, told in history; the same everywhere."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from storage.cases import ALL_FACTS, at, card, needing, page, save, stored

from offers_cli.offer import FACTS, DiscountKind, Facts, PriceCondition
from offers_cli.storage.base import PricePoint, Storage

PIX: dict[str, Any] = {"price_condition": PriceCondition.PIX, "card_price_cents": 12_000}
STRUCK: dict[str, Any] = {"old_price_cents": 12_000, "discount_pct": 16, "discount_kind": DiscountKind.PAYMENT}
ANY: dict[str, Any] = {"price_condition": PriceCondition.ANY}


def terms(storage: Storage, offer_id: str) -> tuple[int, PriceCondition | None, int | None, DiscountKind | None]:
    offer = stored(storage, offer_id)
    return offer.price_cents, offer.price_condition, offer.card_price_cents, offer.discount_kind


def conditions(storage: Storage, offer_id: str) -> list[tuple[int, PriceCondition | None, int | None, str]]:
    points = storage.price_history(offer_id)
    return [(each.price_cents, each.price_condition, each.card_price_cents, each.source) for each in points]


def test_what_a_card_says_is_kept_and_told_in_history(storage: Storage) -> None:
    (saved,) = save(storage, card(**PIX, **STRUCK, facts=ALL_FACTS))
    offer = stored(storage, saved.offer_id)
    assert terms(storage, offer.id) == (10_000, PriceCondition.PIX, 12_000, DiscountKind.PAYMENT)
    assert (offer.listing_price_cents, offer.facts) == (10_000, ALL_FACTS)
    assert storage.price_history(offer.id) == [
        PricePoint(observed_at=at(0), price_cents=10_000, old_price_cents=12_000, **PIX, source="listing")
    ]


def test_what_a_page_says_is_kept_and_told_in_history(storage: Storage) -> None:
    (saved,) = save(storage)
    storage.save_enrichments([page(saved.offer_id, 1, **PIX, **STRUCK, facts=ALL_FACTS)])
    assert terms(storage, saved.offer_id) == (10_000, PriceCondition.PIX, 12_000, DiscountKind.PAYMENT)
    assert stored(storage, saved.offer_id).facts == ALL_FACTS
    assert conditions(storage, saved.offer_id)[1:] == [(10_000, PriceCondition.PIX, 12_000, "product")]


@pytest.mark.parametrize("by_page", [True, False])
@pytest.mark.parametrize("name", FACTS)
def test_a_fact_that_may_end_any_day_ends_and_the_others_stay(storage: Storage, name: str, by_page: bool) -> None:
    fact = replace(Facts(), **{name: getattr(ALL_FACTS, name)})
    (saved,) = save(storage, card(facts=fact))
    if by_page:
        storage.save_enrichments([page(saved.offer_id, 1)])
    else:
        save(storage, minute=1)
    assert stored(storage, saved.offer_id).facts == fact.updated_by(Facts())


def test_what_is_said_again_replaces_what_was_said(storage: Storage) -> None:
    (saved,) = save(storage, card(facts=Facts(reviews=1, seller="Loja", badge="MAIS VENDIDO")))
    save(storage, card(facts=Facts(reviews=2, full=True)), minute=1)
    assert stored(storage, saved.offer_id).facts == Facts(reviews=2, seller="Loja", full=True)


def test_a_card_that_shows_no_shipping_ends_none_unless_it_shows_instalments(storage: Storage) -> None:
    """The hub's cards show neither; those of other listings show both, so that their silence means something."""
    told = Facts(
        free_shipping=True, full=True, installments_count=10, installment_cents=999, coupon_label="Cupom 5% OFF"
    )
    (saved,) = save(storage)
    storage.save_enrichments([page(saved.offer_id, 1, facts=told)])
    save(storage, card(facts=Facts(badge="MAIS VENDIDO")), minute=2)
    assert stored(storage, saved.offer_id).facts == Facts(free_shipping=True, full=True, badge="MAIS VENDIDO")
    save(storage, card(facts=Facts(installments_count=3)), minute=3)
    assert stored(storage, saved.offer_id).facts == Facts(installments_count=3)


def test_a_card_seen_before_the_page_was_read_changes_no_fact(storage: Storage) -> None:
    (saved,) = save(storage)
    storage.save_enrichments([page(saved.offer_id, 5, facts=Facts(reviews=5))])
    save(storage, card(facts=Facts(reviews=3)), minute=3)
    assert stored(storage, saved.offer_id).facts == Facts(reviews=5)


@pytest.mark.slow
@pytest.mark.parametrize("shown_by_page", [{}, PIX, ANY, STRUCK, {**PIX, **STRUCK}])
@pytest.mark.parametrize("shown_by_card", [{}, PIX, ANY, STRUCK, {**PIX, **STRUCK}])
def test_a_listing_and_a_page_may_differ_for_ever(
    storage: Storage, shown_by_card: dict[str, Any], shown_by_page: dict[str, Any]
) -> None:
    """Ten rounds of scraping and enriching: a row for each of the two readers, and a job in the first round alone."""
    (saved,) = save(storage, card(**shown_by_card))
    storage.save_enrichments([page(saved.offer_id, 1, **{"price_cents": 9_000, **shown_by_page})])
    after_one = storage.price_history(saved.offer_id)
    assert [(each.price_cents, each.source) for each in after_one] == [(10_000, "listing"), (9_000, "product")]
    believed = terms(storage, saved.offer_id)
    for round_ in range(1, 10):
        (again,) = save(storage, card(**shown_by_card), minute=round_ * 10)
        assert (again.outcome, again.price_cents) == ("unchanged", 9_000)
        assert needing(storage) == []
        storage.save_enrichments([page(saved.offer_id, round_ * 10 + 1, **{"price_cents": 9_000, **shown_by_page})])
        assert terms(storage, saved.offer_id) == believed
    assert storage.price_history(saved.offer_id) == after_one
    offer = stored(storage, saved.offer_id)
    assert (offer.listing_price_cents, offer.last_seen_at, offer.price_changed_at) == (10_000, at(90), at(1))


def test_at_one_price_old_prices_and_conditions_may_differ_for_ever_too(storage: Storage) -> None:
    by_card = card(**PIX, old_price_cents=15_000, discount_pct=33)
    (saved,) = save(storage, by_card)
    by_page = page(saved.offer_id, 1, **ANY, old_price_cents=14_000, discount_pct=28)
    storage.save_enrichments([by_page])
    for round_ in range(1, 10):
        (again,) = save(storage, by_card, minute=round_ * 10)
        assert (again.outcome, needing(storage)) == ("unchanged", [])
        storage.save_enrichments([replace(by_page, observed_at=at(round_ * 10 + 1))])
    offer = stored(storage, saved.offer_id)
    assert (offer.old_price_cents, offer.discount_pct, offer.price_condition) == (14_000, 28, PriceCondition.ANY)
    assert [(each.old_price_cents, each.source) for each in storage.price_history(offer.id)] == [
        (15_000, "listing"),
        (14_000, "product"),
    ]


def test_two_listings_of_which_one_says_less_do_not_bring_the_same_news_again_and_again(storage: Storage) -> None:
    (saved,) = save(storage, card(**PIX))
    storage.save_enrichments([page(saved.offer_id, 1, price_cents=9_000)])
    for round_ in range(1, 5):
        save(storage, card(), minute=round_ * 10)
        save(storage, card(**PIX), minute=round_ * 10 + 1)
    assert len(conditions(storage, saved.offer_id)) == 2


def test_another_price_of_the_listing_is_news_and_its_page_is_due(storage: Storage) -> None:
    (saved,) = save(storage)
    storage.save_enrichments([page(saved.offer_id, 1, price_cents=9_000, **PIX)])
    (seen,) = save(storage, card(price_cents=9_500), minute=2)
    assert (seen.outcome, needing(storage)) == ("changed", [saved.offer_id])
    assert terms(storage, saved.offer_id) == (9_500, None, None, None)
    assert stored(storage, saved.offer_id).listing_price_cents == 9_500


def test_the_listing_that_comes_to_the_pages_price_changes_nothing(storage: Storage) -> None:
    (saved,) = save(storage)
    storage.save_enrichments([page(saved.offer_id, 1, price_cents=9_000)])
    (seen,) = save(storage, card(price_cents=9_000), minute=2)
    assert (seen.outcome, needing(storage)) == ("unchanged", [])
    assert len(conditions(storage, saved.offer_id)) == 2


def test_a_condition_that_appears_or_goes_is_a_row_and_makes_no_page_due(storage: Storage) -> None:
    (saved,) = save(storage, card(**ANY))
    storage.save_enrichments([page(saved.offer_id, 1)])
    for minute, shown in ((2, PIX), (3, {}), (4, ANY), (5, ANY)):
        (seen,) = save(storage, card(**shown), minute=minute)
        assert seen.outcome == ("changed" if minute in {2, 4} else "unchanged")
        assert needing(storage) == []
    assert [(condition, card_price) for _, condition, card_price, _ in conditions(storage, saved.offer_id)] == [
        (PriceCondition.ANY, None),
        (PriceCondition.PIX, 12_000),
        (PriceCondition.ANY, None),
    ]
    assert stored(storage, saved.offer_id).price_changed_at == at(0)


def test_a_page_that_knows_no_condition_keeps_the_known_one_at_the_same_price_alone(storage: Storage) -> None:
    (saved,) = save(storage, card(**PIX, **STRUCK))
    storage.save_enrichments([page(saved.offer_id, 1)])
    assert terms(storage, saved.offer_id) == (10_000, PriceCondition.PIX, 12_000, DiscountKind.PAYMENT)
    storage.save_enrichments([page(saved.offer_id, 2, price_cents=9_000)])
    assert terms(storage, saved.offer_id) == (9_000, None, None, None)


def test_another_condition_brings_its_own_card_price(storage: Storage) -> None:
    (saved,) = save(storage, card(**PIX, **STRUCK))
    storage.save_enrichments([page(saved.offer_id, 1, **ANY)])
    assert terms(storage, saved.offer_id) == (10_000, PriceCondition.ANY, None, None)
    assert stored(storage, saved.offer_id).old_price_cents == 12_000


def test_another_old_price_brings_its_own_kind_and_keeps_the_condition(storage: Storage) -> None:
    (saved,) = save(storage, card(**PIX, **STRUCK))
    storage.save_enrichments([page(saved.offer_id, 1, old_price_cents=15_000, discount_pct=33)])
    assert terms(storage, saved.offer_id) == (10_000, PriceCondition.PIX, 12_000, None)
    offer = stored(storage, saved.offer_id)
    assert (offer.old_price_cents, offer.discount_pct) == (15_000, 33)


@pytest.mark.parametrize("told", [{"card_price_cents": 9_000}, {"card_price_cents": 10_000}])
def test_a_cards_price_that_is_not_above_the_price_is_none(storage: Storage, told: dict[str, Any]) -> None:
    (saved,) = save(storage, card(**told))
    storage.save_enrichments([page(saved.offer_id, 1, **{**told, "price_cents": None}, discount_kind="payment")])
    assert terms(storage, saved.offer_id) == (10_000, None, None, None)

"""What may be stored: no field goes unchecked."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import pytest
from storage.cases import ALL_FACTS, card, page

from offers_cli.offer import FACTS, DiscountKind, Enrichment, Facts, Offer, PriceCondition
from offers_cli.storage.base import StoredOffer
from offers_cli.storage.validation import (
    FACT_CHECKS,
    OPTIONAL,
    REQUIRED,
    valid_card,
    valid_enrichment,
    whole_enrichment,
)

ID = "00000000-0000-4000-8000-000000000001"
OF_THE_ATTEMPT = {"offer_id", "observed_at", "page_read", "affiliate_checked", "strategies"}
"""Fields of an enrichment that no page fills."""
WRONG: tuple[Any, ...] = (-1, True, "", "\0", 1.5, [], 10**30)


def names(noun: type[Offer | Enrichment | StoredOffer]) -> set[str]:
    return {each.name for each in fields(noun)}


def test_every_field_that_others_write_has_a_check() -> None:
    assert names(Offer) == (REQUIRED.keys() | OPTIONAL.keys()) - {"suspect_old_price_cents"}
    assert names(Enrichment) - OF_THE_ATTEMPT <= REQUIRED.keys() | OPTIONAL.keys()


def test_every_field_that_others_write_is_a_column() -> None:
    assert names(Offer) <= names(StoredOffer)
    assert names(Enrichment) - OF_THE_ATTEMPT <= names(StoredOffer)


@pytest.mark.parametrize("name", sorted(OPTIONAL.keys() & names(Offer)))
def test_an_optional_value_of_a_card_that_is_wrong_is_left_out(name: str) -> None:
    for wrong in WRONG:
        assert getattr(valid_card(card(**{name: wrong})), name) in (None, Facts())


@pytest.mark.parametrize("name", sorted(OPTIONAL.keys() & names(Enrichment)))
def test_an_optional_value_of_a_page_that_is_wrong_is_left_out_unless_somebody_gives_it(name: str) -> None:
    for wrong in WRONG:
        found = page(ID, 1, **{name: wrong})
        assert getattr(valid_enrichment(found), name) in (None, Facts())
        with pytest.raises(ValueError, match=f"{name} cannot be stored"):
            whole_enrichment(found, price_cents=100)


def test_an_old_price_has_to_be_above_the_price() -> None:
    assert valid_card(card(price_cents=100, old_price_cents=100)).old_price_cents is None
    assert valid_card(card(price_cents=100, old_price_cents=101)).old_price_cents == 101
    assert valid_enrichment(page(ID, 1, price_cents=100, old_price_cents=100)).old_price_cents is None
    assert valid_enrichment(page(ID, 1, price_cents=None, old_price_cents=1)).old_price_cents == 1, (
        "above what, is not known here"
    )


def test_a_cards_price_has_to_be_above_the_price_and_a_kind_of_discount_needs_an_old_price() -> None:
    shown: dict[str, Any] = {"price_condition": PriceCondition.PIX, "discount_kind": DiscountKind.PAYMENT}
    for card_price, kept in ((99, None), (100, None), (101, 101)):
        assert valid_card(card(price_cents=100, card_price_cents=card_price, **shown)).card_price_cents == kept
        assert valid_enrichment(page(ID, 1, price_cents=100, card_price_cents=card_price)).card_price_cents == kept
    assert valid_card(card(price_cents=100, **shown)).discount_kind is None
    assert valid_card(card(price_cents=100, old_price_cents=200, **shown)).discount_kind == DiscountKind.PAYMENT
    assert valid_card(card(price_cents=100, price_condition="pix")).price_condition is PriceCondition.PIX


def test_every_fact_has_a_check_and_good_ones_pass() -> None:
    assert FACT_CHECKS.keys() == set(FACTS) == ALL_FACTS.known().keys()
    assert valid_card(card(facts=ALL_FACTS)).facts == ALL_FACTS


WRONG_FACTS: tuple[Any, ...] = (-1, "", "\0", "x" * 301, 1.5, [], 10**30)


@pytest.mark.parametrize("name", FACTS)
def test_a_wrong_fact_is_left_out_alone(name: str) -> None:
    for wrong in WRONG_FACTS:
        told = replace(ALL_FACTS, **{name: wrong})
        assert valid_card(card(facts=told)).facts == replace(ALL_FACTS, **{name: None}), wrong
        assert valid_enrichment(page(ID, 1, facts=told)).facts == replace(ALL_FACTS, **{name: None}), wrong


@pytest.mark.parametrize("moment", ["2026-03-02", "2026-03-02T03:00:00", "0001-01-01T00:00:00+14:00", "tomorrow"])
def test_a_moment_without_its_zone_is_no_end_of_a_badge(moment: str) -> None:
    assert valid_card(card(facts=Facts(badge_until=moment))).facts == Facts()


def test_the_end_of_a_badge_is_kept_in_utc() -> None:
    kept = valid_card(card(facts=Facts(badge_until="2026-03-02T00:00:00-03:00"))).facts
    assert kept.badge_until == "2026-03-02T03:00:00Z"

"""What may be stored: no field goes unchecked."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest
from storage.cases import card, page

from offers_cli.offer import Enrichment, Offer
from offers_cli.storage.base import StoredOffer
from offers_cli.storage.validation import OPTIONAL, REQUIRED, valid_card, valid_enrichment, whole_enrichment

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
        assert getattr(valid_card(card(**{name: wrong})), name) is None


@pytest.mark.parametrize("name", sorted(OPTIONAL.keys() & names(Enrichment)))
def test_an_optional_value_of_a_page_that_is_wrong_is_left_out_unless_somebody_gives_it(name: str) -> None:
    for wrong in WRONG:
        found = page(ID, 1, **{name: wrong})
        assert getattr(valid_enrichment(found), name) is None
        with pytest.raises(ValueError, match=f"{name} cannot be stored"):
            whole_enrichment(found, price_cents=100)


def test_an_old_price_has_to_be_above_the_price() -> None:
    assert valid_card(card(price_cents=100, old_price_cents=100)).old_price_cents is None
    assert valid_card(card(price_cents=100, old_price_cents=101)).old_price_cents == 101
    assert valid_enrichment(page(ID, 1, price_cents=100, old_price_cents=100)).old_price_cents is None
    assert valid_enrichment(page(ID, 1, price_cents=None, old_price_cents=1)).old_price_cents == 1, (
        "above what, is not known here"
    )

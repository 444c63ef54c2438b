"""What is written once: a class name of the site, and a fact that is read from a page or a card."""

from __future__ import annotations

import re
from dataclasses import fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from offers_cli.marketplaces import mercado_livre
from offers_cli.marketplaces.base import ProductReading
from offers_cli.marketplaces.evidence import NO_PRICES, Evidence, ReconciledPrices, build_reading
from offers_cli.marketplaces.mercado_livre.listing_cards import Card, merge, offer_of
from offers_cli.marketplaces.mercado_livre.urls import Identity
from offers_cli.offer import CardValues, DiscountKind, Facts, PageValues, PriceCondition
from offers_cli.services.enrich import to_enrichment

CODE = sorted(Path(mercado_livre.__path__[0]).glob("*.py"))
CLASS_NAME = re.compile(r"(?:andes|ui-pdp|ui-search|ui-vpp|poly-|promotion-item|price-tag|micro-landing)[a-z_-]*")
DOCSTRING = re.compile(r'"""(?:.|\n)*?"""')
WEIGHED = {known.name for known in fields(ReconciledPrices)}
SAMPLES: dict[str, Any] = {
    "int | None": 7,
    "str | None": "https://site.example/a.webp",
    "PriceCondition | None": PriceCondition.PIX,
    "DiscountKind | None": DiscountKind.PAYMENT,
    "Facts": Facts(badge="MAIS VENDIDO", full=True),
}
"""A value of each type that a fact has."""


@pytest.mark.parametrize("file", CODE, ids=lambda file: file.name)
def test_only_the_selectors_name_the_classes_of_the_site(file: Path) -> None:
    """A class that the site renames is mended in one file, for cards and product pages alike."""
    found = CLASS_NAME.findall(DOCSTRING.sub("", file.read_text(encoding="utf-8")))
    assert bool(found) == (file.name == "selectors.py"), found


def read(name: str) -> ProductReading:
    sample = SAMPLES[sample_type(PageValues, name)]
    evidence = Evidence()
    for candidate, value in (sample.known() if isinstance(sample, Facts) else {name: sample}).items():
        evidence.add(candidate, "state", "refused", None, "why")
        evidence.add(candidate, "dom", "first", value)
        evidence.add(candidate, "json_ld", "second", "another")
    return build_reading(evidence, NO_PRICES, marketplace="m", url="u", currency="BRL", external_id="MLB1")


def sample_type(facts: type, name: str) -> str:
    return next(str(known.type) for known in fields(facts) if known.name == name)


@pytest.mark.parametrize("name", [known.name for known in fields(PageValues)])
def test_a_fact_of_a_page_is_carried_from_its_candidates_to_the_storage(name: str) -> None:
    """The most trusted candidate counts, but of prices only what was reconciled; nobody copies it by name."""
    reading = read(name)
    wanted = None if name in WEIGHED else SAMPLES[sample_type(PageValues, name)]
    assert getattr(reading, name) == wanted
    kept = to_enrichment(reading, offer_id="o", observed_at=datetime(2026, 1, 1, tzinfo=UTC))
    assert kept.page_values() == reading.page_values() == {**PageValues().page_values(), name: wanted}


@pytest.mark.parametrize("name", sorted(WEIGHED & {known.name for known in fields(PageValues)}))
def test_what_was_reconciled_is_what_the_reading_says(name: str) -> None:
    values: dict[str, Any] = {name: 5}
    reading = build_reading(
        Evidence(), ReconciledPrices(**values), marketplace="m", url="u", currency="BRL", external_id=None
    )
    assert getattr(reading, name) == 5


@pytest.mark.parametrize("name", [known.name for known in fields(CardValues) if known.name != "discount_kind"])
def test_a_fact_of_a_card_reaches_its_offer_from_state_or_elements(name: str) -> None:
    """What kind a discount is no card says: it follows from its prices."""
    value = SAMPLES[sample_type(CardValues, name)]
    bare = Card(title="Fone", address="", identity=Identity(item_id="MLB1"), currency="BRL", price_cents=5)
    told = replace(bare, **{name: value})
    for card in (told, merge(bare, told), merge(told, bare)):
        assert getattr(offer_of(card, source="ofertas", base_url=None), name) == value

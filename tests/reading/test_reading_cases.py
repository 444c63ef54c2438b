"""Small pages with one trap each, kept outside the repository: every one is read as a human reads it, or refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from reading.captures import REAL_PAGES

from offers_cli.errors import OfferGone, PageError
from offers_cli.marketplaces.base import ProductReading, Reading
from offers_cli.marketplaces.mercado_livre import MercadoLivre
from offers_cli.marketplaces.schema_org import SchemaOrg
from offers_cli.services.pages import first_owner

CASES = REAL_PAGES.parent / "reading-cases"
PRICES = ("price_cents", "old_price_cents", "discount_pct")
NOT_YET: frozenset[str] = frozenset({})
"""Cases that are read wrongly as yet, by the first word of their name; each must really fail."""


def load_cases() -> list[dict[str, Any]]:
    cases = CASES / "cases.json"
    loaded: list[dict[str, Any]] = json.loads(cases.read_text(encoding="utf-8")) if cases.is_file() else []
    return loaded


def read(case: dict[str, Any]) -> Reading | str:
    """What the page is read as; ``gone`` or ``refuse`` where it is refused."""
    text, url = Path(CASES / case["file"]).read_text(encoding="utf-8"), case["url"]
    try:
        return first_owner((MercadoLivre(), SchemaOrg()), url).read(text, url)
    except OfferGone:
        return "gone"
    except PageError:
        return "refuse"


def is_accepted(reading: Reading | str, accepted: dict[str, Any] | str) -> bool:
    if isinstance(reading, str) or isinstance(accepted, str):
        return reading == accepted
    if isinstance(reading, ProductReading):
        wanted: dict[str, Any] = accepted.get("product", {})
        return {name: getattr(reading, name) for name in PRICES} == wanted
    if "listing_currency" in accepted:
        return reading.currency == str(accepted["listing_currency"])
    shown = [{name: getattr(offer, name) for name in PRICES} for offer in reading.offers]
    return sorted(map(str, shown)) == sorted(map(str, accepted.get("listing", [])))


@pytest.mark.skipif(not load_cases(), reason="no reading cases beside the captures")
@pytest.mark.parametrize("case", load_cases(), ids=lambda case: case["case"])
def test_a_page_with_a_trap_is_read_as_a_human_reads_it_or_refused(case: dict[str, Any]) -> None:
    reading = read(case)
    is_right = any(is_accepted(reading, accepted) for accepted in case["accepted"])
    if case["case"].split()[0] in NOT_YET:
        assert not is_right, "read rightly by now: take it from the list"
    else:
        assert is_right, f"read as {reading!r}, accepted are {case['accepted']}"

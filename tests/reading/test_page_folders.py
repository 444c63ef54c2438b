"""Each folder in ``pages/`` is a page and what must be read on it; dropping one in makes a test.

``expected.json``: ``url``; then ``error`` (a failure code) with words of its ``message``, or ``values`` of a product,
or ``offers`` of a listing with the positions of its ``unreadable`` cards and its ``next_page``.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from offers_cli.errors import OfferGone, PageError
from offers_cli.marketplaces.base import ListingReading, ProductReading
from offers_cli.marketplaces.mercado_livre import MercadoLivre

PAGES = Path(__file__).parent / "pages"
FOLDERS = sorted(folder.name for folder in PAGES.iterdir() if (folder / "page.html").is_file())


def load(name: str) -> tuple[str, dict[str, Any]]:
    folder = PAGES / name
    return (folder / "page.html").read_text("utf-8"), json.loads((folder / "expected.json").read_text("utf-8"))


def assert_values(reading: ProductReading, wanted: dict[str, Any]) -> None:
    told = {name: getattr(reading, name) for name in wanted}
    told["flags"] = list(reading.flags)
    assert told == {"flags": [], **wanted}


def assert_listing(reading: ListingReading, expected: dict[str, Any]) -> None:
    wanted = expected["offers"]
    told = [{name: getattr(offer, name) for name in card} for offer, card in zip(reading.offers, wanted, strict=False)]
    assert [card | ({"facts": card["facts"].known()} if "facts" in card else {}) for card in told] == wanted
    assert len(reading.offers) == len(wanted)
    assert [position for position, _ in reading.unreadable] == expected.get("unreadable", [])
    for name in ("next_page", "strategy", "currency"):
        if name in expected:
            assert getattr(reading, name) == expected[name]


@pytest.mark.parametrize("name", FOLDERS)
def test_a_page_gives_what_its_folder_says(name: str, market: MercadoLivre) -> None:
    html, expected = load(name)
    if "error" in expected:
        with pytest.raises(PageError) as caught:
            market.read(html, expected["url"])
        assert caught.value.code == expected["error"]
        assert all(word in caught.value.message for word in expected.get("message", []))
        if isinstance(caught.value, OfferGone) and "values" in expected:
            assert_values(caught.value.reading, expected["values"])
    elif "values" in expected:
        assert_values(market.read_product(html, expected["url"]), expected["values"])
    else:
        reading = market.read(html, expected["url"])
        assert isinstance(reading, ListingReading)
        assert_listing(reading, expected)

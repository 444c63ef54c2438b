"""The hub page by page: state first, then its own call, each offer once; withheld is never empty."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest
from reading.captures import real_pages_folder

from offers_cli.affiliate.account import Account
from offers_cli.affiliate.hub import HubFilter, read_hub, search_body
from offers_cli.errors import PageChanged, SessionExpired
from offers_cli.fetch.response import Page
from offers_cli.marketplaces.base import ListingReading
from offers_cli.marketplaces.mercado_livre import MercadoLivre

URL = "https://www.mercadolivre.com.br/afiliados/hub"


def card(number: int, chip: dict[str, Any] | None = None) -> dict[str, Any]:
    price = {"current_price": {"value": 10.5, "currency": "BRL"}}
    return {
        "metadata": {"id": f"MLB{number}", "url": f"www.mercadolivre.com.br/p/MLB9{number}"},
        "components": [
            {"type": "title", "id": "title", "title": {"text": f"Produto {number}"}},
            {"type": "price", "id": "price", "price": price},
            {"type": "chip", "id": "affiliates_commission_chip", "chip": chip or {"label": {"text": "GANHOS 12%"}}},
        ],
    }


def hub_page(cards: list[dict[str, Any]], **state: Any) -> str:
    brick = {"id": "recommendations_card", "data": {"recommendations": {"polycards": cards}}}
    data = json.dumps({"pageState": {"bricks": [{"id": "main", "bricks": [brick]}], **state}})
    return f'<html><script type="application/json" id="__PRELOADED_STATE__">{data}</script></html>'


class AccountPages(Account):
    """Plays the account: one page, then the cards from each offset; remembers the bodies."""

    def __init__(self, text: str, cards: list[dict[str, Any]], *, size: int = 18) -> None:
        self.text, self.cards, self.size = text, cards, size
        self.bodies: list[Any] = []

    def open_page(self, path: str) -> Page:
        at = datetime(2026, 11, 23, tzinfo=UTC)
        return Page(url=path, final_url=URL, status=200, body=self.text.encode(), encoding="utf-8", fetched_at=at)

    def call(self, path: str, body: Any) -> Any:
        assert path.startswith("/affiliate-program/api/hub/search?")
        self.bodies.append(body)
        return {"polycard_client_model": {"polycards": self.cards[body["offset"] :][: self.size]}, "filters": []}


def readings(account: AccountPages, wanted: HubFilter | None = None) -> Iterator[ListingReading]:
    def at_once(ask: Callable[[], Any]) -> Any:
        return ask()

    read_listing = partial(MercadoLivre().read_listing, source="hub")
    return read_hub(account, read_listing, wanted or HubFilter(), patiently=at_once)


def ids(account: AccountPages, wanted: HubFilter | None = None) -> list[list[str]]:
    return [[offer.external_id for offer in reading.offers] for reading in readings(account, wanted)]


def test_first_cards_from_the_page_then_by_offset_until_nothing_comes() -> None:
    cards = [card(n) for n in range(60)]
    account = AccountPages(hub_page(cards[:24]), cards)
    pages = ids(account)
    assert [len(page) for page in pages] == [24, 18, 18]
    assert [id_ for page in pages for id_ in page] == [f"MLB{n}" for n in range(60)]
    assert [body["offset"] for body in account.bodies] == [24, 42, 60]


def test_the_same_offer_in_two_pages_counts_once_and_a_loop_ends() -> None:
    cards = [card(n) for n in range(30)]
    account = AccountPages(hub_page(cards[:24]), cards[:6] * 100)
    assert [len(page) for page in ids(account)] == [24]
    overlapping = AccountPages(hub_page(cards[:24]), cards[:24] + cards[20:30])
    assert [len(page) for page in ids(overlapping)] == [24, 6]


def test_filters_begin_with_the_call_for_the_page_s_own_cards_are_unfiltered() -> None:
    cards = [card(n) for n in range(5)]
    account = AccountPages(hub_page([card(n) for n in range(100, 124)]), cards)
    wanted = HubFilter(category="MLB1574", extra_commission=True, best_seller=True)
    assert ids(account, wanted) == [[f"MLB{n}" for n in range(5)]]
    assert account.bodies[0]["filters"] == [
        {"id": "category", "value": "MLB1574"},
        {"id": "extra_commission", "value": True},
        {"id": "best_seller", "value": True},
    ]
    assert search_body(HubFilter(), offset=7) == {"search": "", "sort": "relevance", "filters": [], "offset": 7}


@pytest.mark.parametrize(
    ("chip", "commission"),
    [
        ({"label": {"text": "GANHOS 12%"}}, 12),
        ({"pill": {"text": "GANHOS {extra}"}, "label": {"text": "24%"}}, 24),
        ({"pill": {"text": "GANHOS 9%"}}, 9),
        ({"pill": {"text": "GANHOS EXTRAS 62%"}}, 62),
        ({"pill": {"text": "GANHOS"}}, None),
    ],
)
def test_the_commission_in_all_its_shapes(chip: dict[str, Any], commission: int | None) -> None:
    reading = next(readings(AccountPages(hub_page([card(1, chip)]), [])))
    assert [offer.commission_pct for offer in reading.offers] == [commission]


def test_a_restricted_account_is_told_and_never_empty() -> None:
    with pytest.raises(SessionExpired, match="KYC"):
        ids(AccountPages(hub_page([], restrictionType="KYC"), []))
    with pytest.raises(SessionExpired, match="KYC"):
        ids(AccountPages('<script id="__PRELOADED_STATE__">{"pageState": {"restrictionType": "KYC"}}</script>', []))


@pytest.mark.parametrize("page", [hub_page([]), "<html><h1>Central de afiliados</h1></html>"])
def test_a_hub_without_cards_has_changed(page: str) -> None:
    with pytest.raises(PageChanged):
        ids(AccountPages(page, []))


def test_a_restriction_that_still_shows_cards_is_no_reason_to_stop() -> None:
    assert ids(AccountPages(hub_page([card(1)], restrictionType="soft"), [card(1)])) == [["MLB1"]]


def test_the_real_hub_is_read_in_full_and_its_commissions_are_right() -> None:
    folder = real_pages_folder()
    if folder is None:
        pytest.skip("no captures: set OFFERS_REAL_PAGES to their folder")
    brick = json.loads((folder / "listing/mlb_hub_recommendations_2026-01.json").read_text())
    cards = brick["recommendations"]["polycards"]
    account = AccountPages(hub_page(cards), cards)
    offers = [offer for reading in readings(account) for offer in reading.offers]
    assert [offer.external_id for offer in offers] == [each["metadata"]["id"] for each in cards]
    assert len(offers) == 24
    assert {offer.old_price_cents for offer in offers} == {None}
    assert [f"{offer.commission_pct}%" for offer in offers] == [_shown_commission(each) for each in cards]


def _shown_commission(each: dict[str, Any]) -> str:
    """The last word with a percent sign in a card's chip, found without the project's reader."""
    chip = next(part["chip"] for part in each["components"] if part.get("id") == "affiliates_commission_chip")
    words = json.dumps(chip, ensure_ascii=False).replace('"', " ").split()
    return next(word for word in words if word.endswith("%"))

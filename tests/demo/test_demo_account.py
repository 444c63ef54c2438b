"""The affiliate's account: login, hub, CSRF, links, refusals, expiry."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from demo.shop_client import Client, Got
from shop import Shop

from offers_cli.demo.catalogue import Catalogue

SEARCH = "/affiliate-program/api/hub/search?is_affiliate=true&device=desktop"
CREATE = "/affiliate-program/api/v2/affiliates/createLink"
SHARE = "/affiliate-program/api/v2/stripe/user/links"


class Affiliate:
    """A logged-in browser: keeps its cookies and the token of the last page."""

    def __init__(self, shop: Shop, client: Client) -> None:
        self._client = client
        self.cookies = shop.log_in()
        self.token = ""

    def get(self, path: str) -> Got:
        page = self._client.get(path, cookie=self._cookie())
        if found := re.search(r"_csrf=([^;]+)", page.headers.get("set-cookie", "")):
            self.cookies["_csrf"] = found[1]
        if found := re.search(r'name="csrf-token" content="([^"]+)"', page.text):
            self.token = found[1]
        return page

    def post(self, path: str, data: Any) -> Got:
        return self._client.post(path, data, cookie=self._cookie(), x_csrf_token=self.token)

    def post_raw(self, path: str, data: bytes) -> Got:
        return self._client.get(path, "POST", raw=data, cookie=self._cookie(), x_csrf_token=self.token)

    def _cookie(self) -> str:
        return "; ".join(f"{name}={value}" for name, value in self.cookies.items())


@pytest.fixture
def shop() -> Iterator[Shop]:
    with Shop(Catalogue(60, behaviours=()), csrf_uses=4) as running:
        yield running


@pytest.fixture
def affiliate(shop: Shop, client: Client) -> Affiliate:
    return Affiliate(shop, client)


def ids(cards: list[Any]) -> list[str]:
    return [card["metadata"]["id"] for card in cards]


def commission(card: Any) -> int:
    chip = next(c["chip"] for c in card["components"] if c["id"] == "affiliates_commission_chip")
    texts = [chip.get(part, {}).get("text", "") for part in ("label", "pill")]
    return next(int(found[1]) for text in texts if (found := re.search(r"(\d+)%", text)))


def test_the_hub_sends_strangers_to_the_login(shop: Shop, client: Client) -> None:
    answer = client.get("/afiliados/hub", cookie="ssid=forged")
    assert answer.status == 302
    assert answer.headers["location"].startswith(f"{shop.url}/jms/mlb/lgz/msl/login?")
    assert client.get(answer.headers["location"]).status == 200


def test_the_hub_s_cards_come_from_its_state_and_then_by_offset(shop: Shop, affiliate: Affiliate) -> None:
    state = affiliate.get("/afiliados/hub").state
    assert state["pageSettings"]["csrfToken"] == affiliate.token
    brick = state["pageState"]["bricks"][1]["bricks"][0]
    assert brick["id"] == "recommendations_card"
    cards = brick["data"]["recommendations"]["polycards"]
    assert len(cards) == 24
    while more := affiliate.post(SEARCH, {"offset": len(cards)}).json()["polycard_client_model"]["polycards"]:
        cards += more
    assert ids(cards) == [o.item_id for o in shop.offers]
    assert [commission(card) for card in cards] == [o.commission_pct for o in shop.offers]
    assert "previous_price" not in json.dumps(cards)


def test_the_hub_filters(shop: Shop, affiliate: Affiliate) -> None:
    affiliate.get("/afiliados/hub")
    answer = affiliate.post(SEARCH, {"filters": [{"id": "extra_commission", "value": True}], "offset": 0})
    cards = answer.json()["polycard_client_model"]["polycards"]
    assert ids(cards) == [o.item_id for o in shop.offers if o.extra_commission][:18]
    assert {card["metadata"]["extra_commission"] for card in cards} == {"true"}


def test_a_csrf_token_needs_its_own_cookie_and_wears_out(shop: Shop, affiliate: Affiliate) -> None:
    assert affiliate.post(SEARCH, {}).status == 403
    affiliate.get("/afiliados/linkbuilder")
    assert [affiliate.post(SEARCH, {}).status for _ in range(5)] == [200] * 4 + [403]
    assert affiliate.post(SEARCH, {}).json()["code"] == "EBADCSRFTOKEN"
    affiliate.get("/afiliados/linkbuilder")
    assert affiliate.post(SEARCH, {}).status == 200
    shop.rotate_csrf()
    assert affiliate.post(SEARCH, {}).status == 403
    affiliate.get("/afiliados/linkbuilder")
    affiliate.cookies["_csrf"] = "another"
    assert affiliate.post(SEARCH, {}).status == 403


def test_links_are_made_in_batches_with_refusals_of_single_items(shop: Shop, affiliate: Affiliate) -> None:
    affiliate.get("/afiliados/linkbuilder")
    urls = [shop.url + o.path for o in shop.offers[:48]] + ["https://exemplo.invalid/p/MLB1", f"{shop.url}/ofertas"]
    answer = affiliate.post(CREATE, {"urls": urls, "tag": "demonstracao"}).json()
    by_url = {item["origin_url"]: item for item in answer["urls"]}
    assert set(by_url) == set(urls)
    assert [item["origin_url"] for item in answer["urls"]] != urls
    for offer in shop.offers[:48]:
        item = by_url[shop.url + offer.path]
        assert item.get("error_code") == offer.link_refusal_code
        assert ("short_url" in item) == item["created"] == (offer.link_refusal_code is None)
        if item["created"]:
            assert "matt_word=demonstracao&" in item["long_url"]
            assert re.search(r": [A-Z0-9]{6}-[A-Z0-9]{4}$", item["text"])
    assert [by_url[url]["error_code"] for url in urls[48:]] == [100, 110]
    refused = sum(o.link_refusal_code is not None for o in shop.offers[:48]) + 2
    assert (answer["total_error"], answer["total_success"]) == (refused, 50 - refused)
    assert refused > 2


def test_asked_twice_the_link_is_the_same_and_leads_to_its_label(
    shop: Shop, client: Client, affiliate: Affiliate
) -> None:
    affiliate.get("/afiliados/linkbuilder")
    offer = next(o for o in shop.offers if o.link_refusal_code is None)
    order = {"urls": [shop.url + offer.path], "tag": "demonstracao"}
    first, second = (affiliate.post(CREATE, order).json()["urls"][0] for _ in range(2))
    assert first == second
    assert client.get(first["short_url"]).headers["location"] == first["long_url"]
    shop.relabel_links("alheio")
    assert "matt_word=alheio&" in client.get(first["short_url"]).headers["location"]


def test_an_unknown_label_refuses_every_item(shop: Shop, affiliate: Affiliate) -> None:
    affiliate.get("/afiliados/linkbuilder")
    answer = affiliate.post(CREATE, {"urls": [shop.url + o.path for o in shop.offers[:3]], "tag": "outra"}).json()
    assert {item["error_code"] for item in answer["urls"]} == {1010}


def test_the_toolbar_answers_in_base64(shop: Shop, affiliate: Affiliate) -> None:
    affiliate.get("/afiliados/linkbuilder")
    offer = next(o for o in shop.offers if o.link_refusal_code is None)
    answer = affiliate.post(SHARE, {"url": shop.url + offer.path, "tag": "demonstracao"})
    assert json.loads(base64.b64decode(answer.body))["short_url"].startswith(f"{shop.url}/sec/")


def test_a_session_expires_in_the_middle_and_a_new_login_mends_it(
    shop: Shop, client: Client, affiliate: Affiliate
) -> None:
    affiliate.get("/afiliados/hub")
    shop.expire_session(after_requests=2)
    assert [affiliate.post(SEARCH, {}).status for _ in range(4)] == [200, 200, 401, 401]
    assert client.get(shop.offers[0].path).status == 200
    again = Affiliate(shop, client)
    assert again.get("/afiliados/hub").status == 200
    shop.expire_session()
    assert again.get("/afiliados/hub").status == 302


def test_the_account_alone_can_be_rate_limited(shop: Shop, client: Client, affiliate: Affiliate) -> None:
    affiliate.get("/afiliados/hub")
    shop.fail(429, retry_after=2, times=1, below="/affiliate-program/")
    assert client.get("/ofertas").status == 200
    limited = affiliate.post(SEARCH, {})
    assert (limited.status, limited.headers["retry-after"]) == (429, "2")
    assert affiliate.post(SEARCH, {}).status == 200


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (SEARCH, {"offset": -1}),
        (SEARCH, {"filters": 7}),
        (SEARCH, []),
        (CREATE, {}),
        (CREATE, {"urls": [], "tag": "demonstracao"}),
        (CREATE, {"urls": [7], "tag": "demonstracao"}),
        (CREATE, {"urls": ["x"] * 51, "tag": "demonstracao"}),
    ],
)
def test_nonsense_is_a_bad_request(affiliate: Affiliate, path: str, body: Any) -> None:
    affiliate.get("/afiliados/hub")
    assert affiliate.post(path, body).status == 400


def test_odd_addresses_and_labels_are_refused_harmlessly(shop: Shop, affiliate: Affiliate) -> None:
    affiliate.get("/afiliados/hub")
    urls = ["", "http://[", shop.url + "0/p/MLB40000007", "javascript:alert(1)", "\ud800"]
    items = affiliate.post(CREATE, {"urls": urls, "tag": "demonstracao"}).json()["urls"]
    assert {item["error_code"] for item in items} == {100}
    assert affiliate.post(SHARE, {"url": None, "tag": 5}).status == 200
    nested: Any = []
    for _ in range(900):
        nested = [nested]
    assert affiliate.post(SEARCH, {"filters": nested}).status == 200
    assert affiliate.post_raw(SEARCH, b"[" * 100_000).status == 400


def test_session_secrets_never_repeat(shop: Shop) -> None:
    assert len({shop.log_in()["ssid"] for _ in range(50)}) == 50

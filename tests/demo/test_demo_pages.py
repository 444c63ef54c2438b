"""The shop's pages hold what the catalogue says, read here by plain text search and JSON."""

from __future__ import annotations

import re
from html import unescape

from demo.shop_client import Client
from shop import Shop
from shop.truth import failure_code

from offers_cli.demo.catalogue import Behaviour, CatalogueOffer, PageShape, UrlKind


def readable(shop: Shop) -> list[CatalogueOffer]:
    return [o for o in shop.offers if o.behaviour in {Behaviour.NORMAL, Behaviour.SLOW}]


def cents_of(node: str) -> int:
    """Fraction and cents of one amount's markup."""
    fraction = re.search(r'__fraction"[^>]*>([\d.]+)<', node)
    cents = re.search(r'__cents[^"]*"[^>]*>(\d\d)<', node)
    assert fraction
    return int(fraction[1].replace(".", "")) * 100 + (int(cents[1]) if cents else 0)


def own_block(html: str) -> str:
    blocks = re.findall(r'<div class="ui-pdp-price [^"]*--size-large">.*?</a></div>', html)
    assert len(blocks) == 1
    return str(blocks[0])


def own_amount(block: str) -> str:
    return block[block.index("__second-line") : block.index("__subtitles")]


def test_every_product_page_shows_its_own_prices_in_one_block(shop: Shop, client: Client) -> None:
    for offer in readable(shop):
        block = own_block(client.get(offer.path).text)
        meta = re.findall(r'itemprop="price" content="([\d.]+)"', block)
        assert [round(float(m) * 100) for m in meta] == [offer.page.price_cents]
        old = re.findall(r"<s .*?</s>", block)
        assert [cents_of(node) for node in old] == ([offer.page.old_price_cents] if offer.page.old_price_cents else [])
        assert cents_of(own_amount(block)) == offer.page.price_cents
        assert re.findall(r"(\d+)% OFF", block) == ([str(offer.page.label_pct)] if offer.page.label_pct else [])


def test_every_product_page_has_its_title_ids_and_json_ld(shop: Shop, client: Client) -> None:
    for offer in readable(shop):
        page = client.get(offer.path)
        heading = re.search(r'<h1 class="ui-pdp-title">(.*?)</h1>', page.text)
        assert heading
        assert unescape(heading[1]) == offer.title
        assert re.findall(r'name="item_id" value="(\w+)"', page.text)[0] == offer.item_id
        product = page.json_ld[0]
        assert (product["name"], product["sku"]) == (offer.title, offer.page_id)
        assert round(product["offers"]["price"] * 100) == offer.page.price_cents
        assert product["offers"]["availability"].endswith("/InStock")


def test_state_agrees_with_the_catalogue_where_there_is_one(shop: Shop, client: Client) -> None:
    for offer in readable(shop):
        state = client.get(offer.path).state
        if offer.shape is PageShape.BOT_2026:
            assert set(state) == {"flags", "framework"}
            continue
        root = state if offer.shape is PageShape.STATE_2024 else state["appProps"]["pageProps"]
        initial = root["initialState"]
        price = initial["components"]["price"]
        assert initial["id"] == offer.page_id
        assert initial["app"] == {"catalogue": "pdp", "item": "vip", "user_product": "upp"}[offer.url_kind]
        assert round(price["price"]["value"] * 100) == offer.page.price_cents
        assert round(price["price"].get("original_value", 0) * 100) == (offer.page.old_price_cents or 0)
        assert price.get("discount_label", {}).get("value") == offer.page.label_pct
        assert initial["components"]["header"]["title"] == offer.title


def test_decoys_stand_before_the_own_price_and_other_sellers_after_it(shop: Shop, client: Client) -> None:
    for offer in readable(shop):
        html = client.get(offer.path).text
        own = html.index("--size-large")
        assert 0 < html.index('<s class="andes-money-amount') < own
        if offer.url_kind is not UrlKind.ITEM:
            assert html.index("ui-pdp-other-sellers-item") > own


def test_out_of_stock_pages_cost_nothing_and_say_so(shop: Shop, client: Client) -> None:
    gone = [o for o in shop.offers if o.behaviour is Behaviour.OUT_OF_STOCK]
    assert len(gone) == 2
    for offer in gone:
        page = client.get(offer.path)
        assert page.status == 200
        assert page.json_ld[0]["offers"]["price"] == 0
        assert page.json_ld[0]["offers"]["availability"].endswith("/OutOfStock")
        assert "--size-large" not in page.text
        assert "itemprop" not in page.text
        assert re.search("está indisponível|Anúncio pausado", page.text)
        assert failure_code(offer) == "offer_gone"


def test_a_broken_page_is_a_product_page_with_others_prices_only(shop: Shop, client: Client) -> None:
    offer = next(o for o in shop.offers if o.behaviour is Behaviour.BROKEN)
    page = client.get(offer.path)
    assert "price" not in page.json_ld[0]["offers"]
    assert "--size-large" not in page.text
    assert "andes-money-amount__fraction" in page.text
    assert failure_code(offer) == "page_changed"


def test_ids_find_the_same_page_by_every_address(shop: Shop, client: Client) -> None:
    offer = next(o for o in readable(shop) if o.catalogue_id)
    pages = {
        client.get(path).text
        for path in (
            offer.path,
            f"/p/{offer.catalogue_id}",
            f"/outro-nome/up/{offer.user_product_id}",
            f"/MLB-{offer.item_id[3:]}",
            f"/MLB-{offer.item_id[3:]}-qualquer-_JM?searchVariation=1",
        )
    }
    assert len(pages) == 1
    assert client.get("/p/MLB999").status == 404


def test_a_redesign_hides_every_price_until_undone(shop: Shop, client: Client) -> None:
    before = {path: client.get(path).text for path in (*(o.path for o in readable(shop)), "/ofertas", "/fone")}
    shop.rename_price_classes()
    for path in before:
        page = client.get(path)
        assert not re.search(
            r'andes-money|"price"|_price"|original_value|itemprop|localItemPrice|aria-label', page.text
        )
        assert len(re.findall("<title>", page.text)) == 1
    shop.rename_price_classes(renamed=False)
    assert {path: client.get(path).text for path in before} == before


def test_a_changed_price_shows_on_its_page_and_in_listings(shop: Shop, client: Client) -> None:
    offer = readable(shop)[0]
    shop.change_price(offer.external_id, 123)
    assert 'content="1.23"' in own_block(client.get(offer.path).text)
    assert '"value":1.23' in client.get("/ofertas").text
    shop.change_price(offer.external_id, 456, listed=False)
    assert 'content="4.56"' in own_block(client.get(offer.path).text)
    assert '"value":1.23' in client.get("/ofertas").text


def test_page_weight_is_adjustable_and_hides_no_own_price(shop: Shop) -> None:
    with Shop(shop.catalogue, page_bytes=650_000) as heavy:
        client = Client(heavy.url)
        offer = readable(shop)[0]
        plain, zipped = client.get(offer.path), client.get(offer.path, accept_encoding="gzip, deflate")
        client.close()
    assert 650_000 <= len(plain.body) < 720_000
    assert zipped.text == plain.text
    assert len(zipped.body) < len(plain.body) / 3
    assert cents_of(own_amount(own_block(plain.text))) == offer.page.price_cents

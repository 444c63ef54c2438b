"""A page that has changed still shows what was found on it."""

from __future__ import annotations

import pytest

from offers_cli.errors import PageChanged
from offers_cli.marketplaces.mercado_livre import MercadoLivre
from offers_cli.marketplaces.mercado_livre.urls import canonical
from offers_cli.marketplaces.schema_org import SchemaOrg

URL = "https://www.mercadolivre.com.br/fone/p/MLB21833771"
DISAGREEING = """<html><head><script type="application/ld+json">{"@type":"Product","name":"Fone","sku":"MLB21833771",
"offers":{"@type":"Offer","price":99.9,"priceCurrency":"BRL","availability":"https://schema.org/InStock"}}</script>
</head><body><h1 class="ui-pdp-title">Fone</h1><div class="ui-pdp-price ui-pdp-price--size-large">
<span class="andes-money-amount"><meta itemprop="price" content="189.90">
<span class="andes-money-amount__fraction">189</span><span class="andes-money-amount__cents">90</span></span></div>
</body></html>"""


def test_prices_that_disagree_are_refused_and_shown() -> None:
    with pytest.raises(PageChanged) as caught:
        MercadoLivre().read_product(DISAGREEING, URL)
    reading = caught.value.reading
    assert reading.price_cents is None
    found = {candidate.strategy: candidate.value for candidate in reading.candidates["price_cents"]}
    assert (found["dom"], found["json_ld"]) == (18990, 9990)
    assert reading.title == "Fone"


@pytest.mark.parametrize("odd", [("99.00", "EUR"), ("19.99", "USD")], ids=["another price", "another currency"])
def test_any_shops_prices_that_disagree_are_refused_and_shown(odd: tuple[str, str]) -> None:
    amount, currency = odd
    html = f"""<html><head><meta property="product:price:amount" content="{amount}">
    <meta property="product:price:currency" content="{currency}"><script type="application/ld+json">{{"@type":"Product",
    "name":"Lamp","offers":{{"@type":"Offer","price":"19.99","priceCurrency":"EUR"}}}}</script></head></html>"""
    with pytest.raises(PageChanged) as caught:
        SchemaOrg().read_product(html, "https://shop.example/lamp")
    reading = caught.value.reading
    assert (reading.price_cents, reading.title) == (None, "Lamp")
    assert [candidate.strategy for candidate in reading.candidates["price_cents"]] == ["json_ld", "open_graph"]


def test_addresses_are_ascii_without_being_encoded_twice() -> None:
    odd = "https://produto.mercadolivre.com.br/MLB-1234567890-calça-é um%20só-_JM?x=1#y"
    clean = canonical(odd)
    assert clean == "https://produto.mercadolivre.com.br/MLB-1234567890-cal%C3%A7a-%C3%A9%20um%20s%C3%B3-_JM"
    assert canonical(clean) == clean

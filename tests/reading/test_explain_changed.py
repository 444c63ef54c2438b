"""A page that has changed still shows what was found on it."""

from __future__ import annotations

import pytest

from offers_cli.errors import PageChanged
from offers_cli.marketplaces.mercado_livre import MercadoLivre
from offers_cli.marketplaces.mercado_livre.urls import canonical

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


def test_addresses_are_ascii_without_being_encoded_twice() -> None:
    odd = "https://produto.mercadolivre.com.br/MLB-1234567890-calça-é um%20só-_JM?x=1#y"
    clean = canonical(odd)
    assert clean == "https://produto.mercadolivre.com.br/MLB-1234567890-cal%C3%A7a-%C3%A9%20um%20s%C3%B3-_JM"
    assert canonical(clean) == clean

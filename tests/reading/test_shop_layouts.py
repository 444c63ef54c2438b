"""Product pages as the common shop systems lay them out, with all that stands around the price, are read whole."""

from __future__ import annotations

import json
from typing import Any

import pytest

from offers_cli.marketplaces.base import ProductReading
from offers_cli.marketplaces.schema_org import SchemaOrg
from offers_cli.offer import PriceCondition

URL = "https://loja.example/produtos/cafeteira/"
SHOP = SchemaOrg()


def linked(node: dict[str, Any]) -> str:
    return f'<script type="application/ld+json">{json.dumps({"@context": "https://schema.org/", **node})}</script>'


def offer(price: object, **more: Any) -> dict[str, Any]:
    return {
        "@type": "Offer",
        "price": price,
        "priceCurrency": "BRL",
        "availability": "http://schema.org/InStock",
        **more,
    }


BANNER = '<header><p>FRETE GRÁTIS acima de R$ 299</p><a href="/carrinho">R$ 0,00</a></header>'
BENEFITS = (
    "<p>Ganhe R$ 20,00 de cashback</p><p>Parcela mínima de R$ 50,00</p><p>5% de desconto no Pix</p>"
    "<p>Cupom BEMVINDO: R$ 15,00 OFF</p>"
)
RELATED = (
    '<section class="product-related"><h2>Quem viu, viu também</h2><div class="item"><a href="/p/2">Moedor</a>'
    "<s>R$ 999,00</s><span>R$ 12,34</span></div></section><footer>R$ 1,00</footer>"
)

NUVEMSHOP = f"""{BANNER}<h1 class="js-product-name">Cafeteira</h1>
<div class="price-container"><span id="compare_price_display" class="price-compare">R$ 250,00</span>
<span id="price_display" class="js-price-display" content="200">R$ 200,00</span></div>
<div class="discount-container">R$ 190,00 com <strong>Pix</strong></div>
<div class="max-installments"><span>10</span> x de <span>R$ 20,00</span> sem juros</div>{BENEFITS}{RELATED}"""
NUVEMSHOP_DATA = {
    "@type": "Product",
    "mainEntityOfPage": {"@type": "WebPage", "@id": URL},
    "name": "Cafeteira",
    "offers": offer("200", url=URL),
}

SHOPIFY = f"""{BANNER}<div class="product__title"><h1>Cafeteira</h1></div>
<div class="price price--on-sale"><div class="price__container">
<div class="price__regular">
<span class="visually-hidden">Preço normal</span><span class="price-item price-item--regular">R$ 200,00</span></div>
<div class="price__sale"><span class="visually-hidden">Preço normal</span>
<span><s class="price-item">R$ 250,00</s></span>
<span class="visually-hidden">Preço promocional</span><span class="price-item--last">R$ 200,00</span></div>
</div></div>{BENEFITS}{RELATED}"""
SHOPIFY_DATA = {
    "@type": "ProductGroup",
    "name": "Cafeteira",
    "url": URL,
    "hasVariant": [
        {"@type": "Product", "name": f"Cafeteira - {colour}", "offers": offer("200.00", url=f"{URL}?variant={n}")}
        for n, colour in enumerate(("Azul", "Preta"))
    ],
}

WOOCOMMERCE = f"""{BANNER}<h1 class="product_title entry-title">Cafeteira</h1><p class="price"><del aria-hidden="true">
<span class="woocommerce-Price-amount amount"><bdi><span>&#82;&#36;</span>&nbsp;250,00</bdi></span></del>
<span class="screen-reader-text">O preço original era: &#82;&#36;&nbsp;250,00.</span>
<ins><span class="amount"><bdi><span>&#82;&#36;</span>&nbsp;200,00</bdi></span></ins></p>{BENEFITS}{RELATED}"""
WOOCOMMERCE_DATA = {
    "@graph": [
        {"@type": "BreadcrumbList", "itemListElement": []},
        {
            "@type": "Product",
            "name": "Cafeteira",
            "url": URL,
            "offers": [
                {
                    "@type": "Offer",
                    "priceSpecification": [
                        {"@type": "UnitPriceSpecification", "price": "200.00", "priceCurrency": "BRL"},
                        {
                            "@type": "UnitPriceSpecification",
                            "price": "250.00",
                            "priceCurrency": "BRL",
                            "priceType": "https://schema.org/ListPrice",
                        },
                    ],
                    "availability": "https://schema.org/InStock",
                }
            ],
        },
    ]
}

VTEX_AMOUNT = "".join(f"<span>{part}</span>" for part in ("R$", "&nbsp;", "1", ".", "{}", ",", "00"))
VTEX = f"""{BANNER}<h1><span class="vtex-store-components-3-x-productBrand">Cafeteira</span></h1>
<span class="vtex-product-price-1-x-listPrice"><span class="strike">{VTEX_AMOUNT.format(250)}</span></span>
<span class="vtex-product-price-1-x-sellingPrice">{VTEX_AMOUNT.format("000")}</span>
<span class="installments">10x de R$ 100,00 sem juros</span>{BENEFITS}{RELATED}"""
VTEX_DATA = {
    "@type": "Product",
    "@id": URL,
    "name": "Cafeteira",
    "offers": {
        "@type": "AggregateOffer",
        "lowPrice": 1000,
        "highPrice": 1000,
        "priceCurrency": "BRL",
        "offers": [offer(1000, sku="1"), offer(1000, sku="2", availability="http://schema.org/OutOfStock")],
        "offerCount": 2,
    },
}

KABUM = f"""{BANNER}<main><h1>Cafeteira</h1><div id="blocoValores"><span class="oldPrice">R$ 1.250,00</span>
<h4 class="finalPrice">R$ 1.000,00</h4><span>À vista no PIX com <b>10% de desconto</b></span>
<b class="regularPrice">R$ 1.111,11</b><span class="cardParcels">Em até <b>10x de R$ 111,11</b> sem juros</span></div>
{BENEFITS}</main>{RELATED}"""
KABUM_DATA = {"@type": "Product", "name": "Cafeteira", "offers": offer(1000.0)}

TRAY = """<div itemscope itemtype="http://schema.org/Product"><h1>Cafeteira</h1><meta itemprop="sku" content="113">
<ul itemprop="review" itemscope itemtype="http://schema.org/Review"><li itemprop="name">5</li></ul>
<div itemprop="offers" itemscope itemtype="http://schema.org/Offer" style="display:none">
<span itemprop="priceCurrency">BRL</span><span itemprop="price">200</span>
<link itemprop="availability" href="http://schema.org/InStock"></div></div>
<div class="preco-de">de R$ 250,00</div><div class="preco-por">por <strong>R$ <span>200,00</span></strong></div>
<span>ou 10x de R$ 20,00 sem juros</span>"""

MAGENTO = """<h1><span itemprop="name">Cafeteira</span></h1><div class="price-box price-final_price">
<span class="special-price"><span class="price-label">Preço especial</span><span class="price-wrapper">
<span class="price">R$200,00</span></span></span><span class="old-price"><span class="price-label">Preço normal</span>
<span class="price">R$250,00</span></span></div>"""
MAGENTO_DATA = {"@type": "Product", "name": "Cafeteira", "offers": offer("200.00")}

ONE = (20000, 25000)
THOUSAND = (100000, 125000)


@pytest.mark.parametrize(
    ("body", "data", "prices", "condition"),
    [
        (NUVEMSHOP, NUVEMSHOP_DATA, ONE, None),
        (SHOPIFY, SHOPIFY_DATA, ONE, None),
        (WOOCOMMERCE, WOOCOMMERCE_DATA, ONE, None),
        (VTEX, VTEX_DATA, THOUSAND, None),
        (KABUM, KABUM_DATA, THOUSAND, PriceCondition.PIX),
        (TRAY, None, ONE, None),
        (MAGENTO, MAGENTO_DATA, ONE, None),
    ],
    ids=["nuvemshop", "shopify", "woocommerce", "vtex", "kabum", "tray", "magento"],
)
def test_a_common_layout_is_read_whole(
    body: str, data: dict[str, Any] | None, prices: tuple[int, int], condition: PriceCondition | None
) -> None:
    html = f"<html><head>{linked(data) if data else ''}</head><body class='template-product'>{body}</body></html>"
    reading = SHOP.read(html, URL)
    assert isinstance(reading, ProductReading)
    assert (reading.price_cents, reading.old_price_cents) == prices
    assert (reading.title, reading.currency, reading.price_condition) == ("Cafeteira", "BRL", condition)
    without = SHOP.read(html.replace(" class=", " data-x="), URL)
    assert isinstance(without, ProductReading)
    assert without.price_cents == prices[0]
    assert without.old_price_cents in {None, prices[1]}

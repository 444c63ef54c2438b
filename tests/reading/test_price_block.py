"""The own price block decides: whatever other offers on the page do, the result stays."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from reading.captures import RealPages, cut_linked_data, cut_state, only_elements, read_product, real_names
from selectolax.lexbor import LexborHTMLParser

from offers_cli.marketplaces.mercado_livre import MercadoLivre

WHOLE = [name for name in real_names("product") if re.search(r"_pdp_\d+\.html$", name)]
OTHERS = ".poly-card, .ui-pdp-other-sellers, [class*=recommendations], [class*=carousel]"
DECOYS = """
<div class="ui-pdp-other-sellers"><ul><li class="ui-pdp-other-sellers-item"><div class="ui-pdp-price"><div
 class="ui-pdp-price__main-container"><s class="andes-money-amount ui-pdp-price__part ui-pdp-price__original-value
 andes-money-amount--previous"><span class="andes-money-amount__fraction">9</span></s>
<div class="ui-pdp-price__second-line"><span class="andes-money-amount"><meta itemprop="price" content="1.00">
<span class="andes-money-amount__fraction">1</span></span>
<span class="andes-money-amount__discount">88% OFF</span></div></div></div>
<form><input type="hidden" name="item_id" value="MLB111111111"></form></li></ul></div>
<div class="ui-recommendations-carousel"><div class="andes-card poly-card"><h3><a class="poly-component__title"
 href="https://www.mercadolivre.com.br/x/p/MLB222#wid=MLB333333333">Outro</a></h3><div class="poly-component__price">
<s class="andes-money-amount andes-money-amount--previous"><span class="andes-money-amount__fraction">7</span></s>
<div class="poly-price__current">
<span class="andes-money-amount"><span class="andes-money-amount__fraction">2</span></span>
<span class="andes-money-amount__discount">71% OFF</span></div></div></div></div>
<label class="ui-vpp-coupons-awareness__checkbox-label">10% OFF. Compra mínima <span class="andes-money-amount"><span
 class="andes-money-amount__fraction">3</span></span></label>
"""


def without_others(html: str) -> str:
    tree = LexborHTMLParser(html)
    while (node := tree.css_first(OTHERS)) is not None:
        node.decompose()
    return tree.html or ""


def others_altered(html: str) -> str:
    tree = LexborHTMLParser(html)
    for place in tree.css(OTHERS):
        for node in place.css(".andes-money-amount__fraction, .andes-money-amount__cents"):
            node.replace_with("13")
    return tree.html or ""


def others_first(html: str) -> str:
    moved = "".join(node.html or "" for node in LexborHTMLParser(html).css(OTHERS))
    return re.sub(r"(<body[^>]*>)", lambda found: found[1] + moved, without_others(html), count=1)


def others_last(html: str) -> str:
    moved = "".join(node.html or "" for node in LexborHTMLParser(html).css(OTHERS))
    return without_others(html).replace("</body>", f"{moved}</body>")


def decoys_first(html: str) -> str:
    return re.sub(r"(<body[^>]*>)", lambda found: found[1] + DECOYS, html, count=1)


def decoys_before_own_price(html: str) -> str:
    return re.sub(r'(<div class="ui-pdp-price [^"]*--size-large)', lambda found: DECOYS + found[1], html, count=1)


def decoys_last(html: str) -> str:
    return html.replace("</body>", f"{DECOYS}</body>")


CHANGES = [
    without_others,
    others_altered,
    others_first,
    others_last,
    decoys_first,
    decoys_before_own_price,
    decoys_last,
]


@pytest.mark.slow
@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("cut", [str, cut_state, cut_linked_data, only_elements])
@pytest.mark.parametrize("name", WHOLE)
def test_other_offers_never_change_the_result(
    name: str,
    cut: Callable[[str], str],
    change: Callable[[str], str],
    real_pages: RealPages,
    market: MercadoLivre,
) -> None:
    wanted = real_pages.expected[name]
    reading = read_product(market, change(cut(real_pages.html(name))))
    keys = ("price_cents", "old_price_cents", "discount_pct", "item_id", "title")
    assert {key: getattr(reading, key) for key in keys} == {key: wanted[key] for key in keys}

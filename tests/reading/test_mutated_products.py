"""Product pages whose mark-up was changed are read rightly or less, or refused: never wrongly.

In pages of our own each class and each key of the state is renamed, alone and without the labels for screen readers,
each part of the price box is moved or taken away, and the page is cut off; real captures are changed likewise.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator

import pytest
from reading.captures import (
    RealPages,
    cut_linked_data,
    cut_state,
    is_linked_data,
    keep_scripts,
    only_elements,
    only_state,
    read_product,
    real_names,
    without_attribute,
)
from reading.mutants import classes_in, cut_off, mutants, with_parts_moved, without_class, without_key

from offers_cli.errors import OfferGone, PageError
from offers_cli.marketplaces.base import ProductReading
from offers_cli.marketplaces.mercado_livre import MercadoLivre
from offers_cli.money import discount_pct

URL = "https://www.mercadolivre.com.br/notebook-asus/p/MLB40000001"
VALUES = (
    "price_cents",
    "currency",
    "old_price_cents",
    "price_condition",
    "card_price_cents",
    "discount_kind",
    "item_id",
)
MOVED = (
    ".ui-pdp-price__second-line", ".ui-pdp-price__second-line__label", ".ui-pdp-price__second-line__text",
    ".andes-money-amount__discount", ".ui-pdp-price__original-value", ".ui-pdp-price--size-large",
    ".ui-pdp-price__subtitles", "#pricing_price_subtitle", ".andes-money-amount__cents",
    ".andes-money-amount__fraction", ".ui-pdp-other-sellers", ".poly-card", "h1",
)  # fmt: skip


def amount(value: str, tag: str = "span", *, classes: str = "", label: str = "", inner: str = "") -> str:
    whole, _, cents = value.partition(",")
    spoken = f"{label}{whole.replace('.', '')} reais{f' com {cents} centavos' if cents else ''}"
    rest = f'<i class="andes-visually-hidden">,</i><i class="andes-money-amount__cents">{cents}</i>' if cents else ""
    return (
        f'<{tag} class="andes-money-amount ui-pdp-price__part {classes}" aria-label="{spoken}">{inner}'
        '<i class="andes-money-amount__currency-symbol">R$</i>'
        f'<i class="andes-money-amount__fraction">{whole}</i>{rest}</{tag}>'
    )


def elements() -> str:
    own = amount("3.185,31", inner='<meta itemprop="price" content="3185.31">')
    struck = amount("3.899", "s", classes="ui-pdp-price__original-value andes-money-amount--previous", label="Antes: ")
    other = amount("2.999,90") + '<b class="andes-money-amount__discount">30% OFF</b>'
    card = (
        '<a class="poly-component__title" href="https://www.mercadolivre.com.br/x/p/MLB40000009">Outro</a>'
        f'<div class="poly-component__price"><div class="poly-price__current">{amount("99,90")}</div></div>'
    )
    return f"""
<div class="ui-recommendations-carousel"><div class="poly-card">{card}</div></div>
<main class="ui-pdp-container"><h1 class="ui-pdp-title">Notebook Asus</h1>
<span class="ui-pdp-subtitle">Novo | +5 mil vendidos</span>
<i class="ui-pdp-review__rating">4.9</i><i class="ui-pdp-review__amount">(2152)</i>
<div class="ui-pdp-price ui-pdp-price--size-large">{struck}
<div class="ui-pdp-price__second-line">{own}<span class="ui-pdp-price__second-line__label">
<b class="andes-money-amount__discount">18% OFF</b> <b class="ui-pdp-price__second-line__text">no Pix</b></span></div>
<div class="ui-pdp-price__subtitles"><p id="pricing_price_subtitle">ou {amount("3.579")} em 10x {amount("357,90")}
sem juros</p></div></div>
<form><input name="item_id" value="MLB5000000001"></form>
<div class="ui-pdp-seller__header__title">Loja oficial <a>Asus</a></div>
<div class="ui-pdp-other-sellers"><div class="ui-pdp-price"><div class="ui-pdp-price__second-line">{other}</div></div>
<form><input name="item_id" value="MLB5000000002"></form></div>
<p class="ui-review-capability-comments__comment__content">Produto esgotado. Paguei R$ 2.500 no Pix.</p></main>"""


def state() -> str:
    subtitle = {
        "id": "pricing_price_subtitle",
        "text": "ou {price_total} em 10x {price_installments} sem juros",
        "values": {"price_total": {"value": 3579}, "price_installments": {"value": 357.9}},
    }
    other = {"item_id": "MLB5000000002", "price": {"price": {"value": 2999.9, "currency_id": "BRL"}}}
    components = {
        "header": {"title": "Notebook Asus", "subtitle": "Novo | +5 mil vendidos"},
        "price": {
            "state": "VISIBLE",
            "price": {"value": 3185.31, "original_value": 3899, "currency_id": "BRL"},
            "discount_label": {"value": 18, "text": "no Pix"},
            "subtitles": [subtitle],
        },
        "bbw_alternatives": {"items": [other]},
        "track": {"melidata_event": {"event_data": {"item_id": "MLB5000000001", "seller_name": "Asus"}}},
    }
    shown = {"appProps": {"pageProps": {"initialState": {"app": "pdp", "id": "MLB40000001", "components": components}}}}
    return f'<script id="__NORDIC_RENDERING_CTX__">_n.ctx.r={json.dumps(shown)};_n.ctx.r.assets=1</script>'


def linked() -> str:
    offer = {"@type": "Offer", "price": 3185.31, "priceCurrency": "BRL", "availability": "https://schema.org/InStock"}
    data = {"@type": "Product", "name": "Notebook Asus", "sku": "MLB40000001", "offers": offer}
    return f'<script type="application/ld+json">{json.dumps(data)}</script>'


def page(*parts: Callable[[], str]) -> str:
    return f"<!doctype html><html><head></head><body>{''.join(part() for part in parts)}</body></html>"


WHOLE = page(linked, state, elements)


def read(market: MercadoLivre, html: str, url: str) -> ProductReading | None:
    """What a page is read as; None where it is refused, which is never to be taken for an offer that has ended."""
    try:
        reading = market.read(html, url)
    except OfferGone as gone:
        raise AssertionError("gone") from gone
    except PageError:
        return None
    assert isinstance(reading, ProductReading)
    return reading


def falsehoods(reading: ProductReading, right: ProductReading) -> list[str]:
    """What a mutant says that the right reading does not; silence is none, nor arithmetic."""
    wrong = [name for name in VALUES if getattr(reading, name) not in {None, getattr(right, name)}]
    computed = reading.old_price_cents and discount_pct(reading.old_price_cents, reading.price_cents or 0)
    if reading.discount_pct not in {None, computed, right.discount_pct}:
        wrong.append("discount_pct")
    return wrong + [name for name, value in reading.facts.known().items() if value != getattr(right.facts, name)]


def assert_never_wrong(market: MercadoLivre, whole: str, url: str, changed: Iterator[str]) -> None:
    right = read_product(market, whole, url)
    readings = [read(market, mutant, url) for mutant in changed]
    assert [(wrong, reading) for reading in readings if reading and (wrong := falsehoods(reading, right))] == []


def test_the_page_that_is_changed_is_read_whole(market: MercadoLivre) -> None:
    reading = market.read_product(WHOLE, URL)
    assert [getattr(reading, name) for name in VALUES] == [
        *(318531, "BRL", 389900, "pix", 357900, "price_cut", "MLB5000000001")
    ]
    assert reading.facts.known() == {
        "installments_count": 10,
        "installment_cents": 35790,
        "interest_free": True,
        "rating_hundredths": 490,
        "reviews": 2152,
        "sold_at_least": 5000,
        "seller": "Asus",
        "official_store": True,
    }


@pytest.mark.parametrize(
    "parts",
    [[linked, state, elements], [state, elements], [linked, elements], [elements], [state], [linked]],
    ids=lambda parts: "+".join(part.__name__ for part in parts),
)
def test_a_page_with_renamed_classes_and_keys_or_cut_off_is_never_read_wrongly(
    parts: list[Callable[[], str]], market: MercadoLivre
) -> None:
    assert_never_wrong(market, WHOLE, URL, mutants(page(*parts)))


@pytest.mark.parametrize("selector", MOVED)
@pytest.mark.parametrize("gone", ["none", "aria-label", "itemprop"])
def test_a_page_whose_parts_were_moved_is_never_read_wrongly(selector: str, gone: str, market: MercadoLivre) -> None:
    for html in (WHOLE, page(elements)):
        moved = (without_attribute(gone, mutant) for mutant in with_parts_moved(selector, html))
        assert_never_wrong(market, WHOLE, URL, moved)


def test_two_classes_renamed_at_once_are_never_read_wrongly(market: MercadoLivre) -> None:
    html = without_attribute("itemprop", page(elements))
    priced = [name for name in classes_in(html) if re.match("andes|ui-pdp-price|ui-pdp-other|poly-card", name)]
    twice = (without_class(one, without_class(other, html)) for one in priced for other in priced if one < other)
    assert_never_wrong(market, WHOLE, URL, twice)


@pytest.mark.slow
@pytest.mark.parametrize("cut", [str, cut_state, cut_linked_data, only_elements, only_state])
@pytest.mark.parametrize("name", [name for name in real_names("product") if "out_of_stock" not in name])
def test_a_real_page_is_never_read_wrongly(
    name: str, cut: Callable[[str], str], real_pages: RealPages, market: MercadoLivre
) -> None:
    html = real_pages.html(name)
    part = cut(html)
    names = [name for name in classes_in(part) if re.match("andes-money|ui-pdp-(?:price|other|seller)|poly-card", name)]
    changed = [without_class(name, part) for name in names[:: 1 + len(names) // 10]]
    changed += [without_key(key, part) for key in ("price", "value", "original_value", "subtitles", "components")]
    changed += [without_attribute(gone, part) for gone in ("aria-label", "itemprop", "class", "id")]
    changed += [mutant for selector in MOVED[:8:2] for mutant in with_parts_moved(selector, part)]
    changed += [part, keep_scripts(part, is_linked_data)]
    changed += cut_off(part, 6) if "<html" in part else []  # of a piece of a page nobody can tell where it ended
    assert_never_wrong(market, html, market.page_url(html) or "", iter(changed))

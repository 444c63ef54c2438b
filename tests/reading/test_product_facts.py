"""What a product page says of its offer beside the prices, by its state, its elements and its linked data."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from reading.captures import RealPages, only_elements, only_state, read_product, real_names

from offers_cli.errors import OfferGone
from offers_cli.marketplaces.base import ProductReading
from offers_cli.marketplaces.mercado_livre import MercadoLivre

URL = "https://produto.mercadolivre.com.br/MLB-5000000001-cafeteira-_JM"
WHOLE = [name for name in real_names("product") if re.search(r"_pdp_[0-9]+[.]html$", name)]
BOX = (
    '<div class="ui-pdp-price ui-pdp-price--size-large"><span class="andes-money-amount">R$'
    '<b class="andes-money-amount__fraction">80</b></span></div>'
)


def read(body: str = "", head: str = "") -> ProductReading:
    html = f'<html><head>{head}</head><body><main><h1 class="ui-pdp-title">x</h1>{BOX}{body}</main></body></html>'
    return MercadoLivre().read_product(html, URL)


def shown(body: str) -> dict[str, Any]:
    """The facts that elements tell."""
    return read(body).facts.known()


def told(
    components: dict[str, Any] | None = None, *, event: dict[str, Any] | None = None, **more: Any
) -> dict[str, Any]:
    """The facts that a state tells."""
    track = {"track": {"melidata_event": {"event_data": event}}} if event else {}
    state = {"app": "vip", "components": {**(components or {}), **track}, **more}
    return read(f"<script>window.__PRELOADED_STATE__ = {json.dumps(state)};</script>").facts.known()


def linked(*nodes: dict[str, Any]) -> dict[str, Any]:
    """The facts that linked data tell."""
    return read(head=f'<script type="application/ld+json">{json.dumps(nodes)}</script>').facts.known()


# --- State ---


def test_the_header_tells_stars_reviews_and_what_was_sold() -> None:
    header = {"subtitle": "Novo  |  +10mil vendidos", "reviews": {"rating": 4.7, "amount": 755}}
    assert told({"header": header}) == {"rating_hundredths": 470, "reviews": 755, "sold_at_least": 10000}


@pytest.mark.parametrize("reviews", [{"rating": 0, "amount": 0}, {"rating": 4.8, "amount": 0}, {"rating": 4.8}, None])
def test_stars_of_nobody_are_none(reviews: object) -> None:
    assert told({"header": {"reviews": reviews}}) == {}


@pytest.mark.parametrize(
    ("summary", "facts"),
    [
        ({"title": {"text": "Frete grátis"}}, {"free_shipping": True}),
        ({"state": "VISIBLE", "title": {"text": "Chegará grátis amanhã"}}, {"free_shipping": True}),
        (
            {"title": {"text": "{w} por ser tu primera compra", "values": {"w": {"text": "Llega gratis mañana"}}}},
            {"free_shipping": True, "free_shipping_note": "por ser tu primera compra"},
        ),
        (
            {"title": {"text": "Frete grátis"}, "subtitles": [{"text": "por ser sua primeira compra"}]},
            {"free_shipping": True, "free_shipping_note": "por ser sua primeira compra"},
        ),
        ({"title": {"text": "Frete grátis acima de R$ 79"}}, {}),
        ({"title": {"text": "Chegará amanhã"}}, {}),
        ({"state": "HIDDEN", "title": {"text": "Frete grátis"}}, {}),
    ],
)  # fmt: skip
def test_the_shipping_summary_tells_of_free_shipping(summary: dict[str, Any], facts: dict[str, Any]) -> None:
    assert told({"shipping_summary": summary}) == facts


def test_what_the_page_reports_of_its_shipping_counts_where_it_says_nothing() -> None:
    assert told(event={"free_shipping": True}) == {"free_shipping": True}
    assert told(event={"free_shipping": False}) == told(event={"free_shipping": "true"}) == {}
    paid = {"shipping_summary": {"title": {"text": "Chegará amanhã por R$ 20"}}}
    assert told(paid, event={"free_shipping": True}) == {}


def test_the_shops_own_warehouse_is_told_by_its_icon_and_by_what_the_page_reports() -> None:
    icon = {"tag_action": {"label": {"text": "Armazenado e enviado pelo", "text_icon": {"id": "FULL_ICON"}}}}
    assert told({"fulfillment_information": icon}) == {"full": True}
    assert told({"fulfillment_information": {**icon, "state": "HIDDEN"}}) == {}
    assert told({"fulfillment_information": {"tag_action": {"label": {"text_icon": {"id": "OTHER"}}}}}) == {}
    assert told(event={"logistic_type": "fulfillment"}) == {"full": True}
    assert told(event={"logistic_type": "drop_off"}) == {}


BANNER = {"id": "seller_banner", "title": {"text": "x"}}
SELLER_HEADER = {"components": [BANNER, {"id": "seller_header", "title": {"text": "Vendido por ACME"}}]}
LIGHTNING = {"labels": [{"text": "OFERTA RELÂMPAGO"}]}
PILL = '<div class="ui-pdp-promotions-pill-label{}">{}</div>'
COUPON_SHOWN = """<label id="coupon-awareness-row-label">10% OFF. Compra mínima <span class="andes-money-amount">R$
<b class="andes-money-amount__fraction">259</b></span>.</label>"""


def test_the_seller_is_told_by_what_the_page_reports_else_by_its_header() -> None:
    assert told(event={"seller_name": "ACME"}) == {"seller": "ACME"}
    assert told({"seller_data": SELLER_HEADER}) == {"seller": "ACME"}
    assert told({"seller_data": SELLER_HEADER}, event={"seller_name": "Outra"}) == {"seller": "Outra"}


def test_an_official_store_is_told_by_its_id_or_by_its_kind() -> None:
    def of(kind: str) -> dict[str, Any]:
        return {"seller_data": {"viewport_track": {"melidata_event": {"event_data": {"seller_type": kind}}}}}

    assert told(event={"official_store_id": 62238}) == {"official_store": True}
    assert told(event={"official_store_id": None}) == told(event={"official_store_id": "x"}) == {}
    assert told(of("official_store")) == {"official_store": True}
    assert told(of("classic")) == {}


@pytest.mark.parametrize(
    ("components", "facts"),
    [
        ({"highlights": {"tag_action": {"label": {"text": "MAIS VENDIDO"}}}}, {"badge": "MAIS VENDIDO"}),
        ({"promotions_highlight": {"labels": [{"text": "{icon} OFERTA DO DIA"}]}}, {"badge": "OFERTA DO DIA"}),
        ({"promotions_top": {"labels": [{"text": "NOVIDADE!"}, {"text": "x"}]}}, {"badge": "NOVIDADE!"}),
        ({"promotions": {"type": "progress_bar", "label": {"text": "ÚLTIMA HORA"}}}, {"badge": "ÚLTIMA HORA"}),
        ({"promotions": {"title": {"text": "ÚLTIMA HORA"}}}, {"badge": "ÚLTIMA HORA"}),
        (
            {"lightning_promotions": {**LIGHTNING, "countdown": {"period_end": "2026-06-17T03:00:00Z"}}},
            {"badge": "OFERTA RELÂMPAGO", "badge_until": "2026-06-17T03:00:00Z"},
        ),
        ({"lightning_promotions": {**LIGHTNING, "remaining": {"milliseconds": 9}}}, {"badge": "OFERTA RELÂMPAGO"}),
        ({"highlights": {"state": "HIDDEN", "tag_action": {"label": {"text": "MAIS VENDIDO"}}}}, {}),
        (
            {
                "promotions_highlight": {"labels": [{"text": "OFERTA DO DIA"}]},
                "highlights": {"tag_action": {"label": {"text": "MAIS VENDIDO"}}},
            },
            {"badge": "MAIS VENDIDO"},
        ),
    ],
)  # fmt: skip
def test_the_first_pill_is_the_badge(components: dict[str, Any], facts: dict[str, Any]) -> None:
    assert told(components) == facts


@pytest.mark.parametrize(
    ("components", "facts"),
    [
        (
            {"coupon_summary": {"title": {"text": "Cupom {off} OFF", "values": {"off": {"price": {"value": 30}}}}}},
            {"coupon_label": "Cupom R$ 30 OFF", "coupon_cents": 3000},
        ),
        ({"coupon_summary": {"state": "HIDDEN", "title": {"text": "Cupom 5% OFF"}}}, {}),
        (
            {"coupons": {"coupons": [{"label": "10% OFF. Compra mínima R$ 259", "amount": 10}, {"label": "x"}]}},
            {"coupon_label": "10% OFF. Compra mínima R$ 259", "coupon_pct": 10, "coupon_min_cents": 25900},
        ),
        ({"coupons": {"coupons": [{"label": {"text": "5% OFF"}}]}}, {"coupon_label": "5% OFF", "coupon_pct": 5}),
        (
            {"coupon_summary": {"title": {"text": "5% OFF"}}, "coupons": {"coupons": [{"label": "7% OFF"}]}},
            {"coupon_label": "5% OFF", "coupon_pct": 5},
        ),
    ],
)
def test_a_coupon_is_told_with_what_it_takes_off(components: dict[str, Any], facts: dict[str, Any]) -> None:
    assert told(components) == facts


def test_a_coupon_is_read_in_the_currency_that_the_page_names() -> None:
    price = {"price": {"value": 80, "currency_id": "USD"}}
    coupon = {"title": {"text": "{off} OFF", "values": {"off": {"price": {"value": 5}}}}}
    dollars = BOX.replace("R$", "US$")
    state = {"app": "vip", "components": {"price": price, "coupon_summary": coupon}}
    script = f"<script>window.__PRELOADED_STATE__ = {json.dumps(state)};</script>"
    html = f'<html><body><h1 class="ui-pdp-title">x</h1>{dollars}{{}}</body></html>'
    told = MercadoLivre().read_product(html.format(script), URL).facts.known()
    assert told == {"coupon_label": "US$ 5 OFF", "coupon_cents": 500}
    label = '<label id="coupon-awareness-row-label">US$ 5 OFF</label>'
    assert MercadoLivre().read_product(html.format(label), URL).facts.known() == told


@pytest.mark.parametrize(
    ("name", "component", "facts"),
    [
        ("shipping_summary", {"title": {"text": "Frete grátis por ser sua compra de {a}"}},
         {"free_shipping": True, "free_shipping_note": "por ser sua compra de R$ 30"}),
        ("highlights", {"label": {"text": "{a} DE VOLTA"}}, {"badge": "R$ 30 DE VOLTA"}),
    ],
)  # fmt: skip
def test_a_text_is_not_lost_for_an_amount_in_it(name: str, component: dict[str, Any], facts: dict[str, Any]) -> None:
    for part in component.values():
        part["values"] = {"a": {"price": {"value": 30, "currency": "BRL"}}}
    assert told({name: component}) == facts


def test_a_coupon_without_a_figure_hides_none_behind_it() -> None:
    coupons = [{"label": "Ver cupons"}, {"label": {"text": "{a} OFF", "values": {"a": {"price": {"value": 30}}}}}]
    assert told({"coupons": {"coupons": coupons}}) == {"coupon_label": "R$ 30 OFF", "coupon_cents": 3000}


def test_the_last_crumb_is_the_category() -> None:
    crumbs = [{"label": {"text": "Casa"}}, {"label": {"text": " Cafeteiras "}}]
    assert told({"breadcrumb": {"categories": crumbs}}) == {"category": "Cafeteiras"}
    assert told({"breadcrumb": {"categories": []}}) == {}


def test_the_states_own_copy_of_linked_data_tells_the_brand() -> None:
    product = {"@type": "Product", "name": "x", "brand": "ACME"}
    assert told(schema=[product]) == {"brand": "ACME"}
    assert told(schema=[product, {**product, "brand": "Outra"}]) == {}
    assert told(schema="x") == {}


# --- Elements ---


@pytest.mark.parametrize(
    ("html", "facts"),
    [
        ('<span class="ui-pdp-subtitle">Novo | +5 mil vendidos</span>', {"sold_at_least": 5000}),
        ('<div class="ui-pdp-header__subtitle"><i>Novo | +1000 vendidos</i></div>', {"sold_at_least": 1000}),
        (
            '<i class="ui-pdp-review__rating">4.7</i><i>4.5 de 5</i><i class="ui-pdp-review__amount">(755)</i>',
            {"rating_hundredths": 470, "reviews": 755},
        ),
        ('<i class="ui-pdp-review__rating">4.7</i>', {}),
        (
            '<div class="ui-pdp-shipping"><p class="ui-pdp-media__title">Frete grátis</p><p>Saiba os prazos</p></div>',
            {"free_shipping": True},
        ),
        ('<div id="shipping_summary"><p class="ui-pdp-media__title">Frete grátis</p></div>', {"free_shipping": True}),
        ('<p class="ui-pdp-media__title">Devolução grátis</p>', {}),
        ('<li><svg class="ui-pdp-icon ui-pdp-icon--full"></svg> de outro vendedor</li>', {}),
        (
            '<div class="ui-pdp-seller__header__title"><i>Loja oficial</i><a>Asus</a></div>',
            {"seller": "Asus", "official_store": True},
        ),
        ('<div class="ui-pdp-seller__header__title"><i>Vendido por</i><a>ACME</a></div>', {"seller": "ACME"}),
        (PILL.format("", "MAIS VENDIDO"), {"badge": "MAIS VENDIDO"}),
        (PILL.format(" best_seller_position", "19º em x") + PILL.format("", "NOVIDADE!"), {"badge": "NOVIDADE!"}),
        (PILL.format("", 'Armazenado e enviado pelo <svg class="ui-pdp-icon--full"></svg>'), {"full": True}),
        ('<ol><li class="andes-breadcrumb__item">Casa</li><li class="andes-breadcrumb__item">Cafeteiras</li></ol>',
         {"category": "Cafeteiras"}),
        (COUPON_SHOWN, {"coupon_label": "10% OFF. Compra mínima R$ 259", "coupon_pct": 10, "coupon_min_cents": 25900}),
        (
            '<label class="ui-vpp-coupons-awareness__checkbox-label">Cupom 5% OFF</label>',
            {"coupon_label": "Cupom 5% OFF", "coupon_pct": 5},
        ),
    ],
)  # fmt: skip
def test_each_element_tells_its_facts_and_those_of_other_offers_tell_none(html: str, facts: dict[str, Any]) -> None:
    assert shown(html) == facts
    assert shown(f'<section class="ui-recommendations">{html}</section>') == {}


# --- Linked data ---


def test_linked_data_tell_brand_stars_and_category() -> None:
    product = {"@type": "Product", "name": "x", "offers": {"price": 80}, "brand": {"@type": "Brand", "name": "ACME"}}
    stars = {"aggregateRating": {"ratingValue": 4.8, "ratingCount": 485, "reviewCount": 216}}
    crumbs = [{"position": 1, "item": {"name": "Casa"}}, {"position": 2, "item": {"name": "Cafeteiras"}}]
    trail = {"@type": "BreadcrumbList", "itemListElement": crumbs}
    whole = {"brand": "ACME", "rating_hundredths": 480, "reviews": 485, "category": "Cafeteiras"}
    assert linked({**product, **stars}, trail) == whole
    assert linked({**product, "brand": "Outra"}) == {"brand": "Outra"}
    plain = {"@type": "BreadcrumbList", "itemListElement": [{"name": "Cafeteiras"}]}
    assert linked({**product, "aggregateRating": {"ratingValue": "4.9", "reviewCount": 61}}, plain) == {
        "brand": "ACME",
        "rating_hundredths": 490,
        "reviews": 61,
        "category": "Cafeteiras",
    }
    assert linked({**product, "aggregateRating": {"ratingValue": 5}}) == {"brand": "ACME"}
    brand = read(head=f'<script type="application/ld+json">{json.dumps(product)}</script>').candidates["brand"]
    assert [(candidate.strategy, candidate.raw) for candidate in brand] == [("json_ld", "ACME")]


# --- Together ---


def test_the_state_goes_first_and_elements_fill_its_gaps() -> None:
    state = {"app": "vip", "components": {"header": {"subtitle": "+1000 vendidos"}}}
    script = f"<script>window.__PRELOADED_STATE__ = {json.dumps(state)};</script>"
    subtitle = '<i class="ui-pdp-subtitle">+500 vendidos</i>'
    seller = '<div class="ui-pdp-seller__header__title">ACME</div>'
    reading = read(script + subtitle + seller)
    assert reading.facts.known() == {"sold_at_least": 1000, "seller": "ACME"}
    assert [(c.strategy, c.value) for c in reading.candidates["sold_at_least"]] == [("state", 1000), ("dom", 500)]


def test_a_coupon_is_of_one_place_and_two_that_differ_are_none() -> None:
    """The label of one and the least purchase of the other would be a coupon that nobody gives."""
    state = {"app": "vip", "components": {"coupon_summary": {"title": {"text": "Cupom 5% OFF"}}}}
    script = f"<script>window.__PRELOADED_STATE__ = {json.dumps(state)};</script>"
    label = '<label id="coupon-awareness-row-label">{} OFF. Compra mínima R$ 259</label>'
    assert read(script + label.format("5%")).facts.known() == {"coupon_label": "Cupom 5% OFF", "coupon_pct": 5}
    assert read(script + label.format("10%")).facts.known() == {}


def test_a_page_of_a_product_that_is_gone_still_tells_its_facts() -> None:
    with pytest.raises(OfferGone) as gone:
        read('<div class="ui-pdp-message">Anúncio pausado</div><i class="ui-pdp-subtitle">+500 vendidos</i>')
    assert isinstance(gone.value.reading, ProductReading)
    assert gone.value.reading.facts.known() == {"sold_at_least": 500}


@pytest.mark.parametrize("name", WHOLE)
@pytest.mark.parametrize("cut", [only_state, only_elements])
def test_state_or_elements_of_a_real_page_alone_tell_nearly_all_of_its_facts(
    name: str, cut: Callable[[str], str], real_pages: RealPages, market: MercadoLivre
) -> None:
    """The brand alone is only named by linked data, of which the state has a copy."""
    html = real_pages.html(name)
    whole, part = (read_product(market, page).facts.known() for page in (html, cut(html)))
    assert whole == part | {"brand": whole["brand"]}
    assert {"seller", "sold_at_least", "category", "brand"} <= whole.keys()

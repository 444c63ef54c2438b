"""What cards say beside their prices, where they lead, and what a page makes of them."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import pytest
from reading.cards import LISTING, ACard, amount, listing, read, read_each_way

from offers_cli.errors import PageChanged
from offers_cli.marketplaces.mercado_livre import MercadoLivre
from offers_cli.marketplaces.mercado_livre.listing_state import MOST_CARDS
from offers_cli.offer import Facts, Offer


def icon(key: str, alt: str = "", token: str = "icon") -> dict[str, Any]:
    return {"key": token, "type": "icon", "icon": {"key": key, "icon_id": key, "alt_text": alt}}


def text(kind: str, words: str, *values: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": kind, kind: {"text": words, "values": list(values), **more}}


def drawing(label: str = "", name: str = "") -> str:
    return f'<svg aria-label="{label}"><use href="#{name}"></use></svg>'


SPOKEN = "Classificação 4.8 de 5 estrelas. Mais de 1000 produtos vendidos."
SECOND = (
    '<div class="poly-component__buy-box"><span class="poly-component__seller">Por Outra</span>'
    '<span class="poly-component__brand">OUTRA</span><div class="poly-component__shipping">Frete grátis</div></div>'
)


@pytest.mark.parametrize(
    ("component", "element", "told"),
    [
        (
            text("shipping", "Frete grátis", icon("vpp_full_icon"), additional_text="por ser sua primeira compra"),
            (f'<div class="poly-component__shipping"><span>Frete grátis</span>{drawing("Enviado pelo FULL")}'
            '<span class="poly-shipping__additional_text">por ser sua primeira compra</span></div>'),
            {"free_shipping": True, "free_shipping_note": "por ser sua primeira compra", "full": True},
        ),
        (
            text("shipping", "Chegará grátis amanhã"),
            '<div class="poly-component__shipping"><b>Chegará grátis</b> <i>amanhã</i></div>',
            {"free_shipping": True},
        ),
        (
            text("shipping", "Frete grátis acima de R$ 79"),
            '<div class="poly-component__shipping"><b>Frete grátis</b> <i>acima de R$ 79</i></div>',
            {},
        ),
        (
            {"type": "shipping", "shipping": {"text": "Chegará amanhã", "icon": {"key": "x", "alt_text": "FULL"}}},
            f'<div class="poly-component__shipping-v2">Chegará amanhã{drawing(name="poly_full")}</div>',
            {"full": True},
        ),
        (
            {"type": "shipping_v2", "shipping_v2": [None, {"text": "Chegará amanhã"}, {"text": "Frete grátis"}]},
            ('<div class="poly-component__shipping-v2"><div class="poly-shipping-v2__item">Chegará amanhã</div>'
            '<div class="poly-shipping-v2__item">Frete grátis</div></div>'),
            {"free_shipping": True},
        ),
        (
            text("shipped_from", "Enviado pelo {icon}", icon("vpp_full_icon")),
            f'<span class="poly-component__shipped-from">Enviado pelo {drawing("FULL")}</span>',
            {"full": True},
        ),
        (
            text("highlight", "{icon} OFERTA IMPERDÍVEL", icon("black_friday_icon")),
            '<span class="poly-component__highlight"><svg></svg> OFERTA IMPERDÍVEL</span>',
            {"badge": "OFERTA IMPERDÍVEL"},
        ),
        (
            {"type": "reviews", "reviews": {"rating_average": 4.9, "total": 3170}},
            ('<div class="poly-component__reviews"><span>Avaliação 4,9 de 5. (3.170 avaliações)</span>'
            '<span class="poly-reviews__rating">4.9</span><span class="poly-reviews__total">(3170)</span></div>'),
            {"rating_hundredths": 490, "reviews": 3170},
        ),
        (
            {"type": "reviews", "reviews": {"rating_average": 4.9, "total": 3170}},
            '<div class="poly-component__reviews"><span>Avaliação 4,9 de 5. (3.170 avaliações)</span></div>',
            {"rating_hundredths": 490, "reviews": 3170},
        ),
        (
            {"type": "reviews", "reviews": {"rating_average": 5, "total": 12}},
            ('<div class="poly-component__reviews"><span class="poly-reviews__rating">5</span>'
            '<span class="poly-reviews__total">12</span></div>'),
            {"rating_hundredths": 500, "reviews": 12},
        ),
        (
            text("review_compacted", "{s} {a} {b}", *({"key": key, "label": {"text": words}} for key, words in
                 {"a": "4.8", "b": "| +1000 vendidos"}.items())),
            '<span class="poly-component__review-compacted"><i>4.8</i> <i>| +1000 vendidos</i></span>',
            {"rating_hundredths": 480, "sold_at_least": 1000},
        ),
        (
            text("review_compacted", "{a}", alt_text=SPOKEN),
            f'<span class="poly-component__review-compacted" aria-label="{SPOKEN}"></span>',
            {"rating_hundredths": 480, "sold_at_least": 1000},
        ),
        (
            text("seller", "Por 2Eletro {icon}", icon("icon_cockade", "Loja oficial")),
            f'<span class="poly-component__seller">Por 2Eletro {drawing("Loja oficial")}</span>',
            {"seller": "2Eletro", "official_store": True},
        ),
        (
            text("seller", "Por 2Eletro {icon}", icon("icon_cockade")),
            f'<span class="poly-component__seller">Por 2Eletro {drawing(name="poly_cockade")}</span>',
            {"seller": "2Eletro", "official_store": True},
        ),
        (text("seller", "Por Zé"), '<span class="poly-component__seller">Por Zé</span>', {"seller": "Zé"}),
        (text("brand", "ADIDAS"), '<span class="poly-component__brand">ADIDAS</span>', {"brand": "ADIDAS"}),
        (
            {"type": "promotions", "promotions": [
                {"type": "rebate", "text": "R$ 9 OFF BB"},
                {"type": "coupon", "text": "Cupom {amount} OFF",
                 "values": [{"key": "amount", "price": {"value": 30.5, "currency": "BRL"}}]},
                {"type": "coupon", "text": "Cupom 7% OFF"},
            ]},
            f'<b class="poly-coupons__pill">Cupom {amount(3050)} OFF</b><b class="poly-coupons__pill">7% OFF</b>',
            {"coupon_label": "Cupom R$ 30,50 OFF", "coupon_cents": 3050},
        ),
        (
            {"type": "promotions", "promotions": [{"type": "coupon", "text": "Cupom 5% OFF"}]},
            '<div class="poly-component__promotions">Cupom 5% OFF</div>',
            {"coupon_label": "Cupom 5% OFF", "coupon_pct": 5},
        ),
        (
            {"type": "promotions", "promotions": [{"type": "coupon", "text": "Cupón 6% OFF"}]},
            '<div class="poly-component__promotions">Cupón 6% OFF</div>',
            {"coupon_label": "Cupón 6% OFF", "coupon_pct": 6},
        ),
        (
            {"type": "promotions", "promotions": [
                {"type": "coupon", "text": "Ver cupons"}, {"type": "coupon", "text": "Cupom 5% OFF"},
            ]},
            '<b class="poly-coupons__pill">Ver cupons</b><b class="poly-coupons__pill">Cupom 5% OFF</b>',
            {"coupon_label": "Cupom 5% OFF", "coupon_pct": 5},
        ),
        (
            {"type": "promotions", "promotions": [{"type": "rebate", "text": "5% OFF"}]},
            '<div class="poly-component__promotions">Leve 3, pague 2</div>',
            {},
        ),
        ({"type": "highlight", "highlight": {"text": 7}}, SECOND, {}),
    ],
)  # fmt: skip
def test_each_fact_is_read_alike_from_state_and_elements(
    component: dict[str, Any], element: str, told: dict[str, Any], market: MercadoLivre
) -> None:
    card = ACard(components=[component], elements=element)
    assert [offer.facts.known() for offer in read_each_way(market, card)] == [told] * 3


@pytest.mark.parametrize(
    ("kind", "words", "told"),
    [
        ("shipping", "Frete grátis por ser sua compra de {a}", {"free_shipping_note": "por ser sua compra de R$ 30"}),
        ("highlight", "{a} DE VOLTA", {"badge": "R$ 30 DE VOLTA"}),
        ("highlight_countdown", "{a} DE VOLTA", {"badge": "R$ 30 DE VOLTA"}),
        ("review_compacted", "4.8 | +1000 vendidos desde {a}", {"rating_hundredths": 480, "sold_at_least": 1000}),
        ("seller", "Por Tudo a {a}", {"seller": "Tudo a R$ 30"}),
        ("brand", "Tudo a {a}", {"brand": "Tudo a R$ 30"}),
    ],
)
def test_a_text_of_the_state_is_not_lost_for_an_amount_in_it(
    kind: str, words: str, told: dict[str, Any], market: MercadoLivre
) -> None:
    component = text(kind, words, {"key": "a", "price": {"value": 30, "currency": "BRL"}})
    [offer] = read(market, listing(states=[ACard(components=[component]).state()])).offers
    assert offer.facts.known().items() >= told.items()


def test_the_warehouse_is_known_by_either_name_of_its_icon(market: MercadoLivre) -> None:
    for name in ("key", "icon_id"):
        sent = text("shipping", "Chegará amanhã {icon}", {"key": "icon", "icon": {name: "vpp_full_icon"}})
        [offer] = read(market, listing(states=[ACard(components=[sent]).state()])).offers
        assert offer.facts.known() == {"full": True}


def test_instalments_are_facts_of_a_card_however_it_is_read(market: MercadoLivre) -> None:
    card = ACard(phrase="10x {price} sem juros", amounts={"price": 1000})
    told = {"installments_count": 10, "installment_cents": 1000, "interest_free": True}
    assert [offer.facts.known() for offer in read_each_way(market, card)] == [told] * 3


def test_a_badge_that_ends_goes_before_one_that_does_not(market: MercadoLivre) -> None:
    countdown = {"period_end": "2026-06-17T03:00:00Z"}
    told = [text("highlight", "OFERTA DO DIA"), text("highlight_countdown", "OFERTA RELÂMPAGO", countdown=countdown)]
    shown = (
        '<span class="poly-component__highlight">OFERTA DO DIA</span><div class="poly-component__highlight-countdown">'
        '<span class="poly-highlight-countdown__text">OFERTA RELÂMPAGO</span><i>02:00</i></div>'
    )
    elements, state, both = read_each_way(market, ACard(components=told, elements=shown))
    assert elements.facts.known() == {"badge": "OFERTA RELÂMPAGO"}
    assert state.facts == both.facts
    assert state.facts.known() == {"badge": "OFERTA RELÂMPAGO", "badge_until": "2026-06-17T03:00:00Z"}


def test_facts_that_only_the_elements_tell_fill_those_of_the_state(market: MercadoLivre) -> None:
    told = ACard(components=[text("brand", "ADIDAS"), text("seller", "Por Zé")])
    shown = ACard(
        elements='<span class="poly-component__brand">OUTRA</span><span class="poly-component__highlight">NOVO</span>'
    )
    [offer] = read(market, listing(html=shown.html(), states=[told.state()])).offers
    assert offer.facts.known() == {"brand": "ADIDAS", "seller": "Zé", "badge": "NOVO"}


CHIP = {"type": "chip", "id": "affiliates_commission_chip"}


@pytest.mark.parametrize(
    ("chip", "percent"),
    [
        ({"label": {"text": "GANHOS 12%"}}, 12),
        ({"pill": {"text": "GANHOS {extra}"}, "label": {"text": "24%"}}, 24),
        ({"pill": {"text": "GANHOS 9%"}}, 9),
        ({"pill": {"text": "{a} {b}", "values": [{"key": "b", "label": {"text": "EXTRAS 62%"}}]}}, 62),
        ({"pill": {"text": "GANHOS"}}, None),
    ],
)
def test_a_commission_stands_in_the_label_or_the_pill(
    chip: dict[str, Any], percent: int | None, market: MercadoLivre
) -> None:
    [offer] = read(market, listing(states=[ACard(components=[CHIP | {"chip": chip}]).state()])).offers
    assert offer.commission_pct == percent
    [other] = read(
        market, listing(states=[ACard(components=[{"type": "chip", "id": "x", "chip": chip}]).state()])
    ).offers
    assert other.commission_pct is None


def changed(state: dict[str, Any], **price: Any) -> dict[str, Any]:
    state["components"][1]["price"].update(price)
    return state


def offer_of(market: MercadoLivre, state: dict[str, Any]) -> Offer:
    [offer] = read(market, listing(states=[state])).offers
    return offer


@pytest.mark.parametrize(
    ("price", "told"),
    [
        ({"discount_label": {"text": "20% OFF"}}, 20),
        ({"discount": {"value": 21}}, 21),
        ({"discount": {"value": 99}}, 99),
        ({"discount": {"value": 1}}, 1),
        ({"discount": {"value": 0}}, 33),
        ({"discount": {"value": 100}}, 33),
        ({"discount_polylabel": {"text": "{p} OFF", "values": [{"key": "p", "pill": {"text": "22%"}}]}}, 22),
        ({"price_labels": [{"pill": {"text": "23% OFF"}}]}, 23),
        ({"price_labels": [{"values": [{"label": {"text": "24% OFF"}}]}]}, 24),
        ({"price_labels": [{"pill": {"text": "OFERTA"}}]}, 33),
        ({"discount_label": {"text": "no Pix"}}, None),
        ({}, 33),
    ],
)
def test_the_state_tells_the_discount_in_several_ways(
    price: dict[str, Any], told: int | None, market: MercadoLivre
) -> None:
    offer = offer_of(market, changed(ACard(old=15000).state(), **price))
    assert (offer.discount_pct, offer.old_price_cents) == (told, 15000)


@pytest.mark.parametrize("place", ["price", "component", "card", "own component"])
@pytest.mark.parametrize("mark", [{"key": "previous_price"}, {"key": "x", "price": {"previous": True}}])
def test_a_previous_price_may_stand_in_a_label(place: str, mark: dict[str, Any], market: MercadoLivre) -> None:
    state = ACard().state()
    amount = {"price": {"value": 150, "currency": "BRL"} | mark.get("price", {})}
    labels = [{"values": [{"key": "other", "price": {"value": 140}}, mark | amount]}]
    part = state["components"][1]
    target: dict[str, Any] = {"price": part["price"], "component": part, "card": state}.get(place, {})
    target["price_labels"] = labels
    if place == "own component":
        state["components"].append({"type": "price_labels", "price_labels": labels})
    assert offer_of(market, state).old_price_cents == 15000


def test_a_condition_is_found_wherever_the_price_of_the_state_names_it(market: MercadoLivre) -> None:
    assert offer_of(market, changed(ACard().state(), anything={"new": ["OFF no Pix"]})).price_condition == "pix"
    pill = [{"pill": {"text": "no Pix"}}]
    assert offer_of(market, changed(ACard().state(), price_labels=pill)).price_condition == "pix"
    in_phrase = {"text": "no Pix", "values": []}
    assert offer_of(market, changed(ACard().state(), installments=in_phrase)).price_condition == "any"


def test_a_condition_is_found_wherever_the_box_names_it(market: MercadoLivre) -> None:
    html = ACard(note="no Pix").html().replace("poly-price__unit-description", "renamed")
    [offer] = read(market, listing(html=html)).offers
    assert offer.price_condition == "pix"
    html = ACard(elements="<p>10% OFF no Pix na primeira compra</p>").html()
    [offer] = read(market, listing(html=html)).offers
    assert offer.price_condition == "any"


def test_phrases_that_stand_outside_the_box_are_read_where_it_holds_none(market: MercadoLivre) -> None:
    outside = f'<div class="ui-search-installments">12x {amount(1000)}</div>'
    [offer] = read(market, listing(html=ACard(elements=outside).html())).offers
    assert offer.facts.installments_count == 12
    inside = ACard(phrase="10x {price} sem juros", amounts={"price": 1000}, elements=outside)
    [offer] = read(market, listing(html=inside.html())).offers
    assert offer.facts.installments_count == 10
    two = ACard(elements=outside + outside.replace("12x", "11x"))
    [offer] = read(market, listing(html=two.html())).offers
    assert offer.facts.installments_count is None


def test_a_state_with_fewer_cards_than_the_page_shows_loses_none(market: MercadoLivre) -> None:
    first, second = ACard(), ACard(item_id="MLB100000002", title="Cabo", price=2000)
    page = listing(html=first.html() + second.html(), states=[first.state()])
    assert [offer.price_cents for offer in read(market, page).offers] == [10000, 2000]
    elsewhere = page.replace("ui-search-layout", "carousel")
    assert [offer.price_cents for offer in read(market, elsewhere).offers] == [10000]


def test_cards_twice_in_a_page_are_compared_one_by_one(market: MercadoLivre) -> None:
    first, again = ACard(price=10000), ACard(price=9000)
    page = listing(html=first.html() + again.html(), states=[first.state(), again.state(), again.state()])
    assert [offer.price_cents for offer in read(market, page).offers] == [10000, 9000, 9000]


def test_a_price_that_the_page_shows_otherwise_is_refused(market: MercadoLivre) -> None:
    other = ACard(item_id="MLB100000002")
    page = listing(html=ACard(price=9000).html(), states=[ACard().state(), other.state()])
    assert read(market, page).unreadable == ((1, "state says 10000 cents, the page shows 9000"),)


def test_cents_that_one_of_them_leaves_out_are_kept(market: MercadoLivre) -> None:
    page = listing(html=ACard(price=10050).html(), states=[ACard(price=10000).state()])
    assert [offer.price_cents for offer in read(market, page).offers] == [10050]


def test_cents_of_the_state_do_not_overrule_a_price_that_is_said_aloud_without_them(market: MercadoLivre) -> None:
    """Figures alone may leave cents out; where the label for screen readers has none either, there are none."""
    state, other = ACard(price=10090).state(), ACard(item_id="MLB100000002").state()
    aloud = listing(html=ACard(price=10000).html(), states=[state, other])
    assert read(market, aloud).unreadable == ((1, "state says 10090 cents, the page shows 10000"),)
    silent = re.sub(r' aria-label="[^"]*"', "", aloud)
    assert [offer.price_cents for offer in read(market, silent).offers] == [10090, 10000]


def test_an_old_price_is_believed_as_far_as_the_label_bears_it_out(market: MercadoLivre) -> None:
    for label, old in (("95% OFF", 199_900), ("50% OFF", None)):
        offers = read_each_way(market, ACard(price=9_900, old=199_900, label=label))
        assert [offer.old_price_cents for offer in offers] == [old] * 3


def test_gaps_of_the_state_are_filled_from_the_elements(market: MercadoLivre) -> None:
    shown = ACard(old=15000, label="33% OFF", elements='<img src="https://site.example/a.webp">')
    [offer] = read(market, listing(html=shown.html(), states=[ACard().state()])).offers
    assert (offer.old_price_cents, offer.discount_pct) == (15000, 33)
    assert offer.image_url == "https://site.example/a.webp"


def test_one_card_that_is_saved_without_what_encloses_it(market: MercadoLivre) -> None:
    alone = ACard().html().replace('<div class="poly-card">', "<div>")
    assert [offer.item_id for offer in read(market, alone).offers] == ["MLB100000001"]
    for page in (alone + ACard(item_id="MLB100000002").html().replace("poly-card", "x"), f"<h1>Loja</h1>{alone}"):
        with pytest.raises(PageChanged):
            read(market, page)


def profile(*components: dict[str, Any]) -> str:
    state = {"pageState": {"data": {"components": list(components)}}}
    return f'<script id="__PRELOADED_STATE__">{json.dumps(state)}</script>'


def shared(*cards: ACard, **more: Any) -> dict[str, Any]:
    info = {"polycards": [card.state() for card in cards], **more}
    return {"recommendation_data": {"recommendation_info": info}}


PROFILE = "https://www.mercadolivre.com.br/social/ze"
A, B = ACard(), ACard(item_id="MLB100000002", title="Cabo", price=2000)


def sources(market: MercadoLivre, page: str) -> list[tuple[str | None, str]]:
    return [(offer.item_id, offer.source) for offer in read(market, page, PROFILE).offers]


def test_the_product_that_a_profile_was_opened_for_is_told_apart(market: MercadoLivre) -> None:
    tabs = {"tabs": [{"x": [{"content": {"polycards": [B.state()]}}]}]}
    page = profile({"type": "header"}, shared(A), tabs)
    assert sources(market, page) == [("MLB100000001", "featured"), ("MLB100000002", "listing")]
    assert sources(market, profile(shared(A, B))) == [("MLB100000001", "listing"), ("MLB100000002", "listing")]
    assert sources(market, profile(shared(A, seeMoreLink="https://x.example"))) == [("MLB100000001", "listing")]
    assert sources(market, profile(tabs)) == [("MLB100000002", "listing")]
    unreadable = replace(A, price=0)
    assert sources(market, profile(shared(unreadable), tabs)) == [("MLB100000002", "listing")]


def test_a_profile_that_only_its_elements_show_is_read_too(market: MercadoLivre) -> None:
    page = profile(shared(A)) + B.html()
    assert sources(market, page) == [("MLB100000001", "featured"), ("MLB100000002", "listing")]


def test_an_empty_profile_is_an_empty_list(market: MercadoLivre) -> None:
    assert sources(market, profile(shared())) == []
    assert sources(market, "<html><p>Ofertas do Zé ainda não recomendou produtos.</p></html>") == []
    for page in (profile({"type": "header"}), profile(shared() | {"tabs": [{"polycards": [{"new": 1}]}]})):
        with pytest.raises(PageChanged):
            read(market, page, PROFILE)


def test_a_card_names_its_own_currency(market: MercadoLivre) -> None:
    state = changed(ACard().state(), current_price={"value": 100, "currency": "USD"})
    assert offer_of(market, state).currency == "USD"
    del state["components"][1]["price"]["current_price"]["currency"]
    assert offer_of(market, state).currency == "BRL"
    assert read(market, listing(states=[]), LISTING).currency == "BRL"


def test_what_belongs_together_is_told_by_one() -> None:
    """The amount of another coupon is no amount of this one."""
    one, other = Facts(coupon_label="Cupom 5%", coupon_pct=5), Facts(coupon_label="Cupom R$ 9", coupon_cents=900)
    assert one.filled_by(other) == one
    assert Facts().filled_by(other) == other
    again = Facts(coupon_label="Cupom 5%", coupon_min_cents=10000)
    assert one.filled_by(again) == Facts(coupon_label="Cupom 5%", coupon_pct=5, coupon_min_cents=10000)
    badge = Facts(badge="OFERTA", full=True).filled_by(Facts(badge="OUTRA", badge_until="x", brand="y"))
    assert badge.known() == {"full": True, "badge": "OFERTA", "brand": "y"}


# --- What one card among the elements says ---


def shown_offer(market: MercadoLivre, html: str) -> Offer:
    [offer] = read(market, listing(html=html)).offers
    return offer


def unreadable(market: MercadoLivre, html: str) -> str:
    [(_, why)] = read(market, listing(html=html + ACard(item_id="MLB100000002").html())).unreadable
    return why


HREF = "https://produto.mercadolivre.com.br/MLB-100000001-x-_JM"


@pytest.mark.parametrize("words", ["GANHOS 12%", "Ganancia 12%", "GANANCIAS 12%"])
def test_what_the_affiliate_earns_is_known_in_each_wording(words: str, market: MercadoLivre) -> None:
    chip = f'<div class="poly-component__chip">{words}</div>'
    assert shown_offer(market, ACard(elements=chip).html()).commission_pct == 12


def test_an_advertisement_is_known_by_the_id_that_its_card_hides(market: MercadoLivre) -> None:
    hidden = '<form><input type="hidden" name="id" value="MLB100000001"></form>'
    html = ACard(elements=hidden).html().replace(HREF, "https://click1.mercadolivre.com.br/mclics/clicks/x")
    offer = shown_offer(market, html)
    assert (offer.external_id, offer.item_id) == ("MLB100000001", "MLB100000001")
    assert "click1" not in offer.url
    assert unreadable(market, html.replace(hidden, "")) == "no id"


def test_a_card_may_lead_to_a_user_product(market: MercadoLivre) -> None:
    html = ACard().html().replace(HREF, "/cafeteira/up/MLBU3000000001")
    offer = shown_offer(market, html)
    assert (offer.marketplace, offer.external_id, offer.item_id) == ("mercado_livre", "MLBU3000000001", None)


def test_a_card_that_is_itself_the_link_leads_where_it_leads(market: MercadoLivre) -> None:
    whole = ACard().html().replace('<div class="poly-card">', f'<a class="poly-card" href="{HREF}">', 1)
    html = re.sub(r'<a class="poly-component__title"[^>]*>Fone</a>', '<b class="poly-component__title">Fone</b>', whole)
    assert shown_offer(market, html.removesuffix("</div>") + "</a>").item_id == "MLB100000001"


def test_a_picture_that_is_loaded_late_is_the_cards_all_the_same(market: MercadoLivre) -> None:
    late = '<img src="data:image/gif;base64,x"><img data-src="https://site.example/b.webp">'
    assert shown_offer(market, ACard(elements=late).html()).image_url == "https://site.example/b.webp"


def test_why_a_card_cannot_be_read_is_said_in_words(market: MercadoLivre) -> None:
    html, price = ACard().html(), amount(10000)
    assert unreadable(market, html.replace(price, price + amount(9000))) == "several prices"
    assert unreadable(market, html.replace(price, "")) == "no price"
    assert unreadable(market, html.replace("poly-component__price", "x")) == "no price"
    assert unreadable(market, html.replace(price, f"10x {price}")) == "an instalment stands where the price should"
    assert unreadable(market, html.replace(">R$<", ">\u00a3<")) == "'\u00a3' is no currency known here"
    assert unreadable(market, html.replace(">Fone<", "><")) == "no title"
    assert unreadable(market, ACard(note="por kg").html()) == "a price per unit"


def test_labels_and_old_prices_of_a_second_offer_are_not_the_cards(market: MercadoLivre) -> None:
    loose = '<div class="poly-price__labels"><i class="andes-money-amount__discount">20% OFF</i></div>'
    assert shown_offer(market, ACard(elements=loose).html()).discount_pct == 20
    assert shown_offer(market, ACard(elements=f'<div class="buy-box">{loose}</div>').html()).discount_pct is None


def test_a_label_without_a_percentage_is_not_replaced_by_arithmetic(market: MercadoLivre) -> None:
    """Whether state or elements show it."""
    plain, label = ACard(old=15000), ACard(old=15000, label="no Pix")
    percent = ACard(old=15000, label="33% OFF no Pix")
    for shown, told, pct in ((label, plain, None), (plain, label, None), (percent, label, None), (plain, percent, 33)):
        [offer] = read(market, listing(html=shown.html(), states=[told.state()])).offers
        assert offer.discount_pct == pct


def test_a_cent_of_rounding_is_no_contradiction_of_what_is_said_aloud(market: MercadoLivre) -> None:
    page = listing(html=ACard(price=10000).html(), states=[ACard(price=10001).state()])
    assert [offer.price_cents for offer in read(market, page).offers] == [10001]


def test_a_card_of_the_hub_that_shows_an_old_price_or_instalments_is_not_silent(market: MercadoLivre) -> None:
    chip = '<div class="poly-component__chip">GANHOS 12%</div>'
    for card in (ACard(old=15000, elements=chip), ACard(phrase="12x {p}", amounts={"p": 990}, elements=chip)):
        assert shown_offer(market, card.html()).price_condition == "any"
    assert shown_offer(market, ACard(elements=chip).html()).price_condition is None


def test_an_address_is_stored_where_the_market_is_and_never_a_strangers() -> None:
    moved, there = MercadoLivre("http://market.example:8080"), "http://market.example:8080/MLB-100000001-x-_JM"
    hidden = ACard(elements='<input type="hidden" name="id" value="MLB100000001">').html()
    assert shown_offer(moved, hidden.replace(HREF, there)).url == there
    for stranger in ("http://other.example/MLB-100000001-x-_JM", "https://click1.mercadolivre.com.br/mclics/x"):
        assert shown_offer(moved, hidden.replace(HREF, stranger)).url.startswith("http://market.example:8080/")
        own = shown_offer(MercadoLivre(), hidden.replace(HREF, stranger)).url
        assert own.startswith("https://produto.mercadolivre.com.br/MLB-100000001")


# --- Where a state keeps its cards, addresses and pictures ---


def in_state(place: dict[str, Any]) -> str:
    return f'<script id="__PRELOADED_STATE__" type="application/json">{json.dumps({"pageState": place})}</script>'


HUB = {"polycards": [A.state(), {"id": "no card"}], "polycard_context": {"url_prefix": "https://www."}}
BRICK = {"id": "recommendations_card", "data": {"recommendations": HUB}}


@pytest.mark.parametrize(
    "place",
    [
        {"recommendations": HUB},
        {"polycard_client_model": HUB},
        {"bricks": [BRICK]},
        {"bricks": [{"id": "x"}, {"id": "y", "bricks": [BRICK]}]},
    ],
)
def test_the_hub_keeps_its_cards_in_bricks_or_bare(place: dict[str, Any], market: MercadoLivre) -> None:
    reading = read(market, in_state(place))
    assert [(offer.item_id, offer.price_condition) for offer in reading.offers] == [("MLB100000001", None)]
    assert reading.strategy == "state"


def test_other_bricks_are_no_cards_of_the_hub(market: MercadoLivre) -> None:
    brick = {"id": "another", "data": {"recommendations": HUB}}
    with pytest.raises(PageChanged):
        read(market, in_state({"bricks": [brick]}))


def pictured(market: MercadoLivre, pictures: object, **context: str) -> str | None:
    card = A.state() | {"pictures": pictures}
    place = {"recommendations": {"polycards": [card], "polycard_context": context}}
    [offer] = read(market, in_state(place)).offers
    return offer.image_url


def test_a_pictures_address_is_made_as_the_page_makes_it(market: MercadoLivre) -> None:
    picture = {"pictures": [{"id": "123-MLA456_789"}, {"id": "other"}]}
    assert pictured(market, picture) == "https://http2.mlstatic.com/D_Q_NP_2X_123-MLA456_789-AB.webp"
    own = picture | {"square": "S"}
    assert pictured(market, own) == "https://http2.mlstatic.com/D_S_NP_2X_123-MLA456_789-AB.webp"
    context = {"picture_square_default": "D", "picture_size_default": "V"}
    assert pictured(market, picture, **context) == "https://http2.mlstatic.com/D_D_NP_2X_123-MLA456_789-V.webp"
    template = {"picture_template": "https://site.example/{id}/{sanitized_title}{size}{square}{2x}"}
    assert pictured(market, picture, **template) == "https://site.example/123-MLA456_789/ABQ_2X"
    assert pictured(market, picture, picture_template="http://site.example/{id}") is None


@pytest.mark.parametrize("picture", [None, "", "../x", "a b", 7])
def test_what_is_no_name_of_a_picture_makes_no_address(picture: object, market: MercadoLivre) -> None:
    assert pictured(market, {"pictures": [{"id": picture}]}) is None
    assert pictured(market, {"pictures": []}) is None


def addressed(market: MercadoLivre, metadata: dict[str, Any], **context: str) -> Offer:
    place = {"recommendations": {"polycards": [A.state() | {"metadata": metadata}], "polycard_context": context}}
    [offer] = read(market, in_state(place)).offers
    return offer


def test_a_card_of_the_state_is_known_by_its_ids_or_by_its_address(market: MercadoLivre) -> None:
    told = {"id": "MLB100000001", "product_id": "MLB40000001", "user_product_id": "MLBU3000000001"}
    offer = addressed(market, told)
    assert (offer.external_id, offer.item_id, offer.catalogue_id) == ("MLB100000001", "MLB100000001", "MLB40000001")
    catalogue = addressed(market, {"url": "www.mercadolivre.com.br/fone/p/MLB40000001"})
    assert (catalogue.external_id, catalogue.catalogue_id) == ("MLB40000001", "MLB40000001")
    assert catalogue.url == "https://www.mercadolivre.com.br/fone/p/MLB40000001"
    user_product = addressed(market, {"user_product_id": "MLBU3000000001"})
    assert user_product.external_id == "MLBU3000000001"
    pinned = {"url": "www.mercadolivre.com.br/fone/p/MLB40000001", "url_params": "?pdp_filters=item_id%3AMLB100000001"}
    assert addressed(market, pinned | {"url_fragments": "#wid=MLB100000001"}).item_id == "MLB100000001"


@pytest.mark.parametrize(
    ("url", "context"),
    [
        ("www.mercadolivre.com.br/fone/p/MLB40000001", {}),
        ("mercadolivre.com.br/fone/p/MLB40000001", {"url_prefix": "https://www."}),
        ("https://www.mercadolivre.com.br/fone/p/MLB40000001", {"url_prefix": "https://x.example/"}),
        ("www.mercadolivre.com.br/fone/p/MLB40000001?to=https://x.example", {}),
    ],
)
def test_an_address_of_the_state_may_lack_its_beginning(
    url: str, context: dict[str, str], market: MercadoLivre
) -> None:
    assert addressed(market, {"url": url}, **context).url.startswith("https://www.mercadolivre.com.br/fone/p/MLB4")


def test_a_path_of_the_state_is_one_of_the_pages_host(market: MercadoLivre) -> None:
    assert addressed(market, {"url": "/fone/p/MLB40000001"}).catalogue_id == "MLB40000001"


# --- Where the pages of each kind keep their cards, and how these are drawn ---

SHORTENED = A.state() | {
    "metadata": {"url": "loja.example/fone/p/MLB40000001"},
    "pictures": {"pictures": [{"id": "123-MLA456"}]},
}
DRAWN = {"url_prefix": "https://", "picture_template": "https://pictures.example/{id}.webp"}


def offers_page(*items: object, **more: Any) -> str:
    state = {"appProps": {"pageProps": {"data": {"items": list(items), **more}}}}
    return f'<script id="__PRELOADED_STATE__" type="application/json">{json.dumps(state)}</script>'


def search(*results: object, **more: Any) -> str:
    return in_state({"initialState": {"results": list(results), **more}})


@pytest.mark.parametrize(
    "page",
    [
        offers_page({"card": SHORTENED}, polycardContext=DRAWN),
        search({"polycard": SHORTENED}, polycard_context=DRAWN),
        in_state({"recommendations": {"polycards": [SHORTENED], "polycard_context": DRAWN}}),
        profile(shared(polycard_context=DRAWN), {"tabs": [{"polycards": [SHORTENED]}]}),
        profile({"tabs": [{"polycards": [SHORTENED], "polycardContext": DRAWN}]}),
        profile({"tabs": [{"polycards": [SHORTENED], "polycard_context": DRAWN}]}),
    ],
)
def test_cards_are_drawn_as_their_own_page_says(page: str, market: MercadoLivre) -> None:
    [offer] = read(market, page, PROFILE).offers
    assert (offer.external_id, offer.image_url) == ("MLB40000001", "https://pictures.example/123-MLA456.webp")


NO_CARDS: list[dict[str, Any]] = [
    {"metadata": {"id": "MLB1"}},
    {"components": []},
    {"metadata": [], "components": []},
    {"metadata": {}, "components": {}},
]


@pytest.mark.parametrize("other", [*NO_CARDS, None, "card"])
def test_a_list_that_holds_something_else_is_not_an_empty_one(other: object, market: MercadoLivre) -> None:
    pages = (
        offers_page({"card": other}),
        search({"polycard": other}),
        search({"id": "BANNER"}),
        profile({"tabs": [{"polycards": [other]}]}),
    )
    for page in pages:
        with pytest.raises(PageChanged):
            read(market, page, PROFILE)


def test_what_is_no_card_stands_among_cards_and_is_passed_over(market: MercadoLivre) -> None:
    others = [*NO_CARDS, None, "card"]
    cards = [*others, A.state(), *others, B.state(), *others]
    for page in (
        offers_page("banner", *({"card": card} for card in cards)),
        search("banner", *({"polycard": card} for card in cards)),
        in_state({"recommendations": {"polycards": cards}}),
        profile({"tabs": [{"polycards": cards}]}),
    ):
        reading = read(market, page, PROFILE)
        assert [offer.item_id for offer in reading.offers] == ["MLB100000001", "MLB100000002"]
        assert reading.unreadable == ()


def test_an_empty_list_is_an_empty_listing(market: MercadoLivre) -> None:
    for page in (offers_page(), search(), in_state({"recommendations": {"polycards": []}})):
        reading = read(market, page)
        assert (reading.offers, reading.strategy) == ((), "state")


@pytest.mark.parametrize(
    ("pagination", "address"),
    [
        ({"next_page": {"url": "https://lista.mercadolivre.com.br/fone_Desde_49"}}, "fone_Desde_49"),
        ({"next_page": {"url": "https://lista.mercadolivre.com.br/fone_Desde_49", "show": True}}, "fone_Desde_49"),
        ({"next_page": {"url": "https://lista.mercadolivre.com.br/fone_Desde_49", "show": False}}, None),
        ({"next_page": {"url": 49}}, None),
        ({"next_page": None}, None),
        (None, None),
    ],
)
def test_a_search_tells_its_next_page(pagination: object, address: str | None, market: MercadoLivre) -> None:
    following = read(market, search({"polycard": A.state()}, pagination=pagination)).next_page
    assert following == (address and f"https://lista.mercadolivre.com.br/{address}")


def test_a_listing_is_found_in_whichever_state_holds_it(market: MercadoLivre) -> None:
    page = in_state({"other": 1}) + search({"polycard": A.state()}) + search({"polycard": B.state()})
    assert [offer.item_id for offer in read(market, page).offers] == ["MLB100000001"]


def test_a_listing_without_end_is_cut_off(market: MercadoLivre) -> None:
    page = search(*[{"polycard": A.state()}] * (MOST_CARDS + 50))
    assert len(read(market, page).offers) == MOST_CARDS


def test_cards_of_the_hub_come_from_its_first_brick_of_them(market: MercadoLivre) -> None:
    later = {"id": "recommendations_card", "data": {"recommendations": {"polycards": [B.state()]}}}
    empty = {"id": "recommendations_card", "data": {"recommendations": None}}
    nested = {"id": "row", "bricks": ["x", {"id": "cell", "bricks": [empty, BRICK]}]}
    for bricks in (
        [nested, {"id": "row", "bricks": [{"id": "cell", "bricks": [later]}]}],
        [BRICK, later],
        [empty, BRICK],
    ):
        assert [offer.item_id for offer in read(market, in_state({"bricks": bricks})).offers] == ["MLB100000001"]
    for others in (None, {"recommendations_card": BRICK}, "x"):
        page = in_state({"bricks": others, "recommendations": HUB})
        assert [offer.item_id for offer in read(market, page).offers] == ["MLB100000001"]


def test_a_profile_shows_its_tabs_and_carousels_in_their_order(market: MercadoLivre) -> None:
    cards = [ACard(item_id=f"MLB10000000{n}", title=f"Fone {n}") for n in range(6)]
    one, two, three, four, five, six = ({"polycards": [card.state()]} for card in cards)
    tabs = [
        {"id": 1, "content": [{"x": None, "carousel": one}, "x", [two]], "more": three},
        "no tab",
        {"id": 2, "content": {"deep": [{"deeper": four}]}},
    ]
    page = profile({"type": "header"}, {"tabs": tabs}, {"tabs": None}, {"tabs": [five, six]})
    assert sources(market, page) == [(card.item_id, "listing") for card in cards]


def test_no_product_of_a_profile_is_told_apart_that_is_no_card(market: MercadoLivre) -> None:
    link = {"recommendation_data": {"recommendation_info": {"polycards": [{"new": 1}]}}}
    assert sources(market, profile(shared(), shared(A))) == [("MLB100000001", "listing")]
    with pytest.raises(PageChanged):
        sources(market, profile(link))


# --- What one card of the state says ---


def test_a_card_of_the_state_without_a_currency_is_sold_in_that_of_its_country(market: MercadoLivre) -> None:
    for item_id, currency in (("MLA100000001", "ARS"), ("MLB100000001", "BRL")):
        state = ACard(item_id=item_id).state()
        del state["components"][1]["price"]["current_price"]["currency"]
        assert offer_of(market, state).currency == currency


@pytest.mark.parametrize(
    ("price", "why"),
    [
        (None, "no price"),
        ([], "no price"),
        ({}, "no price"),
        ({"current_price": {"currency": "BRL"}}, "no price"),
        ({"current_price": {"value": 0}}, "zero is no price"),
        ({"current_price": {"value": "1.290"}}, "'1.290' is a text, not a number"),
        ({"current_price": {"value": -5}}, "below zero"),
    ],
)
def test_why_a_card_of_the_state_cannot_be_read_is_said(price: object, why: str, market: MercadoLivre) -> None:
    state = A.state()
    state["components"][1] = {"type": "price", "price": price}
    [(place, reason)] = read(market, listing(states=[B.state(), state])).unreadable
    assert place == 2
    assert why in reason


def test_a_card_of_the_state_needs_title_and_id(market: MercadoLivre) -> None:
    nameless = A.state()
    del nameless["components"][0]
    unknown = A.state() | {"metadata": {"url": "https://www.mercadolivre.com.br/ofertas"}}
    reading = read(market, listing(states=[nameless, unknown, B.state()]))
    assert reading.unreadable == ((1, "no title"), (2, "no id"))


def test_what_stands_beside_a_price_of_the_hub_makes_it_no_silence(market: MercadoLivre) -> None:
    beside = changed(A.state(), installments={"text": "12x"})
    for state, condition in ((A.state(), None), (beside, "any")):
        [offer] = read(market, in_state({"recommendations": {"polycards": [state]}})).offers
        assert offer.price_condition == condition


def test_a_label_tells_the_previous_price_where_the_price_does_not(market: MercadoLivre) -> None:
    labels = [{"key": "previous_price", "price": {"value": 150, "currency": "BRL"}}]
    assert offer_of(market, changed(A.state(), price_labels=labels)).old_price_cents == 15000
    assert offer_of(market, changed(ACard(old=12000).state(), price_labels=labels)).old_price_cents == 12000
    for other in ({"key": "price", "price": {"value": 150}}, {"key": "x", "price": {"value": 150, "previous": False}}):
        assert offer_of(market, changed(A.state(), price_labels=[other])).old_price_cents is None


# --- What the page makes of its cards ---

PAGER = '<li class="andes-pagination__button andes-pagination__button--next{classes}"><a href="{href}"{more}>></a></li>'


def next_page(market: MercadoLivre, href: str, *, classes: str = "", more: str = "", url: str = LISTING) -> str | None:
    page = listing(html=A.html() + PAGER.format(href=href, classes=classes, more=more))
    return read(market, page, url).next_page


def test_the_pager_leads_to_the_next_page(market: MercadoLivre) -> None:
    there = "https://lista.mercadolivre.com.br/fone_Desde_49"
    for href in (there, "/fone_Desde_49", f" {there}#top "):
        assert next_page(market, href) == there
    assert next_page(market, "/fone_Desde_49", more=' data-andes-state="idle"') == there


def test_a_pager_that_is_switched_off_or_leads_to_the_page_itself_leads_nowhere(market: MercadoLivre) -> None:
    assert next_page(market, "/fone_Desde_49", classes=" andes-pagination__button--disabled") is None
    assert next_page(market, "/fone_Desde_49", more=' class="andes-pagination__link--disabled"') is None
    assert next_page(market, "/fone_Desde_49", more=' data-andes-state="disabled"') is None
    for href in ("", "#top", "/fone", f"{LISTING}#top"):
        assert next_page(market, href) is None
    assert next_page(market, "/fone", url=f"{LISTING}#position=3") is None


def test_a_listing_says_what_it_is_a_reading_of(market: MercadoLivre) -> None:
    reading = read(market, listing(html=A.html()))
    assert (reading.marketplace, reading.url, reading.strategy) == ("mercado_livre", LISTING, "dom")
    assert (reading.currency, [offer.source for offer in reading.offers]) == ("BRL", ["listing"])


@pytest.mark.parametrize(
    ("url", "currency"), [(LISTING, "BRL"), ("https://listado.mercadolibre.com.ar/fone", "ARS"), ("", "BRL")]
)
def test_an_empty_listing_has_the_currency_of_its_country(url: str, currency: str, market: MercadoLivre) -> None:
    assert read(market, "<html><h2>Não há resultados</h2></html>", url).currency == currency
    dollars = changed(A.state(), current_price={"value": 100, "currency": "USD"})
    assert read(market, listing(states=[dollars]), url).currency == "USD"


def test_a_listing_of_which_no_card_can_be_read_says_how_to_look_at_it(market: MercadoLivre) -> None:
    with pytest.raises(PageChanged, match="none of 2 cards can be read: no title") as caught:
        read(market, listing(html=ACard(title="").html() * 2), f"{LISTING}?q=1")
    assert caught.value.hint == f"offers explain {LISTING}"


def test_two_offers_by_one_title_are_two(market: MercadoLivre) -> None:
    other = ACard(item_id="MLB100000003", title=A.title, price=9000)
    page = listing(html=A.html() + other.html(), states=[A.state()])
    assert [offer.item_id for offer in read(market, page).offers] == ["MLB100000001", "MLB100000003"]


def test_a_lone_title_without_a_price_is_no_card(market: MercadoLivre) -> None:
    with pytest.raises(PageChanged):
        read(market, '<html><body><a class="poly-component__title" href="/x">Fone</a></body></html>')


def test_a_link_of_the_second_offer_is_not_the_cards(market: MercadoLivre) -> None:
    second = (
        '<div class="poly-component__buy-box"><a href="https://produto.mercadolivre.com.br/MLB-9-x-_JM">Outra</a></div>'
    )
    html = ACard(elements=second).html()
    assert shown_offer(market, html).item_id == "MLB100000001"
    assert unreadable(market, html.replace(f'href="{HREF}"', "")) == "no id"
    hidden = '<div class="buy-box"><input type="hidden" name="id" value="MLB9"></div>'
    assert shown_offer(market, ACard(elements=hidden).html()).item_id == "MLB100000001"


@pytest.mark.parametrize(
    ("url", "symbol"), [("https://listado.mercadolibre.com.ar/fone", "$"), (LISTING, "R$"), ("", "R$")]
)
def test_a_card_without_an_id_is_read_as_one_of_the_pages_country(url: str, symbol: str, market: MercadoLivre) -> None:
    html = ACard().html().replace(HREF, "/ofertas").replace(">R$<", f">{symbol}<")
    reading = read(market, listing(html=html, states=[B.state()]), url)
    assert reading.unreadable == ((2, "no id"),)


def test_a_saved_listing_is_of_the_address_that_it_tells_itself(market: MercadoLivre) -> None:
    page = listing(html=A.html())
    assert read(market, page, "").url == ""
    told = page.replace("<body>", f'<head><link rel="canonical" href="{LISTING}"></head><body>')
    assert read(market, told, "").url == LISTING
    assert read(market, told, PROFILE).url == PROFILE


def test_a_message_beside_the_cards_of_a_search_does_not_make_it_an_error_page(market: MercadoLivre) -> None:
    for message in ("Ocorreu um erro", "Esta página não existe"):
        assert len(read(market, listing(html=f"{A.html()}<h4>{message}</h4>")).offers) == 1

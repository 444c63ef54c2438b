"""By which payment a card's price holds, and what a card pays: from its elements, from its state, and from both."""

from __future__ import annotations

from typing import Any

import pytest
from reading.cards import ACard, amount, listing, read, read_each_way

from offers_cli.errors import PageChanged
from offers_cli.marketplaces.mercado_livre import MercadoLivre
from offers_cli.offer import DiscountKind, Offer, PriceCondition

PIX, CREDIT, ANY = PriceCondition.PIX, PriceCondition.CREDIT_LINE, PriceCondition.ANY
CUT, PAYMENT = DiscountKind.PRICE_CUT, DiscountKind.PAYMENT
FULL = "ou {price_total} em 10x {price} sem juros"
OTHER = "ou {price_total} em outros meios"


def paid(offer: Offer) -> tuple[PriceCondition | None, int | None, DiscountKind | None]:
    return offer.price_condition, offer.card_price_cents, offer.discount_kind


@pytest.mark.parametrize(
    ("card", "told"),
    [
        (ACard(label="10% OFF", old=11111), (ANY, None, CUT)),
        (ACard(phrase="12x {price}", amounts={"price": 990}), (ANY, None, None)),
        (ACard(), (ANY, None, None)),
        (
            ACard(old=15000, label="33% OFF no Pix", phrase=FULL, amounts={"price_total": 11000, "price": 1100}),
            (PIX, 11000, CUT),
        ),
        (
            ACard(old=11000, label="no Pix", phrase=OTHER, amounts={"price_total": 11000}),
            (PIX, 11000, PAYMENT),
        ),
        (
            ACard(old=11000, label="9% OFF", note="no Pix", phrase=OTHER, amounts={"price_total": 11000}),
            (PIX, 11000, PAYMENT),
        ),
        (ACard(old=20000, label="50% OFF no Crédito disponível"), (CREDIT, None, None)),
        (ACard(old=20000, label="50% OFF no Pix"), (PIX, None, None)),
        (ACard(old=20000, label="50% OFF", note="com Cupom"), (None, None, None)),
        (ACard(phrase=OTHER, amounts={"price_total": 11000}), (None, 11000, None)),
        (ACard(old=11000, phrase=OTHER, amounts={"price_total": 11000}), (None, 11000, PAYMENT)),
        (ACard(old=11000, phrase=OTHER, amounts={"price_total": 10000}), (ANY, None, CUT)),
        (ACard(old=11000, phrase=OTHER, amounts={"price_total": 9000}), (None, None, None)),
        (ACard(old=11000, label="no Pix ou no boleto"), (None, None, None)),
    ],
)
def test_a_card_tells_how_its_price_is_paid(card: ACard, told: tuple[Any, ...], market: MercadoLivre) -> None:
    offers = read_each_way(market, card)
    assert [paid(offer) for offer in offers] == [told] * 3
    assert {offer.price_cents for offer in offers} == {10000}


def test_instalments_are_facts_of_the_card(market: MercadoLivre) -> None:
    card = ACard(label="no Pix", phrase=FULL, amounts={"price_total": 11000, "price": 1100})
    wanted = {"installments_count": 10, "installment_cents": 1100, "interest_free": True}
    assert [offer.facts.known() for offer in read_each_way(market, card)] == [wanted] * 3
    bearing = ACard(phrase="12x {price}", amounts={"price": 1000})
    wanted = {"installments_count": 12, "installment_cents": 1000, "interest_free": False}
    assert [offer.facts.known() for offer in read_each_way(market, bearing)] == [wanted] * 3
    cut_off = ACard(phrase="10x {price}", amounts={"price": 1000})
    wanted = {"installments_count": 10, "installment_cents": 1000}
    assert [offer.facts.known() for offer in read_each_way(market, cut_off)] == [wanted] * 3


def both(market: MercadoLivre, shown: ACard, told: ACard) -> tuple[Any, ...]:
    [offer] = read(market, listing(html=shown.html(), states=[told.state()])).offers
    return paid(offer)


PIX_CARD = ACard(old=15000, label="33% OFF no Pix", phrase=OTHER, amounts={"price_total": 11000})
PLAIN = ACard(old=15000, label="33% OFF")


def test_a_condition_that_is_named_beats_one_that_is_not(market: MercadoLivre) -> None:
    assert both(market, PIX_CARD, PLAIN) == both(market, PLAIN, PIX_CARD) == (PIX, 11000, CUT)
    assert both(market, ACard(label="no Pix"), ACard(note="com Cupom"))[0] is PIX


def test_conditions_that_differ_or_are_not_known_are_none(market: MercadoLivre) -> None:
    assert both(market, ACard(label="no Pix"), ACard(label="no Crédito disponível"))[0] is None
    assert both(market, ACard(note="com Cupom"), PLAIN)[0] is None
    assert both(market, PLAIN, ACard(note="com Cupom"))[0] is None


def test_card_prices_that_differ_are_none(market: MercadoLivre) -> None:
    other = ACard(old=15000, label="33% OFF no Pix", phrase=OTHER, amounts={"price_total": 12000})
    assert both(market, PIX_CARD, other) == (PIX, None, None)
    cut_off = ACard(old=15000, label="33% OFF no Pix", phrase=OTHER, amounts={"price_total": 11050})
    assert both(market, PIX_CARD, cut_off) == (PIX, 11050, CUT)


def test_the_state_alone_counts_where_the_shown_price_cannot_be_read(market: MercadoLivre) -> None:
    unreadable = PLAIN.html().replace("andes-money-amount__fraction", "x")
    unreadable = unreadable.replace("aria-label", "x").replace(">100<", ">cem<")
    [offer] = read(market, listing(html=unreadable, states=[PLAIN.state()])).offers
    assert paid(offer) == (ANY, None, CUT)


def test_silence_of_the_hub_is_no_answer(market: MercadoLivre) -> None:
    """The hub may cut off what stands beside a price; a label that it shows counts."""
    chip = {"type": "chip", "id": "affiliates_commission_chip", "chip": {"label": {"text": "GANHOS 12%"}}}
    shown = '<div class="poly-component__chip"><span>GANHOS 12%</span></div>'
    bare = ACard(components=[chip], elements=shown)
    for offer in read_each_way(market, bare):
        assert (offer.commission_pct, offer.price_condition) == (12, None)
    told = ACard(old=20000, label="50% OFF", components=[chip], elements=shown)
    assert [offer.price_condition for offer in read_each_way(market, told)] == [ANY] * 3


REBATES = (
    '<div class="poly-component__rebates"><span class="poly-rebates__pill">R$ 25 OFF BB VISA</span></div>'
    '<span class="price-tags">5% OFF Dinheiro no Mercado Pago</span>'
)


def test_a_rebate_of_a_bank_is_neither_condition_nor_coupon(market: MercadoLivre) -> None:
    rebate = {"type": "promotions", "promotions": [{"type": "rebate", "text": "R$ 25 OFF BB VISA"}]}
    card = ACard(label="10% OFF", old=11111, components=[rebate], elements=REBATES)
    for offer in read_each_way(market, card):
        assert paid(offer) == (ANY, None, CUT)
        assert offer.facts.known() == {}


def refusal(market: MercadoLivre, page: str) -> str:
    with pytest.raises(PageChanged) as caught:
        read(market, page)
    return caught.value.message


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('<div class="poly-price__current">', '<span>A partir de</span><div class="poly-price__current">'),
        ('<div class="poly-price__current">', '<div class="poly-price__current">Desde '),
        ('<span class="poly-price__installments">', "<i>a partir de</i><span>"),
        ('<div class="poly-component__price">', '<b>Preço a partir de:</b> <div class="poly-component__price">'),
        ('<div class="poly-component__price">', 'a partir de <div class="poly-component__price">'),
        ("</div></div>", "</div><small>from</small></div>"),
    ],
)
def test_a_price_that_others_begin_at_is_refused(old: str, new: str, market: MercadoLivre) -> None:
    card = ACard()
    html = card.html().replace(old, new, 1)
    assert html != card.html()
    assert 'this is a "from" price' in refusal(market, listing(html=html))
    assert 'this is a "from" price' in refusal(market, listing(html=html, states=[card.state()]))


def test_words_elsewhere_on_a_card_do_not_make_it_a_from_price(market: MercadoLivre) -> None:
    title = "Vinho desde 1900 a partir de uvas"
    card = ACard(title=title, elements='<div class="poly-component__shipping">Frete grátis a partir de R$ 79</div>')
    assert len(read_each_way(market, card)) == 3
    coupon = '<div class="poly-component__coupons">a partir de R$ 9</div></div></div>'
    html = card.html().replace("</div></div>", f"</div>{coupon}", 1)
    assert len(read(market, listing(html=html)).offers) == 1


@pytest.mark.parametrize("place", ["prefix", "price_labels", "discount_label"])
def test_a_state_that_says_from_is_refused(place: str, market: MercadoLivre) -> None:
    state = ACard().state()
    state["components"][1]["price"][place] = {"text": "A partir de"}
    assert 'this is a "from" price' in refusal(market, listing(states=[state]))


def test_a_state_may_say_from_of_the_instalments(market: MercadoLivre) -> None:
    [offer] = read(market, listing(states=[ACard(phrase="a partir de 10x").state()])).offers
    assert (offer.price_cents, offer.facts.known()) == (10000, {})


@pytest.mark.parametrize("note", ["/ kg", "por kg", "cada", "por 100 g", "por m²", "a unidade"])
def test_a_price_per_unit_is_refused(note: str, market: MercadoLivre) -> None:
    card = ACard(note=note)
    assert "a price per unit" in refusal(market, listing(html=card.html()))
    assert "a price per unit" in refusal(market, listing(states=[card.state()]))


def test_what_a_unit_of_it_costs_is_not_the_price(market: MercadoLivre) -> None:
    unit = f'<span class="poly-price__unit-price">{amount(1290)} / kg</span></div>'
    html = ACard().html().replace("</div><span", f"{unit}<span", 1)
    assert [offer.price_cents for offer in read(market, listing(html=html)).offers] == [10000]


@pytest.mark.parametrize(
    "words", ["10x", "10x de", "em 10x", "12 x", "em", "ou", "18 meses sin intereses de", "6 cuotas de"]
)
def test_an_instalment_in_the_place_of_the_price_is_refused(words: str, market: MercadoLivre) -> None:
    html = (
        ACard().html().replace("poly-price__current", "x").replace('<span class="poly-price__installments">', "<span>")
    )
    assert [offer.price_cents for offer in read(market, listing(html=html)).offers] == [10000]
    html = html.replace('<div class="x">', f'<div class="x">{words} ')
    assert "an instalment stands where the price should" in refusal(market, listing(html=html))


@pytest.mark.parametrize("words", ["Esgotado", "Produto indisponível", "sem estoque", "Agotado", "Sin stock."])
def test_a_card_that_is_sold_out_makes_no_offer(words: str, market: MercadoLivre) -> None:
    gone = ACard(elements=f"<span>{words}</span>", components=[{"type": "highlight", "highlight": {"text": words}}])
    other = ACard(item_id="MLB100000002")
    for page in (
        listing(html=gone.html() + other.html()),
        listing(states=[gone.state(), other.state()]),
        listing(html=gone.html() + other.html(), states=[ACard().state(), other.state()]),
    ):
        reading = read(market, page)
        assert [offer.item_id for offer in reading.offers] == ["MLB100000002"]
        assert reading.unreadable == ((1, "sold out"),)


def test_a_title_that_names_what_is_sold_out_is_no_word_about_the_card(market: MercadoLivre) -> None:
    assert len(read_each_way(market, ACard(title="Adesivo Esgotado"))) == 3


def test_a_price_that_the_state_writes_as_text_is_refused(market: MercadoLivre) -> None:
    state = ACard().state()
    state["components"][1]["price"]["current_price"]["value"] = "1.290"
    assert "is a text, not a number" in refusal(market, listing(states=[state]))


def test_a_price_takes_the_currency_of_its_own_amount(market: MercadoLivre) -> None:
    """Not that of another amount in its box."""
    html = ACard().html().replace('<span class="poly-price__installments">', f"<i>{amount(50, symbol='US$')}</i><span>")
    [offer] = read(market, listing(html=html)).offers
    assert (offer.price_cents, offer.currency) == (10000, "BRL")


def test_the_last_card_of_a_page_that_was_cut_off_is_left_out(market: MercadoLivre) -> None:
    """A price that lost its last figures looks like a whole one."""
    page = listing(html=ACard().html() + ACard(item_id="MLB100000002").html())
    cut_off = page[: page.rindex("<span")]
    reading = read(market, cut_off)
    assert [offer.item_id for offer in reading.offers] == ["MLB100000001"]
    assert reading.unreadable == ((2, "the page is cut off"),)
    assert len(read(market, page.replace("</html>", "</HTML>")).offers) == 2
    assert len(read(market, cut_off.replace("<html>", "")).offers) == 2
    again = read(market, f"{page}{cut_off}")
    assert again.unreadable == ((4, "the page is cut off"),)


@pytest.mark.parametrize(
    "unit",
    [
        "/kg",
        "por quilo",
        "cada kilo",
        "o g",
        "a grama",
        "por gramas",
        "el ml",
        "la l",
        "por litro",
        "por metro",
        "/m",
        "por m2",
        "/ un",
        "por unidad",
        "por peça",
        "por peca",
        "por pieza",
        "por par",
        "por 12 unidade",
    ],
)
def test_each_unit_makes_a_price_per_unit(unit: str, market: MercadoLivre) -> None:
    assert "a price per unit" in refusal(market, listing(states=[ACard(note=unit).state()]))


@pytest.mark.parametrize("note", ["por Pix", "o melhor preço", "com garantia"])
def test_other_notes_make_no_price_per_unit(note: str, market: MercadoLivre) -> None:
    assert len(read(market, listing(states=[ACard(note=note).state()])).offers) == 1


@pytest.mark.parametrize(
    "unit", ["meses de", "cuotas de", "parcelas de", "mensualidades de", "x de", "x", " x", "meses sin intereses de"]
)
def test_each_word_before_an_instalment_refuses_it_as_a_price(unit: str, market: MercadoLivre) -> None:
    html = ACard().html().replace('<div class="poly-price__current">', f'<div class="poly-price__current">6 {unit} ')
    assert "an instalment stands" in refusal(market, listing(html=html))


@pytest.mark.parametrize("words", ["o", "en", "Por", "Preço", "Só"])
def test_words_before_a_price(words: str, market: MercadoLivre) -> None:
    html = ACard().html().replace('<div class="poly-price__current">', f'<div class="poly-price__current">{words} ')
    if words in {"o", "en"}:
        assert "an instalment stands" in refusal(market, listing(html=html))
    else:
        assert len(read(market, listing(html=html)).offers) == 1


@pytest.mark.parametrize(
    "words", ["A partir de", "Desde:", "from", "Preço a partir de", "Precos desde", "valor a partir de"]
)
def test_each_wording_right_before_a_box_makes_a_from_price(words: str, market: MercadoLivre) -> None:
    html = (
        ACard()
        .html()
        .replace('<div class="poly-component__price">', f'<p>{words}</p><div class="poly-component__price">')
    )
    assert "from" in refusal(market, listing(html=html))


@pytest.mark.parametrize(
    "words",
    [
        "Esgotado",
        "esgotada",
        "Indisponível",
        "Indisponivel",
        "Sem estoque",
        "Agotada",
        "agotado",
        "Sin stock",
        "No disponible",
        "Item esgotado",
        "Artículo agotado",
        "Articulo agotado",
        "Produto esgotado!",
    ],
)
def test_each_wording_says_that_a_card_is_sold_out(words: str, market: MercadoLivre) -> None:
    page = listing(html=ACard(elements=f"<p> {words} </p>").html() + ACard(item_id="MLB100000002").html())
    assert read(market, page).unreadable == ((1, "sold out"),)


@pytest.mark.parametrize(
    "words", ["Esgotado em 2 lojas", "Quase esgotado", "Últimas unidades", "Disponível em 4 cores"]
)
def test_other_words_say_nothing_of_the_sort(words: str, market: MercadoLivre) -> None:
    assert len(read(market, listing(html=ACard(elements=f"<p>{words}</p>").html())).offers) == 1


@pytest.mark.parametrize(
    "words",
    [
        "Não há anúncios",
        "Nao há produtos",
        "não encontramos resultados",
        "Nenhum resultado",
        "nenhum anúncio",
        "nenhum anuncio",
        "No hay publicaciones",
        "no hay resultados",
        "no hay productos",
        "No encontramos publicaciones",
        "no encontramos resultados",
        "no encontramos productos",
        "não encontramos anúncios",
        "Não há resultados",
        "Não encontramos produtos",
        "Aún no ha recomendado nada",
        "Zé ainda não recomendou produtos",
        "aun no recomendó",
    ],
)
def test_each_wording_says_that_a_listing_is_empty(words: str, market: MercadoLivre) -> None:
    assert read(market, f"<html><h2>{words}</h2></html>").offers == ()

"""The texts of cards and pages, and the facts that they tell of an offer."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offers_cli.marketplaces.mercado_livre import facts
from offers_cli.marketplaces.mercado_livre.payment import Payment
from offers_cli.offer import Facts


def test_instalments_are_carried_over() -> None:
    paid = Payment(card_price_cents=9, installments_count=3, installment_cents=2, interest_free=False)
    assert facts.instalments(paid).known() == {
        "installments_count": 3,
        "installment_cents": 2,
        "interest_free": False,
    }


@pytest.mark.parametrize(
    ("texts", "note"),
    [
        (["Frete grátis"], None),
        (["Envío gratis"], None),
        (["Chegará grátis amanhã"], None),
        (["Llega gratis  mañana"], None),
        (["Chegará grátis entre 3 e 5/dez"], None),
        (["Chegará amanhã", "Frete grátis"], None),
        (["Frete grátis por ser sua primeira compra"], "por ser sua primeira compra"),
        (["Frete grátis", None, "por ser sua primeira compra"], "por ser sua primeira compra"),
        (["Frete grátis", "acima de R$ 79"], "acima de R$ 79"),
    ],
)
def test_shipping_is_free_where_the_words_say_so(texts: list[str | None], note: str | None) -> None:
    assert facts.shipping(texts) == Facts(free_shipping=True, free_shipping_note=note)


def test_the_condition_that_a_page_sets_beside_the_promise_is_kept_with_it() -> None:
    told = facts.shipping(["Frete grátis", "na sua conta"], "só para  assinantes")
    assert told == Facts(free_shipping=True, free_shipping_note="só para assinantes")
    assert facts.shipping(["Frete R$ 10"], "por ser sua primeira compra") == Facts()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Chegará amanhã",
        "Devolução grátis",
        "Frete",
        "Frete grátis acima de R$ 79",
        "Frete grátis a partir de 2 unidades",
        "Frete grátis no carrinho",
        "Frete grátis com Meli+",
        "Ganhe frete grátis",
        "Frete gratisíssimo",
    ],
)
def test_shipping_that_is_free_for_others_is_no_fact(text: str) -> None:
    assert facts.shipping([text]) == Facts()


@pytest.mark.parametrize("name", ["vpp_full_icon", "full_icon", "Enviado pelo FULL", "FULL", "#poly_full"])
def test_the_warehouse_is_known_by_its_icon(name: str) -> None:
    assert facts.full([None, 7, "x", name]) == Facts(full=True)


@pytest.mark.parametrize("names", [[], ["fulfillment"], ["poly_fuller"], ["careful"], [None]])
def test_other_icons_are_not_the_warehouse(names: list[object]) -> None:
    assert facts.full(names) == Facts()


@pytest.mark.parametrize(
    ("told", "hundredths"),
    [
        (4.8, 480),
        (5, 500),
        ("4,9", 490),
        (" 4.25 ", 425),
        ("1.0", 100),
    ],
)
def test_a_rating_is_kept_in_hundredths(told: object, hundredths: int) -> None:
    assert facts.rating(told) == Facts(rating_hundredths=hundredths)


@pytest.mark.parametrize(
    "told", [None, 0, 0.0, "0", "0.9", 5.1, 6, "48", "4.8.1", True, False, [], "4.8 de 10", "", float("nan"), -4]
)
def test_what_is_no_number_of_stars_is_no_rating(told: object) -> None:
    assert facts.rating(told) == Facts()


@pytest.mark.parametrize(
    ("told", "count"),
    [
        (348, 348),
        (0, 0),
        ("(348)", 348),
        ("(3.170 avaliações)", 3170),
        ("(23,212 calificaciones)", 23212),
        ("1 avaliação", 1),
        ("12 opiniones", 12),
        ("1.234.567", 1234567),
    ],
)
def test_reviews_are_counted(told: object, count: int) -> None:
    assert facts.reviews(told) == Facts(reviews=count)


@pytest.mark.parametrize("told", [None, "", "+1000", "muitas", "3.17", "(348", "4.8 (348)", True, 3.5, [3]])
def test_what_is_no_count_is_no_number_of_reviews(told: object) -> None:
    expected = Facts(reviews=348) if told == "(348" else Facts()
    assert facts.reviews(told) == expected


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("Classificação 4.8 de 5 estrelas. Mais de 1000 produtos vendidos.", (480, None, 1000)),
        ("Avaliação 4,9 de 5. (348 avaliações)", (490, 348, None)),
        ("Calificación 4.8 de 5 (23,212 calificaciones)", (480, 23212, None)),
        ("4.8 | +1000 vendidos", (480, None, 1000)),
        ("5.0 | 1 vendido", (500, None, 1)),
        ("4.8|+5 vendidos", (480, None, 5)),
        ("4.9 (348)", (490, 348, None)),
        ("4.9(348) | +10mil vendidos", (490, 348, 10_000)),
        ("4.7", (470, None, None)),
        ("1 vendido", (None, None, 1)),
        ("1.5mil vendidos", (None, None, 1500)),
        ("4.8 de 10", (None, None, None)),
        ("Avaliação 4,9 de 50", (None, None, None)),
        (None, (None, None, None)),
    ],
)
def test_one_line_tells_stars_reviews_and_what_was_sold(text: str | None, told: tuple[int | None, ...]) -> None:
    line = facts.reviewed(text)
    assert (line.rating_hundredths, line.reviews, line.sold_at_least) == told


@pytest.mark.parametrize(
    ("text", "least"),
    [
        ("| +10mil vendidos", 10_000),
        ("+1000 vendidos", 1000),
        ("+1.000 vendidos", 1000),
        ("1 vendido", 1),
        ("Novo  |  +10mil vendidos", 10_000),
        ("Nuevo | +500 vendidos", 500),
        ("Mais de 250mil produtos vendidos.", 250_000),
        ("Classificação 4.3 de 5 estrelas. Mais de 50mil produtos vendidos.", 50_000),
        ("+1,5mil vendidos", 1500),
        ("+1.5 mil vendidas", 1500),
        ("+1mi vendidos", 1_000_000),
        ("+2 milhões de vendidos", 2_000_000),
        ("+1.000mil vendidos", 1_000_000),
    ],
)
def test_what_was_sold_is_counted_at_least(text: str, least: int) -> None:
    assert facts.sold(text) == Facts(sold_at_least=least)


@pytest.mark.parametrize(
    "text", [None, "", "Novo", "vendidos", "0 vendidos", "4.8", "5 vendidos, 6 vendidos", "10 vendedores"]
)
def test_no_single_count_tells_nothing_of_what_was_sold(text: str | None) -> None:
    assert facts.sold(text) == Facts()


@pytest.mark.parametrize(
    ("text", "marks", "told"),
    [
        ("Por adidas", [], {"seller": "adidas"}),
        ("Por 2Eletro", ["Loja oficial"], {"seller": "2Eletro", "official_store": True}),
        ("Por NUVITU", ["Tienda oficial"], {"seller": "NUVITU", "official_store": True}),
        ("Mercado Livre", ["icon_cockade"], {"seller": "Mercado Livre", "official_store": True}),
        ("Loja oficial Samsung", [], {"seller": "Samsung", "official_store": True}),
        ("Vendido por  Loja   do Zé", [None, 3], {"seller": "Loja do Zé"}),
        ("Portal das Ofertas", [], {"seller": "Portal das Ofertas"}),
        (None, ["Loja oficial"], {"official_store": True}),
        (" ", [], {}),
        ("Por ", [], {}),
    ],
)
def test_a_seller_is_named_without_the_words_around(
    text: str | None, marks: list[object], told: dict[str, Any]
) -> None:
    assert facts.seller(text, marks).known() == told


def test_a_badge_may_end() -> None:
    assert facts.badge("MAIS  VENDIDO") == Facts(badge="MAIS VENDIDO")
    ending = facts.badge("OFERTA RELÂMPAGO", "2026-06-17T03:00:00Z")
    assert ending == Facts(badge="OFERTA RELÂMPAGO", badge_until="2026-06-17T03:00:00Z")
    assert facts.badge("X", "2026-06-17T00:00:00-03:00").badge_until == "2026-06-17T03:00:00Z"
    assert facts.badge(None, "2026-06-17T03:00:00Z") == Facts()


@pytest.mark.parametrize("until", [None, 5, "", "amanhã", "2026-06-17T03:00:00", "0001-01-01T00:00:00+14:00"])
def test_an_end_that_is_no_moment_is_not_told(until: object) -> None:
    assert facts.badge("X", until) == Facts(badge="X")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("Cupom R$ 30 OFF", {"coupon_cents": 3000}),
        ("R$ 30,50 OFF com Cupom", {"coupon_cents": 3050}),
        ("Cupom 5% OFF", {"coupon_pct": 5}),
        ("10% OFF. Compra mínima R$ 259", {"coupon_pct": 10, "coupon_min_cents": 25900}),
        ("Cupom R$ 20 OFF em compras acima de R$ 100", {"coupon_cents": 2000, "coupon_min_cents": 10000}),
        ("Cupom 10% OFF até R$ 50", {"coupon_pct": 10}),
        ("Cupom R$ 1.200 OFF", {"coupon_cents": 120000}),
        ("Cupom até 20% OFF", {}),
        ("Cupom R$ 30 OFF ou R$ 20 OFF", {}),
        ("Cupom R$ 30 ou 5% OFF", {}),
        ("Cupom 5% ou 10% OFF", {}),
        ("Cupom R$ 1,200 OFF", {}),
        ("Cupom US$ 30 OFF", {}),
    ],
)
def test_a_coupon_takes_off_one_amount_or_one_percentage(text: str, told: dict[str, int]) -> None:
    assert facts.coupon(text, "BRL").known() == {"coupon_label": text, **told}


def test_no_text_is_no_coupon_and_no_brand() -> None:
    assert facts.coupon(None, "BRL") == facts.coupon("Cupom OFF", "BRL") == facts.brand(None) == Facts()
    assert facts.brand(" ADIDAS\n") == Facts(brand="ADIDAS")


def test_a_long_text_is_cut() -> None:
    assert facts.clean("x" * 201) == "x" * 200
    assert facts.clean("x" * 200) == "x" * 200


@given(st.text(max_size=60))
def test_no_text_breaks_a_reader(text: str) -> None:
    for told in (
        facts.shipping([text], text),
        facts.full([text]),
        facts.rating(text),
        facts.reviews(text),
        facts.reviewed(text),
        facts.seller(text, [text]),
        facts.badge(text, text),
        facts.coupon(text, "BRL"),
    ):
        assert isinstance(told, Facts)


@pytest.mark.parametrize(
    "words",
    [
        "frete grátis",
        "envío gratis",
        "envio gratis",
        "entrega grátis",
        "chega grátis",
        "chegará grátis",
        "chegara gratis",
        "llega gratis",
        "llegará gratis",
        "llegara gratis",
        "receba grátis",
        "recibe gratis",
        "recibelo gratis",
        "frete grátis!",
    ],
)
def test_free_shipping_is_known_in_each_wording(words: str) -> None:
    assert facts.shipping([words.capitalize()]) == Facts(free_shipping=True)


@pytest.mark.parametrize(
    "limit",
    [
        "acima de 79",
        "abaixo",
        "a partir de 79",
        "desde 79",
        "mínimo",
        "minimo",
        "na compra",
        "2 unidades",
        "no carrinho",
        "en tu carrito",
        "na assinatura",
        "con suscripción",
        "com cupom",
        "con cupón",
        "con cupon",
        "no Meli",
        "no clube",
        "retire hoje",
        "na agência",
        "na agencia",
        "79 $",
        "10%",
    ],
)
def test_each_limit_of_a_promise_takes_it_back(limit: str) -> None:
    assert facts.shipping([f"Frete grátis {limit}"]).free_shipping is None or "carrito" in limit


@pytest.mark.parametrize(
    "whom", ["por ser sua primeira compra", "por tu primera compra", "na sua conta", "en tu cuenta"]
)
def test_for_whom_shipping_is_free_is_known_in_each_wording(whom: str) -> None:
    wanted = Facts(free_shipping=True, free_shipping_note=whom)
    assert facts.shipping([f"Frete grátis {whom}"]) == facts.shipping(["Frete grátis", whom]) == wanted


@pytest.mark.parametrize(
    "what",
    [
        "avaliações",
        "avaliação",
        "avaliaçoes",
        "avaliacões",
        "opiniões",
        "opinião",
        "opiniones",
        "opinión",
        "calificaciones",
        "calificación",
    ],
)
def test_reviews_are_known_by_each_name(what: str) -> None:
    told = facts.reviews(f"12 {what}")
    assert told == (Facts() if what == "avaliaçoes" else Facts(reviews=12))


@pytest.mark.parametrize(
    "word", ["Avaliação", "Avaliacao", "Classificação", "Classificacao", "Calificación", "Calificacion"]
)
def test_stars_are_known_aloud_by_each_name(word: str) -> None:
    assert facts.reviewed(f"{word} 4,5 de 5") == Facts(rating_hundredths=450)


@pytest.mark.parametrize(
    ("text", "least"),
    [
        ("1 milhão de vendidos", 1_000_000),
        ("1 millón vendidos", 1_000_000),
        ("2 millones de vendidos", 2_000_000),
        ("2 millon vendidos", 2_000_000),
        ("+3M vendidos", 3_000_000),
        ("5 produtos vendidos", 5),
        ("5 productos vendidos", 5),
        ("5 produto vendido", 5),
        ("7 vendidas", 7),
        ("12.345 vendidos", 12345),
        ("1.25mil vendidos", 1250),
    ],
)
def test_what_was_sold_is_known_in_each_wording(text: str, least: int) -> None:
    assert facts.sold(text) == Facts(sold_at_least=least)


@pytest.mark.parametrize(
    "least",
    [
        "compra mínima R$ 50",
        "em compras acima de R$ 50",
        "na compra minima R$ 50",
        "pedido mínimo R$ 50",
        "acima de R$ 50",
        "a partir de R$ 50",
        "mínimo de R$ 50",
        "minimo R$ 50",
        "compras de R$ 50",
        "em compras a partir de R$ 50",
    ],
)
def test_the_least_purchase_is_known_in_each_wording(least: str) -> None:
    told = facts.coupon(f"Cupom R$ 9 OFF {least}", "BRL")
    assert (told.coupon_cents, told.coupon_min_cents) == (900, 5000)


@pytest.mark.parametrize("most", ["até", "ate", "hasta", "limite", "limite de", "máx.", "max.", "máximo", "maximo"])
def test_the_most_that_a_percentage_takes_off_is_known_in_each_wording(most: str) -> None:
    told = facts.coupon(f"Cupom 10% OFF {most} R$ 50", "BRL")
    assert (told.coupon_cents, told.coupon_pct) == (None, 10)


def test_of_two_least_purchases_none_is_told() -> None:
    told = facts.coupon("Cupom 5% OFF. Compra mínima R$ 50 ou R$ 60", "BRL")
    assert (told.coupon_pct, told.coupon_min_cents) == (5, None)
    assert facts.coupon("Cupom R$ 0,00 OFF", "BRL").coupon_cents is None


@pytest.mark.parametrize("start", ["Por", "Vendido por", "Vendido e entregue por", "POR"])
def test_a_seller_is_known_behind_each_wording(start: str) -> None:
    assert facts.seller(f"{start} Zé") == Facts(seller="Zé")

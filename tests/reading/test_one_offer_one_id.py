"""Cards of one offer have one id, whatever their links carry."""

from __future__ import annotations

from offers_cli.marketplaces.mercado_livre import MercadoLivre

CARD = (
    '<div class="poly-card"><a class="poly-component__title" href="{href}">Fone</a><div class="poly-component__price">'
    '<div class="poly-price__current"><span class="andes-money-amount"><span class="andes-money-amount__fraction">'
    "{price}</span></span></div></div></div>"
)
WWW = "https://www.mercadolivre.com.br/fone"


def ids_of(*cards: tuple[str, str]) -> list[str]:
    page = "<html><body>" + "".join(CARD.format(href=href, price=price) for href, price in cards) + "</body></html>"
    reading = MercadoLivre().read_listing(page, "https://www.mercadolivre.com.br/ofertas", source="ofertas")
    return [offer.external_id for offer in reading.offers]


def test_catalogue_user_product_and_item_links_of_one_offer() -> None:
    item = "https://produto.mercadolivre.com.br/MLB-999999999-fone-_JM"
    links = (
        f"{WWW}/p/MLB111111?pdp_filters=item_id%3AMLB999999999",
        f"{WWW}/p/MLB111111#polycard_client=x&wid=MLB999999999&sid=s",
        f"{WWW}/p/MLB111111",
        f"{WWW}/p/MLB111111?tracking_id=1",
        f"{WWW}/up/MLBU222222#wid=MLB999999999",
        item,
        f"{item}?searchVariation=12#position=3",
    )
    assert set(ids_of(*((link, "1.234") for link in links))) == {"MLB999999999"}


def test_another_price_or_two_sellers_are_not_taken_for_the_same_offer() -> None:
    one, other = f"{WWW}/p/MLB111111#wid=MLB999999999", f"{WWW}/p/MLB111111#wid=MLB888888888"
    hidden = f"{WWW}/p/MLB111111"
    assert ids_of((one, "10"), (hidden, "11"))[1] == "MLB111111"
    assert ids_of((one, "10"), (other, "10"), (hidden, "10"))[2] == "MLB111111"

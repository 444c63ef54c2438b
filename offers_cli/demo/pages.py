"""The pages that the shop serves: ``/ofertas`` in its three layouts, product pages in the shapes of 2024 and 2026.

A page shows its prices in its markup and holds them once more in embedded data (`embedded`), as the site's pages do.
"""

from __future__ import annotations

from dataclasses import dataclass

from offers_cli.demo import embedded
from offers_cli.demo.amounts import Era, amount, reais
from offers_cli.demo.catalogue import CatalogueOffer, PageShape, PriceTag
from offers_cli.demo.goods import (
    Decoy,
    ListedCard,
    ProductOnPage,
    discount_text,
    installment_cents,
    pix_text,
    reviews_text,
    shipping_text,
    sold_text,
    stars,
)
from offers_cli.demo.markup import NOTHING, Html, join, json_ld, nordic_context, preloaded_state, render, script_json

COUPON_FROM_CENTS = 25_900
"""The least purchase for a coupon, which the page alone tells."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListingPart:
    """One page of a listing.

    Attributes:
        page_urls: the addresses of all pages, in order.
        index: which of them this is, from 0.
        total: offers on all pages together.
    """

    offers: tuple[CatalogueOffer, ...]
    page_urls: tuple[str, ...]
    index: int
    total: int

    @property
    def next_url(self) -> str | None:
        return self.page_urls[self.index + 1] if self.index + 1 < len(self.page_urls) else None


def ofertas_html(part: ListingPart, base_url: str) -> str:
    """A page of ``/ofertas``; the layouts take turns: state of 2026, no state, state of 2025."""
    cards = [ListedCard(offer=offer, base_url=base_url, client="offers") for offer in part.offers]
    layout = part.index % 3
    data = embedded.ofertas_data(cards, base_url, offset=part.index * len(part.offers), total=part.total)
    script = NOTHING
    if layout == 0:
        script = nordic_context({"data": data, "siteId": "MLB", "apiBasePath": "/ofertas/api"})
    elif layout == 2:
        script = preloaded_state({"siteId": "MLB", "data": data})
    era = Era.Y2024 if layout == 2 else Era.Y2026
    shown = join(*(card_html(card, era) for card in cards))
    body = render("listing.html", "ofertas", cards=shown, pager=pager_html(part))
    return render("listing.html", "page", title="Ofertas", url=f"{base_url}/ofertas", body=body, scripts=script)


def card_html(card: ListedCard, era: Era, *, layout: str = "grid-card") -> Html:
    """The card as a reader's browser shows it."""
    offer, prices = card.offer, card.offer.listed
    old, discount = prices.old_price_cents, discount_text(offer, prices)
    card_price = NOTHING
    if prices.card_price_cents:
        shown = amount(prices.card_price_cents, era, classes="poly-phrase-price", small=True)
        card_price = render("listing.html", "card_price", amount=shown)
    return render(
        "listing.html",
        "card",
        layout=layout,
        title=offer.title,
        image=card.picture_url,
        link=card.link,
        previous=_previous(prices, era, small=True),
        current=amount(prices.price_cents, era, label="Agora:" if old else ""),
        discount=render("listing.html", "discount", text=discount) if discount else NOTHING,
        card_price=card_price,
        installments=offer.installments,
        each=amount(installment_cents(offer, prices), era, classes="poly-phrase-price", small=True),
        coupon=render("listing.html", "coupon", text=offer.facts.coupon_label) if offer.facts.coupon_label else NOTHING,
        badge=render("listing.html", "badge", text=offer.facts.badge) if offer.facts.badge else NOTHING,
        seller=offer.facts.seller,
        cockade=render("listing.html", "cockade") if offer.facts.official_store else NOTHING,
        stars=stars(offer),
        reviews=offer.facts.reviews,
        reviews_said=reviews_text(offer),
        shipping=shipping_text(offer),
        full=render("listing.html", "full") if offer.facts.full else NOTHING,
        advert=render("listing.html", "advert") if card.sponsored else NOTHING,
    )


def pager_html(part: ListingPart) -> Html:
    """The pager; before the first page there is a disabled link that leads nowhere, as on the site."""
    if len(part.page_urls) < 2:
        return NOTHING
    if part.index:
        back = _pager_button("back", part.page_urls[part.index - 1], "Anterior")
    else:
        nowhere = part.page_urls[0].replace("page=1", "page=0")
        back = _pager_button("back andes-pagination__button--disabled", nowhere, "Anterior")
    numbers = [
        render(
            "listing.html",
            "page_number",
            current=" andes-pagination__button--current" if index == part.index else "",
            url=url,
            number=index + 1,
        )
        for index, url in enumerate(part.page_urls)
    ]
    following = _pager_button("next", part.next_url, "Seguinte") if part.next_url else NOTHING
    return render("listing.html", "pager", buttons=join(back, *numbers, following))


def _pager_button(kind: str, url: str, title: str) -> Html:
    return render("listing.html", "pager_button", kind=kind, url=url, title=title)


def product_html(offer: CatalogueOffer, base_url: str) -> str:
    """The page of one offer."""
    product = ProductOnPage(offer, base_url)
    era = Era.Y2024 if product.is_2024 else Era.Y2026
    schemas = (
        embedded.product_schema(product),
        embedded.breadcrumb_schema(product),
        {"@type": "Table", "about": "Características"},
    )
    stock = render("product.html", "out_of_stock", text=product.unavailable_text)
    form = NOTHING  # out of stock there is none, and with it goes the item id
    if product.in_stock:
        verb = "Comprar" if product.is_2024 else "Comprar agora"
        stock = render("product.html", "in_stock")
        form = render("product.html", "form", item_id=offer.item_id, verb=verb)
    coupon = NOTHING
    if offer.facts.coupon_label:
        least = _part(amount(COUPON_FROM_CENTS, era, small=True), era)
        coupon = render("product.html", "coupon", text=offer.facts.coupon_label, amount=least)
    sellers = [_other_seller(seller, era) for seller in product.other_sellers]
    return render(
        "product.html",
        "page",
        title=offer.title,
        shared_title=f"{offer.title} - {reais(product.shown.price_cents)}" if product.shown else offer.title,
        url=product.url,
        badge=render("product.html", "badge", text=offer.facts.badge) if offer.facts.badge else NOTHING,
        full=render("product.html", "full") if offer.facts.full else NOTHING,
        sold=sold_text(offer),
        stars=stars(offer),
        reviews=offer.facts.reviews,
        reviews_said=reviews_text(offer),
        shipping=shipping_text(offer),
        seller=offer.facts.seller,
        store=render("product.html", "official_store") if offer.facts.official_store else NOTHING,
        schemas=join(*map(json_ld, schemas)),
        recommended=join(*(_recommended(decoy, era, base_url) for decoy in product.recommended)),
        price=_price(product, product.shown, era) if product.shown else NOTHING,
        stock=stock,
        form=form,
        coupon=coupon,
        other_sellers=render("product.html", "other_sellers", rows=join(*sellers)) if sellers else NOTHING,
        state=_state(product),
    )


def _recommended(decoy: Decoy, era: Era, base_url: str) -> Html:
    """A card that comes before the page's own price, with a struck price of its own."""
    return render(
        "product.html",
        "recommended",
        link=f"{base_url}/p/{decoy.item_id}",
        title=decoy.title,
        previous=_previous(decoy.prices, era),
        current=amount(decoy.prices.price_cents, era, label="Agora:"),
    )


def _price(product: ProductOnPage, prices: PriceTag, era: Era) -> Html:
    """The page's own price block; the second amount is the card price, where the first is the Pix price."""
    previous = _previous(prices, era, classes="ui-pdp-price__part ui-pdp-price__original-value ")
    own = amount(prices.price_cents, era, classes="ui-pdp-price__part", own=True)
    pix, label, note, discount = pix_text(product.offer), NOTHING, NOTHING, NOTHING
    if prices.label_pct:
        label = render("product.html", "discount_label", pct=prices.label_pct)
    if pix:
        note = render("product.html", "discount_note", text=pix)
    if label or note:
        discount = render("product.html", "discount", label=label, note=note)
    card_price = NOTHING
    if prices.card_price_cents:
        shown = _part(amount(prices.card_price_cents, era, small=True), era)
        card_price = render("product.html", "card_price", amount=shown)
    return render(
        "product.html",
        "price",
        previous=_part(previous, era) if previous else NOTHING,
        second_line=render("product.html", f"second_line_{era}", current=_part(own, era), discount=discount),
        card_price=card_price,
        installments=product.offer.installments,
        each=_part(amount(installment_cents(product.offer, prices), era, small=True), era),
        payments_url=f"{product.base_url}/noindex/services/{product.offer.item_id}/payments?new_version=true",
    )


def _part(node: Html, era: Era) -> Html:
    return render("product.html", f"part_{era}", amount=node)


def _previous(prices: PriceTag, era: Era, *, classes: str = "", small: bool = False) -> Html:
    if prices.old_price_cents is None:
        return NOTHING
    classes += "andes-money-amount--previous"
    return amount(prices.old_price_cents, era, classes=classes, label="Antes:", tag="s", small=small)


def _other_seller(seller: Decoy, era: Era) -> Html:
    return render(
        "product.html",
        "other_seller",
        previous=_previous(seller.prices, era, classes="ui-pdp-price__part ui-pdp-price__original-value "),
        current=amount(seller.prices.price_cents, era),
        item_id=seller.item_id,
    )


def _state(product: ProductOnPage) -> Html:
    shape = product.offer.shape
    if shape is PageShape.BOT_2026:
        return nordic_context(None, bot=True)
    state = embedded.product_state(product)
    if shape is PageShape.STATE_2024:
        return preloaded_state({"translations": {}, "siteId": "MLB", "initialState": state})
    push = render("scripts.html", "tag_manager", push=script_json(embedded.tag_manager_push(product)))
    return join(nordic_context({"initialState": state}), push)

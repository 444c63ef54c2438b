"""Listing cards ("polycards"), as embedded state and as markup; both tell the same."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import Any
from urllib.parse import quote, urlsplit

from offers_cli.demo.amounts import Era, amount, state_value
from offers_cli.demo.catalogue import CatalogueOffer, Prices, UrlKind

PIX_TEXTS = ("no Pix", "no Pix ou Saldo no Mercado\u202fPago")


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """One offer's place in one listing.

    Attributes:
        client: which listing, as its links call it: ``offers``, ``search-nordic``, ``affiliates``.
        sponsored: paid for: the link goes over the click counter and hides which product it is.
    """

    offer: CatalogueOffer
    base_url: str
    client: str
    sponsored: bool = False

    @property
    def address(self) -> str:
        """The link without query and fragment, and without scheme, as embedded state holds it."""
        path = "/mclics/clicks/external/MLB/count" if self.sponsored else self.offer.path
        return urlsplit(self.base_url).netloc + path

    @property
    def params(self) -> str:
        if self.sponsored:
            return f"?a={quote(click_token(self.offer), safe='')}"
        pin = "deal%3AMLB779362-1" if self.client == "offers" else f"item_id%3A{self.offer.item_id}"
        return f"?pdp_filters={pin}" if self.offer.url_kind is UrlKind.CATALOGUE else ""

    @property
    def fragment(self) -> str:
        if self.sponsored:
            return f"#polycard_client={self.client}&is_advertising=true&type=pad"
        return f"#polycard_client={self.client}&position={self.offer.position + 1}&wid={self.offer.item_id}"

    @property
    def link(self) -> str:
        return f"{urlsplit(self.base_url).scheme}://{self.address}{self.params}{self.fragment}"


def click_token(offer: CatalogueOffer) -> str:
    """What the click counter is told: opaque to the reader, known to the shop."""
    return f"{offer.position * 7919 + 104729:x}/Zx+"


def clicked_position(token: str) -> int | None:
    """The offer's position behind a click token, or None for a token the shop never made."""
    try:
        number = int(token.partition("/")[0], 16) - 104729
    except ValueError:
        return None
    return number // 7919 if number >= 0 and number % 7919 == 0 else None


def picture_id(offer: CatalogueOffer) -> str:
    return f"{100_000 + offer.position}-MLA{offer.item_id.removeprefix('MLB')}_012026"


def pix_text(offer: CatalogueOffer) -> str:
    """What stands after the discount where the price is a Pix price; one variant holds a narrow no-break space."""
    return PIX_TEXTS[offer.position % 2] if offer.page.card_price_cents else ""


def discount_text(offer: CatalogueOffer, prices: Prices) -> str:
    """The label beside the price: ``43% OFF no Pix``, ``43% OFF``, ``no Pix`` or nothing."""
    off = f"{prices.label_pct}% OFF" if prices.label_pct else ""
    return f"{off} {pix_text(offer)}".strip()


def installment_cents(offer: CatalogueOffer, prices: Prices) -> int:
    return (prices.card_price_cents or prices.price_cents) // offer.installments


def polycard_context(base_url: str, client: str) -> dict[str, Any]:
    return {
        "contract_version": "1.0.0",
        "picture_template": f"{base_url}/D_{{square}}_NP{{2x}}_{{id}}-{{size}}{{sanitized_title}}.webp",
        "picture_size_default": "AB",
        "url_prefix": f"{urlsplit(base_url).scheme}://",
        "type": "grid-card",
        "thousand_separator": ".",
        "decimal_separator": ",",
        "picture_square_default": "Q",
        "url_fragments_default": f"#polycard_client={client}",
    }


def card_state(card: Card) -> dict[str, Any]:
    """The card as embedded state holds it."""
    offer = card.offer
    metadata = {
        "id": offer.item_id,
        "product_id": offer.catalogue_id,
        "user_product_id": offer.user_product_id,
        "url": card.address,
        "url_params": card.params,
        "url_fragments": card.fragment,
        "card_type": "grid-card",
        "is_pad": "true" if card.sponsored else "false",
    }
    return {
        "unique_id": f"{offer.position:x}19bde5f8a35",
        "metadata": {key: value for key, value in metadata.items() if value is not None},
        "pictures": {"scale": "FILL", "pictures": [{"id": picture_id(offer)}], "square": "Q", "alt_text": "Imagem"},
        "components": [
            {"type": "title", "id": "title", "title": {"text": offer.title, "long_title": False, "title_tag": "h3"}},
            {"type": "price", "id": "price", "price": _price_state(offer)},
            *_coupon_state(offer),
            {"type": "shipping", "id": "shipping", "shipping": {"text": "Frete grátis"}},
        ],
    }


def _price_state(offer: CatalogueOffer) -> dict[str, Any]:
    prices = offer.listed
    state: dict[str, Any] = {}
    if prices.old_price_cents:
        state["previous_price"] = {"value": state_value(prices.old_price_cents), "currency": "BRL"}
    state["current_price"] = {
        "value": state_value(prices.price_cents),
        "currency": "BRL",
        "decimal_style": "superscript",
    }
    if label := discount_text(offer, prices):
        state["discount_label"] = {"text": label}
    state["installments"] = _installments_state(offer, prices)
    return state


def _installments_state(offer: CatalogueOffer, prices: Prices) -> dict[str, Any]:
    each = {"key": "price", "type": "price", "price": {"value": installment_cents(offer, prices) / 100}}
    if not prices.card_price_cents:
        return {"text": f"{offer.installments}x {{price}} sem juros", "no_interest": True, "values": [each]}
    total = {"key": "price_total", "type": "price", "price": {"value": state_value(prices.card_price_cents)}}
    or_label = {"key": "o", "type": "label", "label": {"text": "ou"}}
    text = f"{{o}} {{price_total}} em {offer.installments}x {{price}} sem juros"
    return {"text": text, "no_interest": True, "values": [or_label, total, each]}


def _coupon_state(offer: CatalogueOffer) -> list[dict[str, Any]]:
    if not offer.coupon:
        return []
    return [{"type": "promotions", "id": "promotions", "promotions": [{"type": "coupon", "text": offer.coupon}]}]


def card_html(card: Card, era: Era, *, layout: str = "grid-card") -> str:
    """The card as a reader's browser shows it."""
    offer, title = card.offer, escape(card.offer.title)
    image = f"{card.base_url}/D_Q_NP_2X_{picture_id(offer)}-AB.webp"
    return (
        f'<div class="andes-card poly-card poly-card--{layout} poly-card--xlarge">'
        f'<div class="poly-card__portada"><img class="poly-component__picture" src="{image}" alt="{title}"></div>'
        '<div class="poly-card__content"><h3 class="poly-component__title-wrapper">'
        f'<a href="{escape(card.link)}" target="_self" class="poly-component__title">{title}</a></h3>'
        f"{_price_html(offer, era)}{_coupon_html(offer)}"
        '<div class="poly-component__shipping"><span>Frete grátis</span></div>'
        f"{_ad_html(card)}</div></div>"
    )


def _price_html(offer: CatalogueOffer, era: Era) -> str:
    prices = offer.listed
    old = prices.old_price_cents
    previous = (
        amount(old, era, classes="andes-money-amount--previous", label="Antes:", tag="s", small=True) if old else ""
    )
    label = discount_text(offer, prices)
    discount = f'<span class="poly-price__disc_label andes-money-amount__discount">{label}</span>' if label else ""
    return (
        f'<div class="poly-component__price">{previous}<div class="poly-price__current">'
        f"{amount(prices.price_cents, era, label='Agora:' if old else '')}{discount}</div>"
        f"{_installments_html(offer, prices, era)}</div>"
    )


def _installments_html(offer: CatalogueOffer, prices: Prices, era: Era) -> str:
    each = amount(installment_cents(offer, prices), era, classes="poly-phrase-price", small=True)
    total = ""
    if prices.card_price_cents:
        total = f"ou {amount(prices.card_price_cents, era, classes='poly-phrase-price', small=True)} em "
    return f'<span class="poly-price__installments">{total}{offer.installments}x {each} sem juros</span>'


def _coupon_html(offer: CatalogueOffer) -> str:
    if not offer.coupon:
        return ""
    return f'<div class="poly-component__coupons"><span class="poly-coupons__pill">{offer.coupon}</span></div>'


def _ad_html(card: Card) -> str:
    if not card.sponsored:
        return ""
    return '<div class="poly-footer"><a class="poly-component__ads-promotions" aria-label="Patrocinado">Ad</a></div>'

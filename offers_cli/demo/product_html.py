"""Product pages as a browser gets them, in the shapes of 2024 and 2026."""

from __future__ import annotations

from html import escape

from offers_cli.demo.amounts import Era, amount, reais
from offers_cli.demo.catalogue import PageShape, Prices
from offers_cli.demo.polycards import installment_cents, pix_text
from offers_cli.demo.product import Decoy, Product
from offers_cli.demo.product_state import breadcrumb_schema, initial_state, product_schema, tag_manager_push
from offers_cli.demo.scripts import json_ld, nordic_context, nordic_flags, preloaded_state, script_json

END = "</body></html>"
"""What follows the page and its filler."""


def product_html(product: Product) -> str:
    """The page up to its filler and `END`."""
    era = Era.Y2024 if product.is_2024 else Era.Y2026
    return (
        f'<!DOCTYPE html><html lang="pt-BR">{_head(product)}<body>{_recommendations(product, era)}'
        f'<main class="ui-pdp-container">{_header(product)}{_price(product, era)}{_stock(product)}{_form(product)}'
        f"{_coupon(product, era)}</main>{_other_sellers(product, era)}{_state(product)}"
    )


def _head(product: Product) -> str:
    title = escape(product.offer.title)
    shared = f"{title} - {reais(product.shown.price_cents)}" if product.shown else title
    schemas = (product_schema(product), breadcrumb_schema(product), {"@type": "Table", "about": "Características"})
    return (
        f'<head><meta charset="utf-8"><title>{title} | Frete grátis</title>'
        f'<link rel="canonical" href="{product.url}"><meta property="og:title" content="{shared}">'
        f'<meta property="og:url" content="{product.url}">{"".join(map(json_ld, schemas))}</head>'
    )


def _recommendations(product: Product, era: Era) -> str:
    """Cards that come before the page's own price, with struck prices of their own."""
    cards = "".join(_recommendation(product, decoy, era) for decoy in product.recommended)
    return f'<section class="ui-recommendations">{cards}</section>'


def _recommendation(product: Product, decoy: Decoy, era: Era) -> str:
    link = f"{product.base_url}/p/{decoy.item_id}"
    return (
        '<div class="poly-card poly-card--grid-card poly-card--large recos-polycard"><div class="poly-card__content">'
        f'<a href="{link}" class="poly-component__title">{decoy.title}</a><div class="poly-component__price">'
        f'{_previous(decoy.prices, era, classes="")}<div class="poly-price__current">'
        f"{amount(decoy.prices.price_cents, era, label='Agora:')}"
        '<span class="poly-price__disc_label andes-money-amount__discount">50% OFF</span></div></div></div></div>'
    )


def _header(product: Product) -> str:
    return (
        '<div class="ui-pdp-header"><span class="ui-pdp-subtitle">Novo  |  +500 vendidos</span>'
        f'<h1 class="ui-pdp-title">{escape(product.offer.title)}</h1></div>'
    )


def _price(product: Product, era: Era) -> str:
    """The page's own price block; none where the product is out of stock or the page is broken."""
    prices = product.shown
    if prices is None:
        return ""
    second_line = (
        f'<div class="ui-pdp-price__second-line">{_part(_own_amount(prices, era), era)}'
        f"{_discount(prices, pix_text(product.offer))}</div>"
    )
    if era is Era.Y2026:
        second_line = f'<div class="ui-pdp-price__price-breakdown-inline">{second_line}</div>'
    previous = _previous(prices, era, classes="ui-pdp-price__part ui-pdp-price__original-value ")
    return (
        '<div class="ui-pdp-price mt-16 ui-pdp-price--size-large"><div class="ui-pdp-price__main-container">'
        f"{_part(previous, era) if previous else ''}{second_line}{_installments(product, prices, era)}</div>"
        f"{_payments_link(product)}</div>"
    )


def _part(node: str, era: Era) -> str:
    css = ' class="ui-pdp-price__part__container"' if era is Era.Y2026 else ""
    return f'<span data-testid="price-part"{css}>{node}</span>'


def _own_amount(prices: Prices, era: Era) -> str:
    return amount(prices.price_cents, era, classes="ui-pdp-price__part", own=True)


def _previous(prices: Prices, era: Era, *, classes: str) -> str:
    if prices.old_price_cents is None:
        return ""
    classes += "andes-money-amount--previous"
    return amount(prices.old_price_cents, era, classes=classes, label="Antes:", tag="s")


def _discount(prices: Prices, pix: str) -> str:
    label = f'<span class="andes-money-amount__discount">{prices.label_pct}% OFF</span>' if prices.label_pct else ""
    note = f'<span class="ui-pdp-price__second-line__text">{pix}</span>' if pix else ""
    return f'<span class="ui-pdp-price__second-line__label">{label}{note}</span>' if label or note else ""


def _installments(product: Product, prices: Prices, era: Era) -> str:
    """The second amount: the card price, where the first is the Pix price; then the installments."""
    total = ""
    if prices.card_price_cents:
        total = f"<span>ou</span> {_part(amount(prices.card_price_cents, era, small=True), era)} <span>em</span> "
    each = _part(amount(installment_cents(product.offer, prices), era, small=True), era)
    return (
        '<div class="ui-pdp-price__subtitles"><p id="pricing_price_subtitle">'
        f"{total}<span>{product.offer.installments}x </span>{each}<span> sem juros</span></p></div>"
    )


def _payments_link(product: Product) -> str:
    address = f"{product.base_url}/noindex/services/{product.offer.item_id}/payments?new_version=true"
    return f'<a id="ui-pdp-price__payments-link" href="{address}">Ver os meios de pagamento</a>'


def _stock(product: Product) -> str:
    if product.in_stock:
        return '<p class="ui-pdp-stock-information__title">Estoque disponível</p>'
    return (
        '<div class="ui-pdp-message ui-pdp-shipping-message andes-message--caution">'
        f'<div class="andes-message__text">{product.unavailable_text}</div></div>'
    )


def _form(product: Product) -> str:
    """The buy form; out of stock there is none, and with it goes the item id."""
    if not product.in_stock:
        return ""
    verb = "Comprar" if product.is_2024 else "Comprar agora"
    return (
        f'<form class="ui-pdp-buybox" method="get"><input type="hidden" name="item_id" value="{product.offer.item_id}">'
        f'<div class="ui-pdp-actions__container"><button type="submit">{verb}</button></div></form>'
    )


def _coupon(product: Product, era: Era) -> str:
    if not product.offer.coupon:
        return ""
    return (
        f'<label class="ui-vpp-coupons-awareness__checkbox-label"><span>{product.offer.coupon}. Compra mínima </span>'
        f"{_part(amount(25_900, era, small=True), era)}</label>"
    )


def _other_sellers(product: Product, era: Era) -> str:
    rows = "".join(_other_seller(seller, era) for seller in product.other_sellers)
    return f'<div class="ui-pdp-other-sellers"><ul>{rows}</ul></div>' if rows else ""


def _other_seller(seller: Decoy, era: Era) -> str:
    previous = _previous(seller.prices, era, classes="ui-pdp-price__part ui-pdp-price__original-value ")
    return (
        '<li class="ui-pdp-other-sellers-item"><div class="ui-pdp-price"><div class="ui-pdp-price__main-container">'
        f'{previous}<div class="ui-pdp-price__second-line">{amount(seller.prices.price_cents, era)}'
        '<span class="andes-money-amount__discount">50% OFF</span></div></div></div>'
        f'<form><input type="hidden" name="item_id" value="{seller.item_id}"><button>Comprar</button></form></li>'
    )


def _state(product: Product) -> str:
    shape = product.offer.shape
    if shape is PageShape.STATE_2024:
        return preloaded_state({"translations": {}, "siteId": "MLB", "initialState": initial_state(product)})
    context = {"flags": nordic_flags(bot=shape is PageShape.BOT_2026), "framework": "nordic"}
    if shape is PageShape.BOT_2026:
        return nordic_context(context)
    props = {"pageProps": {"initialState": initial_state(product)}}
    push = f'<script id="__GTM__">window.dataLayer.push({script_json(tag_manager_push(product))});</script>'
    return nordic_context({**context, "appProps": props}) + push

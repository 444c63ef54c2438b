"""The data that pages embed: the application's state, and JSON-LD. A key whose value is None is not there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from offers_cli.demo.amounts import state_value
from offers_cli.demo.catalogue import CatalogueOffer, PriceTag, UrlKind
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

_APPS = {UrlKind.CATALOGUE: "pdp", UrlKind.ITEM: "vip", UrlKind.USER_PRODUCT: "upp"}
_LAYOUTS = {**_APPS, UrlKind.ITEM: "vip-core"}


def ofertas_data(cards: Sequence[ListedCard], base_url: str, *, offset: int, total: int) -> dict[str, Any]:
    """What a page of ``/ofertas`` embeds."""
    return {
        "siteId": "MLB",
        "paging": {"limit": len(cards), "offset": offset, "total": total, "primaryResults": total},
        "items": [
            {"position": place, "type": "ORGANIC_ITEM", "card": card_state(card)} for place, card in enumerate(cards, 1)
        ],
        "polycardContext": polycard_context(base_url, "offers"),
    }


def polycard_context(base_url: str, client: str) -> dict[str, Any]:
    """What the cards of one listing have in common."""
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


def card_state(card: ListedCard) -> dict[str, Any]:
    """One card of a listing."""
    offer = card.offer
    coupon = {"type": "coupon", "text": offer.facts.coupon_label}
    promotions = [_component("promotions", [coupon])] if offer.facts.coupon_label else []
    badge = [_component("highlight", {"text": offer.facts.badge})] if offer.facts.badge else []
    return {
        "unique_id": f"{offer.position:x}19bde5f8a35",
        "metadata": {
            "id": offer.item_id,
            "product_id": offer.catalogue_id,
            "user_product_id": offer.user_product_id,
            "url": card.address,
            "url_params": card.params,
            "url_fragments": card.fragment,
            "card_type": "grid-card",
            "is_pad": "true" if card.sponsored else "false",
        },
        "pictures": {"scale": "FILL", "pictures": [{"id": card.picture_id}], "square": "Q", "alt_text": "Imagem"},
        "components": [
            *badge,
            _component("title", {"text": offer.title, "long_title": False, "title_tag": "h3"}),
            _component("seller", _seller(offer)),
            _component("reviews", _reviews(offer)),
            _component("price", _card_price(card)),
            *promotions,
            _component("shipping", _shipping(offer)),
        ],
    }


def _component(kind: str, content: object) -> dict[str, Any]:
    return {"type": kind, "id": kind, kind: content}


def _seller(offer: CatalogueOffer) -> dict[str, Any]:
    if not offer.facts.official_store:
        return {"text": f"Por {offer.facts.seller}"}
    cockade = {"key": "icon_cockade", "alt_text": "Loja oficial", "icon_id": "icon_cockade"}
    return {
        "text": f"Por {offer.facts.seller} {{icon_cockade}}",
        "values": [{"key": "icon_cockade", "type": "icon", "icon": cockade}],
    }


def _reviews(offer: CatalogueOffer) -> dict[str, Any]:
    return {"rating_average": float(stars(offer)), "total": offer.facts.reviews, "alt_text": reviews_text(offer)}


def _shipping(offer: CatalogueOffer) -> dict[str, Any]:
    icon = {"key": "vpp_full_icon", "alt_text": "Enviado pelo FULL", "icon_id": "vpp_full_icon"}
    return {"text": shipping_text(offer), "promise_type": "none", "icon": icon if offer.facts.full else None}


def _card_price(card: ListedCard) -> dict[str, Any]:
    offer, prices = card.offer, card.offer.listed
    old, label = prices.old_price_cents, discount_text(offer, prices)
    text = f"{offer.installments}x {{price}} sem juros"
    values = [{"key": "price", "type": "price", "price": {"value": installment_cents(offer, prices) / 100}}]
    if prices.card_price_cents:
        text = f"{{o}} {{price_total}} em {text}"
        total = {"value": state_value(prices.card_price_cents)}
        values = [
            {"key": "o", "type": "label", "label": {"text": "ou"}},
            {"key": "price_total", "type": "price", "price": total},
            *values,
        ]
    current = {"value": state_value(prices.price_cents), "currency": "BRL", "decimal_style": "superscript"}
    return {
        "previous_price": {"value": state_value(old), "currency": "BRL"} if old else None,
        "current_price": current,
        "discount_label": {"text": label} if label else None,
        "installments": {"text": text, "no_interest": True, "values": values},
    }


def product_state(product: ProductOnPage) -> dict[str, Any]:
    """A product page's own state; the same keys in 2024 and 2026."""
    offer = product.offer
    return {
        "id": offer.page_id,
        "app": _APPS[offer.url_kind],
        "layout": _LAYOUTS[offer.url_kind],
        "components": _components(product),
        "schema": [product_schema(product)],
        "siteId": "MLB",
        "thousandSeparator": ".",
        "decimalSeparator": ",",
        "no_active_item": not product.in_stock if product.is_item_page else None,
        "metadata": {"url_canonical": product.url} if product.is_item_page else None,
    }


def product_schema(product: ProductOnPage) -> dict[str, Any]:
    """The JSON-LD product: out of stock costs 0, and a broken page has no price."""
    offer, shown = product.offer, product.shown
    price = state_value(shown.price_cents) if shown else None
    shipping = {"shippingRate": {"value": 0, "currency": "BRL", "@type": "MonetaryAmount"}}
    scheme = "http" if product.is_2024 else "https"
    return {
        "name": offer.title,
        "offers": {
            "availability": f"{scheme}://schema.org/{'InStock' if product.in_stock else 'OutOfStock'}",
            "url": product.url,
            "@type": "Offer",
            "priceCurrency": "BRL",
            "priceValidUntil": "2026-12-31",
            "price": price if product.in_stock else 0,
            "shippingDetails": None if product.is_2024 else shipping,
        },
        "brand": offer.facts.brand,
        "aggregateRating": {
            "@type": "AggregateRating",
            "ratingValue": float(stars(offer)),
            "ratingCount": offer.facts.reviews,
            "reviewCount": offer.facts.reviews,
        },
        "sku": offer.page_id,
        "@context": "https://schema.org",
        "@type": "Product",
        "productID": offer.page_id,
    }


def breadcrumb_schema(product: ProductOnPage) -> dict[str, Any]:
    """The JSON-LD way to a product page."""
    crumbs = [("Ofertas", "ofertas"), (product.offer.facts.category, "categoria")]
    entries = [
        {"position": place, "item": {"name": name, "@id": f"{product.base_url}/{path}"}, "@type": "ListItem"}
        for place, (name, path) in enumerate(crumbs, 1)
    ]
    return {"@context": "https://schema.org", "@type": "BreadcrumbList", "itemListElement": entries}


def tag_manager_push(product: ProductOnPage) -> dict[str, Any]:
    """What 2026 pages hand to the tag manager; ``itemPrice`` is in dollars."""
    cents = product.shown.price_cents if product.shown else None
    return {
        "pageId": "PDP",
        "itemId": product.offer.item_id,
        "pageType": product.offer.url_kind.value,
        "localItemPrice": None if cents is None else cents / 100,
        "itemPrice": None if cents is None else round(cents / 540, 2),
    }


def _components(product: ProductOnPage) -> dict[str, Any]:
    offer, prices = product.offer, product.shown
    in_stock, is_item_page = _visibility(product.in_stock), product.is_item_page
    old = prices.old_price_cents if prices else None
    event = {
        "item_id": offer.item_id,
        "currency_id": "BRL",
        "catalog_product_id": offer.catalogue_id,
        "price": state_value(prices.price_cents) if prices else None,
        "original_price": state_value(old) if old else None,
        "free_shipping": bool(offer.facts.free_shipping),
        "logistic_type": "fulfillment" if offer.facts.full else "cross_docking",
        "reviews": {"rate": float(stars(offer)), "count": offer.facts.reviews},
    }
    no_stock = {"state": _visibility(not product.in_stock), "body": {"text": product.unavailable_text}}
    alternatives = {"state": "VISIBLE", "items": [_alternative(seller) for seller in product.other_sellers]}
    return {
        "header": {
            "title": offer.title,
            "subtitle": f"Novo  |  {sold_text(offer)}",
            "reviews": {"rating": float(stars(offer)), "amount": f"({offer.facts.reviews})"},
        },
        "price": {"id": "price", "type": "price", "state": in_stock, **(_price(product, prices) if prices else {})},
        "track": {"melidata_event": {"event_data": event}},
        "highlights": {
            "state": _visibility(offer.facts.badge is not None),
            "tag_action": {"label": {"text": offer.facts.badge}},
        },
        "shipping_summary": {"state": "VISIBLE", "title": {"text": shipping_text(offer)}},
        "stock_information": {"state": in_stock, "title": {"text": "Estoque disponível"}},
        "main_actions": {"state": in_stock, "actions": [{"label": {"text": "Comprar agora"}}]},
        "coupon_summary": {"state": "HIDDEN", "title": {"text": offer.facts.coupon_label or ""}},
        "no_stock_status": None if is_item_page else no_stock,
        "bbw_alternatives": None if is_item_page else alternatives,
        "metadata": None if is_item_page else {"state": "VISIBLE", "url_canonical": product.url},
    }


def _visibility(shown: bool) -> str:  # noqa: FBT001  the one question there is
    return "VISIBLE" if shown else "HIDDEN"


def _price(product: ProductOnPage, prices: PriceTag) -> dict[str, Any]:
    offer, card = product.offer, prices.card_price_cents
    text = f"{offer.installments}x {{price_installments}} sem juros"
    values = {
        "price_installments": {"type": "price", "value": installment_cents(offer, prices) / 100},
        "price_total": {"type": "price", "value": state_value(card)} if card else None,
    }
    text = f"ou {{price_total}} em {text}" if card else text
    event = {"item_id": offer.item_id, "is_cash_price": card is not None}
    return {
        **_price_and_label(prices, pix_text(offer)),
        "action": {"track": {"melidata_event": {"event_data": event}}},
        "subtitles": [{"id": "pricing_price_subtitle", "text": text, "values": values}],
        "price_tags": [{"text": "5% OFF Dinheiro no Mercado Pago"}],
    }


def _price_and_label(prices: PriceTag, condition: str = "") -> dict[str, Any]:
    old = prices.old_price_cents
    label = {"color": "GREEN", "value": prices.label_pct, "text": condition or None}
    return {
        "price": {
            "type": "price",
            "value": state_value(prices.price_cents),
            "original_value": state_value(old) if old else None,
            "currency_symbol": "R$",
            "currency_id": "BRL",
        },
        "discount_label": label if prices.label_pct else None,
    }


def _alternative(seller: Decoy) -> dict[str, Any]:
    return {"id": seller.item_id, "price": _price_and_label(seller.prices)}

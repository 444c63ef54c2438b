"""The data embedded in a product page: the application's state and the JSON-LD."""

from __future__ import annotations

from typing import Any

from offers_cli.demo.amounts import state_value
from offers_cli.demo.catalogue import Prices, UrlKind
from offers_cli.demo.polycards import installment_cents
from offers_cli.demo.product import Decoy, Product

_APPS = {UrlKind.CATALOGUE: "pdp", UrlKind.ITEM: "vip", UrlKind.USER_PRODUCT: "upp"}
_LAYOUTS = {UrlKind.CATALOGUE: "pdp", UrlKind.ITEM: "vip-core", UrlKind.USER_PRODUCT: "upp"}


def initial_state(product: Product) -> dict[str, Any]:
    """The page's own state; the same keys in 2024 and 2026."""
    offer = product.offer
    state: dict[str, Any] = {
        "id": offer.page_id,
        "app": _APPS[offer.url_kind],
        "layout": _LAYOUTS[offer.url_kind],
        "components": _components(product),
        "schema": [product_schema(product)],
        "siteId": "MLB",
        "thousandSeparator": ".",
        "decimalSeparator": ",",
    }
    if product.is_item_page:
        state["no_active_item"] = not product.in_stock
        state["metadata"] = {"url_canonical": product.url}
    return state


def product_schema(product: Product) -> dict[str, Any]:
    """The JSON-LD product: out of stock costs 0, and a broken page tells no price."""
    offer = product.offer
    year = "http" if product.is_2024 else "https"
    sale: dict[str, Any] = {
        "availability": f"{year}://schema.org/{'InStock' if product.in_stock else 'OutOfStock'}",
        "url": product.url,
        "@type": "Offer",
        "priceCurrency": "BRL",
        "priceValidUntil": "2026-12-31",
    }
    if not product.in_stock:
        sale["price"] = 0
    elif product.shown:
        sale["price"] = state_value(product.shown.price_cents)
    if not product.is_2024:
        sale["shippingDetails"] = {"shippingRate": {"value": 0, "currency": "BRL", "@type": "MonetaryAmount"}}
    return {
        "name": offer.title,
        "offers": sale,
        "brand": "Auriverde",
        "sku": offer.page_id,
        "@context": "https://schema.org",
        "@type": "Product",
        "productID": offer.page_id,
    }


def breadcrumb_schema(product: Product) -> dict[str, Any]:
    entry = {"position": 1, "item": {"name": "Ofertas", "@id": f"{product.base_url}/ofertas"}, "@type": "ListItem"}
    return {"@context": "https://schema.org", "@type": "BreadcrumbList", "itemListElement": [entry]}


def tag_manager_push(product: Product) -> dict[str, Any]:
    """What 2026 pages tell the tag manager; ``itemPrice`` is in dollars."""
    push: dict[str, Any] = {"pageId": "PDP", "itemId": product.offer.item_id, "pageType": product.offer.url_kind.value}
    if product.shown:
        push["localItemPrice"] = product.shown.price_cents / 100
        push["itemPrice"] = round(product.shown.price_cents / 540, 2)
    return push


def _components(product: Product) -> dict[str, Any]:
    offer = product.offer
    components = {
        "header": {"title": offer.title, "subtitle": "Novo  |  +500 vendidos"},
        "price": _price(product),
        "track": {"melidata_event": {"event_data": _event(product)}},
        "stock_information": {"state": _visible(product.in_stock), "title": {"text": "Estoque disponível"}},
        "main_actions": {"state": _visible(product.in_stock), "actions": [{"label": {"text": "Comprar agora"}}]},
        "coupon_summary": {"state": _visible(offer.coupon is not None), "title": {"text": offer.coupon or ""}},
    }
    if not product.is_item_page:
        components["no_stock_status"] = {
            "state": _visible(not product.in_stock),
            "body": {"text": product.unavailable_text},
        }
        components["bbw_alternatives"] = {"state": "VISIBLE", "items": [_alternative(s) for s in product.other_sellers]}
        components["metadata"] = {"state": "VISIBLE", "url_canonical": product.url}
    return components


def _visible(shown: bool) -> str:  # noqa: FBT001  the one question there is
    return "VISIBLE" if shown else "HIDDEN"


def _price(product: Product) -> dict[str, Any]:
    prices = product.shown
    if prices is None:
        return {"id": "price", "type": "price", "state": _visible(product.in_stock)}
    component = {"id": "price", "type": "price", "state": "VISIBLE", **_price_and_label(prices)}
    component["subtitles"] = [_subtitle(product, prices)]
    component["price_tags"] = [{"text": "5% OFF Dinheiro no Mercado Pago"}]
    return component


def _price_and_label(prices: Prices) -> dict[str, Any]:
    value: dict[str, Any] = {"type": "price", "value": state_value(prices.price_cents)}
    if prices.old_price_cents:
        value["original_value"] = state_value(prices.old_price_cents)
    value |= {"currency_symbol": "R$", "currency_id": "BRL"}
    label = {"discount_label": {"color": "GREEN", "value": prices.label_pct}} if prices.label_pct else {}
    return {"price": value, **label}


def _subtitle(product: Product, prices: Prices) -> dict[str, Any]:
    offer = product.offer
    values = {"price_installments": {"type": "price", "value": installment_cents(offer, prices) / 100}}
    text = f"{offer.installments}x {{price_installments}} sem juros"
    if prices.card_price_cents:
        values["price_total"] = {"type": "price", "value": state_value(prices.card_price_cents)}
        text = f"ou {{price_total}} em {text}"
    return {"id": "pricing_price_subtitle", "text": text, "values": values}


def _event(product: Product) -> dict[str, Any]:
    offer, prices = product.offer, product.shown
    event: dict[str, Any] = {"item_id": offer.item_id, "currency_id": "BRL"}
    if offer.catalogue_id:
        event["catalog_product_id"] = offer.catalogue_id
    if prices:
        event["price"] = state_value(prices.price_cents)
    if prices and prices.old_price_cents:
        event["original_price"] = state_value(prices.old_price_cents)
    return event


def _alternative(seller: Decoy) -> dict[str, Any]:
    return {"id": seller.item_id, "price": _price_and_label(seller.prices)}

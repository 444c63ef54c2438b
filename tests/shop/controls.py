"""The shop's controls over HTTP, for who runs it as a process of its own.

``POST /__control__/NAME`` with a JSON object calls the shop's method of that name with those arguments;
``GET /__control__/requests`` and ``GET /__control__/offers`` show what was asked and what is true.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from offers_cli.demo.catalogue import CatalogueOffer
from offers_cli.demo.json_bodies import json_response, read_json_object
from offers_cli.demo.server import ShopRequest, ShopResponse
from shop.shop import Shop
from shop.truth import failure_code, first_failure_code, is_available, listed_discount_pct

PREFIX = "/__control__/"


class ControlledShop(Shop):
    """A shop that its clients may change."""

    def make_response(self, request: ShopRequest) -> ShopResponse:
        return _control(self, request) if request.path.startswith(PREFIX) else super().make_response(request)


def _control(shop: Shop, request: ShopRequest) -> ShopResponse:
    """Do what the control request asks; 400 when it cannot be done, 404 for no such control."""
    name = request.path.removeprefix(PREFIX)
    if request.method == "GET":
        return _show(shop, name)
    action, arguments = _actions(shop).get(name), read_json_object(request.body)
    if action is None:
        return json_response({"error": f"no such control: {name}"}, status=404)
    if arguments is None:
        return json_response({"error": f"{name}: the arguments are no JSON object"}, status=400)
    try:
        result = action(**arguments)
    except (TypeError, ValueError, KeyError) as exc:
        return json_response({"error": f"{name}: {exc}"}, status=400)
    return json_response({"done": name, "result": result if isinstance(result, dict) else None})


def _actions(shop: Shop) -> Mapping[str, Callable[..., Any]]:
    return {
        action.__name__: action
        for action in (
            shop.wall,
            shop.fail,
            shop.set_latency,
            shop.rename_price_classes,
            shop.recover,
            shop.change_price,
            shop.log_in,
            shop.expire_session,
            shop.rotate_csrf,
            shop.relabel_links,
        )
    }


def _show(shop: Shop, name: str) -> ShopResponse:
    if name == "requests":
        return json_response([asdict(seen) for seen in shop.requests])
    if name == "offers":
        return json_response([_truth(shop, offer) for offer in shop.offers])
    return json_response({"error": f"nothing to show about: {name}"}, status=404)


def _truth(shop: Shop, offer: CatalogueOffer) -> dict[str, Any]:
    return asdict(offer) | {
        "url": shop.url + offer.path,
        "external_id": offer.external_id,
        "discount_pct": offer.page.discount_pct,
        "listed_discount_pct": listed_discount_pct(offer),
        "available": is_available(offer),
        "failure_code": failure_code(offer),
        "first_failure_code": first_failure_code(offer),
    }

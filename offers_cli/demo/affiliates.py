"""The affiliate's side of the shop: login wall, hub, the hub's own search call, link builder.

Paths, bodies and answers follow what is known of the site's undocumented interface.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from offers_cli.demo.catalogue import CatalogueOffer
from offers_cli.demo.embedded import polycard_context
from offers_cli.demo.hub_page import (
    affiliates_html,
    category_of,
    hub_card,
    hub_filters,
    hub_html,
    is_best_seller,
    tags_state,
)
from offers_cli.demo.inventory import Inventory
from offers_cli.demo.json_bodies import json_response, read_json_object
from offers_cli.demo.links import LinkBuilder
from offers_cli.demo.profile_page import profile_html
from offers_cli.demo.server import Body, ShopRequest, ShopResponse, not_found, page, redirect
from offers_cli.demo.sessions import Sessions, read_cookies

_FIRST_CARDS = 24
_MORE_CARDS = 18
_MOST_URLS = 50
_PREFIXES = ("/afiliados/", "/affiliate-program/", "/jms/", "/sec/", "/social/")


class Affiliates:
    """Answers the requests to the affiliate's account."""

    def __init__(self, *, inventory: Inventory, sessions: Sessions, links: LinkBuilder, base_url: str) -> None:
        self._inventory, self._sessions, self._links, self._base_url = inventory, sessions, links, base_url
        self._calls: dict[tuple[str, str], Callable[[dict[str, Any]], ShopResponse]] = {
            ("POST", "/affiliate-program/api/hub/search"): self._search,
            ("POST", "/affiliate-program/api/v2/affiliates/createLink"): self._create_links,
            ("POST", "/affiliate-program/api/v2/stripe/user/links"): self._share,
            ("GET", "/affiliate-program/api/v2/stripe/user/tags"): self._tags,
        }

    def owns(self, path: str) -> bool:
        return path.startswith(_PREFIXES)

    def answer(self, request: ShopRequest) -> ShopResponse:
        path = request.path.rstrip("/")
        if path.startswith(("/jms/", "/sec/", "/social/")):
            return self._public(path, request)
        if (call := self._calls.get((request.method, path))) is not None:
            return self._call(call, request)
        if path in {"/afiliados/hub", "/afiliados/linkbuilder"} and request.method in {"GET", "HEAD"}:
            return self._page(path, request)
        return not_found()

    def _public(self, path: str, request: ShopRequest) -> ShopResponse:
        if path.startswith("/jms/"):
            return page("<!DOCTYPE html><title>Mercado Livre</title><h1>Digite seu e-mail ou telefone</h1>")
        if path.startswith("/social/"):
            featured = self._links.featured(request.query.get("ref", ""))
            if featured:
                return page(profile_html(featured, self._inventory.offers[:4], self._base_url))
            return page("<!DOCTYPE html><title>Perfil</title><h1>Perfil social da loja de demonstração</h1>")
        target = self._links.follow(path.removeprefix("/sec/"))
        return redirect(target) if target else not_found()

    def _page(self, path: str, request: ShopRequest) -> ShopResponse:
        """A page of the account, with a fresh CSRF pair; the login for strangers."""
        if not self._sessions.is_live(_cookies(request)):
            go = quote(self._base_url + request.target, safe="")
            return redirect(f"{self._base_url}/jms/mlb/lgz/msl/login?platform_id=ml&go={go}")
        secret, token = self._sessions.issue_csrf()
        html = affiliates_html("<h1>Gerador de links</h1>", csrf_token=token)
        if path.endswith("/hub"):
            first = self._inventory.offers[:_FIRST_CARDS]
            html = hub_html(first, self._base_url, csrf_token=token, tags=self._links.tags)
        return page(html, headers=(("Set-Cookie", f"_csrf={secret}; Path=/; HttpOnly; SameSite=Lax"),))

    def _call(self, call: Callable[[dict[str, Any]], ShopResponse], request: ShopRequest) -> ShopResponse:
        """A call of the account's interface: session first, then CSRF, then the body."""
        cookies = _cookies(request)
        if not self._sessions.is_live(cookies):
            return json_response({"error": "unauthorized", "message": "invalid session"}, status=401)
        token = request.headers.get("x-csrf-token", "")
        if request.method == "POST" and not self._sessions.spend_csrf(cookies.get("_csrf", ""), token):
            return json_response({"code": "EBADCSRFTOKEN", "message": "invalid csrf token"}, status=403)
        body = read_json_object(request.body)
        return _bad_request() if body is None else call(body)

    def _search(self, body: dict[str, Any]) -> ShopResponse:
        """More cards of the hub, from an offset; an empty list at the end."""
        offset, filters = body.get("offset", 0), body.get("filters", [])
        if not isinstance(offset, int) or offset < 0 or not isinstance(filters, list):
            return _bad_request()
        found = [offer for offer in self._inventory.offers if all(_passes(offer, each) for each in filters)]
        cards = [hub_card(offer, self._base_url) for offer in found[offset : offset + _MORE_CARDS]]
        context = polycard_context(self._base_url, "affiliates")
        model = {"polycards": cards, "polycard_context": context}
        return json_response({"polycard_client_model": model, "filters": hub_filters()})

    def _create_links(self, body: dict[str, Any]) -> ShopResponse:
        """Links for many addresses; the items come back in another order than asked."""
        urls, tag = body.get("urls"), body.get("tag")
        if not isinstance(urls, list) or not isinstance(tag, str) or not all(isinstance(url, str) for url in urls):
            return _bad_request()
        if not 0 < len(urls) <= _MOST_URLS:
            return json_response({"message": f"1 to {_MOST_URLS} urls"}, status=400)
        items = [self._links.create(url, tag) for url in reversed(urls)]
        made = sum(item["created"] for item in items)
        totals = {"total_items": len(items), "total_success": made, "total_error": len(items) - made}
        return json_response({"status": 200, "urls": items, **totals})

    def _share(self, body: dict[str, Any]) -> ShopResponse:
        """One link, as the product page's toolbar asks for it: the JSON comes as base64 text."""
        item = self._links.create(str(body.get("url", "")), str(body.get("tag", "")))
        text = base64.b64encode(json.dumps(item).encode())
        return ShopResponse(body=Body(text), content_type="text/plain; charset=utf-8")

    def _tags(self, _: dict[str, Any]) -> ShopResponse:
        return json_response({"tags": tags_state(self._links.tags)})


def _bad_request() -> ShopResponse:
    return json_response({"message": "bad request"}, status=400)


def _cookies(request: ShopRequest) -> dict[str, str]:
    return read_cookies(request.headers.get("cookie", ""))


def _passes(offer: CatalogueOffer, wanted: Any) -> bool:
    """Whether an offer passes one filter of the hub; an unknown filter lets everything through."""
    name, value = (wanted.get("id"), wanted.get("value")) if isinstance(wanted, dict) else (None, None)
    if name == "category":
        return category_of(offer) == value
    if name == "extra_commission":
        return offer.extra_commission is value
    return is_best_seller(offer) is value if name == "best_seller" else True

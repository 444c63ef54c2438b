"""The demo shop: a small Mercado Livre on loopback: listings, product pages, troubles, an affiliate's account."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Hashable
from types import TracebackType
from typing import Self
from urllib.parse import quote

from offers_cli.demo.affiliates import Affiliates
from offers_cli.demo.catalogue import Behaviour, CatalogueOffer
from offers_cli.demo.inventory import Inventory, is_product_path
from offers_cli.demo.links import LinkBuilder
from offers_cli.demo.markup import render
from offers_cli.demo.pages import ListingPart, ofertas_html, product_html
from offers_cli.demo.server import Body, ShopRequest, ShopResponse, ShopServer, not_found, page, redirect, retry_after
from offers_cli.demo.sessions import Sessions

VERIFICATION = "/gz/account-verification"
LABEL = "demonstracao"
"""The affiliate's label, which links are made with."""
_WALL_ONCE_RETRY_S = 1.0


class DemoShop:
    """A running shop; use it in a ``with`` statement, or `start` and `close` it.

    Args:
        inventory: what it sells.
        page_size: cards on one listing page.
        slow_s: how long the page of a slow offer takes.
        tags: labels that exist in the affiliate's panel.
        csrf_uses: calls that one CSRF token is good for.
        port: 0 for a free one.
    """

    def __init__(
        self,
        inventory: Inventory,
        *,
        page_size: int = 16,
        slow_s: float = 1.5,
        tags: tuple[str, ...] = (LABEL,),
        csrf_uses: int = 50,
        port: int = 0,
    ) -> None:
        self.inventory = inventory
        self._page_size, self._slow_s = page_size, slow_s
        self._server = ShopServer(self.respond, port=port)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._sessions = Sessions(csrf_uses=csrf_uses)
        self._links = LinkBuilder(inventory, self.url, tags)
        self._affiliates = Affiliates(
            inventory=inventory, sessions=self._sessions, links=self._links, base_url=self.url
        )
        self._lock = threading.Lock()
        self._visited: set[str] = set()
        self._bodies: dict[Hashable, Body] = {}

    @property
    def url(self) -> str:
        """``http://127.0.0.1:PORT``."""
        return self._server.url

    @property
    def offers(self) -> tuple[CatalogueOffer, ...]:
        """The offers as they are now."""
        return self.inventory.offers

    def log_in(self) -> dict[str, str]:
        """Log the affiliate in; returns the cookies that a browser would hold, by name."""
        return self._sessions.log_in()

    def start(self) -> Self:
        self._thread.start()
        return self

    def close(self) -> None:
        """Stop serving and close every connection; closing twice does nothing."""
        if self._thread.is_alive():
            self._server.stop()
            self._thread.join()
        self._server.server_close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def respond(self, request: ShopRequest) -> ShopResponse:
        """The response to one request."""
        path = request.path
        if path.startswith(VERIFICATION):
            return self._verification_page(request)
        if self._affiliates.owns(path):
            return self._affiliates.answer(request)
        if request.method not in {"GET", "HEAD"}:
            return not_found()
        if path == "/robots.txt":
            return ShopResponse(body=Body(b"User-agent: *\nAllow: /\n"), content_type="text/plain")
        if path.rstrip("/") in {"", "/ofertas"}:
            return self._ofertas(request) if path != "/" else redirect(f"{self.url}/ofertas")
        return self._product(request) if is_product_path(path) else self.respond_elsewhere(request)

    def respond_elsewhere(self, request: ShopRequest) -> ShopResponse:  # noqa: ARG002  a larger shop looks at it
        """What stands at any other address: nothing."""
        return not_found()

    def body_of(self, key: Hashable, render_page: Callable[[], str]) -> Body:
        """The page of that key, made once."""
        if key not in self._bodies:
            self._bodies[key] = Body(render_page().encode())
        return self._bodies[key]

    def _ofertas(self, request: ShopRequest) -> ShopResponse:
        asked = request.query.get("page", "1")
        index = max(0, int(asked) - 1) if re.fullmatch(r"[0-9]{1,6}", asked) else 0
        pages = max(1, -(-len(self.offers) // self._page_size))
        if index >= pages:
            return self.respond_elsewhere(request)
        part = self.part_of(self.offers, [f"{self.url}/ofertas?page={n}" for n in range(1, pages + 1)], index)
        return ShopResponse(body=self.body_of(part, lambda: ofertas_html(part, self.url)))

    def part_of(self, offers: tuple[CatalogueOffer, ...], page_urls: list[str], index: int) -> ListingPart:
        """One page of a listing of those offers."""
        start = index * self._page_size
        shown = offers[start : start + self._page_size]
        return ListingPart(offers=shown, page_urls=tuple(page_urls), index=index, total=len(offers))

    def _product(self, request: ShopRequest) -> ShopResponse:
        offer = self.inventory.find(request.path)
        if offer is None or offer.behaviour is Behaviour.GONE_404:
            return not_found()
        if offer.behaviour is Behaviour.WALL_ONCE and self._is_first_visit(offer):
            return self.send_to_wall(request, retry_after_s=_WALL_ONCE_RETRY_S)
        if offer.behaviour is Behaviour.FLAKY_500 and self._is_first_visit(offer):
            return page(render("errors.html", "error"), status=500)
        if offer.behaviour is Behaviour.SLOW:
            self._server.closing.wait(self._slow_s)
        return ShopResponse(body=self.body_of(offer, lambda: product_html(offer, self.url)))

    def _is_first_visit(self, offer: CatalogueOffer) -> bool:
        """Whether nobody asked this before: of many askers at once exactly one hears yes."""
        with self._lock:
            is_first = offer.item_id not in self._visited
            self._visited.add(offer.item_id)
            return is_first

    def send_to_wall(self, request: ShopRequest, *, retry_after_s: float | None) -> ShopResponse:
        """Send the visitor away to the account verification."""
        wanted = quote(self.url + request.target, safe="")
        wait = "" if retry_after_s is None else f"&wait={round(retry_after_s)}"
        return redirect(f"{self.url}{VERIFICATION}?go={wanted}{wait}", headers=retry_after(retry_after_s))

    def _verification_page(self, request: ShopRequest) -> ShopResponse:
        wait = request.query.get("wait", "")
        html = render("errors.html", "account_verification", base_url=self.url, go=request.query.get("go", self.url))
        return page(html, headers=retry_after(float(wait) if wait.isdecimal() else None))

"""The shop of the tests and benchmarks: the demo's, with a search, and faults on demand."""

from __future__ import annotations

import re
import time
from base64 import b64decode
from collections import deque
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from urllib.parse import quote

from offers_cli.demo.catalogue import Catalogue, CatalogueOffer
from offers_cli.demo.inventory import is_product_path
from offers_cli.demo.markup import render
from offers_cli.demo.server import Body, ShopRequest, ShopResponse, not_found, page, redirect, retry_after
from offers_cli.demo.shop import LABEL, VERIFICATION, DemoShop
from shop.faults import Faults, InjectedFailure, Wall, WallKind, without_price_names
from shop.heavy_pages import END, Filler, HeavyBody, filler_html
from shop.inventory import ChangingInventory
from shop.search_pages import clicked_position, micro_landing_html, search_html

_SEARCH_PATH = re.compile(r"/(?P<term>.+?)(?:_Desde_(?P<first>\d{1,9}))?(?:_NoIndex_True)?/?", re.ASCII)
_PIXEL = b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")
_LOGGED_HEADERS = (
    "host", "user-agent", "accept", "accept-encoding", "accept-language", "cookie", "referer", "origin",
    "content-type", "x-csrf-token",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenRequest:
    """One request as the shop saw it.

    Attributes:
        at: `time.monotonic()` when it had been read.
        path: the request target, query included.
        headers: those of interest, names in lower case.
        connection: number of the connection it came by, in order of opening.
    """

    at: float
    method: str
    path: str
    headers: Mapping[str, str]
    status: int
    connection: int


class Shop(DemoShop):
    """A running shop; use it in a ``with`` statement, or `start` and `close` it.

    Args:
        catalogue: what it sells.
        page_size: cards on one listing page.
        page_bytes: least size of a product page; real ones have about 650 kB.
        slow_s: how long the page of a slow offer takes.
        tags: labels that exist in the affiliate's panel.
        csrf_uses: calls that one CSRF token is good for.
        port: 0 for a free one.
        clock: monotonic seconds, for walls.
    """

    inventory: ChangingInventory

    def __init__(
        self,
        catalogue: Catalogue,
        *,
        page_size: int = 16,
        page_bytes: int = 0,
        slow_s: float = 1.5,
        tags: tuple[str, ...] = (LABEL,),
        csrf_uses: int = 50,
        port: int = 0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        inventory = ChangingInventory(catalogue)
        super().__init__(inventory, page_size=page_size, slow_s=slow_s, tags=tags, csrf_uses=csrf_uses, port=port)
        self.catalogue = catalogue
        self._faults = Faults(clock)
        self._filler = Filler(filler_html(page_bytes))
        self._seen: deque[SeenRequest] = deque(maxlen=200_000)
        self.robots_requests: deque[SeenRequest] = deque(maxlen=200_000)

    @property
    def requests(self) -> tuple[SeenRequest, ...]:
        """The requests answered so far, in order, but for those for robots.txt; the latest 200,000."""
        return tuple(self._seen)

    def wall(
        self, seconds: float, *, kind: WallKind = "account_verification", retry_after: float | None = None
    ) -> None:
        """Put a wall before every page for that long; 0 takes it away."""
        self._faults.wall(seconds, kind=kind, retry_after=retry_after)

    def fail(
        self, status: int = 503, *, retry_after: float | None = None, times: int | None = None, below: str = "/"
    ) -> None:
        """Answer the next `times` requests (None: all until `recover`) for paths below `below` with an error status."""
        self._faults.fail(status, retry_after=retry_after, times=times, below=below)

    def set_latency(self, seconds: float) -> None:
        """Let every answer take that much longer."""
        self._faults.latency_s = seconds

    def rename_price_classes(self, *, renamed: bool = True) -> None:
        """Redesign the pages: classes and keys of all prices change their names, until undone."""
        self._faults.prices_renamed = renamed

    def demand_login(self) -> None:
        """Send everyone who asks for a product page to the login, until `recover`."""
        self._faults.products_at = f"{self.url}/jms/mlb/lgz/msl/login?go="

    def move_pages(self, base_url: str) -> None:
        """Redirect product pages to another host, until `recover`."""
        self._faults.products_at = base_url

    def recover(self) -> None:
        """End walls, failures, latency and the redesign."""
        self._faults.recover()

    def change_price(self, external_id: str, price_cents: int, *, listed: bool = True) -> CatalogueOffer:
        """Change one offer's price, on its product page alone unless `listed`; raises `KeyError` for no offer."""
        return self.inventory.change_price(external_id, price_cents, listed=listed)

    def share(self, external_id: str, tag: str = LABEL) -> str:
        """A short link to an offer, as the affiliate's link builder makes it; it leads to a profile."""
        offer = next(each for each in self.offers if each.external_id == external_id)
        return str(self._links.create(f"{self.url}{offer.path}", tag)["short_url"])

    def refuses_link(self, external_id: str) -> bool:
        """Whether the programme makes no link for that offer."""
        return next(each for each in self.offers if each.external_id == external_id).link_refusal_code is not None

    def expire_session(self, after_requests: int = 0) -> None:
        """End the affiliate's session, at once or after that many more requests to the account."""
        self._sessions.expire(after_requests)

    def rotate_csrf(self) -> None:
        """Refuse all CSRF tokens given out so far."""
        self._sessions.rotate_csrf()

    def relabel_links(self, tag: str | None) -> None:
        """Let links, made and to be made, carry another's label; None gives them back."""
        self._links.foreign_tag = tag

    def respond(self, request: ShopRequest) -> ShopResponse:
        at = time.monotonic()
        response = self.make_response(request)
        seen = SeenRequest(
            at=at,
            method=request.method,
            path=request.target,
            headers={name: request.headers[name] for name in _LOGGED_HEADERS if name in request.headers},
            status=response.status,
            connection=request.connection,
        )
        (self.robots_requests if request.path == "/robots.txt" else self._seen).append(seen)
        return response

    def make_response(self, request: ShopRequest) -> ShopResponse:
        """The response to one request, after the latency; trouble in force comes first, but not before robots.txt."""
        is_spared = request.path.startswith((VERIFICATION, "/robots.txt"))
        fault = None if is_spared else self._faults.in_force(request.path)
        if fault:
            response = self._trouble(fault, request)
        elif self._faults.products_at and is_product_path(request.path):
            response = redirect(self._faults.products_at + request.path)
        else:
            response = super().respond(request)
        self._server.closing.wait(self._faults.latency_s)
        return response

    def _trouble(self, fault: Wall | InjectedFailure, request: ShopRequest) -> ShopResponse:
        """The micro-landing answers in place; the account verification sends the visitor away."""
        if isinstance(fault, InjectedFailure):
            return page(render("errors.html", "error"), status=fault.status, headers=retry_after(fault.retry_after))
        if fault.kind == "micro_landing":
            html = micro_landing_html(self.inventory.find(request.path), self.url)
            return page(html, headers=retry_after(fault.retry_after))
        return self.send_to_wall(request, retry_after_s=fault.retry_after)

    def respond_elsewhere(self, request: ShopRequest) -> ShopResponse:
        """Pictures, the click counter of sponsored cards (it counts nothing, and leads to the product), the search."""
        path = request.path
        if path.startswith("/D_"):
            return ShopResponse(body=Body(_PIXEL), content_type="image/gif")
        if path.startswith("/mclics/"):
            offer = self.inventory.at(clicked_position(request.query.get("a", "")))
            return redirect(self.url + offer.path) if offer else not_found()
        if path.rstrip("/") == "/ofertas":  # beyond its last page
            nothing = self.part_of((), [request.target], 0)
            return page(search_html(nothing, self.url, "ofertas", sponsored=None))
        return self._search(path)

    def _search(self, path: str) -> ShopResponse:
        match = _SEARCH_PATH.fullmatch(path)
        if match is None or "." in match["term"]:
            return not_found()
        term, first = match["term"].rpartition("/")[2], int(match["first"] or 1)
        found = self.inventory.search(term)
        start = f"{self.url}/{quote(match['term'])}"
        later = range(1 + self._page_size, len(found) + 1, self._page_size)
        urls = [start, *[f"{start}_Desde_{n}_NoIndex_True" for n in later]]
        index = (first - 1) // self._page_size
        if first < 1 or index >= len(urls):
            return not_found()
        part = self.part_of(found, urls, index)
        sponsored = found[-1] if found and index == 0 else None
        body = self.body_of((part, term), lambda: search_html(part, self.url, term, sponsored=sponsored))
        return ShopResponse(body=body)

    def body_of(self, key: Hashable, render_page: Callable[[], str]) -> Body:
        renamed = self._faults.prices_renamed
        if (key, renamed) not in self._bodies:
            html = without_price_names(render_page()) if renamed else render_page()
            is_heavy = isinstance(key, CatalogueOffer) and self._filler.plain
            self._bodies[key, renamed] = (
                HeavyBody(html.removesuffix(END).encode(), filler=self._filler) if is_heavy else Body(html.encode())
            )
        return self._bodies[key, renamed]

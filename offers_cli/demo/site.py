"""The shop's site: which answer each request gets. No sockets here."""

from __future__ import annotations

import re
from base64 import b64decode
from urllib.parse import quote

from offers_cli.demo.affiliates import Affiliates
from offers_cli.demo.answer import Answer, Request, page, redirect, retry_after
from offers_cli.demo.body import Body, Filler
from offers_cli.demo.catalogue import Behaviour, CatalogueOffer
from offers_cli.demo.faults import Failure, Faults, Wall, WallKind, without_price_names
from offers_cli.demo.listing_html import Slice, ofertas_html, search_html
from offers_cli.demo.polycards import clicked_position
from offers_cli.demo.product import Product
from offers_cli.demo.product_html import END, product_html
from offers_cli.demo.scripts import filler
from offers_cli.demo.shelf import Shelf, is_product_path
from offers_cli.demo.wall_html import account_verification_html, error_html, micro_landing_html, not_found_html

_SEARCH_PATH = re.compile(r"/(?P<term>.+?)(?:_Desde_(?P<first>\d{1,9}))?(?:_NoIndex_True)?/?", re.ASCII)
_PIXEL = b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")
_WALL_ONCE_RETRY_S = 1.0


class Site:
    """All pages of the shop.

    Args:
        affiliates: answers what belongs to the affiliate's account.
        page_size: cards on one listing page.
        page_bytes: least size of a product page; real ones have about 650 kB.
        slow_s: how long the page of a slow offer takes.
    """

    def __init__(
        self,
        *,
        shelf: Shelf,
        faults: Faults,
        affiliates: Affiliates,
        base_url: str,
        page_size: int,
        page_bytes: int,
        slow_s: float,
    ) -> None:
        self.shelf, self.faults, self.base_url = shelf, faults, base_url
        self._affiliates = affiliates
        self._page_size, self._slow_s = page_size, slow_s
        self._filler = Filler(filler(page_bytes))
        self._products: dict[tuple[CatalogueOffer, bool], Body] = {}
        self._listings: dict[tuple[int, int, bool], Body] = {}

    def answer(self, request: Request) -> Answer:
        """The answer to one request; trouble in force comes first."""
        if request.path.startswith("/gz/account-verification"):
            return self._verification_page(request)
        if fault := self.faults.in_force(request.path):
            return self._trouble(fault, request)
        if self._affiliates.owns(request.path):
            return self._affiliates.answer(request)
        if request.method not in {"GET", "HEAD"}:
            return page(not_found_html(), status=404)
        return self._page(request)

    def _page(self, request: Request) -> Answer:
        path = request.path
        if path == "/":
            return redirect(f"{self.base_url}/ofertas")
        if path == "/robots.txt":
            return Answer(body=Body(b"User-agent: *\nAllow: /\n"), content_type="text/plain")
        if path.startswith("/D_"):
            return Answer(body=Body(_PIXEL), content_type="image/gif")
        if path.rstrip("/") == "/ofertas":
            return self._ofertas(request)
        if path.startswith("/mclics/"):
            return self._click(request)
        return self._product(request) if is_product_path(path) else self._search(path)

    def _product(self, request: Request) -> Answer:
        offer = self.shelf.find(request.path)
        if offer is None or offer.behaviour is Behaviour.GONE_404:
            return page(not_found_html(), status=404)
        if offer.behaviour is Behaviour.WALL_ONCE and self.faults.first_time(offer.item_id):
            return self._wall("account_verification", request, _WALL_ONCE_RETRY_S)
        if offer.behaviour is Behaviour.FLAKY_500 and self.faults.first_time(offer.item_id):
            return page(error_html(), status=500)
        return Answer(
            body=self._product_body(offer), delay_s=self._slow_s if offer.behaviour is Behaviour.SLOW else 0.0
        )

    def _product_body(self, offer: CatalogueOffer) -> Body:
        renamed = self.faults.prices_renamed
        if (offer, renamed) not in self._products:
            html = product_html(Product(offer, self.base_url))
            html = without_price_names(html) if renamed else html
            self._products[offer, renamed] = Body(html.encode(), self._filler, END.encode())
        return self._products[offer, renamed]

    def _ofertas(self, request: Request) -> Answer:
        asked = request.query.get("page", "1")
        number = int(asked) if re.fullmatch(r"[0-9]{1,6}", asked) else 1
        offers = self.shelf.offers
        pages = max(1, -(-len(offers) // self._page_size))
        if number > pages:
            return page(search_html(self._slice((), [request.target], 0), self.base_url, "ofertas", sponsored=None))
        key = (max(0, number - 1), self.shelf.version, self.faults.prices_renamed)
        if key not in self._listings:
            urls = [f"{self.base_url}/ofertas?page={n}" for n in range(1, pages + 1)]
            self._listings[key] = self._listing_body(ofertas_html(self._slice(offers, urls, key[0]), self.base_url))
        return Answer(body=self._listings[key])

    def _search(self, path: str) -> Answer:
        match = _SEARCH_PATH.fullmatch(path)
        if match is None or "." in match["term"]:
            return page(not_found_html(), status=404)
        term, first = match["term"].rpartition("/")[2], int(match["first"] or 1)
        found = self.shelf.search(term)
        start = f"{self.base_url}/{quote(match['term'])}"
        later = range(1 + self._page_size, len(found) + 1, self._page_size)
        urls = [start, *[f"{start}_Desde_{n}_NoIndex_True" for n in later]]
        index = (first - 1) // self._page_size
        if first < 1 or index >= len(urls):
            return page(not_found_html(), status=404)
        sponsored = found[-1] if found and index == 0 else None
        html = search_html(self._slice(found, urls, index), self.base_url, term, sponsored=sponsored)
        return Answer(body=self._listing_body(html))

    def _slice(self, offers: tuple[CatalogueOffer, ...], urls: list[str], index: int) -> Slice:
        start = index * self._page_size
        return Slice(offers=offers[start : start + self._page_size], page_urls=urls, index=index, total=len(offers))

    def _listing_body(self, html: str) -> Body:
        return Body((without_price_names(html) if self.faults.prices_renamed else html).encode())

    def _click(self, request: Request) -> Answer:
        """The click counter of sponsored cards: counts nothing, leads to the product."""
        offer = self.shelf.at(clicked_position(request.query.get("a", "")))
        return redirect(self.base_url + offer.path) if offer else page(not_found_html(), status=404)

    def _trouble(self, fault: Wall | Failure, request: Request) -> Answer:
        if isinstance(fault, Wall):
            return self._wall(fault.kind, request, fault.retry_after)
        return page(error_html(), status=fault.status, headers=retry_after(fault.retry_after))

    def _wall(self, kind: WallKind, request: Request, wait_s: float | None) -> Answer:
        """The micro-landing answers in place; the account verification sends the visitor away."""
        if kind == "micro_landing":
            html = micro_landing_html(self.shelf.find(request.path), self.base_url)
            return page(html, headers=retry_after(wait_s))
        wanted = quote(self.base_url + request.target, safe="")
        wait = "" if wait_s is None else f"&wait={round(wait_s)}"
        return redirect(f"{self.base_url}/gz/account-verification?go={wanted}{wait}", headers=retry_after(wait_s))

    def _verification_page(self, request: Request) -> Answer:
        wait = request.query.get("wait", "")
        html = account_verification_html(self.base_url, request.query.get("go", self.base_url))
        return page(html, headers=retry_after(float(wait) if wait.isdecimal() else None))

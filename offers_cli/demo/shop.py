"""The demo shop: a small Mercado Livre on loopback, for `offers demo`, the tests and the benchmarks.

Run alone: ``python -m offers_cli.demo.shop --port 0 --offers 40 [--controls]`` prints its address and serves
until SIGTERM or Ctrl-C.
"""

from __future__ import annotations

import argparse
import signal
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from types import TracebackType
from typing import Self

from offers_cli.demo.affiliates import Affiliates
from offers_cli.demo.answer import Answer, Request
from offers_cli.demo.catalogue import TYPICAL, Catalogue, CatalogueOffer
from offers_cli.demo.controls import PREFIX, control
from offers_cli.demo.faults import Faults, WallKind
from offers_cli.demo.links import LinkBuilder
from offers_cli.demo.server import DemoServer, SeenRequest
from offers_cli.demo.sessions import Sessions
from offers_cli.demo.shelf import Shelf
from offers_cli.demo.site import Site


class Shop:
    """A running shop; use it in a ``with`` statement, or `start` and `close` it.

    Args:
        catalogue: what it sells.
        page_size: cards on one listing page.
        page_bytes: least size of a product page; real ones have about 650 kB.
        slow_s: how long the page of a slow offer takes.
        tags: labels that exist in the affiliate's panel.
        csrf_uses: calls that one CSRF token is good for.
        port: 0 for a free one.
        controls: lets clients change the shop over HTTP under ``/__control__/``.
        clock: monotonic seconds, for walls.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        *,
        page_size: int = 16,
        page_bytes: int = 0,
        slow_s: float = 1.5,
        tags: tuple[str, ...] = ("demonstracao",),
        csrf_uses: int = 50,
        port: int = 0,
        controls: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.catalogue = catalogue
        self._faults = Faults(clock)
        self._shelf = Shelf(catalogue)
        self._server = DemoServer(port=port)
        self._sessions = Sessions(csrf_uses=csrf_uses)
        self._links = LinkBuilder(self._shelf, self.url, tags)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._site = Site(
            shelf=self._shelf,
            faults=self._faults,
            affiliates=Affiliates(shelf=self._shelf, sessions=self._sessions, links=self._links, base_url=self.url),
            base_url=self.url,
            page_size=page_size,
            page_bytes=page_bytes,
            slow_s=slow_s,
        )
        self._server.answer = self._controlled if controls else self._answer

    @property
    def url(self) -> str:
        """``http://127.0.0.1:PORT``."""
        return self._server.url

    @property
    def requests(self) -> tuple[SeenRequest, ...]:
        """The requests answered so far, in order; the latest 200,000."""
        return tuple(self._server.seen)

    @property
    def offers(self) -> tuple[CatalogueOffer, ...]:
        """The offers as they are now: the catalogue with its price changes."""
        return self._shelf.offers

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

    def recover(self) -> None:
        """End walls, failures, latency and the redesign."""
        self._faults.recover()

    def change_price(self, external_id: str, price_cents: int, *, listed: bool = True) -> CatalogueOffer:
        """Change one offer's price, on its product page alone unless `listed`; raises `KeyError` for no offer."""
        return self._shelf.change_price(external_id, price_cents, listed=listed)

    def log_in(self) -> dict[str, str]:
        """Log the affiliate in; returns the cookies that a browser would hold, by name."""
        return self._sessions.log_in()

    def expire_session(self, after_requests: int = 0) -> None:
        """End the affiliate's session, at once or after that many more requests to the account."""
        self._sessions.expire(after_requests)

    def rotate_csrf(self) -> None:
        """Refuse all CSRF tokens given out so far."""
        self._sessions.rotate_csrf()

    def hand_links_over(self, tag: str | None) -> None:
        """Let links, made and to be made, carry another's label; None gives them back."""
        self._links.foreign_tag = tag

    def _answer(self, request: Request) -> Answer:
        answer = self._site.answer(request)
        return replace(answer, delay_s=answer.delay_s + self._faults.latency_s)

    def _controlled(self, request: Request) -> Answer:
        return control(self, request) if request.path.startswith(PREFIX) else self._answer(request)


def main(argv: list[str] | None = None) -> int:
    """Serve until SIGTERM or Ctrl-C; the address is the only line on stdout."""
    options = _options(argv)
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    catalogue = Catalogue(options.offers, options.seed, () if options.calm else TYPICAL)
    shop = Shop(
        catalogue,
        page_size=options.page_size,
        page_bytes=options.page_bytes,
        port=options.port,
        controls=options.controls,
    )
    shop.set_latency(options.latency)
    with shop:
        sys.stdout.write(f"{shop.url}\n")
        sys.stdout.flush()
        stopped.wait()
    return 0


def _options(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m offers_cli.demo.shop", description="Serve the demo shop on loopback."
    )
    parser.add_argument("--port", type=int, default=0, help="0 for a free one")
    parser.add_argument("--offers", type=int, default=40)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--calm", action="store_true", help="no offer misbehaves")
    parser.add_argument("--page-size", type=int, default=16, help="cards on one listing page")
    parser.add_argument("--page-bytes", type=int, default=0, help="least size of a product page")
    parser.add_argument("--latency", type=float, default=0.0, help="seconds that every answer takes longer")
    parser.add_argument("--controls", action="store_true", help="allow changes over HTTP under /__control__/")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())

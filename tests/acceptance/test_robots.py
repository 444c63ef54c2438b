"""robots.txt of every host is asked and obeyed, the marketplace's too, unless the operator decides otherwise."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from acceptance.program import Program, at_shop
from shop import Shop

from offers_cli.demo.catalogue import Catalogue
from offers_cli.demo.server import Body, ShopRequest, ShopResponse

PAGE = b"""<html><head><script type="application/ld+json">{"@context":"https://schema.org","@type":"Product",
"name":"Chaleira","sku":"C1","offers":{"@type":"Offer","price":"129.90","priceCurrency":"BRL",
"availability":"https://schema.org/InStock"}}</script></head><body><h1>Chaleira</h1></body></html>"""


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        robots = self.path == "/robots.txt"
        body = b"User-agent: *\nDisallow: /closed\n" if robots else PAGE
        self.send_response(200)
        self.send_header("Content-Type", "text/plain" if robots else "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Quiet."""


@pytest.fixture
def host() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def test_robots_are_obeyed_unless_the_operator_decides(offers: Program, host: str) -> None:
    offers.env.update(OFFERS_ALLOWED_HOSTS=host, OFFERS_ALLOW_PRIVATE_HOSTS="1", ENRICHMENT_REQUEST_DELAY_S="0")
    open_page = offers.json("explain", f"http://{host}/open/chaleira")
    assert open_page.code == 0, open_page.err
    assert (open_page.data["values"]["price_cents"], open_page.data["currency"]) == (12990, "BRL")

    refused = offers.json("explain", f"http://{host}/closed/chaleira")
    assert (refused.code, refused.codes) == (5, ["robots_forbidden"])
    assert "--ignore-robots" in refused.document["errors"][0]["hint"]

    decided = offers.json("explain", f"http://{host}/closed/chaleira", "--ignore-robots")
    assert decided.code == 0, decided.err
    assert decided.data["values"]["price_cents"] == 12990


class ClosedShop(Shop):
    """The marketplace itself, whose robots.txt forbids all but its listing."""

    def make_response(self, request: ShopRequest) -> ShopResponse:
        if request.path == "/robots.txt":
            rules = b"User-agent: *\nAllow: /ofertas\nDisallow: /\n"
            return ShopResponse(body=Body(rules), content_type="text/plain")
        return super().make_response(request)


def test_what_the_marketplace_forbids_is_not_asked_for(offers: Program) -> None:
    """Its products end as final under their own code; the setting makes a worker ask for them after all."""
    with ClosedShop(Catalogue(16, 1, ())) as shop:
        at_shop(offers, shop)
        queued = offers.json("scrape", "ofertas").data["enqueued"]
        assert queued > 1
        done = offers.json("worker", "--burst")
        assert (done.data["failed"], done.data["succeeded"]) == (queued, 0)
        asked = [request.path for request in shop.requests]
        assert (asked, len(shop.robots_requests)) == (["/ofertas"], 1), "asked once for all processes, and obeyed"
        assert {job["reason"] for job in offers.json("failed").data["jobs"]} == {"robots_forbidden"}
        assert offers.json("enqueue-missing").data["found"] == 0, "they are marked"

        assert offers.json("requeue-failed", "--reason", "robots_forbidden").data["requeued"] == queued
        assert offers.json("worker", "--burst", OFFERS_IGNORE_ROBOTS="true").data["succeeded"] == queued

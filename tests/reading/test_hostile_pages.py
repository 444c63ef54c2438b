"""Broken and hostile pages cost one declared error, are done with soon, and never yield another offer's price."""

from __future__ import annotations

import os
import random
import re
from collections.abc import Callable

import pytest
from reading.captures import RealPages, real_names
from selectolax.lexbor import LexborHTMLParser
from waiting import must_end

from offers_cli.errors import PageError
from offers_cli.marketplaces.base import ListingReading, Marketplace, ProductReading
from offers_cli.marketplaces.mercado_livre import MercadoLivre
from offers_cli.marketplaces.schema_org import SchemaOrg

EXAMPLES = int(os.environ.get("OFFERS_PAGE_EXAMPLES", "12"))
"""How many mutations of each capture; ``nox -s fuzz`` asks for thousands."""

GARBAGE = (
    "<",
    ">",
    '"',
    "{",
    "}",
    "[[[[",
    "</script>",
    "<script>",
    "R$ 1",
    "\x00",
    "\ufffd",
    "NaN",
    "1e999",
    "-1",
    "&#0;",
)


def read_to_the_end(market: Marketplace, html: str, url: str = "") -> ProductReading | ListingReading | None:
    """What is read, None where the page is refused; work that grows with the square of such a page would not end."""
    with must_end():
        try:
            return market.read(html, url)
        except PageError:
            return None


def mutate(html: str, source: random.Random) -> str:
    """A few random cuts, copies and insertions."""
    for _ in range(source.randint(1, 8)):
        start = source.randrange(len(html) or 1)
        end = start + source.choice([1, 10, 200, 5000, 100_000])
        piece = source.choice(["", source.choice(GARBAGE), html[start:end] * 2, html[end : end + 300]])
        html = html[:start] + piece + html[end:]
    return html[: source.randrange(len(html) or 1)] if source.random() < 0.2 else html


@pytest.mark.slow
@pytest.mark.parametrize("name", real_names("product", "listing", "wall"))
def test_a_mutated_page_raises_nothing_but_declared_errors(name: str, real_pages: RealPages) -> None:
    source = random.Random(name)
    html = real_pages.html(name)
    for _ in range(EXAMPLES):
        mutated = mutate(html, source)
        for market in (MercadoLivre(), SchemaOrg()):
            read_to_the_end(market, mutated, "https://www.mercadolivre.com.br/x/p/MLB1")


def without_some_elements(html: str, source: random.Random) -> str:
    tree = LexborHTMLParser(html)
    for _ in range(source.randint(1, 30)):
        nodes = tree.css("body *")
        if nodes:
            source.choice(nodes).decompose()
    return tree.html or ""


def with_some_classes_renamed(html: str, source: random.Random) -> str:
    names = sorted(set(re.findall(r"(?:ui-pdp|andes|poly)[a-z_-]+", html)))
    for name in source.sample(names, min(len(names), source.randint(1, 25))):
        html = re.sub(rf"{re.escape(name)}(?![a-z_-])", f"v{source.randrange(99)}", html)
    return html


@pytest.mark.slow
@pytest.mark.parametrize("change", [without_some_elements, with_some_classes_renamed])
@pytest.mark.parametrize("name", [name for name in real_names("product") if "out_of" not in name])
def test_a_changed_page_gives_its_own_price_or_none(
    name: str, change: Callable[[str, random.Random], str], real_pages: RealPages
) -> None:
    source = random.Random(name)
    wanted = real_pages.expected[name]
    for _ in range(EXAMPLES):
        reading = read_to_the_end(MercadoLivre(), change(real_pages.html(name), source))
        if isinstance(reading, ProductReading):
            assert reading.price_cents == wanted["price_cents"]
            assert reading.old_price_cents in {wanted["old_price_cents"], None}
            assert reading.discount_pct in {wanted["discount_pct"], None}


CARD = (
    '<div class="poly-card"><a class="poly-component__title" href="/MLB-1">x</a>'
    '<div class="poly-component__price">R$ 1</div></div>'
)
HOSTILE = {
    "deep elements": "<div>" * 100_000 + "<h1 class=ui-pdp-title>x</h1>",
    "deep money": '<span class="andes-money-amount">' * 3000 + '<meta itemprop="price" content="1">',
    "deep foreign": '<div class="carousel">' * 3000 + '<meta itemprop="price" content="1">' * 100,
    "deep state": "<script>_n.ctx.r=" + '{"a":' * 100_000,
    "deep list": '<script type="application/ld+json">' + "[" * 100_000,
    "wide linked data": '<script type="application/ld+json">[' + '{"@type":"Product"},' * 50_000 + "{}]</script>",
    "nested graphs": '<script type="application/ld+json">' + '{"@graph":[{},{"@graph":[' * 300,
    "endless marks": "_n.ctx.r={" * 100_000,
    "endless tags in a mark": '__PRELOADED_STATE__"' + " " * 1_000_000,
    "many cards": CARD * 5000,
    "cards in cards": '<div class="poly-card">' * 3000 + CARD,
    "many prices": '<meta itemprop="price" content="1">' * 20_000,
    "many inputs": '<input name="item_id" value="MLB1">' * 50_000,
    "many headings": "<h1>x</h1>" * 50_000,
    "long price": f'<meta itemprop="price" content="{"9" * 1_000_000}">',
    "long spaces": '<h1 class="ui-pdp-title">' + " " * 3_000_000 + "</h1>",
    "long message": '<div class="ui-pdp-message">' + "anúncio " * 300_000 + "</div>",
    "huge number": '<script type="application/ld+json">{"@type":"Product","offers":{"price":1e400}}</script>',
    "endless integer": '<script>__PRELOADED_STATE__={"a":' + "9" * 1_000_000 + "}</script>",
    "long query": f'<link rel="canonical" href="https://x/?{"&" * 1_000_000}"><h1 class="ui-pdp-title">x</h1>',
    "bad address": '<link rel=canonical href="http://[::1"><h1>x</h1><a rel=next href="http://[">x</a>' + CARD,
    "unmatched ends": "<span></q>" * 100_000,
    "prices far down": '<i class="carousel"><b>' * 7000
    + '<meta itemprop="price" content="1"><h1 class="ui-pdp-title">',
    "many paragraphs": "<p>anúncio pausado" * 200_000 + '<h1 class="ui-pdp-title">x</h1>',
    "surrogate": "<h1 class='ui-pdp-title'>\ud800</h1>",
}


@pytest.mark.slow
@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_page_is_read_or_refused(name: str) -> None:
    for market in (MercadoLivre(), SchemaOrg()):
        read_to_the_end(market, HOSTILE[name], "https://www.mercadolivre.com.br/")


@pytest.mark.parametrize(
    "text", ["", " \n\t", "\ufeff", "plain words", "\x89PNG\r\n\x1a\n\x00\x00", "\x1f\x8b\x08" + "\ufffd" * 50]
)
def test_what_is_no_page_is_named_so(text: str) -> None:
    for market in (MercadoLivre(), SchemaOrg()):
        with pytest.raises(PageError) as error:
            market.read(text, "https://www.mercadolivre.com.br/p/MLB1")
        assert error.value.code == "not_html"
        assert market.page_url(text) is None

"""Product pages, captured or made, mutated and grown: fillers between tags, in attributes, scripts and states."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from fuzz.target import Target
from reading.captures import real_pages_folder

from offers_cli.errors import PageError
from offers_cli.fetch.response import decode
from offers_cli.marketplaces.mercado_livre import MercadoLivre
from offers_cli.marketplaces.schema_org import SchemaOrg

URL = "https://www.mercadolivre.com.br/x/p/MLB1"
MOST = 2 * 2**20
BESIDE_THE_TESTS = Path(__file__).resolve().parents[2] / "reading" / "pages"
PIECES = (
    *(
        "<",
        ">",
        '"',
        "'",
        "=",
        "&",
        "/",
        "{",
        "}",
        "[",
        "]",
        ",",
        "\\",
        "\0",
        "\ufffd",
        "\u00a0",
        "\U0001f600",
        "R$ 1",
        "1e999",
    ),
    *(
        "<p>",
        "</p>",
        "<br/>",
        "<b>",
        "</b>",
        "<a>",
        "<h1>",
        "<font size=1>",
        "<table>",
        "<td>",
        "<svg>",
        "<select>",
        "<option>",
    ),
    *(
        "<!--",
        "-->",
        "<!>",
        "<?",
        "<![CDATA[",
        "<script>",
        "</script>",
        "<style>",
        "<title>",
        "<template>",
        "<iframe>",
        "<math>",
    ),
    *(
        "<div class='poly-card'>",
        "<div class='ui-pdp-message'>",
        '<meta itemprop="price" content="1">',
        "<p a b c d>",
        "{},",
    ),
    *(
        '{"a":',
        "[[",
        "1.5,",
        '"a":"b",',
        "_n.ctx.r={",
        "__PRELOADED_STATE__ = {",
        '<script type="application/ld+json">',
    ),
    *(
        '{"@type":"Product","offers":{"price":1}},',
        '{"@graph":[',
        "&CounterClockwiseContourIntegral;",
        "NaN",
        "9" * 5000,
    ),
)


@cache
def seeds(kind: str) -> Sequence[str]:
    """Pages made for the tests, and the captures where there are any."""
    made = [path.read_text(encoding="utf-8") for path in sorted(BESIDE_THE_TESTS.rglob("*.html"))]
    folder = real_pages_folder()
    captured = sorted((folder / kind).iterdir()) if folder else []
    return [*made, *(path.read_text(encoding="utf-8", errors="replace") for path in captured)]


def make(source: random.Random, *, kind: str) -> bytes:
    text = source.choice(seeds(kind))
    for _ in range(source.randint(0, 8)):
        start, end = sorted((source.randrange(len(text) + 1), source.randrange(len(text) + 1)))
        piece = source.choice(PIECES)
        many = source.choice((1, 1, 1, 10, 1000, 50_000, 1_000_000, MOST)) // len(piece) + 1
        text = source.choice(
            (
                text[:start] + piece * many + text[start:],
                text[:start] + "".join(source.choices(PIECES, k=min(many, 20_000))) + text[start:],
                text[:start] + text[end:],
                text[:end] + text[start:end][: MOST // 10] * source.choice((1, 1, 10)) + text[end:],
                text[:start],
            )
        )[:MOST]
    return text.encode("utf-8", "surrogatepass")[:MOST]


def read(body: bytes) -> object:
    """Read a page once, as it is in life; its length says how."""
    text, _ = decode(body, "text/html; charset=utf-8")
    market = (MercadoLivre(), SchemaOrg())[len(body) % 2]
    if len(body) % 7 == 0:
        return market.page_url(text)
    return market.read_product(text, URL) if len(body) % 3 else market.read(text, URL)


@contextmanager
def opened() -> Iterator[Target]:
    yield Target(lambda source: make(source, kind="product"), read, declared=(PageError,))

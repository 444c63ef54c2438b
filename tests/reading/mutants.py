"""Pages whose mark-up was changed: each class renamed, each key of the state, each part cut off or moved."""

from __future__ import annotations

import re
from collections.abc import Iterator

from reading.captures import without_attribute
from selectolax.lexbor import LexborHTMLParser

CLASS = re.compile(r'class="([^"]*)"')
KEY = re.compile(r'"(\w+)": ?(?=[\[{"0-9tfn])')


def classes_in(html: str) -> list[str]:
    return sorted({name for names in CLASS.findall(html) for name in names.split()})


def without_class(name: str, html: str) -> str:
    return re.sub(rf'(class="[^"]*?)(?<![\w-]){re.escape(name)}(?![\w-])', r"\1renamed", html)


def without_key(key: str, html: str) -> str:
    return re.sub(rf'"{key}"(?=:)', '"renamed"', html)


def with_parts_moved(selector: str, html: str) -> Iterator[str]:
    """The page with what is found taken out of its place: to its beginning, to its end, and away."""
    tree = LexborHTMLParser(html)
    moved = ""
    for node in tree.css(selector):
        moved += node.html or ""
        node.decompose()
    rest = tree.html or ""
    yield re.sub(r"(<body[^>]*>)", lambda body: body[1] + moved, rest, count=1)
    yield rest.replace("</body>", f"{moved}</body>")
    yield rest


def cut_off(html: str, parts: int = 50) -> Iterator[str]:
    yield from (html[: len(html) * part // parts] for part in range(1, parts))


def mutants(html: str) -> Iterator[str]:
    """The page with each class and each key renamed, and cut off at fifty places."""
    for name in classes_in(html):
        yield without_class(name, html)
        yield without_attribute("aria-label", without_class(name, html))
    for key in sorted(set(KEY.findall(html))):
        yield without_key(key, html)
    if "<html" in html:  # of a piece of a page nobody can tell where it ended
        yield from cut_off(html)

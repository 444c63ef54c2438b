"""One page's text as a document: its element tree, its linked data, its own address."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Any

from offers_cli.errors import NotHtml, TooLarge
from offers_cli.marketplaces.json_ld import parse_nodes
from offers_cli.marketplaces.nesting import is_too_deep

if TYPE_CHECKING:
    from selectolax.lexbor import LexborHTMLParser, LexborNode

_TAG = re.compile(r"<[a-zA-Z!/]")
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\ufffd]")
_SAVED_FROM = re.compile(r"<!--\s*saved from url=\(\d+\)(https?://[^\s<>\"]+)")
_LOOKED_AT = 20_000
_MOST_NODES = 500
_MOST_LEVELS = 300


class Document:
    """A page that is HTML or JSON.

    Raises:
        NotHtml: it is empty, binary or plain text.
        TooLarge: its elements are nested deeper than any page's, to keep a reader busy.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.is_json = _check_html(text)
        if not self.is_json and is_too_deep(text):
            raise TooLarge("the page is nested too deeply to be one", hint="offers explain FILE")

    @cached_property
    def tree(self) -> LexborHTMLParser:
        from selectolax.lexbor import LexborHTMLParser

        return LexborHTMLParser("" if self.is_json else self.text)

    @cached_property
    def linked_data(self) -> list[dict[str, Any]]:
        """The JSON-LD nodes of the page, in page order."""
        scripts = select(self.tree, 'script[type="application/ld+json" i]')
        return [node for script in scripts for node in parse_nodes(script.text(deep=True))]

    @cached_property
    def address(self) -> str | None:
        """The address the page tells of itself, or None."""
        return next(self._addresses(), None)

    def _addresses(self) -> Iterator[str]:
        for selector, name in (('link[rel="canonical" i]', "href"), ('meta[property="og:url" i]', "content")):
            for node in select(self.tree, selector):
                address = (node.attributes.get(name) or "").strip()
                if address.startswith(("https://", "http://")):
                    yield address
        if saved := _SAVED_FROM.search(self.text[:2000]):
            yield saved[1]


def find_address(text: str) -> str | None:
    """The address that a saved page tells of itself; None where it tells none, or is no page."""
    try:
        return Document(text).address
    except (NotHtml, TooLarge):
        return None


def _check_html(text: str) -> bool:
    """Refuse what is no page; answer whether the page is JSON as a whole."""
    start = text[:_LOOKED_AT].lstrip("\ufeff \t\r\n\f")
    if not start:
        raise NotHtml("the page is empty", hint="offers doctor shows whether the site answers")
    if len(_CONTROL.findall(start)) > len(start) // 50 or "\x00" in start:
        raise NotHtml("the page is binary data, not HTML", hint="save the page as HTML and try again")
    if start[0] in "{[":
        return True
    if not _TAG.search(text):
        raise NotHtml("the page is plain text, not HTML", hint="save the page as HTML and try again")
    return False


def select(place: LexborHTMLParser | LexborNode, selector: str) -> list[LexborNode]:
    """The first nodes that match, each once, in page order.

    The parser names a node twice that two parts of a list match. No real page has hundreds of what is looked for.
    """
    unique = {node.mem_id: node for node in place.css(selector)[: 2 * _MOST_NODES]}
    return list(unique.values())[:_MOST_NODES]


def text_of(node: LexborNode | None) -> str:
    """The visible text of a node with single spaces; empty without a node."""
    return " ".join(node.text(deep=True).split()) if node is not None else ""


def lineage(node: LexborNode) -> Iterator[LexborNode]:
    """The node, its parent, and so on up to the root element, as far as real pages go."""
    place: LexborNode | None = node
    for _ in range(_MOST_LEVELS):
        if place is None or not place.is_element_node:
            return
        yield place
        place = place.parent

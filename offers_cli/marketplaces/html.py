"""A page's text as a document: its element tree, its linked data; and the addresses that pages write."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import SplitResult, parse_qsl, urlencode, urljoin, urlsplit, urlunsplit

from offers_cli.errors import NotHtml, TooLarge
from offers_cli.log import without_query
from offers_cli.marketplaces.base import Html
from offers_cli.text import printable

if TYPE_CHECKING:
    from selectolax.lexbor import LexborNode

    from offers_cli.marketplaces.tree import Tree

_TAG = re.compile(rb"<[a-zA-Z!/]")
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\ufffd]")
_SAVED_FROM = re.compile(r"<!--\s*saved from url=\(\d+\)(https?://[^\s<>\"]+)")
_LOOKED_AT = 20_000
_MOST_NODES = 500
_MOST_LEVELS = 300
_LONGEST_TEXT = 20_000
_LONGEST_CLASS = 2000
_LONGEST_ADDRESS = 6000
_LONGEST_SHOWN = 500
_CHARACTERS_A_STEP = 16
"""How many characters are copied and looked through in the time of one step."""
TRACKING = ("utm_", "gclid", "fbclid", "msclkid", "mc_", "_ga", "srsltid")
"""What the names of tracking parameters begin with, at any shop."""


class Document:
    """A page that is HTML or JSON.

    Args:
        page: its text, or that in UTF-8.

    Attributes:
        data: the text in UTF-8, as the parser takes it. One emoji makes a text take four bytes for each character, so
            that to look through it takes longer.

    Raises:
        NotHtml: it is empty, binary or plain text.
        TooLarge: reading it would take more memory or time than any real page does (see `bounds`).
    """

    def __init__(self, page: Html) -> None:
        from offers_cli.marketplaces.bounds import refuse_unbounded

        self.data = page.encode(errors="replace") if isinstance(page, str) else page
        self.is_json = _check_html(self.data)
        self._nodes = refuse_unbounded(self.data, is_json=self.is_json)

    @cached_property
    def tree(self) -> Tree:
        """The page's elements; of JSON an empty page."""
        return self._grow()

    def _grow(self) -> Tree:
        from offers_cli.marketplaces.tree import Tree

        return Tree(b"" if self.is_json else self.data, nodes=self._nodes)

    @cached_property
    def is_cut_off(self) -> bool:
        """Whether a whole page was saved or sent without its end."""
        end = self.data.rfind(b"</html")
        if end >= 0 and b"<html" not in self.data[end:].lower():
            return False
        data = self.data.lower()  # of a page that is written otherwise
        return b"<html" in data and data.find(b"</html", data.rfind(b"<html")) < 0

    def ends_in(self, node: LexborNode) -> bool:
        """Whether the page was cut off within a node, so that the node may lack a part of what it says."""
        return self.is_cut_off and all(place.next is None for place in lineage(node))

    @cached_property
    def visible_text(self) -> str:
        """The text of the page without scripts and styles, its elements set apart by blanks."""
        tree = self._grow()  # one of its own, to take parts away from
        tree.strip_tags(["script", "style", "template", "noscript"])
        return tree.body.text(deep=True, separator=" ") if tree.body is not None else ""

    @cached_property
    def linked_data(self) -> list[dict[str, Any]]:
        """The JSON-LD nodes of the page, in page order; raises `TooLarge`."""
        from offers_cli.marketplaces.bounds import MOST_LINKED_DATA, MOST_LINKED_NODES, refuse_more
        from offers_cli.marketplaces.json_ld import parse_nodes

        texts = [script.text(deep=True) for script in select(self.tree, 'script[type="application/ld+json" i]')]
        refuse_more(sum(map(len, texts)), MOST_LINKED_DATA, "characters of linked data")
        nodes = [node for text in texts for node in parse_nodes(text)]
        refuse_more(len(nodes), MOST_LINKED_NODES, "things in its linked data")
        return nodes

    @cached_property
    def address(self) -> str | None:
        """The address the page tells of itself, or None."""
        return next(self._addresses(), None)

    @cached_property
    def shared_title(self) -> str | None:
        """What the page is called where it is shared (``og:title``), or None."""
        for node in select(self.tree, 'meta[property="og:title" i]'):
            if title := " ".join((node.attributes.get("content") or "").split()):
                return title
        return None

    def _addresses(self) -> Iterator[str]:
        for selector, name in (('link[rel="canonical" i]', "href"), ('meta[property="og:url" i]', "content")):
            for node in select(self.tree, selector):
                address = (node.attributes.get(name) or "").strip()
                if address.startswith(("https://", "http://")):
                    yield address
        if saved := _SAVED_FROM.search(_beginning(self.data, 2000)):
            yield saved[1]


def open_page(page: Html) -> Document | None:
    """The document of a saved page; None where it is no page, or cannot be read."""
    try:
        return Document(page)
    except (NotHtml, TooLarge):
        return None


def _beginning(data: bytes, length: int) -> str:
    return data[:length].decode(errors="ignore")


def _check_html(data: bytes) -> bool:
    """Refuse what is no page; answer whether the page is JSON as a whole."""
    start = _beginning(data, _LOOKED_AT).lstrip("\ufeff \t\r\n\f")
    if not start:
        raise NotHtml("the page is empty", hint="offers doctor shows whether the site answers")
    if len(_CONTROL.findall(start)) > len(start) // 50 or "\x00" in start:
        raise NotHtml("the page is binary data, not HTML", hint="save the page as HTML and try again")
    if start[0] in "{[":
        return True
    if not _TAG.search(data):
        raise NotHtml("the page is plain text, not HTML", hint="save the page as HTML and try again")
    return False


def tree_of(node: LexborNode) -> Tree:
    """The tree that a node is of."""
    return cast("Tree", node.parser)


def select(place: Tree | LexborNode, selector: str, *, most: int = _MOST_NODES) -> list[LexborNode]:
    """The first nodes that match, each once, in page order.

    The parser names a node twice that two parts of a list match. No real page has hundreds of what is looked for.
    """
    tree = _search(place)
    found = place.css(selector)
    tree.spend(len(found))
    unique = {node.mem_id: node for node in found[: 2 * most]}
    return list(unique.values())[:most]


def first(place: Tree | LexborNode, selector: str) -> LexborNode | None:
    """The first node that matches, or None."""
    _search(place)
    return place.css_first(selector)


def _search(place: Tree | LexborNode) -> Tree:
    """The tree of a place, which has been charged for looking through all of it."""
    from offers_cli.marketplaces.tree import Tree

    tree = place if isinstance(place, Tree) else tree_of(place)
    tree.search(None if place is tree else cast("LexborNode", place))
    return tree


def whole_text(node: LexborNode, separator: str = "") -> str:
    """All the text within a node, as it stands there."""
    tree = tree_of(node)
    tree.search(node)
    text = node.text(deep=True, separator=separator)
    tree.spend(len(text) // _CHARACTERS_A_STEP)
    return text


def text_of(node: LexborNode | None) -> str:
    """The text of a node with single spaces, cut where no text that is looked for is as long; empty without a node."""
    return " ".join(whole_text(node)[:_LONGEST_TEXT].split()) if node is not None else ""


def texts_of(node: LexborNode) -> list[str]:
    """The texts in a node, each as it stands between two tags, single-spaced; no empty ones."""
    pieces = whole_text(node, separator="\0")[:_LONGEST_TEXT].split("\0")
    return [text for piece in pieces if (text := " ".join(piece.split()))]


def pieces_in(
    node: LexborNode, instead: Callable[[LexborNode], str | None] = lambda _element: None, *, edge: str = ""
) -> Iterator[str]:
    """The texts in an element, piece by piece; no empty ones.

    Args:
        instead: what stands for an element within it; None where its own texts do.
        edge: stands on both sides of the texts of each element within it.
    """
    tree = tree_of(node)
    around: list[Iterator[LexborNode]] = [node.iter(include_text=True)]  # no recursion: a page may be very deep
    while around:
        part = next(around[-1], None)
        tree.spend(1)
        if part is None:
            around.pop()
            text = edge if around else ""
        elif part.is_text_node:
            text = part.text() or ""
            tree.spend(len(text) // _CHARACTERS_A_STEP)
        elif (told := instead(part)) is not None:
            text = told
        else:
            around.append(part.iter(include_text=True))
            text = edge
        if text:
            yield text


def class_of(node: LexborNode) -> str:
    """The classes of a node, as they are written."""
    classes = node.attributes.get("class") or ""
    tree_of(node).spend(2 + len(classes) // _CHARACTERS_A_STEP)
    return classes[:_LONGEST_CLASS]


def lineage(node: LexborNode) -> Iterator[LexborNode]:
    """The node, its parent, and so on up to the root element, or to the depth of real pages."""
    tree = tree_of(node)
    place: LexborNode | None = node
    for _ in range(_MOST_LEVELS):
        if place is None or not place.is_element_node:
            return
        tree.spend(3)
        yield place
        place = place.parent


def nearest(node: LexborNode, classes: set[str]) -> LexborNode | None:
    """The node itself, or the first around it, that bears one of those classes."""
    return next((place for place in lineage(node) if not classes.isdisjoint(class_of(place).split())), None)


def is_marked_below(node: LexborNode, top: LexborNode, classes: re.Pattern[str]) -> bool:
    """Whether the node, or what lies between it and `top`, bears one of those classes."""
    for place in lineage(node):
        if place.mem_id == top.mem_id:
            return False
        if classes.search(class_of(place)):
            return True
    return False


def outermost(nodes: list[LexborNode]) -> list[LexborNode]:
    """Those of the nodes that stand within no other of them."""
    known = {node.mem_id for node in nodes}
    return [node for node in nodes if not any(place.mem_id in known for place in list(lineage(node))[1:])]


def split(url: str) -> SplitResult:
    """`urlsplit` that answers with an empty address where the text is none, or longer than any browser's."""
    if len(url) > _LONGEST_ADDRESS:
        return urlsplit("")
    try:
        parts = urlsplit(url.strip())
        url.encode()
        parts.port  # noqa: B018 - a property that raises on a bad port
    except ValueError:
        return urlsplit("")
    return parts


def join(base: str, address: str | None) -> str:
    """The absolute web address of a link on a page; empty where it is none."""
    if not address or len(address) > _LONGEST_ADDRESS or address.strip().startswith("#"):
        return ""
    try:
        absolute = urljoin(base, address.strip())
        absolute.encode()  # JSON can write half a surrogate pair
    except ValueError:
        return ""
    return absolute if absolute.startswith(("https://", "http://")) else ""


def without_tracking(url: str) -> str:
    """The same address without fragment and tracking parameters."""
    parts = split(url)
    query = urlencode([(name, value) for name, value in parse_qsl(parts.query) if not name.startswith(TRACKING)])
    return urlunsplit((parts.scheme, parts.netloc, parts.path, query, ""))


def add_command(url: str) -> str:
    """The command that saves the product of an address, or of a saved page without one; quoted as `explain_command`."""
    shown = printable(without_query(url))[:_LONGEST_SHOWN]
    return f"offers add {shlex.quote(shown)}" if shown else "offers ingest --add FILE"


def explain_command(url: str) -> str:
    """The command that shows what a page says, quoted for a shell; its address as in the log, without its query."""
    shown = printable(without_query(url))[:_LONGEST_SHOWN]
    return f"offers explain {shlex.quote(shown)}" if shown else "offers explain FILE"

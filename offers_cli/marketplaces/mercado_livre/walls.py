"""What a page says instead of an offer: account verification, JavaScript challenge, login, error page, out of stock.

Recognised by elements, not by words: bundled scripts of real product pages hold words such as ``captcha`` too, and
every page's cookie banner says "Ocorreu um erro".
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from offers_cli.errors import ErrorPage, OfferGone, PageError
from offers_cli.marketplaces.html import Document, select, split, text_of
from offers_cli.marketplaces.mercado_livre import selectors
from offers_cli.marketplaces.mercado_livre.price_box import main_nodes
from offers_cli.marketplaces.mercado_livre.urls import is_wall
from offers_cli.marketplaces.walls import blocked

if TYPE_CHECKING:
    from selectolax.lexbor import LexborHTMLParser, LexborNode

ERROR_WORDS = re.compile(
    r"ocorreu um erro|ocurri[óo] un error|hubo un error|algo (?:deu errado|sali[óo] mal)|temporariamente indispon",
    re.IGNORECASE,
)
GONE_WORDS = re.compile(r"(?:essa|esta) p[áa]gina não existe|(?:esta|la) p[áa]gina no existe", re.IGNORECASE)

ENDED = re.compile(
    r"(?:an[úu]ncio|publica[çc](?:ão|i[óo]n)) (?:est[áa] |foi |fue )?(?:pausad|finalizad|encerrad|inativ|inactiv)"
    r"|produto (?:está |se encontra )?indispon[íi]vel|(?:produto|estoque) esgotado|estoque indispon[íi]vel|sem estoque"
    r"|producto (?:no (?:está )?disponible|sin stock|agotado)|stock no disponible|sin stock"
    r"|este an[úu]ncio (?:não está|já não está) (?:mais )?dispon[íi]vel",
    re.IGNORECASE,
)
REGIONAL = re.compile(r"regi(?:ão|ón)|\bCEP\b|c[óo]digo postal|ubicaci[óo]n|sua área|endereço", re.IGNORECASE)
LONGEST_MESSAGE = 300
LONGEST_HEADING = 80
MOST_MENTIONS = 50
MARKUP = re.compile(r"[{}<>=\"]")


def find_wall(document: Document, url: str) -> PageError | None:
    """The wall that a page surely is, whatever else it holds; a challenge may carry the product's title and address."""
    if is_wall(split(url).path):
        return blocked("a login or a verification")
    for selector, what in selectors.WALLS.items():
        if document.tree.css_first(selector) is not None:
            return blocked(what)
    return None


def find_account_wall(document: Document, url: str) -> PageError | None:
    """The wall in place of one of the affiliate's own pages; a login is none, it is what strangers get."""
    return None if document.tree.css_first(selectors.LOGIN) is not None else find_wall(document, url)


def find_error_page(document: Document) -> PageError | None:
    """Why a page that shows neither products nor cards shows nothing, as far as it says."""
    leads_to_wall = document.tree.css_first(selectors.WALL_DOORS) is not None
    if leads_to_wall or any(mark in document.text for mark in selectors.WALL_SCRIPTS):
        return blocked("a verification")
    if document.tree.css_first(selectors.LOGIN) is not None:
        return blocked("a login")
    headings = [text_of(node) for node in _headings(document)]
    if document.tree.css_first(selectors.ERROR_PAGE) is not None or any(ERROR_WORDS.search(text) for text in headings):
        return ErrorPage("the site answered with its own error page", hint="try again later")
    if any(GONE_WORDS.search(text) for text in headings):
        return OfferGone("the site says that this page does not exist")
    return None


def _headings(document: Document) -> list[LexborNode]:
    return select(document.tree, "h1, h2, h3, h4, title")


def find_ended_message(tree: LexborHTMLParser) -> str | None:
    """The page's own message that its product cannot be bought, or None.

    A message about the visitor's region says nothing about the product.
    """
    ended = (node for node in select(tree, selectors.MESSAGES) if says_ended(text_of(node)))
    return next(map(text_of, main_nodes(ended)), None)


def find_ended_text(text: str) -> str | None:
    """The same as any short text of a page that has no price, where it begins so; for pages whose classes changed."""
    for found, _ in zip(ENDED.finditer(text), range(MOST_MENTIONS), strict=False):
        start = text.rfind(">", max(0, found.start() - LONGEST_MESSAGE), found.start()) + 1
        shown = text[start : text.find("<", found.end(), found.end() + LONGEST_MESSAGE)].strip()
        if start and len(shown) <= LONGEST_HEADING and ENDED.match(shown) and not MARKUP.search(shown):
            return shown
    return None


def says_ended(text: str) -> bool:
    """Whether a short text says that the product cannot be bought by anyone; not only in the visitor's region."""
    return len(text) <= LONGEST_MESSAGE and bool(ENDED.search(text)) and not REGIONAL.search(text)

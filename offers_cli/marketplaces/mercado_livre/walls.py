"""What a page says instead of an offer: account verification, JavaScript challenge, login, error page, out of stock.

Recognised by elements, not by words: bundled scripts of real product pages hold words such as ``captcha`` too, and
every page's cookie banner says "Ocorreu um erro".
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from offers_cli.errors import ErrorPage, OfferGone, PageError
from offers_cli.marketplaces.html import Document, class_of, first, lineage, select, split, text_of
from offers_cli.marketplaces.mercado_livre import selectors
from offers_cli.marketplaces.mercado_livre.amounts import SHOWN
from offers_cli.marketplaces.mercado_livre.price_box import main_nodes
from offers_cli.marketplaces.mercado_livre.urls import is_wall
from offers_cli.marketplaces.walls import blocked

if TYPE_CHECKING:
    from selectolax.lexbor import LexborNode

    from offers_cli.marketplaces.tree import Tree

ERROR_WORDS = re.compile(
    r"ocorreu um erro|ocurri[óo] un error|hubo un error|algo (?:deu errado|sali[óo] mal)|temporariamente indispon",
    re.IGNORECASE,
)
GONE_WORDS = re.compile(r"(?:essa|esta) p[áa]gina não existe|(?:esta|la) p[áa]gina no existe", re.IGNORECASE)

_OFFER = (
    r"(?:(?:est[ea]|esse|ese|[oa]|el|la) )?"
    r"(?:an[úu]ncio|publica[çc](?:ão|i[óo]n)|produto|producto|[íi]tem|art[íi]culo|oferta)"
)
_STOCK = r"(?:(?:o|el) )?(?:estoque|stock)"
_IS = r"(?: (?:está|esta|foi|fue|se encontra|se encuentra|encontra-se|ficou))?(?: tempora(?:ria|l)mente)?"
_OVER = (
    r"(?:(?:pausad|finalizad|encerrad|terminad|esgotad|agotad|inativ|inactiv)[oa]|indispon[íi]vel|no disponible"
    r"|(?:sem|sin|fora de|fuera de) (?:estoque|stock))"
)
_NO_MORE = r"(?:j[áa] |ya )?(?:não|no) est[áa](?: mais| m[áa]s)? (?:dispon[íi]vel|disponible|[àa] venda|a la venta)"
_NOW = r"(?: no momento| neste momento| por enquanto| por el momento| (?:pelo|por el) vendedor)?"
ENDED = re.compile(rf"{_OFFER}(?:{_IS} {_OVER}| {_NO_MORE}){_NOW}", re.IGNORECASE)
"""One whole sentence: "Produto indisponível na cor azul" and "Outros vendedores estão sem estoque" say less."""
OUT_OF_STOCK = re.compile(rf"(?:{_STOCK}{_IS} )?{_OVER}{_NOW}|{_STOCK} {_NO_MORE}{_NOW}", re.IGNORECASE)
"""The same without naming the offer: on a page that shows its price, of another seller or variant."""
SENTENCE_END = re.compile(r"[.!;\n]+")
REGIONAL = re.compile(r"regi(?:ão|ón)|\bCEP\b|c[óo]digo postal|ubicaci[óo]n|sua área|endereço", re.IGNORECASE)
LONGEST_MESSAGE = 300


def find_wall(document: Document, url: str) -> PageError | None:
    """The wall that a page surely is, whatever else it holds; a challenge may carry the product's title and address."""
    if is_wall(split(url).path):
        return blocked("a login or a verification")
    for selector, what in selectors.WALLS.items():
        if first(document.tree, selector) is not None:
            return blocked(what)
    return None


def find_account_wall(document: Document, url: str) -> PageError | None:
    """The wall in place of one of the affiliate's own pages; a login is none, it is what strangers get."""
    return None if first(document.tree, selectors.LOGIN) is not None else find_wall(document, url)


def find_error_page(document: Document) -> PageError | None:
    """Why a page that shows neither products nor cards shows nothing, as far as it says."""
    leads_to_wall = first(document.tree, selectors.WALL_DOORS) is not None
    if leads_to_wall or any(mark in document.data for mark in selectors.WALL_SCRIPTS):
        return blocked("a verification")
    if first(document.tree, selectors.LOGIN) is not None:
        return blocked("a login")
    headings = [text_of(node) for node in _headings(document)]
    if first(document.tree, selectors.ERROR_PAGE) is not None or any(ERROR_WORDS.search(text) for text in headings):
        return ErrorPage("the site answered with its own error page", hint="try again later")
    if any(GONE_WORDS.search(text) for text in headings):
        return OfferGone("the site says that this page does not exist")
    return None


def _headings(document: Document) -> list[LexborNode]:
    return select(document.tree, "h1, h2, h3, h4, title")


def find_ended_message(tree: Tree, *, shows_price: bool) -> str | None:
    """The page's own message that its product cannot be bought, or None.

    Args:
        shows_price: whether the page shows a price of its own; then a message that names no offer is none about it.

    What visitors write, what stands beside a variant that may be chosen, and a message about the visitor's region say
    nothing about the product.
    """
    return _find_ended(tree, selectors.MESSAGES, names_offer=shows_price)


def _find_ended(tree: Tree, selector: str, *, names_offer: bool = False) -> str | None:
    for node in main_nodes(select(tree, selector)):
        text = text_of(node)
        if says_ended(text, names_offer=names_offer) and not any(
            selectors.NOT_THE_PAGES_WORD.search(class_of(place)) for place in lineage(node)
        ):
            return text
    return None


def find_ended_text(document: Document) -> str | None:
    """The same as any text of its own, where the page shows no amount of money at all; for pages of other classes.

    An offer that can be bought shows its price, however it is marked up: then such a text is somebody else's.
    """
    if SHOWN.search(document.visible_text):
        return None
    return _find_ended(document.tree, "p, span, li, strong, b")


def says_ended(text: str, *, names_offer: bool = False) -> bool:
    """Whether a short text says that the product cannot be bought by anyone; not only in the visitor's region.

    Args:
        names_offer: count only what speaks of the offer, the product or the listing by that name.
    """
    if len(text) > LONGEST_MESSAGE or REGIONAL.search(text):
        return False
    wordings = (ENDED,) if names_offer else (ENDED, OUT_OF_STOCK)
    sentences = [sentence.strip() for sentence in SENTENCE_END.split(text)]
    return any(wording.fullmatch(sentence) for wording in wordings for sentence in sentences)

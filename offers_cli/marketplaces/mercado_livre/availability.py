"""Whether a product page says that its product cannot be bought: out of stock, paused, ended."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from offers_cli.marketplaces.document import select, text_of
from offers_cli.marketplaces.mercado_livre.price_box import own_nodes

if TYPE_CHECKING:
    from selectolax.lexbor import LexborHTMLParser

MESSAGES = '.ui-pdp-message, .andes-message, [class*="item-status"], [class*="no-stock"], .ui-pdp-warning-message'
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


def find_ended_message(tree: LexborHTMLParser) -> str | None:
    """The page's own message that its product cannot be bought, or None.

    A message about the visitor's region says nothing about the product.
    """
    ended = (node for node in select(tree, MESSAGES) if says_ended(text_of(node)))
    return next(map(text_of, own_nodes(ended)), None)


def find_ended_text(text: str) -> str | None:
    """The same as any short text of a page that has no price, where it begins so; for pages whose classes changed."""
    for found, _ in zip(ENDED.finditer(text), range(MOST_MENTIONS), strict=False):
        start = text.rfind(">", max(0, found.start() - LONGEST_MESSAGE), found.start()) + 1
        shown = text[start : text.find("<", found.end(), found.end() + LONGEST_MESSAGE)].strip()
        if start and len(shown) <= LONGEST_HEADING and ENDED.match(shown) and not MARKUP.search(shown):
            return shown
    return None


def says_ended(text: str) -> bool:
    return len(text) <= LONGEST_MESSAGE and bool(ENDED.search(text)) and not REGIONAL.search(text)

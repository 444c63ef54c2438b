"""Whether a product page says that its product cannot be bought: out of stock, paused, ended."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from offers_cli.marketplaces.document import select, text_of
from offers_cli.marketplaces.mercado_livre.price_box import is_foreign

if TYPE_CHECKING:
    from selectolax.lexbor import LexborHTMLParser

MESSAGES = '.ui-pdp-message, .andes-message, [class*="item-status"], [class*="no-stock"], .ui-pdp-warning-message'
ENDED = re.compile(
    r"(?:an[úu]ncio|publica[çc](?:ão|i[óo]n)) (?:est[áa] )?(?:pausad|finalizad|encerrad|inativ|inactiv)"
    r"|produto (?:está |se encontra )?indispon[íi]vel|estoque indispon[íi]vel|sem estoque"
    r"|producto (?:no (?:está )?disponible|sin stock|agotado)|stock no disponible|sin stock"
    r"|este an[úu]ncio (?:não está|já não está) (?:mais )?dispon[íi]vel",
    re.IGNORECASE,
)
REGIONAL = re.compile(r"regi(?:ão|ón)|\bCEP\b|c[óo]digo postal|ubicaci[óo]n|sua área|endereço", re.IGNORECASE)
LONGEST_MESSAGE = 300


def find_ended_message(tree: LexborHTMLParser) -> str | None:
    """The page's own message that its product cannot be bought, or None.

    A message about the visitor's region says nothing about the product.
    """
    for node in select(tree, MESSAGES):
        text = text_of(node)
        if says_ended(text) and not is_foreign(node):
            return text
    return None


def find_ended_heading(tree: LexborHTMLParser) -> str | None:
    """The same in any short text of a page that has no price; for pages whose classes changed."""
    for node in tree.css("h1, h2, h3, h4, p, span, div"):
        if node.first_child is not None and node.first_child.is_text_node:
            text = " ".join(node.text(deep=False).split())
            if says_ended(text) and not is_foreign(node):
                return text
    return None


def says_ended(text: str) -> bool:
    return len(text) <= LONGEST_MESSAGE and bool(ENDED.search(text)) and not REGIONAL.search(text)

"""What answers instead of a page: account verification, JavaScript challenge, login, error page.

Recognised by elements, not by words: bundled scripts of real product pages hold words such as ``captcha`` too, and
every page's cookie banner says "Ocorreu um erro".
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from offers_cli.errors import ErrorPage, OfferGone, PageError
from offers_cli.marketplaces.document import Document, select, text_of
from offers_cli.marketplaces.mercado_livre.urls import is_wall
from offers_cli.marketplaces.walls import blocked

if TYPE_CHECKING:
    from selectolax.lexbor import LexborNode

LOGIN = "#login_user_form, form[action*='/lgz/'], form[action*='/jms/'][method=post i]"
WALLS = {
    ".account-verification-main, [class^=account-verification], a[href*='loginType=negative_traffic'], "
    "a[href*='registrationType=negative_traffic']": "an account verification",
    ".micro-landing-container, [class^=micro-landing]": "a JavaScript challenge",
}
WALL_SCRIPTS = ("_bm_skipml", "verifyChallenge", "suspicious-traffic-frontend", "/security/suspicious_traffic")
WALL_DOORS = "a[href*='/gz/account-verification'], form[action*='/gz/account-verification'], form[action*='/captcha/']"
"""What leads through a wall; on a page that shows neither products nor cards, nothing else is to be seen."""
ERROR_NODES = ".andes-technical-error, .andes-technical-error__title, .shops-error-page, .ui-error-page"
ERROR_WORDS = re.compile(
    r"ocorreu um erro|ocurri[óo] un error|hubo un error|algo (?:deu errado|sali[óo] mal)|temporariamente indispon",
    re.IGNORECASE,
)
GONE_WORDS = re.compile(r"(?:essa|esta) p[áa]gina não existe|(?:esta|la) p[áa]gina no existe", re.IGNORECASE)


def find_wall(document: Document, url: str) -> PageError | None:
    """The wall that a page surely is, whatever else it holds; a challenge may carry the product's title and address."""
    if is_wall(url):
        return blocked("a login or a verification")
    for selector, what in WALLS.items():
        if document.tree.css_first(selector) is not None:
            return blocked(what)
    return None


def find_account_wall(document: Document, url: str) -> PageError | None:
    """The wall in place of one of the affiliate's own pages; a login is none, it is what strangers get."""
    return None if document.tree.css_first(LOGIN) is not None else find_wall(document, url)


def find_excuse(document: Document) -> PageError | None:
    """Why a page that shows neither products nor cards shows nothing, as far as it says."""
    leads_to_wall = document.tree.css_first(WALL_DOORS) is not None
    if leads_to_wall or any(mark in document.text for mark in WALL_SCRIPTS):
        return blocked("a verification")
    if document.tree.css_first(LOGIN) is not None:
        return blocked("a login")
    headings = [text_of(node) for node in _headings(document)]
    if document.tree.css_first(ERROR_NODES) is not None or any(ERROR_WORDS.search(text) for text in headings):
        return ErrorPage("the site answered with its own error page", hint="try again later")
    if any(GONE_WORDS.search(text) for text in headings):
        return OfferGone("the site says that this page does not exist")
    return None


def _headings(document: Document) -> list[LexborNode]:
    return select(document.tree, "h1, h2, h3, h4, title")

"""The affiliates' hub: the first cards stand in its page, further ones come by its own search call.

Source: the call as the hub's own page makes it. Its answer holds 17 or 18 cards, no total, and nothing at the end.
"""

from __future__ import annotations

from dataclasses import dataclass

from offers_cli.marketplaces.document import Document
from offers_cli.marketplaces.mercado_livre.state import Json, dig, find_states, text_of

HUB_PAGE = "/afiliados/hub"
SEARCH_CALL = "/affiliate-program/api/hub/search?is_affiliate=true&device=desktop"
UNRESTRICTED = frozenset({None, "", "none", "no_restriction", "unrestricted"})


@dataclass(frozen=True, slots=True, kw_only=True)
class HubFilter:
    """Which offers the hub shows.

    Attributes:
        category: a category's id, e.g. ``MLB1574``.
    """

    category: str | None = None
    extra_commission: bool = False
    best_seller: bool = False

    @property
    def is_set(self) -> bool:
        """Whether it leaves anything out; the page's own first cards are unfiltered."""
        return bool(self.category or self.extra_commission or self.best_seller)


def search_body(wanted: HubFilter, *, offset: int) -> Json:
    """The body that asks for the cards from an offset."""
    filters: list[Json] = [{"id": "category", "value": wanted.category}] if wanted.category else []
    if wanted.extra_commission:
        filters.append({"id": "extra_commission", "value": True})
    if wanted.best_seller:
        filters.append({"id": "best_seller", "value": True})
    return {"search": "", "sort": "relevance", "filters": filters, "offset": offset}


def find_restriction(page: str) -> str | None:
    """What the programme withholds from this account, as the hub's state tells it; None when nothing."""
    for state in find_states(Document(page)):
        told = text_of(dig(state, "pageState", "restrictionType"))
        if (told or "").lower() not in UNRESTRICTED:
            return told
    return None

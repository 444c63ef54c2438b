"""The affiliates' hub, page by page as long as it brings new offers.

The first cards stand in its page, further ones come by its own search call, as the page makes it (observed, not
documented): an answer holds 17 or 18 cards, no total, and nothing at the end.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from offers_cli.errors import PageChanged, SessionExpired
from offers_cli.fetch.response import Page
from offers_cli.marketplaces.base import ListingReading
from offers_cli.marketplaces.html import Document
from offers_cli.marketplaces.mercado_livre.state import Json, dig, find_states, text_in

if TYPE_CHECKING:
    from offers_cli.affiliate.account import Account

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
        """Whether it leaves anything out."""
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
    """What the programme withholds from this account, as the hub's state has it; None when nothing."""
    for state in find_states(Document(page)):
        restriction = text_in(dig(state, "pageState", "restrictionType"))
        if (restriction or "").lower() not in UNRESTRICTED:
            return restriction
    return None


def read_hub(
    account: Account,
    read_listing: Callable[[str, str], ListingReading],
    wanted: HubFilter,
    *,
    patiently: Callable[[Callable[[], Any]], Any],
) -> Iterator[ListingReading]:
    """One reading per page, each offer once; ends where a page brings nothing new.

    Args:
        read_listing: text and address of a page to its offers.
        patiently: does something for someone who waits: short pauses and failures are waited out.

    Raises:
        SessionExpired: logged out, expired or restricted.
        WorkError: what the account's pages and calls raise.
    """

    def search(offset: int) -> ListingReading:
        data = patiently(lambda: account.call(SEARCH_CALL, search_body(wanted, offset=offset)))
        return read_listing(json.dumps(data), page.final_url)

    page = patiently(lambda: account.open_page(HUB_PAGE))
    known: set[str] = set()
    offset = 0
    # The page's own first cards are unfiltered.
    reading = search(offset) if wanted.is_set else _read_first(page, read_listing)
    while count := len(reading.offers) + len(reading.unreadable):
        fresh = tuple(offer for offer in reading.offers if offer.external_id not in known)
        if not fresh and known:
            return
        known |= {offer.external_id for offer in fresh}
        yield replace(reading, offers=fresh)
        offset += count
        reading = search(offset)


def _read_first(page: Page, read_listing: Callable[[str, str], ListingReading]) -> ListingReading:
    """The cards that stand in the hub's own page; a hub without any is no empty list."""
    try:
        reading = read_listing(page.text, page.final_url)
    except PageChanged as error:
        raise _restricted(page) or error from error
    if not reading.offers:
        raise _restricted(page) or PageChanged("the hub shows no offers", hint="look at it in the browser")
    return reading


def _restricted(page: Page) -> SessionExpired | None:
    restriction = find_restriction(page.text)
    if restriction is None:
        return None
    return SessionExpired(
        f"the affiliate's account is restricted ({restriction})",
        hint="open the hub in the browser and do what it asks, then: offers session import FILE",
    )

"""Add: single products by their links. Each page is fetched once, read, saved as an offer, and queued if need be.

A short link or a profile is followed to the product that it names. What a wall or a pause keeps from being asked is
named, so that the same links given again go on where they ended.
"""

from __future__ import annotations

import re
import shlex
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import BinaryIO, Literal
from urllib.parse import urlsplit

from offers_cli.drift.watch import DriftWatch
from offers_cli.errors import (
    ForbiddenUrl,
    HostPaused,
    Interrupted,
    OffersError,
    Outcome,
    PageBlocked,
    PageChanged,
    RateLimited,
    Redirected,
    SessionExpired,
    SiteUnavailable,
    StorageRefused,
    StorageUnavailable,
    UsageError,
)
from offers_cli.fetch.response import Page
from offers_cli.log import get_log, without_query
from offers_cli.marketplaces.base import Html, Marketplace, ProductReading
from offers_cli.report import Problem, Report
from offers_cli.services.lookup import as_link, find_offers_called
from offers_cli.services.page_offers import OfferRefused, PageOffers, find_shown, offer_of_page
from offers_cli.services.pages import Pages, read_text
from offers_cli.storage.base import Storage, StoredOffer
from offers_cli.text import printable

MOST_STEPS = 3
"""Pages on the way to a product: a short link leads to a profile, that one to its product."""
MOST_REFUSALS = 3
"""Links in a row to which a host may show a wall, or nothing, before its other links are put off unasked."""
GOES_ON = "give the same links again: what is saved is known and not asked twice"
LINK = re.compile(
    r"""(?:https?://|(?<![\w@/.-])(?:[\w-]+\.)+(?:[a-z]{2,}|\d+(?=:\d))(?::\d+)?/)(?:(?!,https?://)[^\s<>"'`;|()\[\]])+""",
    re.IGNORECASE | re.ASCII,
)
"""A link in a text that people wrote, with or without scheme."""

log = get_log("scrape")

AddOutcome = Literal["added", "enriched", "known", "refused"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AddedLink:
    """What became of one link.

    Attributes:
        code: why it was refused; None for the others.
    """

    link: str
    outcome: AddOutcome
    offer_id: str | None = None
    external_id: str | None = None
    title: str | None = None
    code: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AddReport(Report):
    """`added + enriched + known + refused + len(not_done)` is the number of different links.

    Attributes:
        enriched: offers that were gone and can be bought again.
        not_done: links that were not asked, or not answered, for a reason that passes.
    """

    added: int = 0
    enriched: int = 0
    known: int = 0
    refused: int = 0
    enqueued: int = 0
    already_queued: int = 0
    links: tuple[AddedLink, ...] = ()
    not_done: tuple[str, ...] = ()


def links_in(text: str) -> Iterator[str]:
    """The links of a text, line by line; of a line without any its first word, which says itself why it is none.

    Empty lines and those that begin with ``#`` are left out.
    """
    for line in text.splitlines():
        words = line.split()
        if words and not words[0].startswith("#"):
            yield from [link.rstrip(",.!?:") for link in LINK.findall(line)] or words[:1]


def read_links(words: Sequence[str], files: Sequence[Path], *, stdin: BinaryIO) -> list[str]:
    """The links of the command line, of files, and of the standard input where a word is ``-``.

    Raises:
        UsageError: there are none, or a file cannot be read.
        NotFound, TooLarge: see `read_text`.
    """
    links: list[str] = []
    for word in words:
        links += links_in(read_text(None, stdin=stdin)) if word == "-" else [word]
    for path in files:
        links += links_in(read_text(path, stdin=stdin))
    if not links:
        raise UsageError("there are no links", hint="offers add https://…, or --file FILE, or - for the standard input")
    return links


@dataclass(slots=True, kw_only=True)
class Adder:
    """Everything that adding links needs, and its running figures.

    Attributes:
        marketplaces: the first that owns a link reads it; the last owns any.
        on_link: is given the number of links dealt with so far.
    """

    storage: Storage
    offers: PageOffers
    pages: Pages
    marketplaces: Sequence[Marketplace]
    drift: DriftWatch
    on_link: Callable[[int], None] = lambda _done: None
    done: list[AddedLink] = field(default_factory=list, init=False)
    refusals: list[Problem] = field(default_factory=list, init=False)
    put_off: dict[str, OffersError] = field(default_factory=dict, init=False)
    refused_in_a_row: dict[str, list[OffersError]] = field(default_factory=dict, init=False)

    def add(self, links: Iterable[str]) -> AddReport:
        """Add every link once, in order. What was foreseen to go wrong is not raised: it stands in the report."""
        waiting = self._different(links)
        try:
            while waiting:
                self._add(waiting[0])
                del waiting[0]
                self.on_link(len(self.done) + len(self.put_off))
        except (StorageUnavailable, StorageRefused) as error:
            self.put_off |= dict.fromkeys(waiting, error)
        except KeyboardInterrupt:
            self.put_off |= dict.fromkeys(waiting, Interrupted("interrupted; what was saved stays saved"))
        finally:
            self.drift.flush()
        return AddReport(
            **Counter[str](each.outcome for each in self.done),
            enqueued=self.offers.enqueued,
            already_queued=self.offers.already_queued,
            links=tuple(self.done),
            not_done=tuple(self.put_off),
            problems=(*self.refusals, *self._delays(), *self.offers.problems),
        )

    def _different(self, links: Iterable[str]) -> list[str]:
        """The links, of those to one product the first alone."""
        found: dict[object, str] = {}
        for link in links:
            address = as_link(link, self.marketplaces)
            place = self.pages.marketplace_for(address).locate(address) if address else None
            found.setdefault((place.url, place.external_id) if place else address or link, link)
        return list(found.values())

    def _add(self, link: str) -> None:
        try:
            address = as_link(link, self.marketplaces)
            if address is None:
                raise ForbiddenUrl(f"{printable(link)} is not a link", hint="offers add https://…")
            self._add_address(link, address)
        except OfferRefused as error:
            self._refuse(link, error)
        except (StorageUnavailable, StorageRefused):
            raise
        except (HostPaused, PageBlocked, RateLimited, SessionExpired, SiteUnavailable) as error:
            if error.outcome is Outcome.FINAL:
                self._refuse(link, error)
            else:
                self.put_off[link] = error
        except OffersError as error:
            self._refuse(link, error)

    def _add_address(self, link: str, address: str) -> None:
        for _ in range(MOST_STEPS):
            shop = self.pages.marketplace_for(address)
            place = shop.locate(address)
            asked = shop.fetch_url(place.url if place else address)
            if known := self._known(asked):
                self._note(link, "known", known)
                return
            page, product, featured = self._ask(asked)
            if product is not None:
                shop.check_same_product(asked, product)
                self._save(link, product, page, url=asked if place else page.final_url)
                return
            if featured is None:
                break
            address = featured
        shown = printable(without_query(page.final_url))
        raise Redirected(
            f"{link} leads to {shown}, which is no product page", hint=f"offers scrape {shlex.quote(shown)}"
        )

    def _known(self, address: str) -> StoredOffer | None:
        """A stored offer that can be bought and that the address names; of a catalogue product any of its offers."""
        found = find_offers_called(address, storage=self.storage, marketplaces=self.marketplaces)
        return next((offer for offer in found if offer.status == "active"), None)

    def _ask(self, url: str) -> tuple[Page, ProductReading | None, str | None]:
        """Fetch and read a page; a host that refused several links in a row is not asked for more."""
        host = urlsplit(url).netloc
        refused = self.refused_in_a_row.setdefault(host, [])
        if len(refused) >= MOST_REFUSALS:
            raise refused[-1]
        try:
            page = self.pages.fetch_patiently(url)
            product, featured = self.pages.read(page, self._read)
        except (PageBlocked, RateLimited, SiteUnavailable) as error:
            refused.append(error)
            raise
        refused.clear()
        return page, product, featured

    def _read(self, html: Html, url: str) -> tuple[ProductReading | None, str | None]:
        """The product of a page, or else the address of the one that it presents."""
        shop = self.pages.marketplace_for(url)
        reading = shop.read(html, url)
        if not isinstance(reading, ProductReading):
            return None, shop.featured_url(html, url)
        self.drift.saw_product(reading)
        return reading, None

    def _save(self, link: str, product: ProductReading, page: Page, *, url: str) -> None:
        shop = self.pages.marketplace_for(page.final_url)
        stored = find_shown(product, storage=self.storage)
        if stored is None:
            offer = offer_of_page(product, shop, url=url, source="add")
            self._note(link, "added", self.offers.save_new(offer, product, observed_at=page.fetched_at))
            return
        self.offers.enrich(stored.id, product, observed_at=page.fetched_at)
        is_back = stored.status == "gone"
        self._note(link, "enriched" if is_back else "known", self.storage.find_offer(stored.id) or stored)

    def _note(self, link: str, outcome: AddOutcome, offer: StoredOffer) -> None:
        self.offers.enqueue([offer])
        log.info("link", outcome=outcome, offer_id=offer.id, url=offer.url)
        self.done.append(
            AddedLink(link=link, outcome=outcome, offer_id=offer.id, external_id=offer.external_id, title=offer.title)
        )

    def _refuse(self, link: str, error: OffersError) -> None:
        problem = Problem.of(error)
        shown = printable(without_query(link))
        if shown not in problem.message:
            problem = replace(problem, message=f"{shown}: {problem.message}")
        self.refusals.append(problem if isinstance(error, PageChanged) else replace(problem, exit_code=1))
        self.done.append(AddedLink(link=link, outcome="refused", code=error.code))

    def _delays(self) -> Iterator[Problem]:
        """For each reason why links were put off one problem, with how to go on."""
        for code, links in _by_code(self.put_off).items():
            first = self.put_off[links[0]]
            count = "1 link was" if len(links) == 1 else f"{len(links)} links were"
            beginning = printable(without_query(links[0]))
            yield replace(
                Problem.of(first),
                code=code,
                message=f"{count} not done, beginning with {beginning}: {first.message}",
                hint=f"{first.hint}; then {GOES_ON}" if first.hint else GOES_ON,
            )


def _by_code(put_off: Mapping[str, OffersError]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for link, error in put_off.items():
        found.setdefault(error.code, []).append(link)
    return found

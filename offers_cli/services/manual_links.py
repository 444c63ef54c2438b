"""Manual links: offers without an affiliate link as a list for the programme's own page, and its answer read back.

Each link is followed once, politely: the label that it credits must be ours, and the product that it leads to, where
its page tells, the one that it is given for.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from offers_cli.affiliate.link_builder import Link, label_of, paste_code_in, read_json, read_links
from offers_cli.errors import (
    HostPaused,
    Interrupted,
    NotFound,
    OffersError,
    PageBlocked,
    PageChanged,
    PageError,
    RateLimited,
    SiteUnavailable,
    StorageRefused,
    StorageUnavailable,
    UsageError,
    WorkError,
)
from offers_cli.fetch.response import Page
from offers_cli.log import without_query
from offers_cli.marketplaces.base import Marketplace
from offers_cli.offer import Enrichment
from offers_cli.report import Problem, Report
from offers_cli.services.add import LINK
from offers_cli.services.lookup import as_link, find_offer, ids_in
from offers_cli.services.pages import Pages
from offers_cli.storage.base import Missing, Storage, StoredOffer
from offers_cli.text import printable

AGAIN = "give the same answer again: links that are saved are known"


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingLink:
    """An offer that has no affiliate link, and the address to ask for one by."""

    offer_id: str
    external_id: str
    title: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingLinksReport(Report):
    """Offers without a link, those never tried first; one that the programme refused is not among them."""

    offers: tuple[PendingLink, ...] = ()


def pending_links(*, storage: Storage, link_url: Callable[[str], str | None], limit: int) -> PendingLinksReport:
    """List offers that need a link.

    Args:
        link_url: a product's address as links are asked for; None for what the programme does not sell.

    Raises:
        StorageUnavailable, StorageRefused: see `Storage`.
    """
    offers = storage.offers_needing_enrichment(limit=limit, missing=frozenset({Missing.AFFILIATE_LINK}))
    found = ((offer, link_url(offer.url)) for offer in offers)
    return PendingLinksReport(
        offers=tuple(
            PendingLink(offer_id=offer.id, external_id=offer.external_id, title=offer.title, url=url)
            for offer, url in found
            if url
        )
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportLinksReport(Report):
    """`found = imported + known + refused + len(not_done)`.

    Attributes:
        known: offers that have that very link.
        not_done: links that could not be followed, for a reason that passes.
    """

    found: int = 0
    imported: int = 0
    known: int = 0
    refused: int = 0
    not_done: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenLink:
    """One affiliate link of the answer.

    Attributes:
        product: the product's address that it stands beside or below; None where only its page can tell.
        code: the code that finds the product in the shop's search.
    """

    link: str
    product: str | None
    code: str | None


def given_links(text: str, marketplaces: Sequence[Marketplace]) -> Iterator[GivenLink]:
    """The affiliate links of a pasted text: beside their product in a line, below its line, or alone."""
    product: str | None = None
    for line in text.splitlines():
        links = [link.rstrip(",.!?:") for link in LINK.findall(line.replace(",", " "))]
        products = [link for link in links if ids_in(link, marketplaces)]
        made = [link for link in links if link not in products and as_link(link, marketplaces)]
        if len(products) == 1:
            product = products[0]
        elif products:
            product = None
        if len(made) > 1 and len(products) == 1:
            made = [min(made, key=len)]  # the short one and the long one of the same product
        for link in made:
            yield GivenLink(link=link, product=product if len(made) == 1 else None, code=paste_code_in(line))
        if made:
            product = None


class LinkNotOurs(OffersError):
    """A link that credits somebody else, or leads to another product."""

    code = "link_foreign"


@dataclass(slots=True, kw_only=True)
class LinkImporter:
    """Everything that reading the programme's answer needs, and its running figures.

    Attributes:
        marketplaces: those with an affiliates' programme.
        link_host: host and port that links may lead to, beside the marketplace's own.
    """

    label: str
    storage: Storage
    pages: Pages
    marketplaces: Sequence[Marketplace]
    link_host: str
    now: Callable[[], datetime]
    on_link: Callable[[int], None] = lambda _done: None
    counts: Counter[str] = field(default_factory=Counter, init=False)
    problems: list[Problem] = field(default_factory=list, init=False)
    not_done: list[str] = field(default_factory=list, init=False)

    def read(self, text: str) -> ImportLinksReport:
        """Read a pasted answer: text or CSV, or the JSON of the link builder's own call.

        Raises:
            UsageError: there is no affiliate link in it.
        """
        made = self._made(text)
        given: list[GivenLink | tuple[str, Link | WorkError]] = (
            list(made.items()) if made else list(given_links(text, self.marketplaces))
        )
        if not given:
            raise UsageError(
                "there is no affiliate link in it",
                hint="copy the whole answer of the programme's page: products and links",
            )
        stopped_by: OffersError | None = None
        waiting = list(given)
        try:
            while waiting:
                self._take(waiting[0])
                del waiting[0]
                self.on_link(len(given) - len(waiting))
        except (StorageUnavailable, StorageRefused, HostPaused, PageBlocked, RateLimited, SiteUnavailable) as error:
            stopped_by = error
        except KeyboardInterrupt:
            stopped_by = Interrupted("interrupted; what was saved stays saved")
        if stopped_by:
            self.not_done += [each.link if isinstance(each, GivenLink) else each[0] for each in waiting]
            hint = f"{stopped_by.hint}; then {AGAIN}" if stopped_by.hint else AGAIN
            self.problems.append(replace(Problem.of(stopped_by), hint=hint))
        return ImportLinksReport(
            found=len(given), **self.counts, not_done=tuple(self.not_done), problems=tuple(self.problems)
        )

    def _made(self, text: str) -> Mapping[str, Link | WorkError]:
        """What the JSON of the link builder's call says of each product; nothing for another text."""
        if not text.lstrip("\ufeff \r\n\t").startswith("{"):
            return {}
        try:
            data: Any = read_json(text)
            items = data.get("urls") if isinstance(data, dict) else None
            urls = [str(item.get("origin_url")) for item in items or () if isinstance(item, dict)]
            return read_links(data, list(dict.fromkeys(urls)), self.label, link_host=self.link_host)
        except PageError:
            return {}

    def _take(self, given: GivenLink | tuple[str, Link | WorkError]) -> None:
        try:
            if isinstance(given, GivenLink):
                self._save(*self._follow(given))
                return
            product, made = given
            if isinstance(made, WorkError):
                raise made
            self._save(self._offer(product), made)
        except (StorageUnavailable, StorageRefused, HostPaused, PageBlocked, RateLimited, SiteUnavailable):
            raise
        except OffersError as error:
            name = given.link if isinstance(given, GivenLink) else given[0]
            shown = printable(without_query(name))
            problem = Problem.of(error)
            message = problem.message if shown in problem.message else f"{shown}: {problem.message}"
            self.problems.append(replace(problem, message=message, exit_code=1))
            self.counts["refused"] += 1

    def _follow(self, given: GivenLink) -> tuple[StoredOffer, Link]:
        """The offer of a link, and the link, once it is seen to be ours and that product's."""
        address = as_link(given.link, self.marketplaces) or given.link
        page = self.pages.fetch_patiently(address)
        label = label_of(page.final_url) or label_of(address)
        if label != self.label:
            whom = f"credits the label {label}, not {self.label}" if label else "does not show whom it credits"
            raise LinkNotOurs(f"{given.link} {whom}", hint="make it anew with your own label")
        featured = self._featured(page)
        name = given.product or featured
        if name is None:
            raise NotFound(f"{given.link} does not show its product", hint="copy the product's address along with it")
        offer = self._offer(name)
        if featured and not self._shows(featured, offer):
            raise LinkNotOurs(
                f"{given.link} leads to another product than {offer.external_id}: {printable(without_query(featured))}",
                hint="copy products and links as they stand side by side",
            )
        return offer, Link(url=address, affiliation_id=given.code)

    def _featured(self, page: Page) -> str | None:
        try:
            return self.pages.read(page, self.pages.marketplace_for(page.final_url).featured_url)
        except PageChanged:  # a profile of a new form; the label stands in its address
            return None

    def _shows(self, address: str, offer: StoredOffer) -> bool:
        """Whether the product of an address is that of the offer, be it another seller's."""
        shown, own = (self.pages.marketplace_for(url).locate(url) for url in (address, offer.url))
        ids = {offer.external_id, offer.item_id, offer.catalogue_id, own.external_id if own else None} - {None}
        return shown is not None and not ids.isdisjoint({shown.external_id, shown.item_id, shown.catalogue_id})

    def _offer(self, name: str) -> StoredOffer:
        return find_offer(name, storage=self.storage, marketplaces=self.marketplaces)

    def _save(self, offer: StoredOffer, link: Link) -> None:
        if offer.affiliate_link == link.url:
            self.counts["known"] += 1
            return
        enrichment = Enrichment(
            offer_id=offer.id,
            observed_at=self.now(),
            page_read=False,
            affiliate_link=link.url,
            affiliation_id=link.affiliation_id,
            affiliate_checked=True,
        )
        if reason := self.storage.save_enrichments([enrichment]).unwritten.get(offer.id):
            raise NotFound(f"offer {offer.external_id}: {reason}", hint="offers list")
        self.counts["imported"] += 1

"""Check links: whether stored affiliate links still credit our label. A sample, one request for each hop of a link."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from random import Random
from typing import Literal

from offers_cli.affiliate.link_builder import label_of
from offers_cli.config import Config
from offers_cli.errors import ConfigError, OfferGone, OffersError
from offers_cli.log import get_log
from offers_cli.report import Problem, Report
from offers_cli.storage.base import OfferFilter, Storage, StoredOffer

MOST_HOPS = 3
"""A short link leads to its long form at once, or by way of a host that has moved."""

log = get_log("scrape")

LinkVerdict = Literal["ours", "foreign", "gone", "unclear"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedLink:
    """One link and whom it credits.

    Attributes:
        verdict: ``ours``, ``foreign`` (another label), ``gone`` (leads nowhere) or ``unclear`` (shows no label).
    """

    offer_id: str
    title: str
    affiliate_link: str
    label: str | None
    verdict: LinkVerdict


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckLinksReport(Report):
    """How many links there are, how many were checked and with what outcome.

    Attributes:
        links: the checked links that do not surely credit our label.
    """

    stored: int = 0
    checked: int = 0
    ours: int = 0
    foreign: int = 0
    gone: int = 0
    unclear: int = 0
    links: tuple[CheckedLink, ...] = ()


def required_label(config: Config) -> str:
    """The label to check for; raises `ConfigError` when none is set."""
    if config.marketplace.affiliate_tag is None:
        raise ConfigError("there is no label to check the links for", hint="set ML_AFFILIATE_TAG")
    return config.marketplace.affiliate_tag


def check_links(
    *,
    label: str,
    storage: Storage,
    locate: Callable[[str], str],
    sample: int,
    random: Random | None = None,
    on_progress: Callable[[int], None] = lambda _done: None,
) -> CheckLinksReport:
    """Check a random sample of the links of active offers; an error of the site ends it, what was checked is reported.

    Args:
        locate: where an address redirects to; the address itself when it does not.
        on_progress: is given the number of links checked so far.

    Raises:
        StorageUnavailable, StorageRefused: see `Storage`.
    """
    linked = (offer for offer in storage.find_offers(OfferFilter(status="active")) if offer.affiliate_link)
    stored, chosen = _sample(linked, sample, random or Random())  # noqa: S311 (which links are checked is no secret)
    checked: list[CheckedLink] = []
    ended_by: list[Problem] = []
    for offer in chosen:
        try:
            checked.append(_check(offer, locate, label))
        except OffersError as error:
            ended_by.append(Problem.of(error))
            break
        on_progress(len(checked))
    counts = Counter[str](link.verdict for link in checked)
    lost = tuple(link for link in checked if link.verdict != "ours")
    return CheckLinksReport(
        stored=stored,
        checked=len(checked),
        ours=counts["ours"],
        foreign=counts["foreign"],
        gone=counts["gone"],
        unclear=counts["unclear"],
        links=lost,
        problems=(*(_problem(link, label) for link in lost), *ended_by),
    )


def _sample(offers: Iterable[StoredOffer], size: int, random: Random) -> tuple[int, list[StoredOffer]]:
    """How many there are, and `size` of them, each as likely as any other (reservoir sampling)."""
    chosen: list[StoredOffer] = []
    count = 0
    for count, offer in enumerate(offers, start=1):
        place = count - 1 if count <= size else random.randrange(count)
        if place < size:
            chosen[place : place + 1] = [offer]
    return count, chosen


def _check(offer: StoredOffer, locate: Callable[[str], str], label: str) -> CheckedLink:
    link = offer.affiliate_link or ""
    verdict: LinkVerdict = "unclear"
    found = None
    try:
        found = _find_label(link, locate)
    except OfferGone:
        verdict = "gone"
    if found is not None:
        verdict = "ours" if found == label else "foreign"
    log.info("link checked", offer_id=offer.id, url=link, verdict=verdict)
    return CheckedLink(offer_id=offer.id, title=offer.title, affiliate_link=link, label=found, verdict=verdict)


def _find_label(link: str, locate: Callable[[str], str]) -> str | None:
    """The label in the first address on a link's way that shows one."""
    address = link
    for _ in range(MOST_HOPS):
        if label := label_of(address):
            return label
        following = locate(address)
        if following == address:
            return None
        address = following
    return label_of(address)


def _problem(link: CheckedLink, label: str) -> Problem:
    reasons = {
        "foreign": f"credits the label {link.label}, not {label}",
        "gone": "leads nowhere any more",
        "unclear": "does not show whom it credits",
    }
    return Problem(
        code=f"link_{link.verdict}",
        message=f"{link.affiliate_link} {reasons[link.verdict]}",
        hint=f"offers show {shlex.quote(link.offer_id)}",
        offer_id=link.offer_id,
    )

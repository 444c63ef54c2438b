"""Check links: whether stored affiliate links still credit our label. A sample, one request for each hop of a link."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from random import Random
from typing import Any, Literal

from offers_cli.affiliate.link_builder import label_of
from offers_cli.errors import OfferGone, OffersError
from offers_cli.log import get_log
from offers_cli.report import Problem
from offers_cli.storage.base import OfferFilter, Storage, StoredOffer

MOST_HOPS = 3
"""A short link leads to its long form at once, or by way of a host that has moved."""

log = get_log("scrape")

Verdict = Literal["ours", "foreign", "gone", "unclear"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedLink:
    """One link and whom it credits.

    Attributes:
        verdict: ``ours``, ``foreign`` (another label), ``gone`` (leads nowhere) or ``unclear`` (tells no label).
    """

    offer_id: str
    title: str
    affiliate_link: str
    label: str | None
    verdict: Verdict

    def data(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in ("offer_id", "title", "affiliate_link", "label", "verdict")}


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckLinksReport:
    """How many links there are, how many were checked, and those that do not credit us."""

    stored: int = 0
    checked: tuple[CheckedLink, ...] = ()
    problems: tuple[Problem, ...] = ()

    @property
    def lost(self) -> tuple[CheckedLink, ...]:
        """The checked links that do not surely credit our label."""
        return tuple(link for link in self.checked if link.verdict != "ours")

    def data(self) -> dict[str, Any]:
        verdicts = [link.verdict for link in self.checked]
        return {
            "stored": self.stored,
            "checked": len(verdicts),
            "ours": verdicts.count("ours"),
            "foreign": verdicts.count("foreign"),
            "gone": verdicts.count("gone"),
            "unclear": verdicts.count("unclear"),
            "links": [link.data() for link in self.lost],
        }


def check_links(
    *,
    storage: Storage,
    locate: Callable[[str], str],
    tag: str,
    sample: int,
    random: Random,
    on_progress: Callable[[int], None] = lambda _done: None,
) -> CheckLinksReport:
    """Check a random sample of the links of active offers; an error of the site ends it, what was checked is told.

    Args:
        locate: where an address redirects to; the address itself when it does not.
    """
    linked = (offer for offer in storage.find_offers(OfferFilter(status="active")) if offer.affiliate_link)
    stored, chosen = _sample(linked, sample, random)
    report = CheckLinksReport(stored=stored)
    for done, offer in enumerate(chosen, start=1):
        try:
            link = _check(offer, locate, tag)
        except OffersError as error:
            return replace(report, problems=(*report.problems, Problem.of(error)))
        report = replace(report, checked=(*report.checked, link), problems=(*report.problems, *_problems(link, tag)))
        on_progress(done)
    return report


def _sample(offers: Iterable[StoredOffer], size: int, random: Random) -> tuple[int, list[StoredOffer]]:
    """How many there are, and `size` of them, each as likely as any other (reservoir sampling)."""
    chosen: list[StoredOffer] = []
    count = 0
    for count, offer in enumerate(offers, start=1):
        place = count - 1 if count <= size else random.randrange(count)
        if place < size:
            chosen[place : place + 1] = [offer]
    return count, chosen


def _check(offer: StoredOffer, locate: Callable[[str], str], tag: str) -> CheckedLink:
    link = offer.affiliate_link or ""
    verdict: Verdict = "unclear"
    label = None
    try:
        label = _find_label(link, locate)
    except OfferGone:
        verdict = "gone"
    if label is not None:
        verdict = "ours" if label == tag else "foreign"
    log.info("link checked", offer_id=offer.id, url=link, verdict=verdict)
    return CheckedLink(offer_id=offer.id, title=offer.title, affiliate_link=link, label=label, verdict=verdict)


def _find_label(link: str, locate: Callable[[str], str]) -> str | None:
    """The label in the first address on a link's way that tells one."""
    address = link
    for _ in range(MOST_HOPS):
        if label := label_of(address):
            return label
        following = locate(address)
        if following == address:
            return None
        address = following
    return label_of(address)


def _problems(link: CheckedLink, tag: str) -> list[Problem]:
    reasons = {
        "foreign": f"credits the label {link.label}, not {tag}",
        "gone": "leads nowhere any more",
        "unclear": "does not tell whom it credits",
    }
    if link.verdict == "ours":
        return []
    message = f"{link.affiliate_link} {reasons[link.verdict]}"
    return [
        Problem(
            code=f"link_{link.verdict}",
            message=message,
            hint=f"offers show {shlex.quote(link.offer_id)}",
            offer_id=link.offer_id,
        )
    ]

"""Replay: kept pages are read again with today's code; what they now say is saved, and nothing is fetched."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any, Literal

from offers_cli.errors import NotFound, OfferGone, Outcome, PageError
from offers_cli.fetch.snapshots import Snapshot, Snapshots
from offers_cli.log import get_log
from offers_cli.marketplaces.base import Marketplace
from offers_cli.offer import Enrichment, EnrichmentFailure
from offers_cli.queue.registries import Registries
from offers_cli.report import WHEN_DONE, Problem, Report
from offers_cli.services.enrich import to_enrichment
from offers_cli.storage.base import Storage, StoredOffer
from offers_cli.storage.rules import WriteResult, with_result

BATCH = 200
CHANGES = ("offer_id", "price_cents", "price_condition", "card_price_cents", "old_price_cents", "discount_pct")
"""What a dry run shows of each page."""
LOOKED_AT = ("enriched_at", "enrich_attempted_at", "enrich_attempts", "strategies")
"""What changes of a stored offer when its page says nothing new."""
REPORTED_FAILURES = 100
"""Pages that cannot be read which a report names one by one."""

log = get_log("enrichment")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayReport(Report):
    """`found = mended + unchanged + superseded + unreadable`; `forgotten` counts failed jobs no longer needed.

    Attributes:
        found: offers with a kept page; of several pages of one offer the newest counts.
        mended: their page shows now what was not known, or ends an error (with `dry_run`: would be saved).
        unchanged: their page shows what is saved already.
        superseded: something newer is stored.
        unreadable: their page still cannot be read.
        changes: for a dry run, what each mended offer's page shows.
    """

    found: int = 0
    mended: int = 0
    unchanged: int = 0
    superseded: int = 0
    unreadable: int = 0
    forgotten: int = 0
    dry_run: bool = field(default=False, metadata=WHEN_DONE)
    changes: tuple[dict[str, Any], ...] = ()


def replay(
    *,
    snapshots: Snapshots,
    storage: Storage,
    queue: Registries,
    marketplace_for: Callable[[str], Marketplace],
    reason: str | None = None,
    dry_run: bool = False,
) -> ReplayReport:
    """Replay the newest kept page of each offer, or those kept for one failure code.

    Raises:
        StorageUnavailable, StorageRefused: see `Storage`; run it again to go on.
        QueueUnavailable, QueueRefused: Redis does not answer or says no.
    """
    counts: Counter[str] = Counter()
    changes: list[dict[str, Any]] = []
    problems: list[Problem] = []
    newest = {snapshot.offer_id: snapshot for snapshot in snapshots.iterate(reason) if snapshot.offer_id}
    for batch in _batches(sorted(newest.values(), key=lambda snapshot: snapshot.id)):
        found: list[Enrichment] = []
        gone: list[EnrichmentFailure] = []
        for snapshot in batch:
            try:
                found.append(_read(snapshot, snapshots, marketplace_for))
            except OfferGone as error:
                offer_id = snapshot.offer_id or ""
                gone.append(EnrichmentFailure.of(error, offer_id=offer_id, observed_at=snapshot.fetched_at))
            except (PageError, NotFound) as error:
                # a wall is what it is; a page that should be readable is a problem
                if isinstance(error, NotFound) or error.outcome is Outcome.FAIL:
                    problems.append(replace(Problem.of(error, offer_id=snapshot.offer_id), exit_code=1))
        counts.update(found=len(batch), unreadable=len(batch) - len(found))
        known = {offer.id: offer for offer in storage.offers_by_id([one.offer_id for one in found])}
        expected = {one.offer_id: _expect(known.get(one.offer_id), one) for one in found}
        if dry_run:
            counts.update(expected.values())
            mended = [one for one in found if expected[one.offer_id] == "mended"]
            changes += [{name: getattr(one, name) for name in CHANGES} for one in mended]
            continue
        saved = storage.save_enrichments(found, gone)
        became: Counter[str] = Counter(
            expected[one.offer_id] if one.offer_id in saved.applied else "superseded" for one in found
        )
        done = {one.offer_id for one in found} & (saved.applied | saved.superseded)
        counts.update(became)
        counts.update(forgotten=queue.forget_failed(done))
        log.info("replayed", **became)
    return ReplayReport(dry_run=dry_run, changes=tuple(changes), problems=tuple(problems[:REPORTED_FAILURES]), **counts)


def _expect(stored: StoredOffer | None, page: Enrichment) -> Literal["mended", "unchanged", "superseded"]:
    """What saving a page's values does to a stored offer, but for noting that it was looked at."""
    if stored is None:
        return "superseded"
    after, result = with_result(stored, page)
    if result is not WriteResult.APPLIED:
        return "superseded"
    is_same = replace(after, **{name: getattr(stored, name) for name in LOOKED_AT}) == stored
    return "unchanged" if is_same else "mended"


def _batches(snapshots: list[Snapshot]) -> Iterator[list[Snapshot]]:
    waiting = iter(snapshots)
    while batch := list(islice(waiting, BATCH)):
        yield batch


def _read(snapshot: Snapshot, snapshots: Snapshots, marketplace_for: Callable[[str], Marketplace]) -> Enrichment:
    text, _ = snapshots.read(snapshot.id)
    marketplace = marketplace_for(snapshot.final_url)
    reading = marketplace.read_product(text, snapshot.final_url)
    marketplace.check_same_product(snapshot.url, reading)
    return to_enrichment(reading, offer_id=snapshot.offer_id or "", observed_at=snapshot.fetched_at)

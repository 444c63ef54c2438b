"""Repair: offers whose address no offer may have, stored by an older version, get a sound one or are removed."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlunsplit

from offers_cli.marketplaces import marketplace_named
from offers_cli.marketplaces.base import ProductPlace
from offers_cli.marketplaces.html import split
from offers_cli.offer import url_problem
from offers_cli.report import Report
from offers_cli.storage.base import OfferFilter, Storage, StoredOffer, UrlRepair

BATCH = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What became of one offer.

    Attributes:
        reason: what was wrong with its address, which is not shown: it may hold a password.
        url: its new address; None where the offer was removed.
    """

    offer_id: str
    external_id: str
    title: str
    reason: str
    done: Literal["repaired", "removed"]
    url: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RepairReport(Report):
    """What was done, or would be; `offers` counts those that were looked at."""

    dry_run: bool
    offers: int
    repaired: int
    removed: int
    changes: tuple[Change, ...]


def repair(
    *, storage: Storage, dry_run: bool = False, on_progress: Callable[[int], None] = lambda _offers: None
) -> RepairReport:
    """Look through all offers and repair the addresses that no offer may have (`offers_cli.offer.url_problem`).

    A user name is taken away; else the address is made anew from the product's ids. An offer for which neither gives an
    address is removed with its prices. What others change meanwhile is left alone.

    Args:
        on_progress: is given the number of offers looked at so far.

    Raises:
        StorageUnavailable, StorageRefused: see `Storage`; run it again to go on.
    """
    changes: list[Change] = []
    looked_at = 0
    offers = storage.find_offers(OfferFilter())
    while batch := list(itertools.islice(offers, BATCH)):
        looked_at += len(batch)
        unfit = {offer.id: offer for offer in batch if url_problem(offer.url)}
        repairs = [UrlRepair(offer_id=offer.id, url=offer.url, new_url=sound_url(offer)) for offer in unfit.values()]
        done = unfit.keys() if dry_run or not repairs else storage.repair_urls(repairs)
        changes += [_change(unfit[each.offer_id], each) for each in repairs if each.offer_id in done]
        on_progress(looked_at)
    removed = sum(change.done == "removed" for change in changes)
    return RepairReport(
        dry_run=dry_run,
        offers=looked_at,
        repaired=len(changes) - removed,
        removed=removed,
        changes=tuple(changes),
    )


def _change(offer: StoredOffer, done: UrlRepair) -> Change:
    return Change(
        offer_id=offer.id,
        external_id=offer.external_id,
        title=offer.title,
        reason=f"its address {url_problem(offer.url)}",
        done="removed" if done.new_url is None else "repaired",
        url=done.new_url,
    )


def sound_url(offer: StoredOffer) -> str | None:
    """An address that the offer may have, as near to its own as can be; None where there is none."""
    return next((url for url in _candidates(offer) if not url_problem(url)), None)


def _candidates(offer: StoredOffer) -> Iterator[str]:
    parts = split(offer.url)
    if "\\" not in parts.netloc:  # which programs read as the end of the host, or do not
        yield urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
    product = ProductPlace(
        url=offer.url,
        external_id=offer.external_id,
        currency=offer.currency,
        item_id=offer.item_id,
        catalogue_id=offer.catalogue_id,
    )
    by_ids = marketplace_named(offer.marketplace).address_by_ids(product)
    if by_ids is not None:
        yield by_ids

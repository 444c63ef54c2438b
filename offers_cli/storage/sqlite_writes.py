"""Writing to SQLite: cards and results meet the stored rows, inside the caller's transaction."""

from __future__ import annotations

import json
import sqlite3
import uuid
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Literal

from offers_cli.errors import ForbiddenUrl
from offers_cli.offer import Offer
from offers_cli.storage import sqlite_queries as queries
from offers_cli.storage.base import PruneReport, RefusedOffer, SavedOffer, StoredOffer, UrlRepair
from offers_cli.storage.rules import Result, Verdict, needs, new_offer, outcome, price_point, with_card, with_result
from offers_cli.storage.sqlite_rows import (
    INSERT_OFFER,
    INSERT_PRICE,
    changed_columns,
    offer_of,
    offer_row,
    price_row,
    to_text,
)

Key = tuple[str, str]


def save_cards(
    connection: sqlite3.Connection, cards: Sequence[Offer], *, seen_at: datetime, dry_run: bool
) -> list[SavedOffer | RefusedOffer]:
    """What became of each card. A constraint that refuses one row leaves the others standing."""
    stored = _offers_by_key(connection, cards)
    done: dict[Key, SavedOffer | RefusedOffer] = {}
    outcomes: list[SavedOffer | RefusedOffer] = []
    for card in cards:
        key = (card.marketplace, card.external_id)
        if key not in done:
            done[key] = _save_card(connection, stored.get(key), card, seen_at=seen_at, dry_run=dry_run)
            outcomes.append(done[key])
        elif isinstance(first := done[key], SavedOffer):
            outcomes.append(replace(first, outcome="unchanged"))
    return outcomes


def _save_card(
    connection: sqlite3.Connection, before: StoredOffer | None, card: Offer, *, seen_at: datetime, dry_run: bool
) -> SavedOffer | RefusedOffer:
    after = _after_card(before, card, seen_at)
    try:
        is_changed = _write(connection, before, after, seen_at=seen_at, source="listing", dry_run=dry_run)
    except sqlite3.IntegrityError as exc:
        return RefusedOffer(external_id=card.external_id, reason=str(exc))
    return _saved(after, outcome(after, seen_at=seen_at, is_new=before is None, is_changed=is_changed))


def save_results(connection: sqlite3.Connection, results: Iterable[Result]) -> dict[str, set[Verdict]]:
    """What became of each known offer's results, applied in the order of their claims."""
    in_order = sorted(results, key=lambda result: result.observed_at)
    stored = _offers_by_id(connection, [result.offer_id for result in in_order])
    verdicts: dict[str, set[Verdict]] = defaultdict(set)
    for result in in_order:
        if before := stored.get(result.offer_id):
            after, verdict = with_result(before, result)
            _write(connection, before, after, seen_at=result.observed_at, source="product")
            stored[after.id] = after
            verdicts[after.id].add(verdict)
    return verdicts


def _write(
    connection: sqlite3.Connection,
    before: StoredOffer | None,
    after: StoredOffer,
    *,
    seen_at: datetime,
    source: Literal["listing", "product"],
    dry_run: bool = False,
) -> bool:
    """Write the difference, and the history row if there is one; returns whether there is one."""
    point = price_point(before, after, observed_at=seen_at, source=source)
    if dry_run:
        return point is not None
    if before is None:
        connection.execute(INSERT_OFFER, offer_row(after))
    elif changed := changed_columns(before, after):
        assignments = ", ".join(f"{name} = ?" for name in changed)
        connection.execute(f"UPDATE offers SET {assignments} WHERE id = ?", (*changed.values(), after.id))
    if point is not None:
        connection.execute(INSERT_PRICE, price_row(after.id, point))
    return point is not None


def repair_url(connection: sqlite3.Connection, repair: UrlRepair) -> bool:
    """Give the offer its new address, or remove it, unless it has another by now; whether it is as the repair says."""
    statement = queries.REMOVE_OFFER_AT if repair.new_url is None else queries.REPAIR_URL
    values = {"id": repair.offer_id, "url": repair.url, "new_url": repair.new_url, "code": ForbiddenUrl.code}
    connection.execute(statement, values)
    found = connection.execute("SELECT url FROM offers WHERE id = ?", (repair.offer_id,)).fetchone()
    return bool(found == (None if repair.new_url is None else (repair.new_url,)))


def prune_offers(
    connection: sqlite3.Connection, *, first: str, last: str, before: datetime, dry_run: bool
) -> PruneReport:
    """Thin and drop among the offers after `first` up to `last`."""
    batch = {"first": first, "last": last, "before": to_text(before)}
    dropped = [row[0] for row in connection.execute(queries.DROPPED, batch)]
    thinned = [row[0] for row in connection.execute(queries.THINNED, batch)]
    if not dry_run:
        _delete(connection, "price_history", thinned)
        _delete(connection, "offers", dropped)
    return PruneReport(prices=len(thinned), offers=len(dropped))


def prune_runs(connection: sqlite3.Connection, *, before: datetime, dry_run: bool) -> int:
    """Drop the runs that began before; returns their number."""
    old = [row[0] for row in connection.execute(queries.OLD_RUNS, (to_text(before),))]
    if not dry_run:
        _delete(connection, "scrape_runs", old)
    return len(old)


def _delete(connection: sqlite3.Connection, table: str, ids: Sequence[str | int]) -> None:
    connection.execute(f"DELETE FROM {table} WHERE id IN (SELECT value FROM json_each(?))", (json.dumps(ids),))


def _after_card(before: StoredOffer | None, card: Offer, seen_at: datetime) -> StoredOffer:
    if before is None:
        return new_offer(card, offer_id=str(uuid.uuid4()), seen_at=seen_at)
    return with_card(before, card, seen_at=seen_at)


def _saved(offer: StoredOffer, became: Literal["new", "changed", "unchanged"]) -> SavedOffer:
    return SavedOffer(
        offer_id=offer.id,
        external_id=offer.external_id,
        url=offer.url,
        price_cents=offer.price_cents,
        outcome=became,
        needs=needs(offer),
    )


def _offers_by_key(connection: sqlite3.Connection, cards: Iterable[Offer]) -> dict[Key, StoredOffer]:
    wanted = json.dumps([(card.marketplace, card.external_id) for card in cards])
    offers = map(offer_of, connection.execute(queries.OFFERS_BY_KEY, (wanted,)))
    return {(offer.marketplace, offer.external_id): offer for offer in offers}


def _offers_by_id(connection: sqlite3.Connection, ids: list[str]) -> dict[str, StoredOffer]:
    offers = map(offer_of, connection.execute(queries.OFFERS_BY_ID, (json.dumps(ids),)))
    return {offer.id: offer for offer in offers}

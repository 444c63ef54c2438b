"""The storage on Supabase: the promises of `Storage` over HTTP, one request for each batch.

The rules run inside the database (`migrations/supabase`), so that a batch is one request and one transaction. A
batch of more than `BATCH` rows is cut, each part being a transaction; saving it again is harmless.
"""

from __future__ import annotations

import itertools
import sqlite3
from collections import defaultdict
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

from offers_cli.config import Secret
from offers_cli.errors import StorageRefused, StorageUnavailable
from offers_cli.offer import Enrichment, EnrichmentFailure, EnrichmentReport, Offer
from offers_cli.storage.base import (
    MOST_NAMESAKES,
    Columns,
    Missing,
    NeedingOffer,
    OfferBatch,
    OfferCounts,
    OfferFilter,
    OfferKey,
    Place,
    PricePoint,
    PruneReport,
    RecordedPrice,
    RefusedOffer,
    SavedOffer,
    SaveReport,
    ScrapeRun,
    StoredOffer,
    UrlRepair,
    check_limit,
    columns_of,
    key_of,
)
from offers_cli.storage.migrations import migrations
from offers_cli.storage.patience import BRIEF, Patience
from offers_cli.storage.rules import WriteResult, enrichment_report, save_report, saved_offer
from offers_cli.storage.supabase.client import SupabaseClient
from offers_cli.storage.supabase.rows import (
    Json,
    moment_of,
    read,
    read_all,
    rows_of,
    text_of,
    texts_of,
    to_json,
    whole_number,
)
from offers_cli.storage.validation import check_page, is_storable, is_uuid, uuid_range, valid_cards, valid_results
from offers_cli.times import to_utc

BATCH = 1_000
PAGE = 500
PLACES = 20_000
NEEDING = 1_000
AT_ONCE = 2_000
"""Offers of a list, at the most, that are asked for in one statement: some 2 MB."""

_BY_VALUE = (
    "min_discount",
    "min_commission",
    "min_price_cents",
    "max_price_cents",
    "source",
    "condition",
    "free_shipping",
    "min_rating_hundredths",
    "official_store",
    "coupon",
)
"""Fields of a filter that `offers_matches` knows by the same names."""

T = TypeVar("T")
IdPlace = tuple[str, str | int, str]
"""An offer's id, the key that it is sorted by, and what decides among those of the same key."""


def open_supabase(url: str, key: Secret, *, patience: Patience = BRIEF) -> SupabaseStorage:
    """Open the project and check its schema; raises `StorageUnavailable` or `StorageRefused`."""
    storage = SupabaseStorage(url, key, patience=patience)
    try:
        storage.check_schema()
    except BaseException:
        storage.close()
        raise
    return storage


class SupabaseStorage:
    """`Storage` in a Supabase project, as its service role."""

    def __init__(self, url: str, key: Secret, *, patience: Patience = BRIEF) -> None:
        self._client = SupabaseClient(url, key, patience=patience)

    def __repr__(self) -> str:
        return f"SupabaseStorage({self._client.host!r})"

    def check_schema(self) -> None:
        """Raise `StorageRefused` unless the schema is the one that this program knows."""
        found = self._client.call("offers_schema_version", {}, whole_number, patience=self._client.patience.briefly())
        known = migrations("supabase")[-1].version
        if found != known:
            hint = "upgrade offers: it is older than the database" if found > known else "offers db migrate"
            raise StorageRefused(
                f"the schema at {self._client.host} is version {found}, this program needs {known}", hint=hint
            )

    def save_offers(
        self, offers: Sequence[Offer], *, seen_at: datetime, trust_cards: bool = False, dry_run: bool = False
    ) -> SaveReport:
        seen_at = to_utc(seen_at)
        cards, refused = valid_cards(offers)
        unique = {key_of(card): card for card in reversed(cards)}
        answers: dict[OfferKey, SavedOffer | RefusedOffer] = {}
        for batch in _batches(sorted(unique.items())):
            answers |= self._save_batch(dict(batch), seen_at=seen_at, trust_cards=trust_cards, dry_run=dry_run)
        return save_report(cards, answers, refused)

    def _save_batch(
        self, batch: Mapping[OfferKey, Offer], *, seen_at: datetime, trust_cards: bool, dry_run: bool
    ) -> dict[OfferKey, SavedOffer | RefusedOffer]:
        arguments = {
            "cards": list(map(to_json, batch.values())),
            "seen_at": seen_at.isoformat(),
            "trust_cards": trust_cards,
            "dry_run": dry_run,
        }
        return self._client.call(
            "offers_save_cards",
            arguments,
            lambda answer: {key: _outcome(row, seen_at) for key, row in zip(batch, rows_of(answer), strict=True)},
        )

    def offers_needing_enrichment(
        self, *, limit: int, missing: frozenset[Missing], recheck_before: datetime | None = None
    ) -> list[StoredOffer]:
        arguments = {
            "max_offers": check_limit(limit),
            "missing": sorted(missing),
            "recheck_before": recheck_before and to_utc(recheck_before).isoformat(),
        }
        return self._client.call("offers_needing_enrichment", arguments, partial(read_all, StoredOffer))

    def find_needing(
        self, *, missing: frozenset[Missing], recheck_before: datetime | None = None
    ) -> Iterator[NeedingOffer]:
        arguments = {
            "missing": sorted(missing),
            "recheck_before": recheck_before and to_utc(recheck_before).isoformat(),
            "page_size": NEEDING,
        }
        last: Sequence[Any] | None = None
        while missing:
            offers, last = self._client.call(
                "offers_needing", {**arguments, "after": last}, partial(_needing_of, after=last)
            )
            yield from offers
            if len(offers) < NEEDING:
                return

    def save_enrichments(
        self, enrichments: Sequence[Enrichment], failures: Sequence[EnrichmentFailure] = ()
    ) -> EnrichmentReport:
        results, refused = valid_results((*enrichments, *failures))
        known = sorted((each for each in results if is_uuid(each.offer_id)), key=lambda each: each.observed_at)
        written: dict[str, set[WriteResult]] = defaultdict(set)
        for batch in _batches(known):
            arguments = {"results": [to_json(result) for result in batch]}
            for offer_id, result in self._client.call("offers_enrich", arguments, _write_results):
                written[offer_id].add(result)
        unknown = {result.offer_id for result in results} - written.keys()
        return enrichment_report(written, unknown=unknown, refused=refused)

    def repair_urls(self, repairs: Sequence[UrlRepair]) -> frozenset[str]:
        changed: set[str] = set()
        for batch in _batches(repairs):
            changed.update(self._client.call("offers_repair", {"repairs": list(map(to_json, batch))}, _ids))
        return frozenset(changed)

    def counts(self) -> OfferCounts:
        return self._client.call("offers_counts", {}, partial(read, OfferCounts))

    def count_needing(self, missing: frozenset[Missing]) -> int:
        return self._client.call("offers_count_needing", {"missing": sorted(missing)}, whole_number)

    def find_offers(self, wanted: OfferFilter) -> Iterator[StoredOffer]:
        """A short list is one statement. Of a long one the ids are put in order first, then come the offers by id.

        So an offer whose key moves meanwhile (it is seen again, its price changes) is neither skipped nor repeated.
        """
        if wanted.limit is not None and wanted.limit <= AT_ONCE:
            yield from self._first_offers(wanted, wanted.limit)
            return
        descending = wanted.sort.startswith("-")
        with closing(sorted_ids(self._places(wanted), descending=descending, limit=wanted.limit)) as ids:
            while page := list(itertools.islice(ids, PAGE)):
                yield from self._client.call(
                    "offers_at", {"ids": page, "wanted": _wanted(wanted)}, partial(read_all, StoredOffer)
                )

    def find_columns(self, wanted: OfferFilter, names: Sequence[str]) -> Iterator[Columns]:
        return columns_of(self.find_offers(wanted), names)

    def find_page(self, wanted: OfferFilter, *, after: Place | None = None) -> list[StoredOffer]:
        return self._first_offers(wanted, check_page(wanted, after), after)

    def _first_offers(self, wanted: OfferFilter, limit: int, after: Place | None = None) -> list[StoredOffer]:
        place = after and {"value": after.value, "tie": after.external_id, "id": after.id}
        arguments = {"wanted": _wanted(wanted), "sort": wanted.sort, "most": limit, "after": place}
        return self._client.call("offers_page", arguments, lambda answer: read_all(StoredOffer, answer["offers"]))

    def _places(self, wanted: OfferFilter) -> Iterator[IdPlace]:
        """The place of each matching offer, page by page in the order of ids."""
        last: str | None = None
        while True:
            arguments = {"wanted": _wanted(wanted), "sort": wanted.sort, "after": last, "page_size": PLACES}
            page = self._client.call("offers_places", arguments, partial(_places_of, after=last))
            yield from page
            if len(page) < PLACES:
                return
            last = page[-1][0]

    def count_offers(self, wanted: OfferFilter) -> int:
        return self._client.call("offers_count", {"wanted": _wanted(wanted)}, whole_number)

    def find_offer(self, id_or_external_id: str) -> StoredOffer | None:
        if not is_storable(id_or_external_id):
            return None
        return self._client.call(
            "offers_get",
            {"wanted": id_or_external_id},
            lambda answer: None if answer is None else read(StoredOffer, answer),
        )

    def offers_called(
        self, *, ids: Sequence[str] = (), prefix: str = "", limit: int = MOST_NAMESAKES
    ) -> list[StoredOffer]:
        first, last = uuid_range(prefix)
        arguments = {"ids": list(filter(is_storable, ids)), "first": first, "last": last, "most": limit}
        return self._client.call("offers_called", arguments, partial(read_all, StoredOffer))

    def offers_by_id(self, ids: Sequence[str]) -> list[StoredOffer]:
        found: list[StoredOffer] = []
        for batch in _batches(sorted(filter(is_uuid, set(ids)))):
            arguments = {"ids": batch, "wanted": _wanted(OfferFilter())}
            found += self._client.call("offers_at", arguments, partial(read_all, StoredOffer))
        return found

    def lowest_prices(self, ids: Sequence[str]) -> dict[str, int]:
        lowest: dict[str, int] = {}
        for batch in _batches(list(filter(is_uuid, ids))):
            lowest |= self._client.call("offers_lows", {"ids": batch}, _prices_of)
        return lowest

    def price_history(self, offer_id: str) -> list[PricePoint]:
        if not is_uuid(offer_id):
            return []
        return self._client.call("offers_price_history", {"wanted": offer_id}, partial(read_all, PricePoint))

    def recorded_prices(self, ids: Sequence[str]) -> dict[str, list[RecordedPrice]]:
        recorded: dict[str, list[RecordedPrice]] = {}
        for batch in _batches(list(filter(is_uuid, ids))):
            recorded |= self._client.call("offers_price_columns", {"ids": batch}, _recorded)
        return recorded

    def save_run(self, run: ScrapeRun) -> None:
        self._client.run("offers_save_run", {"run": to_json(run)})

    def find_runs(self, *, limit: int = 20) -> list[ScrapeRun]:
        return self._client.call("offers_runs", {"max_runs": check_limit(limit)}, partial(read_all, ScrapeRun))

    def prune(
        self,
        *,
        older_than: datetime,
        dry_run: bool = False,
        on_progress: Callable[[int], None] = lambda _offers: None,
    ) -> PruneReport:
        arguments = {"older_than": to_utc(older_than).isoformat(), "page_size": PAGE, "dry_run": dry_run}
        report, last = PruneReport(before=older_than, dry_run=dry_run), None
        for batch in itertools.count(1):
            removed, last = self._client.call(
                "offers_prune", {**arguments, "after": last}, partial(_pruned, after=last)
            )
            report = report.plus(**removed)
            if last is None:
                return report
            on_progress(batch * PAGE)
        raise AssertionError

    def checksums(self, ids: Sequence[str]) -> dict[str, str]:
        """The checksum (see `transfer.checksum`) of each of these offers that exists."""
        return self._client.call("offers_checksums", {"ids": list(ids)}, texts_of)

    def import_batch(self, batch: OfferBatch, runs: Sequence[ScrapeRun] = ()) -> None:
        """Insert whole offers with their history, and runs; what exists already is left alone."""
        self._client.run("offers_import", _moved(batch, runs))

    def restore_batch(self, batch: OfferBatch, runs: Sequence[ScrapeRun] = ()) -> dict[str, str]:
        """Write whole offers with their history, and runs, over what is there; returns the offers' checksums then.

        An offer that is there under another id is replaced, for it is the same one.
        """
        return self._client.call("offers_restore", _moved(batch, runs), texts_of)

    def export_batches(self) -> Iterator[OfferBatch]:
        """All offers with their history, batch by batch."""
        last: str | None = None
        while True:
            arguments = {"after": last, "page_size": PAGE}
            batch = self._client.call("offers_export", arguments, partial(_batch, after=last))
            if not batch.offers:
                return
            yield batch
            last = batch.offers[-1].id

    def close(self) -> None:
        self._client.close()


def _pruned(answer: Json, *, after: str | None) -> tuple[dict[str, int], str | None]:
    counts = {name: whole_number(answer[name]) for name in ("prices", "offers", "runs")}
    last = answer["last"]
    return counts, None if last is None else _beyond(after, text_of(last))


def _beyond(after: str | None, offer_id: str) -> str:
    """The id of a page read by id; raises `ValueError` for one that is not beyond `after`: pages would never end."""
    if after is not None and offer_id <= after:
        raise ValueError("a page that was read before")
    return offer_id


def _moved(batch: OfferBatch, runs: Sequence[ScrapeRun]) -> dict[str, Any]:
    return {
        "offers": [to_json(offer) for offer in batch.offers],
        "history": [
            {"offer_id": offer.id, **to_json(point)}
            for offer in batch.offers
            for point in batch.history.get(offer.id, ())
        ],
        "runs": [to_json(run) for run in runs],
    }


def _prices_of(answer: Any) -> dict[str, int]:
    return {text_of(offer_id): whole_number(cents) for offer_id, cents in answer.items()}


def _recorded(answer: Any) -> dict[str, list[RecordedPrice]]:
    return {text_of(offer_id): _recorded_prices(*rows_of(columns)) for offer_id, columns in answer.items()}


def _recorded_prices(moments_s: Any, cents: Any, conditions: Any, card_cents: Any) -> list[RecordedPrice]:
    columns = (
        map(float, rows_of(moments_s)),
        map(whole_number, rows_of(cents)),
        (each and text_of(each) for each in rows_of(conditions)),
        (each if each is None else whole_number(each) for each in rows_of(card_cents)),
    )
    return list(map(RecordedPrice._make, zip(*columns, strict=True)))


def _batches(items: Sequence[T]) -> Iterator[Sequence[T]]:
    for start in range(0, len(items), BATCH):
        yield items[start : start + BATCH]


def _outcome(row: Json, seen_at: datetime) -> SavedOffer | RefusedOffer:
    if "reason" in row:
        return RefusedOffer(external_id=text_of(row["external_id"]), reason=text_of(row["reason"]))
    is_new, is_changed = (row["outcome"] == name for name in ("new", "changed"))
    return saved_offer(read(StoredOffer, row["offer"]), seen_at=seen_at, is_new=is_new, is_changed=is_changed)


def _write_results(answer: Any) -> list[tuple[str, WriteResult]]:
    return [(text_of(row["offer_id"]), WriteResult(row["verdict"])) for row in rows_of(answer)]


def _needing_of(answer: Any, *, after: Sequence[Any] | None) -> tuple[list[NeedingOffer], Sequence[Any] | None]:
    """The offers of a page, and its last row; raises `ValueError` for one that does not stand behind that before."""
    offers = []
    for row in rows_of(answer):
        offer_id, url, price_cents, *_ = row
        offers.append(NeedingOffer(text_of(offer_id), text_of(url), whole_number(price_cents)))
        if after is not None and _place(row) <= _place(after):
            raise ValueError("a page that was read before")
        after = row
    return offers, after


def _place(row: Sequence[Any]) -> tuple[Any, ...]:
    """What rows of `offers_needing` are ordered by; an unknown time comes first."""
    offer_id, _, _, *times = row
    return *((time is not None, time and moment_of(time)) for time in times), offer_id


def _ids(answer: Any) -> list[str]:
    return list(map(text_of, rows_of(answer)))


def _places_of(answer: Any, *, after: str | None) -> list[IdPlace]:
    places = [
        (text_of(offer_id), key if isinstance(key, str) else whole_number(key), text_of(tie))
        for offer_id, key, tie in rows_of(answer)
    ]
    for offer_id, *_ in places:
        after = _beyond(after, offer_id)
    return places


def _batch(answer: Any, *, after: str | None) -> OfferBatch:
    history: dict[str, list[PricePoint]] = defaultdict(list)
    for row in rows_of(answer["history"]):
        history[row["offer_id"]].append(read(PricePoint, row))
    offers = read_all(StoredOffer, answer["offers"])
    for offer in offers:
        after = _beyond(after, offer.id)
    return OfferBatch(offers, history)


def _wanted(wanted: OfferFilter) -> dict[str, Any]:
    return {
        **{name: getattr(wanted, name) for name in _BY_VALUE},
        "since": wanted.since and to_utc(wanted.since).isoformat(),
        "changed_since": wanted.changed_since and to_utc(wanted.changed_since).isoformat(),
        "changed": None if wanted.changed is None else "yes" if wanted.changed else "no",
        "status": wanted.wanted_status,
        "missing": sorted(wanted.missing),
        "words": wanted.words,
    }


def sorted_ids(places: Iterable[IdPlace], *, descending: bool, limit: int | None) -> Generator[str]:
    """The ids of the places in the order of key, tie, then id.

    Raises:
        StorageUnavailable: the folder for temporary files is full or cannot be written.
    """
    direction = "DESC" if descending else "ASC"
    # SQLite's database without a name is a file without a name: it goes when it is closed, however the process ends.
    with closing(sqlite3.connect("", isolation_level=None, check_same_thread=False)) as connection:
        try:
            connection.execute("CREATE TABLE places (id TEXT, key, tie TEXT)")
            connection.execute("BEGIN")
            connection.executemany("INSERT INTO places VALUES (?, ?, ?)", places)
            order = f"key {direction}, tie {direction}, id {direction}"
            in_order = f"SELECT id FROM places ORDER BY {order} LIMIT ?"  # noqa: S608
            for (offer_id,) in connection.execute(in_order, (-1 if limit is None else limit,)):
                yield offer_id
        except sqlite3.Error as exc:
            hint = "free some space where temporary files are kept (TMPDIR)"
            raise StorageUnavailable(f"the list cannot be sorted: {exc}", hint=hint) from exc

"""The embedded storage: one SQLite file, shared by all processes of this machine."""

from __future__ import annotations

import json
import sqlite3
import uuid
from collections import defaultdict
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import datetime
from functools import partial
from itertools import groupby, islice
from operator import itemgetter
from pathlib import Path
from typing import Any, Literal

from offers_cli.errors import ForbiddenUrl, StorageRefused
from offers_cli.offer import Enrichment, EnrichmentFailure, EnrichmentReport, Offer
from offers_cli.storage.base import (
    COLUMNS_AT_ONCE,
    MOST_NAMESAKES,
    Columns,
    Missing,
    NeedingOffer,
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
    key_of,
)
from offers_cli.storage.patience import BRIEF, Patience
from offers_cli.storage.rules import (
    EnrichmentResult,
    WriteResult,
    enrichment_report,
    new_offer,
    price_point,
    save_report,
    saved_offer,
    trusting,
    with_card,
    with_result,
)
from offers_cli.storage.sqlite import queries
from offers_cli.storage.sqlite.connection import FileConnection, translated
from offers_cli.storage.sqlite.queries import OFFERS, PRICES, RUNS, to_text
from offers_cli.storage.sqlite.schema import check_schema, file_size, open_current, open_existing
from offers_cli.storage.validation import check_page, is_storable, is_uuid, uuid_range, valid_cards, valid_results
from offers_cli.times import to_utc

FEW = 5_000
"""Offers that are rather sorted, once they are found, than looked for along the index of their order."""
LONGEST_WALK = 10_000
"""So many offers are looked at along the index of an order, each in another place of the file; then all are read."""
FEWEST_IN = 100
"""Of how many offers one at least must match for its index to be followed."""
PRUNED_AT_ONCE = 1_000
"""Offers that one transaction of `prune` looks at, so that others can write in between."""


def open_sqlite(path: Path, *, patience: Patience = BRIEF) -> SqliteStorage:
    """Open the database, created and migrated if need be; raises `StorageUnavailable` or `StorageRefused`."""
    return SqliteStorage(path, patience=patience)


class SqliteStorage:
    """`Storage` in a SQLite file.

    Thread-safe: each call borrows a connection of its own. Writers take turns through ``BEGIN IMMEDIATE``, so that
    what a transaction read is still true when it writes; readers never wait (write-ahead log). A file that was deleted
    or replaced is noticed before and after each call, and unavailable; the next calls use what is at the path then.
    """

    def __init__(self, path: Path, *, patience: Patience = BRIEF) -> None:
        self.path = path
        self._patience = patience
        self._is_closed = False
        with translated(path):
            self._idle = [open_current(path)]

    def __repr__(self) -> str:
        return f"SqliteStorage({str(self.path)!r})"

    def save_offers(
        self, offers: Sequence[Offer], *, seen_at: datetime, trust_cards: bool = False, dry_run: bool = False
    ) -> SaveReport:
        seen_at = to_utc(seen_at)
        cards, refused = valid_cards(offers)
        with self._connection() if dry_run else self._transaction() as connection:
            answers = save_cards(connection, cards, seen_at=seen_at, trust_cards=trust_cards, dry_run=dry_run)
        return save_report(cards, answers, refused)

    def offers_needing_enrichment(
        self, *, limit: int, missing: frozenset[Missing], recheck_before: datetime | None = None
    ) -> list[StoredOffer]:
        check_limit(limit)
        if not missing:
            return []
        asked = queries.needing(queries.SELECTED, missing=missing, recheck_before=recheck_before)
        with self._snapshot() as connection, closing(_rows(connection, asked)) as rows:
            return [OFFERS.read(row) for row in islice(rows, limit)]

    def find_needing(
        self, *, missing: frozenset[Missing], recheck_before: datetime | None = None
    ) -> Iterator[NeedingOffer]:
        if not missing:
            return
        asked = queries.needing("offers.id, url, price_cents", missing=missing, recheck_before=recheck_before)
        with self._snapshot() as connection, closing(_rows(connection, asked)) as rows:
            for row in rows:
                yield NeedingOffer(*row)

    def save_enrichments(
        self, enrichments: Sequence[Enrichment], failures: Sequence[EnrichmentFailure] = ()
    ) -> EnrichmentReport:
        results, refused = valid_results((*enrichments, *failures))
        with self._transaction() as connection:
            written = save_results(connection, results)
        unknown = {result.offer_id for result in results} - written.keys()
        return enrichment_report(written, unknown=unknown, refused=refused)

    def repair_urls(self, repairs: Sequence[UrlRepair]) -> frozenset[str]:
        with self._transaction() as connection:
            return frozenset(repair.offer_id for repair in repairs if repair_url(connection, repair))

    def counts(self) -> OfferCounts:
        with self._connection() as connection:
            cursor = connection.execute(queries.COUNTS)
            names = [column[0] for column in cursor.description]
            return OfferCounts(**dict(zip(names, cursor.fetchone(), strict=True)))

    def count_needing(self, missing: frozenset[Missing]) -> int:
        if not missing:
            return 0
        with self._connection() as connection:
            return int(connection.execute(queries.count_needing(missing)).fetchone()[0])

    def find_offers(self, wanted: OfferFilter) -> Iterator[StoredOffer]:
        with self._snapshot() as connection, _found(connection, wanted, queries.SELECTED) as rows:
            yield from map(OFFERS.read, rows)

    def find_page(self, wanted: OfferFilter, *, after: Place | None = None) -> list[StoredOffer]:
        check_page(wanted, after)
        with self._snapshot() as connection, _found(connection, wanted, queries.SELECTED, after) as rows:
            return list(map(OFFERS.read, rows))

    def find_columns(self, wanted: OfferFilter, names: Sequence[str]) -> Iterator[Columns]:
        columns = ", ".join(queries.columns_for(names))
        with self._snapshot() as connection, _found(connection, wanted, columns) as rows:
            while some := rows.fetchmany(COLUMNS_AT_ONCE):
                yield queries.offers_in_columns(names, some)

    def count_offers(self, wanted: OfferFilter) -> int:
        with self._connection() as connection:
            return int(connection.execute(*queries.count(wanted)).fetchone()[0])

    def find_offer(self, id_or_external_id: str) -> StoredOffer | None:
        if not is_storable(id_or_external_id):
            return None
        with self._connection() as connection:
            row = connection.execute(queries.FIND_OFFER, {"id": id_or_external_id}).fetchone()
        return row and OFFERS.read(row)

    def offers_called(
        self, *, ids: Sequence[str] = (), prefix: str = "", limit: int = MOST_NAMESAKES
    ) -> list[StoredOffer]:
        first, last = uuid_range(prefix)
        values = {"ids": json.dumps(list(filter(is_storable, ids))), "first": first, "last": last, "limit": limit}
        with self._connection() as connection:
            return [OFFERS.read(row) for row in connection.execute(queries.OFFERS_CALLED, values)]

    def offers_by_id(self, ids: Sequence[str]) -> list[StoredOffer]:
        with self._connection() as connection:
            return list(_read(connection, queries.OFFERS_BY_ID, sorted(filter(is_uuid, set(ids)))))

    def lowest_prices(self, ids: Sequence[str]) -> dict[str, int]:
        with self._connection() as connection:
            return dict(connection.execute(queries.LOWEST_PRICES, (json.dumps(list(filter(is_uuid, ids))),)))

    def price_history(self, offer_id: str) -> list[PricePoint]:
        with self._connection() as connection:
            return [PRICES.read(row) for row in connection.execute(queries.PRICE_HISTORY, (offer_id,))]

    def recorded_prices(self, ids: Sequence[str]) -> dict[str, list[RecordedPrice]]:
        with self._connection() as connection:
            rows = connection.execute(queries.RECORDED_PRICES, (json.dumps(list(filter(is_uuid, ids))),))
            return {offer_id: _recorded(prices) for offer_id, prices in groupby(rows, itemgetter(0))}

    def save_run(self, run: ScrapeRun) -> None:
        with self._transaction() as connection:
            connection.execute(queries.REPLACE_RUN, RUNS.row(run))

    def find_runs(self, *, limit: int = 20) -> list[ScrapeRun]:
        with self._connection() as connection:
            return [RUNS.read(row) for row in connection.execute(queries.NEWEST_RUNS, (check_limit(limit),))]

    def prune(
        self,
        *,
        older_than: datetime,
        dry_run: bool = False,
        on_progress: Callable[[int], None] = lambda _offers: None,
    ) -> PruneReport:
        begin = self._connection if dry_run else self._transaction
        with begin() as connection:
            runs = prune_runs(connection, before=older_than, dry_run=dry_run)
        report = PruneReport(before=older_than, dry_run=dry_run, runs=runs)
        first, looked_at = "", 0
        while True:
            with begin() as connection:
                last, count = connection.execute(queries.BATCH_END, (first, PRUNED_AT_ONCE)).fetchone()
                if not count:
                    return report
                prices, offers = prune_offers(connection, first=first, last=last, before=older_than, dry_run=dry_run)
            report = report.plus(prices=prices, offers=offers)
            first, looked_at = last, looked_at + count
            on_progress(looked_at)

    def vacuum(self) -> int:
        """Return free space inside the file to the disk; returns by how many bytes the file became smaller.

        Others can read meanwhile, not write; it needs as much space again while it runs.
        """
        with self._connection() as connection:
            before = file_size(connection)
            connection.execute("VACUUM")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            return before - file_size(connection)

    def close(self) -> None:
        self._is_closed = True
        while self._idle:
            self._idle.pop().leave()

    @contextmanager
    def _connection(self) -> Iterator[FileConnection]:
        """Borrow a connection; one that saw an error is closed, which rolls its transaction back."""
        with translated(self.path):
            connection = self._borrow()
            try:
                yield connection
            except BaseException:
                connection.leave()
                raise
        self._idle.append(connection)
        if self._is_closed:
            self.close()

    @contextmanager
    def _snapshot(self) -> Iterator[FileConnection]:
        """For several questions, or a long answer: what others write meanwhile is not seen."""
        with self._connection() as connection:
            connection.execute("BEGIN")
            yield connection
            connection.execute("COMMIT")

    def _borrow(self) -> FileConnection:
        """An idle connection to the file at the path, or a new one; a deleted file is not made again."""
        if self._is_closed:
            raise StorageRefused(f"the session with {self.path} is closed", hint="open another: get_session()")
        try:
            connection = self._idle.pop()
        except IndexError:
            return open_existing(self.path)
        try:
            connection.check_in_place()
        except BaseException:
            connection.leave()
            raise
        return connection

    @contextmanager
    def _transaction(self) -> Iterator[FileConnection]:
        """A write. It is done only when it stands in the file that is at the path."""
        with self._connection() as connection:
            self._patience(lambda: self._begin(connection))
            check_schema(connection, self.path)  # another version of the program may have migrated it meanwhile
            yield connection
            connection.execute("COMMIT")
            connection.check_in_place()

    def _begin(self, connection: FileConnection) -> None:
        """Wait for the turn to write: nothing is read before, so that waiting again loses nothing."""
        with translated(self.path):
            connection.execute("BEGIN IMMEDIATE")


def _found(
    connection: FileConnection, wanted: OfferFilter, columns: str, after: Place | None = None
) -> closing[sqlite3.Cursor]:
    """These columns of the matching offers."""
    return closing(connection.execute(*_question(connection, wanted, columns, after)))


def _question(
    connection: FileConnection, wanted: OfferFilter, columns: str, after: Place | None = None
) -> queries.Query:
    """The question that reads least: along the index of the order, or, where few match, not along it."""
    is_by_its_order = queries.is_by_its_order(wanted)
    rows = _tallied_rows(connection, wanted) if is_by_its_order else _first_rows(connection, wanted, after)
    if rows is not None:
        return queries.find_among(wanted, rows, columns, after=after)
    is_long = wanted.limit is None and wanted.sort.removeprefix("-") == "last_seen"
    return queries.find(wanted, columns, along_index=is_by_its_order or is_long, after=after)


def _first_rows(connection: FileConnection, wanted: OfferFilter, after: Place | None) -> list[int] | None:
    """Rows among which are all that are wanted, a few thousand at the most; None where nothing leads to so few.

    An index may tell that few match. Else the offers with which the order begins are looked at; where all are wanted,
    the file is, until it is clear that many match.
    """
    for query in queries.first_matches_by_index(wanted, FEW + 1):
        if (rows := _few(connection, query)) is not None:
            return rows
    if wanted.limit is not None:
        return _walked(connection, wanted, after)
    return _few(connection, queries.first_matches(wanted, FEW + 1))


def _few(connection: FileConnection, query: queries.Query) -> list[int] | None:
    """The rows that a question finds; None for more than a few."""
    rows = [row[0] for row in connection.execute(*query)]
    return rows if len(rows) <= FEW else None


def _walked(connection: FileConnection, wanted: OfferFilter, after: Place | None) -> list[int] | None:
    """The first matches in their order, as many as are wanted or as there are; None where they are too far apart."""
    rows: list[int] = []
    left = LONGEST_WALK
    with closing(connection.execute(*queries.walk(wanted, LONGEST_WALK, after=after))) as walk:
        for row, matches in walk:
            left -= 1
            if matches:
                rows.append(row)
            if len(rows) == wanted.limit:
                return rows
    return rows if left else None


def _tallied_rows(connection: FileConnection, wanted: OfferFilter) -> list[int] | None:
    """The rows of the offers that have that status and lack that; None where the tally says that these are many."""
    plain = OfferFilter(status=wanted.status, missing=wanted.missing)
    matching, total = (connection.execute(*queries.count(each)).fetchone()[0] for each in (plain, OfferFilter()))
    if matching * FEWEST_IN >= total:
        return None
    return [row[0] for row in connection.execute(*queries.first_matches(plain, matching))]


_without_offer = itemgetter(slice(1, None))
_as_price = partial(tuple.__new__, RecordedPrice)
"""`RecordedPrice._make` without a call in Python: there are a hundred thousand prices to judge a thousand offers by."""


def _recorded(rows: Iterable[tuple[Any, ...]]) -> list[RecordedPrice]:
    return list(map(_as_price, map(_without_offer, rows)))


def _rows(connection: FileConnection, asked: Iterable[queries.Query]) -> Generator[tuple[Any, ...]]:
    """The answers to one question after the other."""
    for query in asked:
        with closing(connection.execute(*query)) as rows:
            yield from rows


def save_cards(
    connection: sqlite3.Connection, cards: Iterable[Offer], *, seen_at: datetime, trust_cards: bool, dry_run: bool
) -> dict[OfferKey, SavedOffer | RefusedOffer]:
    """What became of each offer's first card. A constraint that refuses one row leaves the others standing."""
    stored = {key_of(offer): offer for offer in _read(connection, queries.OFFERS_BY_KEY, list(map(key_of, cards)))}
    answers: dict[OfferKey, SavedOffer | RefusedOffer] = {}
    for card in cards:
        if (key := key_of(card)) in answers:
            continue
        if before := stored.get(key):
            after = with_card(before, card, seen_at=seen_at)
        else:
            after = new_offer(card, offer_id=str(uuid.uuid4()), seen_at=seen_at)
        if trust_cards:
            after = trusting(after, card, seen_at=seen_at)
        try:
            is_changed = _write(connection, before, after, seen_at=seen_at, source="listing", dry_run=dry_run)
        except sqlite3.IntegrityError as exc:
            answers[key] = RefusedOffer(external_id=card.external_id, reason=str(exc))
        else:
            answers[key] = saved_offer(after, seen_at=seen_at, is_new=before is None, is_changed=is_changed)
    return answers


def save_results(connection: sqlite3.Connection, results: Iterable[EnrichmentResult]) -> dict[str, set[WriteResult]]:
    """What became of each known offer's results, applied in the order of their claims."""
    in_order = sorted(results, key=lambda result: result.observed_at)
    ids = [result.offer_id for result in in_order]
    stored = {offer.id: offer for offer in _read(connection, queries.OFFERS_BY_ID, ids)}
    written: dict[str, set[WriteResult]] = defaultdict(set)
    for result in in_order:
        if before := stored.get(result.offer_id):
            after, became = with_result(before, result)
            _write(connection, before, after, seen_at=result.observed_at, source="product")
            stored[after.id] = after
            written[after.id].add(became)
    return written


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
        connection.execute(queries.INSERT_OFFER, queries.offer_row(after))
    elif changed := queries.changed_columns(before, after):
        assignments = ", ".join(f"{name} = ?" for name in changed)
        connection.execute(f"UPDATE offers SET {assignments} WHERE id = ?", (*changed.values(), after.id))
    if point is not None:
        connection.execute(queries.INSERT_PRICE, queries.price_row(after.id, point))
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
) -> tuple[int, int]:
    """Thin and drop among the offers after `first` up to `last`; returns how many prices and offers."""
    batch = {"first": first, "last": last, "before": to_text(before)}
    dropped = [row[0] for row in connection.execute(queries.DROPPED, batch)]
    thinned = [row[0] for row in connection.execute(queries.THINNED, batch)]
    if not dry_run:
        _delete(connection, "price_history", thinned)
        _delete(connection, "offers", dropped)
    return len(thinned), len(dropped)


def prune_runs(connection: sqlite3.Connection, *, before: datetime, dry_run: bool) -> int:
    """Drop the runs that began before; returns their number."""
    old = [row[0] for row in connection.execute(queries.OLD_RUNS, (to_text(before),))]
    if not dry_run:
        _delete(connection, "scrape_runs", old)
    return len(old)


def _delete(connection: sqlite3.Connection, table: str, ids: Sequence[str | int]) -> None:
    connection.execute(f"DELETE FROM {table} WHERE id IN (SELECT value FROM json_each(?))", (json.dumps(ids),))


def _read(connection: sqlite3.Connection, question: str, wanted: Sequence[object]) -> Iterator[StoredOffer]:
    """The offers that are asked for by one list, which is one parameter however long it is."""
    return map(OFFERS.read, connection.execute(question, (json.dumps(wanted),)))

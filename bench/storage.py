"""How quick the storages are, and that it does not matter how much is done already.

python bench/storage.py                         # small
python bench/storage.py --sizes 1000,100000,1000000
python bench/storage.py --supabase              # also against a local Supabase server (Node.js 20)
python bench/storage.py --postgres URL          # also on an empty database with Supabase's roles
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import platform
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from offers_cli.config import Secret
from offers_cli.offer import Enrichment, Offer
from offers_cli.storage.base import SORTS, Missing, OfferFilter, Storage, StoredOffer
from offers_cli.storage.sqlite.storage import open_sqlite

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from ratios import record

TABLE_SIZE = 1_000_000
TABLE_ROWS = {
    "SQLite": ("stats_sqlite", "list_sorted_sqlite", "list_search_sqlite"),
    "Postgres": ("stats_postgres", "list_sorted_postgres", "list_search_postgres"),
}
"""The rows of the one table that are about catalogues of that size."""
NOW = datetime(2026, 3, 1, tzinfo=UTC)
ORDERS = [OfferFilter(sort=sign + sort, limit=50) for sort in SORTS for sign in ("", "-")]
COMBINATIONS = [frozenset(fields) for size in (1, 2, 3) for fields in itertools.combinations(Missing, size)]

# Of every hundred offers one was never looked for; of the others half have a previous price, and all were asked. They
# were last seen in another order than they were saved in, as in life: who reads them by that reads all over the file.
FILL = """
WITH RECURSIVE numbers (n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM numbers WHERE n < :size)
INSERT INTO offers (
  id, marketplace, external_id, title, title_folded, url, currency, price_cents, old_price_cents, discount_pct,
  affiliate_link, source, first_seen_at, last_seen_at, price_changed_at, enriched_at, affiliate_checked_at,
  enrich_attempts, enrich_attempted_at, commission_pct, facts)
SELECT
  printf('%08x-0000-4000-8000-%012x', n * 2654435761 % 4294967296, n), 'mercado_livre', 'MLB' || (1000000000 + n),
  'Fone de ouvido bluetooth sem fio ' || n, 'fone de ouvido bluetooth sem fio ' || n,
  'https://produto.mercadolivre.com.br/MLB-' || n, 'BRL', 10000 + n % 5000,
  CASE WHEN n % 100 AND n % 2 THEN 20000 END, CASE WHEN n % 100 AND n % 2 THEN 40 END,
  CASE WHEN n % 100 AND n % 4 THEN 'https://meli.la/' || n END, 'ofertas',
  :first_seen_at, strftime('%Y-%m-%dT%H:%M:%S.000000Z', :last_seen_at, -(n * 7919 % 1000003) || ' seconds'),
  :first_seen_at, CASE WHEN n % 100 THEN :last_seen_at END, CASE WHEN n % 100 THEN :last_seen_at END, n % 100 > 0,
  CASE WHEN n % 100 THEN :last_seen_at END, CASE WHEN n % 3 THEN n % 20 END,
  CASE WHEN n % 2 THEN
    json_object('rating_hundredths', 300 + n % 200, 'reviews', n % 9973, 'sold_at_least', n % 50 * 100)
  ELSE '{}' END
FROM numbers"""

# The same offers for Postgres.
FILL_POSTGRES = """
INSERT INTO offers (
  id, marketplace, external_id, title, url, currency, price_cents, old_price_cents, discount_pct, affiliate_link,
  source, first_seen_at, last_seen_at, price_changed_at, enriched_at, affiliate_checked_at, enrich_attempts,
  enrich_attempted_at, commission_pct, facts)
SELECT
  (lpad(to_hex(n::bigint * 2654435761 %% 4294967296), 8, '0') || '-0000-4000-8000-' || lpad(to_hex(n), 12, '0'))::uuid,
  'mercado_livre', 'MLB' || (1000000000 + n), 'Fone de ouvido bluetooth sem fio ' || n,
  'https://produto.mercadolivre.com.br/MLB-' || n, 'BRL', 10000 + n %% 5000,
  CASE WHEN n %% 100 > 0 AND n %% 2 > 0 THEN 20000 END, CASE WHEN n %% 100 > 0 AND n %% 2 > 0 THEN 40 END,
  CASE WHEN n %% 100 > 0 AND n %% 4 > 0 THEN 'https://meli.la/' || n END, 'ofertas',
  '2026-01-01', timestamptz '2026-02-01' - make_interval(secs => n::bigint * 7919 %% 1000003), '2026-01-01',
  CASE WHEN n %% 100 > 0 THEN timestamptz '2026-02-01' END, CASE WHEN n %% 100 > 0 THEN timestamptz '2026-02-01' END,
  (n %% 100 > 0)::integer, CASE WHEN n %% 100 > 0 THEN timestamptz '2026-02-01' END,
  CASE WHEN n %% 3 > 0 THEN n %% 20 END,
  CASE WHEN n %% 2 > 0 THEN jsonb_build_object(
    'rating_hundredths', 300 + n %% 200, 'reviews', n %% 9973, 'sold_at_least', n %% 50 * 100) ELSE '{}' END
FROM generate_series(1, %s) n"""


def filled(path: Path, size: int) -> Storage:
    """A database of `size` offers, 99 % of them done."""
    open_sqlite(path).close()
    connection = sqlite3.connect(path)
    moments = {"first_seen_at": "2026-01-01T00:00:00.000000Z", "last_seen_at": "2026-02-01T00:00:00.000000Z"}
    with connection:
        connection.execute(FILL, {"size": size, **moments})
    connection.close()
    return open_sqlite(path)


def timed(work: Callable[[], object], repeat: int = 15) -> tuple[float, float]:
    """Median and slowest of some runs, in milliseconds."""
    runs = []
    for _ in range(repeat):
        start = time.perf_counter()
        work()
        runs.append((time.perf_counter() - start) * 1_000)
    return statistics.median(runs), max(runs)


def show(columns: list[str], rows: Iterable[list[str]]) -> None:
    print("| " + " | ".join(columns) + " |")
    print("|" + " --- |" * len(columns))
    for row in rows:
        print("| " + " | ".join(row) + " |", flush=True)
    print()


def bench_reading(name: str, sizes: Iterable[int], opened: Callable[[int], Storage]) -> None:
    print(f"### Reading, 99 % of the offers done ({name}, milliseconds)\n")
    print("The first three: get_offers_needing_enrichment(limit=100), of its 7 combinations the worst.\n")
    columns = [
        "offers",
        "median",
        "slowest",
        "with recheck",
        "counts, median",
        "slowest",
        "first 50, worst order",
        "search, counted",
        "search, rare: the first 50",
        "frequent",
    ]
    show(columns, (reading_row(name, opened(size), size) for size in sizes))


def first(storage: Storage, wanted: OfferFilter) -> list[StoredOffer]:
    return list(storage.find_offers(wanted))


def reading_row(name: str, storage: Storage, size: int) -> list[str]:
    asked = [timed(partial(storage.offers_needing_enrichment, limit=100, missing=fields)) for fields in COMBINATIONS]
    recheck, _ = timed(
        partial(storage.offers_needing_enrichment, limit=100, missing=frozenset(Missing), recheck_before=NOW)
    )
    counts = timed(storage.counts)
    by_order = max(timed(partial(first, storage, order), repeat=5)[0] for order in ORDERS)
    search, _ = timed(lambda: storage.count_offers(OfferFilter(search="fone 77")), repeat=5)
    rare, _ = timed(partial(first, storage, OfferFilter(search=f"fone {size - 1}", limit=50)), repeat=5)
    frequent, _ = timed(partial(first, storage, OfferFilter(search="fone", limit=50)), repeat=5)
    if size == TABLE_SIZE:
        slowest_search = max(search, rare, frequent)
        for row, milliseconds in zip(TABLE_ROWS[name], (counts[0], by_order, slowest_search), strict=True):
            record(row, milliseconds)
    worst, slowest = max(median for median, _ in asked), max(slowest for _, slowest in asked)
    return [f"{size:,}", *(f"{ms:.1f}" for ms in (worst, slowest, recheck, *counts, by_order, search, rare, frequent))]


def cards(count: int) -> list[Offer]:
    return [
        Offer(
            marketplace="mercado_livre",
            external_id=f"MLB{number}",
            title=f"Fone de ouvido bluetooth sem fio {number}",
            url=f"https://produto.mercadolivre.com.br/MLB-{number}",
            price_cents=10_000 + number,
            currency="BRL",
        )
        for number in range(count)
    ]


def bench_writing(name: str, storage: Storage, *, offers: int, singles: int) -> None:
    print(f"### Writing, {name} (offers per second)\n")
    listing = cards(offers)

    def rate(count: int, work: Callable[[], object]) -> float:
        start = time.perf_counter()
        work()
        return count / (time.perf_counter() - start)

    def save(batch: int, seen_at: datetime, some: list[Offer]) -> None:
        for start in range(0, len(some), batch):
            storage.save_offers(some[start : start + batch], seen_at=seen_at)

    def enrich(batch: int, minute: int, ids: list[str]) -> None:
        observed_at = NOW + timedelta(minutes=minute)
        found = [
            Enrichment(offer_id=each, observed_at=observed_at, old_price_cents=50_000, discount_pct=70) for each in ids
        ]
        for start in range(0, len(found), batch):
            storage.save_enrichments(found[start : start + batch])

    def rows() -> Iterator[list[str]]:
        yield ["save, new, pages of 48", f"{rate(offers, lambda: save(48, NOW, listing)):,.0f}"]
        yield ["save, seen again, pages of 48", f"{rate(offers, lambda: save(48, NOW + timedelta(1), listing)):,.0f}"]
        ids = [saved.offer_id for saved in storage.save_offers(listing, seen_at=NOW + timedelta(1)).saved]
        alone = rate(singles, lambda: enrich(1, 2_000, ids[:singles]))
        yield ["enrich, one at a time", f"{alone:,.0f}"]
        for batch in (20, 100):
            grouped = rate(offers, partial(enrich, batch, 2_000 + batch, ids))
            yield [f"enrich, batches of {batch}", f"{grouped:,.0f} ({grouped / alone:.1f} ×)"]

    show(["work", "per second"], rows())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", default="1000,100000", help="catalogue sizes, comma-separated")
    parser.add_argument("--offers", type=int, default=10_000, help="offers written, into the last of the catalogues")
    parser.add_argument("--supabase", action="store_true", help="also write to a local Supabase server")
    parser.add_argument("--postgres", metavar="URL", help="also read and write here, past HTTP")
    arguments = parser.parse_args()
    sizes = [int(size) for size in arguments.sizes.split(",")]
    print(f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, {os.cpu_count()} cores\n")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        bench_reading("SQLite", sizes, lambda size: filled(folder / f"{size}.db", size))
        last = folder / f"{sizes[-1]}.db"
        print(f"{last.stat().st_size / sizes[-1]:,.0f} bytes of the file an offer, without history\n")
        record("database_offer", last.stat().st_size / sizes[-1] / 1000)
        with closing(open_sqlite(last)) as storage:
            bench_writing("SQLite", storage, offers=arguments.offers, singles=arguments.offers)
        if arguments.supabase:
            bench_supabase(folder, arguments.offers)
    if arguments.postgres:
        bench_postgres(arguments.postgres, sizes[-1], arguments.offers)


def bench_supabase(folder: Path, offers: int) -> None:
    from supabase_server.lite import supabase_server

    from offers_cli.storage.supabase.storage import open_supabase

    with supabase_server(folder / "supabase") as project:
        storage = open_supabase(project.url, Secret(project.service_key))
        bench_writing("Supabase (@supabase/lite on PGlite)", storage, offers=offers, singles=min(offers, 500))
        storage.close()


class Calls:
    """Stands in for `SupabaseClient`: the same functions, called through the driver instead of HTTP."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection

    def call(self, function: str, arguments: Mapping[str, Any], read: Callable[[Any], Any]) -> Any:
        names = ", ".join(f"{name} => %s" for name in arguments)
        cursor = self.connection.execute(
            f"SELECT public.{function}({names})", list(map(as_literal, arguments.values()))
        )
        return read(cursor.fetchone()[0])

    def close(self) -> None:
        self.connection.close()


def as_literal(value: Any) -> Any:
    """Objects and lists of them as JSON, lists of names as an array."""
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return "{" + ",".join(value) + "}"
    return json.dumps(value) if isinstance(value, (list, dict)) else value


def bench_postgres(url: str, size: int, offers: int) -> None:
    import psycopg

    from offers_cli.storage.migrate import migrate_postgres
    from offers_cli.storage.supabase.storage import SupabaseStorage

    migrate_postgres(Secret(url))
    connection = psycopg.connect(url, autocommit=True)
    connection.execute(FILL_POSTGRES.encode(), (size,))
    connection.execute("VACUUM ANALYZE offers")
    storage = SupabaseStorage("http://127.0.0.1:1", Secret("unused"))
    storage._client = Calls(connection)  # type: ignore[assignment]
    bench_reading("Postgres", [size], lambda _size: storage)
    [total] = connection.execute("SELECT pg_total_relation_size('offers')").fetchone() or (0,)
    print(f"{total / size:,.0f} bytes an offer, without history\n")
    bench_writing("Postgres", storage, offers=offers, singles=min(offers, 2_000))
    storage.close()


if __name__ == "__main__":
    main()

"""What saving, exporting and queueing offers cost beside the bare work: `sqlite3` and `csv.writer` on the same rows.

All figures are processor time, and ratios within one run: the compared cases take turns.

    python bench/rows.py [--offers 10000] [--rounds 5] [--catalogue 100000]
"""

from __future__ import annotations

import argparse
import csv
import json
import resource
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "tests"))

from program import installed, run
from ratios import record
from servers import RedisServer

from offers_cli.offer import Enrichment, Facts, Offer
from offers_cli.queue.enqueue import EnrichmentQueue
from offers_cli.services.enqueue_missing import enqueue_missing
from offers_cli.services.export import export
from offers_cli.storage.base import Missing, OfferFilter, Storage
from offers_cli.storage.sqlite.connection import connect
from offers_cli.storage.sqlite.queries import ALL_OFFERS, INSERT_OFFER, INSERT_PRICE, OFFERS, PRICES
from offers_cli.storage.sqlite.storage import SqliteStorage, open_sqlite

NOW = datetime(2026, 3, 1, tzinfo=UTC)
PAGE = 50
ROWS = {"save_offers, new": "save_offers", "export, csv": "export_csv"}
"""The cases that stand in the one table."""
READERS = {
    "export_memory": ["export", "--format", "csv"],
    "export_parquet_memory": ["export", "--format", "parquet"],
    "list_memory": ["list", "--limit", "100000", "--json"],
}
"""The commands whose memory stands there, on the catalogue that was queued."""
FACTS = Facts(
    installments_count=10,
    installment_cents=1_299,
    interest_free=True,
    free_shipping=True,
    full=False,
    badge="MAIS VENDIDO",
    rating_hundredths=470,
    reviews=1_234,
    sold_at_least=10_000,
    seller="Loja oficial",
    brand="Marca",
    category="Fones de ouvido",
)

# Copies of the one offer that is there, each as it would have been saved, fifty of them at the same moment.
COPIES = {
    "id": "printf('%08x-0000-4000-8000-%012x', n * 2654435761 % 4294967296, n)",
    "external_id": "'MLB' || (1000000000 + n)",
    "title": "title || n",
    "title_folded": "title_folded || n",
    "url": "url || n",
    "price_cents": "price_cents + n % 5000",
    "facts": "json_set(facts, '$.reviews', n)",
    "first_seen_at": "strftime('%Y-%m-%dT%H:%M:%S.123456Z', first_seen_at, (n / 50) || ' seconds')",
    "last_seen_at": "strftime('%Y-%m-%dT%H:%M:%S.123456Z', first_seen_at, (n / 50) || ' seconds')",
}

Work = Callable[[], object]


def card(number: int) -> Offer:
    return Offer(
        marketplace="mercado_livre",
        external_id=f"MLB{number}",
        title=f"Fone de ouvido bluetooth sem fio {number}",
        url=f"https://produto.mercadolivre.com.br/MLB-{number}",
        price_cents=10_000 + number,
        currency="BRL",
        facts=FACTS,
    )


def catalogue(path: Path, size: int) -> SqliteStorage:
    """A database of so many offers of which no page was read, and one more."""
    with closing(open_sqlite(path)) as storage:
        storage.save_offers([card(0)], seen_at=NOW)
    columns = [*OFFERS.names, "title_folded"]
    with closing(connect(path)) as connection:
        connection.execute(
            "WITH RECURSIVE numbers (n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM numbers WHERE n < ?)"
            f" INSERT INTO offers ({', '.join(columns)})"
            f" SELECT {', '.join(COPIES.get(name, name) for name in columns)} FROM offers, numbers",
            (size,),
        )
    return open_sqlite(path)


def show(columns: list[str], rows: Iterable[list[str]]) -> None:
    print("| " + " | ".join(columns) + " |")
    print("|" + " --- |" * len(columns))
    for row in rows:
        print("| " + " | ".join(row) + " |", flush=True)
    print()


def cpu_s(work: Work) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


def compare(rounds: int, cases: Mapping[str, Callable[[int], Work]], per: int) -> list[list[str]]:
    """A row for each case: microseconds for each of `per` offers, and how often the first case's that is.

    Args:
        cases: by name what makes the work of a round, which is not timed itself.
    """
    taken: dict[str, list[float]] = {name: [] for name in cases}
    for number in range(rounds):
        for name, make in cases.items():
            taken[name].append(cpu_s(make(number)) / per * 1e6)
    bare = statistics.median(next(iter(taken.values())))
    for name, row in ROWS.items():
        if name in taken:
            record(row, *(value / bare for value in taken[name]))
    return [
        [
            name,
            f"{statistics.median(each):.1f} ({min(each):.1f}–{max(each):.1f})",
            f"{statistics.median(each) / bare:.2f} ×",
        ]
        for name, each in taken.items()
    ]


def bench_saving(folder: Path, offers: int, rounds: int) -> None:
    print(f"### Saving (SQLite, µs of CPU an offer), pages of {PAGE}\n")
    listing = [card(number) for number in range(offers)]

    def fresh(name: str) -> SqliteStorage:
        (folder / name).mkdir()
        return open_sqlite(folder / name / "offers.db")

    template = fresh("template")
    template.save_offers(listing, seen_at=NOW)
    with closing(connect(template.path)) as connection:
        rows = connection.execute(f"SELECT {OFFERS.columns}, title_folded FROM offers").fetchall()
        prices = connection.execute(f"SELECT offer_id, {PRICES.columns} FROM price_history").fetchall()
    ids = [row[0] for row in rows]
    template.close()

    def bare(number: int) -> Work:
        path = fresh(f"bare{number}").path

        def work() -> None:
            with closing(connect(path)) as connection:
                for first in range(0, offers, PAGE):
                    connection.execute("BEGIN IMMEDIATE")
                    connection.executemany(INSERT_OFFER, rows[first : first + PAGE])
                    connection.executemany(INSERT_PRICE, prices[first : first + PAGE])
                    connection.execute("COMMIT")

        return work

    def save(storage: Storage, seen_at: timedelta) -> Work:
        def work() -> None:
            for first in range(0, offers, PAGE):
                storage.save_offers(listing[first : first + PAGE], seen_at=NOW + seen_at)

        return work

    stores = [fresh(f"ours{number}") for number in range(rounds)]
    cases = {
        "INSERT and COMMIT alone": bare,
        "save_offers, new": lambda number: save(stores[number], timedelta()),
        "save_offers, seen again": lambda number: save(stores[number], timedelta(1)),
    }
    show(["work", "µs", "of the bare INSERTs"], compare(rounds, cases, offers))
    for storage in stores:
        storage.close()
    bench_enriching(folder, ids[: min(offers, 2_000)], rounds)


VALUES = {"old_price_cents": 50_000, "discount_pct": 70, "title": "Fone"}


def bench_enriching(folder: Path, ids: list[str], rounds: int) -> None:
    print("### Results (SQLite, µs of CPU a result)\n")
    with closing(open_sqlite(folder / "template" / "offers.db")) as storage:
        for group in (1, 16):
            cases = {
                f"UPDATE and COMMIT alone, {group} at a time": partial(bare_results, storage.path, ids, group),
                f"save_enrichments, {group}": partial(save_results, storage, ids, group),
            }
            show(["work", "µs", "of the bare UPDATEs"], compare(rounds, cases, len(ids)))


def bare_results(path: Path, ids: list[str], group: int, number: int) -> Work:
    update = f"UPDATE offers SET {', '.join(f'{name} = ?' for name in VALUES)}, enriched_at = ? WHERE id = ?"
    moment = f"2026-04-01T00:00:{number:02}.{group:06}Z"

    def work() -> None:
        with closing(connect(path)) as connection:
            for first in range(0, len(ids), group):
                connection.execute("BEGIN IMMEDIATE")
                connection.executemany(
                    update, [(*VALUES.values(), moment, each) for each in ids[first : first + group]]
                )
                connection.execute("COMMIT")

    return work


def save_results(storage: Storage, ids: list[str], group: int, number: int) -> Work:
    moment = NOW + timedelta(days=40 + number, seconds=group)
    found = [Enrichment(offer_id=each, observed_at=moment, **VALUES) for each in ids]  # type: ignore[arg-type]

    def work() -> None:
        for first in range(0, len(found), group):
            storage.save_enrichments(found[first : first + group])

    return work


def bench_export(folder: Path, offers: int, rounds: int) -> None:
    print("### Exporting (SQLite, µs of CPU an offer)\n")
    storage = catalogue(folder / "export.db", offers)
    target = folder / "export.out"

    def bare(_number: int) -> Work:
        def work() -> None:
            with closing(connect(storage.path)) as connection, target.open("w", newline="") as out:
                csv.writer(out).writerows(connection.execute(ALL_OFFERS))

        return work

    def ours(name: str) -> Callable[[int], Work]:
        def make(_number: int) -> Work:
            return lambda: export(OfferFilter(), storage=storage, format=name, file=target, pipe=sys.stdout.buffer)

        return make

    cases = {
        "SELECT and csv.writer alone": bare,
        **{f"export, {name}": ours(name) for name in ("csv", "jsonl", "json")},
    }
    show(["work", "µs", "of csv.writer"], compare(rounds, cases, offers))
    storage.close()


def bench_queueing(folder: Path, most: int) -> None:
    """In a process of its own for each size, for the peak of memory is that of the process."""
    print("### Queueing all that is missing (SQLite)\n")
    rows = []
    with RedisServer() as server:
        for size in (1, most // 10, most):
            path = folder / f"queue{size}.db"
            catalogue(path, size).close()
            with server.connect() as client:
                client.flushall()
            command = [sys.executable, __file__, "--queue", str(path), server.url]
            told = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
            first, cpu_us = told["first_s"] / told["all_s"], told["cpu_s"] / told["queued"] * 1e6
            rows.append(
                [
                    f"{told['queued']:,}",
                    f"{told['rss_mb']:.0f}",
                    f"{told['first_s']:.2f} ({first:.1%})",
                    f"{cpu_us:.1f}",
                ]
            )
    record("enqueue_missing_memory", told["rss_mb"])
    record("enqueue_missing_first", told["first_s"])
    env = {"OFFERS_DB": str(path), "OFFERS_HOME": str(folder)}
    for row, words in READERS.items():
        used = run([installed("offers"), *words, *([str(folder / "all")] if words[0] == "export" else [])], env)
        record(row, used.rss_mb)
    show(
        ["offers queued", "peak RSS, MB", "the first are queued after s (of all the time)", "µs of CPU an offer"], rows
    )


def queue_all(path: str, url: str) -> None:
    import redis

    began, first_s = time.perf_counter(), 0.0

    def note(_done: int) -> None:
        nonlocal first_s
        first_s = first_s or time.perf_counter() - began

    missing, cpu = frozenset({Missing.OLD_PRICE, Missing.DISCOUNT}), time.process_time()
    with closing(open_sqlite(Path(path))) as storage, redis.Redis.from_url(url) as client:
        queue = EnrichmentQueue(client)
        done = enqueue_missing(storage=storage, queue=queue, missing=missing, limit=10**9, on_progress=note)
    figures = {"queued": done.enqueued, "first_s": first_s, "all_s": time.perf_counter() - began}
    rss_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({**figures, "cpu_s": time.process_time() - cpu, "rss_mb": rss_mb}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--offers", type=int, default=10_000, help="offers saved and exported")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--catalogue", type=int, default=100_000, help="offers queued")
    parser.add_argument("--queue", nargs=2, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.queue:
        queue_all(*chosen.queue)
        return
    print(f"SQLite {sqlite3.sqlite_version}\n")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        bench_saving(folder, chosen.offers, chosen.rounds)
        bench_export(folder, chosen.offers, chosen.rounds)
        bench_queueing(folder, chosen.catalogue)


if __name__ == "__main__":
    main()

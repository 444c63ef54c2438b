"""How large a year of a catalogue is, pruned by the schedule and not: every table of the SQLite file.

The year is that of `tests/catalogue_year.py`, lived through the storage's own code.

    python bench/retention.py [--offers 1000] [--days 365]
"""

from __future__ import annotations

import argparse
import sqlite3
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from contextlib import closing
from datetime import timedelta
from pathlib import Path

from ratios import record

sys.path.append(str(Path(__file__).parents[1] / "tests"))

from catalogue_year import Year

from offers_cli.storage.sqlite.storage import open_sqlite

PRUNED_AFTER_DAYS = (None, 90, 30)
"""Ages that are given to `offers db prune` once a week; None: it is never called."""
STATED = 90
"""The one that the documentation names."""


def lived(path: Path, *, offers: int, days: int, older_than_days: int | None) -> tuple[int, int]:
    """Live a year; returns how many offers and prices are left."""
    with closing(open_sqlite(path)) as storage:
        year = Year(storage, offers=offers)
        for day in range(days):
            now = year.live(day)
            if older_than_days is not None and day % 7 == 6:
                storage.prune(older_than=now - timedelta(days=older_than_days))
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        left: tuple[int, int] = connection.execute(
            "SELECT (SELECT count(*) FROM offers), (SELECT count(*) FROM price_history)"
        ).fetchone()
    return left


def sizes(path: Path) -> dict[str, int]:
    """Bytes of the file by table, its indexes with it, and what is free inside."""
    by_table = """
        SELECT tbl_name, sum(pgsize) FROM dbstat JOIN sqlite_master USING (name) GROUP BY tbl_name"""
    with closing(sqlite3.connect(path)) as connection:
        found = dict(connection.execute(by_table))
        free, page = (connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("freelist_count", "page_size"))
    return found | {"free": free * page, "all": path.stat().st_size}


def show(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    print("| " + " | ".join(columns) + " |")
    print("|" + " --- |" * len(columns))
    for row in rows:
        print("| " + " | ".join(row) + " |", flush=True)
    print()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--offers", type=int, default=1_000, help="offers seen on a day")
    parser.add_argument("--days", type=int, default=365)
    chosen = parser.parse_args()
    print(f"### {chosen.days} days of {chosen.offers:,} offers (SQLite {sqlite3.sqlite_version}, MB)\n")
    rows = []
    for age in PRUNED_AFTER_DAYS:
        with tempfile.TemporaryDirectory() as folder:
            path, began = Path(folder) / "offers.db", time.perf_counter()
            offers, prices = lived(path, offers=chosen.offers, days=chosen.days, older_than_days=age)
            mb = {table: size / 1e6 for table, size in sizes(path).items()}
        if age == STATED:
            record("database_year", mb["all"])
        tables = (f"{mb[name]:,.1f}" for name in ("all", "offers", "price_history", "scrape_runs", "free"))
        took = f"{time.perf_counter() - began:.0f}"
        rows.append(["never" if age is None else f"{age}d", f"{offers:,}", f"{prices:,}", *tables, took])
    show(["pruned weekly", "offers", "prices", "file", "offers", "price_history", "scrape_runs", "free", "s"], rows)


if __name__ == "__main__":
    main()

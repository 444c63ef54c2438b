"""Taking over offers from a table of the operator's own: each once, wherever the table and the offers are."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from storage.cases import card, everything, history, save
from storage.test_storage_migrate import postgres  # noqa: F401 (a fixture)

from offers_cli.config import Secret
from offers_cli.errors import NotFound, StorageRefused, StorageUnavailable, UsageError
from offers_cli.services.adopt import AdoptReport, adopt, read_row
from offers_cli.storage.base import Storage
from offers_cli.storage.foreign_tables import ForeignTable, read_postgres_table, read_sqlite_table

NOW = datetime(2026, 5, 1, tzinfo=UTC)
URL = "https://produto.mercadolivre.com.br/MLB-{}-fone-_JM?tracking=1#position=3"
CREATE = """
CREATE TABLE my_offers (
  id integer primary key, title text, url text, price_cents {number}, old_price_cents {number}, discount_pct {number},
  affiliate_link text, affiliation_id text, commission {number}, created_at text)"""
ROWS = [
    (1, "Fone 1", URL.format(1), 10_000, 20_000, 50, "https://meli.la/x", "tag", 12, "2025-01-01"),
    (2, "Fone 2", URL.format(2), 5_000, None, None, None, None, None, None),
    (3, "Fone 2 again", URL.format(2), 6_000, None, None, None, None, None, None),
    (4, "Elsewhere", "https://shop.test/p/4", 5_000, None, None, None, None, None, None),
    (5, "Free", URL.format(5), 0, None, None, None, None, None, None),
    (6, None, URL.format(6), 5_000, None, None, None, None, None, None),
]
INSERT = "INSERT INTO my_offers VALUES ({})"

Open = Callable[[], ForeignTable]


@pytest.fixture
def sqlite_table(tmp_path: Path) -> Open:
    file = tmp_path / "mine.db"
    with closing(sqlite3.connect(file)) as connection:
        connection.execute(CREATE.format(number="integer"))
        connection.executemany(INSERT.format(", ".join("?" * 10)), ROWS)
        connection.commit()
    return lambda: read_sqlite_table(file, "my_offers")


def run(opened: ForeignTable, storage: Storage, **options: Any) -> AdoptReport:
    return adopt(
        table="my_offers", columns=opened.columns, rows=opened.rows, storage=storage, **{"now": NOW, **options}
    )


def figures(report: AdoptReport) -> tuple[int, int, int, int]:
    return report.rows, report.adopted, report.already_there, report.refused


def test_each_row_becomes_one_offer_with_its_first_price(storage: Storage, sqlite_table: Open) -> None:
    report = run(sqlite_table(), storage)
    assert figures(report) == (6, 2, 1, 3)
    assert report.ignored_columns == ("id", "created_at")
    told = [problem.message for problem in report.problems]
    assert "row 4 (https://shop.test/p/4): its url is not one of Mercado Livre" in told[0]
    assert told[1] == "MLB5: price_cents is not a price in cents: 0"
    assert told[2] == "MLB6: title is empty"
    first, second = sorted(everything(storage), key=lambda offer: offer.external_id)
    assert (first.external_id, first.url, first.currency) == (
        *("MLB1", "https://produto.mercadolivre.com.br/MLB-1-fone-_JM", "BRL"),
    )
    assert (first.price_cents, first.old_price_cents, first.discount_pct, first.commission_pct) == (
        10_000,
        20_000,
        50,
        12,
    )
    assert (first.affiliate_link, first.affiliation_id, first.first_seen_at) == ("https://meli.la/x", "tag", NOW)
    assert history(storage, first.id) == [(10_000, 20_000, "listing")]
    assert (second.title, second.price_cents) == ("Fone 2", 5_000)


def test_twice_is_once_and_newer_prices_stand(storage: Storage, sqlite_table: Open) -> None:
    save(storage, card(2, price_cents=4_000))
    assert figures(run(sqlite_table(), storage)) == (6, 1, 2, 3)
    assert figures(run(sqlite_table(), storage, now=NOW + timedelta(days=1))) == (6, 0, 3, 3)
    assert {offer.external_id: offer.price_cents for offer in everything(storage)} == {"MLB1": 10_000, "MLB2": 4_000}
    assert all(len(history(storage, offer.id)) == 1 for offer in everything(storage))


def test_a_dry_run_changes_nothing(storage: Storage, sqlite_table: Open) -> None:
    report = run(sqlite_table(), storage, dry_run=True)
    assert (figures(report), report.dry_run) == ((6, 2, 1, 3), True)
    assert everything(storage) == []


def test_a_table_without_what_an_offer_needs_is_refused(sqlite_storage: Storage) -> None:
    for columns in (("title", "url"), ("title", "price_cents"), ("url", "price_cents")):
        with pytest.raises(UsageError, match="has no column"):
            adopt(table="t", columns=columns, rows=iter(()), storage=sqlite_storage, now=NOW)


def test_numbers_are_read_however_the_table_holds_them() -> None:
    row = {"title": "Fone", "external_id": "mlb-7", "price_cents": Decimal("9900.00"), "old_price_cents": "19900"}
    offer = read_row({**row, "discount_pct": 50.0, "commission": 7.5})
    assert (offer.external_id, offer.url) == ("MLB7", "https://produto.mercadolivre.com.br/MLB-7")
    assert (offer.price_cents, offer.old_price_cents, offer.discount_pct) == (9_900, 19_900, 50)
    assert offer.commission_pct is None, "half a percentage is not guessed"
    for wrong in ("R$ 99", 99.5, None, True, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="price_cents"):
            read_row({**row, "price_cents": wrong})


def test_what_is_not_there_is_named(tmp_path: Path, sqlite_table: Open) -> None:
    sqlite_table()
    with pytest.raises(NotFound, match=r"no table 'other' .* it holds my_offers"):
        read_sqlite_table(tmp_path / "mine.db", "other")
    with pytest.raises(NotFound, match="there is no file"):
        read_sqlite_table(tmp_path / "none.db", "other")
    (tmp_path / "text.db").write_text("no database at all, but long enough to be looked at" * 40)
    with pytest.raises((StorageRefused, StorageUnavailable), match="is not a SQLite database"):
        read_sqlite_table(tmp_path / "text.db", "other")


def test_a_name_is_a_name_and_no_sql(tmp_path: Path) -> None:
    name = 'my "offers"; DROP TABLE x; --'
    with closing(sqlite3.connect(tmp_path / "odd.db")) as connection:
        connection.execute('CREATE TABLE "my ""offers""; DROP TABLE x; --" (title)')
    assert read_sqlite_table(tmp_path / "odd.db", name).columns == ("title",)


def test_a_table_of_postgres_is_adopted(postgres: Secret, sqlite_storage: Storage) -> None:  # noqa: F811
    import psycopg

    with psycopg.connect(postgres.reveal(), autocommit=True) as connection:
        connection.execute("CREATE SCHEMA IF NOT EXISTS mine")
        connection.execute("SET search_path = mine")
        connection.execute(CREATE.format(number="numeric").encode())
        connection.cursor().executemany(INSERT.format(", ".join(["%s"] * 10)), ROWS)
    assert figures(run(read_postgres_table(postgres, "mine.my_offers"), sqlite_storage)) == (6, 2, 1, 3)
    with pytest.raises(NotFound, match=r"no table 'mine\.other' in the schema mine: it holds my_offers"):
        read_postgres_table(postgres, "mine.other")

"""Conformance: the counts that are kept are those of the offers, whatever was written, by whom and at once."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from storage.cases import FIRST_OFFER, at, card, everything, failure, link, make_older, page, save, stored
from storage.test_migrate_postgres import database  # noqa: F401 (a fixture)
from storage.test_storage_migrate import postgres  # noqa: F401 (a fixture)

from offers_cli.config import DatabaseConfig, Secret
from offers_cli.storage.base import Missing, OfferCounts, OfferFilter, Storage, StoredOffer, UrlRepair
from offers_cli.storage.migrate import migrate, migrate_postgres
from offers_cli.storage.migrations import migrations
from offers_cli.storage.restore import restore
from offers_cli.storage.rules import needs
from offers_cli.storage.sqlite.connection import connect
from offers_cli.storage.sqlite.storage import open_sqlite
from offers_cli.storage.transfer import backup

COMBINATIONS = [frozenset(fields) for size in range(4) for fields in itertools.combinations(Missing, size)]
COLUMNS = {
    Missing.OLD_PRICE: "old_price_cents",
    Missing.DISCOUNT: "discount_pct",
    Missing.AFFILIATE_LINK: "affiliate_link",
}


def lacks(offer: StoredOffer, fields: frozenset[Missing]) -> bool:
    return any(getattr(offer, COLUMNS[field]) is None for field in fields)


def was_told(offer: StoredOffer) -> bool:
    """Its page was looked at, and not only in an attempt that was given up."""
    was_given_up = offer.enrich_error is not None and offer.enriched_at == offer.enrich_attempted_at
    return offer.enriched_at is not None and (bool(offer.strategies) or not was_given_up)


def check_counts(storage: Storage) -> None:
    """Each count that is kept is what counting the offers one by one gives."""
    offers = everything(storage)
    active = [offer for offer in offers if offer.status == "active"]
    assert storage.counts() == OfferCounts(
        total=len(offers),
        enriched=sum(map(was_told, offers)),
        gone=len(offers) - len(active),
        **{
            f"missing_{field.name.lower()}": sum(lacks(offer, frozenset({field})) for offer in active)
            for field in Missing
        },
    )
    for fields in COMBINATIONS:
        assert storage.count_needing(fields) == sum(bool(needs(offer) & fields) for offer in active)
        for status in (None, "active", "gone"):
            wanted = OfferFilter(missing=fields, status=status)
            matching = [offer for offer in offers if wanted.wanted_status in (None, offer.status)]
            expected = sum(not fields or lacks(offer, fields) for offer in matching)
            assert storage.count_offers(wanted) == expected, (fields, status)


def write_something(storage: Storage, chance: random.Random, minute: int) -> None:
    """One write of any kind on some of a dozen offers."""
    numbers = chance.sample(range(12), chance.randint(1, 5))
    known = [offer for number in numbers if (offer := storage.find_offer(f"MLB{number}"))]

    def some_card(number: int) -> Any:
        old_price = chance.choice([None, 20_000])
        price = chance.choice([10_000, 10_000, 9_000])
        discount, affiliate = chance.choice([None, 40]), chance.choice([None, None, "https://meli.la/x"])
        return card(
            number, price_cents=price, old_price_cents=old_price, discount_pct=discount, affiliate_link=affiliate
        )

    def some_page(offer: StoredOffer) -> Any:
        told = chance.choice([{}, {"old_price_cents": 30_000, "discount_pct": 60}])
        return page(offer.id, minute, **told, strategies=chance.choice([{}, {"price_cents": "state"}]))

    kind = chance.randrange(6)
    if kind <= 1 or not known:
        cards = list(map(some_card, numbers))
        storage.save_offers(cards, seen_at=at(minute), trust_cards=chance.random() < 0.3, dry_run=chance.random() < 0.1)
    elif kind == 2:
        storage.save_enrichments(list(map(some_page, known)))
    elif kind == 3:
        code, told = chance.choice(
            [("offer_gone", {"gone": True}), ("forbidden_url", {"final": True}), ("page_changed", {})]
        )
        storage.save_enrichments([], [failure(offer.id, minute, code, **told) for offer in known])
    elif kind == 4:
        storage.save_enrichments(
            [link(offer.id, minute, chance.choice([None, "https://meli.la/y"])) for offer in known]
        )
    else:
        addresses = (None, "https://produto.example/MLB-neu")
        storage.repair_urls(
            [UrlRepair(offer_id=each.id, url=each.url, new_url=chance.choice(addresses)) for each in known[:2]]
        )
        storage.prune(older_than=at(minute - 20))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2))
def test_no_write_lets_the_counts_of_stats_drift_from_the_offers(storage: Storage, seed: int) -> None:
    chance = random.Random(seed)
    for minute in range(1, 41):
        write_something(storage, chance, minute)
        if minute % 20 == 0:
            check_counts(storage)
    assert storage.counts().total


def test_an_offer_whose_page_was_never_read_is_not_counted_as_enriched(storage: Storage) -> None:
    """Though an address that may not be asked, say, counts as looked for, so that it is not asked again."""
    read, refused, read_before, unread = save(storage, *map(card, range(4)))
    told = {"strategies": {"price_cents": "state"}}
    storage.save_enrichments([page(each.offer_id, 1, **told) for each in (read, read_before)])
    storage.save_enrichments(
        [], [failure(each.offer_id, 2, "forbidden_url", final=True) for each in (refused, read_before)]
    )
    storage.save_enrichments([], [failure(unread.offer_id, 2)])
    assert storage.counts().enriched == 2
    assert stored(storage, refused.offer_id).enriched_at == at(2)


def test_an_enriched_offer_stays_one_when_its_price_changes_and_its_page_cannot_be_read(storage: Storage) -> None:
    [offer] = save(storage)
    storage.save_enrichments([page(offer.offer_id, 1, strategies={"price_cents": "state"})])
    save(storage, card(price_cents=9_000), minute=2)
    storage.save_enrichments([], [failure(offer.offer_id, 3)])
    assert stored(storage, offer.offer_id).strategies == {}
    assert storage.counts().enriched == 1


def test_a_card_that_is_trusted_counts_as_enriched(storage: Storage) -> None:
    storage.save_offers([card(1), card(2, old_price_cents=20_000)], seen_at=at(0), trust_cards=True)
    assert storage.counts().enriched == 1


def test_counts_are_right_after_a_backup_came_back(storage: Storage, sqlite_path: Path, tmp_path: Path) -> None:
    """Made of the one storage, brought back into it over what was scraped since."""
    before = save(storage, card(1, old_price_cents=20_000), card(2), card(3))
    config = DatabaseConfig(sqlite_path=sqlite_path)
    if storage is not None and not sqlite_path.exists():
        client = storage._client  # type: ignore[attr-defined]
        key = Secret(client._http.headers["apikey"])
        config = replace(config, supabase_url=f"http://{client.host}", supabase_key=key)
    file = backup(config, tmp_path / "backup.db").file
    with closing(open_sqlite(file)) as kept:
        check_counts(kept)
        assert kept.counts() == storage.counts()
    storage.save_enrichments([], [failure(before[0].offer_id, 1, "offer_gone", gone=True)])
    save(storage, card(4), minute=2)
    restore(config, file, keep=tmp_path / "kept.db", force=True, dry_run=False)
    check_counts(storage)
    assert storage.counts().gone == 0


@pytest.mark.parametrize("version", range(1, len(migrations("sqlite"))))
def test_an_older_file_and_an_older_backup_are_counted_when_they_are_migrated(
    sqlite_path: Path, tmp_path: Path, version: int
) -> None:
    for path in (sqlite_path, tmp_path / "older-backup.db"):
        make_older(path, version, FIRST_OFFER)
    config = DatabaseConfig(sqlite_path=sqlite_path)
    migrate(config)
    with closing(open_sqlite(sqlite_path)) as storage:
        check_counts(storage)
        save(storage, card(2), card(3))
        restore(config, tmp_path / "older-backup.db", keep=tmp_path / "kept.db", force=True, dry_run=False)
        check_counts(storage)
        assert storage.counts().total == 1


def test_what_others_write_into_the_file_is_counted_and_a_broken_off_write_is_not(sqlite_path: Path) -> None:
    with closing(open_sqlite(sqlite_path)) as storage, closing(connect(sqlite_path)) as other:
        save(storage, *map(card, range(5)))
        other.execute("UPDATE offers SET status = 'gone' WHERE external_id IN ('MLB1', 'MLB2')")
        other.execute("DELETE FROM offers WHERE external_id = 'MLB2'")
        other.execute("BEGIN")
        other.execute("DELETE FROM offers")
        other.execute("ROLLBACK")
        check_counts(storage)
        assert (storage.counts().total, storage.counts().gone) == (4, 1)


# --- Postgres, with several at once ---

Ask = Callable[..., Any]
INSERT = """
    INSERT INTO offers (marketplace, external_id, title, url, currency, price_cents, source, first_seen_at,
      last_seen_at, price_changed_at)
    SELECT 'm', {} || '-' || n, 't', 'u', 'BRL', 1, 's', '2026-01-01', '2026-01-01', '2026-01-01'
    FROM generate_series(1, {}) n"""
REAL = """
    SELECT jsonb_object_agg(coverage, n) FROM (
      SELECT offers_coverage(o) coverage, count(*) n FROM offers o GROUP BY 1) c"""
KEPT = """
    SELECT jsonb_object_agg(coverage, n) FROM (
      SELECT coverage, sum(offers) n FROM offers_tally GROUP BY 1 HAVING sum(offers) <> 0) c"""


@contextmanager
def connected(database: Secret, *, autocommit: bool = True) -> Iterator[Any]:  # noqa: F811
    """A session that fails rather than wait for others for ever."""
    import psycopg

    with psycopg.connect(database.reveal(), autocommit=autocommit) as connection:
        connection.execute("SET lock_timeout = '20s'")
        yield connection


@pytest.fixture
def project(database: Secret) -> Secret:  # noqa: F811
    migrate_postgres(database)
    return database


def kept_and_real(connection: Any) -> list[Any]:
    return [connection.execute(question).fetchone()[0] for question in (KEPT, REAL)]


def test_writers_that_come_at_once_and_some_that_break_off_leave_exact_counts(project: Secret) -> None:
    """Each appends what it changed; whoever folds leaves alone what others hold."""
    import psycopg

    def write(writer: int) -> None:
        chance = random.Random(writer)
        with connected(project, autocommit=False) as connection:
            for _ in range(40):
                connection.execute(INSERT.format(f"'{writer}-{chance.random()}'", chance.randint(1, 4)).encode())
                change = chance.choice(["status = 'gone'", "discount_pct = 10", "affiliate_link = 'x'"])
                connection.execute(
                    f"UPDATE offers SET {change} WHERE external_id LIKE '{writer}-%' AND random() < 0.3".encode()
                )
                connection.execute(
                    f"DELETE FROM offers WHERE external_id LIKE '{writer}-%' AND random() < 0.1".encode()
                )
                connection.execute("SELECT offers_fold_tally()") if chance.random() < 0.3 else None
                connection.rollback() if chance.random() < 0.3 else connection.commit()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(4)))
    with connected(project) as connection:
        kept, real = kept_and_real(connection)
        assert kept == real
        assert sum(kept.values()) > 0
        connection.execute("SELECT offers_fold_tally()")
        assert kept_and_real(connection) == [real, real]
        assert connection.execute("SELECT count(*) FROM offers_tally").fetchone() == (len(real),)
        with pytest.raises(psycopg.errors.NotNullViolation):  # what fails leaves no trace
            connection.execute("UPDATE offers SET status = 'gone', title = NULL")
        assert kept_and_real(connection) == [real, real]


def test_a_transaction_that_stays_open_keeps_nobody_from_writing_or_counting(project: Secret) -> None:
    with connected(project, autocommit=False) as slow, connected(project) as quick:
        slow.execute(INSERT.format("'slow'", 5).encode())
        slow.execute("SELECT offers_fold_tally()")
        quick.execute(INSERT.format("'quick'", 2).encode())
        quick.execute("SELECT offers_fold_tally()")
        assert quick.execute("SELECT offers_counts() -> 'total'").fetchone() == (2,)
        slow.commit()
        assert quick.execute("SELECT offers_counts() -> 'total'").fetchone() == (7,)


def test_a_transaction_with_a_snapshot_of_its_own_is_never_failed_by_what_others_folded(project: Secret) -> None:
    import psycopg

    with connected(project, autocommit=False) as writer, connected(project) as other:
        writer.commit()
        writer.isolation_level = psycopg.IsolationLevel.SERIALIZABLE
        other.execute(INSERT.format("'other'", 2).encode())
        writer.execute("SELECT count(*) FROM offers")
        other.execute("SELECT offers_fold_tally()")
        for number in range(300):  # one in fifty folds
            writer.execute(INSERT.format(f"'writer-{number}'", 1).encode())
        writer.commit()
        assert other.execute("SELECT offers_counts() -> 'total'").fetchone() == (302,)


def test_bulk_writes_are_counted_too(project: Secret) -> None:
    """COPY as `pg_restore` and a dashboard's import do it, TRUNCATE, and a COPY that breaks off."""
    import psycopg

    columns = (
        "marketplace, external_id, title, url, currency, price_cents, source, first_seen_at, last_seen_at, "
        "price_changed_at"
    )

    def load(*rows: tuple[Any, ...]) -> None:
        with connection.cursor() as cursor, cursor.copy(f"COPY offers ({columns}) FROM STDIN".encode()) as stream:
            for each in rows:
                stream.write_row(each)

    def row(number: int, cents: int = 1) -> tuple[Any, ...]:
        return ("m", f"X{number}", "t", "u", "BRL", cents, "s", at(0), at(0), at(0))

    with connected(project) as connection:
        load(*map(row, range(1_000)))
        with pytest.raises(psycopg.errors.CheckViolation):
            load(row(2_000), row(2_001, cents=0))
        assert connection.execute("SELECT offers_counts() -> 'total'").fetchone() == (1_000,)
        connection.execute("TRUNCATE offers CASCADE")
        assert connection.execute("SELECT offers_counts() -> 'total'").fetchone() == (0,)


def test_an_older_project_is_counted_when_it_is_migrated_and_again_on_demand(database: Secret) -> None:  # noqa: F811
    """On demand: after a bulk load with triggers off, which the tally cannot see."""
    with connected(database) as connection:
        for migration in migrations("supabase")[:16]:
            connection.execute(migration.sql.encode())
        connection.execute(INSERT.format("'old'", 30).encode())
        connection.execute("UPDATE offers SET status = 'gone' WHERE external_id LIKE 'old-1%'")
        migrate_postgres(database)
        kept, real = kept_and_real(connection)
        assert kept == real
        assert connection.execute("SELECT offers_counts() -> 'gone'").fetchone() == (11,)
        connection.execute("SET session_replication_role = replica")
        connection.execute(INSERT.format("'unseen'", 3).encode())
        connection.execute("SELECT offers_recount()")
        assert connection.execute("SELECT offers_counts() -> 'total'").fetchone() == (33,)

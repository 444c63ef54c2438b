"""What `offers db migrate` says of a Postgres that is not as it expects: and that it changes nothing there."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from storage.cases import at, card
from storage.test_adopt import NOW, figures
from storage.test_storage_migrate import postgres  # noqa: F401 (a fixture)

from offers_cli.config import DatabaseConfig, Secret
from offers_cli.errors import StorageBusy, StorageRefused, StorageUnavailable
from offers_cli.services.adopt import adopt, open_table
from offers_cli.storage.base import Storage
from offers_cli.storage.migrate import LOCK, migrate, migrate_postgres
from offers_cli.storage.migrations import migrations
from offers_cli.storage.patience import Patience
from offers_cli.storage.rules import new_offer
from offers_cli.storage.supabase.rows import to_json

NUMBERS = itertools.count()
ID = "00000000-0000-4000-8000-000000000001"
ALL = tuple(migration.name for migration in migrations("supabase"))
MINE = """
CREATE TABLE public.offers (id bigint, title text, url text, price_cents bigint, created_at timestamptz);
INSERT INTO public.offers SELECT n, 'Fone ' || n, 'https://produto.mercadolivre.com.br/MLB-' || n, n * 100, now()
  FROM generate_series(1, 500) n;
GRANT SELECT ON public.offers TO anon, authenticated;
"""


@pytest.fixture
def database(postgres: Secret) -> Iterator[Secret]:  # noqa: F811
    """A new, empty database."""
    import psycopg

    name = f"fresh_{next(NUMBERS)}"
    with psycopg.connect(postgres.reveal(), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
    yield Secret(postgres.reveal().replace("/postgres?", f"/{name}?"))
    with psycopg.connect(postgres.reveal(), autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name}".encode())


def ask(database: Secret, *statements: str) -> Any:
    """The first value that the last statement gives."""
    import psycopg

    with psycopg.connect(database.reveal(), autocommit=True) as connection:
        for statement in statements:
            cursor = connection.execute(statement.encode())
        return cursor.fetchone() if cursor.description else None


def is_as_it_was(database: Secret) -> bool:
    question = """SELECT (SELECT count(*) FROM public.offers), has_table_privilege('anon', 'public.offers', 'select'),
        relrowsecurity, to_regclass('public.offers_schema') FROM pg_class WHERE oid = 'public.offers'::regclass"""
    return bool(ask(database, question) == (500, True, False, None))


def test_a_table_of_the_operators_own_is_named_and_left_as_it_is(database: Secret) -> None:
    ask(database, MINE)
    with pytest.raises(
        StorageRefused, match=r"tables of another program: public\.offers; nothing was changed"
    ) as caught:
        migrate_postgres(database)
    assert "alter table public.offers rename to my_offers; then: offers db migrate" in caught.value.hint
    assert caught.value.hint.endswith("offers db adopt my_offers")
    assert is_as_it_was(database)


def test_pasting_the_schema_over_it_changes_nothing_either(database: Secret) -> None:
    """Also where each file is run by itself and its errors are passed over."""
    import psycopg

    ask(database, MINE)
    with psycopg.connect(database.reveal(), autocommit=True) as connection:
        for migration in migrations("supabase"):
            with pytest.raises(psycopg.Error):
                connection.execute(migration.sql.encode())
    assert is_as_it_was(database)


def test_the_steps_of_the_hint_lead_to_the_offers(database: Secret, sqlite_storage: Storage) -> None:
    ask(database, MINE, "ALTER TABLE public.offers RENAME TO my_offers")
    assert migrate_postgres(database) == ALL
    with open_table(DatabaseConfig(supabase_db_url=database), "my_offers", file=None) as opened:
        report = adopt(table="my_offers", columns=opened.columns, rows=opened.rows, storage=sqlite_storage, now=NOW)
    assert figures(report) == (500, 500, 0, 0)
    assert report.ignored_columns == ("id", "created_at")
    assert sqlite_storage.counts().total == 500


def test_with_the_postgres_address_alone_it_is_the_project_that_is_migrated(database: Secret, tmp_path: Path) -> None:
    config = DatabaseConfig(supabase_db_url=database, sqlite_path=tmp_path / "offers.db")
    report = migrate(config)
    assert (report.kind, report.applied, report.version, report.chosen) == ("supabase", ALL, len(ALL), "sqlite")
    assert not config.sqlite_path.exists()
    assert migrate(config).applied == ()


def test_a_newer_schema_is_refused(database: Secret) -> None:
    migrate_postgres(database)
    ask(database, "INSERT INTO public.offers_schema (version) VALUES (99)")
    with pytest.raises(StorageRefused, match=f"version 99, this program knows {len(ALL)}") as caught:
        migrate_postgres(database)
    assert "upgrade offers" in caught.value.hint


def test_a_role_without_rights_is_named(database: Secret) -> None:
    ask(database, "DROP ROLE IF EXISTS nobody_special", "CREATE ROLE nobody_special LOGIN")
    address = Secret(database.reveal().replace("owner@", "nobody_special@"))
    with pytest.raises(StorageRefused, match=r"the role 'nobody_special' lacks a right: permission denied for schema"):
        migrate_postgres(address)
    migrate_postgres(database)
    ask(
        database,
        "DELETE FROM public.offers_schema WHERE version = (SELECT max(version) FROM public.offers_schema)",
        "GRANT USAGE ON SCHEMA public TO nobody_special",
    )
    with pytest.raises(StorageRefused, match="the role 'nobody_special' lacks a right: permission denied for table"):
        migrate_postgres(address)


def test_another_migration_is_waited_for_with_a_word_and_a_limit(
    database: Secret, caplog: pytest.LogCaptureFixture
) -> None:
    import psycopg

    waits: list[float] = []
    with psycopg.connect(database.reveal()) as other:
        other.execute(f"SELECT pg_advisory_xact_lock({LOCK})".encode())
        with pytest.raises(StorageBusy, match="another migration of this database is running"):
            migrate_postgres(database, patience=Patience(seconds=0))

        def sleep(seconds: float) -> None:
            waits.append(seconds)
            if len(waits) == 3:
                other.rollback()

        assert migrate_postgres(database, patience=Patience(seconds=60, sleep=sleep)) == ALL
    assert len(waits) == 3


def test_a_table_in_use_is_waited_for_with_a_limit(database: Secret) -> None:
    import psycopg

    migrate_postgres(database)
    ask(database, "DELETE FROM public.offers_schema")
    with psycopg.connect(database.reveal()) as other:
        other.execute("SELECT count(*) FROM public.scrape_runs")
        with pytest.raises(StorageUnavailable, match="a table is in use by another session"):
            migrate_postgres(database, patience=Patience(seconds=0))


def test_a_step_that_adds_a_column_makes_the_writing_function_anew(database: Secret) -> None:
    """All that writes whole rows follows the table then: a later field needs no other function changed."""
    migrate_postgres(database)
    row = json.dumps([{**to_json(new_offer(card(), offer_id=ID, seen_at=at(0))), "colour": "red"}])
    step = ("ALTER TABLE public.offers ADD COLUMN colour text", "SELECT public.offers_make_write()")
    colour = "SELECT colour FROM public.offers"
    assert ask(database, *step, f"SELECT public.offers_import('{row}', '[]', '[]')", colour) == ("red",)
    saved = row.replace("red", "blue")
    assert ask(
        database, f"SELECT public.offers_save_cards('{saved}', '{at(1).isoformat()}', false, false)", colour
    ) == ("blue",)
    restored = f"SELECT public.offers_restore('{row}', '[]', '[]')"
    assert ask(database, restored, colour) == ("red",)

"""Migrations: SQLite directly, Postgres through its own address; twice, at once, interrupted."""

from __future__ import annotations

import getpass
import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from storage.cases import FIRST_OFFER, FIRST_PRICE, FIRST_RUN, know_more, make_older, save
from storage.meddler import Handler, meddler
from supabase_server.lite import SupabaseProject
from waiting import NEVER_S

from offers_cli.config import DatabaseConfig, Secret
from offers_cli.errors import StorageRefused, StorageUnavailable
from offers_cli.offer import Facts
from offers_cli.storage.base import SORTS, OfferFilter
from offers_cli.storage.migrate import migrate, migrate_postgres
from offers_cli.storage.migrations import StorageKind, migrations, schema_sql
from offers_cli.storage.open import open_storage
from offers_cli.storage.sqlite.storage import open_sqlite
from offers_cli.storage.supabase.storage import open_supabase
from offers_cli.storage.transfer import backup

INSTALLED = (shutil.which("initdb"), *Path("/usr/lib/postgresql").glob("*/bin/initdb"))
POSTGRES = next((Path(found) for found in INSTALLED if found), None)
ROLES = """
CREATE ROLE anon; CREATE ROLE authenticated; CREATE ROLE service_role BYPASSRLS;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT ALL ON TABLES TO anon, authenticated, service_role;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT ALL ON FUNCTIONS TO anon, authenticated, service_role;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT ALL ON SEQUENCES TO anon, authenticated, service_role;
"""
"""What a hosted project begins with."""


MIGRATOR = f"""
import sys
from offers_cli.config import Secret
from offers_cli.storage.migrate import migrate_postgres
from offers_cli.storage.patience import Patience
print(len(migrate_postgres(Secret(sys.argv[1]), patience=Patience(seconds={NEVER_S}))))
"""

KILLED = """
import os, sys
from offers_cli.config import Secret
from offers_cli.storage import migrate

class Deadly:
    version, name = 99, "deadly"

    @property
    def sql(self):
        os.kill(os.getpid(), 9)

all_of_them = migrate.migrations
migrate.migrations = lambda kind: (*all_of_them(kind), Deadly())
migrate.migrate_postgres(Secret(sys.argv[1]))
"""


def names(kind: StorageKind) -> tuple[str, ...]:
    return tuple(migration.name for migration in migrations(kind))


def test_sqlite_is_migrated_once(sqlite_path: Path) -> None:
    config = DatabaseConfig(sqlite_path=sqlite_path)
    assert migrate(config).applied == names("sqlite")
    again = migrate(config)
    assert (again.kind, again.applied, again.version) == ("sqlite", (), len(names("sqlite")))


@pytest.fixture
def older(sqlite_path: Path, monkeypatch: pytest.MonkeyPatch) -> DatabaseConfig:
    """A database with one offer whose schema is a step behind what the program knows."""
    with closing(open_sqlite(sqlite_path)) as storage:
        save(storage)
    know_more(monkeypatch)
    return DatabaseConfig(sqlite_path=sqlite_path)


def test_only_db_migrate_migrates_an_older_sqlite(older: DatabaseConfig, tmp_path: Path) -> None:
    """For there is no way back: every other command names it and changes nothing; a backup can still be made."""
    with pytest.raises(StorageRefused, match="this program needs") as caught:
        open_storage(older)
    assert caught.value.hint == "offers db migrate"
    assert backup(older, tmp_path / "backup.db").offers == 1
    with pytest.raises(StorageRefused):
        open_storage(older)


def test_an_older_sqlite_is_kept_before_it_is_migrated(older: DatabaseConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    path, version = older.sqlite_path, len(migrations("sqlite"))
    report = migrate(older)
    assert (report.version, report.applied) == (version + 1, ("9999_more",))
    assert report.kept == path.with_name(f"offers.db.v{version}.bak")
    with closing(open_storage(older)) as storage:
        assert storage.counts().total == 1
    assert migrate(older).kept is None
    monkeypatch.undo()
    with closing(open_sqlite(report.kept)) as before:
        assert before.counts().total == 1


def test_titles_that_were_folded_before_are_folded_as_they_are_now(sqlite_path: Path) -> None:
    make_older(sqlite_path, 2, FIRST_OFFER)
    migrate(DatabaseConfig(sqlite_path=sqlite_path))
    with closing(open_sqlite(sqlite_path)) as storage:
        assert storage.count_offers(OfferFilter(search="σας")) == 1


@pytest.mark.parametrize("version", [1, 3])
def test_an_offer_of_an_older_schema_keeps_what_it_has_and_knows_nothing_more(sqlite_path: Path, version: int) -> None:
    make_older(sqlite_path, version, FIRST_OFFER, FIRST_PRICE)
    migrate(DatabaseConfig(sqlite_path=sqlite_path))
    with closing(open_sqlite(sqlite_path)) as storage:
        (offer,) = storage.find_offers(OfferFilter())
        assert (offer.price_cents, offer.old_price_cents, offer.strategies) == (10_000, 15_000, {"title": "state"})
        assert (offer.price_condition, offer.card_price_cents, offer.listing_price_cents) == (None, None, None)
        assert offer.facts == Facts()
        assert [(point.price_cents, point.price_condition) for point in storage.price_history(offer.id)] == [
            (10_000, None)
        ]


def test_a_run_of_an_older_schema_keeps_its_figures_and_names_no_entry(sqlite_path: Path) -> None:
    make_older(sqlite_path, 8, FIRST_RUN)
    with pytest.raises(StorageRefused, match="has schema 8"):
        open_sqlite(sqlite_path)
    migrate(DatabaseConfig(sqlite_path=sqlite_path))
    with closing(open_sqlite(sqlite_path)) as storage:
        assert [(run.seen, run.schedule_entry) for run in storage.find_runs()] == [(48, None)]


def test_nothing_is_migrated_where_the_older_file_cannot_be_kept(
    older: DatabaseConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_path: Path, _target: Path) -> int:
        raise StorageUnavailable("the disk is full")

    monkeypatch.setattr("offers_cli.storage.migrate.copy_sqlite", full)
    with pytest.raises(StorageUnavailable):
        migrate(older)
    monkeypatch.undo()
    open_storage(older).close()


def test_an_earlier_attempts_copy_is_not_overwritten(older: DatabaseConfig) -> None:
    version = len(migrations("sqlite"))
    older.sqlite_path.with_name(f"offers.db.v{version}.bak").write_text("precious")
    report = migrate(older)
    assert report.kept == older.sqlite_path.with_name(f"offers.db.v{version}-2.bak")
    assert older.sqlite_path.with_name(f"offers.db.v{version}.bak").read_text() == "precious"


def test_the_schema_is_printed_whole() -> None:
    assert "CREATE TABLE offers (" in schema_sql("sqlite")
    printed = schema_sql("supabase")
    assert "create table if not exists public.offers (" in printed
    assert "create or replace function public.offers_save(" in printed


def test_migrations_are_named_as_the_supabase_command_wants_them() -> None:
    assert all(name[:14].isdigit() and name[14] == "_" for name in names("supabase"))


def test_each_migration_of_supabase_records_its_version() -> None:
    for migration in migrations("supabase"):
        assert f"insert into public.offers_schema (version) values ({migration.version})" in migration.sql


def without_schema(handler: Handler) -> bool:
    """Asks for functions that are not there, as all of ours are not in a new project."""
    handler.path = handler.path.replace("/offers_", "/offers_lacking_")
    return False


def test_without_the_postgres_address_it_is_said_what_to_paste_where(supabase_project: SupabaseProject) -> None:
    with meddler(supabase_project.url) as server:
        server.meddling = without_schema
        config = DatabaseConfig(supabase_url=server.url, supabase_key=Secret(supabase_project.service_key))
        with pytest.raises(StorageRefused) as opened:
            open_storage(config)
        assert opened.value.hint == "offers db migrate"
        with pytest.raises(StorageRefused, match="SUPABASE_DB_URL") as caught:
            migrate(config)
    assert "paste the output of `offers db schema` into the SQL editor" in caught.value.hint


def test_a_current_project_needs_no_postgres_address(supabase_project: SupabaseProject) -> None:
    config = DatabaseConfig(supabase_url=supabase_project.url, supabase_key=Secret(supabase_project.service_key))
    assert migrate(config).applied == ()


def test_the_hosted_project_is_named_in_the_hint() -> None:
    from offers_cli.storage.migrate import _sql_editor

    assert _sql_editor("https://abc.supabase.co") == "https://supabase.com/dashboard/project/abc/sql/new"


def test_a_schema_of_another_version_is_refused(
    supabase_project: SupabaseProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    newer = (*migrations("supabase"), replace(migrations("supabase")[-1], version=99))
    monkeypatch.setattr("offers_cli.storage.supabase.storage.migrations", lambda _kind: newer)
    with pytest.raises(StorageRefused, match="needs 99") as caught:
        open_supabase(supabase_project.url, Secret(supabase_project.service_key))
    assert caught.value.hint == "offers db migrate"


@pytest.fixture(scope="module")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secret]:
    """A Postgres of our own on a unix socket, with Supabase's roles."""
    if POSTGRES is None:
        pytest.skip("no Postgres server is installed")
    pytest.importorskip("psycopg")
    folder, binaries = tmp_path_factory.mktemp("postgres"), POSTGRES.resolve().parent
    as_user: dict[str, Any] = {"user": 65534, "group": 65534, "extra_groups": []} if os.geteuid() == 0 else {}
    owner = "nobody" if as_user else getpass.getuser()
    socket = Path("/tmp") / f"offers-pg-{os.getpid()}"
    socket.mkdir(mode=0o700)
    data = socket / "data"
    if as_user:
        os.chown(socket, 65534, 65534)
    try:
        subprocess.run(
            [binaries / "initdb", "-D", data, "-U", "owner", "-A", "trust", "-E", "UTF8", "--locale=C", "-N"],
            check=True, capture_output=True, cwd="/", **as_user,
        )  # fmt: skip
        with (folder / "log").open("wb") as log:
            server = subprocess.Popen(
                [binaries / "postgres", "-D", data, "-k", socket, "-c", "listen_addresses=", "-c", "fsync=off"],
                stdout=log, stderr=log, cwd="/", **as_user,
            )  # fmt: skip
        address = f"postgresql://owner@/postgres?host={socket}"
        _wait_for_postgres(address, owner)
        yield Secret(address)
        server.send_signal(signal.SIGINT)  # the quick shutdown: does not wait for clients
        server.wait(NEVER_S)
    finally:
        shutil.rmtree(socket)


def _wait_for_postgres(address: str, owner: str) -> None:
    import psycopg

    deadline = time.monotonic() + NEVER_S
    while True:
        try:
            with psycopg.connect(address, autocommit=True) as connection:
                connection.execute(ROLES.encode())
                return
        except psycopg.OperationalError:
            assert time.monotonic() < deadline, f"Postgres does not start as {owner}"
            time.sleep(0.05)


@pytest.mark.slow
def test_postgres_is_migrated_by_ten_at_once_killed_and_twice(postgres: Secret) -> None:
    """One does the work, nine find it done; one killed in the middle leaves nothing behind."""
    killed = subprocess.run([sys.executable, "-c", KILLED, postgres.reveal()], check=False)
    assert killed.returncode == -signal.SIGKILL
    migrators = [
        subprocess.Popen([sys.executable, "-c", MIGRATOR, postgres.reveal()], stdout=subprocess.PIPE, text=True)
        for _ in range(10)
    ]
    applied = sorted(int(migrator.communicate()[0]) for migrator in migrators)
    assert applied == [0] * 9 + [len(migrations("supabase"))]
    assert migrate_postgres(postgres) == ()


def test_every_migration_may_be_pasted_again(postgres: Secret) -> None:
    import psycopg

    migrate_postgres(postgres)
    with psycopg.connect(postgres.reveal()) as connection:
        for script in (schema_sql("supabase"), *(migration.sql for migration in migrations("supabase"))):
            connection.execute(script.encode())
        row = connection.execute("SELECT count(*), max(version) FROM offers_schema").fetchone()
    assert row == (len(migrations("supabase")),) * 2


def test_pasting_the_schema_takes_no_grants_away(postgres: Secret) -> None:
    """A website of the operator's, which reads offers by a policy and grants of his own, goes on."""
    import psycopg

    migrate_postgres(postgres)
    opened = """
        create policy "everybody reads active offers" on public.offers for select to anon using (status = 'active');
        grant select (title, url, price_cents) on public.offers to anon;
        grant select on public.price_history to authenticated;
        grant execute on function public.offers_counts to authenticated;"""
    closed = """
        drop policy "everybody reads active offers" on public.offers;
        revoke all on public.offers, public.price_history from anon, authenticated;
        revoke all on function public.offers_counts from authenticated;"""
    granted = """
        SELECT has_column_privilege('anon', 'offers', 'title', 'select'),
          has_table_privilege('anon', 'offers', 'select'),
          has_table_privilege('authenticated', 'price_history', 'select'),
          has_function_privilege('authenticated', 'offers_counts()', 'execute')"""
    with psycopg.connect(postgres.reveal(), autocommit=True) as connection:
        connection.execute(opened)
        connection.execute(schema_sql("supabase").encode())
        assert migrate_postgres(postgres) == ()
        found = connection.execute(granted).fetchone()
        connection.execute("SET ROLE anon")
        connection.execute("SELECT title FROM offers")
        connection.execute("RESET ROLE")
        connection.execute(closed)
    assert found == (True, False, True, True)


@pytest.fixture
def empty_postgres(postgres: Secret) -> Iterator[Secret]:
    """A database of its own, without our schema, beside the others' in the same server."""
    import psycopg

    with psycopg.connect(postgres.reveal(), autocommit=True) as connection:
        connection.execute("CREATE DATABASE empty")
        yield Secret(postgres.reveal().replace("/postgres?", "/empty?"))
        connection.execute("DROP DATABASE empty WITH (FORCE)")


@pytest.mark.slow
def test_the_schema_may_be_pasted_by_several_at_once_statement_by_statement(empty_postgres: Secret) -> None:
    """As ``psql -f`` does it, without a transaction around all: they take turns, and none fails."""
    script = (
        "import psycopg, re, sys\n"
        "from offers_cli.storage.migrations import schema_sql\n"
        "with psycopg.connect(sys.argv[1], autocommit=True) as connection:\n"
        "    for step in re.split(r'(?m)^(?=-- \\d{14}_)', schema_sql('supabase')):\n"
        "        connection.execute(step.encode())\n"
    )
    writers = [
        subprocess.Popen([sys.executable, "-c", script, empty_postgres.reveal()], stderr=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    assert [writer.communicate()[1] for writer in writers] == [""] * 4
    assert migrate_postgres(empty_postgres) == ()


def test_an_older_project_is_brought_up_to_date(empty_postgres: Secret) -> None:
    """From each version that there was, its rows and history in place."""
    import psycopg

    known = migrations("supabase")
    with psycopg.connect(empty_postgres.reveal(), autocommit=True) as connection:
        for migration in known[:4]:
            connection.execute(migration.sql.encode())
        connection.execute(FILL.replace("20000", "20").encode())
        connection.execute(
            "INSERT INTO price_history (offer_id, observed_at, price_cents, source) "
            "SELECT id, '2026-01-01', 1, 'listing' FROM offers"
        )
        connection.execute("UPDATE offers SET title = 'ας' WHERE external_id = 'X1'")
        assert len(migrate_postgres(empty_postgres)) == len(known) - 4
        folded = connection.execute("SELECT title_folded FROM offers WHERE external_id = 'X1'").fetchone()
        page = connection.execute("SELECT offers_export(NULL, 50)").fetchone()
    assert page is not None
    assert (len(page[0]["offers"]), len(page[0]["history"])) == (20, 20)
    assert folded == ("ασ",)


def test_tables_are_closed_and_functions_are_the_service_roles_alone(postgres: Secret) -> None:
    """As hosted Supabase grants everything by default, what was revoked is asked of Postgres itself."""
    import psycopg

    migrate_postgres(postgres)
    with psycopg.connect(postgres.reveal()) as connection:
        tables = connection.execute(
            "SELECT relname, relrowsecurity FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'"
        ).fetchall()
        assert len(tables) == 5
        assert all(is_secured for _, is_secured in tables)
        assert connection.execute("SELECT count(*) FROM pg_policy").fetchone() == (0,)
        for role in ("anon", "authenticated"):
            callable_ones = connection.execute(
                "SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace"
                " AND has_function_privilege(%s, oid, 'execute')",
                (role,),
            ).fetchall()
            assert callable_ones == []
        for name, _ in tables:
            for privilege in ("select", "insert", "update", "delete"):
                allowed = connection.execute(
                    "SELECT has_table_privilege('anon', %s, %s), has_table_privilege('service_role', %s, %s)",
                    (name, privilege) * 2,
                ).fetchone()
                assert allowed == (False, True)
        sequences = connection.execute("SELECT sequencename FROM pg_sequences WHERE schemaname = 'public'").fetchall()
        assert sequences
        for name, role in itertools.product((row[0] for row in sequences), ("anon", "authenticated")):
            asked = (role, name, "usage, select, update")
            assert connection.execute("SELECT has_sequence_privilege(%s, %s, %s)", asked).fetchone() == (False,)


FILL = """
    INSERT INTO offers (marketplace, external_id, title, url, currency, price_cents, source, first_seen_at,
      last_seen_at, price_changed_at, enriched_at, affiliate_checked_at, enrich_attempted_at, enrich_attempts)
    SELECT 'm', 'X' || n, 't', 'u', 'BRL', 1, 's', '2026-01-01', '2026-01-01', '2026-01-01',
      CASE WHEN n % 100 > 0 THEN timestamptz '2026-01-02' END,
      CASE WHEN n % 100 > 0 THEN timestamptz '2026-01-02' END,
      CASE WHEN n % 100 > 0 THEN timestamptz '2026-01-02' END, 1
    FROM generate_series(1, 20000) n"""
"""20,000 offers, of which 99 % are done."""


@pytest.fixture
def filled(postgres: Secret) -> Iterator[Any]:
    """A connection to a Postgres with 20,000 offers."""
    import psycopg

    migrate_postgres(postgres)
    with psycopg.connect(postgres.reveal(), autocommit=True) as connection:
        connection.execute(FILL.encode())
        connection.execute("VACUUM ANALYZE offers")  # what an earlier test deleted is read over until then
        yield connection
        connection.execute("DELETE FROM offers")


def blocks_read(connection: Any, question: str) -> int:
    """How many blocks of tables and indexes a warm question reads."""
    connection.execute(question)
    row = connection.execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {question}").fetchone()
    plan = row[0][0]["Plan"]
    return int(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"])


@pytest.mark.slow
def test_what_needs_enrichment_costs_the_same_in_postgres(filled: Any) -> None:
    """Its function reads the small indexes: hardly any page is touched, though 20,000 offers are done."""
    ask = "SELECT offers_needing_enrichment(ARRAY['old-price', 'discount', 'affiliate-link'], 10)"
    assert blocks_read(filled, ask) < 250


@pytest.mark.slow
@pytest.mark.parametrize(
    "asked",
    ["ARRAY['X77'], NULL, NULL", "ARRAY['MLB5'], NULL, NULL", "ARRAY['MLBU9'], NULL, NULL", "'{}', '{id}', '{id}'"],
)
def test_an_offer_is_looked_up_by_the_index_of_each_kind_of_id_in_postgres(filled: Any, asked: str) -> None:
    """Whatever it is called: a name that fits nothing reads no more than one that fits."""
    told = "catalogue_id = 'MLB' || length(external_id), url = 'u/up/MLBU' || substring(external_id from 2)"
    filled.execute(f"UPDATE offers SET {told} WHERE external_id LIKE 'X1%'")
    filled.execute("VACUUM ANALYZE offers")
    [own] = filled.execute("SELECT id FROM offers LIMIT 1").fetchone()
    assert blocks_read(filled, f"SELECT offers_called({asked.replace('{id}', str(own))}, 50)") < 250


@pytest.mark.slow
@pytest.mark.parametrize("sort", ["-last_seen", "price"])
def test_a_long_list_is_read_by_key_in_postgres(filled: Any, sort: str) -> None:
    """A page of places costs the same at the start and at the end; a page of offers is found by id."""
    ids = [str(row[0]) for row in filled.execute("SELECT id FROM offers ORDER BY id").fetchall()]
    everything = """'{"missing": [], "words": []}'"""
    for after in ("NULL", f"'{ids[-100]}'"):
        assert blocks_read(filled, f"SELECT offers_places({everything}, '{sort}', {after}, 50)") < 250
    assert blocks_read(filled, f"SELECT offers_at('{{{','.join(ids[10_000:10_050])}}}', {everything})") < 400


@pytest.mark.slow
def test_the_first_of_each_order_are_found_by_its_index_in_postgres(filled: Any) -> None:
    """Whatever a list is sorted by: no other offer is read for it, where offers have what it is sorted by."""
    filled.execute(
        "UPDATE offers SET discount_pct = n % 100, commission_pct = n % 100, title = 't' || n, price_cents = n,"
        " facts = jsonb_build_object('rating_hundredths', n, 'reviews', n, 'sold_at_least', n)"
        " FROM (SELECT id, row_number() OVER () AS n FROM offers) numbered WHERE numbered.id = offers.id"
    )
    filled.execute("VACUUM ANALYZE offers")
    for sort in (sign + sort for sort in SORTS for sign in ("", "-")):
        question = f"""SELECT offers_page('{{"missing": [], "words": []}}', '{sort}', 50)"""
        assert blocks_read(filled, question) < 400, sort
        value = {"title": '"t9000"', "price": "9000", "rating": "9000", "reviews": "9000", "sold": "9000"}
        moment, name = '"2026-03-01T00:00:00.000000Z"', sort.removeprefix("-")
        place = value.get(name, moment if "_" in name else "50")
        after = f"""{{"value": {place}, "tie": "MLB5", "id": "55555555-2222-4333-8444-555555555555"}}"""
        assert blocks_read(filled, question.removesuffix(")") + f", '{after}')") < 400, sort


@pytest.mark.slow
def test_those_whose_price_changed_are_found_among_all_others_in_postgres(filled: Any) -> None:
    """Ten of 20,000, without a look at those that never changed."""
    filled.execute("UPDATE offers SET price_changed_at = '2026-01-03' WHERE external_id LIKE 'X1999_'")
    filled.execute("VACUUM ANALYZE offers")
    wanted = """'{"missing": [], "words": [], "status": "active", "changed": "yes"}'"""
    question = f"SELECT offers_page({wanted}, '-price_changed', 1001)"
    assert len(filled.execute(question).fetchone()[0]["offers"]) == 10
    assert blocks_read(filled, question) < 100


@pytest.mark.slow
@pytest.mark.parametrize(
    "question",
    [
        "offers_counts()",
        "offers_count_needing(ARRAY['old-price', 'discount', 'affiliate-link'])",
        """offers_count('{"missing": ["discount"], "words": [], "status": "active", "coupon": false}')""",
    ],
)
def test_what_is_counted_for_stats_and_lists_reads_no_offers_in_postgres(filled: Any, question: str) -> None:
    assert blocks_read(filled, f"SELECT {question}") < 50


@pytest.mark.slow
@pytest.mark.parametrize(
    "call", ["offers_prune('2025-01-01', {after}, 50, true)", "offers_export({after}, 50)"], ids=["prune", "backup"]
)
def test_a_walk_over_all_offers_costs_the_same_at_its_end(filled: Any, call: str) -> None:
    """A page or batch is found by the key, not by counting through those before: the whole walk is linear."""
    ids = [row[0] for row in filled.execute("SELECT id FROM offers ORDER BY id").fetchall()]
    for after in ("NULL", f"'{ids[10_000]}'", f"'{ids[-100]}'"):
        assert blocks_read(filled, f"SELECT {call.format(after=after)}") < 700


def test_functions_have_a_search_path_unless_they_must_be_inlined(postgres: Secret) -> None:
    """The security advisor of a project warns of each that has none."""
    import psycopg

    migrate_postgres(postgres)
    without = "SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND proconfig IS NULL"
    with psycopg.connect(postgres.reveal()) as connection:
        assert sorted(connection.execute(without).fetchall()) == [("offers_coverage",), ("offers_matches",)]


def test_what_is_asked_of_every_row_is_no_call(postgres: Secret) -> None:
    """A filter's condition is inlined: a million calls would cost seconds."""
    import psycopg

    migrate_postgres(postgres)
    nothing = '{"missing": [], "words": []}'
    ask = "EXPLAIN VERBOSE SELECT title FROM offers o WHERE offers_matches(o, %s, ARRAY['%%fone%%'])"
    with psycopg.connect(postgres.reveal()) as connection, psycopg.ClientCursor(connection) as cursor:
        plan = "\n".join(row[0] for row in cursor.execute(ask, (nothing,)).fetchall())
    assert "~~ '%fone%'" in plan
    assert "offers_matches(" not in plan


def test_a_word_is_looked_for_by_an_index(postgres: Secret) -> None:
    """By the service role, which has no rights to the extension. A word of two letters is none that the index knows."""
    import psycopg

    migrate_postgres(postgres)
    ask = "EXPLAIN SELECT title FROM offers o WHERE offers_matches(o, %s, offers_patterns(%s))"
    with psycopg.connect(postgres.reveal()) as connection, psycopg.ClientCursor(connection) as cursor:
        cursor.execute("SET enable_seqscan = off; SET ROLE service_role")
        for words, pattern in (["fone", "sem", "4k"], "%fone%"), (["cabo", "usb", "2100"], "%2100%"):
            wanted = json.dumps({"missing": [], "words": words})
            plan = "\n".join(row[0] for row in cursor.execute(ask, (wanted, wanted)).fetchall())
            assert "Bitmap Index Scan on offers_title_words" in plan
            assert f"Index Cond: (title_folded ~~ '{pattern}'::text)" in plan


def test_a_postgres_that_does_not_answer_is_unavailable_and_its_password_unsaid() -> None:
    pytest.importorskip("psycopg")
    with pytest.raises(StorageUnavailable) as caught:
        migrate_postgres(Secret("postgresql://postgres:hunter2secret@127.0.0.1:1/postgres"))
    assert "hunter2secret" not in str(caught.value) + repr(caught.value.__cause__)


def test_sqlite_of_today_opens_after_migrate(sqlite_path: Path) -> None:
    config = DatabaseConfig(sqlite_path=sqlite_path)
    migrate(config)
    storage = open_storage(config)
    save(storage)
    storage.close()

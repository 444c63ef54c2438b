"""`offers db`: what the operator gets; the storage tests prove what the storage does."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from acceptance.program import Program
from supabase_server.lite import SupabaseProject


def test_migrate_creates_the_schema_once(program: Program) -> None:
    first, again = program.json("db", "migrate"), program.json("db", "migrate")
    assert first.code == again.code == 0
    assert first.document["command"] == "db migrate"
    assert first.data["applied"]
    assert again.data["applied"] == []
    assert first.data["version"] == again.data["version"]


def test_schema_is_sql_that_makes_a_database_and_touches_none(program: Program, folder: Path) -> None:
    printed = program("db", "schema")
    assert printed.code == 0
    assert not program.home.exists()
    with closing(sqlite3.connect(folder / "fresh.db")) as connection:
        connection.executescript(printed.out)
        tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    assert {"offers", "price_history", "scrape_runs"} <= tables
    assert program.json("db", "schema").data["sql"].strip() == printed.out.strip()


def test_schema_of_supabase_needs_no_connection(program: Program) -> None:
    printed = program("db", "schema", SUPABASE_URL="http://127.0.0.1:1", SUPABASE_SERVICE_ROLE_KEY="sb_secret_x")
    assert printed.code == 0
    assert "enable row level security" in printed.out


def test_a_backup_holds_the_offers_and_can_be_used(program: Program, folder: Path) -> None:
    assert program("scrape", "ofertas", "--no-enqueue").code == 0
    total = program.json("list").data["total"]
    backup = program.json("db", "backup")
    assert backup.code == 0
    assert backup.data["offers"] == total > 0
    assert Path(backup.data["file"]).parent == program.home / "backups"
    assert Path(backup.data["file"]).stat().st_mode & 0o077 == 0
    assert program.json("list", OFFERS_DB=backup.data["file"]).data["total"] == total


def test_a_backup_is_brought_back_while_a_worker_runs(program: Program, folder: Path) -> None:
    assert program("scrape", "ofertas").code == 0
    assert program.json("db", "backup", "kept.db").code == 0
    worker = program.start("worker", "--burst")
    kept = program("list", "--limit", "1000", "--sort", "title", "--json", OFFERS_DB=str(folder / "kept.db")).out
    restored = program.json("db", "restore", "kept.db")
    assert restored.code == 0, restored.out
    assert (restored.data["offers"], restored.data["removed"]) == (program.json("list").data["total"], 0)
    assert worker.communicate(timeout=60)[1] is not None
    assert worker.returncode == 0
    assert program("enqueue-missing").code == 0
    assert program("worker", "--burst").code == 0
    would = program.json("db", "restore", "kept.db", "--dry-run")
    assert would.data["unchanged"] + would.data["overwritten"] == would.data["offers"]
    again = program.json("db", "restore", "kept.db")
    assert again.code == 0, again.out
    assert again.data["overwritten"] > 0
    assert program.json("list", OFFERS_DB=again.data["kept"]).data["total"] == again.data["offers"]
    assert program("list", "--limit", "1000", "--sort", "title", "--json").out == kept
    with closing(sqlite3.connect(program.home / "offers.db")) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_prune_counts_and_then_removes(program: Program) -> None:
    assert program("scrape", "ofertas", "--no-enqueue").code == 0
    would = program.json("db", "prune", "--older-than", "0s", "--dry-run")
    did = program.json("db", "prune", "--older-than", "0s", "--vacuum")
    assert would.code == did.code == 0, did.out
    assert (would.data["runs"], would.data["offers"], would.data["freed_bytes"]) == (1, 0, None)
    assert did.data["runs"] == 1
    assert did.data["freed_bytes"] is not None
    refused = program.json("db", "prune", "--older-than", "400")
    assert (refused.code, refused.codes) == (2, ["usage"])


def test_repair_mends_what_enqueue_missing_named(program: Program) -> None:
    """A row of an older version stops nobody; it is named with the command that repairs it, and then queued."""
    assert program("scrape", "ofertas", "--no-enqueue").code == 0
    total = program.json("list").data["total"]
    waiting = program.json("enqueue-missing", "--limit", "1000", "--dry-run").data["found"]
    with closing(sqlite3.connect(program.home / "offers.db")) as connection, connection:
        connection.execute(
            """UPDATE offers SET url = replace(url, '://', '://user:secret@')
              WHERE id = (SELECT id FROM offers WHERE old_price_cents IS NULL LIMIT 1)"""
        )
    would = program.json("db", "repair", "--dry-run")
    assert (would.data["offers"], would.data["repaired"], would.data["removed"]) == (total, 1, 0)
    told = program.json("enqueue-missing", "--limit", "1000")
    assert (told.code, told.codes) == (1, ["forbidden_url"])
    assert (told.data["found"], told.data["enqueued"], told.data["refused"]) == (waiting, waiting - 1, 1)
    assert "secret" not in told.out + would.out
    assert told.document["errors"][0]["hint"] == "offers db repair --dry-run"
    shown = program("db", "repair")
    assert shown.code == 0
    assert "carries a user name" in shown.out
    again = program.json("enqueue-missing", "--limit", "1000")
    assert (again.code, again.data["enqueued"], again.data["already_queued"]) == (0, 1, waiting - 1)


def test_a_backup_overwrites_nothing(program: Program, folder: Path) -> None:
    program("db", "migrate")
    (folder / "there.db").write_text("precious")
    result = program.json("db", "backup", "there.db")
    assert result.code == 2
    assert (folder / "there.db").read_text() == "precious"


def test_no_database_no_backup(program: Program) -> None:
    result = program.json("db", "backup")
    assert (result.code, result.codes) == (2, ["not_found"])
    assert not program.home.exists()


def test_copy_without_supabase_is_a_matter_of_settings(program: Program) -> None:
    result = program.json("db", "copy")
    assert (result.code, result.codes) == (3, ["config_invalid"])


def at_supabase(supabase: SupabaseProject) -> dict[str, str]:
    return {"SUPABASE_URL": supabase.url, "SUPABASE_SERVICE_ROLE_KEY": supabase.service_key}


def test_copy_brings_everything_once(program: Program, supabase: SupabaseProject) -> None:
    assert program("scrape", "ofertas", "--no-enqueue").code == 0
    total = program.json("list").data["total"]
    program.env.update(at_supabase(supabase))
    first, again = program.json("db", "copy"), program.json("db", "copy")
    assert first.code == again.code == 0, first.out
    assert (first.data["copied"], first.data["total_there"]) == (total, total)
    assert (again.data["copied"], again.data["already_there"]) == (0, total)
    assert program.json("list").data["total"] == total


def test_doctor_sees_that_strangers_are_kept_out_of_supabase(program: Program, supabase: SupabaseProject) -> None:
    program.env.update(at_supabase(supabase))
    assert program("scrape", "ofertas", "--no-enqueue").code == 0
    keyed = program.json("doctor", SUPABASE_ANON_KEY=supabase.anon_key)
    found = {check["name"]: check for check in keyed.data["checks"]}
    assert {found[name]["state"] for name in ("database", "schema", "row_level_security")} == {"ok"}, keyed.out
    assert supabase.anon_key not in keyed.out + keyed.err


def test_doctor_tells_a_public_key_from_a_secret_one(program: Program, supabase: SupabaseProject) -> None:
    program.env.update(at_supabase(supabase))
    wrong = program.json("doctor", SUPABASE_SERVICE_ROLE_KEY=supabase.anon_key)
    assert wrong.code == 3
    (database,) = [check for check in wrong.data["checks"] if check["name"] == "database"]
    assert database["state"] == "problem"
    assert "public key" in database["evidence"]


def test_a_worker_whose_database_is_deleted_waits_until_it_is_back(program: Program, folder: Path) -> None:
    """No job succeeds into a file that is no more; what a restore brings back is worked on."""
    assert program("scrape", "ofertas").code == 0
    assert program.json("db", "backup", "kept.db").code == 0
    worker = program.start("worker", "--concurrency", "3", ENRICHMENT_REQUEST_DELAY_S="0.2")
    assert worker.stderr
    try:
        next(line for line in worker.stderr if "[enrichment_job]" in line)
        for file in program.home.glob("offers.db*"):
            file.unlink()
        next(line for line in worker.stderr if "is gone" in line or "was replaced" in line)
        assert not (program.home / "offers.db").exists()
        restored = program.json("db", "restore", str(folder / "kept.db"))
        assert restored.code == 0, restored.out
        done = program("worker", "--burst", timeout_s=90)
    finally:
        worker.kill()
        worker.communicate()
    assert done.code == 0, done.err
    offers = program.json("stats").data["offers"]
    assert offers["total"] == restored.data["offers"]
    with closing(sqlite3.connect(program.home / "offers.db")) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)

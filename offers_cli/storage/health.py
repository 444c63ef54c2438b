"""How a database is: whole, writable, current, and closed to strangers."""

from __future__ import annotations

import base64
import json
import sqlite3
import stat
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from offers_cli.config import Secret
from offers_cli.errors import StorageRefused
from offers_cli.storage.migrations import TABLES, TALLY, migrations
from offers_cli.storage.sqlite.connection import connect, translated
from offers_cli.storage.sqlite.schema import is_current, lost_table, schema_version

if TYPE_CHECKING:
    import httpx

INTEGRITY_TIME_S = 3.0
STEPS_BETWEEN_LOOKS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class SqliteHealth:
    """What a look at a SQLite file shows.

    Attributes:
        damage: what SQLite finds wrong in it; None when nothing, or not within the time there was (`is_whole` False).
        mode: its permission bits; `others` may read or write it when any of the last six is set.
    """

    version: int
    newest: int
    damage: str | None
    is_whole: bool
    mode: int


def read_sqlite_health(path: Path, *, clock: Callable[[], float] = time.monotonic) -> SqliteHealth | None:
    """Look at an existing file, writing nothing; None when there is none yet.

    Raises:
        StorageUnavailable, StorageRefused: it cannot be opened, is locked, read-only, foreign or too new.
    """
    if not path.exists():
        return None
    with translated(path), closing(connect(path)) as connection:
        is_current(connection, path)
        version = schema_version(connection)
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("ROLLBACK")
        is_whole, damage = _integrity(connection, give_up_at=clock() + INTEGRITY_TIME_S, clock=clock)
    return SqliteHealth(
        version=version,
        newest=migrations("sqlite")[-1].version,
        damage=damage,
        is_whole=is_whole,
        mode=stat.S_IMODE(path.stat().st_mode),
    )


def _integrity(
    connection: sqlite3.Connection, *, give_up_at: float, clock: Callable[[], float]
) -> tuple[bool, str | None]:
    """Whether the whole file could be looked at in time, and the first damage found."""
    connection.set_progress_handler(lambda: clock() > give_up_at, STEPS_BETWEEN_LOOKS)
    try:
        first = str(connection.execute("PRAGMA quick_check(1)").fetchone()[0])
    except sqlite3.OperationalError as exc:
        if exc.sqlite_errorcode != sqlite3.SQLITE_INTERRUPT:
            raise
        return False, None
    if first == "ok" and (table := lost_table(connection)):
        first = f"no such table: {table}"
    return True, None if first == "ok" else first


def is_public_key(key: Secret) -> bool:
    """Whether a Supabase key is the one for everybody: a publishable key, or a JWT whose role is ``anon``.

    Source: https://supabase.com/docs/guides/api/api-keys
    """
    text = key.reveal()
    payload = text.split(".")[1] if text.count(".") == 2 else ""
    try:
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except ValueError:
        claims = None
    return text.startswith("sb_publishable_") or (isinstance(claims, dict) and claims.get("role") == "anon")


def find_open_tables(url: str, anon_key: Secret | None) -> dict[str, int]:
    """The tables of a Supabase project that strangers are let into, and how many rows they are shown (at most one).

    Args:
        anon_key: the key that strangers have; None asks without any.

    Raises:
        StorageUnavailable: the project does not answer.
    """
    import httpx

    from offers_cli.storage.supabase.client import connection_error

    headers = {"apikey": anon_key.reveal(), "Authorization": f"Bearer {anon_key.reveal()}"} if anon_key else {}
    found: dict[str, int] = {}
    try:
        with httpx.Client(base_url=url, headers=headers, timeout=5.0) as client:
            for table in (*TABLES, TALLY):
                answer = client.get(f"/rest/v1/{table}", params={"select": "*", "limit": "1"})
                if answer.is_success:
                    found[table] = _count_rows(answer)
    except httpx.HTTPError as exc:
        raise connection_error(exc, httpx.URL(url).netloc.decode()) from exc
    return found


def _count_rows(answer: httpx.Response) -> int:
    try:
        rows = answer.json()
    except ValueError as exc:
        raise StorageRefused("the project's answer is not that of Supabase", hint="check SUPABASE_URL") from exc
    return len(rows) if isinstance(rows, list) else 0

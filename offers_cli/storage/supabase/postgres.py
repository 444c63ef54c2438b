"""The database behind a Supabase project, at `SUPABASE_DB_URL`: opened, and its driver's errors translated once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from offers_cli.config import Secret
from offers_cli.errors import ConfigError, StorageRefused, StorageUnavailable, WorkError
from offers_cli.installation import extra_command

CONNECT_TIMEOUT_S = 5
_NO_SUCH_ROLE, _NO_RIGHT, _LOCKED = "42704", "42501", "55P03"


@contextmanager
def open_postgres(url: Secret) -> Iterator[Any]:
    """A connection of psycopg in one transaction, which is kept at the end unless an error is raised.

    Raises:
        ConfigError: the driver is not installed.
        StorageUnavailable, StorageRefused: the database does not answer, or answers no.
    """
    psycopg = _psycopg()
    user = "of SUPABASE_DB_URL"
    try:
        with psycopg.connect(url.reveal(), connect_timeout=CONNECT_TIMEOUT_S) as connection:
            user = repr(connection.info.user)
            yield connection
    except psycopg.Error as exc:  # the chain is cut, for a message may quote the address with its password
        raise _translated(exc, user) from None


def _translated(exc: Any, user: str) -> WorkError:
    reason = (exc.diag.message_primary or type(exc).__name__) if exc.sqlstate else "no connection"
    if exc.sqlstate == _NO_SUCH_ROLE:
        return StorageRefused(
            f"this Postgres is not a Supabase project: {reason}", hint="set SUPABASE_DB_URL to your project's"
        )
    if exc.sqlstate == _NO_RIGHT:
        return StorageRefused(
            f"the role {user} lacks a right: {reason}",
            hint="give SUPABASE_DB_URL the role postgres, which owns the schema public (dashboard, Connect)",
        )
    if exc.sqlstate == _LOCKED:
        return StorageUnavailable(
            f"a table is in use by another session: {reason}", hint="end the long transaction, then run it again"
        )
    if exc.sqlstate is None or exc.sqlstate[:2] in {"08", "53", "55", "57"}:
        return StorageUnavailable(
            f"the database of SUPABASE_DB_URL does not answer: {reason}",
            hint="check SUPABASE_DB_URL: host, port, user, password and network",
        )
    return StorageRefused(f"Postgres refused: {reason}", hint=exc.diag.message_hint or "check SUPABASE_DB_URL")


def _psycopg() -> Any:
    try:
        import psycopg
    except ImportError as exc:
        raise ConfigError(
            "SUPABASE_DB_URL needs the Postgres driver, which is not installed",
            hint=f"{extra_command('postgres')}; or unset SUPABASE_DB_URL and paste the output of: offers db schema",
        ) from exc
    return psycopg

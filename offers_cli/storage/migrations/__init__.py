"""The schema as versioned SQL, one file a step: `sqlite/` and `supabase/` (usable as `supabase/migrations`)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

StorageKind = Literal["sqlite", "supabase"]

TABLES = ("offers", "price_history", "scrape_runs")
TALLY = "offers_tally"
"""What is counted of them: derived, and kept by triggers."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One step of the schema; `name` is the file's name without ``.sql``, `version` counts from 1."""

    version: int
    name: str
    sql: str


@cache
def migrations(kind: StorageKind) -> tuple[Migration, ...]:
    """All steps of one storage's schema, in order."""
    folder = Path(__file__).parent / kind
    files = sorted(folder.glob("*.sql"))
    return tuple(
        Migration(version, file.stem, file.read_text(encoding="utf-8")) for version, file in enumerate(files, start=1)
    )


def schema_sql(kind: StorageKind) -> str:
    """The whole schema as one script. That of Supabase may be run again: what is recorded as done is left alone."""
    steps = (migration.sql if kind == "sqlite" else _once(migration) for migration in migrations(kind))
    return "\n".join(steps)


def _once(migration: Migration) -> str:
    """The step as one statement that does nothing where it was done, such as taking away grants given since.

    Being one statement it is one transaction, so that several that run it at once take turns by its lock.
    """
    quote = f"$step_{migration.version}$"
    return f"""-- {migration.name}
do $do_{migration.version}$
declare
  is_done boolean := false;
begin
  perform pg_advisory_xact_lock(16776741);
  if to_regclass('public.offers_schema') is not null then
    select exists (select from public.offers_schema where version = {migration.version}) into is_done;
  end if;
  if not is_done then
    execute {quote}
{migration.sql}{quote};
  end if;
end $do_{migration.version}$;
"""  # noqa: S608  (it is put together from our own files)

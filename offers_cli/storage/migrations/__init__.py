"""The schema as versioned SQL, one file a step: `sqlite/` and `supabase/` (usable as `supabase/migrations`)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

Kind = Literal["sqlite", "supabase"]


@dataclass(frozen=True, slots=True)
class Migration:
    """One step of the schema; `name` is the file's name without ``.sql``, `version` counts from 1."""

    version: int
    name: str
    sql: str


@cache
def migrations(kind: Kind) -> tuple[Migration, ...]:
    """All steps of one storage's schema, in order."""
    folder = Path(__file__).parent / kind
    files = sorted(folder.glob("*.sql"))
    return tuple(
        Migration(version, file.stem, file.read_text(encoding="utf-8")) for version, file in enumerate(files, start=1)
    )


def schema_sql(kind: Kind) -> str:
    """The whole schema as one script."""
    return "\n".join(migration.sql for migration in migrations(kind))

"""`offers db`: the schema of the chosen storage, backups and the way back, and the way to Supabase."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from offers_cli.cli.command import GROUPS, Group, command
from offers_cli.cli.formatting import format_size
from offers_cli.cli.options import DryRunOption, parse_age, parse_path_option
from offers_cli.cli.render import Block, Line, Note, Output, Table, summary

if TYPE_CHECKING:
    from offers_cli.runtime import Runtime
    from offers_cli.services.adopt import AdoptReport
    from offers_cli.services.db import SchemaReport
    from offers_cli.services.repair import RepairReport
    from offers_cli.storage.base import PruneReport
    from offers_cli.storage.migrate import MigrationReport
    from offers_cli.storage.restore import RestoreReport
    from offers_cli.storage.transfer import BackupReport, CopyReport

GROUPS["db"] = Group(
    help="Manage the database: its schema, backups, the way to Supabase. Every command takes --json.",
    examples=("offers db migrate", "offers db backup --json"),
)


def migrate_blocks(report: MigrationReport) -> Sequence[Block]:
    """What was applied, and where the file of before is."""
    done = f"applied {', '.join(report.applied)}" if report.applied else "already up to date"
    kept = [Line(f"the file as it was before: {report.kept}")] if report.kept else []
    unused = "SUPABASE_URL and SUPABASE_SERVICE_ROLE_KEY are not set: offers are still kept in SQLite"
    note = [Note(unused)] if (report.kind, report.chosen) == ("supabase", "sqlite") else []
    return [Line(f"{report.kind} schema version {report.version}: {done}"), *kept, *note]


@command(
    "db migrate",
    report="offers_cli.storage.migrate:MigrationReport",
    blocks=migrate_blocks,
    examples=("offers db migrate", "offers db migrate --json"),
)
def migrate(*, runtime: Runtime) -> MigrationReport:
    """Bring the schema up to date.

    Supabase needs SUPABASE_DB_URL for it. A SQLite file of an older schema is first copied beside itself
    (offers.db.v1.bak). Run again, it changes nothing.
    """
    from offers_cli.storage.migrate import migrate

    return migrate(runtime.config.database)


@command(
    "db schema",
    report="offers_cli.services.db:SchemaReport",
    blocks=lambda report: [Line(report.sql)],
    examples=("offers db schema > schema.sql", "offers db schema --json | jq -r .data.sql"),
)
def schema(*, runtime: Runtime) -> SchemaReport:
    """Print the whole schema as SQL.

    It is that of the chosen storage; no database is touched.
    """
    from offers_cli.services.db import schema

    return schema(runtime.config.database)


@command(
    "db backup",
    report="offers_cli.storage.transfer:BackupReport",
    blocks=lambda report: [Line(f"{report.file}: {report.offers} offers, {format_size(report.size_bytes)}")],
    examples=("offers db backup", "offers db backup /mnt/usb/offers.db --json"),
)
def backup(
    *,
    runtime: Runtime,
    file: Annotated[
        Path | None,
        typer.Argument(
            parser=parse_path_option, metavar="FILE", help="Default: named by the time, in OFFERS_HOME/backups."
        ),
    ] = None,
) -> BackupReport:
    """Write everything into one SQLite file, while others keep working.

    `offers db restore` is the way back.
    """
    from offers_cli.services.db import backup

    return backup(runtime.config, file=file, now=runtime.now())


def restore_blocks(report: RestoreReport) -> Sequence[Block]:
    """The counts, and where what was there before is."""
    columns = ("offers", "added", "overwritten", "unchanged", "removed", "left_alone", "runs")
    kept = [Line(f"what was there before is in {report.kept}")] if report.kept else []
    return [*summary("db restore", report, columns), *kept]


@command(
    "db restore",
    report="offers_cli.storage.restore:RestoreReport",
    blocks=restore_blocks,
    examples=("offers db restore backup.db --dry-run", "offers db restore backup.db --json"),
)
def restore(
    *,
    runtime: Runtime,
    output: Output,
    file: Annotated[
        Path, typer.Argument(parser=parse_path_option, metavar="FILE", help="A file that `offers db backup` wrote.")
    ],
    force: Annotated[
        bool, typer.Option("--force", help="Make no backup of what is there; overwrite a Supabase project.")
    ] = False,
    dry_run: DryRunOption = False,
) -> RestoreReport:
    """Restore a backup, while others keep working.

    SQLite becomes what the backup holds; what it held before is backed up first, into OFFERS_HOME/backups. In
    Supabase what differs is overwritten and what is missing added; offers that the backup does not hold are left
    alone there.
    """
    from offers_cli.services.db import restore

    with output.progress("restoring") as progress:
        return restore(
            runtime.config,
            file=file,
            force=force,
            dry_run=dry_run,
            now=runtime.now(),
            on_progress=lambda done, total: progress(done, total=total),
        )


@command(
    "db prune",
    report="offers_cli.storage.base:PruneReport",
    columns=("prices", "offers", "runs"),
    examples=("offers db prune --older-than 400d --dry-run", "offers db prune --older-than 400d --vacuum"),
)
def prune(
    *,
    runtime: Runtime,
    output: Output,
    older_than: Annotated[
        str, typer.Option(metavar="AGE", help="Prices, gone offers and runs older than this: 90d.")
    ] = "400d",
    vacuum: Annotated[
        bool, typer.Option("--vacuum", help="SQLite: return the space to the disk; writers wait meanwhile.")
    ] = False,
    dry_run: DryRunOption = False,
) -> PruneReport:
    """Thin old prices, drop offers long gone and old scrape runs, while others keep working.

    Of an offer's older prices the lowest and the last of each day stay, for listings and for product pages. Offers
    that are gone and were not seen or tried since are dropped with their prices.
    """
    from offers_cli.services.db import prune

    older_than_s = parse_age(older_than, "--older-than") or 0
    with output.progress("pruning") as progress:
        return prune(
            runtime.brief_storage,
            older_than_s=older_than_s,
            now=runtime.now(),
            vacuum=vacuum,
            dry_run=dry_run,
            on_progress=progress,
        )


def repair_blocks(report: RepairReport) -> Sequence[Block]:
    """The changed addresses, and the counts."""
    rows = [(each.offer_id, each.title, each.reason, each.url or "removed") for each in report.changes]
    table = Table("URLs", ("offer", "title", "trouble", "now"), rows, cut=("title", "now"))
    return [*([table] if report.changes else []), *summary("db repair", report, ("offers", "repaired", "removed"))]


@command(
    "db repair",
    report="offers_cli.services.repair:RepairReport",
    blocks=repair_blocks,
    examples=("offers db repair --dry-run", "offers db repair --json | jq .data.changes"),
)
def repair(*, runtime: Runtime, output: Output, dry_run: DryRunOption = False) -> RepairReport:
    """Repair URLs that an older version stored and that cannot be queued.

    A user name is removed from the URL; a URL that is too long is rebuilt from the product's ids. An offer for which
    neither helps is removed with its prices: see it first with --dry-run.
    """
    from offers_cli.services.repair import repair

    with output.progress("repairing") as progress:
        return repair(storage=runtime.storage, dry_run=dry_run, on_progress=progress)


@command(
    "db copy",
    report="offers_cli.storage.transfer:CopyReport",
    columns=("offers", "copied", "already_there", "runs", "total_there"),
    examples=("offers db copy", "offers db copy --json | jq .data.copied"),
)
def copy(*, runtime: Runtime, output: Output) -> CopyReport:
    """Copy all offers from SQLite to Supabase.

    Run again, it continues where it stopped; nothing there is overwritten.
    """
    from offers_cli.services.db import copy

    with output.progress("copying") as progress:
        return copy(runtime.config.database, on_progress=progress)


def adopt_blocks(report: AdoptReport) -> Sequence[Block]:
    """The counts, and what of the table was not read."""
    ignored = [Note(f"ignored columns: {', '.join(report.ignored_columns)}")] if report.ignored_columns else []
    return [*summary("db adopt", report, ("rows", "adopted", "already_there", "refused")), *ignored]


@command(
    "db adopt",
    report="offers_cli.services.adopt:AdoptReport",
    blocks=adopt_blocks,
    examples=("offers db adopt my_offers --dry-run", "offers db adopt offers --from mine.db --json"),
)
def adopt(
    *,
    runtime: Runtime,
    output: Output,
    table: Annotated[str, typer.Argument(metavar="TABLE", help="Its name, in Postgres also schema.table.")],
    file: Annotated[
        Path | None,
        typer.Option(
            "--from", parser=parse_path_option, metavar="FILE", help="The SQLite file that holds it; default: Postgres."
        ),
    ] = None,
    dry_run: DryRunOption = False,
) -> AdoptReport:
    """Import the offers of a table of your own.

    Without --from it is read from the Postgres at SUPABASE_DB_URL. Nothing is written to it. An offer that exists
    already is left alone, so running it again changes nothing.
    """
    from offers_cli.services.adopt import adopt, open_table

    with open_table(runtime.config.database, table, file=file) as opened, output.progress("adopting") as progress:
        return adopt(
            table=table,
            columns=opened.columns,
            rows=opened.rows,
            storage=runtime.storage,
            now=runtime.now(),
            dry_run=dry_run,
            on_progress=progress,
        )

"""`offers db`: the schema of the chosen storage, backups and the way back, and the way to Supabase."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from offers_cli.cli.options import (
    DryRunOption,
    JsonOption,
    QuietOption,
    VerboseOption,
    examples,
    parse_age,
    parse_path_option,
)
from offers_cli.cli.perform import Voice, perform
from offers_cli.cli.render import Block, Line, Note, Output, Table, summary

if TYPE_CHECKING:
    from offers_cli.runtime import Runtime
    from offers_cli.services.adopt import AdoptReport
    from offers_cli.services.db import BackupReport, CopyReport, PruneReport, RestoreReport, SchemaReport
    from offers_cli.services.repair import RepairReport

RESTORE_COLUMNS = ("offers", "added", "overwritten", "unchanged", "removed", "left_alone", "runs")
PRUNE_COLUMNS = ("prices", "offers", "runs")
ADOPT_COLUMNS = ("rows", "adopted", "already_there", "refused")
REPAIR_COLUMNS = ("offers", "repaired", "removed")
COPY_COLUMNS = ("offers", "copied", "already_there", "runs", "total_there")


def register(app: typer.Typer) -> None:
    """Add the group and its commands to the program."""
    app.callback(epilog=examples("offers db migrate", "offers db backup --json"), no_args_is_help=True)(db)
    app.command(epilog=examples("offers db migrate", "offers db migrate --json"))(migrate)
    app.command(epilog=examples("offers db schema > schema.sql", "offers db schema --json | jq -r .data.sql"))(schema)
    app.command(epilog=examples("offers db backup", "offers db backup /mnt/usb/offers.db --json"))(backup)
    app.command(epilog=examples("offers db restore backup.db --dry-run", "offers db restore backup.db --json"))(restore)
    app.command(
        epilog=examples("offers db prune --older-than 400d --dry-run", "offers db prune --older-than 400d --vacuum")
    )(prune)
    app.command(epilog=examples("offers db repair --dry-run", "offers db repair --json | jq .data.changes"))(repair)
    app.command(epilog=examples("offers db adopt my_offers --dry-run", "offers db adopt offers --from mine.db --json"))(
        adopt
    )
    app.command(epilog=examples("offers db copy", "offers db copy --json | jq .data.copied"))(copy)


def db() -> None:
    """Look after the database: its schema, backups, the way to Supabase. Every command takes --json."""


def migrate(json: JsonOption = False, verbose: VerboseOption = 0, quiet: QuietOption = False) -> None:
    """Bring the schema up to date.

    Supabase needs SUPABASE_DB_URL for it. A SQLite file of an older schema is first copied beside itself
    (offers.db.v1.bak). A second time changes nothing.
    """

    def work(runtime: Runtime, output: Output) -> SchemaReport:
        from offers_cli.services import db as service

        return service.migrate(runtime.config.database)

    def blocks(report: SchemaReport) -> Sequence[Block]:
        done = f"applied {', '.join(report.applied)}" if report.applied else "nothing to do"
        kept = [Line(f"as it was before: {report.kept}")] if report.kept else []
        settings = "SUPABASE_URL and SUPABASE_SERVICE_ROLE_KEY are not set: offers are still kept in SQLite"
        note = [Note(settings)] if (report.kind, report.chosen) == ("supabase", "sqlite") else []
        return [Line(f"{report.kind} schema version {report.version}: {done}"), *kept, *note]

    perform("db migrate", Voice(json=json, verbose=verbose, quiet=quiet), work, blocks)


def schema(json: JsonOption = False, verbose: VerboseOption = 0, quiet: QuietOption = False) -> None:
    """Print the whole schema as SQL.

    It is that of the chosen storage; no database is touched.
    """

    def work(runtime: Runtime, output: Output) -> SchemaReport:
        from offers_cli.services import db as service

        return service.schema(runtime.config.database)

    perform("db schema", Voice(json=json, verbose=verbose, quiet=quiet), work, lambda report: [Line(report.sql or "")])


def backup(
    file: Annotated[
        Path | None,
        typer.Argument(
            parser=parse_path_option, metavar="[FILE]", help="Default: named by the time, in OFFERS_HOME/backups."
        ),
    ] = None,
    json: JsonOption = False,
    verbose: VerboseOption = 0,
    quiet: QuietOption = False,
) -> None:
    """Write everything into one SQLite file.

    Others go on working meanwhile; `offers db restore` is the way back.
    """

    def work(runtime: Runtime, output: Output) -> BackupReport:
        from offers_cli.services import db as service

        return service.backup(runtime.config, file=file, now=runtime.now())

    def blocks(report: BackupReport) -> Sequence[Block]:
        return [Line(f"{report.file}: {report.offers} offers, {report.size_bytes / 2**20:.1f} MiB")]

    perform("db backup", Voice(json=json, verbose=verbose, quiet=quiet), work, blocks)


def restore(
    file: Annotated[
        Path, typer.Argument(parser=parse_path_option, metavar="FILE", help="A file that `offers db backup` wrote.")
    ],
    force: Annotated[
        bool, typer.Option("--force", help="Keep no backup of what is there; overwrite a Supabase project.")
    ] = False,
    dry_run: DryRunOption = False,
    json: JsonOption = False,
    verbose: VerboseOption = 0,
    quiet: QuietOption = False,
) -> None:
    """Bring a backup back, while others go on working.

    SQLite becomes what the backup holds; what it held before is backed up first, into OFFERS_HOME/backups. In
    Supabase what differs is overwritten and what is missing added; offers that the backup does not hold are left
    alone there.
    """

    def work(runtime: Runtime, output: Output) -> RestoreReport:
        from offers_cli.services import db as service

        with output.progress("restoring") as progress:
            return service.restore(
                runtime.config,
                file=file,
                force=force,
                dry_run=dry_run,
                now=runtime.now(),
                on_progress=lambda done, total: progress(done, total=total),
            )

    def blocks(report: RestoreReport) -> Sequence[Block]:
        kept = [Line(f"what was there is kept in {report.kept}")] if report.kept else []
        return [*summary("db restore", report.data(), RESTORE_COLUMNS), *kept]

    perform("db restore", Voice(json=json, verbose=verbose, quiet=quiet), work, blocks)


def prune(
    older_than: Annotated[
        str, typer.Option(metavar="AGE", help="Prices, gone offers and runs older than this: 90d.")
    ] = "400d",
    vacuum: Annotated[
        bool, typer.Option("--vacuum", help="SQLite: return the space to the disk; nobody can write meanwhile.")
    ] = False,
    dry_run: DryRunOption = False,
    json: JsonOption = False,
    verbose: VerboseOption = 0,
    quiet: QuietOption = False,
) -> None:
    """Thin old prices, drop offers long gone and old scrape runs, while others go on working.

    Of the older prices of an offer the lowest and the last of each day stay, as listings and as product pages showed
    them. Offers that are gone and were not seen or tried since are dropped with their prices.
    """

    def work(runtime: Runtime, output: Output) -> PruneReport:
        from offers_cli.services import db as service

        with output.progress("pruning") as progress:
            return service.prune(
                runtime.config.database,
                older_than_s=parse_age(older_than, "--older-than") or 0,
                now=runtime.now(),
                vacuum=vacuum,
                dry_run=dry_run,
                on_progress=progress,
            )

    def blocks(report: PruneReport) -> Sequence[Block]:
        return summary("db prune", report.data(), PRUNE_COLUMNS)

    perform("db prune", Voice(json=json, verbose=verbose, quiet=quiet), work, blocks)


def repair(
    dry_run: DryRunOption = False,
    json: JsonOption = False,
    verbose: VerboseOption = 0,
    quiet: QuietOption = False,
) -> None:
    """Mend addresses that an older version stored and that cannot be queued.

    A user name is taken out of the address; one that is too long is made anew from the product's ids. An offer for
    which neither helps is removed with its prices: see it first with --dry-run.
    """

    def work(runtime: Runtime, output: Output) -> RepairReport:
        from offers_cli.services.repair import repair as service

        with output.progress("repairing") as progress:
            return service(storage=runtime.storage, dry_run=dry_run, on_progress=progress)

    def blocks(report: RepairReport) -> Sequence[Block]:
        rows = [(each.offer_id, each.title, each.reason, each.url or "removed") for each in report.changes]
        columns = ("offer", "title", "trouble", "now")
        changes = (
            [Table(title="Addresses", columns=columns, rows=rows, cut=frozenset({"title", "now"}))] if rows else []
        )
        return [*changes, *summary("db repair", report.data(), REPAIR_COLUMNS)]

    perform("db repair", Voice(json=json, verbose=verbose, quiet=quiet), work, blocks)


def copy(json: JsonOption = False, verbose: VerboseOption = 0, quiet: QuietOption = False) -> None:
    """Copy all offers from SQLite to Supabase.

    Run again, it goes on where it was; nothing there is overwritten.
    """

    def work(runtime: Runtime, output: Output) -> CopyReport:
        from offers_cli.services import db as service

        with output.progress("copying") as progress:
            return service.copy(runtime.config.database, on_progress=progress)

    def blocks(report: CopyReport) -> Sequence[Block]:
        return summary("db copy", report.data(), COPY_COLUMNS)

    perform("db copy", Voice(json=json, verbose=verbose, quiet=quiet), work, blocks)


def adopt(
    table: Annotated[str, typer.Argument(metavar="TABLE", help="Its name, in Postgres also schema.table.")],
    file: Annotated[
        Path | None,
        typer.Option(
            "--from", parser=parse_path_option, metavar="FILE", help="The SQLite file that holds it; default: Postgres."
        ),
    ] = None,
    dry_run: DryRunOption = False,
    json: JsonOption = False,
    verbose: VerboseOption = 0,
    quiet: QuietOption = False,
) -> None:
    """Take over the offers of a table of your own.

    Without --from it is read from the Postgres at SUPABASE_DB_URL. Nothing is written to it; an offer that is there
    already is left alone, so that a second time changes nothing.
    """

    def work(runtime: Runtime, output: Output) -> AdoptReport:
        from offers_cli.services.adopt import adopt as service
        from offers_cli.services.adopt import open_table

        with open_table(runtime.config.database, table, file=file) as opened, output.progress("adopting") as progress:
            return service(
                table=table,
                columns=opened.columns,
                rows=opened.rows,
                storage=runtime.storage,
                now=runtime.now(),
                dry_run=dry_run,
                on_progress=progress,
            )

    def blocks(report: AdoptReport) -> Sequence[Block]:
        ignored = [Note(f"ignored columns: {', '.join(report.ignored_columns)}")] if report.ignored_columns else []
        return [*summary("db adopt", report.data(), ADOPT_COLUMNS), *ignored]

    perform("db adopt", Voice(json=json, verbose=verbose, quiet=quiet), work, blocks)

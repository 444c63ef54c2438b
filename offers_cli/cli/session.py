"""`offers session`: import, check and forget the affiliate's login."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from offers_cli.cli.command import GROUPS, Group, command
from offers_cli.cli.options import parse_path_option
from offers_cli.cli.render import Block, Line, Table
from offers_cli.errors import LabelRefused, SessionExpired

if TYPE_CHECKING:
    from offers_cli.affiliate.session import ClearReport, ImportReport, SessionReport
    from offers_cli.runtime import Runtime

GROUPS["session"] = Group(
    help="Keep the affiliate's login: cookies exported from a browser, for the hub and for links. See docs/session.md.",
    examples=("offers session import cookies.json", "offers session check --json", "offers session clear --json"),
)


def session_blocks(report: SessionReport) -> Sequence[Block]:
    """Facts about the session; never a value, never a name."""
    if report.imported_at is None:
        return []
    rows = [
        ("valid", "yes" if report.valid else "no"),
        ("missing", ", ".join(report.missing) or "nothing"),
        ("cookies", report.cookies),
        ("imported", report.imported_at),
        ("age in days", report.age_days),
        ("expires", report.expires_at or "unknown"),
        ("days left", "unknown" if report.days_left is None else report.days_left),
        ("refused", report.refused_at or "no"),
    ]
    return [Table("Session", ("session", "value"), rows)]


def import_blocks(report: ImportReport) -> Sequence[Block]:
    """The session, and what became of what waited for it."""
    lines = [Line(f"{report.left_out} cookies of other sites were left out")] if report.left_out else []
    if report.resumed:
        lines.append(Line(f"{report.resumed} jobs that waited for a session are due again: offers worker"))
    warning = Line("the exported file gives access to your account; delete it now")
    return [*session_blocks(report), *lines, warning]


@command(
    "session import",
    report="offers_cli.affiliate.session:ImportReport",
    blocks=import_blocks,
    examples=("offers session import cookies.txt", "pbpaste | offers session import - --json"),
)
def import_session(
    *,
    runtime: Runtime,
    file: Annotated[
        str,
        typer.Argument(
            metavar="FILE|-",
            help="Cookie-Editor JSON, cookies.txt, a Cookie header, Copy as cURL or a Playwright state; - for stdin.",
        ),
    ],
) -> ImportReport:
    """Save the login cookies of a browser's export, in place of those there were."""

    def resume() -> int:
        return sum(map(runtime.registries.run_scheduled_now, (SessionExpired.code, LabelRefused.code)))

    return runtime.session_keeper.import_cookies(_read(file), resume=resume)


def _read(file: str) -> bytes:
    import sys

    from offers_cli.affiliate.session import MAX_EXPORT_BYTES
    from offers_cli.services.pages import read_file

    return sys.stdin.buffer.read(MAX_EXPORT_BYTES + 1) if file == "-" else read_file(parse_path_option(file))


@command(
    "session check",
    report="offers_cli.affiliate.session:SessionReport",
    blocks=session_blocks,
    examples=("offers session check", "offers session check --json"),
)
def check(*, runtime: Runtime) -> SessionReport:
    """Show whether the session is valid, what it lacks, its age and its days left, without contacting the site."""
    return runtime.session_keeper.check()


@command(
    "session clear",
    report="offers_cli.affiliate.session:ClearReport",
    blocks=lambda report: [Line("the session was deleted" if report.cleared else "there was no session")],
    examples=("offers session clear", "offers session clear --json"),
)
def clear(*, runtime: Runtime) -> ClearReport:
    """Delete the session."""
    return runtime.session_keeper.clear()

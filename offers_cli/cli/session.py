"""`offers session`: import, check and forget the affiliate's login."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from offers_cli.cli.figures import moment
from offers_cli.cli.options import JsonOption, QuietOption, VerboseOption, examples, parse_path_option
from offers_cli.cli.perform import Voice, perform
from offers_cli.cli.render import Block, Line, Output, Table

if TYPE_CHECKING:
    from offers_cli.affiliate.session import ClearReport, ImportReport, SessionReport
    from offers_cli.runtime import Runtime


def register(app: typer.Typer) -> None:
    """Add the group of commands to the program."""
    app.callback(
        epilog=examples(
            "offers session import cookies.json", "offers session check --json", "offers session clear --json"
        ),
        no_args_is_help=True,
    )(session)
    app.command(
        name="import",
        epilog=examples("offers session import cookies.txt", "pbpaste | offers session import - --json"),
    )(import_session)
    app.command(name="check", epilog=examples("offers session check", "offers session check --json"))(check)
    app.command(name="clear", epilog=examples("offers session clear", "offers session clear --json"))(clear)


def session() -> None:
    """Keep the affiliate's login: cookies exported from a browser, for the hub and for links. See docs/session.md."""


def import_session(
    file: Annotated[
        str,
        typer.Argument(
            metavar="FILE|-",
            help="Cookie-Editor JSON, cookies.txt, a Cookie header, Copy as cURL or a Playwright state; - for stdin.",
        ),
    ],
    json: JsonOption = False,
    verbose: VerboseOption = 0,
    quiet: QuietOption = False,
) -> None:
    """Keep the login cookies of a browser's export, in place of those there were."""

    def work(runtime: Runtime, output: Output) -> ImportReport:
        return runtime.session_keeper.import_cookies(_read(file), resume=runtime.resume_links)

    perform("session import", Voice(json=json, verbose=verbose, quiet=quiet), work, import_blocks)


def check(json: JsonOption = False, verbose: VerboseOption = 0, quiet: QuietOption = False) -> None:
    """Tell whether the session is valid, what it lacks, its age and its days left; asks nobody."""

    def work(runtime: Runtime, output: Output) -> SessionReport:
        return runtime.session_keeper.check()

    perform("session check", Voice(json=json, verbose=verbose, quiet=quiet), work, session_blocks)


def clear(json: JsonOption = False, verbose: VerboseOption = 0, quiet: QuietOption = False) -> None:
    """Forget the session."""

    def work(runtime: Runtime, output: Output) -> ClearReport:
        return runtime.session_keeper.clear()

    perform(
        "session clear",
        Voice(json=json, verbose=verbose, quiet=quiet),
        work,
        lambda report: [Line("the session is forgotten" if report.cleared else "there was no session")],
    )


def _read(file: str) -> bytes:
    import sys

    from offers_cli.affiliate.cookie_import import MAX_BYTES
    from offers_cli.services.pages import read_file

    return sys.stdin.buffer.read(MAX_BYTES + 1) if file == "-" else read_file(parse_path_option(file))


def import_blocks(report: ImportReport) -> Sequence[Block]:
    """The session, and what became of what waited for it."""
    lines = [Line(f"{report.left_out} cookies of other sites were left out")] if report.left_out else []
    if report.resumed:
        lines.append(Line(f"{report.resumed} jobs that waited for a session are due again: offers worker"))
    return [*session_blocks(report.session), *lines, Line("the export opens your account: delete it now")]


def session_blocks(report: SessionReport) -> Sequence[Block]:
    """Facts about the session; never a value, never a name."""
    if report.imported_at is None:
        return []
    rows = [
        ("valid", "yes" if report.valid else "no"),
        ("missing", ", ".join(report.missing) or "nothing"),
        ("cookies", report.cookies),
        ("imported", moment(report.imported_at)),
        ("age in days", report.age_days),
        ("expires", moment(report.expires_at) or "unknown"),
        ("days left", "unknown" if report.days_left is None else report.days_left),
        ("refused", moment(report.refused_at) or "no"),
    ]
    return [Table(title="Session", columns=("session", "value"), rows=rows)]

"""`offers config`: the settings, where each came from, and the files that may hold them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from offers_cli.cli.options import JsonOption, QuietOption, VerboseOption, examples
from offers_cli.cli.perform import Voice, perform_alone
from offers_cli.cli.render import Block, Note, Output, Table

if TYPE_CHECKING:
    from offers_cli.services.config import ConfigPathReport, ConfigReport


def register(app: typer.Typer) -> None:
    """Add the group and its commands to the program."""
    app.callback(no_args_is_help=True, epilog=examples("offers config show --origin", "offers config path --json"))(
        config
    )
    app.command(
        name="show",
        short_help="Show every setting, secrets masked.",
        epilog=examples("offers config show --origin", "offers config show --json | jq .data.settings.REDIS_URL"),
    )(show)
    app.command(
        name="path",
        short_help="Show the files that settings are read from.",
        epilog=examples("offers config path", "offers config path --json"),
    )(path)


def config() -> None:
    """Show the settings, and the files that may hold them."""


def show(
    origin: Annotated[bool, typer.Option("--origin", help="Also show where each value came from.")] = False,
    json: JsonOption = False,
    verbose: VerboseOption = 0,
    quiet: QuietOption = False,
) -> None:
    """Show every setting, secrets masked; works with a broken configuration and tells all that is wrong (exit 3)."""

    def work(output: Output) -> ConfigReport:
        import os

        from offers_cli.config import examine_config, working_folder
        from offers_cli.services.config import show_config

        return show_config(*examine_config(os.environ, working_folder()))

    voice = Voice(json=json, verbose=verbose, quiet=quiet)
    perform_alone("config show", voice, work, lambda report: config_blocks(report, origin=origin))


def config_blocks(report: ConfigReport, *, origin: bool) -> Sequence[Block]:
    """One row a setting."""
    from offers_cli.config import written

    rows = [
        (name, written(shown.value), *((shown.origin, shown.file) if origin else ()))
        for name, shown in report.settings.items()
    ]
    columns = ("setting", "value", *(("origin", "file") if origin else ()))
    notes = [Note("; try: ".join(filter(None, (notice.message, notice.advice)))) for notice in report.notices]
    return [Table(title="Settings", columns=columns, rows=rows), *notes]


def path(json: JsonOption = False, verbose: VerboseOption = 0, quiet: QuietOption = False) -> None:
    """Show the files that settings are read from, strongest first, and which of them are there."""

    def work(output: Output) -> ConfigPathReport:
        import os

        from offers_cli.config import examine_config, working_folder
        from offers_cli.services.config import find_config_files

        folder = working_folder()
        settings, _problems = examine_config(os.environ, folder)
        return find_config_files(settings, folder)

    perform_alone("config path", Voice(json=json, verbose=verbose, quiet=quiet), work, path_blocks)


def path_blocks(report: ConfigPathReport) -> Sequence[Block]:
    """One row a file."""
    rows = [(str(file.path), "yes" if file.exists else "no") for file in report.files]
    return [Table(title="Files", columns=("file", "exists"), rows=rows)]

"""`offers config`: the settings, where each came from, and the files that may hold them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from offers_cli.cli.command import GROUPS, Group, command
from offers_cli.cli.render import Block, Note, Table

if TYPE_CHECKING:
    from offers_cli.services.config import ConfigPathReport, ConfigReport

GROUPS["config"] = Group(
    help="Show the settings, and the files that may hold them.",
    examples=("offers config show --origin", "offers config path --json"),
)


def config_blocks(report: ConfigReport, *, origin: bool) -> Sequence[Block]:
    """One row a setting."""
    from offers_cli.config import SETTINGS

    texts: dict[str, Callable[[Any], str]] = {setting.name: setting.written for setting in SETTINGS}
    columns = ("setting", "value", "origin", "file")[: 4 if origin else 2]
    rows = [(name, texts.get(name, str)(each.value), each.origin, each.file) for name, each in report.settings.items()]
    notes = [Note("; try: ".join(filter(None, (notice.message, notice.advice)))) for notice in report.notices]
    return [Table("Settings", columns, [row[: len(columns)] for row in rows]), *notes]


@command(
    "config show",
    report="offers_cli.services.config:ConfigReport",
    examples=("offers config show --origin", "offers config show --json | jq .data.settings.REDIS_URL"),
)
def show(
    *,
    origin: Annotated[bool, typer.Option("--origin", help="Also show where each value came from.")] = False,
) -> tuple[ConfigReport, Sequence[Block]]:
    """Show every setting, secrets masked.

    It works with a broken configuration, too, and reports everything that is wrong with it (exit 3).
    """
    import os

    from offers_cli.config import examine_config, working_folder
    from offers_cli.services.config import show_config

    report = show_config(*examine_config(os.environ, working_folder()))
    return report, config_blocks(report, origin=origin)


def path_blocks(report: ConfigPathReport) -> Sequence[Block]:
    """One row a file."""
    rows = [(str(file.path), "yes" if file.exists else "no") for file in report.files]
    return [Table("Files", ("file", "exists"), rows)]


@command(
    "config path",
    report="offers_cli.services.config:ConfigPathReport",
    blocks=path_blocks,
    examples=("offers config path", "offers config path --json"),
)
def path() -> ConfigPathReport:
    """Show the files that settings are read from.

    The strongest stands first, with those that do not exist.
    """
    import os

    from offers_cli.config import examine_config, working_folder
    from offers_cli.services.config import find_config_files

    folder = working_folder()
    settings, _problems = examine_config(os.environ, folder)
    return find_config_files(settings, folder)

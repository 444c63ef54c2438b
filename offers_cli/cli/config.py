"""`offers config`: the settings, where each came from, and the files that may hold them; one is read, set, unset."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from offers_cli.cli.command import GROUPS, Group, command
from offers_cli.cli.completion import complete_setting
from offers_cli.cli.render import Block, Line, Note, Table
from offers_cli.errors import UsageError

if TYPE_CHECKING:
    from offers_cli.config import Setting
    from offers_cli.services.config import ConfigGetReport, ConfigPathReport, ConfigReport
    from offers_cli.services.set_config import ConfigSetReport

GROUPS["config"] = Group(
    help="Show and change the settings, and show the files that may hold them.",
    examples=("offers config set ML_AFFILIATE_TAG minhaloja", "offers config show --origin"),
)


def config_blocks(report: ConfigReport, *, origin: bool) -> Sequence[Block]:
    """One row a setting."""
    texts = _texts()
    columns = ("setting", "value", "origin", "file")[: 4 if origin else 2]
    rows = [(name, texts[name](each.value), each.origin, each.file) for name, each in report.settings.items()]
    notes = [Note("; try: ".join(filter(None, (notice.message, notice.advice)))) for notice in report.notices]
    return [Table("Settings", columns, [row[: len(columns)] for row in rows], verbatim=("value",)), *notes]


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


NameArgument = Annotated[
    str, typer.Argument(metavar="NAME", help="The setting, in any case.", autocompletion=complete_setting)
]


@command(
    "config get",
    report="offers_cli.services.config:ConfigGetReport",
    blocks=lambda report: [Line(_texts()[report.name](report.value))],
    examples=("offers config get MIN_DISCOUNT_PCT", "offers config get OFFERS_HOME --json"),
)
def get(*, name: NameArgument) -> ConfigGetReport:
    """Show one setting as it holds here, masked where it is secret; `config show --origin` has all of them."""
    import os

    from offers_cli.config import examine_config, working_folder
    from offers_cli.config.sources import HOME
    from offers_cli.services.config import get_setting, show_config
    from offers_cli.services.set_config import find_setting

    name = HOME if name.strip().upper() == HOME else find_setting(name).name
    return get_setting(name, show_config(*examine_config(os.environ, working_folder())))


def set_blocks(report: ConfigSetReport) -> Sequence[Block]:
    """The value that holds now, and where; what is stronger than the file."""
    value = _texts()[report.name](report.value) or "not set"
    if report.stronger:
        return [
            Line(f"{report.file} written"),
            Note(f"{report.name} is {value} here all the same: {report.stronger} is asked first"),
        ]
    return [Line(f"{report.name} is {value} now ({report.file})")]


@command(
    "config set",
    report="offers_cli.services.set_config:ConfigSetReport",
    blocks=set_blocks,
    examples=(
        "offers config set MIN_DISCOUNT_PCT 20",
        "offers config set SUPABASE_SERVICE_ROLE_KEY - < key.txt",
        "offers config set ML_AFFILIATE_TAG minhaloja --json",
    ),
)
def set_(
    *,
    name: NameArgument,
    value: Annotated[
        str | None, typer.Argument(metavar="VALUE|-", help="Its value; - reads it from stdin.", show_default=False)
    ] = None,
) -> ConfigSetReport:
    """Set one setting in the .env of OFFERS_HOME, where every command and service looks.

    A secret is asked for, or read from stdin: everybody on the machine can read the arguments of a process.
    """
    import os

    from offers_cli.config import working_folder
    from offers_cli.services.set_config import find_setting, set_setting

    setting = find_setting(name)
    return set_setting(setting, _value(setting, value), environ=os.environ, folder=working_folder())


def _value(setting: Setting, given: str | None) -> str:
    """The value as an argument, from stdin or typed unseen."""
    import sys

    from offers_cli.services.set_config import is_secret

    if given == "-":
        return _from_stdin(setting)
    if given is None and setting.secret and sys.stdin.isatty():
        return str(typer.prompt(setting.name, hide_input=True, err=True))
    if given is None:
        raise UsageError(f"{setting.name} needs a value", hint=f"offers config set {setting.name} VALUE")
    if is_secret(setting, given):
        raise UsageError(
            f"{setting.name} is a secret, and everybody on this machine can read arguments; it was not set",
            hint=f"offers config set {setting.name} - < FILE",
        )
    return given


def _from_stdin(setting: Setting) -> str:
    """All of it; a secret of which the end was cut off would be refused by whom it is for, who knows when."""
    import sys

    from offers_cli.config.files import MAX_BYTES

    hint = f"offers config set {setting.name} - < FILE"
    data = sys.stdin.buffer.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise UsageError(f"{setting.name}: stdin holds more than a file of settings may, 1 MiB", hint=hint)
    try:
        return data.decode().strip()
    except UnicodeDecodeError as exc:
        raise UsageError(f"{setting.name}: what stdin holds is not UTF-8", hint=hint) from exc


@command(
    "config unset",
    report="offers_cli.services.set_config:ConfigSetReport",
    blocks=set_blocks,
    examples=("offers config unset MIN_DISCOUNT_PCT", "offers config unset REDIS_URL --json"),
)
def unset(*, name: NameArgument) -> ConfigSetReport:
    """Take one setting out of the .env of OFFERS_HOME, so that its default holds."""
    import os

    from offers_cli.config import working_folder
    from offers_cli.services.set_config import find_setting, unset_setting

    return unset_setting(find_setting(name), environ=os.environ, folder=working_folder())


def _texts() -> dict[str, Callable[[Any], str]]:
    """How each value is written."""
    from offers_cli.config import SETTINGS
    from offers_cli.config.sources import HOME

    return {HOME: str} | {setting.name: setting.written for setting in SETTINGS}

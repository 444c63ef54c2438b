"""`offers service`: units that keep the worker and the dashboard running."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from offers_cli.cli.command import command, load_settings
from offers_cli.cli.options import parse_path_option
from offers_cli.cli.render import Block, Line, Note, Output
from offers_cli.errors import ConfigError

if TYPE_CHECKING:
    from offers_cli.config import Config
    from offers_cli.services.service_units import Plan, ServiceReport


class Kind(StrEnum):
    """What keeps the services running."""

    SYSTEMD = "systemd"
    SUPERVISOR = "supervisor"
    COMPOSE = "compose"


def service_blocks(report: ServiceReport) -> Sequence[Block]:
    """The units' texts as `systemctl cat` shows them, or where they were written; and what comes next."""
    files = [
        Line(f"written: {unit.path}" if report.installed else f"# {unit.path}\n{unit.text}") for unit in report.files
    ]
    following = [Note("then: " + " && ".join(report.next))]
    if report.unseen:
        warning = f"the services will not see {', '.join(report.unseen)}; set them by: offers config set NAME VALUE"
        following.insert(0, Note(warning))
    return [*files, *following]


@command(
    "service",
    report="offers_cli.services.service_units:ServiceReport",
    blocks=service_blocks,
    examples=(
        "offers service systemd",
        "sudo OFFERS_HOME=/var/lib/offers offers service systemd --user offers --install",
        "offers service compose --install --to /srv/offers --json",
    ),
)
def service(
    *,
    output: Output,
    kind: Annotated[Kind, typer.Argument(help="What keeps them running.")],
    install: Annotated[bool, typer.Option("--install", help="Write the files where they belong.")] = False,
    to: Annotated[
        Path | None, typer.Option(parser=parse_path_option, metavar="DIR", help="Write them into this folder instead.")
    ] = None,
    user: Annotated[str | None, typer.Option(help="User who runs the services; default: you, also under sudo.")] = None,
    processes: Annotated[int, typer.Option(min=1, max=64, help="Processes of the worker.")] = 1,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port of the dashboard, on loopback.")] = 9181,
    yes: Annotated[bool, typer.Option("--yes", help="Overwrite existing files that differ.")] = False,
) -> ServiceReport:
    """Print, or install, ready units for the worker and the dashboard.

    Nothing is started; the commands to do so are printed.
    """
    from offers_cli.services import service_units as units

    # Without the runtime: under sudo the home is that of the user whom the services run as.
    plan = make_plan(load_settings(output), user, processes, port)
    report = units.make_units(kind.value, plan, folder=to)
    return units.install(report, plan, overwrite=yes) if install or to else report


def make_plan(config: Config, user: str | None, processes: int, port: int) -> Plan:
    """What the units are to run, and as whom.

    Raises:
        ConfigError: another user's home, where no setting names one.
    """
    import getpass
    import os
    import shutil
    import sys

    from offers_cli.services.service_units import Plan

    try:
        ours = getpass.getuser()
    except (KeyError, OSError):  # a user whom this machine does not know, as in a container
        ours = ""
    runs_as = user or os.environ.get("SUDO_USER") or ours
    if runs_as != ours and config.origins["OFFERS_HOME"].kind == "default":
        raise ConfigError(f"cannot determine OFFERS_HOME for user {runs_as}", hint="set OFFERS_HOME")
    beside = Path(sys.executable).with_name("offers")
    program = beside if beside.exists() else Path(shutil.which("offers") or sys.argv[0]).absolute()
    return Plan(
        program=program,
        home=config.home,
        user=runs_as,
        database=None if config.database.supabase_url else config.database.sqlite_path,
        needs_socket=config.enrichment.redis_url is None,
        processes=processes,
        port=port,
        unseen=find_unseen(config),
    )


def find_unseen(config: Config) -> tuple[str, ...]:
    """The settings that come from the environment or from files elsewhere than in the home."""
    return tuple(
        f"{name} ({origin.path or origin.kind})"
        for name, origin in config.origins.items()
        if name != "OFFERS_HOME" and origin.kind != "default" and (not origin.path or origin.path.parent != config.home)
    )

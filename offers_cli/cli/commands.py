"""The commands and their one-line summaries; each command's module is imported when it is run.

Building all of them would cost every start what only one of them needs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from typing import Any

from offers_cli.cli.command import COMMANDS, Command, HelpInWords, build, commands_below
from offers_cli.cli.plain_values import QuickGroup
from offers_cli.language import translate

SECTIONS: dict[str, dict[str, str]] = {
    "Begin": {
        "demo": "Run everything once, against a local shop.",
        "init": "Write a commented .env.",
        "session": "Import, check and clear the affiliate's login.",
    },
    "Collect": {
        "scrape": "Scrape listings and queue incomplete offers.",
        "add": "Add single products by their links.",
        "ingest": "Read pages that your own browser saved.",
        "runs": "Show past scrapes and how they ended.",
    },
    "Enrich": {
        "worker": "Run the queued jobs: fetch, read, enrich.",
        "schedule": "Run commands by the clock: add, list, remove.",
        "stats": "Show the queue, the failures and the coverage.",
        "failed": "Show the failed jobs and why they failed.",
        "requeue-failed": "Requeue failed jobs.",
        "enqueue-missing": "Queue the offers that still lack something.",
        "replay": "Read saved pages again after a fix, without fetching.",
    },
    "Use": {
        "deals": "Show the offers worth showing, and what proves them.",
        "alerts": "Hear of low prices and of troubles: add, list, remove, test.",
        "list": "Show the offers that match.",
        "show": "Show one offer and where each value came from.",
        "history": "Show an offer's prices over time.",
        "export": "Write the offers to a file or a pipe.",
        "links": "Check affiliate links, or make them by hand.",
        "explain": "Show what is read from one page, and why.",
    },
    "Look after": {
        "doctor": "Check the setup and print how to fix what is wrong.",
        "config": "Show settings and where they came from; set one.",
        "db": "Manage the database: migrate, schema, backup, restore, prune, repair, copy, adopt.",
        "redis": "Show or stop the embedded Redis.",
        "dashboard": "Show the queue and its jobs in a browser.",
        "service": "Print or install units that keep worker and dashboard running.",
        "help": "Show a topic or a command's help.",
    },
}
SUMMARIES = {name: summary for section in SECTIONS.values() for name, summary in section.items()}
"""Every command, in the order of the help."""
MODULES = {"list": "offers", "show": "offers", "requeue-failed": "failed"}
"""Where a command is that has no module of its own name."""


def find_commands(name: str) -> Sequence[Command]:
    """The commands of a group, or the one of that name; none when there is no such command. Imports their module."""
    if name not in SUMMARIES:
        return ()
    import_module("offers_cli.cli." + MODULES.get(name, name.replace("-", "_")))
    return commands_below(name)


def find_command(name: str) -> Command | None:
    """The command of that name, `config show` for one of a group."""
    find_commands(name.split(maxsplit=1)[0] if name else "")
    return COMMANDS.get(name)


def all_commands() -> Iterator[Command]:
    """Every command, in the order of the help; imports them all."""
    for name in SUMMARIES:
        yield from find_commands(name)


class _Commands(Mapping[str, Any]):
    """What Typer makes of the commands, by name, built when asked for."""

    def __getitem__(self, name: str) -> Any:
        if not find_commands(name):
            raise KeyError(name)
        return build(name)

    def __iter__(self) -> Iterator[str]:
        return iter(SUMMARIES)

    def __len__(self) -> int:
        return len(SUMMARIES)


class CommandGroup(HelpInWords, QuickGroup):
    """The program's commands; its help needs no command's module."""

    def __init__(self, **attrs: Any) -> None:
        super().__init__(**attrs)
        self.commands = _Commands()  # type: ignore[assignment]  # only ever read

    def list_commands(self, _ctx: Any) -> list[str]:
        """Names alone; the base class would build every command."""
        return list(self.commands)

    def format_commands(self, _ctx: Any, formatter: Any) -> None:
        """List names and summaries, by what they are for, without building a command."""
        width = max(map(len, SUMMARIES))
        for title, commands in SECTIONS.items():
            with formatter.section(translate(title)):
                formatter.write_dl([(name.ljust(width), translate(summary)) for name, summary in commands.items()])

"""The commands and their one-line summaries; each command's module is imported when it is run.

Building all of them would cost every start what only one of them needs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup

SUMMARIES: dict[str, str] = {
    "scrape": "Collect listings and queue what lacks something.",
    "runs": "Show past scrapes and how they ended.",
    "enqueue-missing": "Queue the offers that still lack something.",
    "worker": "Run the queued jobs: fetch, read, enrich.",
    "failed": "Show the failed jobs and why they failed.",
    "requeue-failed": "Put failed jobs back to the queue.",
    "stats": "Show the queue, the failures and the coverage.",
    "list": "Show the offers that match.",
    "show": "Show one offer and where each value came from.",
    "history": "Show an offer's prices over time.",
    "export": "Write the offers to a file or a pipe.",
    "explain": "Show what is read from one page, and why.",
    "replay": "Read kept pages again after a fix; fetch nothing.",
    "doctor": "Check everything that can be wrong, and tell what mends it.",
    "session": "Import, check and clear the affiliate's login.",
    "links": "Check that affiliate links still credit you.",
    "config": "Show the settings and where they came from.",
    "init": "Write a commented .env.",
    "db": "Look after the database: migrate, schema, backup, restore, prune, repair, copy, adopt.",
    "redis": "Show or stop the Redis that offers starts itself.",
    "help": "Show a topic or a command's help.",
    "dashboard": "Show the queue and its jobs in a browser.",
    "service": "Print or install units that keep worker and dashboard running.",
    "demo": "Run everything once, against a local shop.",
}
"""Every command, in the order of the help."""


def module_name(command: str) -> str:
    """The module of a command: ``requeue-failed`` is in ``requeue_failed``; ``list`` would hide a builtin."""
    return "offers_cli.cli." + {"list": "list_offers"}.get(command, command.replace("-", "_"))


class _Commands(Mapping[str, Any]):
    """Commands by name, built when asked for."""

    def __getitem__(self, name: str) -> Any:
        if name not in SUMMARIES:
            raise KeyError(name)
        alone = typer.Typer(rich_markup_mode=None, add_completion=False)
        import_module(module_name(name)).register(alone)
        return typer.main.get_command(alone)

    def __iter__(self) -> Iterator[str]:
        return iter(SUMMARIES)

    def __len__(self) -> int:
        return len(SUMMARIES)


class CommandGroup(TyperGroup):
    """The program's commands; its help needs no command's module."""

    def __init__(self, **attrs: Any) -> None:
        super().__init__(**attrs)
        self.commands = _Commands()  # type: ignore[assignment]  # only ever read

    def list_commands(self, _ctx: Any) -> list[str]:
        """Names alone; the base class would build every command."""
        return list(self.commands)

    def format_commands(self, _ctx: Any, formatter: Any) -> None:
        """List names and summaries without building a command."""
        with formatter.section("Commands"):
            formatter.write_dl(list(SUMMARIES.items()))


def find_leaves() -> Iterator[tuple[str, ...]]:
    """Every command that does something, those of groups with both words; builds them all."""
    for name, command in _Commands().items():
        inside = getattr(command, "commands", None)
        yield from ((name, each) for each in inside) if inside else [(name,)]

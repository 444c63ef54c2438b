"""`offers help`: a topic, or the help of a command."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Annotated

import typer

from offers_cli.cli.command import command
from offers_cli.cli.render import Block, Line, Output, Table
from offers_cli.cli.topics import TOPICS
from offers_cli.errors import UsageError
from offers_cli.language import speak
from offers_cli.report import Report


@dataclass(frozen=True, slots=True, kw_only=True)
class HelpReport(Report):
    """The text of a topic or command, and the rows of its table where it has one, by column."""

    topic: str
    text: str
    rows: tuple[dict[str, str], ...] | None = None


def complete_topic(incomplete: str) -> list[tuple[str, str]]:
    """Topics and commands."""
    from offers_cli.cli.commands import SUMMARIES

    known = {**{name: summary for name, (summary, _) in TOPICS.items()}, **SUMMARIES}
    return [(name, summary) for name, summary in known.items() if name.startswith(incomplete)]


def help_blocks(report: HelpReport) -> Sequence[Block]:
    """The text, and the topic's table."""
    if not report.rows:
        return [Line(report.text)]
    table = Table(report.topic, list(report.rows[0]), [list(row.values()) for row in report.rows])
    return [Line(report.text), table]


@command(
    "help",
    report="offers_cli.cli.help:HelpReport",
    blocks=help_blocks,
    examples=("offers help exit-codes", "offers help environment --json"),
)
def show_help(
    *,
    output: Output,
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="TOPIC|COMMAND",
            help="exit-codes, environment, json, failure-codes, or a command.",
            autocompletion=complete_topic,
        ),
    ] = None,
) -> HelpReport:
    """Show a topic (exit-codes, environment, json, failure-codes) or the help of a command."""
    if output.json:
        speak("en")  # the text of a page is made by printing it
    return find_help(words or [])


def find_help(words: Sequence[str]) -> HelpReport:
    """The topic or the command of that name; the program's own help when there is none.

    Raises:
        UsageError: neither a topic nor a command, with the nearest.
    """
    from offers_cli.cli.commands import SUMMARIES

    name = " ".join(words)
    if name in TOPICS:
        topic = TOPICS[name][1]()
        rows = tuple(dict(zip(topic.columns, row, strict=True)) for row in topic.rows)
        return HelpReport(topic=name, text=topic.text, rows=rows)
    if words and words[0] not in SUMMARIES:
        near = get_close_matches(words[0], [*TOPICS, *SUMMARIES], n=1) or ["exit-codes"]
        raise UsageError(f"{words[0]!r} is neither a topic nor a command", hint=f"offers help {near[0]}")
    return HelpReport(topic=name or "offers", text=_help_of(words))


def _help_of(words: Sequence[str]) -> str:
    from offers_cli.cli.main import call

    shown = io.StringIO()
    with contextlib.redirect_stdout(shown), contextlib.redirect_stderr(io.StringIO()):
        code = call([*words, "--help"])
    if code:
        raise UsageError(f"{' '.join(words)!r} is not a command", hint=f"offers {words[0]} --help")
    return shown.getvalue().rstrip()

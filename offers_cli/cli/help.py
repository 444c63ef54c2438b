"""`offers help`: a topic, or the help of a command."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Annotated, Any

import typer

from offers_cli.cli.options import JsonOption, QuietOption, VerboseOption, examples
from offers_cli.cli.perform import Voice, perform_alone
from offers_cli.cli.render import Block, Line, Table
from offers_cli.cli.topics import TOPICS, Topic
from offers_cli.errors import UsageError
from offers_cli.report import Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class HelpReport:
    """A text, and a table where the topic has one."""

    name: str
    text: str
    topic: Topic | None = None
    problems: tuple[Problem, ...] = ()

    def data(self) -> dict[str, Any]:
        topic = self.topic
        rows = [dict(zip(topic.columns, row, strict=True)) for row in topic.rows] if topic else None
        return {"topic": self.name, "text": self.text, "rows": rows}


def complete_topic(incomplete: str) -> list[tuple[str, str]]:
    """Topics and commands."""
    from offers_cli.cli.commands import SUMMARIES

    known = {**{name: summary for name, (summary, _) in TOPICS.items()}, **SUMMARIES}
    return [(name, summary) for name, summary in known.items() if name.startswith(incomplete)]


def register(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command(name="help", epilog=examples("offers help exit-codes", "offers help environment --json"))(show_help)


def show_help(
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[TOPIC|COMMAND]",
            help="exit-codes, environment, json, failure-codes, or a command.",
            autocompletion=complete_topic,
        ),
    ] = None,
    json: JsonOption = False,
    verbose: VerboseOption = 0,
    quiet: QuietOption = False,
) -> None:
    """Show a topic (exit-codes, environment, json, failure-codes) or the help of a command."""
    voice = Voice(json=json, verbose=verbose, quiet=quiet)
    perform_alone("help", voice, lambda _output: find_help(words or []), help_blocks)


def find_help(words: Sequence[str]) -> HelpReport:
    """The topic or the command of that name; the program's own help when there is none.

    Raises:
        UsageError: neither a topic nor a command, with the nearest.
    """
    from offers_cli.cli.commands import SUMMARIES

    name = " ".join(words)
    if name in TOPICS:
        topic = TOPICS[name][1]()
        return HelpReport(name=name, text=topic.text, topic=topic)
    if words and words[0] not in SUMMARIES:
        near = get_close_matches(words[0], [*TOPICS, *SUMMARIES], n=1) or ["exit-codes"]
        raise UsageError(f"{words[0]!r} is neither a topic nor a command", hint=f"offers help {near[0]}")
    return HelpReport(name=name or "offers", text=_help_of(words))


def _help_of(words: Sequence[str]) -> str:
    from offers_cli.cli.main import main

    shown = io.StringIO()
    with contextlib.redirect_stdout(shown), contextlib.redirect_stderr(io.StringIO()):
        code = main([*words, "--help"])
    if code:
        raise UsageError(f"{' '.join(words)!r} is not a command", hint=f"offers {words[0]} --help")
    return shown.getvalue().rstrip()


def help_blocks(report: HelpReport) -> Sequence[Block]:
    """The text, and the topic's table."""
    if report.topic is None:
        return [Line(report.text)]
    return [Line(report.text), Table(title=report.name, columns=report.topic.columns, rows=report.topic.rows)]

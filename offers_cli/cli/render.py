"""The only printer: reports become tables on a terminal, plain lines in a pipe, one document with `--json`.

Data never reaches Rich as markup: it goes through `Text`, with control characters made visible.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Protocol, TextIO

from offers_cli.language import figure, translate
from offers_cli.report import Problem, Report, document_pieces, failure_document
from offers_cli.text import defused, printable, printable_lines
from offers_cli.times import iso_utc, utc_now

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text


COMFORTABLE_WIDTH = 40
"""Characters of a text that may be cut; before it gets more, more columns are shown."""
ENOUGH_OF_AN_ID = 8
"""Characters of our ids, whose beginning names an offer as well."""
GUTTER = 2
"""Blanks between two columns."""
DATA = frozenset(
    {
        "id",
        "external id",
        "offer",
        "title",
        "link",
        "url",
        "file",
        "command",
        "name",
        "code",
        "setting",
        "variable",
        "keys of data",
        "facts",
        "default",
    }
)
"""The headings of columns whose texts nobody translates: others wrote them, or they are typed as they stand."""


@dataclass(frozen=True, slots=True)
class Coloured:
    """A cell in a colour, which only repeats what its words say: a pipe, and who cannot see it, miss nothing."""

    value: object
    colour: str


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under headings. A moment in a cell is told a person as local time or age, a program as ISO 8601 in UTC.

    Attributes:
        right: the columns that hold figures.
        cut: the columns that a narrow terminal may cut short; a pipe gets them whole.
        short: the columns that a terminal shows; default: all of them, as a pipe gets them.
        wide: those that it shows besides, as far as there is room, the first ones first.
        verbatim: those whose texts are never translated, besides `DATA`: they are typed, or others wrote them.
    """

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[object]]
    right: Collection[str] = ()
    cut: Collection[str] = ()
    short: Collection[str] = ()
    wide: Sequence[str] = ()
    verbatim: Collection[str] = ()

    def told(self, text: str, column: str) -> str:
        """The text of a cell in the language that is spoken."""
        return text if column in DATA or column in self.verbatim else translate(text)


@dataclass(frozen=True, slots=True)
class Line:
    """One line of text; `verbatim` where it is translated already, or others wrote it."""

    text: str
    verbatim: bool = False

    @property
    def told(self) -> str:
        """The text in the language that is spoken."""
        return self.text if self.verbatim else translate(self.text)


@dataclass(frozen=True, slots=True)
class Note:
    """One line about the result, such as ``50 of 1200 offers``; in a pipe it goes to stderr, beside the data."""

    text: str


@dataclass(frozen=True, slots=True)
class Plot:
    """A drawing made for the width of the terminal; a pipe gets the figures as a table."""

    draw: Callable[[int], str]
    table: Table


Block = Table | Line | Note | Plot


def summary(command: str, report: Report, columns: Sequence[str]) -> list[Block]:
    """Some of a report's figures: a table for a person, a row for each, and one line for a pipe."""
    from offers_cli.cli.formatting import format_name
    from offers_cli.times import format_duration

    data = report.data()
    title = command + (" (dry run, nothing changed)" if data.get("dry_run") else "")
    if not is_terminal(sys.stdout):
        return [Line(f"{title}: " + " ".join(f"{column}={data[column]}" for column in columns))]
    rows = [(format_name(column), data[column]) for column in columns if column != "duration_s"]
    if "duration_s" in columns:
        rows.append(("took", format_duration(data["duration_s"])))
    return [Table(title, (command, "count"), rows, right=("count",))]


class Progress(Protocol):
    """Shows how far the work is; does nothing off a terminal."""

    def __call__(self, done: int, *, total: int | None = None, note: str = "") -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """Where and how a command speaks: results to stdout, everything else to stderr."""

    json: bool = False
    verbosity: int = 0
    """As `configure_logging` takes it: -1 for `-q`, else how many `-v` there are."""

    @property
    def quiet(self) -> bool:
        """Whether only errors are wanted on stderr."""
        return self.verbosity < 0

    def show(self, command: str, report: Report, blocks: Sequence[Block]) -> int:
        """Show a report, and return the exit code: the JSON document, or its blocks with the problems on stderr."""
        if self.json:
            self.write_all(document_pieces(command, report))
        else:
            self.show_blocks(blocks)
            show_problems(report.problems)
        return report.exit_code

    def fail(self, command: str, *problems: Problem, keys: Callable[[], Sequence[str]]) -> None:
        """Show that nothing was done, and why; `keys` gives those of the data, which are null."""
        if self.json:
            self.write(failure_document(command, problems, keys=keys()))
        else:
            show_problems(problems)

    def show_blocks(self, blocks: Sequence[Block]) -> None:
        """Tables drawn for a terminal, plain for a pipe."""
        for block in blocks:
            if is_terminal(sys.stdout):
                self._draw(block)
            elif isinstance(block, Table | Plot):
                self.write_all(_plain_table(block if isinstance(block, Table) else block.table))
            elif isinstance(block, Line):
                self.write(printable_lines(block.told))
            elif isinstance(block, Note) and not self.quiet:
                sys.stderr.write(printable_lines(translate(block.text)))

    def _draw(self, block: Block) -> None:
        if isinstance(block, Table):
            print_table(block)
        elif isinstance(block, Plot):
            lines = block.draw(console(sys.stdout).width).split("\n")
            self.write(printable_lines("\n".join(map(translate, lines))))
        else:
            self.write(printable_lines(block.told if isinstance(block, Line) else translate(block.text)))

    def write(self, text: str) -> None:
        self.write_all([text])

    @staticmethod
    def write_all(texts: Iterable[str]) -> None:
        with writing_results():
            sys.stdout.writelines(texts)
            sys.stdout.flush()

    @contextmanager
    def progress(self, title: str) -> Iterator[Progress]:
        """A progress bar on stderr, on a terminal only."""
        if self.json or not can_redraw(sys.stderr):
            yield _silent
            return
        from rich.progress import BarColumn, MofNCompleteColumn, SpinnerColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as Bar

        columns = (
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=20),
            MofNCompleteColumn(),
            TimeRemainingColumn(elapsed_when_finished=True),
            TextColumn("{task.fields[note]}", markup=False),
        )
        with Bar(*columns, console=console(sys.stderr), transient=True, redirect_stdout=False) as bar:
            task = bar.add_task(translate(title), total=None, note="")

            def advance(done: int, *, total: int | None = None, note: str = "") -> None:
                bar.update(task, completed=done, total=total, note=printable(translate(note)))

            yield advance


def _silent(done: int, *, total: int | None = None, note: str = "") -> None:
    """Progress off a terminal."""


@contextmanager
def writing_results() -> Iterator[None]:
    """Around what goes to stdout: a reader who has left (`| head`) ends nothing, a full disk ends the program."""
    try:
        yield
    except BrokenPipeError:
        _let_go_of_stdout()
    except OSError as exc:
        _let_go_of_stdout()
        show_problems([Problem(code="output_failed", message=f"the result cannot be written: {exc.strerror}")])
        raise SystemExit(1) from exc


def _let_go_of_stdout() -> None:
    """What is still in the buffer goes nowhere, so that the interpreter does not stumble over it at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def show_problems(problems: Sequence[Problem]) -> None:
    """Problems on stderr: what, which, why, and the next command."""
    for problem in problems:
        offer = problem.offer_id
        which = f", offer {printable(offer[:ENOUGH_OF_AN_ID])}" if offer and offer not in problem.message else ""
        message = printable(translate(problem.message))
        sys.stderr.write(f"{bold(translate('error:'), sys.stderr)} {message} ({problem.code}{translate(which)})\n")
        if problem.hint:
            sys.stderr.write(f"  {translate('try')}: {printable(translate(problem.hint))}\n")
    sys.stderr.flush()


def is_terminal(stream: TextIO) -> bool:
    """Whether a person watches that stream on a terminal that understands more than text."""
    try:
        return stream.isatty() and os.environ.get("TERM") != "dumb"
    except ValueError:
        return False


def can_redraw(stream: TextIO) -> bool:
    """Whether something can be redrawn in place there: `NO_COLOR` wants no escape code at all."""
    return is_terminal(stream) and not os.environ.get("NO_COLOR")


def bold(text: str, stream: TextIO) -> str:
    """The text in bold where colours are shown: on a terminal, or anywhere when `CLICOLOR_FORCE` asks for them."""
    forced = os.environ.get("CLICOLOR_FORCE", "0") not in ("", "0")
    coloured = (forced or is_terminal(stream)) and not os.environ.get("NO_COLOR")
    return f"\x1b[1m{text}\x1b[0m" if coloured else text


def console(stream: TextIO) -> Console:
    """Rich on that stream; `NO_COLOR` leaves no escape code at all, not even for bold."""
    from rich.console import Console

    return Console(
        file=stream,
        highlight=False,
        markup=False,
        emoji=False,
        color_system=None if os.environ.get("NO_COLOR") else "auto",
    )


def print_table(table: Table) -> None:
    """Draw one table on stdout."""
    from rich import box
    from rich.table import Table as RichTable
    from rich.text import Text

    screen = console(sys.stdout)
    now = utc_now()
    headings = [translate(column) for column in table.columns]
    cells = [
        [_rich_cell(table, value, column, now=now) for value, column in zip(row, table.columns, strict=True)]
        for row in table.rows
    ]
    widths = [max(map(len, column)) for column in zip(map(Text, headings), *cells, strict=True)]
    shown = RichTable(box=box.SIMPLE_HEAD, collapse_padding=True)
    places = _places_that_fit(table, widths, screen.width)
    for place in places:
        column = table.columns[place]
        figures, cut = column in table.right, column in table.cut
        # Rich narrows the columns that may wrap before the others: where one may be cut, it alone gives way.
        whole = figures or (table.cut and not cut)
        moments = [cell[place] for row, cell in zip(table.rows, cells, strict=True) if isinstance(row[place], datetime)]
        shown.add_column(
            Text(headings[place]),
            justify="right" if figures else "left",
            min_width=widths[place] if figures else max([*map(len, headings[place].split()), *map(len, moments)]),
            no_wrap=bool(whole),
            overflow="fold",
        )
        for row in cells if cut else ():
            row[place].no_wrap, row[place].overflow = True, "ellipsis"
    for row in cells:
        shown.add_row(*(row[place] for place in places))
    title = Text(printable(translate(table.title)), style="bold")
    screen.print(title)  # as the table's own it would wrap at the table's width
    screen.print(shown)


def _places_that_fit(table: Table, widths: Sequence[int], width: int) -> list[int]:
    """The columns that a terminal of that width shows, in their order."""
    needed = {
        name: (min(widths[place], COMFORTABLE_WIDTH) if name in table.cut else widths[place]) + GUTTER
        for place, name in enumerate(table.columns)
    }
    shown = set(table.short or table.columns)
    room = width - GUTTER - sum(needed[name] for name in shown)
    for name in table.wide:
        if needed[name] <= room:
            shown.add(name)
            room -= needed[name]
    return [place for place, name in enumerate(table.columns) if name in shown]


def _rich_cell(table: Table, value: object, column: str, *, now: datetime) -> Text:
    from rich.text import Text

    from offers_cli.cli.formatting import format_when

    value, colour = (value.value, value.colour) if isinstance(value, Coloured) else (value, "")
    text = format_when(value, now=now) if isinstance(value, datetime) else cell_text(value)
    if isinstance(value, float):
        text = figure(text)
    return Text(table.told(text, column), style=colour)


def _plain_table(table: Table) -> Iterator[str]:
    """Tab-separated, headings first, nothing cut: made for `cut`, `awk` and spreadsheets, which run none of it."""
    yield bold("\t".join(map(translate, table.columns)), sys.stdout) + "\n"
    for row in table.rows:
        yield "\t".join(map(partial(_plain_cell, table), row, table.columns)) + "\n"


def _plain_cell(table: Table, value: object, column: str) -> str:
    if isinstance(value, Coloured):
        value = value.value
    if not isinstance(value, str):
        return cell_text(value)
    text = cell_text(value)
    return defused(table.told(text, column))


def cell_text(value: object) -> str:
    """One cell as text: nothing for None, control characters made visible, a moment as ISO 8601 in UTC."""
    if isinstance(value, datetime):
        return iso_utc(value, timespec="seconds")
    return "" if value is None else printable(str(value).replace("\t", " "))

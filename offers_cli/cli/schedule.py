"""`offers schedule`: commands on a clock, which the workers run."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from offers_cli.cli.command import GROUPS, Group, build, command
from offers_cli.cli.commands import SUMMARIES, find_commands
from offers_cli.cli.options import parse_age, parse_amount, parse_rating, parse_since
from offers_cli.cli.render import Block, Coloured, Line, Note, Table
from offers_cli.cli.usage import usage_error
from offers_cli.errors import UsageError
from offers_cli.times import format_duration, local_zone_name, utc_now

if TYPE_CHECKING:
    from offers_cli.queue.schedule import Run
    from offers_cli.runtime import Runtime
    from offers_cli.services.schedule import ScheduleEntry, ScheduleReport

GROUPS["schedule"] = Group(
    help="Run commands by the clock: the workers do it. See docs/schedule.md.",
    examples=("offers schedule add --every 30m -- scrape ofertas --pages 3", "offers schedule list"),
)
UNATTENDED = (
    "scrape",
    "enqueue-missing",
    "requeue-failed",
    "replay",
    "export",
    "deals",
    "links check",
    "session check",
    "db backup",
    "db prune",
    "doctor",
)
"""The commands that make sense where nobody watches: they end by themselves and ask nothing."""
REFUSED = {
    "worker": "it is what runs the schedule",
    "dashboard": "it does not end by itself",
    "schedule": "a schedule does not change itself",
    "config": "settings are changed by hand",
    "init": "settings are changed by hand",
    "session": "of its commands only `session check` needs nobody",
    "links": "of its commands only `links check` needs nobody",
    "db": "of its commands only `db backup` and `db prune` need nobody",
    "redis": "the queue would stop with it",
}
COLOURS = {"failed": "red", "killed": "red", "partial": "yellow", "stopped": "yellow"}


def check_command(words: Sequence[str]) -> tuple[str, ...]:
    """The words of a command that may stand in the schedule, without `offers` before and `--json` among them.

    Raises:
        UsageError: it is none of `UNATTENDED`, is mistyped, or writes where a schedule must not.
    """
    if len(words) == 1:
        try:
            words = shlex.split(words[0])
        except ValueError as exc:
            raise UsageError(f"{words[0][:80]!r}: {exc}", hint="offers schedule add --help") from exc
    found = [word for word in words[words[:1] == ["offers"] or words[:1] == ("offers",) :] if word != "--json"]
    name = next((each for each in (" ".join(found[:2]), *found[:1]) if each in UNATTENDED), None)
    if name is None:
        raise _refusal(found)
    params = _parse(name, found[len(name.split()) :], found)
    _check_files(name, params)
    _check_values(name, params)
    return tuple(found)


def _refusal(words: Sequence[str]) -> UsageError:
    word = words[0] if words else ""
    allowed = f"one of {', '.join(UNATTENDED)!s}"
    if word not in SUMMARIES:
        return UsageError(f"{word[:80]!r} is not a command", hint=allowed)
    reason = REFUSED.get(word, "it is not for where nobody watches")
    return UsageError(f"offers {word!s} cannot be put in the schedule: {reason}", hint=allowed)


def _parse(name: str, rest: Sequence[str], words: Sequence[str]) -> dict[str, Any]:
    """The values of a command's options and arguments."""
    group, _, word = name.partition(" ")
    find_commands(group)
    made = build(group)
    made = made.commands[word] if word else made
    try:
        params: dict[str, Any] = made.make_context(f"offers {name}", list(rest)).params
    except typer.TyperException as error:
        raise usage_error(error, name, words) from error
    except typer.Exit:
        raise UsageError("--help is nothing to be done by the clock", hint=f"offers help {shlex.quote(name)}") from None
    return params


def _check_files(name: str, params: dict[str, Any]) -> None:
    """Whoever may write to Redis may put a command there: it must not reach any file of this machine."""
    file = params.get("file")
    if name == "export" and (file is None or file.name != str(file) or str(file).startswith((".", "-"))):
        raise UsageError(
            "export needs the name of a file, without a folder: it is written to OFFERS_HOME/exports",
            hint="offers schedule add --cron '0 8 * * *' -- export offers.csv",
        )
    if name == "db backup" and file is not None:
        raise UsageError("db backup takes no file here: it writes to OFFERS_HOME/backups", hint="db backup")
    if name == "scrape":
        from offers_cli.services.sources import parse_source

        for source in params["sources"] or ():
            if parse_source(source).kind == "file":
                raise UsageError(
                    f"{source[:80]!r} is a saved page, the same each time", hint="offers schedule add --help"
                )


def _check_values(name: str, params: dict[str, Any]) -> None:
    """Look at what a command itself would only look at when it runs: at night nobody reads that it was refused."""
    from offers_cli.services.deals import check_deal_sort
    from offers_cli.services.export import choose_format
    from offers_cli.services.failed import check_reasons
    from offers_cli.services.fields import parse_fields
    from offers_cli.services.offers import check_sort

    checks: dict[str, Callable[[Any, str], object]] = {
        "recheck_after": parse_age,
        "older_than": parse_age,
        "lowest_since": lambda text, option: text == "ever" or parse_age(text, option),
        "since": lambda text, option: parse_since(text, option, now=utc_now()),
        "min_price": parse_amount,
        "max_price": parse_amount,
        "min_rating": parse_rating,
        "fields": lambda text, _: parse_fields(text),
        "sort": lambda text, _: check_deal_sort(text) if name == "deals" else check_sort(text),
        "reason": lambda words, _: check_reasons((words,) if isinstance(words, str) else words),
    }
    for value, check in checks.items():
        if params.get(value) is not None:
            check(params[value], f"--{value.replace('_', '-')}")
    if name == "export":
        choose_format(params["format"], params["file"])


def schedule_blocks(report: ScheduleReport) -> Sequence[Block]:
    """The entries as a table."""
    if not report.entries:
        return [Note("the schedule is empty\n  try: offers schedule add --every 30m -- scrape ofertas --pages 3")]
    nobody = [] if report.has_worker else [Note("no worker is there that runs them: offers worker")]
    return [schedule_table(report.entries), *nobody]


def schedule_table(entries: Sequence[ScheduleEntry]) -> Table:
    """Entries with their last run, what came of it, and their next one."""
    columns = ("name", "command", "when", "next", "last", "result", "took", "zone")
    short, wide = ("name", "when", "next", "last", "result"), ("command", "took", "zone")
    return Table("Schedule", columns, list(map(_row, entries)), cut=("command", "result"), short=short, wide=wide)


def _row(entry: ScheduleEntry) -> tuple[object, ...]:
    run = entry.last_run
    took = (run.ended_at - run.started_at).total_seconds() if run and run.ended_at else None
    return (
        entry.name,
        shlex.join(entry.command),
        format_clock(entry),
        entry.next_run_at if entry.status == "waiting" else entry.status,
        run and run.started_at,
        format_result(entry, run),
        format_duration(took),
        entry.time_zone if entry.cron else "",
    )


def format_clock(entry: ScheduleEntry) -> str:
    """When an entry is due, as it was asked for: ``every 30m``, or its cron line."""
    from offers_cli.config.values import written_duration

    clock = entry.cron or f"every {written_duration(entry.every_s or 0)}"
    return f"{clock} +{written_duration(entry.jitter_s)}" if entry.jitter_s else clock


def format_result(entry: ScheduleEntry, run: Run | None) -> object:
    """How an entry's last run ended, in one line, coloured where something is wrong."""
    if run is None:
        return "never run"
    line = f"{run.status}: {run.result}" if run.result else run.status
    if entry.skipped_at is not None:
        line = f"{line} (a run was skipped, this one had not ended)"
    colour = COLOURS.get(run.status)
    return Coloured(line, colour) if colour else line


def added_blocks(report: ScheduleReport) -> Sequence[Block]:
    """What was added, and when it runs first."""
    [entry] = report.entries
    nobody = [] if report.has_worker else [Note("no worker is there that runs it: offers worker")]
    return [Line(f"added {entry.name}: offers {shlex.join(entry.command)}, {format_clock(entry)}"), *nobody]


@command(
    "schedule add",
    report="offers_cli.services.schedule:ScheduleReport",
    blocks=added_blocks,
    examples=(
        "offers schedule add --every 30m -- scrape ofertas --pages 3",
        "offers schedule add --cron '0 3 * * sun' --jitter 20m --name tidy -- db prune --older-than 400d",
    ),
)
def add(
    *,
    runtime: Runtime,
    words: Annotated[
        list[str], typer.Argument(metavar="COMMAND", help="The command behind --, or in quotes, without `offers`.")
    ],
    every: Annotated[
        str | None,
        typer.Option(metavar="AGE", help="Time from one run to the next: 30m, 6h, 1d. The first is at once."),
    ] = None,
    cron: Annotated[
        str | None, typer.Option(metavar="LINE", help="Minute, hour, day, month, day of the week: '30 7 * * mon-fri'.")
    ] = None,
    tz: Annotated[
        str | None, typer.Option(metavar="ZONE", help="Time zone of --cron; default: OFFERS_TZ, or the machine's.")
    ] = None,
    jitter: Annotated[
        str | None, typer.Option(metavar="AGE", help="Begin each run up to so much later, at random: 5m.")
    ] = None,
    name: Annotated[str | None, typer.Option(help="What the entry is called; default: by its command.")] = None,
) -> ScheduleReport:
    """Put a command on a clock: a worker runs it whenever it is due, never two runs at once.

    What was missed while no worker was there is done once. A mistyped command is refused here. The commands are:
    scrape, enqueue-missing, requeue-failed, replay, export, deals, links check, session check, db backup, db prune,
    doctor.
    """
    from offers_cli.services.schedule import add_entry

    checked = check_command(words)
    return add_entry(
        runtime.schedule,
        checked,
        name=name,
        every_s=parse_age(every, "--every"),
        cron=cron,
        time_zone=_parse_zone(tz),
        jitter_s=parse_age(jitter, "--jitter"),
    )


def _parse_zone(text: str | None) -> str:
    zone = text or local_zone_name()
    if zone is None:
        raise UsageError("the machine does not tell its time zone by name", hint="--tz America/Sao_Paulo")
    from offers_cli.config.values import TIME_ZONE

    try:
        return str(TIME_ZONE.parse(zone).key)
    except ValueError as exc:
        raise UsageError(f"--tz {exc}", hint="--tz America/Sao_Paulo") from exc


@command(
    "schedule list",
    report="offers_cli.services.schedule:ScheduleReport",
    blocks=schedule_blocks,
    examples=("offers schedule list", "offers schedule list --json | jq '.data.entries[].next_run_at'"),
)
def list_(*, runtime: Runtime) -> ScheduleReport:
    """Show the commands on a clock: when each ran last, what came of it, and when it runs next."""
    from offers_cli.services.schedule import list_schedule

    return list_schedule(runtime.schedule)


@command(
    "schedule remove",
    report="offers_cli.services.schedule:ScheduleReport",
    blocks=lambda report: [
        Line(f"removed {entry.name}: offers {shlex.join(entry.command)}") for entry in report.entries
    ],
    examples=("offers schedule remove scrape-ofertas", "offers schedule remove morning tidy --json"),
)
def remove(
    *,
    runtime: Runtime,
    names: Annotated[list[str], typer.Argument(metavar="NAME", help="Names, as `offers schedule list` shows them.")],
) -> ScheduleReport:
    """Take commands off the clock; one that is running goes on to its end."""
    from offers_cli.services.schedule import remove_entries

    return remove_entries(runtime.schedule, names)

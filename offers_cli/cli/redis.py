"""`offers redis`: the embedded server."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import typer

from offers_cli.cli.options import JsonOption, QuietOption, VerboseOption, examples
from offers_cli.cli.perform import Voice, perform
from offers_cli.cli.render import Block, Line, Note, Output, Table

if TYPE_CHECKING:
    from offers_cli.runtime import Runtime
    from offers_cli.services.redis import RedisReport, StopReport


def register(app: typer.Typer) -> None:
    """Add the group of commands to the program."""
    app.callback(epilog=examples("offers redis status", "offers redis stop --json"), no_args_is_help=True)(redis)
    app.command(name="status", epilog=examples("offers redis status", "offers redis status --json"))(status)
    app.command(name="stop", epilog=examples("offers redis stop", "offers redis stop --json"))(stop)


def redis() -> None:
    """Look after the Redis that offers starts itself. See docs/redis.md."""


def status(json: JsonOption = False, verbose: VerboseOption = 0, quiet: QuietOption = False) -> None:
    """Show whether the embedded Redis runs, which program it is, and where it keeps its data; starts nothing."""

    def work(runtime: Runtime, output: Output) -> RedisReport:
        from offers_cli.services.redis import show_redis

        return show_redis(runtime.config.home, used=runtime.config.enrichment.redis_url is None)

    perform("redis status", Voice(json=json, verbose=verbose, quiet=quiet), work, status_blocks)


def stop(json: JsonOption = False, verbose: VerboseOption = 0, quiet: QuietOption = False) -> None:
    """Stop the embedded Redis. Nothing is lost, and the next command that needs it starts it again."""

    def work(runtime: Runtime, output: Output) -> StopReport:
        from offers_cli.services.redis import stop_redis

        return stop_redis(runtime.config.home)

    perform("redis stop", Voice(json=json, verbose=verbose, quiet=quiet), work, stop_blocks)


def status_blocks(report: RedisReport) -> Sequence[Block]:
    """What is known of it; whether it is used at all."""
    rows = [
        ("running", "yes" if report.running else "no"),
        ("server", report.server or "-"),
        ("pid", report.pid or "-"),
        ("connections", "-" if report.clients is None else report.clients),
        ("memory", _size(report.memory_bytes)),
        ("disk", _size(report.disk_bytes)),
        ("folder", report.directory),
        ("socket", report.socket),
    ]
    notes = [] if report.used else [Note("REDIS_URL is set: the queue is there, not in this one")]
    return [Table(title="Embedded Redis", columns=("embedded redis", "value"), rows=rows), *notes]


def stop_blocks(report: StopReport) -> Sequence[Block]:
    """What was done, and who will miss it."""
    if not report.stopped:
        return [Line("the embedded Redis was not running")]
    notes = [Note(f"{report.clients} connections were cut; running workers start it again")] if report.clients else []
    return [Line("the embedded Redis is stopped, its data is on disk"), *notes]


def _size(count: int | None) -> str:
    return "-" if count is None else f"{count / 2**20:.1f} MiB"

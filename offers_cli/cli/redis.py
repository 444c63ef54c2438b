"""`offers redis`: the embedded server."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from offers_cli.cli.command import GROUPS, Group, command
from offers_cli.cli.formatting import format_size
from offers_cli.cli.render import Block, Line, Note, Table

if TYPE_CHECKING:
    from offers_cli.runtime import Runtime
    from offers_cli.services.redis import RedisReport, StopReport

GROUPS["redis"] = Group(
    help="Show or stop the embedded Redis, which offers starts itself. See docs/redis.md.",
    examples=("offers redis status", "offers redis stop --json"),
)


def status_blocks(report: RedisReport) -> Sequence[Block]:
    """What is known of it; whether it is used at all."""
    rows = [
        ("running", "yes" if report.running else "no"),
        ("server", report.server or "-"),
        ("pid", report.pid or "-"),
        ("connections", "-" if report.clients is None else report.clients),
        ("memory", format_size(report.memory_bytes)),
        ("disk", format_size(report.disk_bytes)),
        ("folder", report.directory),
        ("socket", report.socket),
    ]
    notes = [] if report.used else [Note("REDIS_URL is set: the queue is there, not in this one")]
    return [Table("Embedded Redis", ("embedded redis", "value"), rows), *notes]


@command(
    "redis status",
    report="offers_cli.services.redis:RedisReport",
    blocks=status_blocks,
    examples=("offers redis status", "offers redis status --json"),
)
def status(*, runtime: Runtime) -> RedisReport:
    """Show whether the embedded Redis runs, which program it is, and where it keeps its data; starts nothing."""
    from offers_cli.services.redis import show_redis

    return show_redis(runtime.config.home, used=runtime.config.enrichment.redis_url is None)


def stop_blocks(report: StopReport) -> Sequence[Block]:
    """What was done, and whom it disconnected."""
    if not report.stopped:
        return [Line("the embedded Redis was not running")]
    notes = [Note(f"{report.clients} connections were cut; running workers start it again")] if report.clients else []
    return [Line("the embedded Redis was stopped, its data is on disk"), *notes]


@command(
    "redis stop",
    report="offers_cli.services.redis:StopReport",
    blocks=stop_blocks,
    examples=("offers redis stop", "offers redis stop --json"),
)
def stop() -> StopReport:
    """Stop the embedded Redis. Nothing is lost, and the next command that needs it starts it again.

    It works whatever is wrong with the settings of other things.
    """
    import os

    from offers_cli.config import find_home, working_folder
    from offers_cli.services.redis import stop_redis

    return stop_redis(find_home(os.environ, working_folder()))

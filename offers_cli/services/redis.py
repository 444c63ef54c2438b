"""The embedded Redis: show it, stop it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

from offers_cli.redis.embedded import server_status, stop_server
from offers_cli.report import Report


@dataclass(frozen=True, slots=True, kw_only=True)
class RedisReport(Report):
    """The embedded Redis of one home; what only a running one knows is None.

    Attributes:
        used: whether this home's queue is in it, and not in the Redis that `REDIS_URL` names.
        server: its name and version, as ``Valkey 9.1.2``.
        clients: connections of other processes: workers, dashboards, other commands.
    """

    running: bool
    used: bool
    server: str | None
    pid: int | None
    clients: int | None
    memory_bytes: int | None
    disk_bytes: int
    socket: Path
    directory: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class StopReport(Report):
    """Whether it ran and was stopped, and how many connections of other processes that cut."""

    stopped: bool
    clients: int = 0


def show_redis(home: Path, *, used: bool) -> RedisReport:
    """Show the embedded Redis of a home; starts nothing.

    Raises:
        QueueUnavailable: it runs and does not answer.
    """
    status = server_status(home)
    files = [path for path in status.directory.rglob("*") if path.is_file()] if status.directory.is_dir() else []
    disk_bytes = sum(path.stat().st_size for path in files)
    return RedisReport(used=used, disk_bytes=disk_bytes, **asdict(status))


def stop_redis(home: Path) -> StopReport:
    """Stop the embedded Redis of a home, its data safe on disk; the next command that needs it starts it again.

    Raises:
        QueueUnavailable: it does not end.
    """
    clients = server_status(home).clients or 0
    return StopReport(stopped=stop_server(home), clients=clients)

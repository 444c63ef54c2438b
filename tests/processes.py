"""The processes of a supervisor, as Linux shows them."""

from __future__ import annotations

from pathlib import Path

FORK_SERVER = b"multiprocessing.forkserver"


def fork_server_of(supervisor: int) -> int | None:
    """The process from which the workers of this supervisor are forked; None where it has none now."""
    servers = [pid for pid in _children(supervisor) if FORK_SERVER in _command_line(pid)]
    return servers[0] if servers else None


def workers_of(supervisor: int) -> list[int]:
    """The worker processes of a supervisor that began a session, in order of their start; whoever is their parent.

    They lead process groups of their own.
    """
    pids = sorted(int(path.name) for path in Path("/proc").glob("[0-9]*"))
    return [pid for pid in pids if pid != supervisor and _group_and_session(pid) == (pid, supervisor)]


def _group_and_session(pid: int) -> tuple[int, int] | None:
    """None for one that is gone, or dead and not buried yet."""
    try:
        state, _, group, session, *_ = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if state == "Z" else (int(group), int(session))


def _children(pid: int) -> list[int]:
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def _command_line(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""

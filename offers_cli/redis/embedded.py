"""The embedded Redis: a real server on a private unix socket, shared by all `offers` processes of one home.

Whether it lives is known by a lock, not by a pid: the server inherits an open, locked file (`alive.lock`) and holds it
until its last breath, `kill -9` included. Its append-only file brings everything back at the next start.
"""

from __future__ import annotations

import hashlib
import os
import re
import shlex
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from offers_cli.errors import QueueRefused, QueueUnavailable
from offers_cli.files import open_lock
from offers_cli.redis.connection import connect_to_socket
from offers_cli.redis.errors import translate
from offers_cli.redis.health import name_and_version
from offers_cli.redis.programs import ServerProgram, choose_program, record_writer

if sys.platform != "win32":
    import fcntl

if TYPE_CHECKING:
    import redis

SOCKET_PATH_LIMIT = 100
"""A unix socket's path may have 104 (macOS) to 108 (Linux) bytes."""
SHORT_PARENT = Path("/tmp")  # noqa: S108 (fixed on purpose: every process must find the same socket)
START_TIMEOUT_S = 60.0  # one that died is noticed at once; a busy machine may need long for one that lives
LOADING_TIMEOUT_S = 120.0
STOP_TIMEOUT_S = 10.0
POLL_S = 0.01
_LOG_PREFIX = re.compile(r"^\d+:\w \d+ \w+ \d+ [\d:.]+ \S ")
_UNREADABLE = re.compile(
    r"^(?!.*(?:denied|No space|Too many)).*(?:Bad file format|Unexpected end of file|Unrecoverable error"
    r"|Can't handle RDB|Wrong signature|unknown command"
    r"|Error reading|Error loading|Fatal error loading|Invalid AOF manifest|AOF file .* doesn't exist)",
    re.IGNORECASE,
)
"""Its files are broken, or of a form that it does not know; what the machine lacks is not a matter of files."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerStatus:
    """The embedded Redis of one home; what only a running one knows is None when it does not run.

    `server` is its name and version; `clients` are the connections of other processes.
    """

    running: bool
    socket: Path
    directory: Path
    pid: int | None = None
    server: str | None = None
    clients: int | None = None
    memory_bytes: int | None = None


def ensure_server(home: Path) -> Path:
    """Start the embedded Redis of `home` unless it runs; returns its socket.

    Any number of processes may call this at once: one starts it, the others wait for it.

    Raises:
        QueueUnavailable: no server program is installed, or it does not start (with the last line of its log).
        QueueRefused: the home or the short socket directory is not ours alone, or none of the installed programs can
            read the home's files.
    """
    if sys.platform == "win32":
        raise QueueUnavailable(
            "offers cannot start a Redis on Windows",
            hint="run offers in WSL, or set REDIS_URL to a Redis elsewhere: docker run -p 6379:6379 valkey/valkey",
        )
    server = _Server(home)
    try:
        if not server.answers():
            server.prepare()
            with _locked(server.directory / "start.lock"):
                if not server.answers():
                    _start(server)
    except OSError as exc:
        raise QueueRefused(f"cannot use {server.directory}: {exc.strerror}", hint="set OFFERS_HOME") from exc
    return server.socket


def stop_server(home: Path) -> bool:
    """Stop the embedded Redis, its data safe on disk; False when it did not run."""
    server = _Server(home)
    if not server.alive():
        return False
    os.kill(server.pid(), signal.SIGTERM)
    deadline = time.monotonic() + STOP_TIMEOUT_S
    while server.alive():
        if time.monotonic() > deadline:
            raise QueueUnavailable(f"the embedded Redis (pid {server.pid()}) does not stop", hint=server.log_hint)
        time.sleep(POLL_S)
    return True


def server_status(home: Path) -> ServerStatus:
    """What runs for `home`; starts nothing.

    Raises:
        QueueUnavailable: it does not answer.
    """
    server = _Server(home)
    if not server.answers():
        return ServerStatus(running=False, socket=server.socket, directory=server.directory)
    with server.client() as client, translate():
        facts: Any = client.info()
    name, version = name_and_version(facts)
    return ServerStatus(
        running=True,
        socket=server.socket,
        directory=server.directory,
        pid=int(facts["process_id"]),
        server=f"{name} {version}",
        clients=int(facts["connected_clients"]) - 1,
        memory_bytes=int(facts["used_memory"]),
    )


class _Server:
    """The server of one home: where it keeps its things, and whether it lives."""

    def __init__(self, home: Path) -> None:
        # one home reached by two names is one home: its server must not be taken for another's
        self.directory = home.resolve() / "redis"
        self.socket = self.directory / "redis.sock"
        if len(os.fsencode(self.socket)) > SOCKET_PATH_LIMIT:
            name = hashlib.sha256(os.fsencode(self.directory)).hexdigest()[:16]
            self.socket = SHORT_PARENT / f"offers-{os.getuid()}" / f"{name}.sock"
        self.log = self.directory / "redis.log"
        self.pidfile = self.directory / "redis.pid"
        self.lock = self.directory / "alive.lock"

    @property
    def log_hint(self) -> str:
        return f"see {self.log}"

    def prepare(self) -> None:
        for folder in (self.directory.parent, self.directory):  # `parents` alone would not close the home to others
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.socket.parent.mkdir(mode=0o700, exist_ok=True)
        _check_private(self.socket.parent)

    def client(self) -> redis.Redis:
        return connect_to_socket(self.socket)

    def answers(self) -> bool:
        """Whether it answers; waits while it loads its data."""
        import redis

        if not self.socket.exists():
            return False
        _check_private(self.socket.parent)
        deadline = time.monotonic() + LOADING_TIMEOUT_S
        with self.client() as client:
            while True:
                try:
                    return bool(client.ping())
                except redis.BusyLoadingError as exc:
                    if time.monotonic() > deadline:
                        raise QueueUnavailable("the embedded Redis is still loading", hint=self.log_hint) from exc
                    time.sleep(POLL_S)
                except redis.TimeoutError as exc:
                    raise QueueUnavailable("the embedded Redis does not answer", hint=self.log_hint) from exc
                except redis.ConnectionError:
                    return False
                except redis.ResponseError:  # with its disk full it refuses even that; what is asked next says so
                    return True

    def alive(self) -> bool:
        """Whether a server process lives: it holds the lock."""
        try:
            with os.fdopen(os.open(self.lock, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC), "rb") as file:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except FileNotFoundError:
            return False
        except BlockingIOError:
            return True
        return False

    def pid(self) -> int:
        """Only to be trusted while `alive`."""
        try:
            return int(self.pidfile.read_text())
        except (OSError, ValueError) as exc:
            raise QueueUnavailable("the embedded Redis runs, but its pid is not known", hint=self.log_hint) from exc

    def log_since(self, offset: int) -> list[str]:
        """Its lines from there on, without process, time and level."""
        try:
            with self.log.open("rb") as file:
                file.seek(offset)
                lines = file.read().decode(errors="replace").splitlines()
        except OSError:
            return []
        return [_LOG_PREFIX.sub("", line).strip() for line in lines]


def _check_private(directory: Path) -> None:
    """A socket directory that others can write to would let them stand in for our server."""
    found = directory.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise QueueRefused(
            f"{directory} must be a directory of yours alone (mode 0700)",
            hint=f"chmod 700 {shlex.quote(str(directory))}, or remove it",
        )


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with os.fdopen(open_lock(path), "wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _start(server: _Server) -> None:
    if server.alive():
        # It lives and cannot be reached: a cleaner removed its socket, or its starter died in the middle.
        stop_server(server.directory.parent)
    program = choose_program(server.directory)
    log_offset = server.log.stat().st_size if server.log.exists() else 0
    with os.fdopen(open_lock(server.lock), "wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        failure = _launch(program, server, lock.fileno())
    deadline = time.monotonic() + START_TIMEOUT_S
    while failure is None and not server.answers():
        if not server.alive() or time.monotonic() > deadline:
            failure = ""
        else:
            time.sleep(POLL_S)
    if failure is None:
        record_writer(server.directory, program)
        return
    lines = server.log_since(log_offset)
    if broken := next((line for line in lines if _UNREADABLE.search(line)), None):
        folder = shlex.quote(str(server.directory))
        raise QueueRefused(
            f"the embedded Redis cannot read its files in {server.directory}: {broken}",
            hint=f"mv {folder} {folder}.broken && offers enqueue-missing --limit 100000",
        )
    reason = failure or (lines[-1] if lines else "it wrote no log")
    raise QueueUnavailable(f"the embedded Redis did not start: {reason}", hint=server.log_hint)


def _launch(program: ServerProgram, server: _Server, lock: int) -> str | None:
    """Start the program, which goes on in the background; None, or what it said when it ended at once."""
    # A relative socket is enough for the server, which works in its directory, and is all that CLIENT INFO shows:
    # redis-py, and with it RQ's own worker, cannot read that reply when a path in it holds a blank or "=".
    socket = server.socket.name if server.socket.parent == server.directory else str(server.socket)
    command = [
        *(program.path, "--port", "0", "--dir", str(server.directory)),
        *("--unixsocket", socket, "--unixsocketperm", "700"),
        *("--pidfile", server.pidfile.name, "--logfile", server.log.name),
        *("--appendonly", "yes", "--appendfsync", "everysec", "--save", ""),
        # A job is a hash with a link or two: as one list its fields take half of what they take as a table
        *("--maxmemory-policy", "noeviction", "--hash-max-ziplist-value", "512", "--daemonize", "yes"),
    ]
    done = subprocess.run(  # noqa: S603 (our own program and paths)
        command, stdin=subprocess.DEVNULL, capture_output=True, pass_fds=(lock,), check=False
    )
    said = (done.stderr or done.stdout).decode(errors="replace").strip().splitlines()
    return (said[-1] if said else "") if done.returncode else None

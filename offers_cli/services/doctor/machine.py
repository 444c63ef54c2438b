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
    evidence = f"{platform.python_implementation()} {'.'.join(map(str, version))} at {sys.executable}"
    if version >= LEAST_PYTHON:
        return [Finding(name="python", state="ok", evidence=evidence)]
    error = ConfigError(f"{evidence} is too old", hint="uv tool install --python 3.12 offers")
    return [Finding.of("python", error)]


def look_at_home(home: Path) -> list[Finding]:
    """Whether the home is a folder of ours alone; a missing one is created when it is first needed."""
    return [_home(home)]


def _home(home: Path) -> Finding:
    try:
        check_home(home)
    except ConfigError as error:
        return Finding.of("home", error)
    if not home.exists():
        return _missing_home(home)
    found, shown = home.stat(), shlex.quote(str(home))
    if not home.is_dir():
        return _refuse_home(f"{home} is not a folder", f"mv {shown} {shown}.old")
    if found.st_mode & 0o077:
        return _refuse_home(f"{home} is open to other users (mode {found.st_mode & 0o777:04o})", f"chmod 700 {shown}")
    if not os.access(home, os.W_OK | os.X_OK):
        return _refuse_home(f"{home} cannot be written to", f"chmod 700 {shown}")
    return Finding(name="home", state="ok", evidence=f"{home}, yours alone")


def _missing_home(home: Path) -> Finding:
    above = next(folder for folder in home.parents if folder.exists())
    if above.is_dir() and os.access(above, os.W_OK | os.X_OK):
        return Finding(name="home", state="ok", evidence=f"{home} will be created when it is needed")
    advice = f"sudo install -d -m 700 -o {os.getuid()} {shlex.quote(str(home))}"
    return _refuse_home(f"{home} cannot be created in {above}", advice)


def _refuse_home(evidence: str, advice: str) -> Finding:
    return Finding.of("home", ConfigError(evidence, hint=advice))


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
        return [Finding(name="disk", state="warning", evidence=evidence, advice=advice)]
    if leftovers:
        size = sum(file.stat().st_size for file in leftovers if file.exists())
        evidence += f"; {size / 2**20:.1f} MiB are what killed backups left"
        advice = "rm -f " + " ".join(shlex.quote(str(file)) for file in leftovers)
        return [Finding(name="disk", state="warning", evidence=evidence, advice=advice)]
    return [Finding(name="disk", state="ok", evidence=evidence)]


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
        return [Finding(name="settings", state="warning", evidence="; ".join(remarks), advice=advice)]
    given = [name for name, origin in config.origins.items() if origin.kind != "default"]
    return [Finding(name="settings", state="ok", evidence=", ".join(given) + " set" if given else "all default")]


def _advice(problems: Sequence[str]) -> str:
    """Environment variables that cannot be read are to be unset."""
    names = [found[1] if (found := _IN_ENVIRONMENT.match(problem)) else None for problem in problems]
    if all(names):
        return "unset " + " ".join(filter(None, names))
    return "correct them where they stand; offers config show --origin tells where each comes from"

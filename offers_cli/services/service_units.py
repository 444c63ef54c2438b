"""Service: units that keep the worker and the dashboard running, for systemd, supervisor and Docker Compose.

The units are the files in ``units/``; what is filled in is written as each program reads it.
"""

from __future__ import annotations

import os
import re
import secrets
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from importlib import metadata, resources
from pathlib import Path
from typing import Literal

from offers_cli.config import one_line
from offers_cli.errors import ConfigError, StorageRefused, UsageError
from offers_cli.files import open_atomic
from offers_cli.installation import find_source
from offers_cli.redis.embedded import SOCKET_PATH_LIMIT
from offers_cli.report import Report

Kind = Literal["systemd", "supervisor", "compose"]
FILES: dict[Kind, tuple[str, ...]] = {
    "systemd": ("offers-worker.service", "offers-dashboard.service"),
    "supervisor": ("offers.conf",),
    "compose": ("compose.yaml",),
}
SECRETS_FILES = ("redis.env", "offers.env")
FOLDERS: dict[Kind, Path] = {
    "systemd": Path("/etc/systemd/system"),
    "supervisor": Path("/etc/supervisor/conf.d"),
    "compose": Path(),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What the units are to run.

    Attributes:
        program: the installed `offers`.
        database: the SQLite file, which may lie outside of the home; None when another storage is used.
        needs_socket: whether the embedded Redis is used, whose socket both services must see.
        unseen: the settings that stand elsewhere than in the home, where the services look.
    """

    program: Path
    home: Path
    user: str
    database: Path | None
    needs_socket: bool
    processes: int
    port: int
    unseen: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """One file: where it is, or would be."""

    path: Path
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceReport(Report):
    """The units, whether they were written, and the commands that start them.

    Attributes:
        unseen: the settings that hold here and that the services will not see, each with where it stands.
    """

    kind: Kind
    files: tuple[Unit, ...]
    installed: bool
    next: tuple[str, ...]
    unseen: tuple[str, ...] = ()


def make_units(kind: Kind, plan: Plan, *, folder: Path | None = None) -> ServiceReport:
    """The units of one kind, not yet written.

    Raises:
        ConfigError: a path or a name cannot be written into such a unit.
    """
    values = _VALUES[kind](plan)
    target = (folder or FOLDERS[kind]).absolute()
    units = tuple(Unit(path=target / name, text=_fill(name, values)) for name in FILES[kind])
    unseen = () if kind == "compose" else plan.unseen  # whose containers have a file of settings of their own
    return ServiceReport(kind=kind, files=units, next=_next(kind, plan), installed=False, unseen=unseen)


def _next(kind: Kind, plan: Plan) -> tuple[str, ...]:
    home = f"install -d -m 700 -o {shlex.quote(plan.user)} {shlex.quote(str(plan.home))}"
    if kind == "systemd":
        return home, "systemctl daemon-reload", "systemctl enable --now offers-worker offers-dashboard"
    if kind == "supervisor":
        return home, "supervisorctl update"
    return (f"BUILD_FROM={_build_from()} docker compose up --build --detach",)


def _build_from() -> str:
    """The folder that holds the checkout or the wheel that this program came from."""
    source = find_source()
    if source is None:
        return "FOLDER_OF_THE_CHECKOUT"
    return shlex.quote(str(source if source.is_dir() else source.parent))


def install(report: ServiceReport, plan: Plan, *, overwrite: bool) -> ServiceReport:
    """Write the units; for Compose also a file with fresh secrets, unless there is one.

    Args:
        overwrite: also over files that say something else.

    Raises:
        UsageError: a file that says something else is there.
        StorageRefused: the folder cannot be written to.
    """
    differing = [unit.path for unit in report.files if _says_something_else(unit)]
    if differing and not overwrite:
        raise UsageError(f"{differing[0]} is there and says something else", hint="--yes replaces it")
    for unit in report.files:
        _write(unit.path, unit.text, mode=0o644)
    if report.kind == "compose":
        _write_secrets(report.files[0].path.parent, plan)
    return replace(report, installed=True)


def _says_something_else(unit: Unit) -> bool:
    try:
        return unit.path.exists() and not (unit.path.is_file() and unit.path.read_bytes() == unit.text.encode())
    except OSError:
        return True


def _write_secrets(folder: Path, plan: Plan) -> None:
    """Both files hold the password of Redis, so that they are written together or not at all."""
    missing = [name for name in SECRETS_FILES if not (folder / name).exists()]
    if not missing:
        return
    if len(missing) < len(SECRETS_FILES):
        there = next(name for name in SECRETS_FILES if name not in missing)
        raise UsageError(f"{folder / missing[0]} is missing", hint=f"write it by {there}, or remove that one too")
    values = {
        "redis_password": secrets.token_hex(24),
        "dashboard_token": secrets.token_hex(24),
        "port": str(plan.port),
    }
    for name in SECRETS_FILES:
        _write(folder / name, _fill(name, values), mode=0o600)


def _write(path: Path, text: str, *, mode: int) -> None:
    """Write a file that appears whole, and was never open to more than `mode`."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open_atomic(path) as file:
            file.write(text.encode())
            os.fchmod(file.fileno(), mode)
    except OSError as exc:
        hint = "run it with sudo, or name another folder with --to"
        raise StorageRefused(f"{path} cannot be written: {exc.strerror}", hint=hint) from exc


def _fill(name: str, values: Mapping[str, str]) -> str:
    text = resources.files(__package__).joinpath("units", name).read_text("utf-8")
    return re.sub(r"\{\{(\w+)\}\}", lambda found: values[found[1]], text)


def _systemd(plan: Plan) -> dict[str, str]:
    """Quoting: systemd.syntax(7).

    ``%`` begins a specifier, a line that ends with a back-slash goes on in the next, and a program's name may hold
    no quotes at all.
    """
    home = _line("OFFERS_HOME", plan.home, r".*[^\s\\]")
    _check_socket(plan)
    program = _line("the program's path", plan.program, r"""[^"'\\]+""")
    writable = [home, *([_line("OFFERS_DB", plan.database.parent)] if plan.database else [])]
    return {
        "user": _user(plan.user),
        "program": _systemd_quoted(program),
        "home_plain": home.replace("%", "%%"),
        "home_setting": _systemd_quoted(f"OFFERS_HOME={home}"),
        "writable": " ".join(map(_systemd_quoted, dict.fromkeys(writable))),
        "processes": str(plan.processes),
        "port": str(plan.port),
    }


def _systemd_quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{escaped}"'


def _check_socket(plan: Plan) -> None:
    """A deep home has its socket in /tmp, of which each service has its own: they would fight over one Redis."""
    if plan.needs_socket and len(str(plan.home / "redis" / "redis.sock").encode()) > SOCKET_PATH_LIMIT:
        raise ConfigError(
            f"{plan.home} is too long a path for services that share the embedded Redis",
            hint="set OFFERS_HOME to a shorter one, or REDIS_URL",
        )


def _supervisor(plan: Plan) -> dict[str, str]:
    """Comments are cut off before quotes are looked at, so that some characters cannot be written at all."""
    writable = r"""([^;#"'\\,]*[^\s;#"'\\,])"""
    home = _line("OFFERS_HOME", plan.home, writable).replace("%", "%%")
    program = _line("the program's path", plan.program, writable)
    return {
        "user": _user(plan.user),
        "program": shlex.quote(program).replace("%", "%%"),
        "home_plain": home,
        "home_setting": f'OFFERS_HOME="{home}"',
        "processes": str(plan.processes),
        "port": str(plan.port),
    }


def _compose(plan: Plan) -> dict[str, str]:
    """Nothing of this machine goes into the containers."""
    return {
        "version": metadata.version("offers"),
        "processes": str(plan.processes),
        "port": str(plan.port),
    }


_VALUES: dict[Kind, Callable[[Plan], dict[str, str]]] = {
    "systemd": _systemd,
    "supervisor": _supervisor,
    "compose": _compose,
}


def _line(what: str, value: Path, writable: str = r".*") -> str:
    """The path as one line of a unit, not quoted yet; raises `ConfigError` for what that kind of unit cannot hold."""
    try:
        text = one_line(str(value))
    except ValueError as exc:
        raise ConfigError(f"{what} {str(value)!r}: {exc}", hint="choose another folder") from exc
    if not re.fullmatch(writable, text):
        raise ConfigError(f"{what} {text!r} holds characters that a unit cannot hold", hint="choose another folder")
    return text


def _user(name: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]*\$?", name, re.ASCII):
        raise ConfigError(f"{name!r} is not a user's name", hint="--user NAME")
    return name

"""Whose home it is."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

from offers_cli.errors import ConfigError


def check_owner(home: Path) -> None:
    """Refuse a home of another user: what we create in it, its owner cannot open.

    Raises:
        ConfigError: it belongs to somebody else, or we are root and would create it in somebody else's folder.
    """
    if os.name == "nt":
        return
    try:
        place = next(folder for folder in (home, *home.parents) if folder.exists())
        owner = place.stat().st_uid
    except PermissionError as exc:
        raise ConfigError(f"{home} cannot be entered: {exc.strerror}", hint="set OFFERS_HOME") from exc
    if owner == os.getuid():
        return
    if place == home or (os.getuid() == 0 and owner != 0):
        name, ours = _user_name(owner), _user_name(os.getuid())
        raise ConfigError(
            f"{place} belongs to {name}, and you are {ours}",
            hint=f"run it as {name} (sudo -u {shlex.quote(name)} …), or set OFFERS_HOME",
        )


def _user_name(uid: int) -> str:
    import pwd

    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"#{uid}"

"""Whose home it is."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

from offers_cli.config.owners import other_writers, user_name
from offers_cli.errors import ConfigError


def check_home(home: Path) -> None:
    """Refuse a home of another user, what we create in it its owner cannot open, and one that others may write to.

    Raises:
        ConfigError: it belongs to somebody else, or we are root and would create it in somebody else's folder, or
            others could put files of their own into it.
    """
    if os.name == "nt":
        return
    try:
        place = next(folder for folder in (home, *home.parents) if folder.exists())
        facts = place.stat()
    except PermissionError as exc:
        raise ConfigError(f"{home} cannot be entered: {exc.strerror}", hint="set OFFERS_HOME") from exc
    if facts.st_uid != os.getuid() and (place == home or (os.getuid() == 0 and facts.st_uid != 0)):
        name, ours = user_name(facts.st_uid), user_name(os.getuid())
        raise ConfigError(
            f"{place} belongs to {name}, and you are {ours}",
            hint=f"run it as {name} (sudo -u {shlex.quote(name)} …), or set OFFERS_HOME",
        )
    if place == home and (writers := other_writers(facts)):
        raise ConfigError(
            f"{home} can be written to by {writers} (mode {facts.st_mode & 0o7777:04o})",
            hint=f"chmod go-w {shlex.quote(str(home))}",
        )

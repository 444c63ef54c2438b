"""Whose a file, a folder or the home is, and who else may write to it."""

from __future__ import annotations

import os
import shlex
import stat
from pathlib import Path

from offers_cli.errors import ConfigError


def user_name(uid: int) -> str:
    """The user's name, or the number of one who has none."""
    import pwd

    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"#{uid}"


def foreign_owner(facts: os.stat_result) -> str | None:
    """The name of the owner, unless that is us or root, who can do everything anyway."""
    return None if facts.st_uid in (os.geteuid(), 0) else user_name(facts.st_uid)


def other_writers(facts: os.stat_result) -> str | None:
    """Who may write to it beside its owner: ``everybody``, a group, or nobody."""
    if facts.st_mode & stat.S_IWOTH:
        return "everybody"
    if facts.st_mode & stat.S_IWGRP and not _is_private_group(facts.st_gid):
        return f"the group {_group_name(facts.st_gid)}"
    return None


def _is_private_group(gid: int) -> bool:
    """Whether it is the group of our own that many systems give each user: it has our name and no other member."""
    import grp
    import pwd

    try:
        us, group = pwd.getpwuid(os.geteuid()), grp.getgrgid(gid)
    except KeyError:
        return False
    return gid == us.pw_gid and group.gr_name == us.pw_name and set(group.gr_mem) <= {us.pw_name}


def _group_name(gid: int) -> str:
    import grp

    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return f"#{gid}"


def check_home(home: Path) -> None:
    """Refuse a home of another user, what we create in it its owner cannot open, and one that others may write to.

    Raises:
        ConfigError: it is no folder, or it belongs to somebody else, or we are root and would create it in somebody
            else's folder, or others could put files of their own into it.
    """
    if os.name == "nt":
        return
    try:
        place = next(folder for folder in (home, *home.parents) if folder.exists())
        facts = place.stat()
    except PermissionError as exc:
        raise ConfigError(
            f"{home} cannot be entered: it is not yours", hint="set OFFERS_HOME to a folder of yours"
        ) from exc
    if not stat.S_ISDIR(facts.st_mode):
        raise ConfigError(f"OFFERS_HOME is {home}, and {place} is not a folder", hint="set OFFERS_HOME to a folder")
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

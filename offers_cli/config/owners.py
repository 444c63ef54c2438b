"""Whose a file or folder is, and who else may write to it."""

from __future__ import annotations

import os
import stat


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

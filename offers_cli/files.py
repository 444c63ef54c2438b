"""Paths that people write, and files of ours that nobody else may stand in for."""

from __future__ import annotations

import os
from pathlib import Path


def parse_path(text: str) -> Path:
    """The path that a text names, with `~` expanded; there may be nothing there.

    Raises:
        ValueError: no file can have that name, with the reason.
    """
    try:
        path = Path(text).expanduser()
        path.lstat()
    except RuntimeError as exc:
        raise ValueError(f"{text.partition('/')[0][:80]} stands for no home directory") from exc
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return path
    except OSError as exc:
        raise ValueError((exc.strerror or "no such path").lower()) from exc
    return path


def is_file(path: Path) -> bool:
    """Whether there is a file that we can see; a folder that cannot be entered shows none."""
    try:
        return path.is_file()
    except OSError:
        return False


def open_lock(path: Path) -> int:
    """Open a file to be locked, created with mode 0600 if need be; a link that somebody planted there is not followed.

    Returns its descriptor, which the caller closes. Raises `OSError`.
    """
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)

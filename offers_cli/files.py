"""Paths that people write, and files of ours: private, whole, and never another's in their place."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


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


def is_folder(path: Path) -> bool:
    """Whether there is a folder that we can see."""
    try:
        return path.is_dir()
    except OSError:
        return False


def open_lock(path: Path) -> int:
    """Open a file to be locked, created with mode 0600 if need be; a link that somebody planted there is not followed.

    Returns its descriptor, which the caller closes. Raises `OSError`.
    """
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)


@contextmanager
def open_atomic(path: Path, *, mode: int = 0o600, durable: bool = True) -> Iterator[BinaryIO]:
    """A new file beside `path` that takes its name when all is written; until then, and on any error, the old stands.

    A link at `path` is replaced, not followed. An error leaves nothing behind.

    Args:
        mode: what the file is created with, less the umask.
        durable: also survive a power cut, for one fsync.

    Raises:
        OSError: it cannot be written there.
    """
    partial = path.with_name(f".{path.name[:40]}.{uuid.uuid4().hex[:8]}.tmp")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    try:  # a Ctrl-C may come as soon as the file is there
        with os.fdopen(os.open(partial, flags, mode), "wb") as file:
            yield file
            file.flush()
            if durable:
                os.fsync(file.fileno())
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def write_atomic(path: Path, data: bytes, *, durable: bool = True) -> None:
    """Write a private file, whole or not at all, in the place of whatever is there; see `open_atomic`."""
    with open_atomic(path, durable=durable) as file:
        file.write(data)

"""Files that take their name when they are whole: until then they are hidden, private and named by their process."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_NAME = re.compile(r"\..+\.(?P<pid>\d+)\.partial(-wal|-shm|-journal)?")
_COMPANIONS = ("", "-wal", "-shm", "-journal")


@contextmanager
def partial_file(target: Path) -> Iterator[Path]:
    """A private file beside `target`, empty at first, that vanishes at the end unless it was given another name.

    What killed processes left in that folder is removed first.
    """
    for leftover in find_leftovers(target.parent):
        leftover.unlink(missing_ok=True)
    partial = target.with_name(f".{target.name}.{os.getpid()}.partial")
    try:
        os.close(os.open(partial, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        yield partial
    finally:
        for companion in _COMPANIONS:
            partial.with_name(partial.name + companion).unlink(missing_ok=True)


def find_leftovers(folder: Path) -> list[Path]:
    """The partial files of processes that are no more."""
    if not folder.is_dir():
        return []
    named = ((file, _NAME.fullmatch(file.name)) for file in folder.iterdir())
    return [file for file, match in named if match and not _is_alive(int(match["pid"]))]


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True

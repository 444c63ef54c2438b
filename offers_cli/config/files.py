"""Files of settings: read whole and bounded, and only where nobody else can have written them.

What is judged is the opened folder and the opened file, not their path, so that nothing can be swapped in between.
"""

from __future__ import annotations

import codecs
import os
import shlex
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from offers_cli.config.owners import foreign_owner, other_writers, user_name

MAX_BYTES = 2**20
_ENTER = getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY | os.O_CLOEXEC
_READ = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC  # to open a FIFO is not to wait for its writer


class NotTrusted(Exception):
    """A file that somebody else can have written.

    Attributes:
        reason: whose it is, or who may write to it.
        advice: what mends it.
    """

    def __init__(self, reason: str, *, advice: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.advice = advice


def read_settings_file(path: Path) -> tuple[str, os.stat_result] | None:
    """Text and facts of a file of settings, None when there is none.

    It must be ours or root's, and so must its folder, and nobody else may write to either; to a sticky folder such as
    ``/tmp`` others may, for they cannot touch our files in it. A symbolic link is judged by its own folder and owner,
    and by the file that it leads to.

    Raises:
        NotTrusted: somebody else can have written it.
        PermissionError: its folder cannot be entered.
        OSError, ValueError: it cannot be read; or it is not a file, not UTF-8, or larger than `MAX_BYTES`.
    """
    with _entered(path.parent) as folder:
        if folder is None:
            return None
        try:
            entry = os.stat(path.name, dir_fd=folder, follow_symlinks=False)
        except FileNotFoundError:
            return None
        _judge_folder(path, os.fstat(folder))
        _judge_owner(path, entry)
        try:
            file = os.open(path.name, _READ, dir_fd=folder)
        except FileNotFoundError:  # a link that leads nowhere
            return None
        except PermissionError as exc:
            raise ValueError("permission denied") from exc
    return _read(file, judge=path)


def read_secret_file(path: Path) -> str:
    """The text of a file, or of a pipe, that holds a secret; raises `OSError` or `ValueError`, as above."""
    text, _ = _read(os.open(path, _READ))
    return text


def _read(file: int, *, judge: Path | None = None) -> tuple[str, os.stat_result]:
    """Read and close an opened file; only one that is judged as a file of settings must be a file."""
    try:
        facts = os.fstat(file)
        if judge:
            _judge_file(judge, facts)
        if not stat.S_ISREG(facts.st_mode) and (judge or not stat.S_ISFIFO(facts.st_mode)):
            raise ValueError("it is not a file")
        os.set_blocking(file, True)
        data = bytearray()
        while len(data) <= MAX_BYTES and (more := os.read(file, MAX_BYTES)):
            data += more
    finally:
        os.close(file)
    if len(data) > MAX_BYTES:
        raise ValueError(f"it is larger than {MAX_BYTES // 2**10} KiB")
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise ValueError("it is UTF-16; save it as UTF-8")
    if 0 in data:
        raise ValueError("it holds a NUL character")
    try:
        return data.decode("utf-8-sig"), facts
    except UnicodeDecodeError as exc:
        raise ValueError(f"byte {exc.start} is not UTF-8") from None  # the cause would quote it


@contextmanager
def _entered(folder: Path) -> Iterator[int | None]:
    try:
        opened = os.open(folder, _ENTER)
    except (FileNotFoundError, NotADirectoryError):
        yield None
        return
    try:
        yield opened
    finally:
        os.close(opened)


def _judge_folder(path: Path, facts: os.stat_result) -> None:
    folder = path.parent
    if owner := foreign_owner(facts):
        advice = f"read it, and copy what you trust into a folder of {user_name(os.geteuid())}"
        raise NotTrusted(f"its folder belongs to {owner}", advice=advice)
    writers = None if facts.st_mode & stat.S_ISVTX else other_writers(facts)
    if writers:
        raise NotTrusted(f"its folder can be written to by {writers}", advice=f"chmod go-w {shlex.quote(str(folder))}")


def _judge_owner(path: Path, facts: os.stat_result) -> None:
    if owner := foreign_owner(facts):
        us, shown = shlex.quote(user_name(os.geteuid())), shlex.quote(str(path))
        raise NotTrusted(f"it belongs to {owner}", advice=f"read it, then: sudo chown -h {us} {shown}")


def _judge_file(path: Path, facts: os.stat_result) -> None:
    _judge_owner(path.resolve(), facts)
    if writers := other_writers(facts):
        raise NotTrusted(f"it can be written to by {writers}", advice=f"chmod go-w {shlex.quote(str(path))}")

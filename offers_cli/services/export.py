"""Export: offers out of the storage into a file or a pipe, streamed as csv, json, jsonl or parquet."""

from __future__ import annotations

import csv
import errno
import os
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from io import TextIOWrapper
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

from offers_cli.errors import StorageUnavailable, UsageError
from offers_cli.files import open_atomic
from offers_cli.offer import FACTS, Facts
from offers_cli.report import INTERNAL, Problem, Report, plain
from offers_cli.storage.base import OfferFilter, Storage, StoredOffer
from offers_cli.text import cell_of_csv, json_text

Row = dict[str, Any]
Write = Callable[[Iterable[Row], BinaryIO], None]

COLUMNS = {field.name: str(field.type) for field in fields(StoredOffer) if field.metadata != INTERNAL}
"""What an object of JSON holds, and the type of each."""
CELLS = {name: kind for name, kind in COLUMNS.items() if name != "facts"} | {
    fact.name: str(fact.type) for fact in fields(Facts)
}
"""What a row of a table holds: each fact has a column of its own, so that it can be filtered and summed."""
GROUP = 10_000
"""Rows of one row group of a parquet file."""


def write_csv(rows: Iterable[Row], out: BinaryIO) -> None:
    """UTF-8, comma-separated, headings first, prices as cents (a decimal mark means another thing in each country).

    A fact that nobody told is an empty cell, a fact that is a yes or no ``true`` or ``false``.
    """
    text = TextIOWrapper(out, encoding="utf-8", newline="", write_through=True)
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(CELLS)
    writer.writerows([_cell(value) for value in _flat(row).values()] for row in rows)
    text.detach()


def _flat(row: Row) -> Row:
    """The row with its facts in cells of their own, as `CELLS` has them."""
    facts = {name: getattr(row["facts"], name) for name in FACTS}
    return {name: (facts if name in FACTS else row)[name] for name in CELLS}


def _cell(value: Any) -> Any:
    if isinstance(value, str):
        return cell_of_csv(value)
    return _json(value) if isinstance(value, dict | bool) else plain(value)


def write_jsonl(rows: Iterable[Row], out: BinaryIO) -> None:
    """One JSON object a line."""
    out.writelines(_json(row).encode() + b"\n" for row in rows)


def write_json(rows: Iterable[Row], out: BinaryIO) -> None:
    """One JSON array, an object a line."""
    separator = b"[\n"
    for row in rows:
        out.write(separator + _json(row).encode())
        separator = b",\n"
    out.write(b"[]\n" if separator == b"[\n" else b"\n]\n")


def _json(value: Any) -> str:
    return json_text(value, default=plain)


def write_parquet(rows: Iterable[Row], out: BinaryIO) -> None:
    """Columns with types: cents and percentages as integers, times in UTC, a column a fact, strategies as JSON text."""
    pa, pq = _import_pyarrow()
    schema = pa.schema([(name, _arrow_type(pa, kind)) for name, kind in CELLS.items()])
    with pq.ParquetWriter(out, schema, compression="zstd") as writer:
        for group in _groups(rows):
            table = [_flat(row) | {"strategies": _json(row["strategies"])} for row in group]
            writer.write_table(pa.Table.from_pylist(table, schema=schema))


def _import_pyarrow() -> tuple[Any, Any]:
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as exc:
        raise UsageError(
            "parquet needs pyarrow, which is not installed",
            hint="pip install 'offers[parquet]', or --format csv, json or jsonl",
        ) from exc
    return pa, pq


def _arrow_type(pa: Any, declared: str) -> Any:
    kind = declared.removesuffix(" | None")
    kinds = {"int": pa.int64(), "bool": pa.bool_(), "datetime": pa.timestamp("us", tz="UTC")}
    return kinds.get(kind, pa.string())


def _groups(rows: Iterable[Row]) -> Iterator[list[Row]]:
    waiting = iter(rows)
    while group := list(islice(waiting, GROUP)):
        yield group


FORMATS: dict[str, Write] = {"csv": write_csv, "json": write_json, "jsonl": write_jsonl, "parquet": write_parquet}
SUFFIXES = {".csv": "csv", ".json": "json", ".jsonl": "jsonl", ".ndjson": "jsonl", ".parquet": "parquet"}


PROGRESS_EVERY = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportReport(Report):
    """What was written: `file` is None for a pipe; `offers` are the offers themselves where they go into the report."""

    format: str
    file: Path | None
    exported: int
    offers: tuple[StoredOffer, ...] | None = None


def choose_format(asked: str | None, file: Path | None) -> str:
    """The format asked for, or the one that the file's suffix names; csv for a pipe.

    Raises:
        UsageError: neither does.
    """
    if asked is not None:
        return asked
    if file is None:
        return "csv"
    if file.suffix.lower() not in SUFFIXES:
        raise UsageError(f"{file}: its suffix names no format", hint="--format " + ", ".join(FORMATS))
    return SUFFIXES[file.suffix.lower()]


def export(
    wanted: OfferFilter,
    *,
    storage: Storage,
    format: str,  # noqa: A002  (the word of the flag and of the report)
    file: Path | None,
    pipe: BinaryIO,
    on_progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> ExportReport:
    """Write the matching offers to `file`, whole or not at all, or to `pipe` when there is none.

    Args:
        on_progress: is given the number of offers written so far, and how many match.

    Raises:
        UsageError: the file cannot be written there, or pyarrow is missing.
        StorageUnavailable: the disk is full.
    """
    total = _count(wanted, storage)
    rows = _Rows(storage.find_offers(wanted), lambda done: on_progress(done, total))
    if file is None:
        FORMATS[format](rows, pipe)
        pipe.flush()
    else:
        with open_whole(file) as out:
            FORMATS[format](rows, out)
    problems = _shortfall(rows.count, wanted, storage=storage, before=total)
    return ExportReport(format=format, file=file, exported=rows.count, problems=problems)


def gather(wanted: OfferFilter, *, storage: Storage) -> ExportReport:
    """The matching offers inside the report, for who wants one document."""
    total = _count(wanted, storage)
    offers = tuple(storage.find_offers(wanted))
    problems = _shortfall(len(offers), wanted, storage=storage, before=total)
    return ExportReport(format="json", file=None, exported=len(offers), offers=offers, problems=problems)


def _count(wanted: OfferFilter, storage: Storage) -> int:
    count = storage.count_offers(wanted)
    return count if wanted.limit is None else min(count, wanted.limit)


def _shortfall(exported: int, wanted: OfferFilter, *, storage: Storage, before: int) -> tuple[Problem, ...]:
    """The problem of an export with fewer offers than there were both before and after it.

    A filter that offers leave while they are worked on proves nothing: as many may have come as have gone.
    """
    if wanted.missing or wanted.status or wanted.is_by_value:
        return ()
    if exported >= before or exported >= (after := _count(wanted, storage)):
        return ()
    message = f"{exported} offers were written, but {min(before, after)} match: the export is not complete"
    return (Problem(code="incomplete", message=message, hint="run the export again"),)


class _Rows:
    """The offers as rows, counted while they pass."""

    def __init__(self, offers: Iterator[StoredOffer], on_progress: Callable[[int], None]) -> None:
        self._offers = offers
        self._on_progress = on_progress
        self.count = 0

    def __iter__(self) -> Iterator[Row]:
        for offer in self._offers:
            yield {name: getattr(offer, name) for name in COLUMNS}
            self.count += 1
            if self.count % PROGRESS_EVERY == 0:
                self._on_progress(self.count)


@contextmanager
def open_whole(path: Path) -> Iterator[BinaryIO]:
    """A file that appears under its name when all is written; until then, and on any failure, the old one stands.

    A device or a named pipe is written directly. A link is replaced and what it leads to left alone: somebody else may
    have put it there. A new file has the rights that the umask leaves, and is never for others to write; an old one
    keeps its own.

    Raises:
        UsageError: it cannot be written there, with the system's reason.
        StorageUnavailable: the disk is full.
    """
    with _as_ours(path):
        if _is_a_stream(path):
            with path.open("wb") as out:
                yield out
            return
        if path.is_dir():  # by a link too, which must not be replaced by a file
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        kept_mode = stat.S_IMODE(path.stat().st_mode) if path.is_file() and not path.is_symlink() else None
        with open_atomic(path, mode=0o644) as out:
            yield out
            if kept_mode is not None:
                os.fchmod(out.fileno(), kept_mode)


def _is_a_stream(path: Path) -> bool:
    """Whether it is a device, a pipe, or one of the names of an open file, such as ``/dev/stdout`` or ``/dev/fd/3``."""
    folder = path.parent.resolve()
    is_name_of_open_file = path.is_symlink() and (folder == Path("/dev") or folder.is_relative_to("/proc"))
    return path.exists() and (is_name_of_open_file or not (path.is_file() or path.is_dir()))


@contextmanager
def _as_ours(path: Path) -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as exc:
        if exc.errno in (errno.ENOSPC, errno.EDQUOT):
            raise StorageUnavailable(f"{path} cannot be written: {exc.strerror}", hint="free some disk space") from exc
        raise UsageError(
            f"{path} cannot be written: {exc.strerror}", hint="give another file, or - for a pipe"
        ) from exc

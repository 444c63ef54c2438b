"""Export: offers out of the storage into a file or a pipe, streamed as csv, json, jsonl, parquet or xlsx."""

from __future__ import annotations

import csv
import errno
import os
import stat
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from io import StringIO
from itertools import chain, islice
from pathlib import Path
from types import NoneType
from typing import Any, BinaryIO

from offers_cli.errors import StorageUnavailable, UsageError
from offers_cli.files import open_atomic
from offers_cli.installation import extra_command
from offers_cli.report import INTERNAL, Problem, Report
from offers_cli.services.fields import COLUMNS, FIELDS, chosen, without_unit
from offers_cli.storage.base import Columns, OfferFilter, Storage, StoredOffer
from offers_cli.text import cell_of_csv, cells_of_csv, json_text, printable

Write = Callable[[Iterable[Columns], BinaryIO, Sequence[str]], None]
"""Writes offers to a file: of each these fields, in their order; all where there are none."""

TIMES = frozenset(name for name, kind in FIELDS.items() if kind.startswith("datetime"))
"""Fields whose text is made of a time, and of nothing that somebody wrote."""
GROUP = 10
"""How often offers in columns come until they are one row group of a parquet file."""


def write_csv(offers: Iterable[Columns], out: BinaryIO, names: Sequence[str] = ()) -> None:
    """UTF-8, comma-separated, headings first, prices as cents (a decimal mark means another thing in each country).

    A fact that nobody told is an empty cell, a fact that is a yes or no ``true`` or ``false``.
    """
    names = names or tuple(FIELDS)
    batches = _rows(offers, names, _cells)
    _write_rows(batches, out, headings=names, mark="", delimiter=",")


def write_excel_csv(offers: Iterable[Columns], out: BinaryIO, names: Sequence[str] = ()) -> None:
    """As Excel opens it in Brazil by a double click.

    A mark that says UTF-8, semicolons, headings in words, amounts in units of the currency with a decimal comma, times
    local and the day first.
    """
    names = names or tuple(FIELDS)
    batches = _rows(offers, names, lambda name, column: map(_brazilian_cell, _for_spreadsheet(name, column)))
    _write_rows(batches, out, headings=_headings(names), mark="\ufeff", delimiter=";")


def _write_rows(
    batches: Iterable[Iterable[Sequence[object]]], out: BinaryIO, *, headings: Sequence[str], mark: str, delimiter: str
) -> None:
    text = StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n", delimiter=delimiter)
    text.write(mark)
    for rows in chain([[headings]], batches):
        writer.writerows(rows)
        out.write(text.getvalue().encode())
        text.seek(0)
        text.truncate()


def _rows(
    offers: Iterable[Columns], names: Sequence[str], written: Callable[[str, Sequence[Any]], Iterable[Any]]
) -> Iterator[Iterator[tuple[Any, ...]]]:
    """The offers row by row, as many at a time as come: of each field its column as it is written."""
    for some in offers:
        yield zip(*(written(name, some[name]) for name in names), strict=True)


def _cells(name: str, column: Sequence[Any]) -> Sequence[object]:
    kinds = {*map(type, column)}
    if name in TIMES or kinds <= {int, NoneType}:
        return column
    if all(issubclass(kind, str | NoneType) for kind in kinds):
        return cells_of_csv(column)
    if kinds <= {bool, NoneType}:
        words = {value: _cell(value) for value in (None, False, True)}
        return [words[value] for value in column]
    cells = {key: _cell(value) for key, value in {id(value): value for value in column}.items()}
    return [cells[id(value)] for value in column]  # offers share their objects


def _cell(value: object) -> object:
    if isinstance(value, str):
        return cell_of_csv(value)
    return json_text(value) if isinstance(value, dict | bool) else value


def _brazilian_cell(value: object) -> object:
    if isinstance(value, str):
        return cell_of_csv(value)
    if isinstance(value, datetime):
        return f"{value:%d/%m/%Y %H:%M}"
    return str(value).replace(".", ",") if isinstance(value, Decimal) else value


def _headings(names: Sequence[str]) -> list[str]:
    """In words; a percentage says so, for the cell holds the number alone."""
    return [without_unit(name).replace("_", " ") + (" %" if name.endswith("_pct") else "") for name in names]


def _for_spreadsheet(name: str, column: Sequence[Any]) -> Iterator[object]:
    """Values as a person puts them into cells: amounts in units, times local and without zone, yes and no."""
    is_amount = name.endswith(("_cents", "_hundredths"))
    for value in _typed(name, column):
        if isinstance(value, bool):
            yield "yes" if value else "no"
        elif isinstance(value, int) and is_amount:
            yield Decimal(value).scaleb(-2)
        elif isinstance(value, datetime):
            yield value.astimezone().replace(tzinfo=None)
        else:
            yield value


def _typed(name: str, column: Sequence[Any]) -> Iterator[Any]:
    """Times as such, and objects as their JSON text."""
    for value in column:
        if name in TIMES and value is not None:
            yield datetime.fromisoformat(value)
        else:
            yield json_text(value) if isinstance(value, dict) else value


def write_xlsx(offers: Iterable[Columns], out: BinaryIO, names: Sequence[str] = ()) -> None:
    """A workbook of one sheet: numbers, amounts and local times as such, texts never as formulas or links.

    Raises:
        UsageError: XlsxWriter is missing, or there are more offers than a sheet has rows.
    """
    workbook = _import_workbook()
    names = names or tuple(FIELDS)
    with workbook(out, {"constant_memory": True}) as book:
        sheet = book.add_worksheet("offers")
        heading = book.add_format({"bold": True})
        amount, time = (book.add_format({"num_format": built_in}) for built_in in XLSX_FORMATS)
        for column, text in enumerate(_headings(names)):
            sheet.set_column(column, column, XLSX_WIDTHS.get(names[column], 14))
            sheet.write_string(0, column, text, heading)
        sheet.freeze_panes(1, 0)
        row = 0
        for row, values in enumerate(chain.from_iterable(_rows(offers, names, _for_spreadsheet)), start=1):
            if row >= XLSX_ROWS:
                raise UsageError(f"a sheet holds no more than {XLSX_ROWS - 1} offers", hint="--format csv, or --limit")
            for column, value in enumerate(values):
                if isinstance(value, Decimal):
                    sheet.write_number(row, column, value, amount)
                elif isinstance(value, int):
                    sheet.write_number(row, column, value)
                elif isinstance(value, datetime):
                    sheet.write_datetime(row, column, value, time)
                elif value is not None:
                    sheet.write_string(row, column, printable(str(value)))
        sheet.autofilter(0, 0, row, len(names) - 1)


XLSX_ROWS = 1_048_576
XLSX_FORMATS = ("#,##0.00", 22)
"""Amounts and times as each country's Excel shows them: 22 is its own form of date and time."""
XLSX_WIDTHS = {"title": 60, "url": 40, "affiliate_link": 40, "id": 38}


def _import_workbook() -> Any:
    try:
        from xlsxwriter import Workbook
    except ImportError as exc:
        raise UsageError(
            "xlsx needs XlsxWriter, which is not installed",
            hint=f"{extra_command('xlsx')}; or --format csv --excel",
        ) from exc
    return Workbook


def write_jsonl(offers: Iterable[Columns], out: BinaryIO, names: Sequence[str] = ()) -> None:
    """One JSON object a line."""
    out.writelines(text.encode() + b"\n" for text in _objects(offers, names))


def write_json(offers: Iterable[Columns], out: BinaryIO, names: Sequence[str] = ()) -> None:
    """One JSON array, an object a line."""
    separator = b"[\n"
    for text in _objects(offers, names):
        out.write(separator + text.encode())
        separator = b",\n"
    out.write(b"[]\n" if separator == b"[\n" else b"\n]\n")


def _objects(offers: Iterable[Columns], names: Sequence[str]) -> Iterator[str]:
    """Each offer as JSON: all its columns, the facts in one object, or the chosen fields."""
    names = names or tuple(COLUMNS)
    for row in chain.from_iterable(_rows(offers, names, lambda _name, column: column)):
        yield json_text(dict(zip(names, row, strict=True)))


def write_parquet(offers: Iterable[Columns], out: BinaryIO, names: Sequence[str] = ()) -> None:
    """Columns with types: cents and percentages as integers, times in UTC, a column a fact, strategies as JSON text."""
    pa, pq = _import_pyarrow()
    names = names or tuple(FIELDS)
    schema = pa.schema([(name, _arrow_type(pa, FIELDS[name])) for name in names])
    # Each batch as Arrow keeps it, a tenth of what it takes in Python.
    batches = (pa.record_batch([list(_typed(name, some[name])) for name in names], schema) for some in offers)
    with pq.ParquetWriter(out, schema, compression="zstd") as writer:
        while group := list(islice(batches, GROUP)):
            writer.write_table(pa.Table.from_batches(group))


def _import_pyarrow() -> tuple[Any, Any]:
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as exc:
        raise UsageError(
            "parquet needs pyarrow, which is not installed",
            hint=f"{extra_command('parquet')}; or --format csv, json or jsonl",
        ) from exc
    return pa, pq


def _arrow_type(pa: Any, declared: str) -> Any:
    kind = declared.removesuffix(" | None")
    kinds = {"int": pa.int64(), "bool": pa.bool_(), "datetime": pa.timestamp("us", tz="UTC")}
    return kinds.get(kind, pa.string())


FORMATS: dict[str, Write] = {
    "csv": write_csv,
    "json": write_json,
    "jsonl": write_jsonl,
    "parquet": write_parquet,
    "xlsx": write_xlsx,
}
SUFFIXES = {
    ".csv": "csv",
    ".json": "json",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
    ".xlsx": "xlsx",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportReport(Report):
    """What was written: `file` is None for a pipe; `offers` are the offers themselves where they go into the report.

    Attributes:
        fields: of each of the `offers` these alone are shown; empty for all.
    """

    format: str
    file: Path | None
    exported: int
    offers: tuple[StoredOffer, ...] | None = None
    fields: tuple[str, ...] = field(default=(), metadata=INTERNAL)

    def data(self) -> dict[str, Any]:
        """The figures by key; of each offer the chosen fields, in their order."""
        offers = {"offers": chosen(self.offers, self.fields)} if self.offers and self.fields else {}
        return super(ExportReport, self).data() | offers


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
    fields: tuple[str, ...] = (),
    excel: bool = False,
    on_progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> ExportReport:
    """Write the matching offers to `file`, whole or not at all, or to `pipe` when there is none.

    Args:
        fields: of each offer these alone are written, in this order; empty for all.
        excel: the csv is one that Excel opens right in Brazil.
        on_progress: is given the number of offers written so far, and how many match.

    Raises:
        UsageError: the file cannot be written there, the format needs a library that is missing, or is not csv but is
            to be Excel's.
        StorageUnavailable: the disk is full.
    """
    if excel and format != "csv":
        raise UsageError(f"--excel is for csv, not for {format}", hint="--format csv --excel, or --format xlsx")
    write = write_excel_csv if excel else FORMATS[format]
    total = _count(wanted, storage)
    asked = fields or (COLUMNS if format.startswith("json") else FIELDS)
    rows = _Rows(storage.find_columns(wanted, tuple(asked)), lambda done: on_progress(done, total))
    if file is None:
        write(rows, pipe, fields)
        pipe.flush()
    else:
        with open_whole(file) as out:
            write(rows, out, fields)
    problems = _shortfall(rows.count, wanted, storage=storage, before=total)
    return ExportReport(format=format, file=file, exported=rows.count, problems=problems)


def gather(wanted: OfferFilter, *, storage: Storage, fields: tuple[str, ...] = ()) -> ExportReport:
    """The matching offers inside the report, for who wants one document."""
    total = _count(wanted, storage)
    offers = tuple(storage.find_offers(wanted))
    problems = _shortfall(len(offers), wanted, storage=storage, before=total)
    return ExportReport(format="json", file=None, exported=len(offers), offers=offers, fields=fields, problems=problems)


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
    """The offers, counted while they pass."""

    def __init__(self, offers: Iterator[Columns], on_progress: Callable[[int], None]) -> None:
        self._offers = offers
        self._on_progress = on_progress
        self.count = 0

    def __iter__(self) -> Iterator[Columns]:
        for some in self._offers:
            yield some
            self.count += len(next(iter(some.values())))
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

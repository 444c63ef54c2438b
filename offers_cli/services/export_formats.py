"""How offers are written: csv, json, jsonl, parquet; each streams, holding no more than a few rows."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator
from dataclasses import fields
from io import TextIOWrapper
from itertools import islice
from typing import Any, BinaryIO

from offers_cli.errors import UsageError
from offers_cli.services.find_offers import plain
from offers_cli.storage.base import StoredOffer
from offers_cli.text import cell_of_csv, json_text

Row = dict[str, Any]
Write = Callable[[Iterable[Row], BinaryIO], None]

COLUMNS = tuple(field.name for field in fields(StoredOffer))
GROUP = 10_000
"""Rows of one row group of a parquet file."""


def write_csv(rows: Iterable[Row], out: BinaryIO) -> None:
    """UTF-8, comma-separated, headings first, prices as cents (a decimal mark means another thing in each country)."""
    text = TextIOWrapper(out, encoding="utf-8", newline="", write_through=True)
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows([_cell(value) for value in row.values()] for row in rows)
    text.detach()


def _cell(value: Any) -> Any:
    if isinstance(value, str):
        return cell_of_csv(value)
    return _json(value) if isinstance(value, dict) else plain(value)


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
    """Columns with types: cents and percentages as integers, times in UTC, the strategies as JSON text."""
    pa, pq = _import_pyarrow()
    schema = pa.schema([(field.name, _arrow_type(pa, str(field.type))) for field in fields(StoredOffer)])
    with pq.ParquetWriter(out, schema, compression="zstd") as writer:
        for group in _groups(rows):
            table = [{**row, "strategies": _json(row["strategies"])} for row in group]
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
    return {"int": pa.int64(), "datetime": pa.timestamp("us", tz="UTC")}.get(kind, pa.string())


def _groups(rows: Iterable[Row]) -> Iterator[list[Row]]:
    waiting = iter(rows)
    while group := list(islice(waiting, GROUP)):
        yield group


FORMATS: dict[str, Write] = {"csv": write_csv, "json": write_json, "jsonl": write_jsonl, "parquet": write_parquet}
SUFFIXES = {".csv": "csv", ".json": "json", ".jsonl": "jsonl", ".ndjson": "jsonl", ".parquet": "parquet"}

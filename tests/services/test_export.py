"""Exports: safe to open, whole or absent, streamed."""

from __future__ import annotations

import csv
import io
import json
import os
import sys
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import fields, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from text.hostile import TITLES

from offers_cli.errors import StorageUnavailable, UsageError
from offers_cli.installation import extra_command
from offers_cli.offer import Facts, PriceCondition
from offers_cli.report import plain
from offers_cli.services.export import FORMATS, choose_format, export, gather, open_whole
from offers_cli.services.fields import COLUMNS, FIELDS
from offers_cli.storage.base import Columns, OfferFilter, StoredOffer, columns_of, value_of
from offers_cli.storage.sqlite.connection import connect
from offers_cli.storage.sqlite.queries import INSERT_OFFER, offer_row
from offers_cli.storage.sqlite.storage import SqliteStorage, open_sqlite
from offers_cli.text import cell_of_csv, defused, json_text

SEEN = datetime(2026, 1, 31, 12, tzinfo=UTC)
OFFER = StoredOffer(
    id="a1",
    marketplace="mercado_livre",
    external_id="MLB1",
    title='Fone "sem fio", preto\nnovo',
    url="https://produto.example/MLB-1",
    image_url=None,
    currency="BRL",
    price_cents=129990,
    old_price_cents=None,
    suspect_old_price_cents=None,
    discount_pct=None,
    price_condition=PriceCondition.PIX,
    card_price_cents=139990,
    listing_price_cents=129990,
    listing_word={"price_condition": "pix"},
    commission_pct=None,
    affiliate_link=None,
    affiliation_id=None,
    source="ofertas",
    status="active",
    first_seen_at=SEEN,
    last_seen_at=SEEN,
    price_changed_at=SEEN,
    enriched_at=None,
    affiliate_checked_at=None,
    enrich_attempts=0,
    enrich_error=None,
    item_id=None,
    catalogue_id=None,
    facts=Facts(free_shipping=True, interest_free=False, reviews=348, seller="Loja"),
    strategies={"price_cents": "state"},
)
NAMES = [field.name for field in fields(StoredOffer) if field.name != "listing_word"]
"""The keys: all but what the storage keeps for itself."""
CELLS = [name for name in NAMES if name != "facts"] + [field.name for field in fields(Facts)]
"""The columns: a fact has one of its own."""


class Offers:
    """A storage that only finds; `lost` offers are counted and not found."""

    def __init__(self, *offers: StoredOffer, lost: int = 0) -> None:
        self.offers = offers
        self.lost = lost

    def find_offers(self, _wanted: OfferFilter) -> Iterator[StoredOffer]:
        return iter(self.offers)

    def find_columns(self, _wanted: OfferFilter, names: Sequence[str]) -> Iterator[Columns]:
        return columns_of(self.offers, names)

    def count_offers(self, _wanted: OfferFilter) -> int:
        return len(self.offers) + self.lost


def written(name: str, *offers: StoredOffer) -> bytes:
    if name == "xlsx":
        pytest.importorskip("xlsxwriter")
    out = io.BytesIO()
    report = export(OfferFilter(), storage=Offers(*offers), format=name, file=None, pipe=out)  # type: ignore[arg-type]
    assert report.exported == len(offers)
    return out.getvalue()


def test_csv_reads_back_to_the_same_values() -> None:
    (row,) = csv.DictReader(io.StringIO(written("csv", OFFER).decode(), newline=""))
    assert list(row) == CELLS
    assert row["title"] == OFFER.title
    assert (row["price_cents"], row["old_price_cents"]) == ("129990", "")
    assert row["first_seen_at"] == "2026-01-31T12:00:00Z"
    assert (row["price_condition"], row["card_price_cents"]) == ("pix", "139990")
    assert (row["free_shipping"], row["full"], row["interest_free"], row["seller"]) == ("true", "", "false", "Loja")
    assert json.loads(row["strategies"]) == {"price_cents": "state"}


@pytest.mark.parametrize("name", ["json", "jsonl"])
def test_json_and_jsonl_read_back(name: str) -> None:
    text = written(name, OFFER, replace(OFFER, id="a2")).decode()
    rows = json.loads(text) if name == "json" else [json.loads(line) for line in text.splitlines()]
    assert [row["id"] for row in rows] == ["a1", "a2"]
    assert list(rows[0]) == NAMES
    assert (rows[0]["price_cents"], rows[0]["price_condition"]) == (129990, "pix")
    assert rows[0]["facts"] == OFFER.facts.known(), "what is not known is absent"


def test_parquet_has_typed_columns() -> None:
    pq = pytest.importorskip("pyarrow.parquet")
    table = pq.read_table(io.BytesIO(written("parquet", OFFER)))
    assert table.column_names == CELLS
    assert [str(table.schema.field(name).type) for name in ("free_shipping", "reviews", "seller")] == [
        *("bool", "int64", "string"),
    ]
    assert str(table.schema.field("price_cents").type) == "int64"
    (row,) = table.to_pylist()
    assert (row["first_seen_at"], row["price_condition"]) == (SEEN, "pix")
    assert (row["free_shipping"], row["full"], row["reviews"], row["seller"]) == (True, None, 348, "Loja")


@pytest.mark.parametrize(("name", "library"), [("parquet", "pyarrow"), ("xlsx", "xlsxwriter")])
def test_a_format_without_its_library_names_the_extra(name: str, library: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    offers: Any = Offers(OFFER)
    with pytest.raises(UsageError) as caught:
        export(OfferFilter(), storage=offers, format=name, file=None, pipe=io.BytesIO())
    assert caught.value.hint.startswith(extra_command(name))


def test_excel_in_brazil_opens_the_csv_as_it_is_meant(sao_paulo: None) -> None:
    """By a double click: it asks neither for the encoding nor for the marks, and adds up the prices."""
    out = io.BytesIO()
    formula = replace(OFFER, title="=1+1; ação", price_cents=1_234_567, facts=Facts(rating_hundredths=480))
    names = ("title", "price_cents", "old_price_cents", "discount_pct", "rating_hundredths", "last_seen_at")
    offers: Any = Offers(OFFER, formula)
    export(OfferFilter(), storage=offers, format="csv", file=None, pipe=out, fields=names, excel=True)
    assert out.getvalue().startswith(b"\xef\xbb\xbftitle;price;"), "the mark by which it knows UTF-8"
    heading, first, second = csv.reader(io.StringIO(out.getvalue().decode("utf-8-sig"), newline=""), delimiter=";")
    assert heading == ["title", "price", "old price", "discount %", "rating", "last seen"]
    assert first[1:] == ["1299,90", "", "", "", "31/01/2026 09:00"]
    assert second == ["'=1+1; ação", "12345,67", "", "", "4,80", "31/01/2026 09:00"]


def test_no_two_columns_of_a_spreadsheet_have_the_same_heading() -> None:
    """A coupon may be an amount or a percentage."""
    out = io.BytesIO()
    offers: Any = Offers(OFFER)
    export(OfferFilter(), storage=offers, format="csv", file=None, pipe=out, excel=True)
    headings = out.getvalue().decode("utf-8-sig").splitlines()[0].split(";")
    assert len(headings) == len({*headings})


def test_only_csv_is_made_for_excel_in_brazil() -> None:
    offers: Any = Offers(OFFER)
    with pytest.raises(UsageError, match="--excel is for csv, not for json"):
        export(OfferFilter(), storage=offers, format="json", file=None, pipe=io.BytesIO(), excel=True)


@pytest.mark.parametrize("name", ["csv", "json", "jsonl", "parquet"])
def test_chosen_fields_are_all_that_is_written_in_their_order(name: str) -> None:
    if name == "parquet":
        pytest.importorskip("pyarrow")
    out = io.BytesIO()
    offers: Any = Offers(OFFER)
    export(OfferFilter(), storage=offers, format=name, file=None, pipe=out, fields=("reviews", "title", "price_cents"))
    if name == "csv":
        [row] = csv.DictReader(io.StringIO(out.getvalue().decode(), newline=""))
    elif name == "parquet":
        [row] = pytest.importorskip("pyarrow.parquet").read_table(out).to_pylist()
    else:
        [row] = json.loads(out.getvalue()) if name == "json" else [json.loads(out.getvalue())]
    assert list(row) == ["reviews", "title", "price_cents"]
    assert (int(row["reviews"]), row["title"], int(row["price_cents"])) == (348, OFFER.title, 129_990)


MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


def cells_of(workbook: bytes) -> list[list[tuple[str, str | None]]]:
    """The kind and the text of each cell of the first sheet."""
    with zipfile.ZipFile(io.BytesIO(workbook)) as parts:
        sheet = ET.fromstring(parts.read("xl/worksheets/sheet1.xml"))
    assert not list(sheet.iter(f"{MAIN}f")), "no formula"
    return [
        [(cell.get("t", "n"), "".join(cell.itertext())) for cell in row.iter(f"{MAIN}c")]
        for row in sheet.iter(f"{MAIN}row")
    ]


def test_a_workbook_holds_numbers_local_times_and_texts_that_are_never_formulas(sao_paulo: None) -> None:
    pytest.importorskip("xlsxwriter")
    out = io.BytesIO()
    hostile = replace(OFFER, title="=HYPERLINK(1)\x1b", price_cents=1_234_567, discount_pct=12)
    names = ("title", "price_cents", "discount_pct", "last_seen_at", "free_shipping", "url")
    offers: Any = Offers(hostile)
    export(OfferFilter(), storage=offers, format="xlsx", file=None, pipe=out, fields=names)
    heading, row = cells_of(out.getvalue())
    assert [text for _, text in heading] == ["title", "price", "discount %", "last seen", "free shipping", "url"]
    noon = datetime(2026, 1, 31, 9, tzinfo=UTC) - datetime(1899, 12, 30, tzinfo=UTC)
    assert row == [
        ("inlineStr", "=HYPERLINK(1)\N{REPLACEMENT CHARACTER}"),
        ("n", "12345.67"),
        ("n", "12"),
        ("n", f"{noon.days + noon.seconds / 86400:.15g}"),
        ("inlineStr", "yes"),
        ("inlineStr", OFFER.url),
    ]


def test_a_sheet_has_an_end_and_offers_are_not_lost_beyond_it(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("xlsxwriter")
    monkeypatch.setattr("offers_cli.services.export.XLSX_ROWS", 2)
    assert len(cells_of(written("xlsx", OFFER))) == 2
    with pytest.raises(UsageError, match="no more than 1 offers"):
        written("xlsx", OFFER, OFFER)


@pytest.mark.parametrize("name", FORMATS)
def test_nothing_to_export_is_a_valid_document(name: str) -> None:
    out = written(name)
    assert (out == b"") == (name == "jsonl")
    if name == "json":
        assert json.loads(out) == []
    if name == "csv":
        assert out.decode().strip().split(",") == CELLS


@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "\t", "\r", "＝", "＠"])
@pytest.mark.parametrize("before", ["", " ", ";", "a;", "x\n", '";"'])
def test_formulas_are_defused(sign: str, before: str) -> None:
    """At the start of a cell, and after a semicolon, which parts cells in Brazil."""
    cell = f"{before}{sign}HYPERLINK(1)"
    safe = defused(cell)
    assert safe != cell
    assert safe.replace("'", "") == cell
    for part in safe.replace("\n", ";").replace("\r", ";").split(";"):
        assert not part.strip(" \"'") or part.strip(' "')[0] not in "=+-@\t＝＠"


@pytest.mark.parametrize("text", ["Fone 10-20 m", "a = b", "e-mail@x.com", "C++", "R$ 10"])
def test_plain_titles_stay_as_they_are(text: str) -> None:
    assert defused(text) == text


def test_every_text_column_of_a_csv_is_defused() -> None:
    facts = Facts(seller="=1+1", coupon_label="@SUM(1)", badge="MAIS VENDIDO;=1+1")
    evil = replace(OFFER, title="=1+1", url="@SUM(1)", affiliate_link="+1", enrich_error_message="-1", facts=facts)
    (row,) = csv.DictReader(io.StringIO(written("csv", evil).decode()))
    names = ("title", "url", "affiliate_link", "enrich_error_message", "seller", "coupon_label")
    assert [row[name][0] for name in names] == ["'"] * 6
    assert row["badge"] == "MAIS VENDIDO;'=1+1"


def interrupted(first: bytes) -> Iterator[bytes]:
    yield first
    raise KeyboardInterrupt


def _write(target: Path, parts: Iterator[bytes]) -> None:
    with open_whole(target) as out:
        for part in parts:
            out.write(part)


def test_a_failed_export_leaves_the_old_file(tmp_path: Path) -> None:
    target = tmp_path / "offers.csv"
    target.write_text("old")
    target.chmod(0o640)
    with pytest.raises(KeyboardInterrupt):
        _write(target, interrupted(b"half"))
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]
    _write(target, iter([b"new"]))
    assert target.read_text() == "new"
    assert target.stat().st_mode & 0o777 == 0o640, "an old file keeps its rights"
    assert list(tmp_path.iterdir()) == [target]


def test_a_link_is_replaced_and_what_it_leads_to_left_alone(tmp_path: Path) -> None:
    """In a folder that others write to anybody can have put it there."""
    precious = tmp_path / "precious"
    for target in (precious, tmp_path / "nowhere"):
        precious.write_text("old")
        (tmp_path / "link.csv").symlink_to(target)
        _write(tmp_path / "link.csv", iter([b"x"]))
        assert (tmp_path / "link.csv").is_file()
        assert not (tmp_path / "link.csv").is_symlink()
        assert precious.read_text() == "old"
        assert not (tmp_path / "nowhere").exists()
        (tmp_path / "link.csv").unlink()


def test_a_link_to_a_folder_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to("folder")
    with pytest.raises(UsageError, match="directory"):
        _write(tmp_path / "link", iter([b"x"]))
    assert (tmp_path / "link").is_symlink()


def test_a_name_of_an_open_file_is_written_to(tmp_path: Path) -> None:
    """`offers export /dev/stdout > offers.csv`: nobody wants a new file in /dev."""
    with (tmp_path / "open").open("wb") as file:
        _write(Path(f"/dev/fd/{file.fileno()}"), iter([b"x"]))
    assert (tmp_path / "open").read_bytes() == b"x"


@pytest.mark.parametrize(("umask", "mode"), [(0o000, 0o644), (0o002, 0o644), (0o022, 0o644), (0o077, 0o600)])
def test_a_new_export_is_never_for_others_to_write(tmp_path: Path, umask: int, mode: int) -> None:
    before = os.umask(umask)
    try:
        _write(tmp_path / "offers.csv", iter([b"x"]))
    finally:
        os.umask(before)
    assert (tmp_path / "offers.csv").stat().st_mode & 0o777 == mode


@pytest.mark.parametrize("place", ["missing/offers.csv", "."])
def test_an_impossible_place_is_usage(tmp_path: Path, place: str) -> None:
    with pytest.raises(UsageError), open_whole(tmp_path / place) as out:
        out.write(b"x")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_told() -> None:
    with pytest.raises(StorageUnavailable), open_whole(Path("/dev/full")) as out:
        out.write(b"x" * 100_000)


def test_the_suffix_names_the_format() -> None:
    assert choose_format(None, Path("a.CSV")) == "csv"
    assert choose_format(None, Path("a.ndjson")) == "jsonl"
    assert choose_format("csv", Path("a.parquet")) == "csv"
    assert choose_format(None, None) == "csv"
    with pytest.raises(UsageError):
        choose_format(None, Path("offers"))


@pytest.mark.parametrize(
    ("wanted", "is_told"),
    [
        (OfferFilter(), True),
        (OfferFilter(limit=2), True),
        (OfferFilter(limit=1), False),
        (OfferFilter(status="active"), False),
    ],
)
def test_an_export_that_lacks_offers_says_so(wanted: OfferFilter, *, is_told: bool) -> None:
    """Unless the filter is one that offers leave meanwhile."""
    storage: Any = Offers(OFFER, lost=1)
    written = export(wanted, storage=storage, format="csv", file=None, pipe=io.BytesIO())
    for report in (written, gather(wanted, storage=storage)):
        assert [problem.code for problem in report.problems] == ["incomplete"] * is_told


def test_offers_deleted_during_an_export_are_not_missed() -> None:
    storage: Any = Offers(OFFER)
    counts = iter([2, 1])
    storage.count_offers = lambda _wanted: next(counts)
    assert gather(OfferFilter(), storage=storage).problems == ()


TEXTS = st.sampled_from([*TITLES, "=1+1", "a;=1", "Fone 10-20", "\n", "Ação \u00a0 x", 'say "x", y']) | st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20
)
TIMES = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)) | st.just(SEEN)  # noqa: DTZ001
CENTS = st.integers(1, 10**9)
FACTS_TOLD = st.builds(
    Facts,
    free_shipping=st.none() | st.booleans(),
    reviews=st.none() | st.integers(0, 10**9),
    seller=st.none() | TEXTS,
    badge=st.none() | TEXTS,
    rating_hundredths=st.none() | st.integers(1, 500),
)
OFFERS_TOLD = st.builds(
    partial(replace, OFFER),
    title=TEXTS,
    price_cents=st.integers(1, 1000),
    old_price_cents=st.none() | st.integers(1001, 10**9),
    card_price_cents=st.none(),
    price_condition=st.none() | st.sampled_from(PriceCondition),
    affiliate_link=st.none() | TEXTS,
    first_seen_at=TIMES,
    enriched_at=st.none() | TIMES,
    enrich_error_message=st.none() | TEXTS,
    facts=FACTS_TOLD,
    strategies=st.dictionaries(st.sampled_from(["title", "facts"]), TEXTS),
)


def cell_by_cell(offers: Iterable[StoredOffer], names: Sequence[str]) -> bytes:
    """A csv as it is made of one value after the other."""

    def cell(value: object) -> object:
        if isinstance(value, str):
            return cell_of_csv(value)
        return json_text(value) if isinstance(value, dict | bool) else plain(value)

    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerows([names, *([cell(value_of(offer, name)) for name in names] for offer in offers)])
    return out.getvalue().encode()


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqliteStorage]:
    with closing(open_sqlite(tmp_path_factory.mktemp("export") / "offers.db")) as storage:
        yield storage


@settings(max_examples=50)
@given(told=st.lists(OFFERS_TOLD, max_size=6), names=st.lists(st.sampled_from(tuple(FIELDS)), unique=True, max_size=4))
def test_a_file_is_to_the_byte_what_its_offers_say(
    database: SqliteStorage, told: list[StoredOffer], names: list[str]
) -> None:
    """Whatever stands in them: a file for another program would change with the way in which it is written."""
    with closing(connect(database.path)) as connection:
        connection.execute("DELETE FROM offers")
        for number, offer in enumerate(told):
            numbered = replace(offer, id=f"a{number}", external_id=f"MLB{number}")
            connection.execute(INSERT_OFFER, offer_row(numbered))
    offers = list(database.find_offers(OfferFilter()))

    def file(name: str) -> bytes:
        out = io.BytesIO()
        export(OfferFilter(), storage=database, format=name, file=None, pipe=out, fields=tuple(names))
        return out.getvalue()

    assert file("csv") == cell_by_cell(offers, names or tuple(FIELDS))
    lines = [{name: value_of(offer, name) for name in names or COLUMNS} for offer in offers]
    assert file("jsonl").decode() == "".join(json_text(line, default=plain) + "\n" for line in lines)
    assert json.loads(file("json")) == json.loads(json_text(lines, default=plain))

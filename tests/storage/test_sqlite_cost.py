"""SQLite's cost does not grow with what is done: proven by its query plans."""

from __future__ import annotations

import itertools
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from storage.cases import at, card, save

from offers_cli.offer import Facts
from offers_cli.storage.base import SORTS, Missing, OfferFilter, Place, Storage
from offers_cli.storage.sqlite import queries
from offers_cli.storage.sqlite.connection import connect
from offers_cli.storage.sqlite.storage import _question

COMBINATIONS = [frozenset(fields) for size in (1, 2, 3) for fields in itertools.combinations(Missing, size)]
BY_ID = "SEARCH offers USING INDEX sqlite_autoindex_offers_1"


def plan(path: Path, query: str, values: object = ()) -> list[str]:
    connection = connect(path)
    try:
        return [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {query}", values)]  # type: ignore[arg-type]
    finally:
        connection.close()


@pytest.mark.parametrize("recheck", [None, at(0)])
@pytest.mark.parametrize("missing", COMBINATIONS)
def test_what_needs_enrichment_is_read_from_the_front_of_one_index_a_field(
    sqlite_storage: Storage, sqlite_path: Path, missing: frozenset[Missing], recheck: object
) -> None:
    asked = queries.needing("url", missing=missing, recheck_before=recheck)  # type: ignore[arg-type]
    steps = [step for query in asked for step in plan(sqlite_path, *query)]
    names = {field.name.lower() for field in missing}
    expected = {f"SCAN offers USING INDEX offers_needing_{name}" for name in names}
    if recheck:
        expected |= {f"SEARCH offers USING INDEX offers_missing_{name}" for name in names}
    fronts = {step.partition(" (")[0] for step in steps if " offers " in step} - {BY_ID}
    assert fronts == expected
    assert not any("TEMP B-TREE" in step for step in steps), "nothing waits for all to be sorted"


@pytest.mark.parametrize(
    "query",
    [
        (queries.COUNTS, {}),
        *((queries.count_needing(missing), {}) for missing in COMBINATIONS),
        *(queries.count(OfferFilter(missing=missing)) for missing in (frozenset[Missing](), *COMBINATIONS)),
        *(queries.count(OfferFilter(status=status)) for status in ("active", "gone")),
    ],
)
def test_what_is_counted_for_stats_and_lists_reads_no_offers(
    sqlite_storage: Storage, sqlite_path: Path, query: queries.Query
) -> None:
    """128 rows, one for each way in which offers can stand, however many offers there are."""
    steps = [step for step in plan(sqlite_path, *query) if step.startswith(("SCAN", "SEARCH"))]
    assert steps
    assert not [step for step in steps if "offers_tally" not in step and step != "SCAN CONSTANT ROW"], steps


def test_those_whose_price_changed_have_an_index_of_their_own(sqlite_storage: Storage, sqlite_path: Path) -> None:
    """Deals are looked for among them: the others, however many, are not passed over one by one."""
    wanted = OfferFilter(changed=True, status="active", sort="-price_changed", limit=50)
    steps = plan(sqlite_path, *queries.find(wanted, along_index=True))
    assert steps[0] == "SCAN offers USING INDEX offers_repriced"


@pytest.mark.parametrize("sort", [sign + sort for sort in SORTS for sign in ("", "-")])
def test_a_list_is_read_in_the_order_of_an_index(sqlite_storage: Storage, sqlite_path: Path, sort: str) -> None:
    """Whatever it is sorted by: nothing but the ids of offers that are alike in all else is sorted then."""
    steps = plan(sqlite_path, *queries.find(OfferFilter(sort=sort, limit=50), along_index=True))
    name = sort.removeprefix("-").replace("last_seen", "last_seen_at")
    assert steps[0] == f"SCAN offers USING INDEX offers_{name}"
    assert steps[1:] in (
        [],
        ["USE TEMP B-TREE FOR RIGHT PART OF ORDER BY"],
        ["USE TEMP B-TREE FOR LAST TERM OF ORDER BY"],
    )


@pytest.mark.parametrize("sort", [sign + sort for sort in SORTS for sign in ("", "-")])
def test_the_thousandth_page_is_found_by_the_index_of_its_order(
    sqlite_storage: Storage, sqlite_path: Path, sort: str
) -> None:
    """Not by going through the pages before; so is the first of those that have no value."""
    save(
        sqlite_storage,
        card(1, discount_pct=5, commission_pct=5, facts=Facts(rating_hundredths=1, reviews=1, sold_at_least=1)),
    )
    [offer] = sqlite_storage.find_offers(OfferFilter())
    question = queries.find(OfferFilter(sort=sort, limit=50), along_index=True, after=Place.of(offer, sort))
    reads = [step for step in plan(sqlite_path, *question) if step.startswith(("SCAN offers", "SEARCH offers"))]
    name = sort.removeprefix("-").replace("last_seen", "last_seen_at")
    assert reads
    assert all(step.startswith(f"SEARCH offers USING INDEX offers_{name} (") for step in reads), reads


@pytest.mark.parametrize(
    ("wanted", "step"),
    [
        ({"sort": "-discount", "min_discount": 40}, "SEARCH offers USING INDEX offers_discount (discount_pct>?)"),
        ({"sort": "price", "max_price_cents": 9}, "SEARCH offers USING INDEX offers_price (price_cents<?)"),
        ({"sort": "-price", "status": "active"}, "SCAN offers USING INDEX offers_price"),
        ({"sort": "-price", "status": "gone"}, "SEARCH offers USING INTEGER PRIMARY KEY (rowid=?)"),
        ({"sort": "price", "missing": frozenset({Missing.DISCOUNT})}, "SCAN offers USING INDEX offers_price"),
        ({"sort": "price", "missing": frozenset({Missing.DISCOUNT}), "source": "listing"}, "SCAN offers"),
        ({"sort": "-last_seen", "status": "gone"}, "SEARCH offers USING INTEGER PRIMARY KEY (rowid=?)"),
    ],
)
def test_the_index_of_an_order_is_followed_only_where_most_that_it_leads_to_match(
    sqlite_storage: Storage, sqlite_path: Path, monkeypatch: pytest.MonkeyPatch, wanted: dict[str, Any], step: str
) -> None:
    """Else it would lead through the whole file, each offer in another place; here none of 100 is gone."""
    monkeypatch.setattr("offers_cli.storage.sqlite.storage.LONGEST_WALK", 10)
    save(sqlite_storage, *map(card, range(100)))
    with closing(connect(sqlite_path)) as connection:
        question = _question(connection, OfferFilter(limit=50, **wanted), queries.SELECTED)
    assert plan(sqlite_path, *question)[0] == step


def test_a_rare_match_is_looked_for_in_the_order_of_the_file(sqlite_storage: Storage, sqlite_path: Path) -> None:
    """Along the index of the order each row would be read from another place."""
    wanted = OfferFilter(search="rare", min_discount=1, status="active", limit=50)
    assert plan(sqlite_path, *queries.first_matches(wanted, 100)) == ["SCAN offers"]
    found = plan(sqlite_path, *queries.find_among(wanted, [1, 2]))
    assert "SEARCH offers USING INTEGER PRIMARY KEY (rowid=?)" in found


@pytest.mark.parametrize(
    ("wanted", "indexes"),
    [
        ({"search": "rare", "min_discount": 1}, ["offers_discount (discount_pct>?)", "offers_title"]),
        ({"min_rating_hundredths": 450, "source": "hub"}, ["offers_rating (<expr>>?)"]),
        ({"min_price_cents": 1, "max_price_cents": 9}, ["offers_price (price_cents>? AND price_cents<?)"]),
        ({"since": at(0), "coupon": True}, ["offers_last_seen_at (last_seen_at>?)"]),
        ({"changed": True, "source": "hub"}, []),
    ],
)
def test_whether_few_match_is_told_by_the_indexes_alone(
    sqlite_storage: Storage, sqlite_path: Path, wanted: dict[str, Any], indexes: list[str]
) -> None:
    asked = queries.first_matches_by_index(OfferFilter(**wanted), 100)
    steps = [step for query in asked for step in plan(sqlite_path, *query)]
    assert [step.partition(" INDEX ")[2] for step in steps] == indexes
    assert [step for step in steps if "COVERING" not in step and "offers_rating" not in step] == []


@pytest.mark.parametrize(
    ("wanted", "step"),
    [
        ({"sort": "price", "min_commission": 1, "max_price_cents": 9}, "SEARCH offers USING INDEX offers_price"),
        ({"sort": "-rating", "source": "hub"}, "SCAN offers USING INDEX offers_rating"),
        ({"sort": "-price_changed", "changed": True, "coupon": True}, "SCAN offers USING INDEX offers_repriced"),
        ({"sort": "first_seen", "changed": True, "coupon": True}, "SCAN offers USING INDEX offers_first_seen"),
    ],
)
def test_the_beginning_of_an_order_is_looked_at_along_its_index(
    sqlite_storage: Storage, sqlite_path: Path, wanted: dict[str, Any], step: str
) -> None:
    """With nothing left out, so that no walk is longer than it may be."""
    query, values = queries.walk(OfferFilter(limit=3, **wanted), 7)
    assert plan(sqlite_path, query, values)[0].startswith(step)
    for cents in (1, 2):
        cards = [card(number, price_cents=number % 5 + cents) for number in range(1, 20)]
        save(sqlite_storage, *cards, minute=cents)
    with closing(connect(sqlite_path)) as connection:
        assert len(connection.execute(query, values).fetchall()) == 7


@pytest.mark.parametrize(
    ("wanted", "step"),
    [
        ({"min_commission": 1}, "SEARCH offers USING COVERING INDEX offers_commission (commission_pct>?)"),
        ({"search": "fone"}, "SCAN offers USING COVERING INDEX offers_title"),
        ({"min_commission": 1, "min_discount": 1}, "SCAN offers"),
        ({"source": "hub"}, "SCAN offers"),
    ],
)
def test_what_no_tally_knows_is_counted_by_one_index_or_through_the_file(
    sqlite_storage: Storage, sqlite_path: Path, wanted: dict[str, Any], step: str
) -> None:
    assert plan(sqlite_path, *queries.count(OfferFilter(sort="price", **wanted))) == [step]


def test_one_offer_is_found_by_index(sqlite_storage: Storage, sqlite_path: Path) -> None:
    steps = plan(sqlite_path, queries.FIND_OFFER, {"id": "x"})
    assert not any(step.startswith("SCAN") for step in steps), steps


def test_offers_are_looked_up_by_the_index_of_each_kind_of_id(sqlite_storage: Storage, sqlite_path: Path) -> None:
    values = {"ids": '["MLB1", "MLBU2"]', "first": "1", "last": "2", "limit": 50}
    steps = [step for step in plan(sqlite_path, queries.OFFERS_CALLED, values) if " offers" in step]
    assert not any(step.startswith("SCAN") for step in steps), steps
    used = {step.partition(" INDEX ")[2].partition(" ")[0] for step in steps}
    by_key = {"sqlite_autoindex_offers_1", "sqlite_autoindex_offers_2"}
    assert used == by_key | {"offers_catalogue", "offers_user_product"}, steps


def test_connections_are_durable(sqlite_storage: Storage, sqlite_path: Path) -> None:
    """An acknowledged write is on the disk: write-ahead log, fully synchronised."""
    connection: sqlite3.Connection = sqlite_storage._idle[0]  # type: ignore[attr-defined]
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert connection.execute("PRAGMA synchronous").fetchone() == (2,)
    assert connection.execute("PRAGMA foreign_keys").fetchone() == (1,)

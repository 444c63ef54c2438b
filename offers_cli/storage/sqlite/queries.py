"""What is said to SQLite: values as rows and rows as values, and the questions as SQL text and its parameters."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from operator import attrgetter, itemgetter
from typing import Any, Generic, TypeVar, get_args, get_origin, get_type_hints

from offers_cli.offer import FACTS, Facts, known_facts
from offers_cli.report import plain
from offers_cli.storage.base import Columns, Missing, OfferFilter, Place, PricePoint, ScrapeRun, StoredOffer, searchable
from offers_cli.times import iso_utc

Noun = TypeVar("Noun", StoredOffer, PricePoint, ScrapeRun)


_encode = json.JSONEncoder(sort_keys=True).encode


def _json_of(value: Mapping[str, Any]) -> str:
    return _encode(value) if value else "{}"


class Rows(Generic[Noun]):
    """Values of one dataclass as rows: each field is a column of its name. Times are text, mappings and facts JSON."""

    def __init__(self, noun: type[Noun]) -> None:
        self._noun: type[Noun] = noun
        self.names = tuple(each.name for each in fields(noun))
        self.columns = ", ".join(self.names)
        self._fields = attrgetter(*self.names)
        hints = get_type_hints(noun)
        kinds = ((place, _kind(hints[name])) for place, name in enumerate(self.names))
        self._kinds = {place: kind for place, kind in kinds if kind}
        self._shown = {self.names[place]: _shared(kind.show) for place, kind in self._kinds.items()}

    def read(self, row: tuple[Any, ...]) -> Noun:
        """The value of a row that holds `columns` in their order."""
        values = list(row)
        for place, kind in self._kinds.items():
            if values[place] is not None:
                values[place] = kind.read(values[place])
        return self._noun(**dict(zip(self.names, values, strict=True)))

    def shown(self, name: str, column: Sequence[Any]) -> Sequence[Any]:
        """What stands in a column, of many values, as JSON writes it (`report.plain`)."""
        show = self._shown.get(name)
        return column if show is None else list(map(show, column))

    def row(self, value: Noun) -> tuple[Any, ...]:
        """What stands in `columns` for a value."""
        values = list(self._fields(value))
        for place, kind in self._kinds.items():
            if values[place] is not None:
                values[place] = kind.write(values[place])
        return tuple(values)

    def changed(self, before: Noun, after: Noun) -> dict[str, Any]:
        """The columns that differ, and what stands in them afterwards."""
        both = enumerate(zip(self._fields(before), self._fields(after), strict=True))
        changed = {place: new for place, (old, new) in both if old is not new and old != new}
        return {
            self.names[place]: new if new is None or place not in self._kinds else self._kinds[place].write(new)
            for place, new in changed.items()
        }


@dataclass(frozen=True, slots=True)
class _Kind:
    """How a field whose column holds something else is read from there, written, and shown as JSON writes it."""

    read: Callable[[Any], Any]
    write: Callable[[Any], Any]
    show: Callable[[Any], Any]


def _kind(hint: Any) -> _Kind | None:
    """That of a field of that type; None where field and column are the same."""
    kinds = get_args(hint) or (hint,)
    if datetime in kinds:
        return _Kind(datetime.fromisoformat, to_text, lambda text: plain(datetime.fromisoformat(text)))
    if hint is Facts:
        return _Kind(
            lambda text: Facts.of(json.loads(text)),
            lambda facts: _json_of(facts.known()),
            lambda text: known_facts(json.loads(text)),  # their object would only be taken apart again
        )
    if get_origin(hint) is dict:
        return _Kind(json.loads, _json_of, json.loads)
    words = (kind for kind in kinds if isinstance(kind, type) and issubclass(kind, StrEnum))
    return next((_Kind(word, str, str) for word in words), None)


def _shared(show: Callable[[str], Any]) -> Callable[[str | None], Any]:
    """The same for columns of many offers, which share their times and words: few are read anew."""

    @lru_cache(maxsize=1024)
    def shown(text: str | None) -> Any:
        return None if text is None else show(text)

    return shown


@lru_cache(maxsize=64)
def to_text(moment: datetime) -> str:
    """Fixed-width ISO 8601 in UTC, so that text order is time order; raises `ValueError` for a time without zone.

    A page of offers, and an offer's own columns, share their moments: few are written anew.
    """
    return iso_utc(moment, timespec="microseconds")


OFFERS, PRICES, RUNS = Rows(StoredOffer), Rows(PricePoint), Rows(ScrapeRun)
SELECTED = ", ".join(f"offers.{name}" for name in OFFERS.names)


def columns_for(names: Sequence[str]) -> list[str]:
    """The columns in which these fields and facts of offers stand."""
    return list(dict.fromkeys("facts" if name in FACTS else name for name in names))


def offers_in_columns(names: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> Columns:
    """What offers say in these fields and facts; their rows hold the `columns_for` them."""
    kept = dict(zip(columns_for(names), zip(*rows, strict=True), strict=True))
    facts = _fact_columns(kept["facts"]) if any(name in FACTS for name in names) else {}
    return {name: facts[name] if name in facts else OFFERS.shown(name, kept[name]) for name in names}


_NO_FACTS = dict.fromkeys(FACTS)
_each_fact = itemgetter(*FACTS)


def _fact_columns(texts: Sequence[str]) -> Columns:
    """The facts of many offers, a column each; their texts are read at once, for a third less than one by one."""
    rows = [_each_fact(_NO_FACTS | known) for known in json.loads(f"[{','.join(texts)}]")]
    return dict(zip(FACTS, zip(*rows, strict=True), strict=True))


def _places(count: int) -> str:
    return ", ".join("?" * count)


INSERT_OFFER = f"INSERT INTO offers ({OFFERS.columns}, title_folded) VALUES ({_places(len(OFFERS.names) + 1)})"
INSERT_PRICE = f"INSERT INTO price_history (offer_id, {PRICES.columns}) VALUES ({_places(len(PRICES.names) + 1)})"
REPLACE_RUN = f"REPLACE INTO scrape_runs ({RUNS.columns}) VALUES ({_places(len(RUNS.names))})"


def offer_row(offer: StoredOffer) -> tuple[Any, ...]:
    """The values of `INSERT_OFFER`."""
    return (*OFFERS.row(offer), searchable(offer.title))


def price_row(offer_id: str, point: PricePoint) -> tuple[Any, ...]:
    """The values of `INSERT_PRICE`."""
    return (offer_id, *PRICES.row(point))


def changed_columns(before: StoredOffer, after: StoredOffer) -> dict[str, Any]:
    """The columns that differ and their new values, so that an update touches no index in vain."""
    changed = OFFERS.changed(before, after)
    if "title" in changed:
        changed["title_folded"] = searchable(after.title)
    return changed


Query = tuple[str, dict[str, Any]]

WANTED_COLUMNS = {
    Missing.OLD_PRICE: ("old_price_cents", "page_looked_at"),
    Missing.DISCOUNT: ("discount_pct", "page_looked_at"),
    Missing.AFFILIATE_LINK: ("affiliate_link", "link_looked_at"),
}
"""For each field, its column and the column that says when it was looked for since the price last changed."""

# The offers are counted by `coverage`, the sum of these bits; see migrations/sqlite/0006_tally.sql.
_TALLIED = "SELECT coalesce(sum(offers), 0) FROM offers_tally WHERE"
_GONE, _ENRICHED = 1, 2
_LACKING = {Missing.OLD_PRICE: 4, Missing.DISCOUNT: 8, Missing.AFFILIATE_LINK: 16}
_NOT_ASKED = {Missing.OLD_PRICE: 32, Missing.DISCOUNT: 32, Missing.AFFILIATE_LINK: 64}
_COUNTED = {
    "total": (0, 0),
    "enriched": (_ENRICHED, _ENRICHED),
    "gone": (_GONE, _GONE),
    **{f"missing_{field.name.lower()}": (_GONE | bit, bit) for field, bit in _LACKING.items()},
}
COUNTS = "SELECT " + ", ".join(
    f"({_TALLIED} coverage & {bits} = {wanted}) AS {name}" for name, (bits, wanted) in _COUNTED.items()
)

FIND_OFFER = (
    f"SELECT {SELECTED} FROM offers WHERE id = :id OR external_id = :id ORDER BY id <> :id, marketplace LIMIT 1"
)
# Each kind of id has an index of its own. The user product of an address follows ``/up/``, up to a question mark.
OFFERS_CALLED = f"""
    WITH called (name) AS (SELECT value FROM json_each(:ids))
    SELECT {SELECTED} FROM offers WHERE id IN (
      SELECT * FROM (SELECT id FROM offers WHERE id BETWEEN :first AND :last ORDER BY id LIMIT :limit)
      UNION ALL
      SELECT * FROM (SELECT id FROM called CROSS JOIN offers ON external_id = name LIMIT :limit)
      UNION ALL
      SELECT * FROM (SELECT id FROM called CROSS JOIN offers ON catalogue_id = name LIMIT :limit)
      UNION ALL
      SELECT * FROM (
        SELECT id FROM called CROSS JOIN offers ON instr(url, '/up/') AND substr(url, instr(url, '/up/') + 4) = name
        LIMIT :limit)
      UNION ALL
      SELECT * FROM (
        SELECT id FROM called CROSS JOIN offers ON instr(url, '/up/')
          AND substr(url, instr(url, '/up/') + 4) >= name || '?' AND substr(url, instr(url, '/up/') + 4) < name || '@'
        LIMIT :limit)
    ) ORDER BY id"""
OFFERS_BY_ID = f"SELECT {SELECTED} FROM json_each(?) AS wanted CROSS JOIN offers ON offers.id = wanted.value"
OFFERS_BY_KEY = f"""
    SELECT {SELECTED} FROM json_each(?) AS wanted CROSS JOIN offers
      ON offers.marketplace = json_extract(wanted.value, '$[0]')
      AND offers.external_id = json_extract(wanted.value, '$[1]')"""
LOWEST_PRICES = """
    SELECT offers.id, min(seen.price_cents) FROM json_each(?) AS wanted CROSS JOIN offers ON offers.id = wanted.value
      JOIN price_history AS seen ON seen.offer_id = offers.id AND seen.price_condition IS offers.price_condition
    GROUP BY offers.id HAVING min(seen.price_cents) < max(seen.price_cents)"""
RECORDED_PRICES = """
    SELECT offer_id, (julianday(observed_at) - 2440587.5) * 86400, price_cents, price_condition, card_price_cents
    FROM json_each(?) AS wanted CROSS JOIN price_history ON offer_id = wanted.value
    ORDER BY offer_id, observed_at, price_history.id"""
PRICE_HISTORY = f"SELECT {PRICES.columns} FROM price_history WHERE offer_id = ? ORDER BY observed_at, id"

NEWEST_RUNS = f"SELECT {RUNS.columns} FROM scrape_runs ORDER BY started_at DESC, id LIMIT ?"
ALL_RUNS = f"SELECT {RUNS.columns} FROM scrape_runs"
OFFERS_AFTER = f"SELECT {SELECTED} FROM offers WHERE id > ? ORDER BY id LIMIT ?"
ALL_OFFERS = f"SELECT {SELECTED} FROM offers ORDER BY id"
ALL_HISTORY = f"SELECT offer_id, {PRICES.columns} FROM price_history ORDER BY offer_id, observed_at, id"
HISTORY_OF = f"""
    SELECT offer_id, {PRICES.columns} FROM price_history
    WHERE offer_id BETWEEN ? AND ? ORDER BY offer_id, observed_at, id"""

REMOVE_OFFER_AT = "DELETE FROM offers WHERE id = :id AND url = :url"
REPAIR_URL = """
    UPDATE offers SET url = :new_url,
      enriched_at = iif(enrich_error = :code, NULL, enriched_at),
      affiliate_checked_at = iif(enrich_error = :code, NULL, affiliate_checked_at),
      enrich_error_message = iif(enrich_error = :code, NULL, enrich_error_message),
      enrich_error = nullif(enrich_error, :code)
    WHERE id = :id AND url = :url"""

BATCH_END = "SELECT max(id), count(*) FROM (SELECT id FROM offers WHERE id > ? ORDER BY id LIMIT ?)"
DROPPED = """
    SELECT id FROM offers WHERE id > :first AND id <= :last AND status = 'gone'
      AND last_seen_at < :before AND coalesce(enrich_attempted_at, '') < :before"""
# A time's first ten characters are its day.
THINNED = f"""
    SELECT id FROM price_history WHERE offer_id IN ({DROPPED})
    UNION ALL
    SELECT id FROM (
      SELECT id,
        row_number() OVER (PARTITION BY offer_id, source, price_condition, substr(observed_at, 1, 10)
          ORDER BY price_cents, observed_at DESC, id DESC) AS place_by_price,
        row_number() OVER (PARTITION BY offer_id, source, price_condition, substr(observed_at, 1, 10)
          ORDER BY observed_at DESC, id DESC) AS place_by_time
      FROM price_history
      WHERE offer_id > :first AND offer_id <= :last AND observed_at < :before AND offer_id NOT IN ({DROPPED})
    ) WHERE place_by_price > 1 AND place_by_time > 1"""
OLD_RUNS = "SELECT id FROM scrape_runs WHERE started_at < ?"

_SORTS = {
    "last_seen": "last_seen_at",
    "first_seen": "first_seen_at",
    "price_changed": "price_changed_at",
    "discount": "discount_pct",
    "price": "price_cents",
    "title": "title_folded",
    "commission": "commission_pct",
    "rating": "json_extract(facts, '$.rating_hundredths')",
    "reviews": "json_extract(facts, '$.reviews')",
    "sold": "json_extract(facts, '$.sold_at_least')",
}
_INDEXES = {"last_seen": "last_seen_at"}
"""The index of an order is named as it is, but for these."""
_SORTS_THAT_ALL_HAVE = {"last_seen", "first_seen", "price_changed", "price", "title"}

_FILTERS_OF_SORTS = {
    "last_seen": ("since",),
    "first_seen": ("changed",),
    "price_changed": ("changed_since", "changed"),
    "discount": ("min_discount",),
    "price": ("min_price_cents", "max_price_cents"),
    "commission": ("min_commission",),
    "rating": ("min_rating_hundredths",),
}
"""Filters of the value that is sorted by: the index of the order begins or ends where they say."""

# What an offer must be for each value of a filter.
_VALUE_CLAUSES = {
    "min_discount": "discount_pct >= :min_discount",
    "min_commission": "commission_pct >= :min_commission",
    "min_price_cents": "price_cents >= :min_price_cents",
    "max_price_cents": "price_cents <= :max_price_cents",
    "source": "source = :source",
    "condition": "price_condition = :condition",
    "min_rating_hundredths": "json_extract(facts, '$.rating_hundredths') >= :min_rating_hundredths",
}
_YES_CLAUSES = {
    "free_shipping": "json_extract(facts, '$.free_shipping')",
    "official_store": "json_extract(facts, '$.official_store')",
    "coupon": "coalesce(json_extract(facts, '$.coupon_label'), json_extract(facts, '$.coupon_cents'),"
    " json_extract(facts, '$.coupon_pct')) IS NOT NULL",
}


def needing(columns: str, *, missing: frozenset[Missing], recheck_before: datetime | None) -> list[Query]:
    """Who was never asked, those never tried first, then the oldest; and who is to be asked again, longest ago first.

    Each wanted field's index holds its part of the list in that order. The parts are merged while they are read: the
    first row comes at once, and no more than a row of each is held. An offer stands where it comes first.
    """
    asked = [_merged([_front(field) for field in sorted(missing)], "enrich_attempted_at, first_seen_at, id", columns)]
    if recheck_before is not None:
        asked.append(_merged([_recheck_front(field, missing) for field in sorted(missing)], "looked_at, id", columns))
    return [(sql, {"recheck_before": recheck_before and to_text(recheck_before)}) for sql in asked]


def _merged(fronts: list[str], order: str, columns: str) -> str:
    """The offers of all fronts, each of which is read in that order; each offer once."""
    # Without a limit SQLite would drop the order of what is joined.
    places = f"{' UNION '.join(fronts)} ORDER BY {order} LIMIT -1"
    return f"SELECT {columns} FROM ({places}) AS place CROSS JOIN offers USING (id)"


def count_needing(missing: frozenset[Missing]) -> str:
    """The active offers that lack one of these fields and were not asked for it."""
    needs = (_LACKING[field] | _NOT_ASKED[field] for field in sorted(missing))
    needing = " OR ".join(f"coverage & {bits} = {bits}" for bits in needs)
    return f"{_TALLIED} NOT coverage & {_GONE} AND ({needing})"


def _front(field: Missing) -> str:
    # The planner, which knows no sizes, would rather sort what the other index holds: the index is named.
    column, looked_at = WANTED_COLUMNS[field]
    return f"""
      SELECT enrich_attempted_at, first_seen_at, id FROM offers INDEXED BY offers_needing_{_index_name(field)}
      WHERE status = 'active' AND {column} IS NULL AND {looked_at} IS NULL"""


def _recheck_front(field: Missing, missing: frozenset[Missing]) -> str:
    column, looked_at = WANTED_COLUMNS[field]
    others = (WANTED_COLUMNS[other] for other in sorted(missing))
    earlier = " OR ".join(f"({other} IS NULL AND coalesce({at}, '') < {looked_at})" for other, at in others)
    return f"""
      SELECT {looked_at} AS looked_at, id FROM offers INDEXED BY offers_missing_{_index_name(field)}
      WHERE status = 'active' AND {column} IS NULL AND {looked_at} < :recheck_before AND NOT ({earlier})"""


def _index_name(field: Missing) -> str:
    return field.name.lower()


def _matching(wanted: OfferFilter) -> Query:
    """The WHERE clause of a filter. Data goes in as parameters only."""
    values: dict[str, Any] = {name: value for name in _VALUE_CLAUSES if (value := getattr(wanted, name)) is not None}
    clauses = ["TRUE", *(_VALUE_CLAUSES[name] for name in values)]
    clauses += [clause for name, clause in _YES_CLAUSES.items() if getattr(wanted, name)]
    if wanted.since is not None:
        clauses.append("last_seen_at >= :since")
        values["since"] = to_text(wanted.since)
    if wanted.changed_since is not None:
        clauses.append("price_changed_at >= :changed_since")
        values["changed_since"] = to_text(wanted.changed_since)
    if wanted.changed is not None:
        clauses.append(f"price_changed_at {'>' if wanted.changed else '='} first_seen_at")
    if wanted.missing:
        columns = (WANTED_COLUMNS[field][0] for field in sorted(wanted.missing))
        clauses.append("(" + " OR ".join(f"{column} IS NULL" for column in columns) + ")")
    if wanted.wanted_status is not None:
        clauses.append("status = :status")
        values["status"] = wanted.wanted_status
    for i, word in enumerate(sorted(wanted.words, key=_rarity)):
        # GLOB looks for a word's first letter as memory is searched, instr() letter by letter, in twice the time. But
        # some characters mean something to it, and it takes no word that is very long.
        is_plain = word.isascii() and word.isalnum() and len(word) < 100
        clauses.append(f"title_folded GLOB :word{i}" if is_plain else f"instr(title_folded, :word{i})")
        values[f"word{i}"] = f"*{word}*" if is_plain else word
    return " AND ".join(clauses), values


def _rarity(word: str) -> tuple[bool, int]:
    """Sorts words by how few titles they may stand in, to be looked for first: numbers, then long ones."""
    return word.isalpha(), -len(word)


def find(wanted: OfferFilter, columns: str = SELECTED, *, along_index: bool, after: Place | None = None) -> Query:
    """The matching offers in their order; unknown values come last.

    Args:
        along_index: read them one by one in the order of the sort's index, which is quick where most of those match;
            else all of them as they stand in the file, to be sorted then.
        after: only those behind that place.
    """
    where, values = _matching(wanted)
    # The planner, which knows no sizes, would rather go by an index of what is missing: it is named.
    table = f"offers INDEXED BY {_index_of(wanted)}" if along_index else "offers NOT INDEXED"
    return _in_order(f"SELECT {columns} FROM {table} WHERE {where}", values, wanted, after)


def _index_of(wanted: OfferFilter) -> str:
    """The name of the index of its order; those whose price changed have one of their own."""
    name = wanted.sort.removeprefix("-")
    if wanted.changed and name == "price_changed":
        return "offers_repriced"
    return f"offers_{_INDEXES.get(name, name)}"


def _in_order(source: str, values: dict[str, Any], wanted: OfferFilter, after: Place | None) -> Query:
    """The rows of a source in their order, from the first on, or from behind a place on.

    Args:
        source: a query up to and with its conditions, and its `values`.
    """
    values = {**values, "limit": _limit(wanted)}
    if after is None:
        return f"{source} {_order(wanted)}", values
    place = {"value": after.value, "external_id": after.external_id, "id": after.id}
    parts = [f"SELECT * FROM ({source} AND {part} {_order(wanted)})" for part in _behind(wanted, after)]
    behind = {f"after_{name}": value for name, value in place.items()}
    return f"{' UNION ALL '.join(parts)} LIMIT :limit", values | behind


def _behind(wanted: OfferFilter, after: Place) -> list[str]:
    """What stands behind a place: what has a greater value, or the same and a greater id; then what has no value."""
    name, sign = wanted.sort.removeprefix("-"), "<" if wanted.sort.startswith("-") else ">"
    key, ties = _SORTS[name], ", ".join(_ties(name))
    places = ", ".join(f":after_{column}" for column in _ties(name))
    without = [] if name in _SORTS_THAT_ALL_HAVE else [f"{key} IS NULL"]
    if after.value is None:
        return [f"{each} AND ({ties}) {sign} ({places})" for each in without]
    return [f"{key} {sign}= :after_value AND ({key}, {ties}) {sign} (:after_value, {places})", *without]


def _ties(name: str) -> tuple[str, ...]:
    """By what offers of one value are ordered: by what is the same in every database.

    Only the index of the default order goes on by our own id.
    """
    return ("id",) if name == "last_seen" else ("external_id", "id")


def _order(wanted: OfferFilter) -> str:
    name, direction = wanted.sort.removeprefix("-"), "DESC" if wanted.sort.startswith("-") else "ASC"
    nulls_last = "" if name in _SORTS_THAT_ALL_HAVE else " NULLS LAST"
    ties = ", ".join(f"{column} {direction}" for column in _ties(name))
    return f"ORDER BY {_SORTS[name]} {direction}{nulls_last}, {ties} LIMIT :limit"


def _limit(wanted: OfferFilter) -> int:
    return -1 if wanted.limit is None else wanted.limit


def is_by_its_order(wanted: OfferFilter) -> bool:
    """Whether nothing is asked of a value but of the one that is sorted by, and the tally knows how many match else."""
    plain = replace(_part(wanted, wanted.sort), status=wanted.status, missing=wanted.missing)
    return wanted == plain


def _part(wanted: OfferFilter, sort: str) -> OfferFilter:
    """What a filter asks of the value of that order, in its order."""
    names = _FILTERS_OF_SORTS.get(sort.removeprefix("-"), ())
    return OfferFilter(sort=sort, limit=wanted.limit, **{name: getattr(wanted, name) for name in names})


def _range(wanted: OfferFilter, sort: str) -> OfferFilter:
    """What of that part says where the index of the order begins and ends."""
    return replace(_part(wanted, sort), changed=None)


def walk(wanted: OfferFilter, steps: int, *, after: Place | None = None) -> Query:
    """The row ids of the first offers along the index of the order, and whether each matches."""
    where, values = _matching(wanted)
    along = replace(_range(wanted, wanted.sort), limit=steps)
    if wanted.changed and wanted.sort.removeprefix("-") == "price_changed":
        along = replace(along, changed=True)  # such have an index of their own
    query, own_values = find(along, f"rowid, ({where})", along_index=True, after=after)
    return query, values | own_values


def first_matches(wanted: OfferFilter, limit: int) -> Query:
    """Row ids of matching offers, in no order, looked for as they stand in the file, which is read once."""
    where, values = _matching(wanted)
    return f"SELECT rowid FROM offers NOT INDEXED WHERE {where} LIMIT :limit", {**values, "limit": limit}


def first_matches_by_index(wanted: OfferFilter, limit: int) -> list[Query]:
    """For each index that tells of a part of what is asked: row ids of offers that match that part, in no order.

    Nothing else is read, but for ratings. That of titles, which is gone through for words, is a twelfth of the file.
    """
    found = []
    for part in _parts_by_index(wanted):
        where, values = _matching(part)
        source = f"SELECT rowid FROM offers INDEXED BY {_index_of(part)} WHERE {where}"
        found.append((f"{source} LIMIT :limit", {**values, "limit": limit}))
    return found


def _parts_by_index(wanted: OfferFilter) -> list[OfferFilter]:
    """The parts of a filter that the index of an order tells of, each in that order."""
    parts = [_range(wanted, sort) for sort in _FILTERS_OF_SORTS]
    parts.append(OfferFilter(search=wanted.search, sort="title", limit=wanted.limit))
    return [part for part in parts if part.is_by_value or part.since is not None]


def find_among(wanted: OfferFilter, rows: list[int], columns: str = SELECTED, *, after: Place | None = None) -> Query:
    """As `find`, of the offers in these rows alone."""
    where, values = _matching(wanted)
    rowids = "rowid IN (SELECT value FROM json_each(:rows))"
    source = f"SELECT {columns} FROM offers NOT INDEXED WHERE {rowids} AND {where}"
    return _in_order(source, {**values, "rows": json.dumps(rows)}, wanted, after)


def count(wanted: OfferFilter) -> Query:
    """How many match; the offers themselves are read only where more is asked than the tally knows."""
    where, values = _matching(wanted)
    if wanted.is_by_value or wanted.since is not None:
        # Where more is asked than one index tells, each offer is read: better all of them, as they stand in the file.
        alone = (part for part in _parts_by_index(wanted) if replace(part, sort=wanted.sort) == wanted)
        index = next((f"INDEXED BY {_index_of(part)}" for part in alone), "NOT INDEXED")
        return f"SELECT count(*) FROM offers {index} WHERE {where}", values
    status = {None: "TRUE", "gone": f"coverage & {_GONE}", "active": f"NOT coverage & {_GONE}"}[wanted.wanted_status]
    lacking = sum(_LACKING[field] for field in wanted.missing)
    return f"{_TALLIED} {status} AND {f'coverage & {lacking}' if lacking else 'TRUE'}", {}

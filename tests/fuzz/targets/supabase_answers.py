"""What stands at Supabase's address answers as it likes; each call says so, or returns what its types promise."""

from __future__ import annotations

import io
import json
import random
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, fields
from functools import partial
from typing import Any

import httpx
from fuzz.target import Target
from storage.cases import EVERYTHING, at, card, page, run
from storage.test_supabase_faults import AT_ONCE, ID, KEY

from offers_cli.config import Secret
from offers_cli.errors import StorageRefused, StorageUnavailable
from offers_cli.services.export import write_csv, write_jsonl
from offers_cli.storage.base import (
    OfferBatch,
    OfferCounts,
    OfferFilter,
    PricePoint,
    StoredOffer,
    UrlRepair,
    columns_of,
)
from offers_cli.storage.migrations import schema_sql
from offers_cli.storage.rules import new_offer
from offers_cli.storage.sqlite.queries import INSERT_OFFER, offer_row
from offers_cli.storage.supabase.rows import to_json
from offers_cli.storage.supabase.storage import SupabaseStorage
from offers_cli.storage.transfer import checksum
from offers_cli.text import json_text

OFFER = to_json(new_offer(card(), offer_id=ID, seen_at=at(0)))
POINT = {
    "offer_id": ID,
    **to_json(PricePoint(observed_at=at(0), price_cents=5, old_price_cents=None, source="listing")),
}
COUNTED = to_json(
    OfferCounts(total=5, enriched=1, gone=1, missing_old_price=1, missing_discount=1, missing_affiliate_link=1)
)
CALLS: dict[str, tuple[Callable[[SupabaseStorage], object], Any]] = {
    "check_schema": (lambda storage: storage.check_schema(), 11),
    "save_offers": (
        lambda storage: storage.save_offers([card()], seen_at=at(0)),
        [{"external_id": "MLB1", "offer": OFFER, "outcome": "new"}],
    ),
    "needing": (lambda storage: storage.offers_needing_enrichment(limit=1, missing=EVERYTHING), [OFFER]),
    "find_needing": (
        lambda storage: list(storage.find_needing(missing=EVERYTHING)),
        [[ID, "https://a.test/1", 5, None, None, at(0).isoformat()]],
    ),
    "save_enrichments": (
        lambda storage: storage.save_enrichments([page(ID, 1)]),
        [{"offer_id": ID, "verdict": "applied"}],
    ),
    "counts": (lambda storage: storage.counts(), COUNTED),
    "find few": (lambda storage: list(storage.find_offers(OfferFilter(limit=1))), {"offers": [OFFER]}),
    "find all": (lambda storage: list(storage.find_offers(OfferFilter())), [[ID, 5]]),
    "count": (lambda storage: storage.count_offers(OfferFilter()), 7),
    "find_offer": (lambda storage: storage.find_offer(ID), OFFER),
    "history": (lambda storage: storage.price_history(ID), [POINT]),
    "save_run": (lambda storage: storage.save_run(run()), None),
    "find_runs": (lambda storage: storage.find_runs(), [to_json(run())]),
    "prune": (lambda storage: storage.prune(older_than=at(0)), {"prices": 1, "offers": 1, "runs": 1, "last": ID}),
    "repair": (lambda storage: storage.repair_urls([UrlRepair(offer_id=ID, url="a", new_url=None)]), [ID]),
    "checksums": (lambda storage: storage.checksums([ID]), {ID: "a"}),
    "restore": (lambda storage: storage.restore_batch(OfferBatch(())), {ID: "a"}),
    "batches": (lambda storage: list(storage.export_batches()), {"offers": [OFFER], "history": [POINT]}),
}
"""The requests, and an answer of Supabase to each."""
STATUSES = (200, 200, 200, 200, 201, 204, 301, 400, 401, 404, 409, 418, 429, 500, 503, 599)
VALUES: tuple[Any, ...] = (
    *(None, True, 0, -1, 1.5, 10**30, 10**400, float("nan"), float("inf"), [], {}, [[]], {"a": 1}, [0] * 10_000),
    *("", "x", "\0", "\ud800", "\x1b]0;x\a", "x" * 100_000, "2026-13-45", "2026-03-01T00:00:00", "infinity"),
    *("0001-01-01T00:00:00+09:00", "9999-12-31T23:59:59-23:59"),
)
BODIES = (
    *(b"", b'"x"', b"{} {}", b"\xff\xfe", b"\x1f\x8b", b"<html></html>", b"1" * 5_000, b'"\xed\xa0\x80"', KEY.encode()),
    *(b"[" * 3_000, b"[" * 1_000_000, b'{"message":' * 3_000, b'{"code":' + b"[" * 900 + b"]" * 900 + b"}"),
    *('"é"'.encode("utf-16"), b'{"message": {"a": [1]}, "code": 5}'),
)
RETRY = ("", "5", "-1", "9" * 400, "nan", "Mon, 01 Jan 99999999999999999999 00:00:00 GMT", "٣", "1e9")


@dataclass(frozen=True)
class Case:
    call: str
    status: int
    body: bytes
    retry_after: bytes


def make(source: random.Random) -> Case:
    call = source.choice(sorted(CALLS))
    body = source.choice(BODIES)
    if source.random() < 0.85:
        told = _mutated(CALLS[call][1], source)
        body = json.dumps(told, ensure_ascii=source.random() < 0.5).encode("utf-8", "surrogatepass")
        if source.random() < 0.1:
            body = body[: source.randrange(len(body) + 1)]
    return Case(call, source.choice(STATUSES), body, source.choice(RETRY).encode())


def _mutated(value: Any, source: random.Random) -> Any:
    """The same with something wrong in it, somewhere."""
    if source.random() < 0.15:
        return source.choice(VALUES)
    if isinstance(value, dict) and value:
        name = source.choice(sorted(value))
        others = {other: kept for other, kept in value.items() if other != name}
        return others if source.random() < 0.1 else others | {name: _mutated(value[name], source)}
    if isinstance(value, list) and value:
        return [_mutated(value[0], source), *value[1:]] * source.choice((1, 1, 2))
    return source.choice(VALUES)


@dataclass
class Impostor:
    """Answers as the case says, then no more, for some calls ask until there is nothing left."""

    case: Case | None = None
    left: int = 0

    def __call__(self, request: httpx.Request) -> httpx.Response:
        assert self.case
        self.left -= 1
        if self.left < 0:
            return httpx.Response(503, request=request)
        headers = [(b"retry-after", self.case.retry_after)]
        return httpx.Response(self.case.status, content=self.case.body, headers=headers, request=request)


def read(case: Case, *, impostor: Impostor, storage: SupabaseStorage, database: sqlite3.Connection) -> None:
    impostor.case, impostor.left = case, 3
    try:
        found = CALLS[case.call][0](storage)
    except (StorageRefused, StorageUnavailable) as error:
        if KEY in f"{error.message} {error.hint}":
            raise AssertionError("the key is shown") from error
        raise
    for offer in _offers_in(found):
        columns = list(columns_of([offer], [field.name for field in fields(offer)]))
        write_csv(columns, io.BytesIO())
        write_jsonl(columns, io.BytesIO())
        checksum(offer, [])
        with database:
            database.execute("DELETE FROM offers")
            with suppress(sqlite3.IntegrityError):
                database.execute(INSERT_OFFER, offer_row(offer))
    json_text(repr(found))


def _offers_in(found: object) -> Iterator[StoredOffer]:
    if isinstance(found, StoredOffer):
        yield found
    elif isinstance(found, OfferBatch):
        yield from found.offers
    elif isinstance(found, list):
        for each in found:
            yield from _offers_in(each)


@contextmanager
def opened() -> Iterator[Target]:
    impostor = Impostor()
    storage = SupabaseStorage("http://127.0.0.1:1", Secret(KEY), patience=AT_ONCE)
    storage._client._http._transport = httpx.MockTransport(impostor)
    database = sqlite3.connect(":memory:")
    database.executescript(schema_sql("sqlite"))
    yield Target(
        make,
        partial(read, impostor=impostor, storage=storage, database=database),
        declared=(StorageRefused, StorageUnavailable),
    )
    database.close()
    storage.close()

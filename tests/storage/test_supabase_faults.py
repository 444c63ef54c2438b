"""Supabase when things go wrong: each fault is its error, with its outcome, its hint, and never the key."""

from __future__ import annotations

import json
import random
import traceback
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import httpx
import pytest
from storage.cases import EVERYTHING, at, card, everything, page, run, save
from storage.meddler import Handler, Meddler, Meddling, answering, dripping, meddler, silent
from supabase_server.lite import SupabaseProject

from offers_cli.config import Secret
from offers_cli.errors import Outcome, StorageBusy, StorageRefused, StorageUnavailable, WorkError
from offers_cli.offer import Facts
from offers_cli.storage.base import OfferBatch, OfferFilter, Storage
from offers_cli.storage.patience import Patience
from offers_cli.storage.rules import new_offer
from offers_cli.storage.sqlite.storage import open_sqlite
from offers_cli.storage.supabase import client
from offers_cli.storage.supabase.rows import to_json
from offers_cli.storage.supabase.storage import SupabaseStorage, open_supabase

KEY = "sb_secret_do-not-show-me"
ID = "00000000-0000-4000-8000-000000000000"
AT_ONCE = Patience(seconds=0)


@pytest.fixture
def between() -> Iterator[Meddler]:
    """A server that is not Supabase at all."""
    with meddler() as server:
        yield server


@pytest.fixture
def closing() -> Iterator[list[SupabaseStorage]]:
    opened: list[SupabaseStorage] = []
    yield opened
    for storage in opened:
        storage.close()


def caught_with(server: Meddler, closing: list[SupabaseStorage], meddling: Meddling) -> WorkError:
    """The error that asking a server which meddles so leads to."""
    server.meddling = meddling
    storage = SupabaseStorage(server.url, Secret(KEY), patience=AT_ONCE)
    closing.append(storage)
    with pytest.raises(WorkError) as caught:
        storage.counts()
    assert KEY not in "".join(traceback.format_exception(caught.value))
    assert caught.value.hint
    return caught.value


def problem(code: str | None, message: str = "as it is") -> bytes:
    return json.dumps({"code": code, "message": message, "hint": None, "details": None}).encode()


@pytest.mark.parametrize(
    ("status", "body", "outcome", "hint"),
    [
        (500, b"oops", Outcome.SNOOZE, "offers doctor"),
        (502, b"<html>bad gateway</html>", Outcome.SNOOZE, "offers doctor"),
        (503, problem("PGRST002"), Outcome.SNOOZE, "offers doctor"),
        (500, problem("57014", "canceling statement due to statement timeout"), Outcome.SNOOZE, "offers doctor"),
        (429, b"", Outcome.SNOOZE, "offers doctor"),
        (401, problem(None, "Invalid API key"), Outcome.FAIL, "SUPABASE_SERVICE_ROLE_KEY"),
        (401, problem("PGRST301", "JWT expired"), Outcome.FAIL, "SUPABASE_SERVICE_ROLE_KEY"),
        (403, problem("42501", "permission denied for table offers"), Outcome.FAIL, "SUPABASE_SERVICE_ROLE_KEY"),
        (404, problem("PGRST202", "Could not find the function"), Outcome.FAIL, "offers db migrate"),
        (400, problem("42703", "column offers.x does not exist"), Outcome.FAIL, "offers db migrate"),
        (404, problem("42P01", "relation does not exist"), Outcome.FAIL, "offers db migrate"),
        (400, problem("22P02", "invalid input syntax"), Outcome.FAIL, "offers doctor"),
        (405, problem("25006", "cannot execute INSERT in a read-only transaction"), Outcome.FAIL, "read-only"),
        (404, b"not here", Outcome.FAIL, "SUPABASE_URL"),
        (301, b"", Outcome.FAIL, "SUPABASE_URL"),
        (200, b"<html>hello</html>", Outcome.SNOOZE, "offers doctor"),
        (200, b'{"total": 1', Outcome.SNOOZE, "offers doctor"),
        (200, b'{"something": "else"}', Outcome.SNOOZE, "offers doctor"),
        (200, b"[]", Outcome.SNOOZE, "offers doctor"),
        (200, b"null", Outcome.SNOOZE, "offers doctor"),
        (200, b"", Outcome.SNOOZE, "offers doctor"),
        (200, b"[" * 3_000, Outcome.SNOOZE, "offers doctor"),
        (200, b"\xff", Outcome.SNOOZE, "offers doctor"),
        (400, b"[" * 3_000, Outcome.SNOOZE, "offers doctor"),
        (400, b"\xff", Outcome.SNOOZE, "offers doctor"),
        (400, b'{"message":' * 900 + b"1" + b"}" * 900, Outcome.SNOOZE, "offers doctor"),
        (418, b'{"message": {}, "code": [1]}', Outcome.SNOOZE, "offers doctor"),
    ],
)
def test_every_answer_has_its_outcome(
    between: Meddler, closing: list[SupabaseStorage], status: int, body: bytes, outcome: Outcome, hint: str
) -> None:
    error = caught_with(between, closing, answering(status, body))
    assert error.outcome is outcome
    assert hint in error.hint
    assert len(between.requests) == 1, "an answer is not asked for again"


@pytest.mark.parametrize(("asked", "kept"), [("0", 1), ("17", 17), ("86400", 900), ("9" * 5_000, 900), ("soon", None)])
def test_what_it_asks_to_wait_is_kept_within_limits(
    between: Meddler, closing: list[SupabaseStorage], asked: str, kept: float | None
) -> None:
    assert caught_with(between, closing, answering(429, b"", retry_after=asked)).retry_after_s == kept


def test_a_server_that_hangs_up_is_unavailable(between: Meddler, closing: list[SupabaseStorage]) -> None:
    assert isinstance(caught_with(between, closing, Handler.hang_up), StorageBusy)


PASSING: dict[str, Meddling] = {
    "cut": Handler.hang_up,
    "bad gateway": answering(502, b"<html>bad gateway</html>"),
    "overloaded": answering(503, problem("PGRST003", "timed out acquiring connection")),
    "too many requests": answering(429, b"", retry_after="2"),
    "statement timeout": answering(500, problem("57014", "canceling statement due to statement timeout")),
    "not JSON": answering(200, b"<html>please log in</html>"),
}


@pytest.mark.parametrize("fault", PASSING)
def test_what_passes_is_waited_out(between: Meddler, closing: list[SupabaseStorage], fault: str) -> None:
    """Twice in trouble, then well: the call is answered, after two waits."""
    waits: list[float] = []
    storage = SupabaseStorage(between.url, Secret(KEY), patience=Patience(seconds=60, sleep=waits.append))
    closing.append(storage)
    between.meddling = lambda handler: (
        PASSING[fault](handler) if len(between.requests) < 3 else answering(200, b"7")(handler)
    )
    assert storage.count_offers(OfferFilter()) == 7
    assert len(waits) == 2
    assert all((wait > 2) == (fault == "too many requests") for wait in waits)


@pytest.mark.parametrize(
    "answer",
    [
        answering(401, problem(None, "Invalid API key")),
        answering(400, problem("22P02", "invalid input syntax")),
        answering(503, problem("53100", "could not extend file: No space left on device")),
        answering(540, b"project paused"),
    ],
)
def test_what_does_not_pass_is_told_at_once(between: Meddler, closing: list[SupabaseStorage], answer: Meddling) -> None:
    waits: list[float] = []
    storage = SupabaseStorage(between.url, Secret(KEY), patience=Patience(seconds=60, sleep=waits.append))
    closing.append(storage)
    between.meddling = answer
    with pytest.raises(WorkError):
        storage.counts()
    assert (len(between.requests), waits) == (1, [])


def test_a_server_that_is_down_is_unavailable(closing: list[SupabaseStorage]) -> None:
    storage = SupabaseStorage("http://127.0.0.1:1", Secret(KEY), patience=AT_ONCE)
    closing.append(storage)
    with pytest.raises(StorageUnavailable, match=r"127\.0\.0\.1:1 does not answer"):
        storage.counts()


@pytest.mark.parametrize("meddling", [silent(1.5), dripping(0.1, 2.0)], ids=["silent", "dripping"])
def test_a_slow_server_is_unavailable_in_time(
    between: Meddler, closing: list[SupabaseStorage], meddling: Meddling, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The limit is nine seconds, so that ten are too slow; here it is shortened, to be quick."""
    assert client.TIMEOUT_S < 10
    monkeypatch.setattr(client, "TIMEOUT_S", 0.5)
    error = caught_with(between, closing, meddling)
    assert isinstance(error, StorageUnavailable)
    assert "in time" in error.message


def test_an_answer_that_echoes_the_key_does_not_show_it(between: Meddler, closing: list[SupabaseStorage]) -> None:
    echo = problem(None, f"no such key: {KEY}")
    assert "********" in caught_with(between, closing, answering(401, echo)).message
    caught_with(between, closing, answering(200, f"key {KEY}".encode()))
    caught_with(between, closing, answering(502, f"key {KEY}".encode()))


@pytest.mark.parametrize("key", ["", "with space", "line\nbreak", "ção", "\0"])
def test_a_key_that_is_none_is_refused_unsaid(key: str) -> None:
    with pytest.raises(StorageRefused) as caught:
        SupabaseStorage("http://127.0.0.1:1", Secret(key))
    assert not key or key not in "".join(traceback.format_exception(caught.value))


def test_the_key_is_not_shown(closing: list[SupabaseStorage]) -> None:
    storage = SupabaseStorage("http://127.0.0.1:1", Secret(KEY))
    closing.append(storage)
    assert KEY not in repr(storage) + repr(storage._client) + str(vars(storage._client))


CALLS: dict[str, tuple[Callable[[SupabaseStorage], object], set[bytes]]] = {
    "check_schema": (lambda storage: storage.check_schema(), set()),
    "save_offers": (save, set()),
    "needing": (lambda storage: storage.offers_needing_enrichment(limit=1, missing=EVERYTHING), {b"[]"}),
    "find_needing": (lambda storage: list(storage.find_needing(missing=EVERYTHING)), {b"[]"}),
    "save_enrichments": (lambda storage: storage.save_enrichments([page(ID, 1)]), {b"[]"}),
    "counts": (lambda storage: storage.counts(), set()),
    "find_offers, few": (lambda storage: list(storage.find_offers(OfferFilter(limit=1))), set()),
    "find_offers, all": (lambda storage: list(storage.find_offers(OfferFilter())), {b"[]"}),
    "count_offers": (lambda storage: storage.count_offers(OfferFilter()), {b"7"}),
    "find_offer": (lambda storage: storage.find_offer(ID), {b"null"}),
    "offers_called": (lambda storage: storage.offers_called(ids=["MLB1"]), {b"[]"}),
    "price_history": (lambda storage: storage.price_history(ID), {b"[]"}),
    "save_run": (lambda storage: storage.save_run(run()), {b""}),
    "find_runs": (lambda storage: storage.find_runs(), {b"[]"}),
    "checksums": (lambda storage: storage.checksums([ID]), {b"{}", b'{"key": 1}'}),
    "import_batch": (lambda storage: storage.import_batch(OfferBatch(())), {b""}),
    "restore_batch": (lambda storage: storage.restore_batch(OfferBatch(())), {b"{}", b'{"key": 1}'}),
    "export_batches": (lambda storage: list(storage.export_batches()), set()),
}
"""The requests, and which of the odd answers are its own."""
ODD = (
    *(b"", b"null", b"[]", b"{}", b'""', b'"text"', b"7", b"true", b"[7]", b"[[]]", b'{"key": 1}', b"<html></html>"),
    *(b"[" * 3_000, b"[" * 900 + b"]" * 900, b"\xff\xfe", b'"\xed\xa0\x80"', b"1" * 5_000, b"1" + b"0" * 400),
)


@pytest.mark.parametrize("call", CALLS)
def test_an_odd_answer_is_unavailable_whatever_was_asked(
    between: Meddler, closing: list[SupabaseStorage], call: str
) -> None:
    """Nothing passes for success or for no rows but what the function itself may answer; the address is named."""
    ask, own = CALLS[call]
    storage = SupabaseStorage(between.url, Secret(KEY), patience=AT_ONCE)
    closing.append(storage)
    passed, messages = set(), list[str]()
    for body in ODD:
        between.meddling = answering(200, body)
        try:
            ask(storage)
        except (StorageUnavailable, StorageRefused) as error:
            messages.append(error.message)
        else:
            passed.add(body)
    assert passed == own & set(ODD)
    assert all(storage._client.host in message for message in messages)


OFFER_ROW = to_json(new_offer(card(), offer_id=ID, seen_at=at(0)))


@pytest.mark.parametrize("name", OFFER_ROW)
def test_a_column_of_another_type_is_no_answer_of_supabase(
    between: Meddler, closing: list[SupabaseStorage], name: str
) -> None:
    """Else it would break whatever uses it later, as a bug of ours, or end a job as failed."""
    storage = SupabaseStorage(between.url, Secret(KEY), patience=AT_ONCE)
    closing.append(storage)
    objects: list[object] = [{"a": [1]}] if name != "facts" else [{"reviews": "1"}, {"full": 1}, {"seller": True}]
    own_kinds = ["0001-01-01T00:00:00+09:00"] if name.endswith("_at") else objects
    odds: list[object] = [5.5, True, [[]], 10**400, "\ud800", *own_kinds]
    for odd in odds:
        between.meddling = answering(200, json.dumps([{**OFFER_ROW, name: odd}]).encode())
        with pytest.raises(StorageUnavailable, match="is this Supabase"):
            storage.offers_needing_enrichment(limit=1, missing=EVERYTHING)
    between.meddling = answering(200, json.dumps([OFFER_ROW]).encode())
    assert len(storage.offers_needing_enrichment(limit=1, missing=EVERYTHING)) == 1


def test_a_fact_that_only_a_newer_program_knows_is_passed_over(
    between: Meddler, closing: list[SupabaseStorage]
) -> None:
    """It may have been kept by another machine, for a fact needs no migration."""
    storage = SupabaseStorage(between.url, Secret(KEY), patience=AT_ONCE)
    closing.append(storage)
    row = {**OFFER_ROW, "facts": {"reviews": 3, "colour": "blue"}}
    between.meddling = answering(200, json.dumps([row]).encode())
    (offer,) = storage.offers_needing_enrichment(limit=1, missing=EVERYTHING)
    assert offer.facts == Facts(reviews=3)


ENDLESS: dict[str, tuple[Callable[[SupabaseStorage], object], Any]] = {
    "find": (lambda storage: list(storage.find_offers(OfferFilter())), [[ID, 5], [ID, 6]]),
    "needing": (
        lambda storage: list(storage.find_needing(missing=EVERYTHING)),
        [[ID, "https://a.test/1", 5, None, None, at(minute).isoformat()] for minute in (1, 2)],
    ),
    "export": (lambda storage: list(storage.export_batches()), {"offers": [OFFER_ROW], "history": []}),
    "prune": (lambda storage: storage.prune(older_than=at(0)), {"prices": 0, "offers": 0, "runs": 0, "last": ID}),
}


@pytest.mark.parametrize("call", ENDLESS)
def test_pages_that_never_end_are_no_answer_of_supabase(
    between: Meddler, closing: list[SupabaseStorage], monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    """A server, or a cache before it, that gives the same page to each request would keep a command busy for ever."""
    monkeypatch.setattr("offers_cli.storage.supabase.storage.PLACES", 2)
    monkeypatch.setattr("offers_cli.storage.supabase.storage.NEEDING", 2)
    storage = SupabaseStorage(between.url, Secret(KEY), patience=AT_ONCE)
    closing.append(storage)
    ask, told = ENDLESS[call]
    between.meddling = answering(200, json.dumps(told).encode())
    with pytest.raises(StorageUnavailable, match="is this Supabase"):
        ask(storage)
    assert len(between.requests) <= 2


def test_a_wrong_key_is_refused_by_the_real_server_at_the_first_request(supabase_project: SupabaseProject) -> None:
    with meddler(supabase_project.url) as server:
        with pytest.raises(StorageRefused) as caught:
            open_supabase(server.url, Secret("sb_secret_wrong"))
        assert "SUPABASE_SERVICE_ROLE_KEY" in caught.value.hint
        assert len(server.requests) == 1


def test_the_anon_key_gets_nothing(supabase_project: SupabaseProject, supabase_storage: Storage) -> None:
    """Select, insert, update, delete and every function, over the real server."""
    if not supabase_project.anon_key:
        pytest.skip("OFFERS_TEST_SUPABASE_ANON_KEY is not set")
    [saved] = save(supabase_storage)
    before = everything(supabase_storage)
    headers = {"apikey": supabase_project.anon_key, "Prefer": "return=representation"}
    row = {"marketplace": "m", "external_id": "x", "title": "t", "url": "u", "currency": "BRL", "price_cents": 1}
    times = dict.fromkeys(("first_seen_at", "last_seen_at", "price_changed_at"), at(0).isoformat())
    calls: dict[str, dict[str, Any]] = {
        "offers_schema_version": {},
        "offers_save_cards": {"cards": [row], "seen_at": at(0).isoformat(), "trust_cards": False, "dry_run": False},
        "offers_enrich": {"results": []},
        "offers_needing_enrichment": {"missing": ["discount"], "max_offers": 1},
        "offers_needing": {"missing": ["discount"], "recheck_before": None, "after": None, "page_size": 1},
        "offers_counts": {},
        "offers_count": {"wanted": {"missing": [], "words": []}},
        "offers_page": {"wanted": {"missing": [], "words": []}, "sort": "price", "most": 1},
        "offers_recount": {},
        "offers_get": {"wanted": saved.offer_id},
        "offers_price_history": {"wanted": saved.offer_id},
        "offers_save_run": {"run": {}},
        "offers_runs": {"max_runs": 1},
    }
    with httpx.Client(base_url=f"{supabase_project.url}/rest/v1", headers=headers) as anon:
        answers = [anon.post(f"/rpc/{name}", json=arguments) for name, arguments in calls.items()]
        for table in ("offers", "price_history", "scrape_runs", "offers_schema", "offers_tally"):
            answers += [
                anon.get(f"/{table}", params={"select": "*"}),
                anon.post(f"/{table}", json={**row, **times, "source": "s"} if table == "offers" else {}),
            ]
        answers += [
            anon.patch("/offers", params={"id": f"eq.{saved.offer_id}"}, json={"price_cents": 1}),
            anon.delete("/offers", params={"id": f"eq.{saved.offer_id}"}),
        ]
    for answer in answers:
        assert not answer.is_success or answer.json() == [], (answer.request.url, answer.text)
    assert all(not answer.is_success for answer in answers[: len(calls)])
    assert everything(supabase_storage) == before


def test_the_anon_key_is_no_key_for_the_program(supabase_project: SupabaseProject) -> None:
    if not supabase_project.anon_key:
        pytest.skip("OFFERS_TEST_SUPABASE_ANON_KEY is not set")
    with pytest.raises(StorageRefused):
        open_supabase(supabase_project.url, Secret(supabase_project.anon_key))


def test_a_page_or_a_batch_is_one_request(supabase_project: SupabaseProject, supabase_storage: Storage) -> None:
    with meddler(supabase_project.url) as server:
        storage = open_supabase(server.url, Secret(supabase_project.service_key))
        server.requests.clear()
        saved = save(storage, *(card(number) for number in range(200)))
        storage.save_enrichments([page(offer.offer_id, 1, old_price_cents=20_000) for offer in saved])
        storage.offers_needing_enrichment(limit=200, missing=EVERYTHING)
        storage.counts()
        assert len(list(storage.find_offers(OfferFilter(limit=200)))) == 200
        storage.close()
        assert server.requests == [
            f"/rest/v1/rpc/offers_{name}" for name in ("save_cards", "enrich", "needing_enrichment", "counts", "page")
        ]


def losing_replies(chance: random.Random, share: float) -> Meddling:
    """The database did its work, but now and then nobody hears of it."""

    def meddle(handler: Handler) -> bool:
        if "offers_save" in handler.path or "offers_enrich" in handler.path:
            answer = handler.forward()
            if chance.random() < share:
                return handler.hang_up()
            handler.answer(*answer)
            return True
        return False

    return meddle


@pytest.mark.parametrize(
    "writes", [pytest.param(60, id="short"), pytest.param(1000, id="long", marks=pytest.mark.slow)]
)
def test_lost_replies_leave_the_same_rows(
    supabase_project: SupabaseProject, supabase_storage: Storage, tmp_path: Any, writes: int
) -> None:
    """One reply in ten is lost; what is written again until it is told so gives the rows of a calm day."""
    calm = open_sqlite(tmp_path / "calm.db")
    with meddler(supabase_project.url) as server:
        server.meddling = losing_replies(random.Random(5), 0.1)
        patience = Patience(seconds=60, sleep=lambda _seconds: None)
        stormy = open_supabase(server.url, Secret(supabase_project.service_key), patience=patience)
        for storage in (calm, stormy):
            _write(storage, writes)
        asked = [path for path in server.requests if "save" in path or "enrich" in path]
        assert writes < len(asked) < 1.3 * writes, "some were written twice"
        ours, theirs = _rows(calm), _rows(stormy)
        calm.close()
        stormy.close()
    assert ours == theirs


def _write(storage: Storage, writes: int) -> None:
    for minute in range(writes // 2):
        cards = [card(number, price_cents=10_000 + minute // 100) for number in (minute % 7, minute % 5)]
        saved = save(storage, *cards, minute=minute)
        found = page(saved[0].offer_id, minute + 0.5, price_cents=saved[0].price_cents, old_price_cents=20_000 + minute)
        storage.save_enrichments([found])


def _rows(storage: Storage) -> dict[str, Any]:
    return {
        offer.external_id: (replace(offer, id=""), storage.price_history(offer.id)) for offer in everything(storage)
    }

"""The main job on Supabase and a given Redis: scrape, save, queue, enrich, show; and a key that is not accepted."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from acceptance.program import Program, Result, at_shop
from servers import RedisServer
from shop import Shop
from storage.meddler import Handler, Meddling, answering, meddler
from supabase_server.lite import SupabaseProject
from waiting import NEVER_S, wait_until


@dataclass
class OverheardProgram(Program):
    """The program, and everything it ever said."""

    said: list[str] = field(default_factory=list)

    def __call__(self, *args: str, timeout_s: float = NEVER_S, **env: str) -> Result:
        result = super().__call__(*args, timeout_s=timeout_s, **env)
        self.said += [result.out, result.err]
        return result


@pytest.fixture
def program(folder: Path, calm_shop: Shop, supabase: SupabaseProject) -> Iterator[OverheardProgram]:
    """The program with both services given; the key is never told, nor anything kept in its home."""
    program = OverheardProgram(folder / "home")
    at_shop(program, calm_shop, SUPABASE_URL=supabase.url, SUPABASE_SERVICE_ROLE_KEY=supabase.service_key)
    with RedisServer() as server:
        program.env["REDIS_URL"] = server.url
        yield program
    assert supabase.service_key not in "".join(program.said)
    for path in program.home.rglob("*"):
        assert not path.is_file() or supabase.service_key.encode() not in path.read_bytes(), path
    assert not list(program.home.glob("*redis*")), "no Redis of its own was needed"
    assert not (program.home / "offers.db").exists(), "nor a database"


def scrape(program: Program) -> int:
    """Scrape the whole shop; returns how many offers are queued."""
    scraped = program.json("scrape", "ofertas", "--pages", "20")
    assert scraped.code == 0, scraped.err
    enqueued: int = scraped.data["enqueued"]
    assert program.json("stats").data["queue"]["queued"] == enqueued > 0
    return enqueued


def assert_read_to_the_truth(program: Program, shop: Shop, *, enriched: int) -> None:
    """Every offer is there, the enriched ones with what their pages show, and the counts are those of the rows."""
    truth = {offer.external_id: offer for offer in shop.offers}
    listed = program.json("list", "--limit", "1000").data
    rows = {row["external_id"]: row for row in listed["offers"]}
    assert rows.keys() == truth.keys()
    assert listed["total"] == len(truth)
    read = [row for row in rows.values() if row["enriched_at"]]
    assert len(read) == enriched
    for row in read:
        shown = truth[row["external_id"]].page
        assert (row["price_cents"], row["old_price_cents"], row["discount_pct"]) == (
            shown.price_cents,
            shown.old_price_cents,
            shown.discount_pct,
        )
    assert program.json("stats").data["offers"] == {
        "total": len(rows),
        "enriched": enriched,
        "gone": 0,
        "missing_old_price": sum(row["old_price_cents"] is None for row in rows.values()),
        "missing_discount": sum(row["discount_pct"] is None for row in rows.values()),
        "missing_affiliate_link": sum(row["affiliate_link"] is None for row in rows.values()),
    }


def test_a_whole_run_with_a_bad_day_in_it(program: OverheardProgram, calm_shop: Shop) -> None:
    """The shop changes its pages, every job fails; the pages are as before, every job is put back and done."""
    queued = scrape(program)
    calm_shop.rename_price_classes()
    bad_day = program.json("worker", "--burst")
    assert (bad_day.code, bad_day.data["failed"], bad_day.data["succeeded"]) == (1, queued, 0), bad_day.err
    assert program.json("stats").data["failures"] == {"page_changed": queued}

    calm_shop.recover()
    put_back = program.json("requeue-failed", "--limit", "1000")
    assert (put_back.code, put_back.data["requeued"], put_back.data["skipped"]) == (0, queued, 0)
    worked = program.json("worker", "--burst")
    assert (worked.code, worked.data["failed"], worked.data["succeeded"]) == (0, 0, queued), worked.err
    assert_read_to_the_truth(program, calm_shop, enriched=queued)
    assert program.json("enqueue-missing").data["found"] == 0


def test_the_database_is_looked_after(program: OverheardProgram, folder: Path) -> None:
    """A backup is the whole of it: copied back, every offer is found the same, checksum for checksum."""
    scrape(program)
    total = program.json("list").data["total"]
    migrated = program.json("db", "migrate").data
    assert (migrated["kind"], migrated["applied"]) == ("supabase", [])
    assert program.json("db", "schema").data["version"] == migrated["version"]

    backup = program.json("db", "backup", "all.db")
    assert (backup.code, backup.data["offers"]) == (0, total)
    copied = program.json("db", "copy", OFFERS_DB=str(folder / "all.db"))
    assert (copied.code, copied.data["already_there"], copied.data["copied"]) == (0, total, 0), copied.out


def test_a_wrong_key_is_said_at_the_first_request(program: OverheardProgram, supabase: SupabaseProject) -> None:
    queued = scrape(program)
    with meddler(supabase.url) as server:
        for words in (["worker", "--burst"], ["worker"], ["scrape", "ofertas"], ["list"]):
            server.requests.clear()
            refused = program.json(*words, SUPABASE_URL=server.url, SUPABASE_SERVICE_ROLE_KEY="sb_secret_wrong-canary")
            assert (refused.code, refused.codes) == (3, ["storage_refused"]), words
            assert "SUPABASE_SERVICE_ROLE_KEY" in refused.document["errors"][0]["hint"]
            assert 1 <= len(server.requests) <= 3, words
    assert "wrong-canary" not in "".join(program.said)
    assert program.json("stats").data["queue"]["queued"] == queued


ODD = (b"[" * 3_000, b'"x"', b"\xff\xfe", b"[[]]")


def test_answers_that_are_not_supabase_s_put_jobs_off_and_fail_none(
    program: OverheardProgram, supabase: SupabaseProject
) -> None:
    """Whatever stands at the address: a command says that the storage is away, a worker's jobs wait for it."""
    queued = scrape(program)
    with meddler(supabase.url) as server:
        for status, body in itertools.product((200, 400), ODD):
            server.meddling = _but_for_the_schema(answering(status, body))
            told = program.json("list", SUPABASE_URL=server.url, OFFERS_DB_PATIENCE="0")
            assert (told.code, told.codes) == (4, ["storage_unavailable"]), (status, body[:20], told.out)
        server.requests.clear()
        worker = program.start("worker", "--burst", "--json", SUPABASE_URL=server.url)
        wait_until(lambda: sum(path.endswith("offers_enrich") for path in server.requests) > 2)
        server.meddling = lambda _handler: False
        out, err = worker.communicate(timeout=NEVER_S)
    worked = Result(worker.returncode, out, err)
    assert (worked.code, worked.data["failed"], worked.data["succeeded"]) == (0, 0, queued), err


def _but_for_the_schema(meddling: Meddling) -> Meddling:
    return lambda handler: not handler.path.endswith("offers_schema_version") and meddling(handler)


def test_a_key_withdrawn_stops_a_running_worker_and_burns_no_job(
    program: OverheardProgram, supabase: SupabaseProject, calm_shop: Shop
) -> None:
    """The first batch of results is refused: the worker gives all jobs back and ends; with a new key they are done."""
    queued = scrape(program)
    with meddler(supabase.url) as server:

        def withdrawn(handler: Handler) -> bool:
            if "offers_enrich" in handler.path:
                handler.headers.replace_header("apikey", "sb_secret_withdrawn")
                handler.headers.replace_header("authorization", "Bearer sb_secret_withdrawn")
            return False

        server.meddling = withdrawn
        stopped = program.json("worker", SUPABASE_URL=server.url)
        writes = [path for path in server.requests if "offers_enrich" in path]
    assert (stopped.code, stopped.codes[0]) == (3, "storage_refused"), stopped.err
    assert 1 <= len(writes) <= 3

    queue = program.json("stats").data["queue"]
    assert queue | {"queued": 0, "scheduled": 0} == dict.fromkeys(queue, 0), "none failed, none is lost in between"
    assert queue["queued"] + queue["scheduled"] == queued
    worked = program.json("worker", "--burst")
    assert (worked.code, worked.data["succeeded"], worked.data["failed"]) == (0, queued, 0), worked.err
    assert_read_to_the_truth(program, calm_shop, enriched=queued)
    rows = program.json("list", "--limit", "1000").data["offers"]
    assert all(row["enrich_attempts"] == 1 for row in rows if row["enriched_at"])


def test_a_scrape_on_a_bad_day_is_whole(program: OverheardProgram, calm_shop: Shop, supabase: SupabaseProject) -> None:
    """Gateways fail, limits are hit, connections break: the program itself waits, and everything is there."""
    chance = random.Random(7)
    faults = [(0.05, answering(502, b"bad gateway")), (0.05, answering(429, b"", retry_after="1")), (0.15, cut)]
    with meddler(supabase.url) as server:

        def bad_day(handler: Handler) -> bool:
            dice = chance.random()
            for share, fault in faults:
                if dice < share:
                    return fault(handler)
                dice -= share
            return False

        server.meddling = bad_day
        scraped = program.json("scrape", "ofertas", "--pages", "20", SUPABASE_URL=server.url)
        assert (scraped.code, scraped.data["seen"]) == (0, scraped.data["new"]), scraped.err
        assert "waiting for the database" in scraped.err
    assert program.json("list").data["total"] == len(calm_shop.offers) == scraped.data["new"]
    [run] = program.json("runs").data["runs"]
    assert (run["status"], run["pages"], run["new"]) == ("done", scraped.data["pages"], scraped.data["new"])


def test_a_killed_scrape_is_shown_as_such_with_what_it_did(
    program: OverheardProgram, calm_shop: Shop, supabase: SupabaseProject
) -> None:
    """Its second page does not come before it is killed."""
    with meddler(supabase.url) as server:

        def first_page_saved(handler: Handler) -> bool:
            if handler.path.endswith("offers_save_cards"):
                calm_shop.set_latency(30)
            return False

        server.meddling = first_page_saved
        process = program.start("scrape", "ofertas", "--pages", "20", SUPABASE_URL=server.url)
        wait_until(lambda: sum("offers_save_run" in path for path in server.requests) == 2)
        [running] = program.json("runs").data["runs"]
        process.kill()
        process.communicate()
    [killed] = program.json("runs").data["runs"]
    assert (running["status"], killed["status"]) == ("running", "killed")
    assert killed["pages"] == 1
    assert killed["new"] == program.json("list").data["total"] > 0


def cut(handler: Handler) -> bool:
    """The database did its work, but nobody hears of it."""
    handler.forward()
    return handler.hang_up()

"""The main job, end to end: scrape, save, queue, enrich, show."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from acceptance.program import Program, at_shop
from shop import Shop
from waiting import NEVER_S


@pytest.fixture
def program(offers: Program, calm_shop: Shop) -> Program:
    return at_shop(offers, calm_shop)


def test_a_whole_run_reads_every_offer_to_the_truth(program: Program, calm_shop: Shop) -> None:
    scraped = program.json("scrape", "ofertas", "--pages", "20")
    assert scraped.code == 0, scraped.err
    truth = {offer.external_id: offer for offer in calm_shop.offers}
    assert scraped.data["new"] == len(truth)
    assert scraped.data["seen"] == sum(
        scraped.data[k] for k in ("new", "changed", "unchanged", "filtered", "unreadable")
    )

    before = program.json("stats").data
    assert before["queue"]["queued"] == scraped.data["enqueued"]
    assert before["offers"]["total"] == len(truth)

    worked = program.json("worker", "--burst")
    assert worked.code == 0, worked.err
    assert worked.data["succeeded"] == scraped.data["enqueued"]
    assert worked.data["failed"] == 0

    rows = program.json("list", "--limit", "1000").data["offers"]
    read = {row["external_id"]: (row["price_cents"], row["old_price_cents"], row["discount_pct"]) for row in rows}
    expected = {
        id_: (offer.page.price_cents, offer.page.old_price_cents, offer.page.discount_pct)
        for id_, offer in truth.items()
        if any(row["external_id"] == id_ and row["enriched_at"] for row in rows)
    }
    assert {id_: read[id_] for id_ in expected} == expected
    assert len(expected) == worked.data["succeeded"]

    after = program.json("stats").data
    assert after["queue"] | {"finished": 0} == dict.fromkeys(after["queue"], 0)
    assert after["offers"]["enriched"] == worked.data["succeeded"]


def test_scraping_again_changes_nothing_but_what_changed(program: Program, calm_shop: Shop) -> None:
    program.json("scrape", "ofertas", "--pages", "20")
    program.json("worker", "--burst")
    first = {row["external_id"]: row for row in program.json("list", "--limit", "1000").data["offers"]}
    victim = next(offer for offer in calm_shop.offers if first[offer.external_id]["enriched_at"])
    calm_shop.change_price(victim.external_id, victim.listed.price_cents + 1000)

    again = program.json("scrape", "ofertas", "--pages", "20").data
    assert (again["new"], again["changed"]) == (0, 1)
    assert again["enqueued"] == 1, "a changed price makes the offer need enrichment again, and nothing else does"
    second = {row["external_id"]: row for row in program.json("list", "--limit", "1000").data["offers"]}
    for id_ in first.keys() - {victim.external_id}:
        assert {**first[id_], "last_seen_at": ""} == {**second[id_], "last_seen_at": ""}
    with sqlite3.connect(program.home / "offers.db") as db:
        rows = db.execute(
            "select price_cents from price_history where offer_id = ? order by observed_at",
            (second[victim.external_id]["id"],),
        ).fetchall()
    prices = [row[0] for row in rows]
    assert prices[-1] == victim.listed.price_cents + 1000
    assert prices.count(prices[-1]) == 1, "one history row for one observed change"


def test_a_listing_that_goes_on_differing_from_the_page_makes_no_job_each_round(
    program: Program, calm_shop: Shop
) -> None:
    """Three rounds: the first asks the pages, the others change nothing, queue nothing and ask nothing."""
    for offer in calm_shop.offers:
        calm_shop.change_price(offer.external_id, offer.page.price_cents * 9 // 10 + 7, listed=False)
    rounds = []
    for _ in range(3):
        scraped = program.json("scrape", "ofertas", "--pages", "20").data
        worked = program.json("worker", "--burst").data
        asked = len(product_pages(calm_shop))
        rows = {row["external_id"]: row for row in program.json("list", "--limit", "1000").data["offers"]}
        with sqlite3.connect(program.home / "offers.db") as db:
            history = db.execute("select count(*) from price_history").fetchone()
        rounds.append((scraped["changed"], scraped["enqueued"], worked["succeeded"], asked, history, prices_of(rows)))
    first, *others = rounds
    assert first[1] == first[2] == first[3] > 0
    assert others == [(0, 0, 0, *first[3:])] * 2
    truth = {offer.external_id: offer for offer in calm_shop.offers}
    read = {id_: row for id_, row in rows.items() if row["enriched_at"]}
    assert {id_: (row["price_cents"], row["listing_price_cents"]) for id_, row in read.items()} == {
        id_: (truth[id_].page.price_cents, truth[id_].listed.price_cents) for id_ in read
    }
    victim = next(iter(read))
    calm_shop.change_price(victim, truth[victim].listed.price_cents + 5000)
    again = program.json("scrape", "ofertas", "--pages", "20").data
    assert (again["changed"], again["enqueued"]) == (1, 1), "another word of the listing is news"


def product_pages(shop: Shop) -> list[str]:
    """The product pages that were asked for."""
    return [seen.path for seen in shop.requests if "/ofertas" not in seen.path and seen.path != "/robots.txt"]


def prices_of(rows: Mapping[str, Mapping[str, Any]]) -> dict[str, tuple[Any, ...]]:
    names = ("price_cents", "old_price_cents", "discount_pct", "price_changed_at")
    return {external_id: tuple(row[name] for name in names) for external_id, row in rows.items()}


def test_what_is_queued_is_not_queued_twice(program: Program) -> None:
    first = program.json("scrape", "ofertas").data
    second = program.json("scrape", "ofertas").data
    assert (second["enqueued"], second["already_queued"]) == (0, first["enqueued"])
    missing = program.json("enqueue-missing", "--limit", "1000").data
    assert missing == missing | {"found": first["enqueued"], "enqueued": 0, "already_queued": first["enqueued"]}


def test_the_queue_is_rebuilt_from_the_database(program: Program) -> None:
    scraped = program.json("scrape", "ofertas", "--no-enqueue").data
    assert scraped["enqueued"] == 0
    assert program.json("stats").data["queue"]["queued"] == 0
    missing = program.json("enqueue-missing", "--limit", "7").data
    assert missing["found"] == missing["enqueued"] == 7


def test_a_dry_run_leaves_nothing(program: Program) -> None:
    data = program.json("scrape", "ofertas", "--dry-run").data
    assert data["seen"] > 0
    assert data["new"] > 0
    assert data["run_id"] is None
    assert program.json("list").data["total"] == 0


def test_limit_and_minimum_discount(program: Program) -> None:
    assert program.json("scrape", "ofertas", "--pages", "5", "--limit", "10").data["seen"] == 10
    filtered = program.json("scrape", "ofertas", "--pages", "20", "--min-discount", "100").data
    assert filtered["filtered"] > 0
    known = [r for r in program.json("list", "--limit", "1000").data["offers"] if r["discount_pct"] is not None]
    assert len(known) <= 10, "offers known to be below the minimum were not saved"


def test_search_listing_url_and_saved_page(program: Program, calm_shop: Shop, folder: Path) -> None:
    assert program.json("scrape", "search:fone de ouvido").data["seen"] > 0
    assert program.json("scrape", f"{calm_shop.url}/ofertas?page=2").data["seen"] > 0
    import urllib.request

    page = folder / "page.html"
    page.write_bytes(urllib.request.urlopen(f"{calm_shop.url}/ofertas").read())
    saved = program.json("scrape", str(page), "--no-enqueue")
    assert saved.code == 0, saved.err
    assert saved.data["pages"] == 1
    assert saved.data["new"] + saved.data["unchanged"] == saved.data["seen"]


def test_two_workers_at_once_do_each_offer_once(offers: Program, folder: Path) -> None:
    from offers_cli.demo.catalogue import Catalogue

    with Shop(Catalogue(500, 3, ()), page_size=50) as shop:
        program = at_shop(offers, shop)
        scraped = program.json("scrape", "ofertas", "--pages", "20").data
        first, second = (program.start("worker", "--burst", "--json", "--quiet") for _ in range(2))
        import json

        counts = [json.loads(process.communicate(timeout=NEVER_S)[0])["data"] for process in (first, second)]
        assert sum(data["succeeded"] for data in counts) == scraped["enqueued"]
        assert all(data["succeeded"] > 0 for data in counts), "both had a share"
        asked = product_pages(shop)
        assert len(asked) == len(set(asked)) == scraped["enqueued"], "each product page was fetched once"
        assert program.json("enqueue-missing", "--limit", "1000").data["found"] == 0

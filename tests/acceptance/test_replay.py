"""The site changes its pages: all fail, the fix mends the past, and nothing is fetched for it."""

from __future__ import annotations

import gzip
import json

import pytest
from acceptance.program import Program, at_shop
from shop import Shop


@pytest.fixture
def program(offers: Program, calm_shop: Shop) -> Program:
    return at_shop(offers, calm_shop)


def mend_kept_pages(program: Program) -> int:
    """Undo the shop's redesign in the kept pages: to the reader it is the same as a fix of its selectors."""
    from offers_cli.demo.catalogue import Catalogue

    mended = 0
    with Shop(Catalogue(40, 1, ())) as fixed:
        base = program.env["ML_BASE_URL"]
        import hashlib
        import urllib.request

        for path in (program.home / "snapshots" / "kept").glob("*.json"):
            about = json.loads(path.read_text())
            page = urllib.request.urlopen(about["final_url"].replace(base, fixed.url)).read().decode()
            raw = page.replace(fixed.url, base).encode()
            about["digest"] = hashlib.sha256(raw).hexdigest()
            target = program.home / "snapshots" / "pages" / f"{about['digest']}.html.gz"
            target.write_bytes(gzip.compress(raw))
            path.write_text(json.dumps(about))
            mended += 1
    return mended


def test_replay_after_a_fix_mends_everything_without_a_request(program: Program, calm_shop: Shop) -> None:
    queued = program.json("scrape", "ofertas", "--pages", "20").data["enqueued"]
    calm_shop.rename_price_classes()
    failed = program.json("worker", "--burst")
    assert failed.code == 1
    assert failed.data["failed"] == queued
    assert set(failed.codes) == {"page_changed"}
    assert program.json("stats").data["failures"] == {"page_changed": queued}

    jobs = calm_shop.requests
    one = next(row for row in program.json("list", "--limit", "1000").data["offers"] if row["enrich_error"])
    explained = program.json("explain", one["id"])
    assert explained.codes == ["page_changed"], "an offer's id stands for its kept page"
    assert len(calm_shop.requests) == len(jobs)

    still = program.json("replay", "--reason", "page_changed")
    assert (still.data["mended"], still.data["unreadable"]) == (0, queued)
    assert still.code == 1

    assert mend_kept_pages(program) == queued
    requests = len(calm_shop.requests)
    dry = program.json("replay", "--reason", "page_changed", "--dry-run")
    assert dry.data["mended"] == queued
    assert len(dry.data["changes"]) == queued
    assert program.json("stats").data["offers"]["enriched"] == 0, "a dry run saves nothing"

    done = program.json("replay", "--reason", "page_changed")
    assert done.code == 0, done.err
    assert done.data["mended"] == done.data["forgotten"] == queued
    assert len(calm_shop.requests) == requests, "nothing was fetched"
    stats = program.json("stats").data
    assert stats["failures"] == {}
    assert stats["offers"]["enriched"] == queued

    again = program.json("replay").data
    assert (again["mended"], again["unchanged"] + again["superseded"]) == (0, queued), "nothing new is no mending"
    truth = {offer.external_id: offer.page for offer in calm_shop.offers}
    for row in program.json("list", "--limit", "1000").data["offers"]:
        if row["enriched_at"]:
            page = truth[row["external_id"]]
            assert (row["price_cents"], row["old_price_cents"]) == (page.price_cents, page.old_price_cents)

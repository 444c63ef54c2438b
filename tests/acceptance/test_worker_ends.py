"""How a burst ends: failures by code with the next command, gone offers counted apart, titles in `failed`."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from acceptance.program import Program, at_shop
from acceptance.terminal import Terminal
from shop import Shop

from offers_cli.text import printable


def test_failures_are_told_by_code_and_what_is_gone_is_no_failure(offers: Program, calm_shop: Shop) -> None:
    program = at_shop(offers, calm_shop)
    queued = program.json("scrape", "ofertas", "--pages", "9").data["enqueued"]
    calm_shop.rename_price_classes()
    assert program.json("stats").data["needing"]["any"] == queued
    worked = program.json("worker", "--burst")
    assert (worked.code, worked.data["failed"]) == (1, queued)
    [error] = worked.document["errors"]
    assert (error["code"], error["hint"].startswith("offers explain MLB")) == ("page_changed", True)
    assert error["message"].startswith(f"{queued} jobs failed, such as ")

    [pages] = [check for check in program.json("doctor").data["checks"] if check["name"] == "pages"]
    assert (pages["state"], pages["code"]) == ("problem", "page_changed"), "all of them, whatever was usual before"
    assert "price found on none of the last" in pages["evidence"]
    with Terminal(program, "doctor", columns=120, rows=60) as terminal:
        terminal.end()
        assert re.search(r"^\d+ problems?, .*\d+ ok\r?$", terminal.text, re.MULTILINE)

    listed = program.json("failed")
    assert {job["title"] for job in listed.data["jobs"]} <= {offer.title for offer in calm_shop.offers}
    [group] = listed.data["groups"]
    assert (group["code"], group["jobs"], group["next"]) == ("page_changed", queued, error["hint"])
    with Terminal(program, "failed", rows=200) as terminal:
        assert terminal.end() == 0
        assert f"{queued} page_changed, such as {printable(group['title'])[:20]}" in terminal.text
        assert f"try: {group['next']}" in terminal.text
        assert "…" in terminal.screen, "titles give way, ids and reasons do not"
        assert group["external_id"] in terminal.screen

    calm_shop.recover()
    calm_shop.fail(410, below=urlsplit(listed.data["jobs"][0]["url"]).path)
    program.json("requeue-failed")
    again = program.json("worker", "--burst")
    assert (again.code, again.document["errors"]) == (0, [])
    assert (again.data["gone"], again.data["failed"], again.data["succeeded"]) == (1, 0, queued - 1)
    figures = program.json("stats").data
    assert (figures["needing"]["any"], figures["needing"]["affiliate_link"]) == (0, None), "nothing is left to do"
    assert figures["time_to_empty_s"] == 0
    assert figures["recent"]["finished"] >= queued - 1
    assert figures["failure_groups"][0]["code"] == "offer_gone"

"""Offers are named as people name them, from the command line."""

from __future__ import annotations

import sqlite3

import pytest
from acceptance.program import Program, at_shop
from shop import Shop


@pytest.fixture
def program(offers: Program, calm_shop: Shop) -> Program:
    at_shop(offers, calm_shop)
    assert offers.json("scrape", "ofertas", "--pages", "20").code == 0
    return offers


def test_whatever_an_offer_is_called_finds_it(program: Program, calm_shop: Shop) -> None:
    offer = next(each for each in calm_shop.offers if each.catalogue_id and each.item_id != each.catalogue_id)
    item, catalogue = offer.item_id, offer.catalogue_id
    own = program.json("show", item).data["offer"]["id"]
    names = (
        f"{item[:3]}-{item[3:]}",
        item.lower(),
        own.upper(),
        own[:13],
        f"enrich-{own}",
        f"https://produto.mercadolivre.com.br/{item[:3]}-{item[3:]}-um-nome-_JM?utm_source=zap#position=1",
        f"{calm_shop.url.removeprefix('http://')}/p/{catalogue}?pdp_filters=item_id%3A{item}",
    )
    assert {program.json("show", name).data["offer"]["id"] for name in names} == {own}
    assert program.json("history", names[0]).data["offer"]["id"] == own
    assert program.json("explain", names[3]).data["values"]["item_id"] == item


def test_a_catalogue_product_of_several_offers_lists_them(program: Program, calm_shop: Shop) -> None:
    first, second = [each.item_id for each in calm_shop.offers][:2]
    with sqlite3.connect(program.home / "offers.db") as db:
        db.execute("UPDATE offers SET catalogue_id = 'MLB999' WHERE external_id IN (?, ?)", (first, second))
    shown = program.json("show", "mlb-999")
    assert (shown.code, shown.codes, shown.data["offer"]) == (2, ["ambiguous"], None)
    assert {offer["external_id"] for offer in shown.data["candidates"]} == {first, second}
    text = program("show", "MLB999")
    assert (text.code, first in text.out, second in text.out, "names 2 offers" in text.err) == (2, True, True, True)
    assert program.json("history", "MLB999").codes == ["ambiguous"]


def test_what_fits_nothing_ends_with_two_and_says_what_may_be_meant(program: Program, calm_shop: Shop) -> None:
    item = calm_shop.offers[0].item_id
    typo = f"{item[:-2]}{item[-1]}{item[-2]}0"
    for command in (("show", typo), ("history", typo), ("requeue-failed", "--offer", typo), ("explain", typo)):
        missed = program.json(*command)
        assert (missed.code, missed.codes) == (2, ["not_found"]), command
        assert "offers show MLB" in missed.document["errors"][0]["hint"]
    idle = program.json("requeue-failed", "--offer", item)
    assert (idle.code, idle.codes, idle.data["found"]) == (2, ["not_found"], 0)


def test_tab_completes_both_ids_and_of_the_failed_jobs_the_failed_alone(program: Program, calm_shop: Shop) -> None:
    failed, other = [each.item_id for each in calm_shop.offers][:2]
    with sqlite3.connect(program.home / "offers.db") as db:
        db.execute("UPDATE offers SET enrich_error = 'page_changed' WHERE external_id = ?", (failed,))
        [(own,)] = db.execute("SELECT id FROM offers WHERE external_id = ?", (failed,))

    def complete(*words: str) -> str:
        line = " ".join(("offers", *words))
        return program(
            _OFFERS_COMPLETE="complete_fish", _TYPER_COMPLETE_FISH_ACTION="get-args", _TYPER_COMPLETE_ARGS=line
        ).out

    assert failed in complete("show", "MLB")
    assert own in complete("show", own[:6])
    only = complete("requeue-failed", "--offer", "MLB")
    assert (failed in only, other in only) == (True, False)

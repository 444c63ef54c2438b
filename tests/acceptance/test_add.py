"""Single products by their links, from the command line."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from acceptance.program import PROGRAM, Program, at_shop
from shop import Shop
from waiting import NEVER_S

from offers_cli.demo.catalogue import CatalogueOffer, UrlKind


@pytest.fixture
def program(offers: Program, calm_shop: Shop) -> Program:
    return at_shop(offers, calm_shop)


def link_of(offer: CatalogueOffer, shop: Shop) -> str:
    return f"{shop.url}{offer.path}"


def pages_asked(shop: Shop) -> list[str]:
    return [seen.path for seen in shop.requests if "robots.txt" not in seen.path]


def test_products_are_saved_with_all_their_page_says(program: Program, calm_shop: Shop) -> None:
    kinds = [next(each for each in calm_shop.offers if each.url_kind is kind) for kind in UrlKind]
    links = [link_of(offer, calm_shop) for offer in kinds]
    links[0] = links[0].removeprefix("http://") + "?matt_tool=1&matt_word=alheio#position=4"
    added = program.json("add", *links)
    assert (added.code, added.data["added"], added.data["known"], added.data["refused"]) == (0, 3, 0, 0), added.err
    assert len(pages_asked(calm_shop)) == 3
    for offer in kinds:
        stored = program.json("show", offer.item_id).data["offer"]
        assert (stored["price_cents"], stored["old_price_cents"]) == (
            offer.page.price_cents,
            offer.page.old_price_cents,
        )
        assert (stored["source"], bool(stored["enriched_at"]), "matt" in stored["url"]) == ("add", True, False)
    assert program.json("worker", "--burst").data["failed"] == 0
    again = program.json("add", *links)
    assert (again.data["known"], again.data["added"]) == (3, 0)
    assert len(pages_asked(calm_shop)) == 3, "a known offer is not fetched"


def test_an_added_offer_is_the_one_that_a_listing_shows(program: Program, calm_shop: Shop) -> None:
    links = [link_of(offer, calm_shop) for offer in calm_shop.offers]
    assert program.json("add", *links).data["added"] == len(links)
    scraped = program.json("scrape", "ofertas", "--pages", "20").data
    assert (scraped["new"], scraped["seen"]) == (0, len(links))


def test_short_links_and_profiles_are_followed_to_their_product(program: Program, calm_shop: Shop) -> None:
    first, second = [each for each in calm_shop.offers if not each.link_refusal_code][:2]
    short = calm_shop.share(first.item_id)
    added = program.json("add", short, "meli.la/" + calm_shop.share(second.item_id).rpartition("/")[2])
    assert (added.code, added.data["added"]) == (0, 2), added.err
    assert {each["external_id"] for each in added.data["links"]} == {first.item_id, second.item_id}
    assert program.json("add", short).data["known"] == 1


def test_links_come_from_a_file_and_from_the_standard_input_each_once(program: Program, calm_shop: Shop) -> None:
    one, two, three = [link_of(each, calm_shop) for each in calm_shop.offers[:3]]
    listed = program.home.parent / "links.txt"
    listed.write_text(
        f"# for Friday\n\nOlha que barato: {one} corre!\n<{two}>;{one}\nsem link nenhum\n", encoding="utf-8"
    )
    added = program.json("add", two, "--file", str(listed))
    assert (added.code, added.data["added"], added.data["refused"], added.codes) == (1, 2, 1, ["forbidden_url"])
    piped = subprocess.run(
        [str(PROGRAM), "add", "-", "--json"],
        input=f"{three}\r\n{one}\n",
        env=program.environment(),
        capture_output=True,
        text=True,
        timeout=NEVER_S,
        check=False,
    )
    data = json.loads(piped.stdout)["data"]
    assert (piped.returncode, data["added"], data["known"]) == (0, 1, 1)


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ((), 2),
        (("--file", "missing.txt"), 2),
        (("nonsense",), 1),
        (("https://click1.mercadolivre.com.br/mclics/clicks/external/MLB/count?a=x",), 1),
        (("https://www.not-listed.example/p/1",), 1),
    ],
)
def test_what_cannot_be_added_is_refused_by_name(program: Program, words: tuple[str, ...], code: int) -> None:
    assert program.json("add", *words).code == code


def test_pages_that_are_no_product_are_refused_and_the_others_go_on(program: Program, calm_shop: Shop) -> None:
    good = link_of(calm_shop.offers[0], calm_shop)
    added = program.json("add", f"{calm_shop.url}/ofertas", f"{calm_shop.url}/MLB-99999999-nada-_JM", good)
    assert (added.code, added.data["added"], added.data["refused"]) == (1, 1, 2), added.err
    assert {each["code"] for each in added.data["links"]} == {"redirect", "offer_gone", None}


def test_a_wall_names_what_was_not_done_and_the_same_links_go_on(program: Program, calm_shop: Shop) -> None:
    links = [link_of(offer, calm_shop) for offer in calm_shop.offers[:8]]
    assert program.json("add", links[0]).data["added"] == 1
    calm_shop.wall(3600, retry_after=600)
    walled = program.json("add", *links)
    assert (walled.code, walled.data["known"], walled.data["added"]) == (5, 1, 0)
    assert walled.data["not_done"] == links[1:]
    assert walled.codes == ["page_blocked"]
    assert "same links again" in walled.document["errors"][0]["hint"]
    assert len(pages_asked(calm_shop)) <= 1 + 3, "a wall is not knocked at for each"


def test_a_site_that_does_not_answer_is_asked_of_few_links(program: Program, calm_shop: Shop) -> None:
    links = [link_of(offer, calm_shop) for offer in calm_shop.offers[:8]]
    calm_shop.fail(503)
    down = program.json("add", *links, ENRICHMENT_REQUEST_DELAY_S="0")
    assert (down.code, down.codes, down.data["not_done"]) == (4, ["site_unavailable"], links)
    assert len(set(pages_asked(calm_shop))) == 3
    calm_shop.recover()
    assert program.json("add", *links).data["added"] == 8


def test_what_is_saved_does_not_wait_for_the_queue(program: Program, calm_shop: Shop, tmp_path: Path) -> None:
    """Without Redis the offers are saved all the same; those that lack something are named for later."""
    listed = [offer for offer in calm_shop.offers if not offer.page.old_price_cents][:2]
    links = [link_of(offer, calm_shop) for offer in listed]
    added = program.json("add", *links, REDIS_URL=f"unix://{tmp_path}/none.sock")
    assert added.data["added"] == 2, added.err
    assert (added.code, added.codes) == (0, []), "their pages told all that pages can tell"

"""The programme's answer as people paste it, and what is made of each link."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from storage.cases import card, save, stored

from offers_cli.errors import PageChanged, UsageError
from offers_cli.fetch.response import Page
from offers_cli.marketplaces.base import Marketplace
from offers_cli.marketplaces.mercado_livre import MercadoLivre
from offers_cli.services.manual_links import GivenLink, LinkImporter, given_links, pending_links
from offers_cli.storage.base import Storage

SHOPS: tuple[Marketplace, ...] = (MercadoLivre(),)
WWW = "https://www.mercadolivre.com.br"
ONE, TWO = f"{WWW}/p/MLB5", "https://produto.mercadolivre.com.br/MLB-2-x-_JM"
SHORT, OTHER = "https://meli.la/2aBcDeF", "https://meli.la/9zYxWvU"
LONG = f"{WWW}/social/ana?matt_word=minha&matt_tool=1&forceInApp=true&ref=z"
NOW = datetime(2026, 6, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (f"{ONE},{SHORT}\n{TWO},{OTHER}", [(SHORT, ONE), (OTHER, TWO)]),
        (f'produto;link\n"{ONE}";"{SHORT}"', [(SHORT, ONE)]),
        (f"{SHORT}\t{ONE}", [(SHORT, ONE)]),
        (f"{ONE}\n{SHORT}\n\n{TWO}\n  {OTHER}", [(SHORT, ONE), (OTHER, TWO)]),
        (f"{SHORT}\n{OTHER}", [(SHORT, None), (OTHER, None)]),
        (f"{ONE}\n{TWO}\n{SHORT}", [(SHORT, TWO)]),
        (f"{ONE} {TWO}\n{SHORT}", [(SHORT, None)]),
        (f"{ONE};{SHORT};{LONG}", [(SHORT, ONE)]),
        ("meli.la/2aBcDeF", [("meli.la/2aBcDeF", None)]),
        ("nothing at https://example.com/x", []),
    ],
)
def test_links_stand_beside_or_below_their_product(text: str, found: list[tuple[str, str | None]]) -> None:
    assert [(each.link, each.product) for each in given_links(text, SHOPS)] == found


def test_the_code_that_finds_the_product_is_taken_along() -> None:
    [given] = given_links(f"{ONE} {SHORT} Cole este texto no buscador: CX0V3Z-J3FE", SHOPS)
    assert given == GivenLink(link=SHORT, product=ONE, code="CX0V3Z-J3FE")


class Way:
    """Pages that lead from short links to profiles: the address that answers, and the product that it features."""

    def __init__(self, **featured: str | None) -> None:
        self.featured = featured
        self.asked: list[str] = []
        self.label = "minha"

    def marketplace_for(self, _url: str) -> MercadoLivre:
        return MercadoLivre()

    def fetch_patiently(self, url: str) -> Page:
        self.asked.append(url)
        final = f"{WWW}/social/ana?matt_word={self.label}&ref=z" if self.label else f"{WWW}/social/ana"
        return Page(url=url, final_url=final, status=200, body=url.encode(), encoding="utf-8", fetched_at=NOW)

    def read(self, page: Page, _reader: object) -> str | None:
        if page.text.rpartition("/")[2] not in self.featured:
            raise PageChanged("a new form")
        return self.featured[page.text.rpartition("/")[2]]


@pytest.fixture
def shelf(database: Storage) -> Storage:
    save(database, card(1, catalogue_id="MLB5", url=f"{ONE}?pdp_filters=item_id%3AMLB1"), card(2, url=TWO))
    return database


def importer(storage: Storage, way: Any) -> LinkImporter:
    return LinkImporter(
        label="minha",
        storage=storage,
        pages=way,
        marketplaces=SHOPS,
        link_host="www.mercadolivre.com.br",
        now=lambda: NOW,
    )


def link_of(storage: Storage, number: int) -> str | None:
    offer = storage.find_offer(f"MLB{number}")
    assert offer
    return offer.affiliate_link


def test_a_link_that_is_ours_is_saved_with_its_offer(shelf: Storage) -> None:
    way = Way()
    text = f"{ONE},{SHORT},CX0V3Z-J3FE\n{TWO},{OTHER}"
    done = importer(shelf, way).read(text)
    assert (done.found, done.imported, done.exit_code) == (2, 2, 0)
    assert (link_of(shelf, 1), link_of(shelf, 2)) == (SHORT, OTHER)
    offer = shelf.find_offer("MLB1")
    assert offer
    assert offer.affiliation_id == "CX0V3Z-J3FE"
    assert way.asked == [SHORT, OTHER]
    again = importer(shelf, way).read(text)
    assert (again.known, again.imported) == (2, 0)
    assert pending_links(storage=shelf, link_url=MercadoLivre().link_url, limit=9).offers == ()


def test_a_link_alone_is_its_products_whose_page_says_so(shelf: Storage) -> None:
    done = importer(shelf, Way(**{"2aBcDeF": f"{ONE}?pdp_filters=item_id%3AMLB1", "9zYxWvU": None})).read(
        f"{SHORT}\n{OTHER}"
    )
    assert (done.imported, done.refused, done.exit_code) == (1, 1, 1)
    assert (link_of(shelf, 1), link_of(shelf, 2)) == (SHORT, None)
    assert [problem.code for problem in done.problems] == ["not_found"]


@pytest.mark.parametrize(
    ("label", "text", "featured", "code"),
    [
        ("alheia", f"{ONE},{SHORT}", {}, "link_foreign"),
        ("", f"{ONE},{SHORT}", {}, "link_foreign"),
        ("minha", f"{TWO},{SHORT}", {"2aBcDeF": f"{WWW}/p/MLB777"}, "link_foreign"),
        ("minha", f"{WWW}/p/MLB777,{SHORT}", {}, "not_found"),
    ],
)
def test_what_is_not_ours_or_of_another_product_is_refused(
    shelf: Storage, label: str, text: str, featured: dict[str, str | None], code: str
) -> None:
    """A wrong link is worse than none: it pays somebody else, or sells something else."""
    way = Way(**featured)
    way.label = label
    done = importer(shelf, way).read(text)
    assert (done.imported, done.refused, [problem.code for problem in done.problems]) == (0, 1, [code])
    assert (link_of(shelf, 1), link_of(shelf, 2)) == (None, None)


def test_another_sellers_offer_of_the_product_is_that_product(shelf: Storage) -> None:
    way = Way(**{"2aBcDeF": f"{ONE}?pdp_filters=item_id%3AMLB99"})
    assert importer(shelf, way).read(f"{ONE},{SHORT}").imported == 1


ANSWER = """{"status": 200, "urls": [
  {"created": true, "tag": "minha", "short_url": "%s", "long_url": "%s", "origin_url": "%s", "text": "CX0V3Z-J3FE"},
  {"created": false, "tag": "minha", "origin_url": "%s", "error_code": 111, "message": "URL not allowed"}]}"""


def test_the_json_of_the_builders_own_call_needs_no_request(shelf: Storage) -> None:
    way = Way()
    done = importer(shelf, way).read(ANSWER % (SHORT, LONG, ONE, TWO))
    assert (done.imported, done.refused, way.asked) == (1, 1, [])
    assert [problem.code for problem in done.problems] == ["link_refused"]
    assert link_of(shelf, 1) == SHORT


@pytest.mark.parametrize("text", ["", "nothing", '{"a": 1}', ONE])
def test_a_text_without_links_is_said_to_have_none(shelf: Storage, text: str) -> None:
    with pytest.raises(UsageError, match="no affiliate link"):
        importer(shelf, Way()).read(text)


def test_what_waits_for_a_link_is_listed_by_the_address_to_ask_by(shelf: Storage) -> None:
    save(shelf, card(3, marketplace="schema_org", external_id="loja.example/3", url="https://loja.example/3"))
    offers = pending_links(storage=shelf, link_url=MercadoLivre().link_url, limit=9).offers
    assert {offer.external_id: offer.url for offer in offers} == {
        "MLB1": f"{ONE}?pdp_filters=item_id%3AMLB1",
        "MLB2": TWO,
    }
    assert stored(shelf, offers[0].offer_id).affiliate_link is None

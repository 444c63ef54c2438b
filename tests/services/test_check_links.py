"""Whom stored links credit: a sample, told apart by verdict; an error of the site ends it."""

from __future__ import annotations

from random import Random

import pytest
from storage.cases import card, link, save

from offers_cli.errors import OfferGone, OffersError, SiteUnavailable
from offers_cli.services.check_links import CheckLinksReport, check_links
from offers_cli.storage.base import Storage

OURS, THEIRS = "https://shop.test/a?matt_word=ours", "https://shop.test/a?matt_word=theirs"


class Site:
    """Where links lead; those that it does not know lead to themselves."""

    def __init__(self, **leads: str | OffersError) -> None:
        self.leads = {f"https://meli.la/{name}": target for name, target in leads.items()}
        self.asked: list[str] = []

    def locate(self, address: str) -> str:
        self.asked.append(address)
        target = self.leads.get(address, address)
        if isinstance(target, OffersError):
            raise target
        return target


def with_links(database: Storage, *names: str) -> dict[str, str]:
    """Offers with these links; returns name by offer id."""
    saved = save(database, *(card(number) for number in range(len(names))))
    pairs = {offer.offer_id: name for offer, name in zip(saved, names, strict=True)}
    database.save_enrichments([link(offer_id, 1, f"https://meli.la/{name}") for offer_id, name in pairs.items()])
    return pairs


def check(database: Storage, site: Site, sample: int = 100) -> CheckLinksReport:
    return check_links(storage=database, locate=site.locate, label="ours", sample=sample, random=Random(1))


def test_each_verdict_is_counted_and_what_is_lost_is_a_problem_with_the_offer_to_look_at(database: Storage) -> None:
    site = Site(ours=OURS, foreign=THEIRS, gone=OfferGone("404"), moved="https://meli.la/foreign")
    names = with_links(database, "ours", "foreign", "gone", "unclear", "moved")
    save(database, card(99))  # without a link
    report = check(database, site)
    assert {names[each.offer_id]: each.verdict for each in report.links} == {
        "foreign": "foreign",
        "gone": "gone",
        "unclear": "unclear",
        "moved": "foreign",
    }
    data = report.data()
    assert (data["stored"], data["checked"], data["ours"]) == (5, 5, 1)
    assert (data["foreign"], data["gone"], data["unclear"], len(data["links"])) == (2, 1, 1, 4)
    assert sorted(problem.code for problem in report.problems) == [
        *("link_foreign", "link_foreign", "link_gone", "link_unclear"),
    ]
    assert all(problem.hint == f"offers show {problem.offer_id}" for problem in report.problems)


def test_links_that_lead_in_a_circle_are_unclear_after_a_few_hops(database: Storage) -> None:
    site = Site(a="https://meli.la/b", b="https://meli.la/a")
    with_links(database, "a")
    [checked] = check(database, site).links
    assert (checked.verdict, checked.label, len(site.asked)) == ("unclear", None, 3)


def test_an_error_of_the_site_ends_the_sample_and_what_was_checked_is_told(database: Storage) -> None:
    site = Site(a=OURS, b=OURS, c=OURS)
    with_links(database, "a", "b", "c")

    def locate(address: str) -> str:
        if len(site.asked) == 2:
            raise SiteUnavailable("503")
        return site.locate(address)

    report = check_links(storage=database, locate=locate, label="ours", sample=9, random=Random(1))
    assert (report.checked, [problem.code for problem in report.problems]) == (2, ["site_unavailable"])


@pytest.mark.parametrize("sample", [0, 1, 3])
def test_no_more_than_the_sample_is_checked_and_no_offer_twice(database: Storage, sample: int) -> None:
    with_links(database, *"abcdefgh")
    report = check(database, Site(), sample)
    assert report.stored == 8
    assert len({each.offer_id for each in report.links}) == report.checked == sample


def test_every_link_may_be_in_the_sample(database: Storage) -> None:
    names = with_links(database, *"abcdef")
    drawn = {
        names[each.offer_id]
        for seed in range(60)
        for each in check_links(
            storage=database, locate=Site().locate, label="ours", sample=2, random=Random(seed)
        ).links
    }
    assert drawn == set("abcdef")

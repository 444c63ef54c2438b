"""When a shop's pages count as changed."""

from __future__ import annotations

from offers_cli.drift.detect import FieldCounts, find_broken, find_drift

GOOD = FieldCounts.of_page(1, {"price_cents": {"state": 1}, "title": {"state": 1}})
NO_PRICE = FieldCounts.of_page(1, {"title": {"state": 1}})
BY_DOM = FieldCounts.of_page(1, {"price_cents": {"dom": 1}, "title": {"state": 1}})


def usual(page: FieldCounts = GOOD, pages: int = 1000) -> FieldCounts:
    return FieldCounts.total([page] * pages)


def test_steady_pages_raise_no_warning() -> None:
    assert find_drift("s", newest_first=[GOOD] * 200, before=usual()) == []


def test_a_lost_field_is_told_within_fifty_pages() -> None:
    newest_first = [NO_PRICE] * 50 + [GOOD] * 150
    found = find_drift("s", newest_first=newest_first, before=usual())
    assert [(w.source, w.field) for w in found] == [("s", "price_cents")]
    assert "75%" in found[0].message


def test_a_few_pages_without_it_are_no_drift() -> None:
    assert find_drift("s", newest_first=[NO_PRICE] * 30 + [GOOD] * 170, before=usual()) == []


def test_a_main_strategy_that_stopped_winning_is_told() -> None:
    found = find_drift("s", newest_first=[BY_DOM] * 50 + [GOOD] * 150, before=usual())
    assert [w.field for w in found] == ["price_cents"]
    assert "state" in found[0].message
    assert "dom" in found[0].message


def test_a_field_that_was_always_rare_is_no_drift_when_it_stays_so() -> None:
    rare = FieldCounts.total([GOOD] * 900 + [NO_PRICE] * 100)
    assert find_drift("s", newest_first=[GOOD] * 180 + [NO_PRICE] * 20, before=rare) == []


def test_too_little_known_means_no_warning() -> None:
    assert find_drift("s", newest_first=[NO_PRICE] * 50, before=usual(pages=49)) == []
    assert find_drift("s", newest_first=[], before=usual()) == []


def test_every_card_of_a_listing_counts() -> None:
    page = FieldCounts.of_page(48, {"price_cents": {"state": 48}, "old_price_cents": {"state": 40}})
    broken = FieldCounts.of_page(48, {"price_cents": {"dom": 48}})
    found = find_drift("s", newest_first=[broken] * 50 + [page] * 50, before=FieldCounts.total([page] * 100))
    assert {w.field for w in found} == {"old_price_cents", "price_cents"}


def with_facts(share: int, of: int = 100, strategy: str = "state") -> list[FieldCounts]:
    """Pages of which `share` of each `of` name a coupon."""
    told = FieldCounts.of_page(1, {"price_cents": {"state": 1}, "coupon_cents": {strategy: 1}})
    return [told if number * 37 % of < share else GOOD for number in range(1000)]


def test_a_fact_that_fewer_offers_have_is_no_drift() -> None:
    """How many goods have a coupon, a badge or free shipping depends on the goods and on the week."""
    usual_pages, fewer = FieldCounts.total(with_facts(60)), with_facts(2)
    assert find_drift("s", newest_first=fewer[:200], before=usual_pages) == []


def test_a_fact_that_no_offer_has_any_more_is_told() -> None:
    found = find_drift("s", newest_first=[GOOD] * 200, before=FieldCounts.total(with_facts(12)))
    assert [w.field for w in found] == ["coupon_cents"]


def test_a_rare_fact_may_be_missing_by_chance() -> None:
    assert find_drift("s", newest_first=[GOOD] * 200, before=FieldCounts.total(with_facts(9))) == []


def test_a_rare_fact_that_another_strategy_found_a_few_times_is_no_drift() -> None:
    by_dom = with_facts(30, strategy="dom")[:50]
    newest_first = by_dom + with_facts(30)[:150]
    assert find_drift("s", newest_first=newest_first, before=FieldCounts.total(with_facts(30))) == []
    found = find_drift("s", newest_first=with_facts(40, strategy="dom")[:200], before=FieldCounts.total(with_facts(40)))
    assert [w.field for w in found] == ["coupon_cents"], "twenty finds on fifty pages are no chance"


def test_pages_without_any_price_are_broken_whatever_was_usual() -> None:
    [warning] = find_broken("s", newest_first=[NO_PRICE] * 60)
    assert (warning.field, warning.is_broken) == ("price_cents", True)
    assert warning.message == "price found on none of the last 50 pages"
    [warning] = find_broken("s", newest_first=[NO_PRICE] * 8 + [GOOD] * 2)
    assert warning.message == "price found on 20% of the last 10 pages"
    assert find_broken("s", newest_first=[NO_PRICE] * 9) == [], "too few to say"
    assert find_broken("s", newest_first=[NO_PRICE] * 10 + [GOOD] * 10) == []
    assert find_broken("s", newest_first=[]) == []

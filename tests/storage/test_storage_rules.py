"""The rules of a stored offer as pure functions, at the edges of their moments; conformance runs them in full."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from storage.cases import at, card, failure, link, page

from offers_cli.offer import DiscountKind, Facts, PriceCondition
from offers_cli.storage import rules
from offers_cli.storage.base import Missing, OfferKey, PricePoint, RefusedOffer, SavedOffer, StoredOffer, key_of
from offers_cli.storage.rules import WriteResult, needs, new_offer, price_point, with_card, with_result

ID = "o1"
APPLIED, SUPERSEDED, STALE = WriteResult.APPLIED, WriteResult.SUPERSEDED, WriteResult.STALE


def offer(minute: float = 0, **shown: Any) -> StoredOffer:
    """An offer as a card left it."""
    return new_offer(card(**shown), offer_id=ID, seen_at=at(minute))


def enriched(minute: float = 10, **found: Any) -> StoredOffer:
    """An offer seen at minute 0 whose page was read then."""
    after, written = with_result(offer(), page(ID, minute, **found))
    assert written is APPLIED
    return after


# --- A card ---


def test_a_new_offer_is_active_and_waits_for_everything() -> None:
    told = card()
    fresh = offer(3, old_price_cents=12_000, discount_pct=16, commission_pct=5, image_url="https://i/1", item_id="MLB1")
    assert (fresh.marketplace, fresh.external_id, fresh.title) == (told.marketplace, told.external_id, told.title)
    assert (fresh.url, fresh.currency, fresh.source) == (told.url, told.currency, told.source)
    assert (fresh.id, fresh.status, fresh.enrich_attempts, fresh.strategies) == (ID, "active", 0, {})
    assert fresh.first_seen_at == fresh.last_seen_at == fresh.price_changed_at == at(3)
    assert (fresh.old_price_cents, fresh.discount_pct, fresh.commission_pct) == (12_000, 16, 5)
    assert (fresh.image_url, fresh.item_id, fresh.suspect_old_price_cents) == ("https://i/1", "MLB1", None)
    assert (fresh.enriched_at, fresh.affiliate_checked_at, fresh.enrich_error) == (None, None, None)


def test_an_older_sight_changes_nothing_and_one_of_the_same_moment_counts() -> None:
    before = offer(5)
    assert with_card(before, card(title="Outro", price_cents=9_000), seen_at=at(4)) == before
    assert with_card(before, card(title="Outro"), seen_at=at(5)).title == "Outro"


def test_a_card_that_lacks_something_erases_nothing() -> None:
    told: dict[str, Any] = {
        "image_url": "https://i/1", "affiliate_link": "https://l/1", "affiliation_id": "a", "item_id": "MLB1",
        "catalogue_id": "MLB2", "commission_pct": 5,
    }  # fmt: skip
    before = offer(**told)
    after = with_card(before, card(), seen_at=at(1))
    assert {name: getattr(after, name) for name in told} == told
    other: dict[str, Any] = {name: f"{value}9" if isinstance(value, str) else 0 for name, value in told.items()}
    changed = with_card(before, card(**other), seen_at=at(1))
    assert {name: getattr(changed, name) for name in other} == other


def test_a_card_tells_address_currency_and_source_anew() -> None:
    shown: dict[str, Any] = {"url": "https://x/2", "currency": "ARS", "source": "search:x"}
    after = with_card(offer(), card(**shown), seen_at=at(1))
    assert {name: getattr(after, name) for name in shown} == shown
    assert (after.first_seen_at, after.last_seen_at) == (at(0), at(1))


def test_the_pages_title_stands_over_a_cards() -> None:
    before = enriched(title="Da página", strategies={"title": "state"})
    assert with_card(before, card(title="Do card"), seen_at=at(20)).title == "Da página"
    assert with_card(enriched(title="Da página"), card(title="Do card"), seen_at=at(20)).title == "Do card"


def test_a_cards_price_counts_unless_a_page_was_read_later_than_it_was_seen() -> None:
    before = enriched(10)
    early, same, late = (with_card(before, card(price_cents=9_000), seen_at=at(minute)) for minute in (9, 10, 11))
    assert [after.price_cents for after in (early, same, late)] == [10_000, 9_000, 9_000]
    assert [after.price_changed_at for after in (early, same, late)] == [at(0), at(10), at(11)]
    assert early.last_seen_at == at(9)


def test_a_card_revives_a_gone_offer_unless_the_page_was_asked_later() -> None:
    gone, _ = with_result(offer(), failure(ID, 10, "offer_gone", gone=True))
    assert gone.status == "gone"
    states = [with_card(gone, card(), seen_at=at(minute)).status for minute in (9, 10, 11)]
    assert states == ["gone", "active", "active"]


def test_a_card_that_repeats_what_listings_showed_last_is_no_news_beside_a_page() -> None:
    listed = offer(old_price_cents=12_000, discount_pct=16)
    before, _ = with_result(listed, page(ID, 10, price_cents=9_000))
    for repeated in (card(), card(old_price_cents=12_000), card(old_price_cents=12_000, discount_pct=16)):
        after = with_card(before, repeated, seen_at=at(20))
        assert (after.price_cents, after.old_price_cents, after.last_seen_at) == (9_000, None, at(20))
    assert with_card(before, card(price_cents=9_500), seen_at=at(20)).price_cents == 9_500
    assert with_card(before, card(old_price_cents=13_000), seen_at=at(20)).price_cents == 10_000


def test_a_card_is_news_where_no_listing_is_remembered() -> None:
    before = replace(enriched(10, price_cents=9_000), listing_price_cents=None, listing_word={})
    assert with_card(before, card(), seen_at=at(20)).price_cents == 10_000


def test_what_a_listing_showed_is_remembered_together_and_of_one_price() -> None:
    listed = offer(old_price_cents=12_000, price_condition=PriceCondition.PIX)
    told = {"old_price_cents": 12_000, "price_condition": PriceCondition.PIX}
    assert (listed.listing_price_cents, listed.listing_word) == (10_000, told)
    more = with_card(listed, card(discount_pct=16), seen_at=at(1))
    assert (more.listing_price_cents, more.listing_word) == (10_000, {**told, "discount_pct": 16})
    other = with_card(listed, card(price_cents=9_000), seen_at=at(1))
    assert (other.listing_price_cents, other.listing_word) == (9_000, {})


def test_a_card_adds_its_facts_unless_a_page_was_read_later() -> None:
    before = enriched(10, facts=Facts(brand="ACME"))
    assert before.facts == Facts(brand="ACME")
    shown = card(facts=Facts(seller="Loja"))
    assert with_card(before, shown, seen_at=at(9)).facts == Facts(brand="ACME")
    assert with_card(before, shown, seen_at=at(11)).facts == Facts(brand="ACME", seller="Loja")


def test_a_trusted_card_without_a_struck_price_stands_for_the_page() -> None:
    saved = replace(offer(5), strategies={"title": "state"})
    trusted = rules.trusting(saved, card(), seen_at=at(5))
    told = {"title": "state", "old_price_cents": "card"}
    assert trusted == replace(saved, enriched_at=at(5), strategies=told)
    assert needs(trusted) == {Missing.AFFILIATE_LINK}


def test_a_card_is_not_trusted_for_a_struck_price_nor_an_older_sight_nor_after_the_page() -> None:
    for saved, shown, minute in (
        (offer(5), card(old_price_cents=12_000), 5),
        (offer(5), card(), 4),
        (enriched(10), card(), 20),
    ):
        assert rules.trusting(saved, shown, seen_at=at(minute)) == saved


# --- Prices that come together ---


def test_another_price_replaces_old_price_and_discount_and_what_the_page_knew() -> None:
    before = enriched(old_price_cents=12_000, discount_pct=16, suspect_old_price_cents=7, strategies={"price": "dom"})
    after = with_card(before, card(price_cents=9_000), seen_at=at(20))
    assert (after.price_cents, after.old_price_cents, after.discount_pct) == (9_000, None, None)
    assert (after.suspect_old_price_cents, after.strategies, after.price_changed_at) == (None, {}, at(20))


@pytest.mark.parametrize(
    ("before", "told", "after"),
    [
        pytest.param((12_000, 16), (None, None), (12_000, 16), id="nothing told erases nothing"),
        pytest.param((12_000, 16), (13_000, None), (13_000, None), id="another old price takes its discount along"),
        pytest.param((12_000, 16), (12_000, None), (12_000, 16), id="the same old price"),
        pytest.param((12_000, 16), (12_000, 17), (12_000, 17), id="another discount of the same old price"),
        pytest.param((12_000, 16), (None, 30), (12_000, 16), id="a lone discount does not part a pair"),
        pytest.param((12_000, None), (None, 30), (12_000, 30), id="a lone discount completes an old price"),
        pytest.param((None, 20), (None, 30), (None, 30), id="a lone discount replaces a lone one"),
        pytest.param((None, None), (None, 30), (None, 30), id="a lone discount"),
        pytest.param((None, None), (12_000, 16), (12_000, 16), id="a pair"),
        pytest.param((None, 20), (12_000, 16), (12_000, 16), id="a pair replaces a lone discount"),
    ],
)
def test_at_the_same_price_what_is_told_together_stays_together(
    before: tuple[int | None, int | None], told: tuple[int | None, int | None], after: tuple[int | None, int | None]
) -> None:
    stored = offer(old_price_cents=before[0], discount_pct=before[1])
    seen = with_card(stored, card(old_price_cents=told[0], discount_pct=told[1]), seen_at=at(1))
    assert (seen.old_price_cents, seen.discount_pct) == after
    assert (seen.price_cents, seen.price_changed_at) == (10_000, at(0))


PIX, ANY = PriceCondition.PIX, PriceCondition.ANY
PAYMENT, PRICE_CUT = DiscountKind.PAYMENT, DiscountKind.PRICE_CUT
BY_PIX: dict[str, Any] = {
    "old_price_cents": 12_000, "discount_pct": 16, "price_condition": PIX, "card_price_cents": 12_000,
    "discount_kind": PAYMENT,
}  # fmt: skip


def together(stored: StoredOffer) -> tuple[object, ...]:
    return stored.old_price_cents, stored.price_condition, stored.card_price_cents, stored.discount_kind


def test_a_page_tells_by_which_payment_its_price_holds() -> None:
    assert together(enriched(**BY_PIX)) == (12_000, PIX, 12_000, PAYMENT)
    assert together(enriched(**{**BY_PIX, "card_price_cents": 10_000})) == (12_000, PIX, None, PAYMENT)
    assert together(enriched(**{**BY_PIX, "old_price_cents": 10_000})) == (None, PIX, 12_000, None)


@pytest.mark.parametrize(
    ("told", "after"),
    [
        pytest.param({}, (12_000, PIX, 12_000, PAYMENT), id="nothing told erases nothing"),
        pytest.param({"price_condition": ANY}, (12_000, ANY, None, None), id="another condition ends the card price"),
        pytest.param(
            {"price_condition": ANY, "old_price_cents": 12_000, "card_price_cents": 11_000, "discount_kind": PRICE_CUT},
            (12_000, ANY, 11_000, PRICE_CUT),
            id="another condition brings its own",
        ),
        pytest.param(
            {"old_price_cents": 13_000, "discount_kind": PRICE_CUT}, (13_000, PIX, 12_000, PRICE_CUT),
            id="another old price brings its kind",
        ),
        pytest.param({"old_price_cents": 13_000}, (13_000, PIX, 12_000, None), id="another old price ends the kind"),
    ],
)  # fmt: skip
def test_at_the_same_price_a_condition_comes_with_its_card_price(
    told: dict[str, Any], after: tuple[object, ...]
) -> None:
    assert together(with_result(enriched(10, **BY_PIX), page(ID, 20, **told))[0]) == after


# --- A page ---


def test_a_page_fills_what_it_tells() -> None:
    after = enriched(
        10, old_price_cents=12_000, discount_pct=16, title="Fone novo", suspect_old_price_cents=5, strategies={"a": "b"}
    )
    assert (after.price_cents, after.old_price_cents, after.discount_pct) == (10_000, 12_000, 16)
    assert (after.title, after.suspect_old_price_cents, after.strategies) == ("Fone novo", 5, {"a": "b"})
    assert (after.enriched_at, after.enrich_attempts, after.enrich_attempted_at) == (at(10), 1, at(10))
    assert (after.enrich_error, after.enrich_error_message, after.affiliate_checked_at) == (None, None, None)


def test_a_page_without_price_or_title_leaves_both() -> None:
    after = enriched(price_cents=None, old_price_cents=12_000)
    assert (after.price_cents, after.title, after.old_price_cents) == (10_000, "Fone 1", 12_000)


@pytest.mark.parametrize(("old", "kept"), [(10_001, 10_001), (10_000, None), (9_999, None), (None, None)])
def test_an_old_price_that_is_not_above_the_price_is_none(old: int | None, kept: int | None) -> None:
    assert enriched(old_price_cents=old).old_price_cents == kept


def test_a_page_that_was_read_before_the_stored_one_is_superseded() -> None:
    before = enriched(10, old_price_cents=12_000)
    assert with_result(before, page(ID, 9, old_price_cents=13_000)) == (before, SUPERSEDED)
    again, written = with_result(before, page(ID, 10, old_price_cents=12_000))
    assert (again, written) == (before, APPLIED)


def test_a_page_of_another_price_than_a_listing_saw_later_is_stale() -> None:
    before = with_card(offer(), card(), seen_at=at(20))
    assert with_result(before, page(ID, 19, price_cents=9_000)) == (before, STALE)
    assert with_result(before, page(ID, 20, price_cents=9_000))[1] is APPLIED
    assert with_result(before, page(ID, 19, old_price_cents=12_000))[1] is APPLIED


def test_a_page_counts_as_read_no_earlier_than_its_price_changed() -> None:
    moved = with_card(offer(), card(price_cents=9_000), seen_at=at(20))
    late, written = with_result(moved, page(ID, 15, price_cents=9_000, old_price_cents=12_000))
    assert (written, late.enriched_at, late.price_changed_at) == (APPLIED, at(20), at(20))
    assert needs(late) == {Missing.AFFILIATE_LINK}


def test_a_page_revives_a_gone_offer_unless_a_later_attempt_found_it_gone() -> None:
    gone, _ = with_result(offer(), failure(ID, 10, "offer_gone", gone=True))
    assert with_result(gone, page(ID, 11))[0].status == "active"
    assert with_result(gone, page(ID, 10))[0].status == "active"
    assert with_result(gone, page(ID, 9))[0].status == "gone"


# --- A link ---


def test_a_link_is_kept_apart_from_the_page() -> None:
    after, written = with_result(offer(), link(ID, 10, "https://l/1", affiliation_id="a"))
    assert (written, after.affiliate_link, after.affiliation_id) == (APPLIED, "https://l/1", "a")
    assert (after.affiliate_checked_at, after.enriched_at, after.enrich_attempts) == (at(10), None, 1)


def test_a_programme_without_a_link_counts_as_asked_and_erases_nothing() -> None:
    linked = offer(affiliate_link="https://l/1", affiliation_id="a")
    after, written = with_result(linked, link(ID, 10, None))
    assert (written, after.affiliate_link, after.affiliation_id) == (APPLIED, "https://l/1", "a")
    assert after.affiliate_checked_at == at(10)


def test_an_earlier_answer_of_the_programme_is_superseded() -> None:
    before, _ = with_result(offer(), link(ID, 10, "https://l/1"))
    assert with_result(before, link(ID, 9, "https://l/2")) == (before, SUPERSEDED)
    assert with_result(before, link(ID, 10, "https://l/2"))[0].affiliate_link == "https://l/2"


def test_the_programme_counts_as_asked_no_earlier_than_the_price_changed() -> None:
    moved = with_card(offer(), card(price_cents=9_000), seen_at=at(20))
    assert with_result(moved, link(ID, 15, None))[0].affiliate_checked_at == at(20)


def test_of_page_and_link_in_one_result_each_has_its_say() -> None:
    both = {"affiliate_link": "https://l/1", "affiliate_checked": True}
    after, written = with_result(offer(), page(ID, 10, **both))
    assert (written, after.enriched_at, after.affiliate_checked_at) == (APPLIED, at(10), at(10))
    read_later = enriched(20)
    after, written = with_result(read_later, page(ID, 15, **both))
    assert (written, after.affiliate_link, after.enriched_at) == (APPLIED, "https://l/1", at(20))
    linked_later, _ = with_result(enriched(10), link(ID, 30, "https://l/9"))
    assert with_result(linked_later, page(ID, 5, **both)) == (linked_later, SUPERSEDED)
    seen = with_card(offer(), card(), seen_at=at(20))
    after, written = with_result(seen, page(ID, 10, **{"price_cents": 9_000, **both}))
    assert (written, after.affiliate_link, after.price_cents, after.enriched_at) == (STALE, "https://l/1", 10_000, None)


def test_a_link_without_the_programmes_word_is_a_link() -> None:
    after, written = with_result(offer(), replace(link(ID, 10, "https://l/1"), affiliate_checked=False))
    assert (written, after.affiliate_link) == (APPLIED, "https://l/1")


def test_a_result_that_tells_nothing_is_an_attempt() -> None:
    after, written = with_result(offer(), replace(link(ID, 10, None), affiliate_checked=False))
    assert (written, after.enrich_attempts, after.affiliate_checked_at, after.enriched_at) == (APPLIED, 1, None, None)


# --- A failure ---


def test_a_failure_is_recorded_and_a_success_clears_it() -> None:
    failed, written = with_result(offer(), failure(ID, 10))
    assert (written, failed.enrich_error, failed.enrich_error_message) == (
        APPLIED,
        "page_changed",
        "it was page_changed",
    )
    assert (failed.enrich_attempts, failed.enriched_at, failed.affiliate_checked_at) == (1, None, None)
    healed, _ = with_result(failed, page(ID, 11))
    assert (healed.enrich_error, healed.enrich_error_message, healed.enrich_attempts) == (None, None, 2)


def test_an_attempt_counts_once_however_often_it_is_recorded() -> None:
    once, _ = with_result(offer(), failure(ID, 10))
    assert with_result(once, failure(ID, 10))[0] == once
    assert with_result(once, failure(ID, 9, "offer_gone", gone=True)) == (once, SUPERSEDED)
    assert with_result(once, failure(ID, 11))[0].enrich_attempts == 2


def test_a_page_read_before_the_latest_attempt_leaves_that_attempts_error() -> None:
    failed, _ = with_result(offer(), failure(ID, 10))
    after, written = with_result(failed, page(ID, 9, old_price_cents=12_000))
    assert (written, after.old_price_cents) == (APPLIED, 12_000)
    assert (after.enrich_error, after.enrich_attempts, after.enrich_attempted_at) == ("page_changed", 1, at(10))


def test_a_gone_offer_that_a_listing_saw_later_stays_active() -> None:
    gone = failure(ID, 10, "offer_gone", gone=True)
    after, written = with_result(with_card(offer(), card(), seen_at=at(11)), gone)
    assert (written, after.status, after.enrich_error) == (STALE, "active", "offer_gone")
    after, written = with_result(with_card(offer(), card(), seen_at=at(10)), gone)
    assert (written, after.status) == (APPLIED, "gone")


def test_a_final_failure_counts_as_looked_for() -> None:
    after, written = with_result(offer(), failure(ID, 10, "bad_job", final=True))
    assert (written, after.status, after.enriched_at, after.affiliate_checked_at) == (APPLIED, "active", at(10), at(10))


def test_a_refused_link_says_nothing_of_the_page() -> None:
    after, _ = with_result(offer(), failure(ID, 10, "link_refused", final=True))
    assert (after.enriched_at, after.affiliate_checked_at) == (None, at(10))


def test_a_final_failure_never_sets_a_moment_back() -> None:
    later, _ = with_result(enriched(20), link(ID, 20, None))
    bare = replace(later, enrich_attempted_at=None)
    after, _ = with_result(bare, failure(ID, 10, "bad_job", final=True))
    assert (after.enriched_at, after.affiliate_checked_at) == (at(20), at(20))


# --- What is needed, kept and reported ---


@pytest.mark.parametrize(
    ("changed", "wanted"),
    [
        ({}, {Missing.OLD_PRICE, Missing.DISCOUNT, Missing.AFFILIATE_LINK}),
        ({"status": "gone"}, set()),
        ({"old_price_cents": 12_000}, {Missing.DISCOUNT, Missing.AFFILIATE_LINK}),
        ({"discount_pct": 16}, {Missing.OLD_PRICE, Missing.AFFILIATE_LINK}),
        ({"affiliate_link": "https://l/1"}, {Missing.OLD_PRICE, Missing.DISCOUNT}),
        ({"enriched_at": at(5)}, {Missing.AFFILIATE_LINK}),
        ({"enriched_at": at(4)}, {Missing.OLD_PRICE, Missing.DISCOUNT, Missing.AFFILIATE_LINK}),
        ({"affiliate_checked_at": at(5)}, {Missing.OLD_PRICE, Missing.DISCOUNT}),
        ({"affiliate_checked_at": at(4)}, {Missing.OLD_PRICE, Missing.DISCOUNT, Missing.AFFILIATE_LINK}),
    ],
)
def test_what_was_looked_for_since_the_price_changed_is_not_needed(
    changed: dict[str, Any], wanted: set[Missing]
) -> None:
    assert needs(replace(offer(5), **changed)) == wanted


def test_history_has_a_point_for_each_change_of_price_or_old_price() -> None:
    first = offer(old_price_cents=12_000)
    points = [
        price_point(None, first, observed_at=at(0), source="s"),
        price_point(first, first, observed_at=at(1), source="s"),
        price_point(first, replace(first, price_cents=9_000), observed_at=at(2), source="s"),
        price_point(first, replace(first, old_price_cents=None), observed_at=at(3), source="s"),
        price_point(first, replace(first, discount_pct=3), observed_at=at(4), source="s"),
    ]
    assert points == [
        PricePoint(observed_at=at(0), price_cents=10_000, old_price_cents=12_000, source="s"),
        None,
        PricePoint(observed_at=at(2), price_cents=9_000, old_price_cents=12_000, source="s"),
        PricePoint(observed_at=at(3), price_cents=10_000, old_price_cents=None, source="s"),
        None,
    ]


def test_history_has_a_point_for_another_condition_with_its_card_price() -> None:
    first = offer()
    other = replace(first, price_condition=PIX, card_price_cents=12_000)
    assert price_point(first, other, observed_at=at(1), source="s") == PricePoint(
        observed_at=at(1),
        price_cents=10_000,
        old_price_cents=None,
        price_condition=PIX,
        card_price_cents=12_000,
        source="s",
    )


def saved_as_new(number: int) -> SavedOffer:
    stored = new_offer(card(number), offer_id=f"o{number}", seen_at=at(0))
    return rules.saved_offer(stored, seen_at=at(0), is_new=True, is_changed=False)


def test_a_saved_offer_is_told_with_what_it_still_needs() -> None:
    assert saved_as_new(2) == SavedOffer(
        offer_id="o2",
        external_id="MLB2",
        url="https://produto.example/MLB-2",
        price_cents=10_000,
        outcome="new",
        needs=frozenset(Missing),
    )


def test_each_card_is_answered_in_order_a_second_one_of_an_offer_as_unchanged() -> None:
    one, two, bad = card(1), card(2), card(3)
    invalid, refused = (
        RefusedOffer(external_id="MLB9", reason="invalid"),
        RefusedOffer(external_id="MLB3", reason="too long"),
    )
    answers: dict[OfferKey, SavedOffer | RefusedOffer] = {
        key_of(one): saved_as_new(1),
        key_of(two): saved_as_new(2),
        key_of(bad): refused,
    }
    report = rules.save_report([two, bad, one, bad, two], answers, [invalid])
    told = [(saved.external_id, saved.outcome) for saved in report.saved]
    assert told == [("MLB2", "new"), ("MLB1", "new"), ("MLB2", "unchanged")]
    assert report.refused == (invalid, refused)
    assert rules.save_report([bad], answers, []).refused == (refused,)


def test_an_offer_with_several_results_is_reported_once_the_stale_first() -> None:
    reached = {"a": {STALE, APPLIED, SUPERSEDED}, "b": {APPLIED, SUPERSEDED}, "c": {SUPERSEDED}}
    report = rules.enrichment_report(reached, unknown=["x"], refused={"y": "why"})
    assert [set(offers) for offers in (report.stale, report.applied, report.superseded)] == [{"a"}, {"b"}, {"c"}]
    assert set(report.unknown) == {"x"}
    assert report.refused == {"y": "why"}


@pytest.mark.parametrize(
    ("minute", "is_new", "is_changed", "told"),
    [
        (9, True, False, "new"),
        (9, True, True, "new"),
        (0, False, False, "new"),
        (0, False, True, "new"),
        (5, False, False, "changed"),
        (9, False, True, "changed"),
        (9, False, False, "unchanged"),
    ],
)
def test_a_page_saved_again_is_told_what_it_was_told_at_first(
    minute: float, is_new: bool, is_changed: bool, told: str
) -> None:
    """The offer was first seen at minute 0, and its price changed at minute 5."""
    moved = with_card(offer(0), card(price_cents=9_000), seen_at=at(5))
    assert rules.saved_offer(moved, seen_at=at(minute), is_new=is_new, is_changed=is_changed).outcome == told

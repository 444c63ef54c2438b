"""Conformance: what saving a listing does, on every storage."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from storage.cases import EVERYTHING, UNFIT_URLS, at, card, everything, history, link, page, save, stored

from offers_cli.offer import Offer
from offers_cli.storage.base import Missing, OfferFilter, Storage


def test_a_new_offer_is_stored_with_every_column(storage: Storage) -> None:
    shown = card(
        title="Fone “Ção” 😀 [/promo] \x1b[31m",
        old_price_cents=20_000,
        discount_pct=50,
        commission_pct=12,
        image_url="https://img.example/1.webp",
        item_id="MLB1",
        catalogue_id="MLB99",
        affiliate_link="https://meli.la/abc",
        affiliation_id="tag",
        source="hub",
    )
    [saved] = save(storage, shown)
    offer = stored(storage, saved.offer_id)
    assert saved.outcome == "new"
    for name in Offer.__slots__:
        assert getattr(offer, name) == getattr(shown, name), name
    assert offer.first_seen_at == offer.last_seen_at == offer.price_changed_at == at(0)
    assert (offer.status, offer.enrich_attempts, offer.enriched_at, offer.strategies) == ("active", 0, None, {})
    assert history(storage, offer.id) == [(10_000, 20_000, "listing")]
    assert saved.needs == frozenset()


def test_saving_twice_is_saving_once(storage: Storage) -> None:
    cards = [card(1), card(2, old_price_cents=15_000, discount_pct=33)]
    first = save(storage, *cards)
    before = everything(storage)
    assert save(storage, *cards) == first
    assert everything(storage) == before
    assert [len(storage.price_history(offer.id)) for offer in before] == [1, 1]


def test_seen_again_changes_only_when_it_was_seen_last(storage: Storage) -> None:
    [saved] = save(storage)
    before = stored(storage, saved.offer_id)
    save(storage, minute=5)
    assert stored(storage, saved.offer_id) == replace(before, last_seen_at=at(5))


def test_an_older_sight_that_arrives_late_changes_nothing(storage: Storage) -> None:
    [saved] = save(storage, minute=10)
    before = stored(storage, saved.offer_id)
    [late] = save(storage, card(price_cents=1), minute=9)
    assert late.outcome == "unchanged"
    assert late.price_cents == 10_000
    assert stored(storage, saved.offer_id) == before


def test_the_same_offer_twice_in_one_page_counts_once_with_the_first_card(storage: Storage) -> None:
    first, second, other = save(storage, card(price_cents=500), card(price_cents=700), card(2))
    assert [first.outcome, second.outcome, other.outcome] == ["new", "unchanged", "new"]
    assert first.offer_id == second.offer_id
    assert stored(storage, first.offer_id).price_cents == 500
    assert storage.counts().total == 2


def test_a_page_saved_again_for_its_answer_was_lost_counts_as_at_first(storage: Storage) -> None:
    """The same cards at the same moment are the same request; later they are seen once more."""
    save(storage, card(1), card(2))
    page_of_cards = (card(1, price_cents=9_000), card(2), card(3))
    outcomes = [[offer.outcome for offer in save(storage, *page_of_cards, minute=5)] for _ in range(2)]
    assert outcomes == [["changed", "unchanged", "new"]] * 2
    assert len(history(storage, save(storage, card(1, price_cents=9_000), minute=6)[0].offer_id)) == 2
    assert {offer.outcome for offer in save(storage, *page_of_cards, minute=7)} == {"unchanged"}


def test_the_same_id_in_two_marketplaces_is_two_offers(storage: Storage) -> None:
    one, two = save(storage, card(), card(marketplace="elsewhere"))
    assert one.offer_id != two.offer_id


def test_a_changed_price_takes_all_three_values_of_the_card(storage: Storage) -> None:
    [saved] = save(storage, card(old_price_cents=20_000, discount_pct=50))
    [again] = save(storage, card(price_cents=9_000), minute=5)
    offer = stored(storage, saved.offer_id)
    assert again.outcome == "changed"
    assert again.needs == EVERYTHING
    assert (offer.price_cents, offer.old_price_cents, offer.discount_pct) == (9_000, None, None)
    assert (offer.first_seen_at, offer.price_changed_at) == (at(0), at(5))
    assert history(storage, offer.id) == [(10_000, 20_000, "listing"), (9_000, None, "listing")]


def test_a_changed_price_makes_an_enriched_offer_need_it_again(storage: Storage) -> None:
    [saved] = save(storage)
    storage.save_enrichments([page(saved.offer_id, 1, strategies={"price_cents": "state"}, suspect_old_price_cents=9)])
    assert save(storage, minute=2)[0].needs == {Missing.AFFILIATE_LINK}
    [again] = save(storage, card(price_cents=9_000), minute=3)
    assert again.needs == EVERYTHING
    offer = stored(storage, saved.offer_id)
    assert (offer.enriched_at, offer.strategies, offer.suspect_old_price_cents) == (at(1), {}, None)


def test_a_poorer_card_at_the_same_price_erases_nothing(storage: Storage) -> None:
    rich = card(
        old_price_cents=20_000,
        discount_pct=50,
        commission_pct=12,
        image_url="https://img.example/1.webp",
        item_id="MLB1",
        catalogue_id="MLB99",
        affiliate_link="https://meli.la/abc",
        affiliation_id="tag",
    )
    [saved] = save(storage, rich)
    before = stored(storage, saved.offer_id)
    [again] = save(storage, card(), minute=5)
    assert again.outcome == "unchanged"
    assert stored(storage, saved.offer_id) == replace(before, last_seen_at=at(5))


@pytest.mark.parametrize("before", [None, 15_000])
def test_another_old_price_at_the_same_price_is_a_change(storage: Storage, before: int | None) -> None:
    [saved] = save(storage, card(old_price_cents=before, discount_pct=33))
    [again] = save(storage, card(old_price_cents=20_000, discount_pct=50), minute=5)
    offer = stored(storage, saved.offer_id)
    assert again.outcome == "changed"
    assert (offer.old_price_cents, offer.discount_pct) == (20_000, 50)
    assert offer.price_changed_at == at(0)
    assert history(storage, offer.id) == [(10_000, before, "listing"), (10_000, 20_000, "listing")]


def test_a_discount_alone_does_not_contradict_the_pair_that_stands(storage: Storage) -> None:
    [saved] = save(storage, card(old_price_cents=20_000, discount_pct=50))
    save(storage, card(discount_pct=30), minute=5)
    assert stored(storage, saved.offer_id).discount_pct == 50


def test_a_discount_alone_fills_and_follows_where_no_old_price_is_known(storage: Storage) -> None:
    [saved] = save(storage)
    for minute, discount_pct in enumerate((30, 35), start=1):
        save(storage, card(discount_pct=discount_pct), minute=minute)
        assert stored(storage, saved.offer_id).discount_pct == discount_pct


def test_an_old_price_not_above_the_price_is_no_old_price(storage: Storage) -> None:
    [saved] = save(storage, card(old_price_cents=10_000))
    assert stored(storage, saved.offer_id).old_price_cents is None


def test_a_page_read_after_the_card_was_seen_keeps_its_prices(storage: Storage) -> None:
    """A listing that is saved late must not undo what a newer product page said."""
    [saved] = save(storage)
    storage.save_enrichments([page(saved.offer_id, 10, price_cents=8_000, old_price_cents=16_000, discount_pct=50)])
    [late] = save(storage, card(price_cents=10_000), minute=5)
    offer = stored(storage, saved.offer_id)
    assert (late.outcome, late.price_cents) == ("unchanged", 8_000)
    assert (offer.price_cents, offer.old_price_cents, offer.last_seen_at) == (8_000, 16_000, at(5))


def test_the_title_of_the_page_stands_until_the_price_changes(storage: Storage) -> None:
    [saved] = save(storage)
    storage.save_enrichments([page(saved.offer_id, 1, title="Fone, completo", strategies={"title": "state"})])
    save(storage, card(title="Fone…"), minute=2)
    assert stored(storage, saved.offer_id).title == "Fone, completo"
    save(storage, card(title="Fone…", price_cents=1), minute=3)
    save(storage, card(title="Fone novo", price_cents=1), minute=4)
    assert stored(storage, saved.offer_id).title == "Fone novo"


def test_an_affiliate_link_survives_a_new_price(storage: Storage) -> None:
    [saved] = save(storage)
    storage.save_enrichments([link(saved.offer_id, 1, "https://meli.la/x", affiliation_id="tag")])
    save(storage, card(price_cents=1), minute=2)
    offer = stored(storage, saved.offer_id)
    assert (offer.affiliate_link, offer.affiliation_id) == ("https://meli.la/x", "tag")


@pytest.mark.parametrize(
    ("wrong", "word"),
    [
        ({"price_cents": 0}, "price_cents"),
        ({"price_cents": -5}, "price_cents"),
        ({"price_cents": 99.9}, "price_cents"),
        ({"price_cents": 10**30}, "price_cents"),
        ({"price_cents": True}, "price_cents"),
        ({"title": ""}, "title"),
        *(({"url": url}, "url") for url in ("https://x/\0", "", *UNFIT_URLS)),
        ({"external_id": "\ud800"}, "external_id"),
        ({"external_id": ""}, "external_id"),
    ],
)
def test_a_refused_row_leaves_its_batch_standing(storage: Storage, wrong: dict[str, object], word: str) -> None:
    report = storage.save_offers([card(1), card(2, **wrong), card(3)], seen_at=at(0))
    assert [offer.external_id for offer in report.saved] == ["MLB1", "MLB3"]
    assert word in report.refused[0].reason
    assert storage.counts().total == 2


def test_wrong_optional_values_are_left_out(storage: Storage) -> None:
    [saved] = save(storage, card(discount_pct=150, commission_pct=-1, image_url="\0", old_price_cents=10**40))
    offer = stored(storage, saved.offer_id)
    assert (offer.discount_pct, offer.commission_pct, offer.image_url, offer.old_price_cents) == (None,) * 4


def test_a_title_that_no_database_takes_is_mended(storage: Storage) -> None:
    [saved] = save(storage, card(title="a\0b\ud800" + "x" * 5_000))
    assert stored(storage, saved.offer_id).title.startswith("a\N{REPLACEMENT CHARACTER}b?xxx")


def test_a_time_without_zone_is_refused(storage: Storage) -> None:
    with pytest.raises(ValueError, match="without zone"):
        storage.save_offers([card()], seen_at=at(0).replace(tzinfo=None))


def test_a_dry_run_tells_and_leaves_nothing_behind(storage: Storage) -> None:
    save(storage, card(1), card(2))
    before = everything(storage)
    cards = [card(1), card(2, price_cents=1), card(3), card(3)]
    report = storage.save_offers(cards, seen_at=at(5), dry_run=True)
    assert [offer.outcome for offer in report.saved] == ["unchanged", "changed", "new", "unchanged"]
    assert everything(storage) == before


def test_an_empty_page_is_saved(storage: Storage) -> None:
    assert storage.save_offers([], seen_at=at(0)).saved == ()


@pytest.mark.slow
def test_ten_thousand_rows_in_one_call(storage: Storage) -> None:
    cards = [card(number) for number in range(10_000)]
    assert {offer.outcome for offer in save(storage, *cards)} == {"new"}
    assert {offer.outcome for offer in save(storage, *cards, minute=1)} == {"unchanged"}
    assert storage.counts().total == 10_000
    assert len({offer.id for offer in storage.find_offers(OfferFilter(sort="title"))}) == 10_000


def test_writers_at_once_lose_and_double_nothing(storage: Storage) -> None:
    """Eight threads save overlapping pages; every offer is there once, new for exactly one of them."""
    pages = [[card(number) for number in range(start, start + 40)] for start in range(0, 160, 20)]
    with ThreadPoolExecutor(8) as pool:
        reports = list(pool.map(lambda n: storage.save_offers(pages[n], seen_at=at(n)), range(8)))
    outcomes = [offer.outcome for report in reports for offer in report.saved]
    assert outcomes.count("new") == 180 == storage.counts().total
    assert all(len(storage.price_history(offer.id)) == 1 for offer in list(everything(storage))[:20])

"""Conformance: reading back, on every storage."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from dataclasses import fields, replace
from typing import Any

import pytest
from storage.cases import ALL_FACTS, LINK, at, card, everything, failure, page, run, save

from offers_cli.offer import FACTS, Facts, PriceCondition
from offers_cli.storage.base import (
    Missing,
    OfferCounts,
    OfferFilter,
    Place,
    Storage,
    StoredOffer,
    UrlRepair,
    columns_of,
)
from offers_cli.storage.supabase.storage import SupabaseStorage


def found(storage: Storage, **wanted: Any) -> list[str]:
    wanted_offers = OfferFilter(**wanted)
    offers = [offer.external_id for offer in storage.find_offers(wanted_offers)]
    assert storage.count_offers(replace(wanted_offers, limit=None)) >= len(offers)
    return offers


def test_counts_tell_the_coverage(storage: Storage) -> None:
    done, old, gone, _ = save(
        storage,
        card(1, affiliate_link="https://meli.la/x"),
        card(2, old_price_cents=20_000),
        card(3),
        card(4),
    )
    storage.save_enrichments(
        [page(done.offer_id, 1, old_price_cents=20_000, discount_pct=50), page(old.offer_id, 1)],
        [failure(gone.offer_id, 1, "offer_gone", gone=True)],
    )
    assert storage.counts() == OfferCounts(
        total=4, enriched=2, gone=1, missing_old_price=1, missing_discount=2, missing_affiliate_link=2
    )


def test_one_offer_is_found_by_either_id(storage: Storage) -> None:
    [saved] = save(storage)
    assert storage.find_offer(saved.offer_id) == storage.find_offer("MLB1")
    for unknown in ("MLB2", "", "11111111-2222-4333-8444-555555555555", "'; DROP TABLE offers; --", "%"):
        assert storage.find_offer(unknown) is None
        assert storage.price_history(unknown) == []


def test_offers_are_looked_up_by_whatever_an_operator_calls_them(storage: Storage) -> None:
    pinned = "https://www.example/p/MLB5?pdp_filters=item_id%3AMLB"
    saved = save(
        storage,
        card(1, catalogue_id="MLB5", url=f"{pinned}1"),
        card(2, catalogue_id="MLB5", url=f"{pinned}2"),
        card(3, url="https://www.example/up/MLBU7?pdp_filters=item_id%3AMLB3"),
        card(4, url="https://www.example/um-nome/up/MLBU7"),
        card(5, url="https://www.example/up/MLBU77"),
    )

    def called(*ids: str, prefix: str = "", **most: int) -> list[str]:
        return sorted(offer.external_id for offer in storage.offers_called(ids=ids, prefix=prefix, **most))

    assert called("MLB1") == ["MLB1"]
    assert called("MLB5") == ["MLB1", "MLB2", "MLB5"], "one offer's own id, and the catalogue product of two others"
    assert called("MLBU7") == ["MLB3", "MLB4"]
    assert called("MLBU77", "MLB2") == ["MLB2", "MLB5"]
    assert called() == called("", "MLB", "MLBU", "'; --", "\0", "\ud800") == []
    own = saved[0].offer_id
    namesakes = sorted(each.external_id for each in saved if each.offer_id[0] == own[0])
    assert called(prefix=own) == called(prefix=own[:20]) == called(prefix=own.replace("-", "")) == ["MLB1"]
    assert called(prefix=own[0]) == namesakes
    assert called(prefix="x") == called(prefix=own + "0") == called(prefix="-") == []
    assert len(called("MLB5", limit=1)) == 2, "the own id is not crowded out by its catalogue product's offers"
    ids = [offer.id for offer in storage.offers_called(ids=["MLB1", "MLB2", "MLBU7"])]
    assert ids == sorted(ids)


@pytest.fixture
def shelf(storage: Storage) -> Storage:
    """Five offers whose every order differs."""
    save(storage, card(1, title="Água de coco", price_cents=500, old_price_cents=1_000, discount_pct=50), minute=1)
    save(storage, card(2, title="fone JBL 100%", price_cents=300, discount_pct=10), minute=2)
    save(storage, card(3, title="Fone sem fio", price_cents=400), minute=3)
    save(storage, card(4, title="Cafeteira_fone", price_cents=100, discount_pct=90), minute=4)
    save(storage, card(5, title="Zíper", price_cents=200, affiliate_link="https://meli.la/x"), minute=5)
    save(storage, card(1, title="Água de coco", price_cents=500), minute=6)
    return storage


@pytest.mark.parametrize(
    ("sort", "order"),
    [
        ("-last_seen", "15432"),
        ("last_seen", "23451"),
        ("first_seen", "12345"),
        ("price", "45231"),
        ("-price", "13254"),
        ("title", "14235"),
        ("-title", "53241"),
    ],
)
def test_orders(shelf: Storage, sort: str, order: str) -> None:
    assert found(shelf, sort=sort) == [f"MLB{number}" for number in order]


@pytest.mark.parametrize(("sort", "order"), [("-discount", "412"), ("discount", "214")])
def test_unknown_discounts_come_last(shelf: Storage, sort: str, order: str) -> None:
    offers = found(shelf, sort=sort)
    assert offers[:3] == [f"MLB{number}" for number in order]
    assert set(offers[3:]) == {"MLB3", "MLB5"}


@pytest.mark.parametrize("at_once", [2_000, 0], ids=["short list", "long list"])
@pytest.mark.parametrize("sort", ["discount", "price", "title", "rating"])
def test_offers_that_are_alike_come_in_the_same_order_in_every_database(
    storage: Storage, monkeypatch: pytest.MonkeyPatch, sort: str, at_once: int
) -> None:
    """By the marketplace's ids: ours are drawn by lot, so that each home would have an order of its own."""
    monkeypatch.setattr("offers_cli.storage.supabase.storage.AT_ONCE", at_once)
    save(storage, *(card(number, title="Fone", discount_pct=20) for number in (4, 1, 6, 3, 5, 2)))
    in_order = [f"MLB{number}" for number in range(1, 7)]
    assert found(storage, sort=sort, limit=6) == in_order
    assert found(storage, sort=f"-{sort}", limit=6) == in_order[::-1]


@pytest.fixture
def told(storage: Storage) -> Storage:
    """Offers that say more or less of themselves; the last one says nothing."""
    save(
        storage,
        card(
            1,
            price_cents=20_000,
            commission_pct=5,
            price_condition=PriceCondition.PIX,
            facts=Facts(rating_hundredths=450, reviews=7, free_shipping=True, coupon_label="Cupom R$ 30 OFF"),
        ),
        card(
            2,
            price_cents=20_001,
            commission_pct=12,
            price_condition=PriceCondition.ANY,
            facts=Facts(rating_hundredths=449, reviews=1000, official_store=True, coupon_pct=10, sold_at_least=5),
        ),
        card(
            3,
            price_cents=9_000,
            commission_pct=0,
            price_condition=PriceCondition.CREDIT_LINE,
            facts=Facts(rating_hundredths=500, sold_at_least=10_000, free_shipping=True, coupon_cents=500),
        ),
        card(4, price_cents=30_000, facts=Facts(reviews=0, official_store=False, free_shipping=False)),
        card(5, price_cents=25_000, source="hub"),
    )
    return storage


@pytest.mark.parametrize(
    ("wanted", "numbers"),
    [
        ({"max_price_cents": 20_000}, "13"),
        ({"min_price_cents": 20_001}, "245"),
        ({"source": "listing"}, "1234"),
        ({"source": "hub", "min_price_cents": 25_000}, "5"),
        ({"min_commission": 0}, "123"),
        ({"min_commission": 6}, "2"),
        ({"condition": PriceCondition.PIX}, "1"),
        ({"condition": PriceCondition.ANY}, "2"),
        ({"condition": PriceCondition.CREDIT_LINE}, "3"),
        ({"free_shipping": True}, "13"),
        ({"official_store": True}, "2"),
        ({"coupon": True}, "123"),
        ({"min_rating_hundredths": 450}, "13"),
        ({"min_rating_hundredths": 501}, ""),
        ({"free_shipping": True, "min_rating_hundredths": 460, "search": "fone"}, "3"),
        ({"missing": frozenset({Missing.DISCOUNT}), "coupon": True, "max_price_cents": 10_000}, "3"),
    ],
)
def test_filters_by_what_offers_say(told: Storage, wanted: dict[str, Any], numbers: str) -> None:
    """What an offer does not say does not match, in a list that is streamed and in a short one."""
    for limit in (None, 10):
        assert sorted(found(told, **wanted, limit=limit)) == [f"MLB{number}" for number in numbers]
    assert told.count_offers(OfferFilter(**wanted)) == len(numbers)


@pytest.mark.parametrize(
    ("sort", "known"),
    [("commission", "312"), ("rating", "213"), ("reviews", "412"), ("sold", "23")],
)
def test_offers_that_do_not_say_what_is_sorted_by_come_last(told: Storage, sort: str, known: str) -> None:
    """In both directions, streamed or not, in the order of the marketplace's ids, which turns with the direction."""
    ends = sorted(offer.external_id for offer in everything(told) if offer.external_id[-1] not in known)
    order = [f"MLB{number}" for number in known]
    for limit in (None, 10):
        assert found(told, sort=sort, limit=limit) == order + ends
        assert found(told, sort=f"-{sort}", limit=limit) == order[::-1] + ends[::-1]
    assert found(told, sort=f"-{sort}", limit=1) == order[-1:]


@pytest.mark.parametrize(
    ("wanted", "numbers"),
    [
        ({"min_discount": 50}, "14"),
        ({"missing": frozenset({Missing.DISCOUNT})}, "35"),
        ({"missing": LINK | {Missing.DISCOUNT}}, "12345"),
        ({"since": at(4)}, "145"),
        ({"status": "active"}, "12345"),
        ({"status": "gone"}, ""),
        ({"search": "FONE"}, "234"),
        ({"search": "fone  fio"}, "3"),
        ({"search": "agua"}, "1"),
        ({"search": "ZÍPER"}, "5"),
        ({"search": "100%"}, "2"),
        ({"search": "%"}, "2"),
        ({"search": "_"}, "4"),
        ({"search": "'"}, ""),
        ({"search": "*"}, ""),
        ({"search": "f*e"}, ""),
        ({"search": "?one"}, ""),
        ({"search": "[f]one"}, ""),
        ({"search": "fone" * 50_000}, ""),
        ({"search": "),id.gt.0"}, ""),
        ({"search": "  "}, "12345"),
        ({"search": "fone", "min_discount": 20, "since": at(3)}, "4"),
    ],
)
def test_filters(shelf: Storage, wanted: dict[str, Any], numbers: str) -> None:
    offers = found(shelf, **wanted)
    assert sorted(offers) == [f"MLB{number}" for number in numbers]
    assert shelf.count_offers(OfferFilter(**wanted)) == len(numbers)


def test_the_lowest_price_is_of_todays_payment_and_of_offers_whose_price_has_changed(storage: Storage) -> None:
    any_payment, pix = PriceCondition.ANY, PriceCondition.PIX
    shown: list[tuple[int, list[tuple[int, PriceCondition | None]]]] = [
        (1, [(900, any_payment), (700, any_payment), (100, pix), (800, any_payment)]),  # the Pix price is no low
        (2, [(900, None), (900, None)]),
        (3, [(500, pix), (900, any_payment)]),  # the only price of today's payment
        (4, [(900, None), (800, None)]),
    ]
    ids = {}
    for number, prices in shown:
        for minute, (cents, condition) in enumerate(prices):
            [saved] = save(storage, card(number, price_cents=cents, price_condition=condition), minute=minute)
            ids[number] = saved.offer_id
    assert storage.lowest_prices([*ids.values(), "nobody"]) == {ids[1]: 700, ids[4]: 800}
    assert storage.lowest_prices([]) == {}


def test_a_new_title_is_what_is_searched_and_sorted_by(storage: Storage) -> None:
    """Whether a listing or a product page brought it."""
    [first, _] = save(storage, card(1, title="Café"), card(2, title="Maçã"))
    save(storage, card(1, title="Água"), minute=1)
    assert (found(storage, search="agua"), found(storage, search="cafe")) == (["MLB1"], [])
    assert found(storage, sort="title") == ["MLB1", "MLB2"]
    storage.save_enrichments([page(first.offer_id, 2, title="Zíper")])
    assert (found(storage, search="ziper"), found(storage, search="agua")) == (["MLB1"], [])
    assert found(storage, sort="title") == ["MLB2", "MLB1"]


def test_the_longest_titles_are_stored_and_sorted_by_their_very_ends(storage: Storage) -> None:
    """They are longer than an index of Postgres takes, and do not pack."""
    title = "".join(chr(0x4E00 + number * 7919 % 20_000) for number in range(999))
    titles = (f"{title}b", f"{title}a", f"{title}b", "Z")
    save(storage, *(card(number, title=each) for number, each in enumerate(titles, start=1)))
    for limit in (None, 10):
        assert found(storage, sort="title", limit=limit) == ["MLB4", "MLB2", "MLB1", "MLB3"]
        assert found(storage, sort="-title", limit=limit) == ["MLB3", "MLB1", "MLB2", "MLB4"]


@pytest.mark.parametrize("title", ["\\", "50\\%", "a_b", "İstanbul", "ﬁta", "Ⅷ", "カメラ", "a\u0301\u0327", "'\"{},"])
def test_any_title_is_found_by_its_own_words(storage: Storage, title: str) -> None:
    save(storage, card(1, title=title), card(2, title="Remo"))
    assert found(storage, search=title) == ["MLB1"]


@pytest.mark.parametrize("search", ["ΣΑΣ", "σας", "Σάς", "σασ"])
def test_a_sigma_is_found_wherever_it_stands_in_the_word(storage: Storage, search: str) -> None:
    save(storage, card(1, title="ΓΙΑ ΣΑΣ"), card(2, title="για σας"), card(3, title="για σε"))
    assert sorted(found(storage, search=search)) == ["MLB1", "MLB2"]


def test_strategies_come_in_one_order(storage: Storage) -> None:
    """So that exports of both storages are alike."""
    [saved] = save(storage)
    given = {"title": "b", "price_cents": "c", "é": "d", "discount_pct": "e", "a": "f"}
    storage.save_enrichments([page(saved.offer_id, 1, strategies=given)])
    [offer] = storage.find_offers(OfferFilter())
    assert list(offer.strategies.items()) == sorted(given.items())


def test_limit_and_count(shelf: Storage) -> None:
    assert found(shelf, sort="first_seen", limit=2) == ["MLB1", "MLB2"]
    assert found(shelf, limit=0) == []
    assert shelf.count_offers(OfferFilter(limit=2)) == 5


@pytest.fixture
def repriced(storage: Storage) -> Storage:
    """Five offers; the prices of the second and the fourth changed, the fourth's last."""
    for number in (1, 2, 3, 4, 5):
        save(storage, card(number), minute=number)
    for number, minute in ((2, 7), (4, 9)):
        save(storage, card(number, price_cents=5_000), minute=minute)
    return storage


@pytest.mark.parametrize(
    ("wanted", "numbers"),
    [
        ({"sort": "-price_changed"}, "42531"),
        ({"sort": "price_changed"}, "13524"),
        ({"sort": "-price_changed", "changed": True}, "42"),
        ({"sort": "-first_seen", "changed": False}, "531"),
        ({"sort": "price", "changed": True}, "24"),
        ({"sort": "-price_changed", "changed_since": at(5)}, "425"),
        ({"sort": "-price_changed", "changed_since": at(5), "changed": True, "limit": 1}, "4"),
        ({"sort": "-last_seen", "changed_since": at(10)}, ""),
    ],
)
def test_offers_are_found_by_when_their_price_changed(repriced: Storage, wanted: dict[str, Any], numbers: str) -> None:
    for limit in (wanted.get("limit"), 10) if "limit" not in wanted else (1,):
        assert found(repriced, **wanted | {"limit": limit}) == [f"MLB{number}" for number in numbers]
    if "limit" not in wanted:
        assert repriced.count_offers(OfferFilter(**wanted)) == len(numbers)


def test_the_recorded_prices_of_many_offers_are_those_of_their_histories(storage: Storage) -> None:
    any_payment, pix = PriceCondition.ANY, PriceCondition.PIX
    for minute, (cents, condition, by_card) in enumerate(
        [(900, any_payment, None), (700, pix, 800), (900, None, None)]
    ):
        shown = {"price_cents": cents, "price_condition": condition, "card_price_cents": by_card}
        saved = save(storage, card(1, **shown), card(2), minute=minute + 0.25)
    ids = [each.offer_id for each in saved]
    recorded = storage.recorded_prices([*ids, "nobody"])
    assert recorded.keys() == set(ids)
    for offer_id in ids:
        told = [
            (p.observed_at, p.price_cents, p.price_condition, p.card_price_cents)
            for p in storage.price_history(offer_id)
        ]
        assert [(round(p.observed_s, 3), *p[1:]) for p in recorded[offer_id]] == [
            (t.timestamp(), *rest) for t, *rest in told
        ]
    assert storage.recorded_prices([]) == {}


def test_gone_offers_miss_nothing(shelf: Storage) -> None:
    offer = shelf.find_offer("MLB3")
    assert offer
    shelf.save_enrichments([], [failure(offer.id, 9, "offer_gone", gone=True)])
    assert "MLB3" not in found(shelf, missing=LINK)
    assert found(shelf, missing=LINK, status="gone") == ["MLB3"]
    assert "MLB3" in found(shelf)


@pytest.mark.slow
def test_a_long_list_is_streamed_whole_and_in_order(storage: Storage) -> None:
    """More than a server's page of 1,000 rows, with many ties."""
    save(storage, *(card(number, title=f"Fone {number % 7}") for number in range(1_234)))
    for sort in ("-last_seen", "discount", "-title"):
        offers = list(storage.find_offers(OfferFilter(sort=sort)))
        assert len({offer.id for offer in offers}) == len(offers) == 1_234
        titles = [offer.title for offer in offers]
        assert sort != "-title" or titles == sorted(titles, reverse=True)
        first = [offer.id for offer in storage.find_offers(OfferFilter(sort=sort, limit=700))]
        assert first == [offer.id for offer in offers[:700]]


@pytest.mark.parametrize("few", [0, 3, 100])
@pytest.mark.parametrize(
    ("wanted", "numbers"),
    [
        ({"search": "fone"}, "54321"),
        ({"search": "fone", "sort": "last_seen"}, "12345"),
        ({"search": "fone", "limit": 2}, "54"),
        ({"min_discount": 20}, "5432"),
        ({"min_discount": 50, "search": "fone 5"}, "5"),
    ],
)
def test_few_and_many_matches_come_in_the_same_order(
    sqlite_storage: Storage, monkeypatch: pytest.MonkeyPatch, wanted: dict[str, Any], numbers: str, few: int
) -> None:
    """SQLite looks for few in another way than for many."""
    monkeypatch.setattr("offers_cli.storage.sqlite.storage.FEW", few)
    for number in (4, 1, 3, 5, 2):
        save(sqlite_storage, card(number, discount_pct=number * 10), minute=number)
    assert found(sqlite_storage, **wanted) == [f"MLB{number}" for number in numbers]


ASKED: list[tuple[dict[str, Any], Callable[[StoredOffer], bool]]] = [
    ({"min_discount": 20}, lambda offer: (offer.discount_pct or 0) >= 20),
    ({"max_price_cents": 10_003, "source": "hub"}, lambda offer: offer.price_cents <= 10_003 and offer.source == "hub"),
    ({"search": "agua"}, lambda offer: offer.title.startswith("Água")),
    ({"search": "agua", "min_commission": 3}, lambda offer: "Água" in offer.title and (offer.commission_pct or 0) >= 3),
    ({"free_shipping": True}, lambda offer: bool(offer.facts.free_shipping)),
    (
        {"min_rating_hundredths": 430, "since": at(12)},
        lambda offer: (offer.facts.rating_hundredths or 0) >= 430 and offer.last_seen_at >= at(12),
    ),
    ({"source": "nothing"}, lambda _offer: False),
    ({"changed": False, "min_price_cents": 10_006}, lambda offer: offer.price_cents >= 10_006),
]
"""Filters, and what they let through of the offers below."""


@pytest.mark.parametrize(("few", "walk"), [(0, 1), (0, 7), (4, 7), (100, 1), (100, 100)])
def test_a_page_is_the_same_whichever_way_it_is_looked_for(
    sqlite_storage: Storage, monkeypatch: pytest.MonkeyPatch, few: int, walk: int
) -> None:
    """By an index that tells how few match, along the order for some steps, or through the whole file."""
    monkeypatch.setattr("offers_cli.storage.sqlite.storage.FEW", few)
    monkeypatch.setattr("offers_cli.storage.sqlite.storage.LONGEST_WALK", walk)
    for number in range(24):
        shown = {
            "title": f"{'Fone' if number % 3 else 'Água'} {number % 4}",
            "price_cents": 10_000 + number % 8,
            "discount_pct": number % 5 * 10 or None,
            "commission_pct": number % 6 or None,
            "source": "ofertas" if number % 2 else "hub",
        }
        facts = Facts(rating_hundredths=400 + number * 3, free_shipping=number % 4 == 0) if number % 5 else Facts()
        save(sqlite_storage, card(number, facts=facts, **shown), minute=number)
    for sort in (*SORTS, "rating", "-commission"):
        whole = list(sqlite_storage.find_offers(OfferFilter(sort=sort)))
        for wanted, matches in ASKED:
            right = [offer.external_id for offer in whole if matches(offer)]
            assert pages(sqlite_storage, 3, sort=sort, **wanted) == right, (sort, wanted)
            assert found(sqlite_storage, sort=sort, **wanted) == right
            assert sqlite_storage.count_offers(OfferFilter(sort=sort, **wanted)) == len(right)


ORDERS = ("last_seen", "first_seen", "price_changed", "discount", "price", "title")
SORTS = [sign + sort for sort in ORDERS for sign in ("", "-")]


def unsettle(storage: Storage, numbers: Iterable[int], *, minute: float) -> None:
    """What scrapes and workers do while a list is read: new titles and prices, sights, results, new offers."""
    touched = [card(number, title=f"Fone {minute:04.0f}", price_cents=10_000 + int(minute)) for number in numbers]
    saved = save(storage, *touched, card(1_000 + int(minute)), minute=minute)
    storage.save_enrichments([page(saved[0].offer_id, minute, price_cents=1, discount_pct=int(minute) % 100)])


@pytest.fixture
def busy(storage: Storage, monkeypatch: pytest.MonkeyPatch) -> Storage:
    """24 offers; lists are read in small pages, and before each request of the list others have written."""
    for name, size in (("AT_ONCE", 3), ("PAGE", 5), ("PLACES", 9)):
        monkeypatch.setattr(f"offers_cli.storage.supabase.storage.{name}", size)
    save(storage, *(card(number, discount_pct=number % 9 or None) for number in range(24)))
    if isinstance(storage, SupabaseStorage):
        ask, minutes = storage._client.call, itertools.count(100)

        def ask_late(function: str, arguments: Any, *how: Any) -> Any:
            if function in ("offers_places", "offers_at", "offers_page"):
                minute = next(minutes)
                monkeypatch.setattr(storage._client, "call", ask)
                unsettle(storage, {minute % 24, (minute * 7) % 24}, minute=minute)
                monkeypatch.setattr(storage._client, "call", ask_late)
            return ask(function, arguments, *how)

        monkeypatch.setattr(storage._client, "call", ask_late)
    return storage


@pytest.mark.parametrize("sort", SORTS)
def test_a_list_is_whole_whatever_is_written_meanwhile(busy: Storage, sort: str) -> None:
    """Each offer that was there all the time comes once, however its place in the order moves; so with new ones."""
    found = []
    for number, offer in enumerate(busy.find_offers(OfferFilter(sort=sort))):
        found.append(offer.external_id)
        if number % 8 == 2:
            unsettle(busy, {number, 23 - number}, minute=number + 1)
    assert {f"MLB{number}" for number in range(24)} <= set(found)
    assert len(found) == len(set(found))


def test_a_long_list_is_read_by_place(supabase_storage: Storage, monkeypatch: pytest.MonkeyPatch) -> None:
    """What no longer matches when its turn comes is left out; an offer that was repriced keeps its place."""
    monkeypatch.setattr("offers_cli.storage.supabase.storage.AT_ONCE", 0)
    monkeypatch.setattr("offers_cli.storage.supabase.storage.PAGE", 1)
    saved = save(supabase_storage, *(card(number, price_cents=number) for number in (1, 2, 3, 4)))
    offers = supabase_storage.find_offers(OfferFilter(sort="price", status="active"))
    assert next(offers).external_id == "MLB1"
    save(supabase_storage, card(4, price_cents=1), minute=1)
    supabase_storage.save_enrichments([], [failure(saved[1].offer_id, 1, "offer_gone", gone=True)])
    assert [(offer.external_id, offer.price_cents) for offer in offers] == [("MLB3", 3), ("MLB4", 1)]


def test_a_list_left_half_read_blocks_nobody(storage: Storage) -> None:
    save(storage, *(card(number) for number in range(600)))
    offers = storage.find_offers(OfferFilter())
    next(offers)
    save(storage, card(7, price_cents=1), minute=1)
    assert len(list(offers)) == 599


def test_history_is_oldest_first(storage: Storage) -> None:
    [saved] = save(storage)
    for minute in range(1, 5):
        save(storage, card(price_cents=100 * minute), minute=minute)
    points = storage.price_history(saved.offer_id)
    assert [point.observed_at for point in points] == [at(minute) for minute in range(5)]


def test_runs_are_recorded_newest_first(storage: Storage) -> None:
    first, second = run(1, started_at=at(1), schedule_entry="morning"), run(2, source="search:fone", started_at=at(2))
    for begun in (first, second):
        storage.save_run(begun)
    done = replace(
        first,
        status="done",
        finished_at=at(3),
        alive_at=at(3),
        pages=2,
        seen=96,
        new=90,
        changed=1,
        unchanged=5,
        filtered=0,
        enqueued=91,
        error=None,
    )
    storage.save_run(done)
    storage.save_run(done)
    runs = storage.find_runs()
    assert [each.id for each in runs] == [second.id, first.id]
    assert runs[1] == done
    assert (runs[0].status, runs[0].finished_at, runs[0].seen) == ("running", None, 0)
    assert [each.schedule_entry for each in runs] == [None, "morning"]
    assert storage.find_runs(limit=1) == runs[:1]


def test_offers_are_read_by_their_ids_all_at_once(storage: Storage) -> None:
    one, two, _ = save(storage, card(1), card(2), card(3))
    asked = [one.offer_id, two.offer_id, two.offer_id, "00000000-0000-4000-8000-000000000000", "no uuid", "MLB3", ""]
    assert {offer.external_id for offer in storage.offers_by_id(asked)} == {"MLB1", "MLB2"}
    assert storage.offers_by_id([]) == []


def test_columns_say_what_the_offers_themselves_say(storage: Storage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exports are made of them: else a file would hold another price, time or fact than `offers show`."""
    monkeypatch.setattr("offers_cli.storage.base.COLUMNS_AT_ONCE", 2)
    monkeypatch.setattr("offers_cli.storage.sqlite.storage.COLUMNS_AT_ONCE", 2)
    first, *_ = save(
        storage,
        card(1, facts=ALL_FACTS, price_condition=PriceCondition.PIX, card_price_cents=11_000),
        card(2, old_price_cents=20_000, facts=Facts(seller="=1+1", full=False)),
        *(card(number) for number in range(3, 6)),
        minute=0.00001,
    )
    storage.save_enrichments([page(first.offer_id, 1.5, title="Ação", strategies={"title": "state", "facts": "dom"})])
    names = [field.name for field in fields(StoredOffer)]
    for wanted in (
        OfferFilter(),
        OfferFilter(sort="price", limit=3),
        OfferFilter(search="fone 2"),
        OfferFilter(since=at(9)),
    ):
        offers = list(storage.find_offers(wanted))
        for asked in (names, ["price_cents", "facts"], ["last_seen_at"], FACTS, ["seller", "facts", "id", "reviews"]):
            columns = [{name: list(some[name]) for name in asked} for some in storage.find_columns(wanted, asked)]
            assert columns == list(columns_of(offers, asked))


def pages(storage: Storage, size: int, **wanted: Any) -> list[str]:
    """The ids of all pages of a list, one behind the other."""
    found: list[StoredOffer] = []
    after = None
    while some := storage.find_page(OfferFilter(limit=size, **wanted), after=after):
        found += some
        after = Place.of(some[-1], wanted.get("sort", "-last_seen"))
    return [offer.external_id for offer in found]


@pytest.mark.parametrize("sort", [*SORTS, "-commission", "rating", "-rating", "reviews", "-sold"])
def test_the_pages_of_a_list_lose_and_repeat_no_offer(told: Storage, sort: str) -> None:
    """Alike ones, and those without the value, stand where one page ends and the next begins."""
    save(told, *(card(number, price_cents=9_000, title="Água", discount_pct=7) for number in (6, 7, 8)), minute=1)
    whole = found(told, sort=sort)
    assert len(whole) == 8
    for size in (1, 3, 8):
        assert pages(told, size, sort=sort) == whole
    some = found(told, sort=sort, max_price_cents=20_000)
    assert pages(told, 2, sort=sort, max_price_cents=20_000) == some


def test_a_list_goes_on_behind_an_offer_that_has_moved_or_gone(shelf: Storage) -> None:
    first = shelf.find_page(OfferFilter(sort="price", limit=2))
    after = Place.of(first[-1], "price")
    save(shelf, card(5, title="Zíper", price_cents=900), minute=9)
    rest = shelf.find_page(OfferFilter(sort="price", limit=9), after=after)
    assert [offer.external_id for offer in (*first, *rest)] == ["MLB4", "MLB5", "MLB2", "MLB3", "MLB1", "MLB5"]
    shelf.repair_urls([UrlRepair(offer_id=after.id, url=first[-1].url, new_url=None)])
    assert shelf.find_page(OfferFilter(sort="price", limit=9), after=after) == rest[:-1]


@pytest.mark.parametrize(
    ("sort", "value"),
    [
        *(("-last_seen", value) for value in (None, 1, "", "yesterday", "2026-03-01", "2026-03-01T00:00:00Z")),
        *(("price", value) for value in (None, "1", 2**63)),
        *(("title", value) for value in (None, 1, "a\0", "\ud800")),
        ("discount", "5"),
    ],
)
def test_a_place_that_no_offer_has_is_refused_before_the_database_is_asked(
    shelf: Storage, sort: str, value: int | str | None
) -> None:
    after = Place(value=value, external_id="MLB1", id="11111111-2222-4333-8444-555555555555")
    with pytest.raises(ValueError, match=r"place|isoformat|without zone"):
        shelf.find_page(OfferFilter(sort=sort, limit=1), after=after)
    with pytest.raises(ValueError, match="limit"):
        shelf.find_page(OfferFilter(sort=sort))

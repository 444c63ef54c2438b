"""When a price is news: on no first sight, once for each new low, by the same payment alone."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offers_cli.alerts.rule import TOLD_DAYS, Rule, Told, ToldLow, is_news, write_message
from offers_cli.deals.record import Record
from offers_cli.offer import PriceCondition
from offers_cli.storage.base import OfferFilter, RecordedPrice, StoredOffer

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
ANY, PIX = PriceCondition.ANY, PriceCondition.PIX


class Price(NamedTuple):
    """A price from a day on."""

    day: float
    cents: int
    condition: PriceCondition = ANY


def at(day: float) -> datetime:
    return BEGIN + timedelta(days=day)


def rule(**values: Any) -> Rule:
    return Rule(name="r", **{"added_at": at(-1), **values})


BELOW, DROP, LOWEST = rule(below_cents=10_000), rule(drop_pct=20), rule(lowest_since_days=30)


def record(history: Sequence[Price], **more: Any) -> Record:
    """As the offer is when the last of these prices was just seen."""
    last = history[-1]
    offer = StoredOffer(
        id="1",
        marketplace="mercado_livre",
        external_id="MLB1",
        title="Cafeteira",
        url="https://produto.mercadolivre.com.br/MLB-1",
        image_url=None,
        currency=more.pop("currency", "BRL"),
        price_cents=last.cents,
        old_price_cents=None,
        discount_pct=None,
        commission_pct=None,
        affiliate_link=None,
        affiliation_id=None,
        source="ofertas",
        status="active",
        price_condition=last.condition,
        first_seen_at=at(history[0].day),
        last_seen_at=at(last.day),
        item_id=None,
        catalogue_id=None,
        **{"price_changed_at": at(last.day), **more},
    )
    prices = [RecordedPrice(at(price.day).timestamp(), price.cents, price.condition, None) for price in history]
    return Record.of(offer, prices, now=at(last.day))


def told_days(asked: Rule, history: Sequence[Price]) -> list[float]:
    """The days on which the rule tells, when each price is looked at as it comes."""
    told, days = Told(), []
    for end in range(1, len(history) + 1):
        seen = record(history[:end])
        if is_news(asked, seen, told):
            days.append(history[end - 1].day)
            told = Told.decode(told.with_low(seen).encode().encode())
    return days


@pytest.mark.parametrize("asked", [BELOW, DROP, rule(lowest_since_days=1)])
def test_nobody_is_told_of_an_offer_that_was_just_found(asked: Rule) -> None:
    """A first scrape of ten thousand offers would be ten thousand messages."""
    assert told_days(asked, [Price(0, 5_000)]) == []


def test_a_price_that_rises_or_is_above_the_limit_is_no_news() -> None:
    assert told_days(BELOW, [Price(0, 8_000), Price(1, 9_000), Price(2, 20_000), Price(3, 15_000)]) == []


def test_a_low_is_told_once_and_again_only_when_it_falls_further() -> None:
    prices = [(0, 12_000), (1, 9_500), (2, 12_000), (3, 9_500), (4, 12_000), (5, 9_600), (6, 9_400), (7, 9_300)]
    assert told_days(BELOW, [Price(*price) for price in prices]) == [1, 6, 7]


def test_a_low_of_long_ago_is_news_again() -> None:
    """What was last charged before the rule's time tells nothing of today."""
    history = [Price(0, 12_000), Price(1, 9_500), Price(2, 12_000), Price(3 + TOLD_DAYS, 9_600)]
    assert told_days(BELOW, history) == [1, 3 + TOLD_DAYS]
    standing = [Price(0, 12_000), Price(1, 9_500), Price(60, 12_000), Price(100, 9_600)]
    assert told_days(BELOW, standing) == [1]


def test_no_low_is_claimed_for_more_days_than_were_watched() -> None:
    assert told_days(LOWEST, [Price(0, 12_000), Price(29, 9_000)]) == []
    assert told_days(LOWEST, [Price(0, 12_000), Price(30, 9_000)]) == [30]
    assert told_days(LOWEST, [Price(0, 8_000), Price(1, 12_000), Price(30, 9_000)]) == []


def test_a_drop_is_measured_against_the_price_before() -> None:
    assert told_days(DROP, [Price(0, 10_000), Price(1, 8_001), Price(2, 10_000), Price(3, 8_000)]) == [3]


def test_a_price_by_pix_is_no_fall_of_one_for_every_payment() -> None:
    """It was paid by Pix for as much yesterday, for all that is known."""
    assert told_days(BELOW, [Price(0, 12_000), Price(1, 9_000, PIX)]) == []
    assert told_days(BELOW, [Price(0, 12_000, PIX), Price(1, 9_000, PIX)]) == [1]


def test_what_every_payment_paid_is_no_new_low_by_pix() -> None:
    history = [Price(0, 12_000), Price(1, 9_000), Price(2, 12_000, PIX), Price(3, 9_000, PIX)]
    assert told_days(BELOW, history) == [1]


def test_a_change_is_told_once_even_when_its_payment_is_learnt_later() -> None:
    told = Told().with_low(record([Price(0, 12_000), Price(1, 9_000)]))
    by_pix = record([Price(0, 12_000, PIX), Price(1, 8_900, PIX)])
    assert not is_news(BELOW, by_pix, told)


def test_the_first_page_that_corrects_its_listing_belongs_to_the_first_sight() -> None:
    corrected = [Price(0, 12_000), Price(0.1, 9_000)]
    by_page = {"listing_price_cents": 12_000, "enriched_at": at(0.1)}
    assert not is_news(BELOW, record(corrected, **by_page), Told())
    assert is_news(BELOW, record(corrected, listing_price_cents=9_000), Told())
    later = [Price(0, 12_000), Price(3, 11_000), Price(4, 9_000)]
    assert is_news(BELOW, record(later, listing_price_cents=11_000, enriched_at=at(4)), Told())


def test_what_fell_before_the_rule_was_added_is_no_news() -> None:
    """So that rules which are added again after Redis was lost bring no storm."""
    fell = record([Price(0, 12_000), Price(1, 9_000)])
    assert not is_news(replace(BELOW, added_at=at(1)), fell, Told())


HISTORIES = st.lists(
    st.tuples(
        st.sampled_from([1, 5, 20, 40, 95]),
        st.integers(60, 140).map(lambda n: n * 100),
        st.sampled_from([ANY, ANY, PIX]),
    ),
    min_size=1,
    max_size=12,
)
RULES = st.sampled_from([BELOW, DROP, LOWEST, rule(lowest_since_days=90), rule(below_cents=13_000)])


def recompute(asked: Rule, history: Sequence[Price]) -> list[float]:
    """The same by the words of the documentation, without anything of the program."""
    days: list[float] = []
    lows: dict[PriceCondition, tuple[float, int]] = {}
    window = asked.lowest_since_days or 90
    for place, now in enumerate(history):
        spells = [
            (price, later.day)
            for price, later in pairwise(history[: place + 1])
            if price.condition == now.condition
            or (price.condition == ANY and now.condition == PIX and price.cents <= now.cents)
        ]
        other = [price.cents for price, _ in spells if price.cents != now.cents]
        if not other or other[-1] < now.cents:
            continue
        if asked.below_cents:
            low_enough = now.cents <= asked.below_cents
        elif asked.drop_pct:
            low_enough = 100 * now.cents <= (100 - asked.drop_pct) * other[-1]
        else:
            cheaper_until = max((end for price, end in spells if price.cents < now.cents), default=-1)
            watched = [
                (price, end) for price, end in spells if end > cheaper_until and price.condition == now.condition
            ]
            low_enough = sum(end - price.day for price, end in watched) >= window
        known = [low for condition, low in lows.items() if condition in (now.condition, ANY)]
        told = False
        for day, cents in known:
            stood = [end for price, end in spells if price.cents <= cents]
            told = told or (cents <= now.cents and max([day, *stood]) >= now.day - window)
        if low_enough and not told:
            days.append(now.day)
            lows[now.condition] = (now.day, now.cents)
    return days


@given(asked=RULES, steps=HISTORIES)
def test_over_random_histories_each_new_low_is_told_once(asked: Rule, steps: Sequence[tuple[int, int, Any]]) -> None:
    day, history = 0, list[Price]()
    for lasts, cents, condition in steps:
        if not history or (cents, condition) != history[-1][1:]:
            history.append(Price(day, cents, condition))
        day += lasts
    found = told_days(asked, history)
    assert found == recompute(asked, history)
    assert history[0].day not in found


FILTER = OfferFilter(search="fone", condition=PIX, max_price_cents=9_900, coupon=True, min_rating_hundredths=450)


@pytest.mark.parametrize("asked", [BELOW, DROP, replace(LOWEST, matching=FILTER), replace(DROP, offer_id="x-1")])
def test_a_rule_is_read_as_it_was_written(asked: Rule) -> None:
    assert Rule.decode("r", asked.encode().encode()) == asked


@pytest.mark.parametrize(
    "change",
    [
        {"below_cents": 0}, {"below_cents": "1"}, {"below_cents": True}, {"below_cents": 10**15}, {"drop_pct": 10},
        {"below_cents": None}, {"filters": []}, {"filters": {"limit": 1}}, {"filters": {"search": 1}},
        {"filters": {"coupon": 1}}, {"filters": {"min_discount": 101}}, {"filters": {"condition": "x"}},
        {"added_at": "yesterday"}, {"added_at": 3}, {"offer_id": 3},
    ],
    ids=str,
)  # fmt: skip
def test_what_is_no_rule_is_refused_and_not_guessed(change: dict[str, Any]) -> None:
    text = json.dumps(json.loads(BELOW.encode()) | change).encode()
    assert Rule.decode("r", text) is None
    assert Rule.decode("No Name", BELOW.encode().encode()) is None


@pytest.mark.parametrize(
    "change",
    [
        {"below_cents": 1}, {"below_cents": None, "drop_pct": 99}, {"below_cents": None, "lowest_since_days": 3650},
        {"filters": {"min_discount": 0}}, {"filters": {"min_discount": 100}}, {"filters": {"search": "x" * 500}},
    ],
    ids=str,
)  # fmt: skip
def test_the_least_and_the_most_that_a_rule_may_ask_is_read(change: dict[str, Any]) -> None:
    assert Rule.decode("r", json.dumps(json.loads(BELOW.encode()) | change).encode())


@pytest.mark.parametrize(
    "change",
    [
        {"below_cents": None, "drop_pct": 100}, {"below_cents": None, "lowest_since_days": 3651},
        {"filters": {"search": "x" * 501}}, {"filters": {"min_discount": -1}},
    ],
    ids=str,
)  # fmt: skip
def test_what_goes_beyond_is_not(change: dict[str, Any]) -> None:
    assert Rule.decode("r", json.dumps(json.loads(BELOW.encode()) | change).encode()) is None


def test_a_rule_was_added_when_it_was_wherever_the_reader_is() -> None:
    text = json.dumps(json.loads(BELOW.encode()) | {"added_at": "2026-01-01T09:00:00-03:00"}).encode()
    read = Rule.decode("r", text)
    assert read
    assert (read.added_at, read.added_at.tzinfo) == (datetime(2026, 1, 1, 12, tzinfo=UTC), UTC)


def test_what_was_told_is_remembered_with_the_change_that_it_told_of() -> None:
    told = Told().with_low(record([Price(0, 12_000), Price(1, 9_000)]))
    assert Told.decode(told.encode().encode()) == told
    assert told.changed_s == at(1).timestamp()


def test_a_price_of_just_the_limit_is_low_enough() -> None:
    assert told_days(BELOW, [Price(0, 12_000), Price(1, 10_000)]) == [1]
    assert told_days(BELOW, [Price(0, 12_000), Price(1, 10_001)]) == []


def test_the_same_price_seen_again_is_no_fall() -> None:
    assert told_days(BELOW, [Price(0, 9_000), Price(1, 9_000)]) == []


@pytest.mark.parametrize(("day", "days"), [(1 + TOLD_DAYS, [1]), (1.1 + TOLD_DAYS, [1, 1.1 + TOLD_DAYS])])
def test_a_low_told_at_the_edge_of_its_time_is_still_known(day: float, days: list[float]) -> None:
    history = [Price(0, 12_000), Price(1, 9_500), Price(1, 12_000), Price(day, 9_600)]
    assert told_days(BELOW, history) == days


def test_a_low_that_was_told_counts_though_its_price_is_no_longer_recorded() -> None:
    told = Told(lows=(ToldLow(ANY, 9_000, at(1).timestamp()),))
    assert not is_news(BELOW, record([Price(0, 12_000), Price(2, 9_500)]), told)


@pytest.mark.parametrize(
    "text", [b"", b"[]", b"{}", b'{"changed": 1, "lows": [[1, 2, 3], ["any", "x", 1], 7]}', b"\xff"]
)
def test_what_is_no_memory_of_a_rule_tells_of_nothing(text: bytes) -> None:
    assert Told.decode(text).lows == ()


def test_a_message_names_the_price_the_fall_the_evidence_and_where_to_buy() -> None:
    title, text = write_message(LOWEST, record([Price(0, 12_000, PIX), Price(40, 9_000, PIX)]))
    assert title == "R$ 90,00: Cafeteira"
    assert text.splitlines() == [
        "R$ 90,00, by Pix; it was R$ 120,00 before (25% less).",
        "Never less in 40 days, all of them watched.",
        "https://produto.mercadolivre.com.br/MLB-1",
        "Rule r; offers show MLB1",
    ]


@pytest.mark.parametrize(
    ("condition", "currency", "begins"),
    [
        (ANY, "BRL", "R$ 900,00; it was R$ 1.200,00 before"),
        (PIX, "MXN", "$ 900.00, by Pix; it was $ 1,200.00 before"),
        (PriceCondition.CREDIT_LINE, "BRL", "R$ 900,00, on the shop's credit; it was R$ 1.200,00 before"),
    ],
)
def test_a_message_tells_how_it_is_paid_and_in_which_currency(
    condition: PriceCondition, currency: str, begins: str
) -> None:
    seen = record([Price(0, 120_000, condition), Price(1, 90_000, condition)], currency=currency)
    first, watched, *_ = write_message(BELOW, seen)[1].splitlines()
    assert first.startswith(begins)
    assert watched == "Never less in 1 day, all of it watched."

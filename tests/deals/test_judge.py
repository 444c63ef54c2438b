"""What the record makes of an offer: the stories that shops tell with prices, each judged as a person would."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from offers_cli.deals.judge import DealClass, Judgement, Weights, judge, reasons_of
from offers_cli.deals.record import WINDOWS_DAYS, Record, Window
from offers_cli.offer import DiscountKind, PriceCondition
from offers_cli.storage.base import RecordedPrice, StoredOffer

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
ANY, PIX, CREDIT = PriceCondition.ANY, PriceCondition.PIX, PriceCondition.CREDIT_LINE
Story = Sequence[tuple[float, int] | tuple[float, int, PriceCondition | None, int | None]]
"""For how many days each price held, in hundredths, by which payment, and what a card paid; the last one until now."""


def prices_of(story: Story) -> list[RecordedPrice]:
    prices, end = [], NOW
    for span in reversed(story):
        days, cents, condition, card_cents = span if len(span) == 4 else (*span, ANY, None)
        end -= timedelta(days=days)
        prices.append(RecordedPrice(end.timestamp(), cents, condition, card_cents))
    return prices[::-1]


def offer_of(prices: Sequence[RecordedPrice], old_price_cents: int | None = None, **more: Any) -> StoredOffer:
    last = prices[-1]
    values: dict[str, Any] = {
        "price_cents": last.price_cents,
        "price_condition": PriceCondition(last.price_condition) if last.price_condition else None,
        "card_price_cents": last.card_price_cents,
        "last_seen_at": NOW,
        "price_changed_at": datetime.fromtimestamp(last.observed_s, UTC),
    }
    return StoredOffer(
        id="1",
        marketplace="mercado_livre",
        external_id="MLB1",
        title="Cafeteira",
        url="https://produto.mercadolivre.com.br/MLB-1",
        image_url=None,
        currency=more.pop("currency", "BRL"),
        old_price_cents=old_price_cents,
        discount_pct=None,
        commission_pct=None,
        affiliate_link=None,
        affiliation_id=None,
        source="ofertas",
        status="active",
        first_seen_at=datetime.fromtimestamp(prices[0].observed_s, UTC),
        item_id=None,
        catalogue_id=None,
        **values | more,
    )


def record_of(story: Story, old_price_cents: int | None = None, **more: Any) -> Record:
    prices = prices_of(story)
    return Record.of(offer_of(prices, old_price_cents, **more), prices, now=NOW)


def judged(story: Story, old_price_cents: int | None = None, **more: Any) -> Judgement:
    return judge(record_of(story, old_price_cents, **more), Weights())


def reasons(story: Story, old_price_cents: int | None = None) -> list[str]:
    record = record_of(story, old_price_cents)
    return [f"{reason.points:+} {reason.text}" for reason in reasons_of(record, judge(record, Weights()))]


PROVED, YOUNG, UNPROVED, CONTRADICTED = DealClass


@pytest.mark.parametrize(
    ("story", "old_price_cents", "expected"),
    [
        pytest.param([(60, 10000), (0.1, 7000)], 10000, PROVED, id="a flash sale"),
        pytest.param([(60, 10000), (5, 7000)], None, PROVED, id="a reduction that nobody advertises"),
        pytest.param([(60, 10000), (5, 8000), (2, 7000)], 10000, PROVED, id="a sale in two steps"),
        pytest.param([(60, 10000), (3, 13000), (2, 10000)], 13000, CONTRADICTED, id="put up before the sale"),
        pytest.param([(60, 10000), (3, 13000), (2, 9800)], 13000, CONTRADICTED, id="put up, and a little less"),
        pytest.param([(60, 10000), (2, 9000)], 15000, CONTRADICTED, id="never charged"),
        pytest.param([(40, 10000)], 15000, CONTRADICTED, id="on sale for longer than a sale lasts"),
        pytest.param([(20, 10000)], 15000, UNPROVED, id="a sale that may have begun before anybody watched"),
        pytest.param([(5, 15000), (20, 10000)], 15000, PROVED, id="the former price was seen for a few days only"),
        pytest.param([(7, 10000), (7, 8000)] * 5, 10000, UNPROVED, id="up and down each week"),
        pytest.param([(60, 9950), (2, 7000)], 10000, PROVED, id="the former price rounded up"),
        pytest.param([(60, 8000), (20, 10000), (1, 8500)], 10000, UNPROVED, id="it cost less within 30 days"),
        pytest.param([(60, 10000), (40, 7000)], 10000, UNPROVED, id="the price that it has by now"),
        pytest.param([(60, 10000), (1, 9700)], None, UNPROVED, id="a few per cent"),
        pytest.param([(60, 7000), (1, 10000)], None, UNPROVED, id="dearer than ever"),
        pytest.param([(60, 10000)], None, UNPROVED, id="nothing happened"),
        pytest.param([(6, 10000), (1, 5000)], 10000, YOUNG, id="a week of evidence"),
        pytest.param([(0, 10000)], 20000, YOUNG, id="seen for the first time"),
        pytest.param([(60, 10000), (1, 8000, PIX, 10000)], None, YOUNG, id="Pix appears: no price by Pix before"),
        pytest.param([(60, 9000, PIX, 10000), (1, 7000, PIX, 8000)], None, PROVED, id="less by Pix than ever by Pix"),
        pytest.param([(60, 9000, PIX, 10000), (1, 8000)], None, PROVED, id="less by card than a card ever paid"),
        pytest.param([(60, 7000, PIX, 10000), (1, 8000)], None, PROVED, id="by card, though Pix paid less"),
        pytest.param([(60, 7000, PIX, None), (1, 6000)], None, YOUNG, id="what a card paid was not told"),
        pytest.param(
            [(20, 9000, PIX, None), (5, 6000), (20, 9000, PIX, None), (1, 7000, PIX, None)],
            None,
            UNPROVED,
            id="every payment once paid less than Pix does now",
        ),
        pytest.param([(60, 10000), (5, 9500)], None, PROVED, id="five per cent"),
        pytest.param([(60, 10000), (5, 9501)], None, UNPROVED, id="not quite five per cent"),
        pytest.param([(60, 9800), (2, 7000)], 10000, PROVED, id="two per cent below what is advertised"),
        pytest.param([(60, 9799), (2, 7000)], 10000, CONTRADICTED, id="more than two per cent below it"),
        pytest.param([(30, 10000)], 15000, CONTRADICTED, id="on sale for thirty days"),
        pytest.param([(29.9, 10000)], 15000, UNPROVED, id="on sale for not quite thirty days"),
        pytest.param([(60, 8000), (30, 10000), (1, 8500)], None, PROVED, id="it cost less thirty days before"),
        pytest.param([(60, 8000), (29.9, 10000), (1, 8500)], None, UNPROVED, id="and a little later"),
        pytest.param([(13.5, 10000), (1, 5000)], None, PROVED, id="two weeks of evidence"),
        pytest.param([(13, 10000), (1, 5000)], None, PROVED, id="two weeks to the hour"),
        pytest.param([(12.5, 10000), (1, 5000)], None, YOUNG, id="not quite two weeks"),
        pytest.param([(60, 10000, CREDIT, None), (1, 7000, PIX, None)], None, YOUNG, id="on credit before, by Pix now"),
        pytest.param([(60, 10000, None, None), (1, 7000)], 10000, PROVED, id="of unknown payment, but no more"),
        pytest.param([(60, 10000, None, None), (1, 7000)], 15000, PROVED, id="what a card paid then nobody knows"),
        pytest.param(
            [(60, 10000, None, None), (1, 7000, None, None)],
            15000,
            CONTRADICTED,
            id="never charged, by whatever payment",
        ),
        pytest.param([(60, 10000, None, None), (1, 7000, None, None)], 10000, PROVED, id="a sale, by whatever payment"),
    ],
)
def test_a_story_of_prices_is_judged_as_a_person_would(
    story: Story, old_price_cents: int | None, expected: DealClass
) -> None:
    found = judged(story, old_price_cents)
    assert found.kind is expected, found


def test_what_a_card_pays_today_is_no_former_price_to_contradict() -> None:
    by_pix = [(60.0, 9000, PIX, 10000)]
    assert judged(by_pix, 12000, discount_kind=DiscountKind.PAYMENT).kind is UNPROVED
    assert judged(by_pix, 12000, discount_kind=DiscountKind.PRICE_CUT).kind is CONTRADICTED


@pytest.mark.parametrize(
    ("story", "old_price_cents", "days_ago"),
    [
        ([(60, 10000), (2.5, 7000)], 10000, 2),
        ([(60, 9850), (2.5, 7000)], 10000, 2),
        ([(1, 15000), (60, 10000), (2, 7000)], 15000, 62),
        ([(60, 10000), (2, 7000)], 15000, None),
        ([(60, 10000)], 15000, None),
        ([(60, 10000), (2, 7000)], None, None),
    ],
)
def test_when_the_former_price_was_last_charged_is_told(
    story: Story, old_price_cents: int | None, days_ago: int | None
) -> None:
    """Ever, and so whether within 30 days, however short that was."""
    assert judged(story, old_price_cents).old_price_charged_days_ago == days_ago


def test_an_offer_without_recorded_prices_is_young_and_has_no_figures() -> None:
    record = Record.of(offer_of(prices_of([(1, 10000)])), [], now=NOW)
    assert (judge(record, Weights()).kind, judge(record, Weights()).score) == (YOUNG, 0)
    assert record.window(90) == Window(
        days=90, observed_days=0, lowest_cents=None, median_cents=None, at_or_below_pct=None
    )
    assert WINDOWS_DAYS == (30, 90, 365)


def test_days_that_nobody_watched_are_no_evidence() -> None:
    seen_until = NOW - timedelta(days=29)
    assert judged([(60, 10000), (30, 7000)], last_seen_at=seen_until).evidence_days == 61


def test_each_point_of_a_score_has_its_reason() -> None:
    story = [(70, 10000), (2, 5000)]
    assert reasons(story, 10000) == [
        "+45 50 % below R$ 100,00, the lowest price of the 30 days before",
        "+29 it cost more for 97 % of the 72 days watched",
        "+2 never less in 72 days, all of them watched",
        "+10 R$ 100,00 was charged, as advertised",
    ]
    found = judged(story, 10000)
    assert (found.score, found.reference_cents, found.reduction_pct, found.drop_pct) == (86, 10000, 50, 50)


def test_what_proves_nothing_yet_says_so() -> None:
    assert reasons([(1, 10000)], 20000) == ["+0 watched for 1 day; it takes 14 to prove anything"]


def test_a_contradicted_deal_says_what_is_advertised_and_what_was_charged() -> None:
    *_, never = reasons([(60, 10000), (2, 9000)], 15000)
    assert never == "-30 R$ 150,00 is advertised, and was never charged in 62 days: at most R$ 100,00"
    *_, raised = reasons([(60, 10000), (3, 13000), (2, 10000)], 13000)
    assert raised == "-2 R$ 130,00 is advertised, and was charged for less than a week of the last 90 days"


@pytest.mark.parametrize(
    ("story", "points"),
    [
        pytest.param([(15, 10000), (5, 5900)], {"reduction": 36, "low": 15}, id="less evidence than for all points"),
        pytest.param([(400, 10000), (5, 4000)], {"reduction": 45, "low": 28, "record_low": 15}, id="no more than all"),
        pytest.param([(360, 10000), (5, 9999)], {"low": 28, "record_low": 15}, id="lowest for a year to the day"),
        pytest.param([(60, 10000), (2, 10000)], {}, id="as much as before"),
        pytest.param([(60, 7000), (1, 10000)], {}, id="dearer than before"),
        pytest.param([(0, 10000)], {}, id="seen for the first time"),
    ],
)
def test_points_follow_from_the_figures(story: Story, points: dict[str, int]) -> None:
    assert {code: each for code, each in judged(story).points.items() if each} == points


@pytest.mark.parametrize("story", [[(60, 7000), (1, 10000)], [(0, 10000)]])
def test_what_costs_more_or_was_never_seen_before_is_reduced_by_nothing(story: Story) -> None:
    found = judged(story)
    assert (found.reduction_pct, found.drop_pct, found.dearer_pct) == (0, 0, 0)


UNKNOWN = (None, None)


@pytest.mark.parametrize(
    ("story", "old_price_cents", "charged"),
    [
        pytest.param([(20, 8000), (4, 10000), (1, 8000), (4, 10000), (1, 7000)], 10000, True, id="for a week in all"),
        pytest.param([(60, 8000), (7, 10000), (1, 7000)], 10000, True, id="for a week to the hour"),
        pytest.param([(60, 8000), (6.9, 10000), (1, 7000)], 10000, False, id="for not quite a week"),
        pytest.param([(14, 8000), (1, 7000)], 15000, False, id="watched for two weeks before"),
        pytest.param([(13.9, 8000), (1, 7000)], 15000, None, id="watched for not quite two weeks before"),
        pytest.param([(13, 9000), (18, 10000)], 15000, False, id="watched for a month, before and since"),
        pytest.param(
            [(20, 8000), (4, 9000, *UNKNOWN), (1, 8000), (4, 9000, *UNKNOWN), (1, 7000)],
            15000,
            None,
            id="a card may have paid it for a week in all",
        ),
        pytest.param([(20, 8000), (7, 9000, *UNKNOWN), (1, 7000)], 15000, None, id="or for a week to the hour"),
        pytest.param([(20, 8000), (5, 15000), (5, 9000, *UNKNOWN), (1, 7000)], 15000, None, id="or the days between"),
        pytest.param([(5, 9000, *UNKNOWN), (27, 8000)], 15000, None, id="days of unknown payment are not watched"),
    ],
)
def test_a_former_price_was_charged_was_not_or_nobody_knows(
    story: Story, old_price_cents: int, charged: bool | None
) -> None:
    assert judged(story, old_price_cents).old_price_charged is charged


@pytest.mark.parametrize(
    ("story", "old_price_cents", "codes"),
    [
        ([(70, 10000), (2, 5000)], 10000, ["reduction", "low", "record_low", "old_price_charged"]),
        ([(60, 10000), (2, 10000)], 15000, ["old_price_contradicted"]),
        ([(1, 10000)], None, ["young"]),
    ],
)
def test_each_reason_has_the_code_that_programs_go_by(story: Story, old_price_cents: int, codes: list[str]) -> None:
    record = record_of(story, old_price_cents)
    assert [reason.code for reason in reasons_of(record, judge(record, Weights()))] == codes


def test_reasons_are_told_in_the_offers_own_currency() -> None:
    for story, old_price_cents in (([(70, 123400), (2, 50000)], 123400), ([(60, 123400), (2, 99900)], 150000)):
        record = record_of(story, old_price_cents, currency="MXN")
        told = " ".join(reason.text for reason in reasons_of(record, judge(record, Weights())))
        assert "$ 1,234.00" in told
        assert "R$" not in told


def test_todays_price_does_not_count_as_charged_before_the_sale() -> None:
    *_, never = reasons([(60, 10000), (2, 14800)], 15000)
    assert never.endswith("was never charged in 62 days: at most R$ 148,00")


amounts = st.integers(100, 130)
payments = st.sampled_from([(ANY, None), (ANY, None), (PIX, None), (PIX, 20), (None, None), (CREDIT, 5)])
spans = st.tuples(st.integers(1, 60 * 24), amounts, payments)


def story_of(drawn: Sequence[tuple[int, int, tuple[PriceCondition | None, int | None]]]) -> Story:
    return [
        (hours / 24, cents, condition, None if more is None else cents + more)
        for hours, cents, (condition, more) in drawn
    ]


stories = st.lists(spans, min_size=1, max_size=12).map(story_of)


@given(stories, st.integers(131, 160) | st.none(), amounts)
def test_a_lower_price_never_scores_less(story: Story, old_price_cents: int | None, cents: int) -> None:
    *earlier, (days, _, condition, _) = story  # type: ignore[misc]
    scores = [
        judged([*earlier, (days, each, condition, None)], old_price_cents).score for each in (cents, cents - 1, 90)
    ]
    assert scores == sorted(scores)


@given(stories, st.integers(131, 160) | st.none())
def test_a_score_is_the_sum_of_its_reasons_within_0_to_100(story: Story, old_price_cents: int | None) -> None:
    record = record_of(story, old_price_cents)
    found = judge(record, Weights())
    assert found.score == sum(reason.points for reason in reasons_of(record, found))
    assert 0 <= found.score <= 100


@given(stories)
def test_no_low_is_claimed_for_more_days_than_were_watched(story: Story) -> None:
    found = judged(story)
    hours = [cents for days, cents, *_ in story for _ in range(round(days * 24))]
    assert found.lowest_for_days <= found.evidence_days <= len(hours) / 24 + 0.01
    if found.lowest_for_days:
        assert min(hours[-24 * found.lowest_for_days :]) >= hours[-1] or len({each[2] for each in story}) > 1  # type: ignore[misc]


@settings(max_examples=50)
@given(stories)
def test_figures_over_time_are_those_of_a_plain_count_of_hours(story: Story) -> None:
    check_figures(story)


@pytest.mark.slow
def test_figures_over_time_of_ten_thousand_random_histories_are_those_of_a_plain_count_of_hours() -> None:
    rnd = Random(1)
    held = [(ANY, None), (ANY, None), (PIX, None), (PIX, 20), (None, None), (CREDIT, 5)]
    for _ in range(10_000):
        spells = [(rnd.randint(1, 20 * 24), rnd.randint(100, 130), rnd.choice(held)) for _ in range(rnd.randint(1, 12))]
        check_figures(story_of(spells))


def check_figures(story: Story) -> None:
    record, price = record_of(story), story[-1][1]
    condition = story[-1][2]  # type: ignore[misc]
    hours = [_paid(each, condition, price) for each in story for _ in range(round(each[0] * 24))]
    for days in (*WINDOWS_DAYS, None):
        window = record.window(days)
        assert window.days == days
        held = sorted(cents for cents in (hours[-24 * days :] if days else hours) if cents is not None)
        assert window.lowest_cents == min(held)
        assert window.observed_days == len(held) // 24
        assert window.median_cents == held[(len(held) - 1) // 2]
        below = 100 * sum(cents <= price for cents in held) / len(held)
        assert window.at_or_below_pct == int(below + 1e-9)


def _paid(span: Any, condition: PriceCondition | None, price: int) -> int | None:
    _, cents, held, card = span
    if held == condition:
        paid: int | None = cents
    elif condition is ANY:
        paid = cents if held is None else card
    else:
        paid = cents if held is ANY and cents <= price else None
    return paid

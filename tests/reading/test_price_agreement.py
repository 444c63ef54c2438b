"""When readings of one price agree, and what is believed of old prices and discounts: the rules at their edges."""

from __future__ import annotations

import pytest

from offers_cli.errors import PageChanged
from offers_cli.marketplaces.base import Candidate
from offers_cli.marketplaces.evidence import (
    Evidence,
    ReconciledPrices,
    agree,
    build_reading,
    discount_kind,
    is_plausible,
    reconcile,
)
from offers_cli.money import MoneyError
from offers_cli.offer import DiscountKind, Facts, PriceCondition


def evidence(prices: list[int], *, old: list[int] | None = None, labels: list[int | None] | None = None) -> Evidence:
    """What several strategies read: prices, previous prices, and discount labels (None: a label without a number)."""
    gathered = Evidence()
    for name, values in (("price_cents", prices), ("old_price_cents", old), ("discount_pct", labels)):
        for place, value in enumerate(values or []):
            gathered.add(name, f"way{place}", value, value)
    return gathered


def believed(gathered: Evidence) -> ReconciledPrices:
    reconciled = reconcile(gathered, currency="BRL")
    assert reconciled is not None
    return reconciled


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param(10050, 10050, id="the same"),
        pytest.param(10050, 10051, id="a cent apart"),
        pytest.param(10000, 10099, id="cents left out"),
        pytest.param(10000, 9901, id="cents rounded up"),
        pytest.param(1, 2, id="a cent apart below one real"),
    ],
)
def test_readings_agree_where_only_rounding_parts_them(one: int, other: int) -> None:
    assert agree(one, other)
    assert agree(other, one)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param(10050, 10052, id="two cents apart"),
        pytest.param(10050, 10099, id="both show cents"),
        pytest.param(10001, 10099, id="both show cents, nearly a real apart"),
        pytest.param(10000, 10100, id="one real apart"),
        pytest.param(10000, 9900, id="one real below"),
        pytest.param(10000, 10101, id="a real and a cent apart"),
        pytest.param(10050, 10150, id="one real apart with cents"),
    ],
)
def test_readings_that_differ_by_more_do_not_agree(one: int, other: int) -> None:
    assert not agree(one, other)
    assert not agree(other, one)


@pytest.mark.parametrize("prices", [[10050, 10099], [10000, 10100], [10000, 10050, 10099], [10099, 10050, 10000]])
def test_prices_that_disagree_are_no_price(prices: list[int]) -> None:
    """Also where a whole reading would agree with each of the others: every pair counts."""
    with pytest.raises(PageChanged) as caught:
        reconcile(evidence(prices), currency="BRL")
    assert "way0 R$ 100," in caught.value.message or "way0 R$ 101," in caught.value.message
    assert all(f"way{place}" in caught.value.message for place in range(len(prices)))
    assert caught.value.hint == "offers explain shows every candidate"


@pytest.mark.parametrize(
    ("prices", "price"),
    [([10000, 10099], 10099), ([10099, 10000], 10099), ([10050, 10051], 10050), ([10000, 10000], 10000), ([99], 99)],
)
def test_of_prices_that_agree_the_first_with_cents_is_believed(prices: list[int], price: int) -> None:
    assert believed(evidence(prices)) == ReconciledPrices(price_cents=price)


def test_without_a_price_there_is_no_verdict() -> None:
    assert reconcile(evidence([], old=[10000], labels=[20]), currency="BRL") is None


def test_the_disagreement_names_each_reading_in_the_pages_currency() -> None:
    with pytest.raises(PageChanged, match=r"^the page names different prices: way0 \$ 6,929\.00, way1 \$ 7,000\.50$"):
        reconcile(evidence([692900, 700050]), currency="MXN")


@pytest.mark.parametrize(
    ("price", "old", "is_fact"),
    [
        pytest.param(10000, 9999, False, id="less than the price"),
        pytest.param(10000, 10000, False, id="the price"),
        pytest.param(10000, 10099, False, id="the price with its cents"),
        pytest.param(10050, 10051, False, id="a cent more"),
        pytest.param(10050, 10052, True, id="two cents more"),
        pytest.param(10000, 10100, True, id="one real more"),
        pytest.param(29800, 30000, True, id="less than one per cent more"),
        pytest.param(1000, 1032, True, id="three per cent more, which is less than a real"),
        pytest.param(4950, 5000, True, id="one per cent more, which is less than a real"),
        pytest.param(10000, 100000, True, id="ten times as much"),
        pytest.param(10000, 100001, False, id="more than ten times as much"),
    ],
)
def test_an_old_price_is_a_fact_above_rounding_and_up_to_ten_times_the_price(
    price: int, old: int, is_fact: bool
) -> None:
    reconciled = believed(evidence([price], old=[old]))
    assert is_plausible(old, price) is is_fact
    assert (reconciled.old_price_cents, reconciled.suspect_old_price_cents) == ((old, None) if is_fact else (None, old))
    assert reconciled.flags == (() if is_fact else ("old_price_suspect",))


@pytest.mark.parametrize(("label", "is_fact"), [(95, True), (94, False), (96, False), (None, False)])
def test_an_old_price_of_more_than_ten_times_is_a_fact_where_the_label_shows_just_that(
    label: int | None, is_fact: bool
) -> None:
    reconciled = believed(evidence([9900], old=[199900], labels=[label]))
    assert is_plausible(199900, 9900, label) is is_fact
    assert reconciled.old_price_cents == (199900 if is_fact else None)
    assert reconciled.discount_pct == (label if is_fact else None)


def test_a_label_makes_no_old_price_of_one_that_rounding_explains() -> None:
    assert not is_plausible(10000, 10000, 0)
    assert not is_plausible(10099, 10000, 0)


def test_less_than_one_per_cent_is_no_discount() -> None:
    reconciled = believed(evidence([29800], old=[30000]))
    assert (reconciled.old_price_cents, reconciled.discount_pct) == (30000, None)


@pytest.mark.parametrize("other", [10090, 9999])
def test_cents_of_another_reading_contradict_an_amount_that_is_surely_whole(other: int) -> None:
    """Otherwise the page shows R$ 100, says "100 reais", and R$ 100,90 would be believed."""
    gathered = evidence([other, 10000])
    gathered.whole.add("price_cents")
    with pytest.raises(PageChanged, match=r"^the page names different prices: way0 R\$ .*, way1 R\$ 100,00$"):
        reconcile(gathered, currency="BRL")


def test_cents_of_another_reading_contradict_an_old_price_that_is_surely_whole() -> None:
    gathered = evidence([8000], old=[10090, 10000])
    gathered.whole.add("old_price_cents")
    reconciled = believed(gathered)
    assert (reconciled.old_price_cents, reconciled.flags) == (None, ("old_price_disagrees",))


def test_what_is_surely_whole_is_so_of_its_own_field_only() -> None:
    gathered = evidence([8050, 8050], old=[10000, 10000])
    gathered.whole.add("old_price_cents")
    assert (believed(gathered).price_cents, believed(gathered).old_price_cents) == (8050, 10000)


def test_old_prices_that_contradict_are_none_and_flagged() -> None:
    reconciled = believed(evidence([10000], old=[15000, 20000]))
    assert reconciled == ReconciledPrices(price_cents=10000, flags=("old_price_disagrees",))


def test_old_prices_that_agree_are_one_with_its_cents() -> None:
    assert believed(evidence([10000], old=[15000, 15050])).old_price_cents == 15050


@pytest.mark.parametrize(
    ("labels", "discount", "flags"),
    [
        pytest.param([20], 20, (), id="as computed"),
        pytest.param([22], 22, (), id="two points above"),
        pytest.param([18], 18, (), id="two points below"),
        pytest.param([23], 23, ("discount_disagrees",), id="three points above"),
        pytest.param([17], 17, ("discount_disagrees",), id="three points below"),
        pytest.param([20, 22], 20, (), id="labels two points apart"),
        pytest.param([22, 20], 22, (), id="the first of two labels"),
        pytest.param([19, 22], None, ("discount_disagrees",), id="labels three points apart"),
        pytest.param([22, 20, 19], None, ("discount_disagrees",), id="the lowest and the highest label count"),
        pytest.param([None], None, (), id="a label that cannot be read is not replaced by arithmetic"),
    ],
)
def test_the_label_is_the_discount_and_doubted_from_three_points_on(
    labels: list[int | None], discount: int | None, flags: tuple[str, ...]
) -> None:
    reconciled = believed(evidence([8000], old=[10000], labels=labels))
    assert (reconciled.discount_pct, reconciled.flags) == (discount, flags)


def test_a_label_stands_without_an_old_price() -> None:
    assert believed(evidence([8000], labels=[20])) == ReconciledPrices(price_cents=8000, discount_pct=20)


def test_a_suspect_old_price_makes_every_label_void() -> None:
    reconciled = believed(evidence([100], old=[20000], labels=[20]))
    assert (reconciled.suspect_old_price_cents, reconciled.discount_pct) == (20000, None)
    assert reconciled.flags == ("old_price_suspect",)


def test_arithmetic_stands_in_for_a_label_and_is_shown_among_the_candidates() -> None:
    gathered = evidence([8000], old=[10000])
    assert believed(gathered).discount_pct == 20
    (candidate,) = gathered.freeze()["discount_pct"]
    assert (candidate.strategy, candidate.raw, candidate.value) == ("arithmetic", "10000 → 8000", 20)


def test_nothing_is_computed_from_a_suspect_old_price() -> None:
    gathered = evidence([100], old=[20000])
    assert believed(gathered).discount_pct is None
    assert "discount_pct" not in gathered.freeze()


def test_zero_and_refused_amounts_are_kept_as_candidates_without_value() -> None:
    gathered = Evidence()

    def refuse() -> int:
        raise MoneyError("two amounts")

    gathered.add_price("price_cents", "dom", "0", lambda: 0)
    gathered.add_price("price_cents", "microdata", "R$ 1 R$ 2", refuse)
    gathered.add_price("price_cents", "state", "1", lambda: 1)
    assert gathered.freeze()["price_cents"] == (
        Candidate("dom", "0", None, "zero is no price"),
        Candidate("microdata", "R$ 1 R$ 2", None, "two amounts"),
        Candidate("state", "1", 1, ""),
    )
    assert gathered.cents("price_cents") == [1]


def test_raw_text_is_bounded_and_missing_text_is_no_candidate() -> None:
    gathered = Evidence()
    gathered.add_text("title", "dom", "x" * 400)
    gathered.add_text("title", "json_ld", "")
    gathered.add_text("title", "state", None)
    (candidate,) = gathered.freeze()["title"]
    assert candidate == Candidate("dom", "x" * 300, "x" * 400)


def test_a_condition_is_kept_with_what_it_was_read_of_and_one_that_is_not_known_says_so() -> None:
    gathered = Evidence()
    gathered.add_condition("dom", "no Pix", PriceCondition.PIX)
    gathered.add_condition("state", "no Pix ou boleto", None)
    assert gathered.freeze()["price_condition"] == (
        Candidate("dom", "no Pix", PriceCondition.PIX),
        Candidate("state", "no Pix ou boleto", None, "no single known condition"),
    )


def test_a_reading_has_the_prices_that_are_believed_and_of_all_else_the_first() -> None:
    gathered = evidence([8000], old=[10000])
    for name, value in (("title", "Fone"), ("item_id", "MLB1")):
        gathered.add(name, "state", "refused", None)
        gathered.add(name, "dom", value, value)
        gathered.add(name, "json_ld", "other", "other")
    gathered.add_facts("dom", "4.8 (12)", Facts(rating_hundredths=480, reviews=12))
    reading = build_reading(
        gathered, believed(gathered), marketplace="m", url="https://x/1", currency="BRL", external_id="1"
    )
    assert (reading.title, reading.item_id, reading.available) == ("Fone", "MLB1", True)
    assert (reading.price_cents, reading.old_price_cents, reading.discount_pct) == (8000, 10000, 20)
    assert (reading.marketplace, reading.url, reading.currency, reading.external_id) == ("m", "https://x/1", "BRL", "1")
    assert reading.facts == Facts(rating_hundredths=480, reviews=12)
    assert reading.candidates["reviews"] == (Candidate("dom", "4.8 (12)", 12),)


def test_each_kind_of_value_is_asked_for_alone() -> None:
    gathered = Evidence()
    gathered.add("value", "dom", 1, 1)
    gathered.add("value", "state", "text", "text")
    gathered.add("value", "json_ld", "refused", None)
    assert gathered.values("value") == [1, "text"]
    assert (gathered.first_text("value"), gathered.cents("value")) == ("text", [1])
    assert (gathered.first_text("nothing"), gathered.cents("nothing"), gathered.values("nothing")) == (None, [], [])


@pytest.mark.parametrize("condition", [*PriceCondition, None])
@pytest.mark.parametrize(
    ("old", "card", "kind"),
    [
        pytest.param(12000, 12000, DiscountKind.PAYMENT, id="struck is what a card pays"),
        pytest.param(12000, 12050, DiscountKind.PAYMENT, id="the same with its cents left out"),
        pytest.param(15000, 12000, DiscountKind.PRICE_CUT, id="struck is more than a card pays"),
        pytest.param(None, 12000, None, id="nothing is struck"),
        pytest.param(None, None, None, id="one price only"),
    ],
)
def test_a_struck_price_that_a_card_pays_is_no_former_price(
    old: int | None, card: int | None, kind: DiscountKind | None, condition: PriceCondition | None
) -> None:
    assert discount_kind(old_price_cents=old, card_price_cents=card, price_condition=condition) is kind


@pytest.mark.parametrize(
    ("condition", "kind"),
    [
        (PriceCondition.ANY, DiscountKind.PRICE_CUT),
        (PriceCondition.PIX, None),
        (PriceCondition.CREDIT_LINE, None),
        (None, None),
    ],
)
def test_without_a_card_price_only_a_price_for_all_is_known_to_be_cut(
    condition: PriceCondition | None, kind: DiscountKind | None
) -> None:
    assert discount_kind(old_price_cents=12000, card_price_cents=None, price_condition=condition) is kind

"""What is known of an offer beside its prices, and what is left of it when a later page says less."""

from __future__ import annotations

from offers_cli.offer import FACTS, FLEETING, Facts


def test_only_what_is_known_has_a_key() -> None:
    assert Facts(free_shipping=False, reviews=0).known() == {"free_shipping": False, "reviews": 0}
    assert Facts().known() == {}


def test_names_that_are_no_facts_are_ignored() -> None:
    assert Facts.of({"rating_hundredths": 480, "warranty": "12 meses", "brand": None}) == Facts(rating_hundredths=480)


def test_gaps_are_filled_and_nothing_is_replaced() -> None:
    shown = Facts(rating_hundredths=480).filled_by(Facts(rating_hundredths=470, seller="Loja"))
    assert shown == Facts(rating_hundredths=480, seller="Loja")


def test_a_coupon_that_is_no_longer_shown_ended_while_a_rating_stays() -> None:
    before = Facts(coupon_label="Cupom 5% OFF", coupon_pct=5, rating_hundredths=480, seller="Loja")
    assert before.updated_by(Facts(seller="Outra")) == Facts(rating_hundredths=480, seller="Outra")


def test_what_may_end_any_day_are_instalments_shipping_badges_and_coupons() -> None:
    lasting = set(FACTS) - FLEETING
    assert lasting == {
        "rating_hundredths", "reviews", "sold_at_least", "seller", "official_store", "brand", "category",
    }  # fmt: skip

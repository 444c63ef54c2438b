"""What an offer's observed prices mean: the lowest, and whether the advertised old price was ever charged."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from storage.cases import at, card, page, save

from offers_cli.cli.history import HEIGHT, draw_prices, findings, history_blocks
from offers_cli.cli.render import Plot
from offers_cli.marketplaces.base import Marketplace
from offers_cli.marketplaces.mercado_livre import MercadoLivre
from offers_cli.offer import DiscountKind, Facts, PriceCondition
from offers_cli.services.offers import history, in_force_since, judge_old_price, show
from offers_cli.storage.base import PricePoint, Storage, StoredOffer
from offers_cli.storage.sqlite.storage import SqliteStorage

SHOPS: tuple[Marketplace, ...] = (MercadoLivre(),)
NOW = datetime(2026, 6, 1, tzinfo=UTC)


ANY, PIX = PriceCondition.ANY, PriceCondition.PIX


def point(days_ago: float, price_cents: int, condition: PriceCondition | None = None) -> PricePoint:
    return PricePoint(
        observed_at=NOW - timedelta(days=days_ago),
        price_cents=price_cents,
        old_price_cents=None,
        price_condition=condition,
        source="listing",
    )


def offer_of(storage: Storage, **shown: Any) -> StoredOffer:
    (saved,) = save(storage, card(**shown))
    found = storage.find_offer(saved.offer_id)
    assert found
    return found


@pytest.mark.parametrize(
    ("advertised", "prices", "verdict", "seen_days_ago"),
    [
        (None, [10000], "not_advertised", None),
        (20000, [20000, 10000], "charged", 100),
        (20000, [20000, 25000, 10000], "charged", 100),
        (20000, [25000, 10000], "more_charged", 100),
        (20000, [15000, 10000], "not_seen", None),
        (20000, [], "not_seen", None),
    ],
)
def test_the_old_price_is_judged_by_what_was_observed(
    advertised: int | None, prices: list[int], verdict: str, seen_days_ago: int | None, storage: Storage
) -> None:
    points = [point(100 - 10 * i, cents) for i, cents in enumerate(prices)]
    judged = judge_old_price(offer_of(storage, old_price_cents=advertised), points, now=NOW)
    assert judged.verdict == verdict
    assert judged.seen_at == (None if seen_days_ago is None else NOW - timedelta(days=seen_days_ago))
    assert judged.highest_price_cents == max(prices, default=None)
    assert judged.watched_days == (100 if prices else 0)


def test_an_old_price_is_not_judged_by_prices_of_another_payment(storage: Storage) -> None:
    points = [point(100, 20_000, ANY), point(50, 15_000, PIX)]
    by_pix = offer_of(storage, price_condition=PIX, old_price_cents=20_000)
    judged = judge_old_price(by_pix, points, now=NOW)
    assert (judged.verdict, judged.highest_price_cents, judged.watched_days) == ("not_seen", 15_000, 50)


def test_an_old_price_that_only_a_card_pays_is_no_former_price(storage: Storage) -> None:
    """Even though that very price was charged, and still is."""
    offer = offer_of(
        storage,
        price_condition=PIX,
        card_price_cents=20_000,
        old_price_cents=20_000,
        discount_kind=DiscountKind.PAYMENT,
    )
    judged = judge_old_price(offer, [point(100, 20_000, PIX), point(50, 10_000, PIX)], now=NOW)
    assert (judged.verdict, judged.seen_at) == ("card_price", None)


def test_a_price_holds_until_the_next_is_observed() -> None:
    """The price that began before the window was still charged in it."""
    points = [point(100, 9000), point(50, 8000), point(10, 9500)]
    assert in_force_since(NOW - timedelta(days=30), points) == points[1:]
    assert in_force_since(NOW - timedelta(days=5), points) == points[2:]
    assert in_force_since(NOW - timedelta(days=500), points) == points


@pytest.fixture
def storage(tmp_path: Path) -> Iterator[Storage]:
    with closing(SqliteStorage(tmp_path / "offers.db")) as storage:
        yield storage


def test_lowest_ever_and_in_days(storage: Storage) -> None:
    for minute, cents in ((0, 9000), (60 * 24 * 40, 12000), (60 * 24 * 80, 10000)):
        save(storage, card(price_cents=cents, old_price_cents=12000 if cents == 10000 else None), minute=minute)
    report = history("MLB1", days=30, storage=storage, marketplaces=SHOPS, now=at(60 * 24 * 90))
    assert report.lowest is not None
    assert report.lowest_in_days is not None
    assert (report.lowest.price_cents, report.lowest_in_days.price_cents) == (9000, 10000)
    assert report.above_lowest_cents == 1000
    assert report.old_price.verdict == "charged"
    assert [p["price_cents"] for p in report.data()["points"]] == [9000, 12000, 10000]


def test_lows_are_compared_among_prices_of_the_same_payment(storage: Storage) -> None:
    """A Pix low is no low of a price that any payment has, and the lines say when the condition came and went."""
    day = 60 * 24
    shown = ((0, 9000, None), (10, 8000, PIX), (20, 9500, ANY), (30, 9000, ANY), (40, 7000, PIX), (50, 9900, ANY))
    for days, cents, condition in shown:
        save(storage, card(price_cents=cents, price_condition=condition), minute=days * day)
    report = history("MLB1", days=15, storage=storage, marketplaces=SHOPS, now=at(60 * day))
    assert report.lowest is not None
    assert report.lowest_in_days is not None
    assert (report.lowest.price_cents, report.above_lowest_cents) == (9000, 900)
    assert report.lowest.observed_at == at(30 * day)
    assert report.lowest_in_days.price_cents == 9900, "what held before was a Pix price"
    assert [(p.price_cents, p.price_condition) for p in report.lowest_otherwise] == [(7000, PIX), (9000, None)]
    lines = findings(report)
    assert lines[:4] == [
        "now R$ 99,00, R$ 9,00 above the lowest ever",
        "lowest ever R$ 90,00, last begun 2026-03-31 00:00",
        "lowest in 15 days R$ 99,00",
        "not comparable: R$ 70,00 by Pix, 2026-04-10 00:00",
    ]
    assert "since 2026-04-20 00:00 by any payment, before by Pix" in lines
    assert [row["price_condition"] for row in report.data()["points"]] == [None, "pix", "any", "any", "pix", "any"]


def test_a_pix_price_is_never_called_the_lowest_without_its_condition(storage: Storage) -> None:
    save(storage, card(price_cents=7000, price_condition=ANY), minute=0)
    save(storage, card(price_cents=9000, price_condition=PIX, card_price_cents=9500), minute=10)
    lines = findings(history("MLB1", days=30, storage=storage, marketplaces=SHOPS, now=at(20)))
    assert lines[0] == "now R$ 90,00 by Pix · R$ 95,00 by card, the lowest ever seen by Pix"
    assert "not comparable: R$ 70,00 by any payment, 2026-03-01 00:00" in lines


def test_show_tells_who_told_each_value(storage: Storage) -> None:
    (saved,) = save(storage, card(source="ofertas", image_url="https://img.example/1.jpg"))
    storage.save_enrichments(
        [page(saved.offer_id, 1, old_price_cents=20000, strategies={"price_cents": "state", "old_price_cents": "dom"})]
    )
    origins = show(saved.offer_id, storage=storage, marketplaces=SHOPS).data()["origins"]
    assert origins["price_cents"] == "product page: state"
    assert origins["old_price_cents"] == "product page: dom"
    assert origins["image_url"] == "listing: ofertas"
    assert origins["affiliate_link"] is None


def test_a_fact_of_the_page_may_be_a_later_listing_s_and_a_passing_one_is(storage: Storage) -> None:
    said = Facts(seller="Auriverde", free_shipping=True)
    (saved,) = save(storage, card(source="ofertas", facts=said))
    strategies = {"seller": "dom", "free_shipping": "state", "brand": "json_ld"}
    storage.save_enrichments([page(saved.offer_id, 1, facts=replace(said, brand="Tupã"), strategies=strategies)])
    names = ("seller", "free_shipping", "brand", "category")
    origins = show("MLB1", storage=storage, marketplaces=SHOPS).origins
    assert [origins[name] for name in names] == [
        "product page: dom",
        "product page: state",
        "product page: json_ld",
        None,
    ]
    save(storage, card(source="ofertas", facts=said), minute=2)
    origins = show("MLB1", storage=storage, marketplaces=SHOPS).origins
    assert [origins[name] for name in names] == [
        "product page: dom, or listing: ofertas",
        "listing: ofertas",
        "product page: json_ld, or listing: ofertas",
        None,
    ]


def plot(*points: PricePoint, days: int = 90, width: int = 60) -> list[str]:
    drawn = draw_prices(points, since=NOW - timedelta(days=days), until=NOW, currency="BRL", width=width)
    assert all(len(line) <= width for line in drawn.splitlines())
    return drawn.splitlines()


def test_the_axis_of_a_plot_has_the_prices_that_were_seen_in_their_own_rows() -> None:
    """The lowest below, the highest on top, and the last one beside its line, though it is a moment old."""
    lines = plot(point(90, 100_00), point(60, 80_00), point(30, 100_00), point(0, 120_00))
    labels = {row: line.split(" ┤")[0].strip() for row, line in enumerate(lines) if "┤" in line}
    assert labels == {0: "R$ 120,00", HEIGHT - 1: "R$ 80,00"}
    assert lines[0].rstrip()[-1] > "\u2800", "the last price is drawn at the right end"
    assert len(lines[0]) == max(map(len, lines[:HEIGHT]))
    ends_lower = plot(point(90, 100_00), point(60, 80_00), point(1, 90_00))
    assert [line.split(" ┤")[0].strip() for line in ends_lower if "┤" in line] == ["R$ 100,00", "R$ 90,00", "R$ 80,00"]


def test_the_dates_of_a_plot_stand_once_at_its_ends_as_times_within_a_day() -> None:
    assert plot(point(90, 100_00), point(60, 80_00))[-1].split() == ["2026-03-03", "2026-06-01"]
    late = NOW + timedelta(hours=20)
    drawn = draw_prices([point(0, 9_00), point(-0.5, 8_00)], since=NOW, until=late, currency="BRL", width=60)
    assert drawn.splitlines()[-1].split() == ["00:00", "20:00"]


def test_a_price_that_never_changed_is_said_and_not_drawn(storage: Storage) -> None:
    save(storage, card(price_cents=9000))
    report = history("MLB1", days=30, storage=storage, marketplaces=SHOPS, now=at(60))
    _, drawn, *_ = history_blocks(report)
    assert isinstance(drawn, Plot)
    assert drawn.draw(80) == "R$ 90,00 since 2026-03-01 00:00, no other price was seen"

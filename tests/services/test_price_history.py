"""What an offer's observed prices mean: the lowest, and whether the advertised old price was ever charged."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from storage.cases import at, card, page, save

from offers_cli.marketplaces.base import Marketplace
from offers_cli.marketplaces.mercado_livre import MercadoLivre
from offers_cli.services.offers import history, in_force_since, judge_old_price, show
from offers_cli.storage.base import PricePoint, Storage
from offers_cli.storage.sqlite.storage import SqliteStorage

SHOPS: tuple[Marketplace, ...] = (MercadoLivre(),)
NOW = datetime(2026, 6, 1, tzinfo=UTC)


def point(days_ago: float, price_cents: int, old_price_cents: int | None = None) -> PricePoint:
    return PricePoint(
        observed_at=NOW - timedelta(days=days_ago),
        price_cents=price_cents,
        old_price_cents=old_price_cents,
        source="listing",
    )


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
    advertised: int | None, prices: list[int], verdict: str, seen_days_ago: int | None
) -> None:
    points = [point(100 - 10 * i, cents) for i, cents in enumerate(prices)]
    judged = judge_old_price(advertised, points, now=NOW)
    assert judged.verdict == verdict
    assert judged.seen_at == (None if seen_days_ago is None else NOW - timedelta(days=seen_days_ago))
    assert judged.highest_price_cents == max(prices, default=None)
    assert judged.watched_days == (100 if prices else 0)


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

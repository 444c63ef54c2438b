"""Deals of a whole catalogue: which are shown, in which order, with which figures; on each storage."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from offers_cli.cli.deals import DealOptions, deal_blocks
from offers_cli.cli.render import Line, Note, Table
from offers_cli.deals.judge import DealClass, Weights
from offers_cli.errors import UsageError
from offers_cli.offer import DiscountKind, Offer, PriceCondition
from offers_cli.services import deals as service
from offers_cli.services.deals import DealFilter, DealsReport, check_deal_sort, find_deals
from offers_cli.storage.base import OfferFilter, Storage

pytest_plugins = ("storage.conftest",)

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
Prices = list[tuple[float, int] | tuple[float, int, int]]
"""For how many days each price held, in hundredths, and the former price advertised with it."""


def sell(storage: Storage, number: int, prices: Prices, **more: Any) -> None:
    """An offer with these prices, the last one until now."""
    begins = NOW - timedelta(days=sum(days for days, *_ in prices))
    for days, cents, *old in prices:
        card = Offer(
            marketplace="mercado_livre",
            external_id=f"MLB{number}",
            title=f"Fone {number}",
            url=f"https://produto.mercadolivre.com.br/MLB-{number}",
            price_cents=cents,
            old_price_cents=old[0] if old else None,
            discount_kind=DiscountKind.PRICE_CUT if old else None,
            currency="BRL",
            source="ofertas",
            **{"price_condition": PriceCondition.ANY, **more},
        )
        storage.save_offers([card], seen_at=begins)
        begins += timedelta(days=days)
    storage.save_offers([card], seen_at=NOW)


def fill(storage: Storage) -> Storage:
    sell(storage, 1, [(60, 10000), (2, 5000, 10000)], commission_pct=5)
    sell(storage, 2, [(60, 10000), (2, 8000, 10000)], commission_pct=12)
    sell(storage, 3, [(60, 10000), (2, 9500, 20000)])
    sell(storage, 4, [(3, 10000, 20000)])
    sell(storage, 5, [(60, 10000)])
    sell(storage, 6, [(60, 10000), (2, 12000)])
    return storage


@pytest.fixture
def catalogue(storage: Storage) -> Storage:
    return fill(storage)


@pytest.fixture
def on_disk(sqlite_storage: Storage) -> Storage:
    """The same catalogue, where nothing is asked of the storage that others do not ask."""
    return fill(sqlite_storage)


def deals(storage: Storage, matching: OfferFilter | None = None, **wanted: Any) -> DealsReport:
    return find_deals(matching or OfferFilter(), DealFilter(**wanted), weights=Weights(), storage=storage, now=NOW)


def names(report: DealsReport) -> list[str]:
    return [deal.offer.external_id for deal in report.offers]


def test_deals_come_best_first_and_what_nobody_calls_one_is_left_out(catalogue: Storage) -> None:
    report = deals(catalogue)
    assert [(deal.offer.external_id, deal.judgement.kind.value) for deal in report.offers] == [
        ("MLB1", "proved"),
        ("MLB2", "proved"),
        ("MLB3", "contradicted"),
        ("MLB4", "young"),
    ]
    assert (report.total, report.judged) == (4, 6)
    scores = [deal.judgement.score for deal in report.offers]
    assert scores == sorted(scores, reverse=True)


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({"least_drop_pct": 30}, ["MLB1"]),
        ({"classes": frozenset({DealClass.CONTRADICTED, DealClass.YOUNG})}, ["MLB3", "MLB4"]),
        ({"lowest_for_days": 30}, ["MLB1", "MLB2", "MLB3"]),
        ({"lowest_for_days": 63}, []),
        ({"lowest_ever": True}, ["MLB1", "MLB2", "MLB3"]),
        ({"sort": "-commission"}, ["MLB2", "MLB1", "MLB3", "MLB4"]),
        ({"sort": "commission"}, ["MLB1", "MLB2", "MLB3", "MLB4"]),
        ({"sort": "price", "limit": 2}, ["MLB1", "MLB2"]),
    ],
)
def test_deals_are_chosen_by_what_was_judged(on_disk: Storage, wanted: dict[str, Any], found: list[str]) -> None:
    assert names(deals(on_disk, **wanted)) == found


@pytest.mark.parametrize(
    ("matching", "found"),
    [
        (OfferFilter(min_commission=10), ["MLB2"]),
        (OfferFilter(max_price_cents=8000), ["MLB1", "MLB2"]),
        (OfferFilter(changed_since=NOW - timedelta(days=2)), ["MLB1", "MLB2", "MLB3"]),
        (OfferFilter(changed_since=NOW - timedelta(days=1)), []),
        (OfferFilter(search="fone 3"), ["MLB3"]),
    ],
)
def test_deals_are_chosen_by_what_the_shop_says(catalogue: Storage, matching: OfferFilter, found: list[str]) -> None:
    assert names(deals(catalogue, matching)) == found


def test_a_gone_offer_is_no_deal(catalogue: Storage) -> None:
    from offers_cli.offer import EnrichmentFailure

    [offer] = catalogue.find_offers(OfferFilter(search="fone 1"))
    catalogue.save_enrichments(
        [],
        [
            EnrichmentFailure(
                offer_id=offer.id, observed_at=NOW, code="offer_gone", message="404", gone=True, final=True
            )
        ],
    )
    assert "MLB1" not in names(deals(catalogue))


def test_the_lowest_price_is_of_the_window_that_is_asked_for(on_disk: Storage) -> None:
    sell(on_disk, 7, [(80, 4000), (60, 10000), (1, 5000)])
    (week,) = (each.lowest for each in deals(on_disk, lowest_for_days=30).offers if each.offer.external_id == "MLB7")
    assert (week.days, week.price_cents, week.observed_days) == (30, 5000, 30)
    (usual,) = (each.lowest for each in deals(on_disk).offers if each.offer.external_id == "MLB7")
    assert (usual.days, usual.price_cents, usual.observed_days) == (90, 4000, 90)
    assert "MLB7" not in names(deals(on_disk, lowest_ever=True))


def test_other_sellers_of_the_same_product_are_named(storage: Storage) -> None:
    sell(storage, 1, [(60, 10000), (2, 7000)], catalogue_id="MLB99")
    sell(storage, 2, [(60, 6500), (2, 9000)], catalogue_id="MLB99")
    sell(storage, 3, [(60, 6000), (2, 6800, 9000)], catalogue_id="MLB99", price_condition=PriceCondition.PIX)
    sell(storage, 4, [(60, 10000), (2, 7000)])
    by_name = {deal.offer.external_id: deal for deal in deals(storage).offers}
    product = by_name["MLB1"].product
    assert product is not None
    assert (product.sellers, product.cheapest_id, product.cheapest_cents) == (3, by_name["MLB1"].offer.id, 7000)
    assert product.lowest_cents == 6500, "by Pix one paid less, and that is another price"
    by_pix = by_name["MLB3"].product
    assert by_pix is not None
    assert (by_pix.cheapest_cents, by_pix.lowest_cents) == (6800, 6000)
    assert by_name["MLB4"].product is None


def test_of_a_large_catalogue_those_are_judged_whose_price_changed_last(
    on_disk: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    sell(on_disk, 8, [(60, 10000), (0.5, 6000)])
    monkeypatch.setattr(service, "MOST_JUDGED", 1)
    report = deals(on_disk)
    assert (names(report), report.judged, report.is_cut) == (["MLB8"], 1, True)
    monkeypatch.setattr(service, "MOST_JUDGED", 5)
    assert "MLB4" not in names(deals(on_disk)), "its price never changed: it comes after those that did"


def test_an_empty_catalogue_has_no_deals_and_says_what_to_do(sqlite_storage: Storage) -> None:
    assert deal_blocks(deals(sqlite_storage)) == [Note("no deals among 0 offers"), Note("  try: offers scrape ofertas")]


def test_a_document_has_what_the_table_has(on_disk: Storage) -> None:
    deal = deals(on_disk).data()["offers"][0]
    assert deal["offer"]["external_id"] == "MLB1"
    assert (deal["class"], deal["score"]) == ("proved", 86)
    assert [(reason["code"], reason["points"]) for reason in deal["reasons"]] == [
        ("reduction", 45),
        ("low", 29),
        ("record_low", 2),
        ("old_price_charged", 10),
    ]
    assert deal["lowest"] == {"days": 90, "price_cents": 5000, "observed_days": 62}
    assert (deal["drop_pct"], deal["reduction_pct"], deal["reference_cents"]) == (50, 50, 10000)
    assert [window["days"] for window in deal["windows"]] == [30, 90, 365, None]


def test_the_table_says_what_is_proved_and_why(on_disk: Storage) -> None:
    from dataclasses import replace

    table, *lines, note = deal_blocks(replace(deals(on_disk), with_reasons=True))
    assert isinstance(table, Table)
    first = dict(zip(table.columns, table.rows[0], strict=True))
    assert (first["score"], first["price"], first["below"], first["before"]) == (86, "R$ 50,00", "50%", "R$ 100,00")
    assert note == Note("4 of 4 deals among 6 offers")
    told = [row for line in lines if isinstance(line, Table) for row in line.rows]
    assert (45, "50 % below R$ 100,00, the lowest price of the 30 days before") in {row[:2] for row in told}
    assert not [line for line in lines if isinstance(line, Line)], "a pipe gets rows"


@pytest.mark.parametrize(
    ("options", "hint"),
    [
        ({"sort": "-scor"}, "--sort -score"),
        ({"lowest_since": "90"}, "--lowest-since 90d"),
        ({"lowest_since": "always"}, "--lowest-since 7d"),
    ],
)
def test_a_wish_that_cannot_be_read_is_refused_with_what_was_meant(options: dict[str, Any], hint: str) -> None:
    with pytest.raises(UsageError) as refused:
        DealOptions(**options).filter(limit=1)
    assert refused.value.hint == hint


def test_an_age_for_a_low_counts_whole_days() -> None:
    assert DealOptions(lowest_since="12h").filter(limit=1).lowest_for_days == 1
    assert DealOptions(lowest_since="90d").filter(limit=1).lowest_for_days == 90
    assert check_deal_sort("-reduction") == "-reduction"

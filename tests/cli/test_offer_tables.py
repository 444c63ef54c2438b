"""Offers as a person sees them: by which payment a price holds, what a card pays, and what else is known."""

from __future__ import annotations

import sys
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from offers_cli.cli import offers as commands
from offers_cli.cli.explain import explain_blocks
from offers_cli.cli.formatting import format_facts, format_value
from offers_cli.cli.offers import offer_blocks, show_blocks
from offers_cli.cli.render import Line, Note, Output, Table
from offers_cli.errors import UsageError
from offers_cli.marketplaces.base import Candidate, ListingReading, ProductReading
from offers_cli.offer import DiscountKind, Facts, Offer, PriceCondition
from offers_cli.services.explain import ExplainReport
from offers_cli.services.fields import parse_fields
from offers_cli.services.offers import OffersReport, ShowReport
from offers_cli.storage.base import StoredOffer

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
PIX: dict[str, Any] = {
    "price_cents": 318_531,
    "old_price_cents": 389_900,
    "discount_pct": 18,
    "price_condition": PriceCondition.PIX,
    "card_price_cents": 357_900,
    "discount_kind": DiscountKind.PRICE_CUT,
}
FACTS = Facts(free_shipping=True, rating_hundredths=480, reviews=348, installment_cents=35_790, official_store=True)
OFFER = StoredOffer(
    id="a1",
    marketplace="mercado_livre",
    external_id="MLB3914161563",
    title="Fone De Ouvido Bluetooth Sem Fio Com Cancelamento De Ruído",
    url="https://produto.example/MLB-1",
    image_url=None,
    currency="BRL",
    commission_pct=12,
    affiliate_link=None,
    affiliation_id=None,
    source="ofertas",
    status="active",
    first_seen_at=NOON,
    last_seen_at=NOON,
    price_changed_at=NOON,
    item_id=None,
    catalogue_id=None,
    facts=FACTS,
    **PIX,
)
PAYMENT = replace(
    OFFER, external_id="MLB2", old_price_cents=357_900, discount_pct=11, discount_kind=DiscountKind.PAYMENT
)
CARD = Offer(
    marketplace="mercado_livre",
    external_id="MLB1",
    title="Fone",
    url="https://produto.example/MLB-1",
    currency="BRL",
    facts=FACTS,
    **PIX,
)


def rows_of(block: object) -> list[dict[str, object]]:
    assert isinstance(block, Table)
    return [dict(zip(block.columns, row, strict=True)) for row in block.rows]


def test_a_list_says_by_which_payment_each_price_holds() -> None:
    blocks = offer_blocks(OffersReport(offers=(OFFER, PAYMENT, replace(OFFER, price_condition=None)), total=3))
    pix, payment, unknown = rows_of(blocks[0])
    assert (pix["price"], pix["by"], pix["by card"]) == ("R$ 3.185,31", "Pix", "R$ 3.579,00")
    assert (pix["old price"], pix["off"]) == ("R$ 3.899,00", "18%")
    assert payment["off"] == "11% Pix", "the payment alone gives it"
    assert unknown["by"] == "", "what nobody knows is left empty"
    assert "free shipping" in str(pix["facts"])


def test_eighty_columns_hold_the_condition_of_a_price(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr("offers_cli.cli.render.is_terminal", lambda _stream: True)
    Output().show_blocks(offer_blocks(OffersReport(offers=(OFFER, PAYMENT), total=2)))
    lines = [line for line in capsys.readouterr().out.splitlines() if "R$" in line]
    assert len(lines) == 2
    assert all(len(line) <= 80 for line in lines)
    assert all(("R$ 3.185,31" in line and "Pix" in line and "18%" in line) or "11% Pix" in line for line in lines)


def drawn(
    report: OffersReport, columns: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> list[str]:
    """The lines of a list on a terminal of so many columns, of which none is longer."""
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setattr("offers_cli.cli.render.is_terminal", lambda _stream: True)
    Output().show_blocks(offer_blocks(report))
    lines = capsys.readouterr().out.splitlines()
    assert all(len(line) <= columns for line in lines)
    return lines


def test_a_wider_terminal_shows_commission_low_link_and_source(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    link = "https://mercadolivre.com/sec/1abcdef"
    cheapest = replace(OFFER, id="a2", affiliate_link=link, status="gone")
    report = OffersReport(offers=(OFFER, cheapest), total=2, lowest_price_cents={"a1": 300_000, "a2": 318_531})
    lines = drawn(report, 200, monkeypatch, capsys)
    headings = {"commission", "seen", "lowest", "link", "source", "status"}
    assert headings <= set(lines[2].split())
    first, second = (line for line in lines if OFFER.external_id in line)
    assert "12%" in first
    assert "R$ 3.000,00 " in first
    assert "R$ 3.185,31 now" in second
    assert link in second
    assert "gone" in second
    narrow = drawn(report, 80, monkeypatch, capsys)
    assert not headings & set(narrow[2].split()) - {"status"}


def test_a_column_that_would_be_empty_takes_no_room(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    offer = replace(OFFER, commission_pct=None)
    heading = drawn(OffersReport(offers=(offer,), total=1), 300, monkeypatch, capsys)[2].split()
    assert not {"commission", "lowest", "link", "status"} & set(heading)


def test_chosen_fields_are_the_columns_of_a_table_and_the_keys_of_a_document() -> None:
    names = parse_fields("title, Price,card-price,rating,seen")
    report = OffersReport(offers=(OFFER,), total=1, fields=names)
    [row] = rows_of(offer_blocks(report)[0])
    assert row == {
        "title": OFFER.title,
        "price": "R$ 3.185,31",
        "card price": "R$ 3.579,00",
        "rating": "4.8",
        "last seen at": NOON,
    }
    assert report.data()["offers"] == [
        {
            "title": OFFER.title,
            "price_cents": 318_531,
            "card_price_cents": 357_900,
            "rating_hundredths": 480,
            "last_seen_at": "2026-03-01T12:00:00Z",
        }
    ]


@pytest.mark.parametrize(
    ("text", "hint"),
    [("title,pric", "--fields price"), ("price,price_cents", "name each field once"), ("xyzzy", "one or more of id,")],
)
def test_a_field_that_no_offer_has_is_refused_with_the_one_that_may_be_meant(text: str, hint: str) -> None:
    with pytest.raises(UsageError, match="--fields") as refused:
        parse_fields(text)
    assert refused.value.hint.startswith(hint)


def test_a_list_without_offers_says_whether_there_are_any_and_the_next_command() -> None:
    assert offer_blocks(OffersReport(stored=0)) == [
        Note("no offers are stored yet"),
        Note("  try: offers scrape ofertas"),
    ]
    assert offer_blocks(OffersReport(stored=7)) == [
        Note("no offers match, of 7 that are stored"),
        Note("  try: offers list"),
    ]


def test_show_groups_what_is_known_and_leaves_out_what_nobody_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands, "is_terminal", lambda stream: stream is sys.stdout)
    origins = {"price_cents": "product page: state", "free_shipping": "listing: ofertas"}
    title, *tables, unknown = show_blocks(ShowReport(offer=OFFER, origins=origins))
    assert title == Line(OFFER.title, verbatim=True)
    assert isinstance(unknown, Line)
    assert unknown.text.startswith("Not known: image url, ")
    assert "affiliate link" in unknown.text
    told = {table.title: {row["column"]: row for row in rows_of(table)} for table in tables if isinstance(table, Table)}
    assert list(told) == ["Offer", "Price", "Payment", "Shipping", "Reviews", "Seller", "Affiliate", "Enrichment"]
    assert all(row["value"] not in (None, "") for rows in told.values() for row in rows.values())
    assert told["Price"]["card price"]["value"] == "R$ 3.579,00"
    assert told["Price"]["price"]["from"] == "product page: state"
    assert told["Shipping"] == {
        "free shipping": {"column": "free shipping", "value": "yes", "from": "listing: ofertas"}
    }
    assert told["Reviews"]["rating"]["value"] == "4.8"


def test_a_pipe_gets_one_table_with_the_group_of_each_value() -> None:
    [table] = show_blocks(ShowReport(offer=OFFER, origins={}))
    groups = {row["column"]: row["group"] for row in rows_of(table)}
    assert (groups["external id"], groups["card price"], groups["reviews"]) == ("offer", "price", "reviews")


def test_explained_cards_have_their_own_currency_and_condition() -> None:
    sol = replace(CARD, external_id="MPE1", currency="PEN", price_condition=PriceCondition.ANY, card_price_cents=None)
    listing = ListingReading(
        marketplace="mercado_livre",
        url="https://lista.example/",
        currency="USD",
        offers=(replace(CARD, currency="USD"), sol),
        next_page=None,
        strategy="state",
    )
    report = ExplainReport(reading=listing)
    _, table, *_ = explain_blocks(report)
    assert [(row["price"], row["by"]) for row in rows_of(table)] == [("US$ 3,185.31", "Pix"), ("S/ 3.185,31", "any")]
    [first, second] = report.data()["offers"]
    assert (first["currency"], second["currency"]) == ("USD", "PEN")
    assert (first["price_condition"], first["card_price_cents"], first["discount_kind"]) == (
        *("pix", 357_900, "price_cut"),
    )
    assert first["facts"] == FACTS.known()


def test_an_explained_product_begins_with_what_is_believed() -> None:
    product = ProductReading(
        marketplace="mercado_livre",
        url="https://produto.example/MLB-1",
        currency="BRL",
        external_id="MLB1",
        title="Fone",
        facts=FACTS,
        candidates={
            "free_shipping": (Candidate("state", "true", value=True),),
            "price_condition": (Candidate("dom", "no Pix", "pix"),),
        },
        **PIX,
    )
    report = ExplainReport(reading=product)
    lines = [block.text for block in explain_blocks(report) if isinstance(block, Line)]
    assert lines[1:] == [
        "title: Fone",
        "price: R$ 3.185,31 by Pix · R$ 3.579,00 by card",
        "old price: R$ 3.899,00, 18% off",
        "facts: installment R$ 357,90, free shipping, rating 4.8, reviews 348, official store",
    ]
    assert product.winners == {"free_shipping": "state", "price_condition": "dom"}
    values = report.data()["values"]
    assert (values["price_condition"], values["card_price_cents"], values["facts"]) == ("pix", 357_900, FACTS.known())


def test_facts_are_said_as_a_person_would() -> None:
    facts = Facts(
        installments_count=10,
        installment_cents=35_790,
        interest_free=True,
        full=True,
        coupon_label="Cupom R$ 20 OFF",
        coupon_cents=2_000,
        official_store=False,
    )
    assert format_facts(facts, "BRL") == (
        "10x R$ 357,90 interest-free, full, coupon label Cupom R$ 20 OFF, not official store"
    )
    assert format_facts(replace(facts, interest_free=False), "BRL").startswith("10x R$ 357,90, full")
    assert format_facts(Facts(installments_count=10, interest_free=False), "BRL") == (
        "installments count 10, not interest free"
    )
    assert format_facts(Facts(), "BRL") == ""
    assert format_value("price_condition", PriceCondition.CREDIT_LINE, "BRL") == "credit line"

"""The pages of offers and deals: what an operator finds there, and what a stranger's text cannot do there."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape

import pytest
from programs.conftest import HOSTILE, Desk
from storage.cases import card, failure
from werkzeug.test import TestResponse

from offers_cli.errors import QueueUnavailable
from offers_cli.fetch.response import Page
from offers_cli.offer import Offer, PriceCondition
from offers_cli.queue.admin import QueueAdmin
from offers_cli.storage.base import OfferFilter, SavedOffer
from offers_cli.web.pages.offers import PAGE_SIZE

ANY, PIX = PriceCondition.ANY, PriceCondition.PIX


def save_seen(desk: Desk, days: float, *cards: Offer) -> list[SavedOffer]:
    """Save cards as seen so many days ago."""
    at = desk.runtime.now() - timedelta(days=days)
    report = desk.runtime.storage.save_offers(cards, seen_at=at)
    assert not report.refused
    return list(report.saved)


def ids_on(page: TestResponse) -> list[str]:
    return re.findall(r"<small><bdi>(MLB[0-9]+)</bdi>", page.text)


def next_of(page: TestResponse) -> str | None:
    found = re.search(r'href="([^"]+)" rel="next"', page.text)
    return unescape(found[1]) if found else None


def press(desk: Desk, page: str, action: str) -> TestResponse:
    """Send the form of a page, as a browser does."""
    secret = re.search(rf'action="{action}">\s*<input type="hidden" name="csrf" value="([^"]+)"', desk.get(page).text)
    assert secret, "there is no such button"
    return desk.client.post(
        action, data={"csrf": secret[1]}, headers={"Host": "127.0.0.1", "Origin": "http://127.0.0.1"}
    )


def test_no_offer_is_lost_between_the_pages_of_a_filtered_and_sorted_list(desk: Desk) -> None:
    save_seen(
        desk,
        1,
        *(card(number, price_cents=1_000 + number % 7, discount_pct=number % 50 or None) for number in range(130)),
    )
    page = desk.get("/offers/?sort=price&min-discount=10")
    found, address = ids_on(page), next_of(page)
    assert len(found) == PAGE_SIZE
    assert "min-discount=10" in (address or "")
    while address:
        page = desk.get(address)
        found, address = found + ids_on(page), next_of(page)
    wanted = OfferFilter(sort="price", min_discount=10)
    expected = [offer.external_id for offer in desk.runtime.storage.find_offers(wanted)]
    assert found == expected
    assert "First page" in page.text


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("min-price=abc", "--min-price 'abc': expected an amount such as 200 or 199,90"),
        ("min-discount=101", "--min-discount '101' is not a whole number from 0 to 100"),
        ("status=sold", "--status 'sold' is not one of active, gone"),
        ("since=soon", "--since 'soon': expected an age such as 7d"),
        ("sort=prise", "cannot sort by 'prise'"),
        ("colour=red", "there is no option --colour"),
        ("search=a%ED%A0%80", ""),
    ],
)
def test_a_wrong_filter_is_told_in_the_words_of_the_command_line(desk: Desk, query: str, said: str) -> None:
    answer = desk.get(f"/offers/?{query}")
    assert answer.status_code == (400 if said else 200)
    assert said in unescape(answer.text)
    if said and "colour" not in query:
        assert f'value="{query.partition("=")[2]}"' in answer.text or "<select" in answer.text, "it can be put right"


@pytest.mark.parametrize(
    "after",
    ["x", "[]", "[1]", '[1,"MLB1","x"]', '[null,"MLB1","11111111-2222-4333-8444-555555555555"]', "[" * 9_000, "1e999"],
)
def test_a_mangled_address_of_a_page_is_refused_and_not_guessed(desk: Desk, after: str) -> None:
    answer = desk.client.get("/offers/", query_string={"sort": "price", "after": after}, headers={"Host": "127.0.0.1"})
    assert answer.status_code == 400
    assert "not whole" in answer.text


def test_empty_fields_of_a_form_leave_its_address_and_no_field_leads_elsewhere(desk: Desk) -> None:
    fields = "search=&sort=price&_external=1&_scheme=javascript&_anchor=x&missing=discount&missing=old-price"
    answer = desk.get(f"/offers/?{fields}")
    assert answer.status_code == 302
    assert answer.headers["Location"] == (
        "/offers/?sort=price&_external=1&_scheme=javascript&_anchor=x&missing=discount&missing=old-price"
    )


def test_a_list_counts_only_what_is_counted_already(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Counting a million offers one by one would take longer than showing fifty."""
    save_seen(desk, 1, *(card(number) for number in range(PAGE_SIZE + 1)))
    assert "<small>51</small>" in desk.get("/offers/?missing=discount").text
    monkeypatch.setattr(type(desk.runtime.brief_storage), "count_offers", lambda *_: pytest.fail("it was counted"))
    assert desk.get("/offers/?max-price=999").status_code == 200


@pytest.fixture
def watched(desk: Desk) -> SavedOffer:
    """An offer by any payment, then by Pix, then not seen for days."""
    save_seen(desk, 60, card(7, price_cents=20_000, price_condition=ANY))
    save_seen(desk, 30, card(7, price_cents=15_000, price_condition=PIX, card_price_cents=18_000))
    [saved] = save_seen(desk, 10, card(7, price_cents=14_000, price_condition=PIX, card_price_cents=18_000))
    return saved


def test_an_offer_is_found_by_whatever_it_is_called(desk: Desk, watched: SavedOffer) -> None:
    own = f"/offers/{watched.offer_id}"
    assert desk.get(own).status_code == 200
    for path in (
        "/offers/MLB7",
        f"/offers/{watched.offer_id[:20]}",
        "/offers/open?id=MLB-7",
        f"/offers/open?id={watched.offer_id}",
    ):
        answer = desk.get(path)
        assert (answer.status_code, answer.headers["Location"]) == (302, own), path
    for name in ("MLB8", "%00", "x" * 5_000, "..%2F..", "'; --"):
        assert desk.get(f"/offers/{name}").status_code == 404, name
    save_seen(desk, 1, card(8, catalogue_id="MLB55"), card(9, catalogue_id="MLB55"))
    several = desk.get("/offers/MLB55")
    assert several.status_code == 409
    assert sorted(ids_on(several)) == ["MLB8", "MLB9"]


def test_prices_by_pix_are_not_drawn_as_the_price_for_everybody(desk: Desk, watched: SavedOffer) -> None:
    text = unescape(desk.get(f"/offers/{watched.offer_id}").text)
    assert {"any", "pix", "card"} == set(re.findall(r'class="line (\w+)" d="M[0-9.]+ [0-9.]+H', text)) - {"x"}
    assert 'class="gap"' in text, "nobody saw it in the last days"
    assert "lowest R$ 140,00" in text
    assert "not comparable: R$ 200,00 by any payment" in text
    assert re.search(r'<svg [^>]*role="img"[^>]*aria-labelledby="chart-title chart-text"', text)
    rows = re.findall(r'<td data-label="price" class="number">([^<]+)</td>', text)
    assert rows == ["R$ 140,00", "R$ 150,00", "R$ 200,00"], "the drawing's prices stand in a table as well"
    assert desk.get(f"/offers/{watched.offer_id}?days=all").status_code == 200
    assert desk.get(f"/offers/{watched.offer_id}?days=7").status_code == 404


def test_the_page_of_an_offer_says_where_each_value_came_from(desk: Desk, watched: SavedOffer) -> None:
    text = desk.get(f"/offers/{watched.offer_id}").text
    assert re.search(
        r'<th scope="row">card price</th><td><bdi>R\$\s180,00</bdi></td><td class="origin"><bdi>listing: listing', text
    )


def test_a_failed_job_is_shown_and_queued_again_by_its_button_alone(desk: Desk, watched: SavedOffer) -> None:
    own, action = f"/offers/{watched.offer_id}", f"/offers/{watched.offer_id}/requeue"
    told = failure(watched.offer_id, 1, "page_changed")
    desk.runtime.storage.save_enrichments([], [told])
    assert "it was page_changed" in desk.get(own).text
    assert "no job in the queue" in desk.get(own).text
    assert desk.ask("POST", action).status_code == 403
    assert desk.get(action).status_code == 405
    assert desk.runtime.connection.llen("rq:queue:enrichment") == 0
    answer = press(desk, own, action)
    assert (answer.status_code, answer.headers["Location"]) == (303, own)
    assert desk.runtime.connection.lrange("rq:queue:enrichment", 0, -1) == [f"enrich-{watched.offer_id}".encode()]
    assert f'action="{action}"' not in desk.get(own).text, "it waits: nothing is to be pressed"
    assert f'href="/rq/job/enrich-{watched.offer_id}"' in desk.get(own).text


def test_an_offer_is_shown_while_redis_is_away(
    desk: Desk, watched: SavedOffer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> None:
        raise QueueUnavailable("no answer from redis://:secret@somewhere")

    monkeypatch.setattr(QueueAdmin, "find", away)
    answer = desk.get(f"/offers/{watched.offer_id}")
    assert answer.status_code == 200
    assert "Redis does not answer" in answer.text
    assert "secret" not in answer.text


def test_a_kept_page_is_explained_and_never_handed_out(desk: Desk, watched: SavedOffer) -> None:
    assert desk.get(f"/offers/{watched.offer_id}/page").status_code == 404
    html = f"<html><head><title>x</title></head><body><script>alert(1)</script>{HOSTILE}</body></html>"
    url = "https://produto.mercadolivre.com.br/MLB-7"
    page = Page(url=url, final_url=url, status=200, body=html.encode(), encoding="utf-8", fetched_at=desk.runtime.now())
    assert desk.runtime.snapshots.keep(page, offer_id=watched.offer_id, code="page_changed")
    assert f'href="/offers/{watched.offer_id}/page"' in desk.get(f"/offers/{watched.offer_id}").text
    told = desk.get(f"/offers/{watched.offer_id}/page")
    assert told.status_code == 200
    assert "page_changed" in told.text
    assert "alert(1)" not in told.text


def test_hostile_titles_and_addresses_are_text_on_every_page(desk: Desk) -> None:
    title = f"</title></svg>{HOSTILE}"
    save_seen(desk, 40, card(1, title=title, price_cents=20_000, price_condition=ANY))
    [saved] = save_seen(
        desk,
        1,
        card(
            1,
            title=title,
            price_cents=10_000,
            price_condition=ANY,
            old_price_cents=20_000,
            image_url="https://evil.example/x.png",
        ),
    )
    for path in ("/offers/", f"/offers/{saved.offer_id}", "/deals/", f"/offers/?search={HOSTILE.split()[0]}"):
        text = desk.get(path).text
        assert "<script>alert" not in text, path
        assert "&lt;script&gt;alert" in text, path
        assert "<img" not in text, path


def test_deals_show_their_class_and_the_reason_of_each_point(desk: Desk) -> None:
    save_seen(
        desk, 60, card(1, price_cents=20_000, price_condition=ANY), card(2, price_cents=20_000, price_condition=ANY)
    )
    save_seen(
        desk,
        2,
        card(1, price_cents=12_000, price_condition=ANY),
        card(2, price_cents=19_900, price_condition=ANY, old_price_cents=30_000),
    )
    text = unescape(desk.get("/deals/").text)
    assert re.search(r'class="class proved"[^>]*>proved', text)
    assert "the lowest price of the 30 days before" in text
    assert "1 of 1 deals among 2 offers" in unescape(desk.get("/deals/?class=proved").text)
    wrong = desk.get("/deals/?class=good&drop=20")
    assert wrong.status_code == 400
    assert "--class 'good' is not one of proved, young, unproved, contradicted" in unescape(wrong.text)
    assert 'name="drop" value="20"' in wrong.text


def test_an_empty_catalogue_names_the_first_command(desk: Desk) -> None:
    for path in ("/offers/", "/deals/"):
        assert "offers scrape ofertas" in desk.get(path).text

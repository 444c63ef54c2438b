"""The pages in the operator's language: all that the program says there, and nothing that others wrote or one types."""

from __future__ import annotations

import json
import re
from pathlib import Path
from urllib.parse import urlencode

import pytest
from jinja2 import nodes
from pages.test_offer_pages import ANY, PIX, save_seen
from programs.conftest import Desk
from programs.test_documents import ASKED, WRONG
from programs.test_live_pages import fail_jobs
from selectolax.lexbor import LexborHTMLParser
from storage.cases import at, card, failure, run

import offers_cli.web.app
from offers_cli.fetch.response import Page
from offers_cli.language import LANGUAGES, speak, translations
from offers_cli.offer import Facts
from offers_cli.queue.keys import WAITS_FOR
from offers_cli.times import iso_utc
from offers_cli.web.app import create_app
from translations.update import find_texts

WEB = Path(offers_cli.web.app.__file__).parent
PRODUCT = {
    "@type": "Product",
    "name": "Offers",
    "brand": "young",
    "offers": {"@type": "Offer", "price": 120, "priceCurrency": "BRL"},
}
MARKS = frozenset({"_", "gettext", "ngettext"})
PROSE = re.compile("[a-z]{2} [a-z]{2}")
WORD = re.compile("[A-Za-z]{2,}")
READ_ALOUD = ("title", "aria-label", "placeholder", "data-label", "data-on", "data-off", "data-paused", "data-pause")


@pytest.fixture
def marked(monkeypatch: pytest.MonkeyPatch, in_portuguese: None) -> None:
    """A language whose translation of any text is the text in «», so that what is not translated is seen."""
    known = translations.Translations("pt_BR")
    monkeypatch.setattr(known, "_catalogue", Marks())
    monkeypatch.setattr(translations, "portuguese", lambda: known)


class Marks:
    def gettext(self, text: str) -> str:
        return f"«{text}»"


@pytest.fixture
def full(stocked: Desk) -> Desk:
    """With an offer of each kind of price, a kept page, many failures, a scrape that failed, two workers."""
    save_seen(stocked, 60, card(31, price_cents=20_000, price_condition=ANY))
    facts = Facts(seller="gone", coupon_label="young", badge="new", free_shipping=True, rating_hundredths=480)
    priced = card(31, price_cents=12_000, price_condition=PIX, card_price_cents=13_000, facts=facts, title="Offers")
    [saved] = save_seen(stocked, 2, priced)
    stocked.runtime.storage.save_enrichments([], [failure(saved.offer_id, 1, "page_changed")])
    stocked.runtime.storage.save_run(run(finished_at=at(2), status="failed", error="gone"))
    save_seen(stocked, 1, card(8, catalogue_id="MLB55"), card(9, catalogue_id="MLB55"))
    url = "https://produto.mercadolivre.com.br/MLB-31"
    html = f'<html><script type="application/ld+json">{json.dumps(PRODUCT)}</script><p>{"x" * 9_000}</p></html>'
    kept = Page(
        url=url, final_url=url, status=200, body=html.encode(), encoding="utf-8", fetched_at=stocked.runtime.now()
    )
    assert stocked.runtime.snapshots.keep(kept, offer_id=saved.offer_id, code="page_changed")
    for name, waits_for in (("w1", ""), ("w2", "the database")):
        told = {"state": "busy", "hostname": "BRL", "pid": 7, "birth": iso_utc(at(0)), WAITS_FOR: waits_for}
        stocked.runtime.connection.hset(f"rq:worker:{name}", mapping=told)  # type: ignore[arg-type]
        stocked.runtime.connection.sadd("rq:workers:enrichment", f"rq:worker:{name}")
    fail_jobs(stocked, "site_unavailable", 60)
    fail_jobs(stocked, "offer_gone", 1)
    return stocked


def addresses(desk: Desk) -> list[str]:
    """Of each page there is, and of pages that refuse."""
    [*_, job] = re.findall(r'href="(/rq/job/enrich-[^"]+)"', desk.get("/rq/failed/").text)
    registries = ("queued", "started", "scheduled", "deferred", "finished", "failed", "canceled")
    own, hostile = (desk.get(f"/offers/{name}").headers["Location"] for name in ("MLB31", "MLB6"))
    return [
        *("/", "/deals/", "/deals/?class=good", "/deals/?class=proved&drop=5", "/runs/", "/rq/", "/rq/workers", job),
        *("/offers/", "/offers/?min-price=abc", "/offers/?search=nothing", own, f"{own}?days=all", f"{own}/page"),
        *(hostile, "/offers/MLB55", "/offers/MLB404", "/nothing", "/failures/requeue"),
        *(f"/failures/{query}" for query in ("", "?reason=page_changed", "?requeued=1", "?requeued=1234", "?from=500")),
        *(f"/rq/{name}/" for name in registries),
    ]


def without_marks(text: str) -> str:
    """What of a text was not translated; a text may hold others."""
    while (less := re.sub("«[^«»]*»", "", text)) != text:
        text = less
    return text


def not_said(html: str) -> set[str]:
    """The texts of a page that are not translated."""
    root = LexborHTMLParser(html).body
    assert root
    for typed in root.css("code, pre, a.home"):
        typed.decompose()
    told = [value for each in root.css("*") for name in READ_ALOUD if (value := each.attributes.get(name))]
    told += [each.text() for each in root.css("bdi")]
    for each in root.css("bdi"):
        if without_marks(each.text()) == each.text():
            each.decompose()
    lines = [line.strip() for text in [*told, root.text()] for line in without_marks(text).splitlines()]
    return {line for line in lines if WORD.search(line)}


OTHERS = re.compile(
    r"Fone \d+|MLB\d+|enrich-\S+|https?://\S+|[0-9a-f-]{36}|foreign|enrichment|tidy|ofertas|mercado_livre|BRL|UTC|"
    r"R\$\s[\d.,]+|offers enqueue-missing|page_changed|json_ld|[a-z]+_[a-z]+|brand|currency|title|url|"
    r"(?:: *)?(?:Offers|gone|new|young)|<script>alert\(\"x\"\)</script> .*"
)
"""What the pages of these tests show that others wrote, or that is typed as it stands."""


def test_every_page_says_in_the_language_what_the_program_says(full: Desk, marked: None) -> None:
    for path in addresses(full):
        html = full.get(path).text
        assert '<html lang="pt-BR">' in html, path
        assert "«" in html, path
        assert not {text for text in not_said(html) if not OTHERS.fullmatch(text)}, path


def test_what_others_wrote_stays_as_it_is_though_the_program_has_a_word_like_it(full: Desk, marked: None) -> None:
    own = full.get("/offers/MLB31").headers["Location"]
    assert "<bdi>Offers</bdi></a>" in full.get("/offers/").text
    shown = full.get(own).text
    for text in (
        "<h1><bdi>Offers</bdi></h1>",
        "<td><bdi>gone</bdi></td>",
        "<td><bdi>young</bdi></td>",
        "<bdi>new</bdi>",
    ):
        assert text in shown, text
    assert "<td><bdi>«active»</bdi></td>" in shown
    kept = full.get(f"{own}/page").text
    assert "<bdi>«title»: Offers</bdi>" in kept
    assert "«Offers»</bdi></td>" not in kept
    for path in ("/offers/", "/failures/?reason=page_changed"):
        assert "<script>alert" not in full.get(path).text
        assert "&lt;script&gt;alert(&#34;x&#34;)" in full.get(path).text, path


def test_figures_and_moments_are_written_as_in_brazil(full: Desk, in_portuguese: None) -> None:
    assert ">1.234 " in full.get("/failures/?requeued=1234").text
    assert re.search(r'class="time">\d\d/\d\d/20\d\d \d\d:\d\d</td>', full.get("/offers/").text)
    assert re.search(r"<td [^>]*>\d\d/\d\d/20\d\d \d\d:\d\d:\d\d</td>", full.get("/runs/").text)


def test_one_job_is_not_spoken_of_as_several(full: Desk, marked: None) -> None:
    assert "«1 job is back in the queue.»" in full.get("/failures/?requeued=1").text
    text = full.get("/failures/?requeued=2").text
    assert "«2 jobs are back in the queue.»" in text
    assert "«Requeue 1 job»" in text
    assert "«Requeue 60 jobs»" in text


def test_programs_are_answered_in_english_byte_for_byte(
    stocked: Desk, marked: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = stocked.runtime.now()
    monkeypatch.setattr(stocked.runtime, "now", lambda: now)
    paths = [f"/api/v1/{path}?{urlencode(query, doseq=True)}" for path, query, _ in ASKED]
    paths += [f"/api/v1/{path}" for path, *_ in WRONG]
    for path in (*paths, "/api/v1/", "/api/v1/nothing", "/metrics", "/healthz", "/readyz"):
        answers = []
        for language in LANGUAGES:
            speak(language)
            answers.append(stocked.get(path))
        assert len({(answer.status_code, answer.data) for answer in answers}) == 1, path


def test_the_script_says_what_its_page_gives_it(desk: Desk) -> None:
    script = (WEB / "static" / "live.js").read_text()
    assert not re.search(r"""say\(["'`]|textContent = ["'`]""", script)
    names = re.findall(r"(?:state|button)\.dataset\.(\w+)", script)
    attributes = {"data-" + re.sub("([A-Z])", r"-\1", name).lower() for name in names}
    assert attributes == {"data-on", "data-off", "data-paused", "data-pause", "data-go-on"}
    page = desk.get("/").text
    assert all(re.search(f' {name}="[^"]+"', page) for name in attributes)


def test_every_text_of_a_template_is_marked_and_in_the_catalogue() -> None:
    """Also those of branches that no other test takes."""
    environment, extracted = create_app([]).jinja_env, {message.id for message in find_texts()}
    for path in sorted((WEB / "templates").iterdir()):
        tree = environment.parse(path.read_text())
        marks = [call for call in tree.find_all(nodes.Call) if getattr(call.node, "name", "") in MARKS]
        marked = {each.value for call in marks for each in call.args if isinstance(each, nodes.Const)}
        texts = {text for text in marked if isinstance(text, str)}
        assert texts <= extracted, path
        literals = {str(each.value) for each in tree.find_all(nodes.Const)} - texts
        assert not {text for text in literals if PROSE.search(text) and not text.startswith("offers ")}, path
        markup = "\0".join(each.data for each in tree.find_all(nodes.TemplateData))
        assert not re.search(rf'(?:{"|".join(READ_ALOUD)})="[^"\0]*[a-z]{{2}}', markup), path
        shown = re.sub(r"<code>.*?</code>|<[^>]*>", "", markup, flags=re.DOTALL)
        assert set(WORD.findall(shown)) <= {"offers"}, path

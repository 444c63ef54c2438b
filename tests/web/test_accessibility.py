"""axe-core over every page of the dashboard, full of hostile text: nothing that keeps anybody from using it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from acceptance.program import Program
from node_packages import install, node_is_missing
from servers import RedisServer
from storage.cases import card
from web.conftest import Served, serving
from web.test_dashboard_browser import browser, payloads, plant, pytestmark
from web.test_offer_pages_browser import stock

from offers_cli.storage.sqlite.storage import open_sqlite
from offers_cli.times import utc_now

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

__all__ = ["browser", "pytestmark"]

SERIOUS = ("serious", "critical")
LOOKS: dict[str, dict[str, Any]] = {
    "light": {"viewport": {"width": 1200, "height": 900}},
    "dark": {"viewport": {"width": 1200, "height": 900}, "color_scheme": "dark"},
    "phone": {"viewport": {"width": 390, "height": 844}},
    "dark phone": {"viewport": {"width": 390, "height": 844}, "color_scheme": "dark"},
}
LOOK_FOR_FINDINGS = """async () => {
  document.querySelectorAll('details').forEach(each => each.open = true);
  const {violations} = await axe.run(document, {resultTypes: ['violations']});
  return violations.flatMap(({id, impact, nodes}) =>
    nodes.map(({html, failureSummary}) => ({rule: id, impact, element: html, why: failureSummary})));
}"""


@dataclass(frozen=True)
class Full:
    """A dashboard with something on each of its pages, and the addresses of these."""

    served: Served
    paths: tuple[str, ...]


@pytest.fixture(scope="module")
def axe() -> str:
    """The script that looks at a page from within."""
    if reason := node_is_missing():
        pytest.skip(f"no axe-core here: {reason}")
    return (install(Path(__file__).parent / "axe") / "axe-core" / "axe.min.js").read_text()


@pytest.fixture(scope="module")
def full(program: Program, failed_job: str, redis: RedisServer) -> Iterator[Full]:
    """Over what a shop told, and over text of strangers in every field of offers, jobs and workers."""
    texts = payloads("http://canary.test")
    stock(path := program.home / "offers.db", texts, offers=60)
    storage = open_sqlite(path)
    storage.save_offers([card(7, marketplace="another")], seen_at=utc_now())
    storage.close()
    assert program("schedule", "add", "--every", "30m", "--", "scrape", "ofertas").code == 0
    hostile = program.json("show", "MLB8").data["offer"]["id"]
    failed = failed_job.removeprefix("enrich-")
    with redis.connect() as connection:
        for number, text in enumerate(texts):
            plant(connection, number, text)
    with serving(program) as served:
        registries = ("queued", "started", "scheduled", "deferred", "finished", "failed", "canceled")
        yield Full(
            served,
            (
                *("/", "/deals/", "/offers/", "/offers/?max-price=no", "/offers/open?id=MLB7", f"/offers/{hostile}"),
                *(f"/offers/{failed}", f"/offers/{failed}/page", "/failures/", "/failures/?reason=page_changed"),
                *("/runs/", "/rq/", "/rq/workers", *(f"/rq/{registry}/" for registry in registries)),
                *(f"/rq/job/{failed_job}", "/rq/job/planted-0", "/nothing"),
            ),
        )


def serious_findings(page: Page, axe: str) -> list[dict[str, str]]:
    """What axe finds on the page that is open: the rule, the element and what is wrong with it."""
    page.evaluate(axe)
    return [found for found in page.evaluate(LOOK_FOR_FINDINGS) if found["impact"] in SERIOUS]


@pytest.mark.parametrize("look", LOOKS)
def test_axe_has_no_serious_finding_on_any_page(browser: Browser, full: Full, axe: str, look: str) -> None:
    page = browser.new_context(**LOOKS[look]).new_page()
    for path in full.paths:
        page.goto(full.served.url + path)
        assert serious_findings(page, axe) == [], path


def test_axe_would_find_what_is_wrong(browser: Browser, full: Full, axe: str) -> None:
    """Else the test above proves nothing."""
    page = browser.new_context().new_page()
    page.goto(f"{full.served.url}/offers/")
    page.evaluate("""() => {
      document.documentElement.removeAttribute('lang');
      document.querySelector('h1').style.color = '#ddd';
      document.querySelector('label select').parentElement.replaceWith(document.createElement('select'));
    }""")
    assert {found["rule"] for found in serious_findings(page, axe)} == {
        "html-has-lang",
        "color-contrast",
        "select-name",
    }

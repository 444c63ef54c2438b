"""How long a person at the terminal is made to wait for a site."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from offers_cli.cli.render import show_problems
from offers_cli.errors import HostPaused, OfferGone, OffersError, SiteUnavailable
from offers_cli.fetch.snapshots import Snapshots
from offers_cli.marketplaces.mercado_livre import MercadoLivre
from offers_cli.report import Problem
from offers_cli.services.pages import Pages
from offers_cli.services.sources import parse_source


class Site:
    """Fails with each error in turn, then answers; remembers the waits."""

    def __init__(self, *errors: OffersError) -> None:
        self.errors = list(errors)
        self.waits: list[float] = []

    def ask(self) -> str:
        if self.errors:
            raise self.errors.pop(0)
        return "page"


def pages(site: Site, folder: Path) -> Pages:
    unused: Any = None
    return Pages(
        fetcher=unused,
        marketplace_for=lambda _url: MercadoLivre(),
        snapshots=Snapshots(folder, mode="off", max_bytes=1, max_age_s=1),
        pace=unused,
        sleep=site.waits.append,
    )


def test_a_site_that_stumbles_is_asked_again(tmp_path: Path) -> None:
    site = Site(SiteUnavailable("500"), HostPaused("shop.test", reason="rate_limited", seconds=3))
    assert pages(site, tmp_path).patiently(site.ask) == "page"
    assert len(site.waits) == 2
    assert site.waits[1] > 3


def test_an_address_that_leads_to_nothing_comes_with_what_to_do(tmp_path: Path) -> None:
    """A short link that is typed wrong answers 404, and that alone helps nobody."""
    site = Site(OfferGone("answered 404"), OfferGone("paused", hint="it returns"))
    reader = replace(pages(site, tmp_path), fetcher=SimpleNamespace(get=lambda _url: site.ask()))
    source, unread = parse_source("https://meli.la/2xyz"), object()
    for hint in ("open the address in your browser, and see what it shows", "it returns"):
        with pytest.raises(OfferGone) as caught:
            reader.load_listing(source, None, lambda *_: unread)
        assert caught.value.hint == hint


@pytest.mark.parametrize(
    "error",
    [
        SiteUnavailable("503, come back in ten minutes", retry_after_s=600),
        HostPaused("shop.test", reason="page_blocked", seconds=600),
    ],
)
def test_a_long_rest_is_told_at_once(error: OffersError, tmp_path: Path) -> None:
    site = Site(error)
    with pytest.raises(type(error)) as caught:
        pages(site, tmp_path).patiently(site.ask)
    assert caught.value is error
    assert site.waits == []


def test_a_pause_has_the_code_and_the_exit_code_of_its_reason() -> None:
    told = [HostPaused("shop.test", reason=reason, seconds=1) for reason in ("page_blocked", "site_unavailable")]
    assert [(error.code, error.exit_code) for error in told] == [("page_blocked", 5), ("site_unavailable", 4)]


def test_a_pause_names_its_code_once_when_it_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    show_problems([Problem.of(HostPaused("shop.test", reason="page_blocked", seconds=30))])
    assert capsys.readouterr().err.startswith("error: shop.test is paused for another 30 s (page_blocked)\n")

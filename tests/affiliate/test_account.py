"""The account against the demo shop: tokens are taken and renewed, refusals told once, walls paused."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from fetch.free_pace import FreePace
from shop import Shop

from offers_cli.affiliate.account import Account
from offers_cli.affiliate.cookies import Cookie
from offers_cli.affiliate.hub import SEARCH_CALL
from offers_cli.affiliate.login import Login
from offers_cli.affiliate.session import SessionFile
from offers_cli.demo.catalogue import Catalogue
from offers_cli.errors import LabelRefused, PageBlocked, RateLimited, SessionExpired
from offers_cli.fetch.client import PoliteFetcher
from offers_cli.fetch.guard import Guard
from offers_cli.marketplaces.mercado_livre import MercadoLivre
from offers_cli.marketplaces.mercado_livre.urls import is_wall

HUB = "/afiliados/hub"


@pytest.fixture
def shop() -> Iterator[Shop]:
    with Shop(Catalogue(60, 1, ()), csrf_uses=3) as running:
        yield running


@pytest.fixture
def file(tmp_path: Path) -> SessionFile:
    return SessionFile(tmp_path / "session.json")


def log_in(file: SessionFile, shop: Shop) -> None:
    jar = [Cookie(name=name, value=value, domain="127.0.0.1") for name, value in shop.log_in().items()]
    file.replace(jar, imported_at=datetime.now(UTC))


@pytest.fixture
def pace() -> FreePace:
    return FreePace()


@pytest.fixture
def open_account(shop: Shop, file: SessionFile, pace: FreePace) -> Iterator[Callable[..., Account]]:
    """Opens accounts, each as another process would."""
    fetchers: list[PoliteFetcher] = []

    def open_one(**options: Any) -> Account:
        login = Login(file, domains=["127.0.0.1"], now=lambda: datetime.now(UTC))
        guard = Guard([urlsplit(shop.url).netloc], allow_private=True)
        fetchers.append(
            PoliteFetcher(
                guard=guard, pace=pace, is_wall=is_wall, headers_for=login.headers_for, on_response=login.on_response
            )
        )
        return Account(MercadoLivre(shop.url), fetcher=fetchers[-1], login=login, pace=pace, **options)

    yield open_one
    for fetcher in fetchers:
        fetcher.close()


def statuses(shop: Shop) -> list[tuple[str, int]]:
    return [(seen.method, seen.status) for seen in shop.requests]


def search(account: Account, offset: int = 0) -> int:
    return len(account.call(SEARCH_CALL, {"offset": offset})["polycard_client_model"]["polycards"])


def test_a_token_serves_as_long_as_it_lasts_and_is_then_taken_anew(
    shop: Shop, file: SessionFile, open_account: Callable[..., Account]
) -> None:
    log_in(file, shop)
    account = open_account()
    assert [search(account) for _ in range(5)] == [18] * 5
    page, call, refused = ("GET", 200), ("POST", 200), ("POST", 403)
    assert statuses(shop) == [page, call, call, call, refused, page, call, call]
    sent = [seen.headers for seen in shop.requests if seen.method == "POST"]
    assert {headers["origin"] for headers in sent} == {shop.url}
    assert {headers["referer"] for headers in sent} == {f"{shop.url}/afiliados/linkbuilder"}


def test_two_processes_do_not_spoil_each_other_s_tokens(
    shop: Shop, file: SessionFile, open_account: Callable[..., Account]
) -> None:
    log_in(file, shop)
    one, other = open_account(), open_account()
    assert [search(account) for account in (one, other, one, other)] == [18] * 4
    assert ("POST", 403) not in statuses(shop)


def test_many_threads_share_one_account(shop: Shop, file: SessionFile, open_account: Callable[..., Account]) -> None:
    log_in(file, shop)
    account = open_account()
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda _: search(account), range(24))) == [18] * 24
    assert [status for method, status in statuses(shop) if method == "GET"] == [200] * 8, "one page for three calls"


def test_a_dead_session_is_asked_once_and_then_rests(
    shop: Shop, file: SessionFile, pace: FreePace, open_account: Callable[..., Account]
) -> None:
    log_in(file, shop)
    account = open_account()
    search(account)
    shop.expire_session()
    for _ in range(5):
        with pytest.raises(SessionExpired):
            search(account)
    assert statuses(shop)[2:] == [("POST", 401), ("GET", 302)]
    with pytest.raises(SessionExpired):
        open_account().open_page(HUB)
    assert len(statuses(shop)) == 4, "another process knows it too"
    with pytest.raises(SessionExpired):
        open_account(insist=True).open_page(HUB)
    assert len(statuses(shop)) == 5, "a person may insist"
    assert pace.pauses == [], "nobody else is held up"
    log_in(file, shop)
    assert search(account) == 18


def test_a_session_that_works_after_all_is_no_longer_refused(
    shop: Shop, file: SessionFile, open_account: Callable[..., Account]
) -> None:
    log_in(file, shop)
    shop.fail(401, times=1)
    with pytest.raises(SessionExpired):
        open_account().open_page(HUB)
    open_account(insist=True).open_page(HUB)
    session = file.load()
    assert session is not None
    assert session.refused_at is None


@pytest.mark.parametrize("kind", ["account_verification", "micro_landing"])
def test_a_wall_is_a_wall_and_no_end_of_the_session(
    kind: str, shop: Shop, file: SessionFile, pace: FreePace, open_account: Callable[..., Account]
) -> None:
    log_in(file, shop)
    account = open_account()
    search(account)
    shop.wall(60, kind=kind)  # type: ignore[arg-type]  # the two kinds there are
    with pytest.raises(PageBlocked) as caught:
        search(account)
    assert caught.value.retry_after_s == 60
    with pytest.raises(PageBlocked):
        open_account().open_page(HUB)
    assert len(pace.pauses) == 2
    session = file.load()
    assert session is not None
    assert session.refused_at is None


def test_a_rate_limit_passes_through(shop: Shop, file: SessionFile, open_account: Callable[..., Account]) -> None:
    log_in(file, shop)
    account = open_account()
    search(account)
    shop.fail(429, retry_after=7, times=1)
    with pytest.raises(RateLimited) as caught:
        search(account)
    assert caught.value.retry_after_s == 7
    assert search(account) == 18, "the token is still good"


def test_a_refused_label_is_said_once_and_rests_until_another_login(
    shop: Shop, file: SessionFile, open_account: Callable[..., Account]
) -> None:
    """Batch after batch would ask the programme in vain; another label, or another affiliate's login, is asked for."""
    now = [0.0]
    log_in(file, shop)
    account = open_account(clock=lambda: now[0])
    url = shop.url + shop.offers[0].path

    def calls() -> int:
        return sum(seen.method == "POST" for seen in shop.requests)

    for now[0] in (0.0, 1.0, 899.0):
        with pytest.raises(LabelRefused, match="the label errada:") as refused:
            account.create_links([url], label="errada")
        assert refused.value.retry_after_s == 900.0 - now[0]
    assert calls() == 1
    account.create_links([url], label="demonstracao")
    assert calls() == 2
    for now[0] in (901.0, 902.0):
        asked = calls()
        with pytest.raises(LabelRefused):
            account.create_links([url], label="errada")
        assert calls() == asked + 1
        log_in(file, shop)

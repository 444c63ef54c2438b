"""Addresses of Mercado Livre: one offer has one key, and what is stored leads to the product without tracking."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offers_cli.errors import ForbiddenUrl, Redirected, UsageError
from offers_cli.marketplaces.base import ProductReading
from offers_cli.marketplaces.mercado_livre import MercadoLivre
from offers_cli.marketplaces.mercado_livre.urls import (
    canonical,
    identify,
    is_login,
    is_owned,
    is_sponsored,
    is_wall,
    product_url,
)

WWW = "https://www.mercadolivre.com.br"
ITEMS = "https://produto.mercadolivre.com.br"


@pytest.mark.parametrize(
    "url",
    [
        f"{ITEMS}/MLB-4241772593-devocional-cafe-_JM",
        f"{ITEMS}/MLB-4241772593-devocional-cafe-_JM?searchVariation=183822520552#polycard_client=offers&position=3",
        f"{ITEMS}/MLB-4241772593",
        f"{ITEMS}/mlb4241772593",
        f"{ITEMS}/noindex/services/MLB4241772593/payments?new_version=true",
        f"{WWW}/devocional/p/MLB58119957?pdp_filters=item_id%3AMLB4241772593",
        f"{WWW}/devocional/p/MLB58119957?pdp_filters=deal%3AMLB779362-1#polycard_client=offers&wid=MLB4241772593&sid=offers",
        f"{WWW}/p/MLB58119957?matt_word=x&pdp_filters=item_id:MLB4241772593%7Cshipping:fulfillment",
        f"{WWW}/up/MLBU3466446931?x=1#wid=MLB4241772593",
        "https://click1.mercadolivre.com.br/mclics/clicks/external/MLB/count?a=%2FSv#searchVariation=MLB1&wid=MLB4241772593",
        "http://127.0.0.1:8123/MLB-4241772593-x-_JM",
    ],
)
def test_every_address_of_an_offer_gives_its_item_id(url: str) -> None:
    assert identify(url).external_id == "MLB4241772593"


@pytest.mark.parametrize(
    ("url", "key"),
    [
        (f"{WWW}/slug/p/MLB58119957", "MLB58119957"),
        (f"{WWW}/slug/p/MLB58119957/s?x=1", "MLB58119957"),
        (f"{WWW}/slug/up/MLBU3466446931", "MLBU3466446931"),
        ("https://articulo.mercadolibre.com.mx/MLM-2066236281-x-_JM", "MLM2066236281"),
        ("https://www.mercadolibre.com.co/x/p/MCO42090990", "MCO42090990"),
        ("https://articulo.mercadolibre.cl/MLC-123456-x", "MLC123456"),
        (f"{WWW}/ofertas?page=2", None),
        (f"{WWW}/social/nick/lists", None),
        ("https://lista.mercadolivre.com.br/mlb-1234-novidades-em-p", None),
        ("http://[::1", None),
        ("", None),
    ],
)
def test_an_address_gives_the_most_exact_id_it_holds(url: str, key: str | None) -> None:
    assert identify(url).external_id == key


@pytest.mark.parametrize(
    ("url", "stored"),
    [
        (f"{WWW}/slug/p/MLB1?pdp_filters=item_id%3AMLB2&x=1#wid=MLB2", f"{WWW}/slug/p/MLB1?pdp_filters=item_id%3AMLB2"),
        (f"{WWW}/slug/p/MLB1?pdp_filters=deal%3AMLB779362-1#wid=MLB2", f"{WWW}/slug/p/MLB1"),
        (f"{WWW}/slug/up/MLBU1/?matt_tool=1", f"{WWW}/slug/up/MLBU1"),
        (f"{ITEMS}/MLB-2-slug-_JM?searchVariation=1#position=1", f"{ITEMS}/MLB-2-slug-_JM"),
    ],
)
def test_tracking_is_left_out_and_a_pin_is_kept(url: str, stored: str) -> None:
    assert canonical(url) == stored
    assert canonical(stored) == stored


def test_an_advertisement_is_replaced_by_the_product_it_leads_to() -> None:
    click = (
        "https://click1.mercadolivre.com.br/mclics/clicks/external/MLB/count?a=x#searchVariation=MLB19120023&wid=MLB2"
    )
    assert is_sponsored(click)
    assert product_url(identify(click)) == f"{WWW}/p/MLB19120023?pdp_filters=item_id%3AMLB2"
    assert product_url(identify(f"{ITEMS}/MLB-2-x")) == f"{ITEMS}/MLB-2"
    assert product_url(identify(f"{ITEMS}/MLB-2-x"), base_url="http://127.0.0.1:1") == "http://127.0.0.1:1/MLB-2"
    assert product_url(identify(WWW)) is None


HOSTS = (
    "www.mercadolivre.com.br",
    "produto.mercadolivre.com.br",
    "mercadolivre.com",
    "listado.mercadolibre.cl",
    "www.mercadolibre.com.ar",
)
STRANGERS = (
    "https://mercadolivre.com.br.evil.example/",
    "https://notmercadolivre.com.br/",
    "https://evil.example/?mercadolivre.com.br",
    "https://mercadolivre.com.br@evil.example/",
    "x",
    "",
)


@pytest.mark.parametrize("host", HOSTS)
def test_its_hosts_are_owned(host: str) -> None:
    assert is_owned(f"https://{host}/x")


@pytest.mark.parametrize("url", STRANGERS)
def test_other_hosts_are_not(url: str) -> None:
    assert not is_owned(url)
    assert not MercadoLivre().owns(url)


@given(st.text(max_size=80))
def test_no_text_breaks_an_address(text: str) -> None:
    for url in (text, f"{WWW}/{text}", f"{WWW}/p/MLB1?{text}", f"{WWW}/p/MLB1#{text}", f"https://{text}/p/MLB1"):
        identify(url)
        canonical(url)
        MercadoLivre().owns(url)
        MercadoLivre("http://127.0.0.1:1").fetch_url(url)


@pytest.mark.parametrize(
    ("path", "wall", "login"),
    [
        ("/gz/account-verification", True, False),
        ("/Account-Verification/", True, False),
        ("/captcha/", True, False),
        ("/jms/mlb/lgz/msl/login", True, True),
        ("/lgz/registration", True, True),
        ("login", True, True),
        ("/LOGIN/x", True, True),
        ("/produto-captcha/p/MLB1", False, False),
        ("/loginho/captchas/p/MLB1", False, False),
        ("", False, False),
    ],
)
def test_walls_and_logins_are_known_by_a_whole_segment_of_their_path(path: str, wall: bool, login: bool) -> None:
    """One list for what redirects lead to, for pages that were saved, and for the affiliate's session."""
    assert (is_wall(path), is_login(path)) == (wall, login)


def test_listings_have_addresses() -> None:
    market = MercadoLivre()
    assert market.listing_url("ofertas") == f"{WWW}/ofertas"
    assert market.listing_url("hub") == f"{WWW}/afiliados/hub"
    assert (
        market.listing_url("search:Fone de Ouvido à prova d'água")
        == "https://lista.mercadolivre.com.br/fone-de-ouvido-a-prova-d-agua"
    )
    assert (
        MercadoLivre("https://www.mercadolibre.com.mx").listing_url("search:tele")
        == "https://listado.mercadolibre.com.mx/tele"
    )
    for source in ("search:", "search: ../", "elsewhere", ""):
        with pytest.raises(UsageError):
            market.listing_url(source)


def test_with_another_address_everything_is_fetched_there() -> None:
    market = MercadoLivre("http://127.0.0.1:8123/")
    assert market.listing_url("search:fone de ouvido") == "http://127.0.0.1:8123/fone-de-ouvido"
    assert market.owns("http://127.0.0.1:8123/p/MLB1")
    assert not market.owns("http://127.0.0.1:9999/p/MLB1")
    assert market.owns(f"{WWW}/p/MLB1")
    assert market.fetch_url(f"{ITEMS}/MLB-1-x-_JM?a=1#f") == "http://127.0.0.1:8123/MLB-1-x-_JM?a=1"
    assert market.fetch_url("https://shop.example/p/1") == "https://shop.example/p/1"
    assert "127.0.0.1" in market.hosts
    assert MercadoLivre().fetch_url(f"{ITEMS}/MLB-1?a=1") == f"{ITEMS}/MLB-1?a=1"


def reading(**ids: str) -> ProductReading:
    blank = ProductReading(
        marketplace="mercado_livre",
        url="",
        currency="BRL",
        title="x",
        price_cents=1,
        old_price_cents=None,
        discount_pct=None,
        external_id=None,
    )
    return replace(blank, **cast("Any", ids))


@pytest.mark.parametrize(
    ("asked", "ids"),
    [
        (f"{ITEMS}/MLB-2-x", {"item_id": "MLB2"}),
        (f"{WWW}/p/MLB1", {"catalogue_id": "MLB1", "item_id": "MLB9"}),
        (f"{WWW}/p/MLB1?pdp_filters=item_id%3AMLB2", {"catalogue_id": "MLB1", "item_id": "MLB2"}),
        (f"{WWW}/p/MLB1#wid=MLB2", {"catalogue_id": "MLB1", "item_id": "MLB9"}),
        (f"{WWW}/p/MLB1", {}),
        (f"{ITEMS}/MLB-2-x", {"catalogue_id": "MLB7"}),
    ],
)
def test_the_product_asked_for_is_accepted(asked: str, ids: dict[str, str]) -> None:
    MercadoLivre().check_same_product(asked, reading(**ids))


@pytest.mark.parametrize(
    ("asked", "ids", "words"),
    [
        (f"{ITEMS}/MLB-2-x", {"item_id": "MLB3"}, ("MLB2", "MLB3")),
        (f"{WWW}/p/MLB1?pdp_filters=item_id%3AMLB2", {"catalogue_id": "MLB1", "item_id": "MLB3"}, ("MLB2", "MLB3")),
        (f"{WWW}/p/MLB1", {"catalogue_id": "MLB5", "item_id": "MLB3"}, ("MLB1", "MLB5")),
        (f"{WWW}/up/MLBU1", {"user_product_id": "MLBU2"}, ("MLBU1", "MLBU2")),
    ],
)
def test_another_product_is_refused_and_both_are_named(asked: str, ids: dict[str, str], words: tuple[str, ...]) -> None:
    with pytest.raises(Redirected) as error:
        MercadoLivre().check_same_product(asked, reading(**ids))
    assert all(word in error.value.message for word in words)


def test_naming_a_marketplace_loads_no_parser() -> None:
    code = (
        "import sys; from offers_cli.marketplaces.mercado_livre import MercadoLivre; "
        "from offers_cli.marketplaces.schema_org import SchemaOrg; MercadoLivre().owns('https://x/'); SchemaOrg(); "
        "print([name for name in sys.modules if name.startswith('selectolax')])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


CLICK = "https://click1.mercadolivre.com.br/mclics/clicks/external/MLB/count?a=x"


def test_an_advertisement_is_located_by_its_ids_and_never_fetched() -> None:
    """Fetching it would count as a buyer's click, which somebody pays for."""
    place = MercadoLivre().locate(f"{CLICK}&searchVariation=MLB5#wid=MLB1")
    assert place is not None
    assert (place.url, place.external_id) == (
        "https://www.mercadolivre.com.br/p/MLB5?pdp_filters=item_id%3AMLB1",
        "MLB1",
    )
    assert MercadoLivre().locate(CLICK) is None
    with pytest.raises(ForbiddenUrl, match="counts as a click"):
        MercadoLivre().fetch_url(CLICK)


def test_where_pages_are_fetched() -> None:
    shop = MercadoLivre("http://127.0.0.1:9999")
    assert MercadoLivre().fetch_url(f"http://{WWW.partition('//')[2]}/p/MLB1") == f"{WWW}/p/MLB1"
    assert MercadoLivre().fetch_url(f"http://{WWW.partition('//')[2]}:80/p/MLB1") == f"{WWW}/p/MLB1"
    assert (
        MercadoLivre().fetch_url(f"ftp://{WWW.partition('//')[2]}/p/MLB1") == f"ftp://{WWW.partition('//')[2]}/p/MLB1"
    )
    assert MercadoLivre().fetch_url("https://meli.la/x") == "https://meli.la/x"
    assert shop.fetch_url("https://meli.la/x") == "http://127.0.0.1:9999/sec/x"
    assert shop.fetch_url("https://127.0.0.1:9999/p/MLB1?a=b") == "http://127.0.0.1:9999/p/MLB1?a=b"
    assert shop.fetch_url("https://other.example/p/1") == "https://other.example/p/1"


def profile(title: str | None, *cards: str) -> str:
    """An affiliate's profile without a state."""
    shown = "".join(
        f'<div class="poly-card"><h3><a class="poly-component__title" href="{WWW}/p/MLB{number}">{name}</a></h3>'
        '<div class="poly-component__price"><div class="poly-price__current"><span class="andes-money-amount">'
        '<span class="andes-money-amount__currency-symbol">R$</span>'
        '<span class="andes-money-amount__fraction">90</span></span></div></div></div>'
        for number, name in enumerate(cards, start=1)
    )
    meta = f'<meta property="og:title" content="{title}">' if title else ""
    return f"<!DOCTYPE html><html><head>{meta}</head><body>{shown}</body></html>"


@pytest.mark.parametrize(
    ("page", "url", "featured"),
    [
        (profile("Fone  azul", "Fone azul", "Capa"), f"{WWW}/social/nick?ref=x", f"{WWW}/p/MLB1"),
        (profile("Perfil de Ana", "Fone azul", "Capa"), f"{WWW}/social/nick", None),
        (profile("Capa", "Fone azul", "Capa"), f"{WWW}/social/nick", None),
        (profile(None, "Fone azul"), f"{WWW}/social/nick", None),
        (profile("Fone azul", "Fone azul", "Capa"), f"{WWW}/ofertas", None),
    ],
)
def test_a_profile_presents_the_product_that_its_link_was_made_for_or_none(
    page: str, url: str, featured: str | None
) -> None:
    """A wrong product is worse than none: what else a profile shows was not linked."""
    assert MercadoLivre().featured_url(page, url) == featured


def test_a_profiles_state_says_what_is_featured() -> None:
    pages = Path(__file__).parent / "pages"
    url = f"{WWW}/social/nick?matt_word=x"
    found = {
        name: MercadoLivre().featured_url((pages / f"listing_profile_with_{name}/page.html").read_text(), url)
        for name in ("featured_product", "shared_list")
    }
    assert (bool(found["featured_product"]), found["shared_list"]) == (True, None)

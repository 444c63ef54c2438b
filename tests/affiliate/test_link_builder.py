"""The link builder's answers: matched by address, refused with a meaning, never another's label."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from offers_cli.affiliate.link_builder import (
    REFUSALS,
    Link,
    create_body,
    find_csrf_token,
    label_of,
    read_json,
    read_links,
)
from offers_cli.errors import LabelRefused, LinkRefused, PageBlocked, PageChanged
from offers_cli.marketplaces.mercado_livre import MercadoLivre

TAG = "minhaetiqueta"
ONE, TWO = "https://www.mercadolivre.com.br/p/MLB1", "https://www.mercadolivre.com.br/p/MLB2"
LONG = "https://www.mercadolivre.com.br/social/nick?matt_word={}&matt_tool=123&forceInApp=true&ref=abc"


def made(url: str = ONE, **changed: Any) -> dict[str, Any]:
    return {
        "id": "21GQRjp",
        "created": True,
        "tag": TAG,
        "text": "🔍 Cole este texto no buscador do Mercado Livre: CX0V3Z-J3FE",
        "short_url": "https://meli.la/21GQRjp",
        "long_url": LONG.format(TAG),
        "origin_url": url,
    } | changed


def refused(code: Any, url: str = ONE, message: str | None = None) -> dict[str, Any]:
    return {"created": False, "origin_url": url, "tag": TAG, "error_code": code, "message": message}


def outcome(*items: Any, url: str = ONE) -> Any:
    return read_links({"urls": list(items)}, [url], TAG, link_host="127.0.0.1:80")[url]


def test_items_are_matched_by_their_address_and_not_by_their_place() -> None:
    found = read_links({"urls": [made(TWO, short_url="https://meli.la/2"), made(ONE)]}, [ONE, TWO], TAG, link_host="")
    assert found[ONE] == Link(url="https://meli.la/21GQRjp", affiliation_id="CX0V3Z-J3FE")
    assert found[TWO] == Link(url="https://meli.la/2", affiliation_id="CX0V3Z-J3FE")


@pytest.mark.parametrize("code", REFUSALS)
def test_every_known_code_is_a_refusal_with_its_meaning(code: int) -> None:
    for written in (code, str(code)):
        error = outcome(refused(written))
        assert isinstance(error, LinkRefused)
        assert REFUSALS[code] in error.message
        assert f"code {code}" in error.message


def test_an_unknown_code_is_refused_in_the_programme_s_own_words() -> None:
    error = outcome(refused(9999, message="Not today."))
    assert isinstance(error, LinkRefused)
    assert "Not today." in error.message


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (1010, "The tag does not exist."),
        (1010, "A etiqueta não existe"),
        (109, "Tag is not associated to the user"),
        (109, None),
    ],
)
def test_an_unknown_label_is_no_fault_of_the_product(code: int, message: str | None) -> None:
    with pytest.raises(LabelRefused, match=TAG) as caught:
        outcome(refused(code, message=message))
    assert "ML_AFFILIATE_TAG" in caught.value.hint


@pytest.mark.parametrize(
    "item",
    [
        made(tag="alheio"),
        made(long_url=LONG.format("alheio")),
        made(long_url=LONG.format(TAG) + "&matt_word=alheio", tag=None),
        made(tag=None, long_url=None),
        made(tag="alheio", long_url=LONG.format("alheio")),
    ],
)
def test_a_link_must_credit_our_label_and_no_other(item: dict[str, Any]) -> None:
    error = outcome(item)
    assert isinstance(error, PageChanged)
    assert TAG in error.message


@pytest.mark.parametrize("item", [made(tag=None), made(long_url=None)])
def test_one_sign_of_our_label_is_enough_when_nothing_contradicts(item: dict[str, Any]) -> None:
    assert isinstance(outcome(item), Link)


@pytest.mark.parametrize(
    "url",
    [
        *("javascript:alert(1)", "http://meli.la/x", "https://meli.la.evil.example/x", "https://evil.example/meli.la"),
        *("//meli.la/x", "ftp://meli.la/x", "https://notmercadolivre.com.br/sec/x"),
    ],
)
def test_a_link_leads_to_the_marketplace_and_nowhere_else(url: str) -> None:
    assert isinstance(outcome(made(short_url=url)), PageChanged)


@pytest.mark.parametrize("url", ["https://mercadolivre.com/sec/1a2b", "https://www.mercadolivre.com.br/sec/1a2b"])
def test_older_short_links_are_links(url: str) -> None:
    assert outcome(made(short_url=url)) == Link(url=url, affiliation_id="CX0V3Z-J3FE")


@pytest.mark.parametrize(
    "items",
    [
        [],
        [made(TWO)],
        [made(), made(short_url="https://meli.la/other")],
        [made(), refused(111)],
        [{"origin_url": ONE}],
        ["text", None, 7],
    ],
)
def test_an_answer_that_does_not_tell_one_thing_is_none(items: list[Any]) -> None:
    assert isinstance(outcome(*items), PageChanged)


def test_the_same_item_twice_is_one_answer() -> None:
    assert isinstance(outcome(made(), made()), Link)


def test_a_text_without_a_code_gives_none() -> None:
    link = outcome(made(text="Cole este texto"))
    assert isinstance(link, Link)
    assert link.affiliation_id is None


@pytest.mark.parametrize("data", [None, [], {}, {"urls": None}, {"urls": {"a": 1}}, "text", 5])
def test_an_answer_without_items_is_told(data: Any) -> None:
    with pytest.raises(PageChanged):
        read_links(data, [ONE], TAG, link_host="")


def test_answers_may_be_plain_or_base64() -> None:
    text = json.dumps({"urls": ["ü"]})
    packed = base64.b64encode(text.encode()).decode()
    for form in (text, packed, f'"{packed}"', f"{packed[:10]}\n{packed[10:]}\n"):
        assert read_json(form) == {"urls": ["ü"]}
    for broken in ("", "hello", "[" * 100_000, base64.b64encode(b"\xff\xfe").decode()):
        with pytest.raises(PageChanged):
            read_json(broken)
    with pytest.raises(PageBlocked):
        read_json("  <!DOCTYPE html><title>Mercado Livre</title>")


@pytest.mark.parametrize(
    ("page", "token"),
    [
        ('<meta name="csrf-token" content="0123456789abcdef">', "0123456789abcdef"),
        ("<meta data-x='1' content='0123456789abcdef' name='csrf-token'/>", "0123456789abcdef"),
        ('<script>{"pageSettings":{"csrfToken" : "0123456789abcdef"}}</script>', "0123456789abcdef"),
        ('<meta name="csrf-token" content="a&#43;b&#x2F;01234567">', "a+b/01234567"),
        ('<meta name="csrf-token" content="">', None),
        ('<meta name="csrf-token" content="two words here">', None),
        ("<html>Digite seu e-mail</html>", None),
    ],
)
def test_the_token_of_a_page(page: str, token: str | None) -> None:
    assert find_csrf_token(page) == token


def test_the_label_of_a_long_link() -> None:
    assert label_of(LONG.format(TAG)) == TAG
    assert label_of("https://meli.la/21GQRjp") is None
    assert label_of(LONG.format(TAG) + "&matt_word=other") is None
    assert label_of("http://[") is None


def test_what_is_asked() -> None:
    assert create_body((ONE, TWO), TAG) == {"urls": [ONE, TWO], "tag": TAG}


@pytest.mark.parametrize(
    ("url", "asked"),
    [
        (
            f"{ONE}?pdp_filters=item_id%3AMLB7&matt_word=alheio&utm_source=x#wid=MLB7",
            f"{ONE}?pdp_filters=item_id%3AMLB7",
        ),
        ("https://produto.mercadolivre.com.br/MLB-1-x-_JM#tracking", "https://produto.mercadolivre.com.br/MLB-1-x-_JM"),
        ("https://click1.mercadolivre.com.br/mclics/clicks/external/MLB/count?a=x#wid=MLB7", None),
        ("https://www.mercadolivre.com.br/ofertas", None),
        ("https://shop.example/p/MLB1", None),
    ],
)
def test_links_are_asked_for_clean_product_addresses_alone(url: str, asked: str | None) -> None:
    assert MercadoLivre().link_url(url) == asked


def test_a_configured_address_stands_for_the_marketplace() -> None:
    moved = MercadoLivre("http://127.0.0.1:8000")
    assert moved.link_url(ONE) == "http://127.0.0.1:8000/p/MLB1"
    assert (moved.cookie_domain, moved.cookie_domains) == ("127.0.0.1", ("127.0.0.1",))
    assert MercadoLivre().cookie_domain == "mercadolivre.com.br"

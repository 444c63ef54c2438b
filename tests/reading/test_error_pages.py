"""What Mercado Livre's own error pages say, in each wording: one that passes, or no such page. And its walls."""

from __future__ import annotations

import pytest

from offers_cli.errors import ErrorPage, OfferGone, PageBlocked, PageChanged
from offers_cli.marketplaces.mercado_livre import MercadoLivre

URL = "https://produto.mercadolivre.com.br/MLB-5000000001-cafeteira-_JM"
ERRORS = [
    "Ocorreu um erro", "Ocurrió un error", "Ocurrio un error", "Hubo un error", "Algo deu errado", "Algo salió mal",
    "Algo salio mal", "Site temporariamente indisponível",
]  # fmt: skip
MISSING = [
    "Esta página não existe", "Essa página não existe", "Essa pagina não existe", "Esta página no existe",
    "La página no existe",
]  # fmt: skip


@pytest.mark.parametrize("tag", ["h1", "h2", "h3", "h4"])
@pytest.mark.parametrize("words", ERRORS)
def test_a_heading_that_tells_of_an_error_is_one_that_passes(words: str, tag: str) -> None:
    with pytest.raises(ErrorPage, match=r"^the site answered with its own error page$") as caught:
        MercadoLivre().read(f"<html><body><{tag}>{words}</{tag}></body></html>", URL)
    assert caught.value.hint == "try again later"


@pytest.mark.parametrize("words", MISSING)
def test_a_heading_that_no_such_page_exists_ends_the_offer(words: str) -> None:
    with pytest.raises(OfferGone, match=r"^the site says that this page does not exist$"):
        MercadoLivre().read(f"<html><head><title>{words}</title></head><body></body></html>", URL)


@pytest.mark.parametrize("words", [*ERRORS, *MISSING])
def test_such_words_outside_of_headings_say_nothing_of_the_page(words: str) -> None:
    """Every page's cookie banner says that an error occurred."""
    with pytest.raises(PageChanged):
        MercadoLivre().read(f"<html><body><p>{words}</p></body></html>", URL)


# --- Walls ---

VERIFICATION, CHALLENGE = "an account verification", "a JavaScript challenge"
MARKS = [
    ('<div class="account-verification-main"></div>', VERIFICATION),
    ('<main class="account-verification"></main>', VERIFICATION),
    ('<a href="/x?loginType=negative_traffic">Entrar</a>', VERIFICATION),
    ('<a href="/x?registrationType=negative_traffic">Criar</a>', VERIFICATION),
    ('<div class="x micro-landing-container"></div>', CHALLENGE),
    ('<div class="micro-landing"></div>', CHALLENGE),
]
DOORS = [
    ('<a href="/gz/account-verification?go=x">Continuar</a>', "a verification"),
    ('<form action="/gz/account-verification"></form>', "a verification"),
    ('<form action="/captcha/check"></form>', "a verification"),
    ("<script>window._bm_skipml = 1</script>", "a verification"),
    ("<script>verifyChallenge()</script>", "a verification"),
    ('<script src="/suspicious-traffic-frontend/x.js"></script>', "a verification"),
    ('<script>location = "/security/suspicious_traffic"</script>', "a verification"),
    ('<form id="login_user_form"></form>', "a login"),
    ('<form action="/lgz/msl/login"></form>', "a login"),
    ('<form method="POST" action="/jms/mlb/lgz/login"></form>', "a login"),
]
CARD = '<h1 class="ui-pdp-title">Fone</h1><span class="andes-money-amount">R$ 80</span>'


def wall(body: str, url: str = URL) -> str:
    with pytest.raises(PageBlocked) as caught:
        MercadoLivre().read(f"<html><body>{body}</body></html>", url)
    assert caught.value.hint
    return caught.value.message


def answered_with(what: str) -> str:
    return f"the site answered with {what} instead of the page"


@pytest.mark.parametrize(("mark", "what"), MARKS)
def test_a_wall_is_named_whatever_product_it_shows_beside(mark: str, what: str) -> None:
    assert wall(mark) == wall(mark + CARD) == answered_with(what)


@pytest.mark.parametrize(("door", "what"), DOORS)
def test_what_leads_through_a_wall_is_one_where_nothing_else_is_seen(door: str, what: str) -> None:
    assert wall(door) == answered_with(what)


@pytest.mark.parametrize("path", ["/gz/account-verification", "/jms/mlb/lgz/login"])
def test_the_address_of_a_wall_is_enough(path: str) -> None:
    assert wall(CARD, f"https://www.mercadolivre.com.br{path}?go=x") == answered_with("a login or a verification")


def test_on_an_affiliates_own_pages_a_login_is_what_strangers_get_and_a_wall_is_a_wall() -> None:
    hub = "https://www.mercadolivre.com.br/afiliados/hub"
    market, (mark, what) = MercadoLivre(), MARKS[0]
    assert market.find_account_wall("<html><p>Olá</p></html>", hub) is None
    blocked = market.find_account_wall(f"<html><body>{mark}</body></html>", hub)
    assert blocked is not None
    assert blocked.message == answered_with(what)
    assert market.find_account_wall(f'<html><body>{mark}<form id="login_user_form"></form></body></html>', hub) is None
    asked = market.find_account_wall("<html></html>", "https://www.mercadolivre.com.br/gz/account-verification")
    assert asked is not None
    assert asked.message == answered_with("a login or a verification")

"""What Mercado Livre's own error pages say, in each wording: an error that passes, or a page that does not exist."""

from __future__ import annotations

import pytest

from offers_cli.errors import ErrorPage, OfferGone, PageChanged
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
    with pytest.raises(ErrorPage, match="the site answered with its own error page") as caught:
        MercadoLivre().read(f"<html><body><{tag}>{words}</{tag}></body></html>", URL)
    assert caught.value.hint == "try again later"


@pytest.mark.parametrize("words", MISSING)
def test_a_heading_that_no_such_page_exists_ends_the_offer(words: str) -> None:
    with pytest.raises(OfferGone, match="the site says that this page does not exist"):
        MercadoLivre().read(f"<html><head><title>{words}</title></head><body></body></html>", URL)


@pytest.mark.parametrize("words", [*ERRORS, *MISSING])
def test_such_words_outside_of_headings_say_nothing_of_the_page(words: str) -> None:
    """Every page's cookie banner says that an error occurred."""
    with pytest.raises(PageChanged):
        MercadoLivre().read(f"<html><body><p>{words}</p></body></html>", URL)

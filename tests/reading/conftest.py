"""The captures of real pages, and the marketplace that reads them."""

from __future__ import annotations

import pytest
from reading.captures import RealPages, real_pages_folder

from offers_cli.marketplaces.mercado_livre import MercadoLivre


@pytest.fixture(scope="session")
def real_pages() -> RealPages:
    folder = real_pages_folder()
    if folder is None:
        pytest.skip("no captures: set OFFERS_REAL_PAGES to their folder")
    return RealPages(folder)


@pytest.fixture
def market() -> MercadoLivre:
    return MercadoLivre()

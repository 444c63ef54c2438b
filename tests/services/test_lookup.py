"""What an operator may call an offer, and what is said where that fits none or several."""

from __future__ import annotations

import pytest
from storage.cases import card, save

from offers_cli.errors import Ambiguous, NotFound
from offers_cli.marketplaces.base import Marketplace
from offers_cli.marketplaces.mercado_livre import MercadoLivre
from offers_cli.marketplaces.schema_org import SchemaOrg
from offers_cli.services.lookup import as_link, find_offer
from offers_cli.services.offers import show
from offers_cli.storage.base import Storage, StoredOffer

SHOPS: tuple[Marketplace, ...] = MercadoLivre(), SchemaOrg()
LOCAL = "http://127.0.0.1:18801"
SITE = "www.mercadolivre.com.br"


def find(name: str, storage: Storage, *, base_url: str | None = None) -> StoredOffer:
    shops = (MercadoLivre(base_url), SchemaOrg()) if base_url else SHOPS
    return find_offer(name, storage=storage, marketplaces=shops)


@pytest.fixture
def shelf(database: Storage) -> Storage:
    """One item of a catalogue product, one item of a user product, and one offer of another shop."""
    save(
        database,
        card(7000014367, catalogue_id="MLB40005155", url=f"https://{SITE}/p/MLB40005155", title="Cafeteira Elétrica"),
        card(52, url=f"https://{SITE}/up/MLBU88?pdp_filters=item_id%3AMLB52"),
        card(marketplace="schema_org", external_id="loja.example/p/9", url="https://www.loja.example/p/9"),
    )
    return database


@pytest.mark.parametrize(
    "name",
    [
        "MLB7000014367",
        " MLB-7000014367 ",
        "mlb7000014367",
        "mlb-7000014367",
        "7000014367",
        "MLB40005155",
        "mlb-40005155",
        "https://produto.mercadolivre.com.br/MLB-7000014367-cafeteira-_JM?searchVariation=1#position=2",
        "HTTPS://Produto.MercadoLivre.com.br/MLB-7000014367-cafeteira-_JM",
        "produto.mercadolivre.com.br/MLB-7000014367-cafeteira-_JM",
        "<https://www.mercadolivre.com.br/p/MLB40005155?pdp_filters=item_id%3AMLB7000014367>",
        f"http://{SITE}/cafeteira/p/MLB40005155?matt_word=x&matt_tool=9&utm_source=zap",
        f"{SITE}/p/MLB40005155#wid=MLB7000014367&sid=search",
        "https://click1.mercadolivre.com.br/mclics/clicks/external/MLB/count?a=z#wid=MLB7000014367",
        f"{SITE}/noindex/services/MLB7000014367/payments",
    ],
)
def test_an_offer_has_many_names(shelf: Storage, name: str) -> None:
    assert find(name, shelf).external_id == "MLB7000014367"


def test_an_offer_is_found_by_its_own_id_its_beginning_and_its_job(shelf: Storage) -> None:
    offer = find("MLB52", shelf)
    names = (offer.id, offer.id.upper(), f"enrich-{offer.id}", f"ENRICH-{offer.id.upper()}", offer.id.replace("-", ""))
    assert {find(name, shelf).id for name in names} == {offer.id}
    for length in (12, 20, 30):
        assert find(offer.id[:length], shelf) == find(f"enrich-{offer.id[:length]}", shelf) == offer


@pytest.mark.parametrize("name", ["MLBU88", "mlbu-88", f"https://{SITE}/nome/up/MLBU88", f"{SITE}/up/MLBU88#wid=MLB52"])
def test_an_offer_is_found_by_its_user_product(shelf: Storage, name: str) -> None:
    assert find(name, shelf).external_id == "MLB52"


@pytest.mark.parametrize("name", ["loja.example/p/9", "https://loja.example/p/9?utm_source=x", "www.loja.example/p/9"])
def test_an_offer_of_another_shop_is_found_by_its_id_and_its_link(shelf: Storage, name: str) -> None:
    assert find(name, shelf).marketplace == "schema_org"


def test_links_at_the_configured_address_are_links_of_the_shop(shelf: Storage) -> None:
    for name in (f"{LOCAL}/p/MLB40005155", "127.0.0.1:18801/p/MLB40005155"):
        assert find(name, shelf, base_url=LOCAL).external_id == "MLB7000014367"


def test_several_offers_of_one_product_are_all_named(shelf: Storage) -> None:
    save(shelf, card(8, catalogue_id="MLB40005155", title="Cafeteira usada"), minute=1)
    with pytest.raises(Ambiguous, match="names 2 offers") as caught:
        find("MLB40005155", shelf)
    assert "MLB8 (Cafeteira usada)" in caught.value.message
    assert "MLB7000014367 (Cafeteira Elétrica)" in caught.value.message
    assert caught.value.exit_code == 2
    shown = show("MLB40005155", storage=shelf, marketplaces=SHOPS)
    assert (shown.offer, shown.exit_code) == (None, 2)
    assert {offer.external_id for offer in shown.candidates} == {"MLB8", "MLB7000014367"}


def test_an_offers_own_id_comes_before_a_catalogue_product_of_that_number(shelf: Storage) -> None:
    save(shelf, card(40005155, title="Item"), minute=1)
    assert find("MLB40005155", shelf).title == "Item"


def test_a_link_to_one_sellers_offer_is_no_other_sellers(shelf: Storage) -> None:
    """Whoever asks for it by name means that price, not that of the same product elsewhere."""
    with pytest.raises(NotFound, match="MLB999") as caught:
        find(f"https://{SITE}/p/MLB40005155?pdp_filters=item_id%3AMLB999", shelf)
    assert caught.value.hint.startswith("offers add")


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("MLB7000014376", "offers show MLB7000014367"),
        ("MLB700001436", "offers show MLB7000014367"),
        ("MLB-700014367", "offers show MLB7000014367"),
        ("cafeteira eletrica", "offers show MLB7000014367"),
        ("MLB1", "offers add LINK, with the product's link, saves it"),
        ("", "offers list --search WORDS"),
        ("*", "offers list --search WORDS"),
        ("nope", "offers list --search WORDS"),
        ("'; DROP TABLE offers; --", "offers list --search WORDS"),
        ("https://meli.la/2abCdEf", "offers add LINK follows it"),
        ("mercadolivre.com/sec/1AbCdE", "offers add LINK follows it"),
        (f"https://{SITE}/p/MLB3", "offers add LINK saves it"),
        ("enrich-11111111-2222-4333-8444-555555555555", "offers list --search WORDS"),
    ],
)
def test_what_fits_no_offer_says_so_and_what_may_help(shelf: Storage, name: str, hint: str) -> None:
    with pytest.raises(NotFound) as caught:
        find(name, shelf)
    assert (caught.value.hint, caught.value.exit_code) == (hint, 2)


def test_what_a_message_repeats_is_harmless_and_no_secret(shelf: Storage) -> None:
    for name in ("\x1b[31m", "https://meli.la/x?token=\x1b[31mhidden"):
        with pytest.raises(NotFound) as caught:
            find(name, shelf)
        assert "\x1b" not in caught.value.message
        assert "hidden" not in caught.value.message


@pytest.mark.parametrize(
    "word", ["page.html", "MLB1", "a/b", "./x.com/y", "~/x.com/a", "produto", "a.b", "", "//x.com/a"]
)
def test_what_is_no_link_is_none(word: str) -> None:
    assert as_link(word, SHOPS) is None

"""A product page of any shop: its JSON-LD, microdata and OpenGraph, weighed against each other."""

from __future__ import annotations

from functools import cached_property, partial

from offers_cli.errors import OfferGone, PageChanged, PageError, ShopUnknown
from offers_cli.marketplaces import json_ld
from offers_cli.marketplaces.base import SCHEMA_ORG, ProductReading
from offers_cli.marketplaces.evidence import NO_PRICES, Evidence, ReconciledPrices, build_reading, reconcile
from offers_cli.marketplaces.html import Document, explain_command, select
from offers_cli.marketplaces.json_ld import Node, plain, text_or_number
from offers_cli.marketplaces.schema_org.addresses import key_of, place_of
from offers_cli.marketplaces.schema_org.facts import facts_of
from offers_cli.marketplaces.schema_org.microdata import read_products
from offers_cli.marketplaces.schema_org.own_product import (
    OwnProduct,
    PageIdentity,
    find_own,
    keys_of,
    look_at,
    name_of,
    products_of,
)
from offers_cli.marketplaces.schema_org.shown import Shown
from offers_cli.marketplaces.walls import find_challenge
from offers_cli.money import currency_code, format_cents
from offers_cli.offer import PriceCondition

UNKNOWN_CURRENCY = "XXX"
"""ISO 4217 for "no currency": a price whose page does not tell its currency is not guessed to be in reais."""

META_PRICE = "product:sale_price:amount", "product:price:amount", "og:price:amount"
META_OLD_PRICE = "product:original_price:amount", "og:price:standard_amount"
META_CURRENCY = "product:sale_price:currency", "product:price:currency", "og:price:currency"


def read_product(document: Document, url: str) -> ProductReading:
    """Read the product that a page is of. Prices in hundredths of the currency that the page names, ``XXX`` of none.

    Raises:
        OfferGone: the page says that it is out of stock.
        PageChanged: no single price, or prices or currencies that disagree; its `reading` holds every candidate.
        ShopUnknown: nothing on the page tells of a product in a way that is read here.
        PageBlocked: a captcha or browser check stands in its place.
    """
    page = _ProductPage(document, url)
    try:
        return page.read()
    except (PageChanged, ShopUnknown) as error:
        error.reading = page.reading()
        raise


def shop_unknown(url: str) -> ShopUnknown:
    """The error for a page without product data."""
    return ShopUnknown("the page publishes no product data that offers can read", hint=explain_command(url))


class _ProductPage:
    """What is gathered of one page, and what is believed of it."""

    def __init__(self, document: Document, url: str) -> None:
        self.document = document
        self.url = url
        self.page: PageIdentity = look_at(document, url)
        self.evidence = Evidence()
        self.own: OwnProduct | None = None
        linked, marked = products_of(document.linked_data), read_products(document)
        self.has_product = bool(linked or marked)
        self.metas = _metas(document)
        self._gather_linked_data(linked)
        self._gather_microdata(marked)
        self._gather_open_graph()
        self._gather_heading()

    @cached_property
    def shown(self) -> Shown:
        """The amounts that the page shows."""
        return Shown(self.document, self.evidence.first_text("currency"))

    def read(self) -> ProductReading:
        """Weigh what was gathered."""
        evidence, url = self.evidence, self.url
        currencies = evidence.values("currency")
        if len(set(currencies)) > 1:
            raise PageChanged(f"the page names different currencies: {currencies}", hint=explain_command(url))
        if False in evidence.values("available"):
            raise OfferGone(
                "the product is out of stock",
                hint="it returns when a listing shows it again",
                reading=self.reading(available=False),
            )
        if shown := next(iter(evidence.cents("price_cents")), None):
            self._gather_shown(shown)
        prices = reconcile(evidence, currency=self._currency)
        if prices is None or prices.price_cents is None:
            raise self._unreadable()
        if self.shown.contradict(prices.price_cents):
            named = format_cents(prices.price_cents, self._currency)
            raise PageChanged(f"the page shows other amounts than the {named} of its data", hint=explain_command(url))
        return self.reading(prices)

    def _unreadable(self) -> PageError:
        if challenge := find_challenge(self.document):
            return challenge
        candidates = self.evidence.found.get("price_cents", ())
        if not (candidates or self.has_product or _tells_of_product(self.document)):
            return shop_unknown(self.url)
        why = "; ".join(candidate.note for candidate in candidates if candidate.note) or "none"
        return PageChanged(f"no single price in schema.org data: {why}", hint=explain_command(self.url))

    @property
    def _currency(self) -> str:
        return self.evidence.first_text("currency") or UNKNOWN_CURRENCY

    def reading(self, prices: ReconciledPrices = NO_PRICES, *, available: bool = True) -> ProductReading:
        """What was read; a variant that was asked for keeps the address that names it."""
        shown = key_of(self.document.address or self.url)
        is_asked = self.own is not None and self.own.is_variant and place_of(shown) == place_of(self.page.asked)
        return build_reading(
            self.evidence,
            prices,
            marketplace=SCHEMA_ORG,
            url=self.url,
            currency=self._currency,
            external_id=(self.page.asked if is_asked else shown) or None,
            available=available,
        )

    def _gather_linked_data(self, products: list[Node]) -> None:
        self.own = find_own(products, self.page)
        if self.own is not None:
            self._gather_product("json_ld", self.own.node)
        elif products:
            self.evidence.add("price_cents", "json_ld", f"{len(products)} products", None, "several products")

    def _gather_microdata(self, products: list[Node]) -> None:
        """The product in the markup that is the linked data's, or, where there are none, the page's own."""
        if self.own is None:
            self.own = find_own(products, self.page)
            if self.own is not None:
                self._gather_product("microdata", self.own.node)
            elif products:
                self.evidence.add("price_cents", "microdata", f"{len(products)} products", None, "several products")
            return
        for product in products:
            if self._is_same(product, self.own.node):
                self._gather_product("microdata", product)

    def _is_same(self, product: Node, own: Node) -> bool:
        """Whether it is the same one by name, address or id; a nameless one can only confirm or contradict a price."""
        if name := name_of(product):
            return name in {name_of(own), plain(self.page.heading)}
        ids = [{text_or_number(node.get("sku")), *keys_of(node, self.page)} - {None} for node in (product, own)]
        return bool(ids[0] & ids[1]) or bool(self.evidence.values("price_cents"))

    def _gather_product(self, strategy: str, product: Node) -> None:
        evidence = self.evidence
        evidence.add_text("currency", strategy, json_ld.quote(product).currency)
        quote = json_ld.quote(product, self.shown.certain)
        evidence.add("price_cents", strategy, quote.raw, quote.price_cents, quote.note)
        if quote.old_price_cents is not None:
            evidence.add("old_price_cents", strategy, quote.old_price_cents, quote.old_price_cents)
        evidence.add_text("title", strategy, text_or_number(product.get("name")))
        sku = text_or_number(product.get("sku")) or text_or_number(product.get("productID"))
        evidence.add_text("item_id", strategy, sku)
        if quote.availability:
            evidence.add("available", strategy, quote.availability, value=not quote.is_unavailable)
        titles = filter(None, (self.page.heading, text_or_number(product.get("name"))))
        for name, value in facts_of(product, self.document.linked_data, titles=titles).known().items():
            evidence.add(name, strategy, value, value)

    def _gather_open_graph(self) -> None:
        evidence, metas = self.evidence, self.metas
        currency = currency_code(_first_of(metas, META_CURRENCY) or "")
        evidence.add_text("currency", "open_graph", currency)
        for field, names in (("price_cents", META_PRICE), ("old_price_cents", META_OLD_PRICE)):
            if value := _first_of(metas, names):
                read = partial(json_ld.read_price, value, currency, self.shown.certain)
                evidence.add_price(field, "open_graph", value, read)
        if state := metas.get("product:availability") or metas.get("og:availability"):
            evidence.add("available", "open_graph", state, value=not json_ld.is_sold_out(state))
        if "price_cents" in evidence.found and "title" not in evidence.found and not self.page.heading:
            evidence.add_text("title", "open_graph", metas.get("og:title"))

    def _gather_shown(self, price_cents: int) -> None:
        """What the page shows beside its price: the one before, by what it is paid, what a card pays."""
        evidence, shown = self.evidence, self.shown
        if (old := shown.old_price(price_cents)) is not None:
            evidence.add("old_price_cents", "shown", old.text, old.cents)
        if shown.is_by_pix(price_cents):
            evidence.add("price_condition", "shown", "Pix", PriceCondition.PIX)
        if instalments := shown.instalments(price_cents, self._currency):
            total, told = instalments.total_cents, instalments
            if total is not None and total > price_cents:
                evidence.add("card_price_cents", "shown", total, total)
            evidence.add("installments_count", "shown", told.count, told.count)
            evidence.add("installment_cents", "shown", told.each_cents, told.each_cents)
            evidence.add("interest_free", "shown", told.is_free, told.is_free)

    def _gather_heading(self) -> None:
        """The page's heading, before a name that is only the beginning of it."""
        if not self.page.heading or "price_cents" not in self.evidence.found:
            return
        heading, name = self.page.heading, self.evidence.first_text("title")
        self.evidence.add_text("title", "heading", heading)
        if name and plain(heading).startswith(plain(name)):
            self.evidence.found["title"].insert(0, self.evidence.found["title"].pop())


def _metas(document: Document) -> dict[str, str]:
    metas: dict[str, str] = {}
    for node in select(document.tree, "meta[property], meta[name]"):
        name = node.attributes.get("property") or node.attributes.get("name") or ""
        metas.setdefault(name, (node.attributes.get("content") or "").strip())
    return metas


def _tells_of_product(document: Document) -> bool:
    """Whether linked data that cannot be decoded would tell of one."""
    scripts = select(document.tree, 'script[type="application/ld+json" i]')
    texts = (script.text(deep=True) for script in scripts)
    return any('"Product"' in text and not json_ld.parse_nodes(text) for text in texts)


def _first_of(metas: dict[str, str], names: tuple[str, ...]) -> str | None:
    return next((metas[name] for name in names if metas.get(name)), None)

"""A product page: its own price, previous price and discount, by three ways that each suffice alone.

In order of trust: ``state`` (embedded data), ``dom`` (the own price box) with ``microdata`` (its machine-readable
price), ``json_ld`` (the Product block). ``canonical`` and ``url`` tell ids only.
Titles alone prove nothing: walls have them too.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Any

from offers_cli.errors import OfferGone, PageChanged, Redirected
from offers_cli.marketplaces import json_ld
from offers_cli.marketplaces.base import MERCADO_LIVRE, ProductReading
from offers_cli.marketplaces.evidence import NO_PRICES, Evidence, ReconciledPrices, agree, build_reading, reconcile
from offers_cli.marketplaces.html import Document, explain_command, select, text_of
from offers_cli.marketplaces.mercado_livre import price_box, product_facts, product_state, selectors
from offers_cli.marketplaces.mercado_livre.amounts import amounts_in
from offers_cli.marketplaces.mercado_livre.price_box import main_nodes
from offers_cli.marketplaces.mercado_livre.sites import BRAZIL, Site, find_site
from offers_cli.marketplaces.mercado_livre.state import Json, text_in
from offers_cli.marketplaces.mercado_livre.urls import (
    Identity,
    identify,
    item_id_in,
    site_of,
    user_product_id_in,
    variation_in,
)
from offers_cli.marketplaces.mercado_livre.walls import find_ended_message, find_ended_text
from offers_cli.money import format_cents

ID_NAMES = ("item_id", "catalogue_id", "user_product_id")


class ProductPage:
    """What one product page says of its product."""

    def __init__(self, document: Document, url: str, states: list[Json]) -> None:
        self.document = document
        self.url = url or self.address
        self.states = product_state.find_product_states(states)
        self.state = next(iter(self.states), None)
        self.evidence = Evidence()

    @property
    def address(self) -> str:
        """The address that the page calls its own; empty without one."""
        return self.document.address or ""

    @cached_property
    def site(self) -> Site:
        """The country whose way of writing the page follows."""
        told = (self.state or {}).get("siteId") or (self.state or {}).get("id")
        named = find_site(told if isinstance(told, str) else None)
        return named or site_of(self.address) or site_of(self.url) or BRAZIL

    def is_certain(self) -> bool:
        """Whether state or markup say that this is a product page."""
        if self.state is not None:
            return True
        return next(main_nodes(select(self.document.tree, selectors.PRODUCT_MARKS)), None) is not None

    def is_likely(self) -> bool:
        """Whether at least its linked data describe one product."""
        return len(json_ld.products(self.document.linked_data)) == 1

    def read(self) -> ProductReading:
        """Gather what each strategy finds, and weigh it.

        Raises:
            OfferGone: the product cannot be bought; its `reading` holds what the page still says.
            PageChanged: no price, or prices that disagree; its `reading` holds every candidate.
            Redirected: the page shows another variant than its address asks for.
        """
        asked = identify(self.url)
        for state in self.states:
            product_state.gather(self.evidence, state, self.site, asked.item_id if asked.pinned else None)
            product_facts.gather_state(self.evidence, state, self.site)
        self._gather_dom()
        self._gather_linked_data()
        self._gather_addresses()
        try:
            return self._weigh()
        except PageChanged as error:
            error.reading = self._reading(self.site.currency)
            raise

    def _weigh(self) -> ProductReading:
        self._check_variant()
        currency = self._currency()
        if False in self.evidence.values("available"):
            raise self._gone(currency)
        for candidate in self.evidence.found.get("price_cents", ()):
            if what := price_box.NO_OWN_PRICE.get(candidate.note):
                raise self._changed(f"the page shows {what}")
        prices = reconcile(self.evidence, currency=currency)
        if prices is None:
            has_box = any(candidate.strategy == "dom" for candidate in self.evidence.found.get("price_cents", ()))
            if not has_box and (ended := find_ended_text(self.document)):
                self.evidence.add("available", "dom", ended, value=False)
                raise self._gone(currency)
            raise self._changed("a product page whose own price cannot be found")
        if not self._shows(prices.price_cents or 0):
            price = format_cents(prices.price_cents or 0, currency)
            raise self._changed(f"of the amounts that the page shows, none is the {price} of its data")
        return self._reading(currency, prices)

    def _changed(self, what: str) -> PageChanged:
        return PageChanged(what, hint=explain_command(self.url))

    def _check_variant(self) -> None:
        asked, shown = variation_in(self.url), product_state.variation_of(self.state) if self.state else None
        if asked and shown and asked != shown:
            what = f"asked for the variant {asked}, the page shows {shown}"
            raise Redirected(what, hint=explain_command(self.url))

    def _currency(self) -> str:
        """The one currency that the page names, or its country's."""
        for candidate in self.evidence.found.get("currency", ()):
            if candidate.value is None:
                raise self._changed(f"the page shows its price in a currency unknown here: {candidate.raw}")
        named = [value for value in self.evidence.values("currency") if isinstance(value, str)]
        if len(set(named)) > 1:
            raise self._changed(f"the page names different currencies: {', '.join(named)}")
        return named[0] if named else self.site.currency

    @property
    def _has_box_price(self) -> bool:
        found = self.evidence.found.get("price_cents", ())
        return any(candidate.strategy == "dom" and candidate.value is not None for candidate in found)

    def _shows(self, price_cents: int) -> bool:
        """Whether a price that no element is known for is among the amounts that the page shows, if it shows any."""
        if self._has_box_price:
            return True
        amounts = amounts_in(self.document.visible_text)
        return not amounts or any(agree(price_cents, amount) for amount in amounts)

    def _gather_dom(self) -> None:
        tree = self.document.tree
        heading = next(main_nodes([*select(tree, selectors.HEADING), *select(tree, "h1")]), None)
        self.evidence.add_text("title", "dom", text_of(heading))
        price_box.gather(self.evidence, self.document, self.site)
        product_facts.gather_elements(self.evidence, self.document, self.site)
        self.evidence.add_text("item_id", "dom", next(self._dom_item_ids(), None))
        if ended := find_ended_message(tree, shows_price=self._has_box_price):
            self.evidence.add("available", "dom", ended, value=False)

    def _dom_item_ids(self) -> Iterator[str]:
        """Ids of the buy form and of the payments link, the page's own before any other seller's."""
        tree = self.document.tree
        for node in main_nodes(select(tree, selectors.ITEM_FIELDS)):
            if item_id := item_id_in(node.attributes.get("value")):
                yield item_id
        for node in main_nodes(select(tree, selectors.PAYMENTS_LINK)):
            if item_id := identify(node.attributes.get("href") or "").item_id:
                yield item_id

    def _gather_linked_data(self) -> None:
        product = self._own_product(json_ld.products(self.document.linked_data))
        if product is None:
            return
        quote = json_ld.quote(product)
        self.evidence.add_text("title", "json_ld", text_in(product.get("name")))
        self.evidence.add_text("currency", "json_ld", quote.currency)
        if quote.is_unavailable and not self._names(product):
            self.evidence.add("available", "json_ld", quote.availability, value=None, note="of another product")
        elif quote.availability:
            self.evidence.add("available", "json_ld", quote.availability, value=not quote.is_unavailable)
        self.evidence.add("price_cents", "json_ld", quote.raw, quote.price_cents, quote.note)
        self._gather_linked_ids(product, quote)
        product_facts.gather_linked(self.evidence, product, self.document.linked_data)

    def _own_product(self, products: list[Json]) -> Json | None:
        """The only product, or the only one that bears an id which the page names elsewhere, else the one asked for."""
        if len(products) == 1:
            return products[0]
        for known in (self._told_ids, self._asked_ids):
            found = [product for product in products if _ids_of(product) & known]
            if len(found) == 1:
                return found[0]
        return None

    def _names(self, product: Json) -> bool:
        """Whether an id of a product is one of the page's, as far as both name any."""
        own, known = _ids_of(product), self._told_ids | self._asked_ids
        return not own or not known or not own.isdisjoint(known)

    @property
    def _told_ids(self) -> set[str]:
        """The ids that the page's state, forms and own address name."""
        canonical = identify(self.address)
        told = (value for name in ID_NAMES for value in (*self.evidence.values(name), getattr(canonical, name)))
        return {value for value in told if isinstance(value, str)}

    @property
    def _asked_ids(self) -> set[str]:
        asked = identify(self.url)
        return {value for name in ID_NAMES if (value := getattr(asked, name))}

    def _gather_linked_ids(self, product: Json, quote: json_ld.Quote) -> None:
        """The page's own id, whose kind only an address tells: its offer's, else the page's."""
        told = product.get("productID") or product.get("sku")
        if user_product := user_product_id_in(told):
            self.evidence.add("user_product_id", "json_ld", told, user_product)
        if own := item_id_in(told):
            kinds = (identify(address) for address in (quote.url or "", self.address, self.url))
            kind = next((identity for identity in kinds if identity.external_id), None)
            is_catalogue = kind is not None and kind.catalogue_id is not None
            self.evidence.add("catalogue_id" if is_catalogue else "item_id", "json_ld", told, own)

    def _gather_addresses(self) -> None:
        """Ids by the page's own address, then by the one that answered: the last resort of pages that name none."""
        for strategy, address in (("canonical", self.address), ("url", self.url)):
            asked = identify(address)
            for name in ID_NAMES:
                value = getattr(asked, name)
                if value and (name != "item_id" or asked.pinned):
                    self.evidence.add(name, strategy, address, value)

    def _gone(self, currency: str) -> OfferGone:
        said = next(candidate.raw for candidate in self.evidence.found["available"] if candidate.value is False)
        return OfferGone(
            f"the product cannot be bought: {said}",
            hint="it returns when a listing shows it again",
            reading=self._reading(currency, available=False),
        )

    def _reading(
        self, currency: str, prices: ReconciledPrices = NO_PRICES, *, available: bool = True
    ) -> ProductReading:
        ids: dict[str, Any] = {name: self.evidence.first_text(name) for name in ID_NAMES}
        return build_reading(
            self.evidence,
            prices,
            marketplace=MERCADO_LIVRE,
            url=self.url,
            currency=currency,
            external_id=Identity(**ids).external_id,
            available=available,
        )


def _ids_of(product: Json) -> set[str]:
    told = (product.get("productID"), product.get("sku"))
    return {own for value in told for read in (item_id_in, user_product_id_in) if (own := read(value))}

"""A product page: its own price, previous price and discount, by three ways that each suffice alone.

In order of trust: ``state`` (embedded data), ``dom`` (the own price box) with ``microdata`` (its machine-readable
price), ``json_ld`` (the Product block). ``canonical`` and ``url`` tell ids only.
Titles alone prove nothing: walls have them too.
"""

from __future__ import annotations

from collections.abc import Iterator

from offers_cli.errors import OfferGone, PageChanged
from offers_cli.marketplaces import json_ld
from offers_cli.marketplaces.base import ProductReading
from offers_cli.marketplaces.evidence import NO_PRICES, Evidence, ReconciledPrices, build_reading, reconcile
from offers_cli.marketplaces.html import Document, explain_command, select, text_of
from offers_cli.marketplaces.mercado_livre import price_box, product_state, selectors
from offers_cli.marketplaces.mercado_livre.amounts import FROM_NOTE
from offers_cli.marketplaces.mercado_livre.price_box import main_nodes
from offers_cli.marketplaces.mercado_livre.sites import BRAZIL, NAME, Site, find_site
from offers_cli.marketplaces.mercado_livre.state import Json, text_in
from offers_cli.marketplaces.mercado_livre.urls import Identity, identify, item_id_in, site_of, user_product_id_in
from offers_cli.marketplaces.mercado_livre.walls import find_ended_message, find_ended_text


class ProductPage:
    """What one product page says of its product."""

    def __init__(self, document: Document, url: str, states: list[Json]) -> None:
        self.document = document
        self.url = url or document.address or ""
        self.state = product_state.find_product_state(states)
        self.evidence = Evidence()

    def is_certain(self) -> bool:
        """Whether state or markup say that this is a product page."""
        return self.state is not None or any(
            True for _ in main_nodes(select(self.document.tree, selectors.PRODUCT_MARKS))
        )

    def is_likely(self) -> bool:
        """Whether at least its linked data describe one product."""
        return len(json_ld.products(self.document.linked_data)) == 1

    def read(self) -> ProductReading:
        """Weigh what the strategies found.

        Raises:
            OfferGone: the product cannot be bought; its `reading` holds what the page still tells.
            PageChanged: no price, or prices that disagree; its `reading` holds every candidate.
        """
        self._gather()
        try:
            return self._weigh()
        except PageChanged as error:
            error.reading = self._reading(self._site().currency)
            raise

    def _weigh(self) -> ProductReading:
        currency = self._currency()
        if False in self.evidence.values("available"):
            raise self._gone(currency)
        if any(candidate.note == FROM_NOTE for candidate in self.evidence.found.get("price_cents", ())):
            raise PageChanged('the page shows a "from" price, not its own', hint=self._hint())
        prices = reconcile(self.evidence, currency=currency)
        if prices is None:
            if ended := find_ended_text(self.document.text):
                self.evidence.add("available", "dom", ended, value=False)
                raise self._gone(currency)
            raise PageChanged("a product page whose own price cannot be found", hint=self._hint())
        return self._reading(currency, prices)

    def _hint(self) -> str:
        return explain_command(self.url)

    def _gather(self) -> None:
        if self.state is not None:
            product_state.gather(self.evidence, self.state)
        self._gather_dom()
        self._gather_linked_data()
        self._gather_addresses()

    def _gather_dom(self) -> None:
        tree = self.document.tree
        headings = [*select(tree, selectors.HEADING), *select(tree, "h1")]
        heading = next(main_nodes(headings), None)
        self.evidence.add_text("title", "dom", text_of(heading))
        price_box.gather(self.evidence, tree, self._site())
        if item_id := next(self._dom_item_ids(), None):
            self.evidence.add("item_id", "dom", item_id, item_id)
        if ended := find_ended_message(tree):
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
        if quote.availability:
            self.evidence.add("available", "json_ld", quote.availability, value=not quote.is_unavailable)
        self.evidence.add("price_cents", "json_ld", quote.raw, quote.price_cents, quote.note)
        self._gather_linked_ids(product, quote)

    def _own_product(self, products: list[Json]) -> Json | None:
        """The only product, or the only one that bears an id which the page tells otherwise."""
        names = ("item_id", "catalogue_id", "user_product_id")
        canonical = identify(self.document.address or "")
        known = {value for name in names for value in self.evidence.values(name)}
        known |= {canonical.item_id, canonical.catalogue_id, canonical.user_product_id} - {None}
        found = products if len(products) == 1 else [product for product in products if _ids_of(product) & known]
        return found[0] if len(found) == 1 else None

    def _gather_linked_ids(self, product: Json, quote: json_ld.Quote) -> None:
        """The page's own id, whose kind only an address tells: its offer's, else the page's."""
        told = product.get("productID") or product.get("sku")
        if user_product := user_product_id_in(told):
            self.evidence.add("user_product_id", "json_ld", told, user_product)
        own = item_id_in(told)
        if own is None:
            return
        addresses = (quote.url or "", self.document.address or "", self.url)
        kinds = [identity for identity in map(identify, addresses) if identity.external_id]
        is_catalogue = bool(kinds) and kinds[0].catalogue_id is not None
        self.evidence.add("catalogue_id" if is_catalogue else "item_id", "json_ld", told, own)

    def _gather_addresses(self) -> None:
        """Ids by the page's own address, then by the one that answered: the last resort of pages that tell none."""
        for strategy, address in (("canonical", self.document.address or ""), ("url", self.url)):
            told = identify(address)
            for name, value in (
                ("item_id", told.item_id if told.pinned else None),
                ("catalogue_id", told.catalogue_id),
                ("user_product_id", told.user_product_id),
            ):
                if value:
                    self.evidence.add(name, strategy, address, value)

    def _site(self) -> Site:
        """The country whose way of writing the page follows."""
        told = (self.state or {}).get("siteId") or (self.state or {}).get("id")
        address = self.document.address or ""
        return find_site(told if isinstance(told, str) else None) or site_of(address) or site_of(self.url) or BRAZIL

    def _currency(self) -> str:
        told = [value for value in self.evidence.values("currency") if isinstance(value, str)]
        if len(set(told)) > 1:
            raise PageChanged(f"the page names different currencies: {', '.join(told)}", hint=self._hint())
        return told[0] if told else self._site().currency

    def _gone(self, currency: str) -> OfferGone:
        said = next(candidate.raw for candidate in self.evidence.found["available"] if candidate.value is False)
        reading = self._reading(currency, available=False)
        return OfferGone(
            f"the product cannot be bought: {said}", hint="it returns when a listing shows it again", reading=reading
        )

    def _reading(
        self, currency: str, prices: ReconciledPrices = NO_PRICES, *, available: bool = True
    ) -> ProductReading:
        first = self.evidence.first_text
        own = Identity(
            item_id=first("item_id"), catalogue_id=first("catalogue_id"), user_product_id=first("user_product_id")
        )
        return build_reading(
            self.evidence,
            prices,
            marketplace=NAME,
            url=self.url,
            currency=currency,
            external_id=own.external_id,
            available=available,
        )


def _ids_of(product: Json) -> set[str]:
    told = (product.get("productID"), product.get("sku"))
    return {found for value in told for read in (item_id_in, user_product_id_in) if (found := read(value))}

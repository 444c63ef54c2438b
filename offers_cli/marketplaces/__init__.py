"""Marketplaces: which addresses belong to whom, and how their pages are read. Pages in, values out; no I/O.

base.py           what a marketplace promises, and what it answers
mercado_livre/    Mercado Livre in all its countries
schema_org/       any other shop, by the data it publishes for search engines
evidence.py       how contradicting readings of one page are weighed, the same for all
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from offers_cli.marketplaces.base import Marketplace

MERCADO_LIVRE = "mercado_livre"
"""The marketplace that addresses without a host, and tables of an operator's own, belong to."""


def marketplace_named(name: str) -> Marketplace:
    """The marketplace that an offer says it belongs to, at its usual address; any shop's for a name not known."""
    from offers_cli.marketplaces.mercado_livre import MercadoLivre
    from offers_cli.marketplaces.schema_org import SchemaOrg

    return MercadoLivre() if name == MERCADO_LIVRE else SchemaOrg()

"""Marketplaces: which addresses belong to whom, and how their pages are read. Pages in, values out; no I/O.

base.py           what a marketplace promises, and what it answers
mercado_livre/    Mercado Livre in all its countries
schema_org/       any other shop, by the data it publishes for search engines
evidence.py       how contradicting readings of one page are weighed, the same for all
"""

from __future__ import annotations

from offers_cli.marketplaces.base import MERCADO_LIVRE, Marketplace


def marketplace_named(name: str) -> Marketplace:
    """The marketplace that an offer says it belongs to, at its usual address; any shop's for a name not known."""
    from offers_cli.marketplaces.mercado_livre import MercadoLivre
    from offers_cli.marketplaces.schema_org import SchemaOrg

    return MercadoLivre() if name == MERCADO_LIVRE else SchemaOrg()

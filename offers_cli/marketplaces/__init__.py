"""Marketplaces: which addresses belong to whom, and how their pages are read. Pages in, values out; no I/O.

base.py           what a marketplace promises, and what it answers
mercado_livre/    Mercado Livre in all its countries
schema_org/       any other shop, by the data it publishes for search engines
evidence.py       how contradicting readings of one page are weighed, the same for all
"""

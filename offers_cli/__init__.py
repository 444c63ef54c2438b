"""`offers`: collect, enrich and keep affiliate offers."""

__version__ = "0.1.0"

"""The demo shop, enlarged for tests and benchmarks: search, faults on demand, controls over HTTP."""

from shop.shop import Shop

__all__ = ["Shop"]

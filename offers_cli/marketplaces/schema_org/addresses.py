"""What tells one product of a shop from another: its address, and the variant that the address asks for."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, urlencode

from offers_cli.marketplaces.html import split, without_tracking

_NAMES_A_VARIANT = re.compile(
    r".*(?:id|sku|variant\w*|variation\w*)|cor|colou?r|size|tamanho|talla", re.IGNORECASE | re.DOTALL
)


def key_of(url: str) -> str:
    """A product's key: its address without scheme, ``www.``, fragment and tracking parameters."""
    parts = split(without_tracking(url))
    host = (parts.hostname or "").removeprefix("www.")
    port = f":{parts.port}" if parts.port else ""
    query = urlencode(sorted(parse_qsl(parts.query)))
    return f"{host}{port}{_path(parts.path)}{'?' if query else ''}{query}"


def _path(path: str) -> str:
    return re.sub(r"/{2,}", "/", path).rstrip("/")


def host_of(key: str) -> str:
    """The host of a product's key, without ``www.``."""
    return key.partition("/")[0]


def place_of(key: str) -> str:
    """A product's key without what its query asks for."""
    return key.partition("?")[0]


def is_asked_by(key: str, asked: str) -> bool:
    """Whether an address asks for the variant of that key: the same place, and all that the variant's query names."""
    wanted = set(parse_qsl(key.partition("?")[2]))
    return bool(wanted) and place_of(key) == place_of(asked) and wanted <= set(parse_qsl(asked.partition("?")[2]))


def variants_named(key: str) -> set[str]:
    """The ids, colours and sizes that a key's query names, in lower case: ``{"222"}`` of ``…?variant=222&page=1``."""
    return {value.casefold() for name, value in parse_qsl(key.partition("?")[2]) if _NAMES_A_VARIANT.fullmatch(name)}

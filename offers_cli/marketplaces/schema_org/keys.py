"""What tells one product of any shop from another: its address."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlencode

from offers_cli.marketplaces.addresses import split, without_tracking

NAME = "schema_org"
UNKNOWN_CURRENCY = "XXX"
"""ISO 4217 for "no currency": a price whose page does not tell its currency is not guessed to be in reais."""


def external_id(url: str) -> str:
    """A product's key: its address without scheme, ``www.``, fragment and tracking parameters."""
    parts = split(without_tracking(url))
    host = (parts.hostname or "").removeprefix("www.")
    port = f":{parts.port}" if parts.port else ""
    query = urlencode(sorted(parse_qsl(parts.query)))
    return f"{host}{port}{parts.path.rstrip('/')}{'?' if query else ''}{query}"


def host_of(key: str) -> str:
    return key.partition("/")[0]


def text_in(value: object) -> str | None:
    """A text, or a number as text, with single spaces; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    return " ".join(str(value).split()) or None

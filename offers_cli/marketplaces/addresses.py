"""Addresses as pages write them: a text that is no address is an empty one, never an exception."""

from __future__ import annotations

from urllib.parse import SplitResult, parse_qsl, urlencode, urljoin, urlsplit, urlunsplit

TRACKING = ("utm_", "gclid", "fbclid", "msclkid", "mc_", "_ga", "srsltid")
"""What the names of tracking parameters begin with, at any shop."""


def split(url: str) -> SplitResult:
    """`urlsplit` that answers with an empty address where the text is none."""
    try:
        parts = urlsplit(url.strip())
        parts.port  # noqa: B018 - a property that raises on a bad port
    except ValueError:
        return urlsplit("")
    return parts


def join(base: str, address: str | None) -> str:
    """The absolute web address of a link on a page; empty where it is none."""
    if not address or address.strip().startswith("#"):
        return ""
    try:
        absolute = urljoin(base, address.strip())
    except ValueError:
        return ""
    return absolute if absolute.startswith(("https://", "http://")) else ""


def without_tracking(url: str) -> str:
    """The same address without fragment and tracking parameters."""
    parts = split(url)
    query = urlencode([(name, value) for name, value in parse_qsl(parts.query) if not name.startswith(TRACKING)])
    return urlunsplit((parts.scheme, parts.netloc, parts.path, query, ""))

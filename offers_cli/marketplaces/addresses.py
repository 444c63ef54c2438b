"""Addresses as pages write them: a text that is no address is an empty one, never an exception."""

from __future__ import annotations

import shlex
from urllib.parse import SplitResult, parse_qsl, urlencode, urljoin, urlsplit, urlunsplit

from offers_cli.log import without_query
from offers_cli.text import printable

_LONGEST_SHOWN = 500
TRACKING = ("utm_", "gclid", "fbclid", "msclkid", "mc_", "_ga", "srsltid")
"""What the names of tracking parameters begin with, at any shop."""


def split(url: str) -> SplitResult:
    """`urlsplit` that answers with an empty address where the text is none."""
    try:
        parts = urlsplit(url.strip())
        url.encode()
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
        absolute.encode()  # JSON can write half a surrogate pair
    except ValueError:
        return ""
    return absolute if absolute.startswith(("https://", "http://")) else ""


def without_tracking(url: str) -> str:
    """The same address without fragment and tracking parameters."""
    parts = split(url)
    query = urlencode([(name, value) for name, value in parse_qsl(parts.query) if not name.startswith(TRACKING)])
    return urlunsplit((parts.scheme, parts.netloc, parts.path, query, ""))


def explain_command(url: str) -> str:
    """The command that shows what a page tells, as a shell takes it; its address as in the log, without its query."""
    shown = printable(without_query(url))[:_LONGEST_SHOWN]
    return f"offers explain {shlex.quote(shown)}" if shown else "offers explain FILE"

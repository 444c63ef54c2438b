"""Cookies: what a browser keeps, and to which addresses it sends them (RFC 6265, sections 5.1 to 5.4)."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC
from email.utils import parsedate_to_datetime

from offers_cli.fetch.guard import SafeUrl

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
"""Browsers send `Secure` cookies there without encryption too."""
MAX_CHARS = 4096
"""Name and value of the largest cookie that a browser keeps (RFC 6265bis, section 5.6)."""
MAX_ATTRIBUTE_CHARS = 1024
MAX_KEPT = 1_000
"""Cookies of one jar; browsers keep some two hundred of a site."""
LAST_MOMENT = 253_402_300_799
"""The end of the calendar, in seconds since 1970."""

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(r"(?:[!-:<-~](?:[ -:<-~]*[!-:<-~])?)?")
"""Printable ASCII without a semicolon, no blanks at the ends: what can stand in a header without changing it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cookie:
    """One cookie; its value never shows itself.

    Attributes:
        domain: in lower case, without a leading dot.
        expires_at: seconds since 1970; None for one that ends with the browser.
        host_only: sent to that very host alone, not to its subdomains.
    """

    name: str
    value: str = field(repr=False)
    domain: str
    path: str = "/"
    expires_at: float | None = None
    secure: bool = True
    http_only: bool = False
    host_only: bool = False

    @property
    def key(self) -> tuple[str, str, str]:
        """Name, domain and path: a jar holds one cookie of each."""
        return self.name, self.domain, self.path

    @property
    def ends_at(self) -> float | None:
        """When it is over: its expiry, or that of the token (a JWT's ``exp``) that it carries, whichever is first."""
        return min((at for at in (self.expires_at, _token_expiry(self.value)) if at is not None), default=None)

    def is_over(self, now_s: float) -> bool:
        """Whether it has ended by then, in seconds since 1970."""
        return self.ends_at is not None and self.ends_at <= now_s

    def fits(self, url: SafeUrl) -> bool:
        """Whether a browser would send it to that address."""
        same_host = url.host == self.domain or (not self.host_only and is_within(url.host, self.domain))
        safe = not self.secure or url.scheme == "https" or url.host in LOOPBACK
        return same_host and safe and _path_fits(url.target.partition("?")[0], self.path)


def is_sendable(name: str, value: str) -> bool:
    """Whether name and value can stand in a ``Cookie`` header without becoming something else."""
    return _NAME.fullmatch(name) is not None and _VALUE.fullmatch(value) is not None


def is_within(host: str, domain: str) -> bool:
    """Whether a host is the domain or one of its subdomains; an IP address has none."""
    is_address = ":" in host or host.replace(".", "").isdecimal()
    return host == domain or (not is_address and host.endswith(f".{domain}"))


def _path_fits(asked: str, path: str) -> bool:
    return asked == path or (asked.startswith(path) and (path.endswith("/") or asked[len(path)] == "/"))


def cookie_header(cookies: Iterable[Cookie], url: SafeUrl, *, now_s: float) -> str:
    """The ``Cookie`` header for an address, longest paths first; empty when nothing fits."""
    fitting = [cookie for cookie in cookies if cookie.fits(url) and not cookie.is_over(now_s)]
    fitting = [cookie for cookie in fitting if is_sendable(cookie.name, cookie.value)]
    fitting.sort(key=lambda cookie: -len(cookie.path))
    return "; ".join(f"{cookie.name}={cookie.value}" for cookie in fitting)


def read_set_cookie(header: str, url: SafeUrl, *, domains: Sequence[str], now_s: float) -> Cookie | None:
    """The cookie that an answer from `url` sets; None for one that a browser, or we, would not take.

    Args:
        domains: where cookies may be kept for: a site cannot set one for more than its own domain.
    """
    pair, *rest = header.split(";")
    name, equals, value = (part.strip() for part in pair.partition("="))
    if not equals or len(name) + len(value) > MAX_CHARS or not is_sendable(name, value):
        return None
    attributes = {key.strip().lower(): text.strip() for key, _, text in (part.partition("=") for part in rest)}
    asked = attributes.get("domain", "").lstrip(".").lower()
    domain = asked or url.host
    if not is_within(url.host, domain) or not any(is_within(domain, own) for own in domains):
        return None
    path = attributes.get("path", "")
    return Cookie(
        name=name,
        value=value,
        domain=domain,
        path=path if path.startswith("/") and len(path) <= MAX_ATTRIBUTE_CHARS else "/",
        expires_at=_expiry(attributes, now_s),
        secure="secure" in attributes,
        http_only="httponly" in attributes,
        host_only=not asked,
    )


def _expiry(attributes: dict[str, str], now_s: float) -> float | None:
    age = attributes.get("max-age", "")
    if re.fullmatch(r"-?[0-9]{1,12}", age, re.ASCII):
        return now_s + int(age)
    try:
        moment = parsedate_to_datetime(attributes["expires"])
        return moment.replace(tzinfo=moment.tzinfo or UTC).timestamp()
    except (KeyError, ValueError, OverflowError):
        return None


def _token_expiry(value: str) -> float | None:
    """The ``exp`` of a JSON web token (RFC 7519); None for any other value, or where it is no time of the calendar."""
    parts = value.split(".")
    if len(parts) != 3 or not parts[0].startswith("ey"):
        return None
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (ValueError, RecursionError):
        return None
    expiry = claims.get("exp") if isinstance(claims, dict) else None
    if not isinstance(expiry, int | float) or isinstance(expiry, bool):
        return None
    return float(expiry) if 0 <= expiry <= LAST_MOMENT else None

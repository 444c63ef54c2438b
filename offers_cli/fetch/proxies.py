"""How requests leave: directly, or through proxies that the operator named."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from offers_cli.errors import ConfigError

DIRECT = "direct"
"""The egress of requests that go through no proxy."""


@dataclass(frozen=True, slots=True)
class Egress:
    """One egress: the direct one, or a proxy.

    Attributes:
        label: how pace, logs and pages know it; holds no secret.
        proxy_url: the proxy's address without its credentials; None for no proxy.
        credentials: user name and password for the proxy, never shown.
    """

    label: str = DIRECT
    proxy_url: str | None = None
    credentials: tuple[str, str] | None = field(default=None, repr=False)


NO_PROXIES = (Egress(),)


def parse_egresses(proxies: str | None) -> tuple[Egress, ...]:
    """The egresses of a comma-separated list of proxies; without any, the direct one.

    Raises:
        ConfigError: one of them is not ``http://`` or ``https://host:port``; it is named by its number, not its text.
    """
    texts = [text.strip() for text in (proxies or "").split(",") if text.strip()]
    egresses: list[Egress] = []
    seen: Counter[str] = Counter()
    for number, text in enumerate(texts, start=1):
        egress = _parse_egress(text, number)
        seen[egress.label] += 1
        # One gateway with several accounts is several egresses.
        label = egress.label if seen[egress.label] == 1 else f"{egress.label}#{seen[egress.label]}"
        egresses.append(Egress(label, egress.proxy_url, egress.credentials))
    return tuple(egresses) or NO_PROXIES


def _parse_egress(text: str, number: int) -> Egress:
    from offers_cli.fetch.guard import USUAL_PORTS

    try:
        parts = urlsplit(text)
        port = parts.port or USUAL_PORTS[parts.scheme]
    except (ValueError, KeyError):
        parts, port = urlsplit(""), 0
    if not parts.hostname or parts.scheme not in USUAL_PORTS or not text.isascii():
        # No cause is given: it may quote the address with its password.
        raise ConfigError(
            f"OFFERS_HTTP_PROXY: proxy number {number} is not a usable address",
            hint="write http://host:port or http://user:password@host:port",
        )
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    credentials = (unquote(parts.username), unquote(parts.password or "")) if parts.username else None
    return Egress(f"{host}:{port}", f"{parts.scheme}://{host}:{port}", credentials)

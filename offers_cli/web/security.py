"""Security of the dashboard: who may use it, and from where. A WSGI middleware around whatever is behind it.

Three things are checked at each request: its `Host` header (a stranger's name that was made to lead here is refused:
DNS rebinding), that a change comes from our own pages (another site's form or script is refused), and the token: a few
wrong ones from an address, then one every few seconds.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import re
import socket
import time
from collections.abc import Callable, Iterable
from ipaddress import IPv6Address, ip_address
from math import ceil
from threading import Lock
from typing import TYPE_CHECKING

from werkzeug.wrappers import Request, Response

from offers_cli.config import Secret, is_loopback
from offers_cli.log import get_log

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

log = get_log("dashboard")

HOST = re.compile(r"(?:(?P<name>[A-Za-z0-9._-]+)|\[(?P<address>[0-9A-Fa-f:.]+)\])(?::[0-9]{1,5})?", re.ASCII)
LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
TELLING_NOTHING = frozenset({"/healthz", "/readyz"})
"""Answered without the token, as an orchestrator asks: they say yes or no, and nothing else."""
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; frame-ancestors 'none'; base-uri 'none'; "
        "sandbox allow-forms allow-same-origin allow-scripts"
    ),
    "Cache-Control": "no-store",
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
"""Of every answer, whatever it is. Script files of our own may run, and nothing that stands in a page."""

AT_ONCE = 10
ANOTHER_AFTER_S = 6.0
ADDRESSES = 10_000
"""So many are counted apart; the others share one count until some are forgotten."""


class TrustedHosts:
    """The names under which the dashboard may be asked for.

    Args:
        host: the address it listens on.
        more: names that the operator added, such as that of a reverse proxy.
    """

    def __init__(self, host: str, more: Iterable[str] = ()) -> None:
        own = () if is_loopback(host) else (host, socket.gethostname())
        self._names = LOOPBACK_NAMES | {name.lower() for name in (*own, *more)}
        self._any_address = host in {"0.0.0.0", "::"}  # noqa: S104 (compared, not bound)

    def __contains__(self, header: str) -> bool:
        """Whether a `Host` header names us; its port may be another one, that of a tunnel."""
        found = HOST.fullmatch(header)
        name = (found["name"] or found["address"]).lower() if found else ""
        return name in self._names or (self._any_address and _is_address(name))


def _is_address(name: str) -> bool:
    """An address is no name that could be made to lead elsewhere."""
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


class Guesses:
    """The wrong tokens of each address.

    Args:
        clock: seconds that only go forward.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._forgotten_at: dict[str, float] = {}
        self._lock = Lock()

    def begin(self, address: str) -> float:
        """Count a guess as wrong until `was_right` takes it back, so that many at once are not more than one by one.

        Returns:
            Seconds to wait, without looking at the guess; 0 if it may be looked at.
        """
        with self._lock:
            now, source = self._clock(), self._source(address)
            counted_until = max(now, self._forgotten_at.get(source, now))
            wait_s = counted_until - now - (AT_ONCE - 1) * ANOTHER_AFTER_S
            if wait_s > 0:
                return wait_s
            self._forgotten_at[source] = counted_until + ANOTHER_AFTER_S
            return 0.0

    def was_right(self, address: str) -> None:
        """Take back what `begin` counted."""
        with self._lock:
            source = self._source(address)
            if source in self._forgotten_at:
                self._forgotten_at[source] -= ANOTHER_AFTER_S

    def _source(self, address: str) -> str:
        """Whose guesses are counted together: an IPv6 network is one customer's."""
        source = _network(address)
        if source in self._forgotten_at or len(self._forgotten_at) < ADDRESSES:
            return source
        now = self._clock()
        self._forgotten_at = {known: until for known, until in self._forgotten_at.items() if until > now}
        return source if len(self._forgotten_at) < ADDRESSES else ""


def _network(address: str) -> str:
    try:
        found = ip_address(address)
    except ValueError:
        return address
    if not isinstance(found, IPv6Address):
        return address
    return str(found.ipv4_mapped) if found.ipv4_mapped else found.packed[:8].hex()


class SecurityMiddleware:
    """Passes on the requests that may come in, and adds `HEADERS` to every response."""

    def __init__(
        self, behind: WSGIApplication, *, hosts: TrustedHosts, token: Secret | None, guesses: Guesses | None = None
    ) -> None:
        self._behind = behind
        self._hosts = hosts
        self._token = token
        self._guesses = guesses or Guesses()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request, as WSGI wants it."""
        request = Request(environ, populate_request=False)
        response = self._refusal(request) or Response.from_app(self._behind, environ)
        response.headers.update(HEADERS)
        return response(environ, start_response)

    def _refusal(self, request: Request) -> Response | None:
        if request.headers.get("Host", "") not in self._hosts:
            return Response("Unknown host: add its name to OFFERS_DASHBOARD_HOSTS.\n", 403)
        if request.method not in SAFE_METHODS and _is_cross_site(request):
            return Response("Cross-site request refused: a change has to come from the dashboard's own pages.\n", 403)
        return self._ask_for(self._token, request) if self._token and request.path not in TELLING_NOTHING else None

    def _ask_for(self, token: Secret, request: Request) -> Response | None:
        """Refuse who does not bring the token; who brings wrong ones is not listened to for a while."""
        ask = {"WWW-Authenticate": 'Basic realm="offers: any name, the token as password", charset="UTF-8"'}
        if "Authorization" not in request.headers:
            return Response("Token required.\n", 401, ask)
        address = request.remote_addr or ""
        if wait_s := ceil(self._guesses.begin(address)):
            text = f"Too many wrong tokens from your address: try again in {wait_s} s.\n"
            return Response(text, 429, {"Retry-After": str(wait_s)})
        if not _knows(token, request):
            log.warning("a wrong token was given", address=address)
            return Response("Wrong token.\n", 401, ask)
        self._guesses.was_right(address)
        return None


def _is_cross_site(request: Request) -> bool:
    """Whether a browser says that another site asks; programs that are no browsers say nothing."""
    site = request.headers.get("Sec-Fetch-Site")
    origin, host = request.headers.get("Origin"), request.headers.get("Host")
    if site is not None and site not in {"same-origin", "none"}:
        return True
    return origin is not None and origin not in {f"http://{host}", f"https://{host}"}


def _knows(token: Secret, request: Request) -> bool:
    """Whether the request carries the token: as the password of Basic, or as Bearer. Compared in constant time."""
    scheme, _, credentials = request.headers.get("Authorization", "").partition(" ")
    given = credentials.strip().encode() if scheme.lower() == "bearer" else b""
    if scheme.lower() == "basic":
        try:
            given = base64.b64decode(credentials, validate=True).partition(b":")[2]
        except (binascii.Error, ValueError):
            given = b""
    return hmac.compare_digest(given, token.reveal().encode())

"""The front door of the dashboard: who may come in, and from where. Plain WSGI, around whatever is behind it.

Three things are checked at each request: its `Host` header (a stranger's name that was made to lead here is refused:
DNS rebinding), that a change comes from our own pages (another site's form or script is refused), and the token, which
cannot be guessed often.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import re
import socket
from collections.abc import Iterable
from ipaddress import ip_address
from math import ceil
from typing import TYPE_CHECKING

from werkzeug.wrappers import Request, Response

from offers_cli.config import Secret
from offers_cli.log import get_log
from offers_cli.web.guesses import Guesses

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

log = get_log("dashboard")

HOST = re.compile(r"(?:(?P<name>[A-Za-z0-9._-]+)|\[(?P<address>[0-9A-Fa-f:.]+)\])(?::[0-9]{1,5})?", re.ASCII)
LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; frame-ancestors 'none'; "
        "base-uri 'none'; sandbox allow-forms allow-same-origin"
    ),
    "Cache-Control": "no-store",
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
"""Of every answer, whatever it is. No page has a script, so none may run, whoever wrote it."""


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches that address; a name other than ``localhost`` may lead anywhere."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


class Names:
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


class Front:
    """The door: passes on what may come in."""

    def __init__(
        self, behind: WSGIApplication, *, names: Names, token: Secret | None, guesses: Guesses | None = None
    ) -> None:
        self._behind = behind
        self._names = names
        self._token = token
        self._guesses = guesses or Guesses()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        request = Request(environ, populate_request=False)
        response = self._refusal(request) or Response.from_app(self._behind, environ)
        response.headers.update(HEADERS)
        return response(environ, start_response)

    def _refusal(self, request: Request) -> Response | None:
        if request.headers.get("Host", "") not in self._names:
            return Response("Unknown host: add its name to OFFERS_DASHBOARD_HOSTS.\n", 403)
        if request.method not in SAFE_METHODS and _is_cross_site(request):
            return Response("Cross-site request refused: a change has to come from the dashboard's own pages.\n", 403)
        return self._ask_for(self._token, request) if self._token else None

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
    """Whether a browser tells that another site asks; programs that are no browsers tell nothing."""
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

"""Who is logged in at the shop, and which CSRF tokens it honours."""

from __future__ import annotations

import base64
import json
import secrets
import threading
from collections.abc import Mapping

_FAR_FUTURE = 4_102_444_800  # 2100-01-01


class Sessions:
    """Logins and CSRF pairs; thread-safe.

    A CSRF token is good together with the ``_csrf`` cookie it was issued with, for a number of uses.
    """

    def __init__(self, *, csrf_uses: int) -> None:
        self._lock = threading.Lock()
        self._live: set[str] = set()
        self._requests_left: int | None = None
        self._csrf_uses = csrf_uses
        self._csrf: dict[str, tuple[str, int]] = {}

    def log_in(self) -> dict[str, str]:
        """Start a session; returns the cookies that a browser would hold."""
        with self._lock:
            ssid = f"ghy-{secrets.token_hex(12)}"
            self._live.add(ssid)
            self._requests_left = None
        secret, _ = self.issue_csrf()
        return {
            "ssid": ssid,
            "orguseridp": "100200300",
            "orgnickp": "LOJADEMONSTRACAO",
            "nsa_rotok": _token({"exp": _FAR_FUTURE}),
            "_csrf": secret,
        }

    def expire(self, after_requests: int = 0) -> None:
        """End all sessions, at once or after that many more requests to the account."""
        with self._lock:
            self._requests_left = after_requests
            if after_requests == 0:
                self._live.clear()

    def is_live(self, cookies: Mapping[str, str]) -> bool:
        """Whether the cookies belong to a live session; counts as one request to the account."""
        with self._lock:
            if self._requests_left == 0:
                self._live.clear()
            elif self._requests_left is not None:
                self._requests_left -= 1
            return cookies.get("ssid") in self._live

    def issue_csrf(self) -> tuple[str, str]:
        """A fresh pair: the ``_csrf`` cookie and the token that goes with it."""
        secret, token = secrets.token_urlsafe(18), secrets.token_urlsafe(27)
        with self._lock:
            self._csrf[secret] = (token, self._csrf_uses)
        return secret, token

    def spend_csrf(self, secret: str, token: str) -> bool:
        """Use a pair once; false when it does not belong together or is used up."""
        with self._lock:
            right, uses = self._csrf.get(secret, ("", 0))
            if uses == 0 or not secrets.compare_digest(right.encode(), token.encode()):
                return False
            self._csrf[secret] = (right, uses - 1)
            return True

    def rotate_csrf(self) -> None:
        """Honour no token issued so far."""
        with self._lock:
            self._csrf.clear()


def read_cookies(header: str) -> dict[str, str]:
    """The cookies of a ``Cookie`` header; the first of a name counts."""
    cookies: dict[str, str] = {}
    for pair in header.split(";"):
        name, _, value = pair.strip().partition("=")
        cookies.setdefault(name, value)
    return cookies


def _token(claims: dict[str, int]) -> str:
    """An unsigned JWT, readable like the real one."""
    parts = (json.dumps(part).encode() for part in ({"alg": "none"}, claims))
    return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts) + "."

"""What the status and headers of an answer mean: read it, follow it, or which error."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urljoin, urlsplit

from offers_cli.errors import OfferGone, PageBlocked, RateLimited, Redirected, SiteUnavailable
from offers_cli.fetch.guard import SafeUrl

RETRY_AFTER_RANGE_S = (1.0, 900.0)
SECONDS = re.compile(r"[+-]?\d+(\.\d+)?", re.ASCII)
"""Whole by the standard, but meant the same with a sign or a fraction."""
REDIRECTS = frozenset({301, 302, 303, 307, 308})
WALL_SEGMENTS = frozenset({"account-verification", "captcha", "login"})
"""Path segments of the addresses that a wall sends us to: ``/gz/account-verification``, ``/jms/mlb/lgz/msl/login``."""

SESSION_HINT = "wait for the pause to end; `offers doctor` shows what answers and what is blocked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Status, headers and unread body of one exchange."""

    url: SafeUrl
    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    chunks: Iterable[bytes]

    def values(self, name: str) -> Iterator[str]:
        """Every value of a header, in order; `name` in lower case."""
        wanted = name.encode("ascii")
        return (value.decode("latin-1").strip() for key, value in self.headers if key.lower() == wanted)

    def value(self, name: str) -> str | None:
        """The first value of a header."""
        return next(self.values(name), None)


def retry_after_s(text: str | None, *, now: datetime) -> float | None:
    """Seconds of a ``Retry-After`` header (seconds or an HTTP date), clamped to 1 s..15 min; None when unreadable."""
    if text is None:
        return None
    if SECONDS.fullmatch(text):
        seconds = float(text)
    else:
        try:
            moment = parsedate_to_datetime(text)
            seconds = (moment.replace(tzinfo=moment.tzinfo or UTC) - now).total_seconds()
        except (ValueError, OverflowError):
            return None
    least, most = RETRY_AFTER_RANGE_S
    return min(max(seconds, least), most)


def redirect_target(answer: Answer) -> str | None:
    """Where a redirect leads, absolute and not yet checked; None when the answer is no redirect.

    Raises:
        PageBlocked: it leads to a login, captcha or verification page.
        Redirected: it leads nowhere, or to several places at once.
    """
    if answer.status not in REDIRECTS:
        return None
    locations = set(answer.values("location"))
    if len(locations) != 1 or not (location := locations.pop()):
        raise Redirected(f"{answer.url.netloc} redirects without saying where to")
    target = _absolute(answer.url, location)
    if WALL_SEGMENTS & set(urlsplit(target).path.lower().split("/")):
        raise PageBlocked(f"{answer.url.netloc} sent us to its wall {urlsplit(target).path[:80]}", hint=SESSION_HINT)
    return target


def _absolute(url: SafeUrl, location: str) -> str:
    """Join a ``Location``, whose raw bytes may be UTF-8 and hold spaces; the fragment is inherited (RFC 9110)."""
    try:
        text = location.encode("latin-1").decode("utf-8", errors="strict")
    except UnicodeDecodeError:
        text = location
    try:
        target = urljoin(url.url, text.replace(" ", "%20"))
        urlsplit(target)
    except ValueError as exc:
        raise Redirected(f"{url.netloc} redirects to something that is no address") from exc
    fragment = urlsplit(url.url).fragment
    return target if "#" in target or not fragment else f"{target}#{fragment}"


def check_status(answer: Answer, *, now: datetime) -> None:
    """Return when the answer is a page (2xx), raise what it is otherwise.

    Raises:
        PageBlocked (401, 403), RateLimited (429), OfferGone (404, 410), SiteUnavailable (all others).
    """
    status, host = answer.status, answer.url.netloc
    if 200 <= status < 300 and status != 206:
        return
    said = f"{host} answered {status}"
    wait_s = retry_after_s(answer.value("retry-after"), now=now)
    if status in {404, 410}:
        raise OfferGone(f"{said}: the page does not exist (any more)")
    if status in {401, 403}:
        raise PageBlocked(f"{said}: it refuses us", hint=SESSION_HINT, retry_after_s=wait_s)
    if status == 429:
        raise RateLimited(f"{said}: too many requests", hint=SESSION_HINT, retry_after_s=wait_s)
    raise SiteUnavailable(said, hint="try again later", retry_after_s=wait_s if status == 503 else None)

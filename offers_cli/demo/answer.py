"""What comes in and what goes out, without sockets."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from offers_cli.demo.body import Body

HTML = "text/html; charset=utf-8"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request; header names in lower case, the path without percent escapes."""

    method: str
    target: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes = b""

    @classmethod
    def parse(cls, method: str, target: str, headers: Mapping[str, str], body: bytes = b"") -> Request:
        """Take a request target apart; raises `ValueError` when it is no address."""
        parts = urlsplit(target)
        query = dict(parse_qsl(parts.query))
        return cls(method=method, target=target, path=unquote(parts.path), query=query, headers=headers, body=body)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One answer.

    Attributes:
        delay_s: how long the client waits for it.
    """

    status: int = 200
    body: Body = field(default_factory=lambda: Body(b""))
    content_type: str = HTML
    headers: tuple[tuple[str, str], ...] = ()
    delay_s: float = 0.0


def page(html: str, *, status: int = 200, headers: tuple[tuple[str, str], ...] = ()) -> Answer:
    return Answer(status=status, body=Body(html.encode()), headers=headers)


def redirect(url: str, *, headers: tuple[tuple[str, str], ...] = ()) -> Answer:
    return Answer(status=302, headers=(("Location", url), *headers))


def read_json_object(body: bytes) -> dict[str, Any] | None:
    """The JSON object of a request's body, ``{}`` for an empty one; None for anything else, however hostile."""
    try:
        data = json.loads(body or b"{}")
    except (ValueError, RecursionError):
        return None
    return data if isinstance(data, dict) else None


def json_answer(data: Any, *, status: int = 200, headers: tuple[tuple[str, str], ...] = ()) -> Answer:
    body = Body(json.dumps(data, ensure_ascii=False).encode(errors="replace"))
    return Answer(status=status, body=body, content_type="application/json; charset=utf-8", headers=headers)


def retry_after(seconds: float | None) -> tuple[tuple[str, str], ...]:
    """The header that asks to wait; none for None. Whole seconds, as HTTP wants them."""
    return () if seconds is None else (("Retry-After", str(max(0, round(seconds)))),)

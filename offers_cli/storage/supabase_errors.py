"""Errors of Supabase, translated once: answers that are not 2xx, broken connections, answers that make no sense.

Codes: https://docs.postgrest.org/en/stable/references/errors.html and
https://www.postgresql.org/docs/current/errcodes-appendix.html
"""

from __future__ import annotations

import json
from typing import Any

import httpx

from offers_cli.errors import StorageRefused, StorageUnavailable, WorkError

_MIGRATE = "offers db migrate"
_KEY_HINT = "set SUPABASE_SERVICE_ROLE_KEY to the service role (secret) key of this project"
_URL_HINT = "set SUPABASE_URL to the address of your project: https://<project>.supabase.co"
_SCHEMA_CODES = {"PGRST202", "PGRST203", "PGRST204", "PGRST205", "42883", "42703", "42P01", "3F000"}
_KEY_CODES = {"PGRST301", "PGRST302", "PGRST303", "42501", "28000", "28P01"}
_LONGEST_REASON = 300


def raise_for_answer(response: httpx.Response) -> None:
    """Raise what an answer other than 2xx means; used as an event hook, before anybody parses the body."""
    if response.is_success:
        return
    response.read()
    body = _json_of(response)
    code, reason = str(body.get("code") or ""), _reason(response, body)
    raise _error(response, code, f"Supabase answered {response.status_code}: {reason}")


def _error(response: httpx.Response, code: str, message: str) -> WorkError:
    status = response.status_code
    if code in _SCHEMA_CODES:
        return StorageRefused(message, hint=_MIGRATE)
    if status in {401, 403} or code in _KEY_CODES:
        return StorageRefused(message, hint=_KEY_HINT)
    if status in {408, 429} or status >= 500:
        return StorageUnavailable(message, hint="offers doctor", retry_after_s=_retry_after_s(response))
    if code == "25006":
        return StorageRefused(message, hint="the project is read-only: see its disk usage in the Supabase dashboard")
    return StorageRefused(message, hint=_URL_HINT if status in {301, 302, 307, 308, 404} else "offers doctor")


def connection_error(exc: httpx.HTTPError, host: str) -> StorageUnavailable:
    """What a request that got no answer means."""
    reason = "no answer in time" if isinstance(exc, httpx.TimeoutException) else str(exc) or type(exc).__name__
    return StorageUnavailable(f"Supabase at {host} does not answer: {reason}", hint="offers doctor")


def nonsense(host: str) -> StorageUnavailable:
    """What an answer that is not what was asked for means: something else answers in Supabase's place."""
    return StorageUnavailable(f"{host} answered something that Supabase would not", hint="offers doctor")


def _reason(response: httpx.Response, body: dict[str, Any]) -> str:
    found = body.get("message") or body.get("msg") or body.get("error") or response.reason_phrase or "no reason given"
    return _without_key(str(found), response.request)[:_LONGEST_REASON]


def _without_key(text: str, request: httpx.Request) -> str:
    """The text without the key, which an answer might echo."""
    key = request.headers.get("apikey")
    return text.replace(key, "********") if key else text


def _json_of(response: httpx.Response) -> dict[str, Any]:
    try:
        found = json.loads(response.content)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _retry_after_s(response: httpx.Response) -> float | None:
    asked = response.headers.get("retry-after", "")
    return float(asked) if asked.isascii() and asked.isdigit() else None

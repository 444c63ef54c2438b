"""Errors of Supabase, translated once: answers that are not 2xx, broken connections, answers that make no sense.

Codes: https://docs.postgrest.org/en/stable/references/errors.html and
https://www.postgresql.org/docs/current/errcodes-appendix.html
"""

from __future__ import annotations

import json
from typing import Any

import httpx

from offers_cli.errors import StorageBusy, StorageRefused, StorageUnavailable, WorkError

_MIGRATE = "offers db migrate"
_KEY_HINT = "set SUPABASE_SERVICE_ROLE_KEY to the service role (secret) key of this project"
_URL_HINT = "set SUPABASE_URL to the address of your project: https://<project>.supabase.co"
_SCHEMA_CODES = {"PGRST202", "PGRST203", "PGRST204", "PGRST205", "42883", "42703", "42P01", "3F000"}
_KEY_CODES = {"PGRST301", "PGRST302", "PGRST303", "42501", "28000", "28P01"}
_BUSY_STATUSES = {408, 425, 429, 500, 502, 503, 504, *range(520, 530)}
_DISK_FULL = "53100"
_READ_ONLY = "25006"
_LONGEST_REASON = 300
_LEAST_WAIT_S, _MOST_WAIT_S = 1.0, 900.0


def raise_for_answer(response: httpx.Response) -> None:
    """Raise what an answer other than 2xx means."""
    if response.is_success:
        return
    body = _json_of(response)
    code, reason = body.get("code"), _reason(response, body)
    code = code if isinstance(code, str) else ""
    raise _error(response, code, f"Supabase answered {response.status_code}: {reason}")


def _error(response: httpx.Response, code: str, message: str) -> WorkError:
    status = response.status_code
    if hint := _what_to_mend(status, code):
        return StorageRefused(message, hint=hint)
    if status in _BUSY_STATUSES and code != _DISK_FULL:
        return StorageBusy(message, hint="offers doctor", retry_after_s=_retry_after_s(response))
    if status >= 500:
        return StorageUnavailable(message, hint="see the project in the Supabase dashboard: is it paused, or full?")
    if not code:  # each refusal of Supabase's own has one: something else stands in its place
        return nonsense(response.request.url.netloc.decode())
    return StorageRefused(message, hint="offers doctor")


def _what_to_mend(status: int, code: str) -> str | None:
    """The hint of a refusal that says what is wrong with the project, its key or its address."""
    if code in _SCHEMA_CODES:
        return _MIGRATE
    if status in {401, 403} or code in _KEY_CODES:
        return _KEY_HINT
    if code == _READ_ONLY:
        return "the project is read-only: see its disk usage in the Supabase dashboard"
    return _URL_HINT if status in {301, 302, 307, 308, 404} else None


def connection_error(exc: httpx.HTTPError, host: str) -> StorageBusy:
    """What a request that got no answer means."""
    reason = "no answer in time" if isinstance(exc, httpx.TimeoutException) else str(exc) or type(exc).__name__
    return StorageBusy(f"Supabase at {host} does not answer: {reason}", hint="offers doctor")


def nonsense(host: str) -> StorageBusy:
    """What an answer that is not Supabase's own means: something else stands in its place."""
    return StorageBusy(
        f"unexpected response from {host}: is this Supabase?", hint="check SUPABASE_URL and the network: offers doctor"
    )


def closed(host: str) -> StorageRefused:
    """What a call after the end of the session means."""
    return StorageRefused(f"the session with {host} is closed", hint="open another: get_session()")


def _reason(response: httpx.Response, body: dict[str, Any]) -> str:
    told = [body.get("message"), body.get("msg"), body.get("error"), response.reason_phrase]
    reason = next((text for text in told if isinstance(text, str) and text), "no reason given")
    return _without_key(reason, response.request)[:_LONGEST_REASON]


def _without_key(text: str, request: httpx.Request) -> str:
    """The text without the key, which an answer might echo."""
    key = request.headers.get("apikey")
    return text.replace(key, "********") if key else text


def _json_of(response: httpx.Response) -> dict[str, Any]:
    try:
        found = json.loads(response.content)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _retry_after_s(response: httpx.Response) -> float | None:
    """What the answer asks to wait, within 1 s..15 min."""
    asked = response.headers.get("retry-after", "")
    return min(max(float(asked), _LEAST_WAIT_S), _MOST_WAIT_S) if asked.isascii() and asked.isdigit() else None

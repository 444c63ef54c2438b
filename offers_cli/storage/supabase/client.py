"""The way to Supabase: a function of the database called over HTTP, its answer understood, its errors translated once.

Codes: https://docs.postgrest.org/en/stable/references/errors.html and
https://www.postgresql.org/docs/current/errcodes-appendix.html
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar
from urllib.parse import urlsplit

import httpx

from offers_cli.config import Secret
from offers_cli.errors import StorageBusy, StorageRefused, StorageUnavailable, WorkError
from offers_cli.storage.patience import Patience

TIMEOUT_S = 9.0
CONNECT_TIMEOUT_S = 4.0

T = TypeVar("T")


class SupabaseClient:
    """Calls the functions of `migrations/supabase`; thread-safe."""

    def __init__(self, url: str, key: Secret, *, patience: Patience) -> None:
        self.host = urlsplit(url).netloc.rpartition("@")[2]
        self.patience = patience
        if not _is_header_value(key.reveal()):
            raise StorageRefused("malformed Supabase key", hint="copy SUPABASE_SERVICE_ROLE_KEY again")
        self._http = httpx.Client(
            base_url=f"{url.rstrip('/')}/rest/v1/rpc/",
            headers={
                "apikey": key.reveal(),
                "authorization": f"Bearer {key.reveal()}",
                "accept": "application/json",
                "content-type": "application/json",
                "content-profile": "public",
            },
            timeout=httpx.Timeout(TIMEOUT_S, connect=CONNECT_TIMEOUT_S),
            # Loading the authorities takes long, and plain http has no use for them.
            transport=_DeadlineTransport(httpx.HTTPTransport(verify=url.lower().startswith("https:"))),
        )

    def __repr__(self) -> str:
        return f"SupabaseClient({self.host!r})"

    def call(
        self, function: str, arguments: Mapping[str, Any], read: Callable[[Any], T], *, patience: Patience | None = None
    ) -> T:
        """Call a function and read its JSON answer; `read` raises what it likes when that is not the function's own.

        Every function here may run twice, so that a failed call is repeated as long as the patience lasts.

        Raises:
            StorageUnavailable, StorageRefused: see `raise_for_answer`, `connection_error` and `nonsense`.
        """
        return (patience or self.patience)(lambda: self._read(self._post(function, arguments), read))

    def run(self, function: str, arguments: Mapping[str, Any]) -> None:
        """Call a function that returns nothing, as `call`; any content in its answer comes from something else."""
        self.patience(lambda: self._check_empty(self._post(function, arguments)))

    def _post(self, function: str, arguments: Mapping[str, Any]) -> httpx.Response:
        if self._http.is_closed:
            raise closed(self.host)
        try:
            response = self._http.post(function, content=json.dumps(dict(arguments)))
        except httpx.HTTPError as exc:
            raise connection_error(exc, self.host) from exc
        raise_for_answer(response)
        return response

    def _read(self, response: httpx.Response, read: Callable[[Any], T]) -> T:
        try:
            return read(_json_of(response.content))
        except (ValueError, TypeError, LookupError, AttributeError, OverflowError, RecursionError):
            # Its text could echo the key, so it is left out of the chain.
            raise nonsense(self.host) from None

    def _check_empty(self, response: httpx.Response) -> None:
        if response.content:
            raise nonsense(self.host)

    def close(self) -> None:
        """Close the connections; a call afterwards is refused."""
        self._http.close()


def _json_of(content: bytes) -> Any:
    """The value; raises `ValueError` for what is none, and for half a surrogate pair, which cannot be written."""
    text = content.decode()
    found = json.loads(text)
    if "\\ud" in text.lower():
        json.dumps(found, ensure_ascii=False).encode()
    return found


def _is_header_value(key: str) -> bool:
    return key.isascii() and key.isprintable() and " " not in key and bool(key)


class _DeadlineTransport(httpx.BaseTransport):
    """Ends an answer that drips: httpx's own time-outs count from one piece to the next."""

    def __init__(self, inner: httpx.BaseTransport) -> None:
        self._inner = inner

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        deadline = time.monotonic() + TIMEOUT_S
        response = self._inner.handle_request(request)
        assert isinstance(response.stream, httpx.SyncByteStream)
        response.stream = _DeadlineStream(response.stream, deadline, request)
        return response

    def close(self) -> None:
        self._inner.close()


class _DeadlineStream(httpx.SyncByteStream):
    def __init__(self, inner: httpx.SyncByteStream, deadline: float, request: httpx.Request) -> None:
        self._inner = inner
        self._deadline = deadline
        self._request = request

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._inner:
            if time.monotonic() > self._deadline:
                raise httpx.ReadTimeout("the answer takes too long", request=self._request)
            yield piece

    def close(self) -> None:
        self._inner.close()


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
    body = _body_of(response)
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
    given = [body.get("message"), body.get("msg"), body.get("error"), response.reason_phrase]
    reason = next((text for text in given if isinstance(text, str) and text), "no reason given")
    return _without_key(reason, response.request)[:_LONGEST_REASON]


def _without_key(text: str, request: httpx.Request) -> str:
    """The text without the key, which an answer might echo."""
    key = request.headers.get("apikey")
    return text.replace(key, "********") if key else text


def _body_of(response: httpx.Response) -> dict[str, Any]:
    try:
        found = json.loads(response.content)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _retry_after_s(response: httpx.Response) -> float | None:
    """What the answer asks to wait, within 1 s..15 min."""
    asked = response.headers.get("retry-after", "")
    return min(max(float(asked), _LEAST_WAIT_S), _MOST_WAIT_S) if asked.isascii() and asked.isdigit() else None

"""One way to Supabase: a function of the database called over HTTP, its answer understood, its errors translated."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar
from urllib.parse import urlsplit

import httpx

from offers_cli.config import Secret
from offers_cli.errors import StorageRefused
from offers_cli.storage.patience import Patience
from offers_cli.storage.supabase_errors import closed, connection_error, nonsense, raise_for_answer

TIMEOUT_S = 9.0
CONNECT_TIMEOUT_S = 4.0

T = TypeVar("T")


class SupabaseClient:
    """Calls the functions of `migrations/supabase`; thread-safe."""

    def __init__(self, url: str, key: Secret, *, patience: Patience) -> None:
        self.host = urlsplit(url).netloc.rpartition("@")[2]
        self.patience = patience
        if not _is_header_value(key.reveal()):
            raise StorageRefused(
                "the Supabase key holds characters that no key has", hint="copy SUPABASE_SERVICE_ROLE_KEY again"
            )
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
            StorageUnavailable, StorageRefused: see `supabase_errors`.
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

"""One way to Supabase: a function of the database called over HTTP, its errors translated."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

import httpx
from postgrest.exceptions import APIError
from supabase import ClientOptions, create_client

from offers_cli.config import Secret
from offers_cli.errors import StorageRefused
from offers_cli.storage.supabase_errors import connection_error, nonsense, raise_for_answer

TIMEOUT_S = 9.0
CONNECT_TIMEOUT_S = 4.0


class SupabaseClient:
    """Calls the functions of `migrations/supabase`; thread-safe."""

    def __init__(self, url: str, key: Secret) -> None:
        self.host = urlsplit(url).netloc.rpartition("@")[2]
        if not _is_header_value(key.reveal()):
            raise StorageRefused(
                "the Supabase key holds characters that no key has", hint="copy SUPABASE_SERVICE_ROLE_KEY again"
            )
        self._http = httpx.Client(
            timeout=httpx.Timeout(TIMEOUT_S, connect=CONNECT_TIMEOUT_S),
            transport=_DeadlineTransport(httpx.HTTPTransport()),
            event_hooks={"response": [raise_for_answer]},
        )
        self._supabase = create_client(url, key.reveal(), ClientOptions(httpx_client=self._http))

    def __repr__(self) -> str:
        return f"SupabaseClient({self.host!r})"

    def call(self, function: str, arguments: Mapping[str, Any]) -> Any:
        """The function's answer.

        A connection that breaks is tried once more: an idle one may have been closed by the other side, and every
        function here may run twice.

        Raises:
            StorageUnavailable, StorageRefused: see `supabase_errors`.
        """
        try:
            try:
                return self._execute(function, arguments)
            except (httpx.NetworkError, httpx.RemoteProtocolError):
                return self._execute(function, arguments)
        except httpx.HTTPError as exc:
            raise connection_error(exc, self.host) from exc

    def _execute(self, function: str, arguments: Mapping[str, Any]) -> Any:
        try:
            return self._supabase.rpc(function, dict(arguments)).execute().data
        except APIError:
            # A 2xx that is not JSON. Its text could echo the key, so it is left out of the chain.
            raise nonsense(self.host) from None

    def close(self) -> None:
        self._http.close()


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

"""A client of the shop that knows nothing of the project's own readers."""

from __future__ import annotations

import gzip
import http.client
import json
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from waiting import NEVER_S


@dataclass(frozen=True)
class Got:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        body = gzip.decompress(self.body) if self.headers.get("content-encoding") == "gzip" else self.body
        return body.decode()

    def json(self) -> Any:
        return json.loads(self.text)

    @property
    def state(self) -> Any:
        """The page's embedded data, found as a plain text search would find it."""
        start = re.search(r'(?:__PRELOADED_STATE__\s*=\s*|_n\.ctx\.r=|id="__PRELOADED_STATE__">)(?=\{)', self.text)
        assert start, "the page has no embedded state"
        return json.JSONDecoder().raw_decode(self.text, start.end())[0]

    @property
    def json_ld(self) -> list[Any]:
        return [json.loads(raw) for raw in re.findall(r'<script type="application/ld\+json">(.*?)</script>', self.text)]


class Client:
    """One keep-alive connection to a shop; follows no redirects."""

    def __init__(self, base_url: str) -> None:
        self._base_url = base_url
        self._connection = http.client.HTTPConnection(urlsplit(base_url).netloc, timeout=NEVER_S)

    def get(self, url: str, method: str = "GET", data: Any = None, raw: bytes = b"", **headers: str) -> Got:
        body = raw if data is None else json.dumps(data).encode()
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        self._connection.request(method, url.removeprefix(self._base_url), body=body or None, headers=names)
        answer = self._connection.getresponse()
        found = {name.lower(): value for name, value in answer.getheaders()}
        return Got(answer.status, found, answer.read())

    def post(self, url: str, data: Any, **headers: str) -> Got:
        return self.get(url, "POST", data, b"", content_type="application/json", **headers)

    def close(self) -> None:
        self._connection.close()

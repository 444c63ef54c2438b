"""JSON in requests and responses of the shop."""

from __future__ import annotations

import json
from typing import Any

from offers_cli.demo.server import Body, Headers, ShopResponse


def read_json_object(body: bytes) -> dict[str, Any] | None:
    """The JSON object of a request's body, ``{}`` for an empty one; None for anything else, however hostile."""
    try:
        data = json.loads(body or b"{}")
    except (ValueError, RecursionError):
        return None
    return data if isinstance(data, dict) else None


def json_response(data: Any, *, status: int = 200, headers: Headers = ()) -> ShopResponse:
    body = Body(json.dumps(data, ensure_ascii=False).encode(errors="replace"))
    return ShopResponse(status=status, body=body, content_type="application/json; charset=utf-8", headers=headers)

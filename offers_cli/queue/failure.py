"""How a failure is written on a job: in its `meta`, as RQ's JSON serializer writes it, and as text in RQ's result."""

from __future__ import annotations

import json
import zlib
from base64 import b64decode, b64encode
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from offers_cli.redis.values import as_json

MESSAGE_LIMIT = 2000
RESULT_LIMIT = 1_000_000
CODE_LIMIT = 100
ATTEMPTS_LIMIT = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why a job's last attempt did not succeed.

    Attributes:
        attempts: None where a foreign job does not tell.
    """

    code: str
    message: str
    attempts: int | None

    def as_meta(self) -> str:
        return json.dumps({"code": self.code, "message": self.message[:MESSAGE_LIMIT], "attempts": self.attempts})

    def as_exc_string(self) -> str:
        """The form in which `rq.results.Result` keeps an exception's text."""
        text = f"{self.code}: {self.message[:MESSAGE_LIMIT]}"
        return b64encode(zlib.compress(text.encode(errors="replace"))).decode()


def read_meta(meta: Any) -> Failure:
    """The failure in a job's `meta`; code and message are empty where it tells none (another serializer)."""
    found = as_json(meta)
    code, message, attempts = (
        found.get(name) if isinstance(found, dict) else None for name in ("code", "message", "attempts")
    )
    return Failure(
        code=code[:CODE_LIMIT] if isinstance(code, str) else "",
        message=message[:MESSAGE_LIMIT] if isinstance(message, str) else "",
        attempts=attempts if type(attempts) is int and 0 <= attempts <= ATTEMPTS_LIMIT else None,
    )


def parse_time(text: bytes | None) -> datetime | None:
    """A time as RQ writes it, e.g. ``2026-11-23T19:30:00.000000Z``."""
    try:
        return datetime.strptime((text or b"").decode(), "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)
    except ValueError:
        return None


def parse_stamp(stamp: Any) -> datetime | None:
    """A time in seconds since 1970, as numbers or as text."""
    try:
        return datetime.fromtimestamp(float(stamp), UTC)
    except (TypeError, ValueError, OverflowError, OSError):
        return None


def read_exc_string(text: Any) -> str:
    """What RQ's result keeps of an exception, as far as it can be read; empty when it cannot be."""
    try:
        return zlib.decompressobj().decompress(b64decode(text), RESULT_LIMIT).decode(errors="replace").strip()
    except (TypeError, ValueError, zlib.error):
        return ""


def read_result(results: Any) -> str:
    """The last line of the newest of RQ's results, as `XREVRANGE` answers them; empty when it cannot be read."""
    try:
        _, fields = results[0]
        return read_exc_string(fields[b"exc_string"]).splitlines()[-1][:MESSAGE_LIMIT]
    except (IndexError, KeyError, TypeError, ValueError):
        return ""

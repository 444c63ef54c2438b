"""A job as it is written in Redis: what it asks for, read before anything is imported or called, and why it failed.

A Redis that others can write to would otherwise run their code: RQ imports whatever function a job names. Only
`JOB_FUNCTION` with its three arguments is accepted, and `offers_cli` calls it by itself.
"""

from __future__ import annotations

import json
import re
import zlib
from base64 import b64decode, b64encode
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from offers_cli.money import MAX_CENTS
from offers_cli.offer import EnrichmentJob, url_problem
from offers_cli.queue.enqueue import OFFER_ID
from offers_cli.queue.keys import JOB_FUNCTION, job_id_of
from offers_cli.redis.values import as_json

DATA_LIMIT = 16_384
"""Bytes of a job's data, as it stands in Redis and decompressed."""
CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class InvalidJob(Exception):
    """A job that is not one of ours."""


def decode_job(job_id: str, data: bytes, forbidden: str) -> EnrichmentJob:
    """Read a queued job.

    Args:
        data: the hash's `data`, as it stands in Redis; empty when it is too large to be fetched.
        forbidden: names of its fields that would make RQ call or fetch something else (callbacks, webhooks).

    Raises:
        InvalidJob: another function, other arguments, callbacks, another serializer, too large.
    """
    if forbidden:
        raise InvalidJob(f"it asks for {forbidden}")
    if not data:
        raise InvalidJob("its data is missing or too large")
    call = _load(_decompress(data))
    if not isinstance(call, list) or len(call) != 4:
        raise InvalidJob("its data is no call")
    function, instance, arguments, keywords = call
    if function != JOB_FUNCTION:
        raise InvalidJob(f"its function is {_shown(function)}")
    if instance is not None or keywords:
        raise InvalidJob("it names an instance or keyword arguments")
    job = _as_enrichment_job(arguments)
    if job_id != job_id_of(job.offer_id):
        raise InvalidJob("its id is not that of its offer")
    return job


def read_arguments(data: bytes | None) -> tuple[str | None, str | None]:
    """Offer id and URL of any job, as far as they can be read; for showing, not for running."""
    try:
        _, _, (offer_id, url, *_), _ = _load(_decompress(data or b""))
    except (InvalidJob, TypeError, ValueError):
        return None, None
    return (offer_id if isinstance(offer_id, str) else None), (url if isinstance(url, str) else None)


def _decompress(data: bytes) -> bytes:
    """RQ compresses a job's data and reads it uncompressed too."""
    if data[:1] != b"x":
        return data
    unpacker = zlib.decompressobj()
    try:
        plain = unpacker.decompress(data, DATA_LIMIT)
    except zlib.error as exc:
        raise InvalidJob("its data cannot be read") from exc
    if unpacker.unconsumed_tail:
        raise InvalidJob("its data is too large")
    return plain


def _load(text: bytes) -> Any:
    found = as_json(text, limit=DATA_LIMIT)
    if found is None:
        raise InvalidJob("its data is not JSON")
    return found


def _as_enrichment_job(arguments: Any) -> EnrichmentJob:
    match arguments:
        case [str(offer_id), str(url), None | int() as price] if not isinstance(price, bool):
            pass
        case _:
            raise InvalidJob("its arguments are not (offer_id, url, current_price_cents)")
    if not OFFER_ID.fullmatch(offer_id):
        raise InvalidJob("its offer id is none")
    if problem := url_problem(url):
        raise InvalidJob(f"its address {problem}")
    if price is not None and not 0 <= price <= MAX_CENTS:
        raise InvalidJob("its price is none")
    return EnrichmentJob(offer_id=offer_id, url=url, current_price_cents=price)


def _shown(value: Any) -> str:
    return CONTROL.sub("?", str(value))[:100]


MESSAGE_LIMIT = 2000
RESULT_LIMIT = 1_000_000
CODE_LIMIT = 100
ATTEMPTS_LIMIT = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class JobFailure:
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


def read_meta(meta: Any) -> JobFailure:
    """The failure in a job's `meta`; code and message are empty where it tells none (another serializer)."""
    found = as_json(meta)
    code, message, attempts = (
        found.get(name) if isinstance(found, dict) else None for name in ("code", "message", "attempts")
    )
    return JobFailure(
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

"""Which jobs we run: ours alone, told by their data before anything is imported or called.

A Redis that others can write to would otherwise run their code: RQ imports whatever function a job names.
"""

from __future__ import annotations

import re
import zlib
from typing import Any

from offers_cli.money import MAX_CENTS
from offers_cli.offer import EnrichmentJob, url_problem
from offers_cli.queue.enqueue import OFFER_ID
from offers_cli.queue.keys import JOB_FUNCTION, job_id_of
from offers_cli.redis.values import as_json

DATA_LIMIT = 16_384
"""Bytes of a job's data, as it stands in Redis and decompressed."""
CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class Refused(Exception):
    """A job that is not one of ours."""


def admit(job_id: str, data: bytes, forbidden: str) -> EnrichmentJob:
    """Read a queued job.

    Args:
        data: the hash's `data`, as it stands in Redis; empty when it is too large to be fetched.
        forbidden: names of its fields that would make RQ call or fetch something else (callbacks, webhooks).

    Raises:
        Refused: another function, other arguments, callbacks, another serializer, too large.
    """
    if forbidden:
        raise Refused(f"it asks for {forbidden}")
    if not data:
        raise Refused("its data is missing or too large")
    call = _load(_decompress(data))
    if not isinstance(call, list) or len(call) != 4:
        raise Refused("its data is no call")
    function, instance, arguments, keywords = call
    if function != JOB_FUNCTION:
        raise Refused(f"its function is {_shown(function)}")
    if instance is not None or keywords:
        raise Refused("it names an instance or keyword arguments")
    job = _as_enrichment_job(arguments)
    if job_id != job_id_of(job.offer_id):
        raise Refused("its id is not that of its offer")
    return job


def read_arguments(data: bytes | None) -> tuple[str | None, str | None]:
    """Offer id and URL of any job, as far as they can be read; for showing, not for running."""
    try:
        _, _, (offer_id, url, *_), _ = _load(_decompress(data or b""))
    except (Refused, TypeError, ValueError):
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
        raise Refused("its data cannot be read") from exc
    if unpacker.unconsumed_tail:
        raise Refused("its data is too large")
    return plain


def _load(text: bytes) -> Any:
    found = as_json(text, limit=DATA_LIMIT)
    if found is None:
        raise Refused("its data is not JSON")
    return found


def _as_enrichment_job(arguments: Any) -> EnrichmentJob:
    match arguments:
        case [str(offer_id), str(url), None | int() as price] if not isinstance(price, bool):
            pass
        case _:
            raise Refused("its arguments are not (offer_id, url, current_price_cents)")
    if not OFFER_ID.fullmatch(offer_id):
        raise Refused("its offer id is none")
    if problem := url_problem(url):
        raise Refused(f"its address {problem}")
    if price is not None and not 0 <= price <= MAX_CENTS:
        raise Refused("its price is none")
    return EnrichmentJob(offer_id=offer_id, url=url, current_price_cents=price)


def _shown(value: Any) -> str:
    return CONTROL.sub("?", str(value))[:100]

"""A job: what it asks for, how it is written in Redis and read from there, and why its last attempt failed.

A Redis that others can write to would otherwise run their code: RQ imports whatever function a job names. Ours alone
are run, recognised by their data before anything is imported or called.
"""

from __future__ import annotations

import json
import re
import zlib
from base64 import b64decode, b64encode
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Self

from offers_cli.money import MAX_CENTS
from offers_cli.offer import url_problem
from offers_cli.queue.keys import JOB_FUNCTION, job_id_of
from offers_cli.redis.values import as_json

OFFER_ID = re.compile(r"[A-Za-z0-9_-]{1,128}", re.ASCII)
"""What RQ allows in a job id."""
DATA_LIMIT = 16_384
"""Bytes of a job's data, as it stands in Redis and decompressed."""
CONTROL = re.compile(r"[\x00-\x1f\x7f]")
MESSAGE_LIMIT = 2000
RESULT_LIMIT = 1_000_000
CODE_LIMIT = 100
ATTEMPTS_LIMIT = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class EnrichmentJob:
    """What one queued job asks for: the arguments of `JOB_FUNCTION`. Its RQ job id is ``enrich-<offer_id>``."""

    offer_id: str
    url: str
    current_price_cents: int | None

    def problem(self) -> str | None:
        """Why it cannot be queued; None when it can."""
        if not OFFER_ID.fullmatch(self.offer_id):
            return "its id cannot be part of a job id, which has letters, digits, - and _"
        problem = url_problem(self.url)
        return problem and f"its address {problem}"

    def encode(self) -> tuple[str, str, str]:
        """Id, data (as RQ's JSON serializer writes function, instance, arguments and keywords) and description."""
        arguments = (self.offer_id, self.url, self.current_price_cents)
        data = json.dumps((JOB_FUNCTION, None, arguments, {}))
        return job_id_of(self.offer_id), data, f"enrich {self.url.partition('?')[0]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimedJob(EnrichmentJob):
    """A job that a worker has claimed, for one attempt at it; an *execution*, in RQ's words.

    Attributes:
        attempt: from 1; snoozed and given-back attempts do not count.
        claimed_at: Redis's time at the claim (UTC): the fence of this attempt's writes.
        exclusive: it was running when its worker crashed before, and must have the process for itself.
        invalid: why it must not be run; empty when it may. What it asks for is then empty as well.
    """

    job_id: str
    execution_id: str
    attempt: int
    claimed_at: datetime
    exclusive: bool = False
    invalid: str = ""

    @property
    def composite(self) -> str:
        """How RQ names the execution."""
        return f"{self.job_id}:{self.execution_id}"

    @classmethod
    def from_claim(cls, answer: tuple[bytes, bytes, int, int, bytes, bytes], claimed_at: datetime) -> Self:
        """Read what `claim.lua` answers of one job."""
        job_id, execution_id, attempt, exclusive, data, forbidden = answer
        invalid = ""
        try:
            asked = decode_job(job_id.decode(), data, forbidden.decode())
        except InvalidJob as error:
            asked, invalid = EnrichmentJob(offer_id="", url="", current_price_cents=None), str(error)
        return cls(
            offer_id=asked.offer_id,
            url=asked.url,
            current_price_cents=asked.current_price_cents,
            job_id=job_id.decode(),
            execution_id=execution_id.decode(),
            attempt=attempt,
            claimed_at=claimed_at,
            exclusive=bool(exclusive),
            invalid=invalid,
        )


class InvalidJob(Exception):
    """A job that is not one of ours."""


def decode_job(job_id: str, data: bytes, forbidden: str = "") -> EnrichmentJob:
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
    call = load_call(data)
    if not isinstance(call, list) or len(call) != 4:
        raise InvalidJob("its data is no call")
    function, instance, arguments, keywords = call
    if function != JOB_FUNCTION:
        raise InvalidJob(f"its function is {CONTROL.sub('?', str(function))[:100]}")
    if instance is not None or keywords:
        raise InvalidJob("it names an instance or keyword arguments")
    job = _decode_arguments(arguments)
    if job_id != job_id_of(job.offer_id):
        raise InvalidJob("its id is not that of its offer")
    return job


def _decode_arguments(arguments: Any) -> EnrichmentJob:
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


def read_arguments(data: bytes | None) -> tuple[str | None, str | None]:
    """Offer id and URL of any job, as far as they can be read; for showing, not for running."""
    try:
        _, _, (offer_id, url, *_), _ = load_call(data or b"")
    except (InvalidJob, TypeError, ValueError):
        return None, None
    return (offer_id if isinstance(offer_id, str) else None), (url if isinstance(url, str) else None)


def load_call(data: bytes) -> Any:
    """A job's data, which RQ compresses and reads uncompressed too."""
    if data[:1] == b"x":
        unpacker = zlib.decompressobj()
        try:
            data = unpacker.decompress(data, DATA_LIMIT)
        except zlib.error as exc:
            raise InvalidJob("its data cannot be read") from exc
        if unpacker.unconsumed_tail:
            raise InvalidJob("its data is too large")
    found = as_json(data, limit=DATA_LIMIT)
    if found is None:
        raise InvalidJob("its data is not JSON")
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class JobFailure:
    """Why a job's last attempt did not succeed, as its `meta` says and RQ's result shows it.

    Attributes:
        attempts: None where a foreign job does not say.
    """

    code: str
    message: str
    attempts: int | None

    def as_meta(self) -> str:
        """The form in which RQ's JSON serializer writes it."""
        return json.dumps({"code": self.code, "message": self.message[:MESSAGE_LIMIT], "attempts": self.attempts})

    def as_exc_string(self) -> str:
        """The form in which `rq.results.Result` keeps an exception's text."""
        text = f"{self.code}: {self.message[:MESSAGE_LIMIT]}"
        return b64encode(zlib.compress(text.encode(errors="replace"))).decode()


def read_meta(meta: Any) -> JobFailure:
    """The failure in a job's `meta`; code and message are empty where there is none (another serializer)."""
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
    """A time as RQ writes it, e.g. ``2026-11-23T19:30:00.000000Z``; None for whatever is none."""
    try:
        return datetime.strptime((text or b"").decode(), "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)
    except ValueError:
        return None


def parse_stamp(stamp: Any) -> datetime | None:
    """A time in seconds since 1970, as a number or as text; None for whatever is none."""
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

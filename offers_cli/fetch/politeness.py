"""When we may go: one clock per (host, egress), kept in Redis and shared by all processes and machines.

A reservation is one Lua call on Redis's own clock. What is stored is the last turn that was given out, so the next
turn is `delay` after it: a process that dies, or a delay that is made shorter, leaves nothing to wait for. Pauses are
keys with an expiry beside it, and survive restarts as Redis does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import redis
from redis import exceptions

from offers_cli.errors import HostPaused, QueueRefused, QueueUnavailable, TurnTooFar
from offers_cli.fetch.page import DIRECT

PREFIX = "offers:pace:"
SLACK = 0.02
"""Turns lie this much further apart than asked: room for wake-ups and connections that are late, so that a server never
counts more than it was promised."""

FIRST_PAUSE_S = 60.0
LONGEST_PAUSE_S = 3600.0

_RESERVE = """
-- KEYS: turn and pause key of each egress. ARGV: delay_us, most_us (-1: any wait is fine).
-- Gives {'turn', egress, wait_us}, {'far', egress, wait_us} or {'paused', egress, ms, reason}.
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local delay, most = tonumber(ARGV[1]), tonumber(ARGV[2])
local best, best_turn, paused, shortest
for i = 1, #KEYS, 2 do
  local pause = redis.call('PTTL', KEYS[i + 1])
  if pause > 0 then
    if not paused or pause < shortest then paused, shortest = i, pause end
  else
    local last = tonumber(redis.call('GET', KEYS[i]) or 0)
    if last - now > 1000 * delay then last = 0 end  -- no queue is that long: the clock was set back
    if not best or last + delay < best_turn then best, best_turn = i, last + delay end
  end
end
if not best then
  return {'paused', (paused - 1) / 2, shortest, redis.call('GET', KEYS[paused + 1])}
end
local wait = math.max(0, best_turn - now)
if most >= 0 and wait > most then return {'far', (best - 1) / 2, wait} end
redis.call('SET', KEYS[best], string.format('%.0f', now + wait), 'PX', math.ceil((wait + delay) / 1000) + 1000)
return {'turn', (best - 1) / 2, wait}
"""

_PAUSE = """
-- KEYS: pause key, strikes key, set of paused. ARGV: asked_ms (-1: grow), first_ms, longest_ms, reason, member.
-- A pause in force is one event, however many answers told of it: only a wall met after it counts as a repetition.
local left, asked = redis.call('PTTL', KEYS[1]), tonumber(ARGV[1])
if asked < 0 then
  if left > 0 then return left end
  local strikes = redis.call('INCR', KEYS[2])
  asked = math.floor(math.min(tonumber(ARGV[3]), tonumber(ARGV[2]) * 2 ^ (strikes - 1)))
  redis.call('PEXPIRE', KEYS[2], 2 * asked)
end
if asked <= left then return left end
redis.call('SET', KEYS[1], ARGV[4], 'PX', string.format('%.0f', asked))
redis.call('SADD', KEYS[3], ARGV[5])
return asked
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class PausedHost:
    """A pause in force."""

    host: str
    egress: str
    seconds: float
    reason: str


@contextmanager
def _redis_errors() -> Iterator[None]:
    try:
        yield
    except (exceptions.ConnectionError, exceptions.TimeoutError) as exc:
        raise QueueUnavailable(
            f"Redis, which keeps the pace, does not answer: {exc}", hint="run `offers doctor`"
        ) from exc
    except exceptions.RedisError as exc:
        raise QueueRefused(f"Redis, which keeps the pace, refuses: {exc}", hint="run `offers doctor`") from exc


class SharedPace:
    """The pace of all processes that use one Redis; thread-safe.

    Args:
        delay_s: least time between two requests to one host through one egress; 0 for no waiting.
        first_pause_s: the pause after the first wall; each wall met again doubles it, up to an hour. A wall is
            forgotten when as much time as its pause took has passed without one.
    """

    def __init__(
        self,
        client: redis.Redis,
        *,
        delay_s: float,
        first_pause_s: float = FIRST_PAUSE_S,
    ) -> None:
        self._redis = client
        self._delay_us = round(delay_s * (1 + SLACK) * 1e6)
        self._first_pause_ms = max(1, round(first_pause_s * 1000))
        self._reserve: Callable[..., Any] = client.register_script(_RESERVE)
        self._pause: Callable[..., Any] = client.register_script(_PAUSE)

    def reserve(self, host: str, egress: str = DIRECT, *, max_wait_s: float | None = None) -> float:
        """Take the next turn (see `offers_cli.fetch.page.Pace.reserve`)."""
        return self.reserve_any(host, (egress,), max_wait_s=max_wait_s)[1]

    def reserve_any(self, host: str, egresses: Sequence[str], *, max_wait_s: float | None = None) -> tuple[str, float]:
        """Take the nearest turn among several egresses: (egress, seconds to wait)."""
        keys = [key for egress in egresses for key in (_key("turn", host, egress), _key("pause", host, egress))]
        most_us = -1 if max_wait_s is None else round(max_wait_s * 1e6)
        with _redis_errors():
            verdict, place, amount, *reason = self._reserve(keys=keys, args=[self._delay_us, most_us])
        match _text(verdict):
            case "paused":
                raise HostPaused(host, reason=_text(reason[0]), seconds=amount / 1000)
            case "far":
                raise TurnTooFar(host, wait_s=amount / 1e6)
        return egresses[place], amount / 1e6

    def pause(self, host: str, seconds: float | None, *, reason: str, egress: str = DIRECT) -> float:
        """Pause the host for everyone (see `offers_cli.fetch.page.Pace.pause`)."""
        asked_ms = -1 if seconds is None else max(1, round(seconds * 1000))
        keys = [_key("pause", host, egress), _key("strikes", host, egress), f"{PREFIX}paused"]
        args = [asked_ms, self._first_pause_ms, round(LONGEST_PAUSE_S * 1000), reason, _member(host, egress)]
        with _redis_errors():
            return float(self._pause(keys=keys, args=args)) / 1000

    def paused_hosts(self) -> list[PausedHost]:
        """The pauses in force, by host."""
        with _redis_errors():
            members = sorted(_text(member) for member in self._redis.smembers(f"{PREFIX}paused"))
            found = [self._read_pause(member) for member in members]
        return [pause for pause in found if pause is not None]

    def _read_pause(self, member: str) -> PausedHost | None:
        host, _, egress = member.partition("|")
        key = _key("pause", host, egress)
        left_ms: Any = self._redis.pttl(key)
        reason: Any = self._redis.get(key)
        if reason is None or left_ms <= 0:
            return None
        return PausedHost(host=host, egress=egress, seconds=left_ms / 1000, reason=_text(reason))


def _key(kind: str, host: str, egress: str) -> str:
    return f"{PREFIX}{kind}:{_member(host, egress)}"


def _member(host: str, egress: str) -> str:
    return f"{host.lower()}|{egress}"


def _text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value

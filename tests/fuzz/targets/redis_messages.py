"""What a stranger publishes on a worker's command channel: obeyed or ignored."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import redis
from fuzz.target import Target
from queue_fakes import Database, make_worker

COMMANDS = ("shutdown", "stop-job", "stop-execution", "kill-horse", "", "\ud800", 7, None)
VALUES: tuple[Any, ...] = ("enrich-a", "", "\ud800", 0, -1, 1e308, None, True, [], {}, "x" * 20_000)
LONGEST = 100_000
BYTES = (b"[", b"{", b'"', b"\\u", b"\xff", b"\x00", b"NaN", b"9" * 500, b'{"command":', b"}", b",", b"-", b"1e999")


def make(source: random.Random) -> bytes:
    if source.random() < 0.3:
        return (b"".join(source.choices(BYTES, k=source.randint(0, 30))) * source.choice((1, 1, 5000)))[:LONGEST]
    command: Any = {"command": source.choice(COMMANDS)}
    command |= {name: source.choice(VALUES) for name in source.sample(("job_id", "execution_id", "x"), 2)}
    for _ in range(source.choice((0, 0, 0, 3, 400))):
        command = source.choice(([command], {"command": command}))
    text = json.dumps(command).encode()
    return text[: source.randint(0, len(text))] if source.random() < 0.2 else text


@contextmanager
def opened() -> Iterator[Target]:
    worker = make_worker(redis.Redis(), Database(), concurrency=1)

    def read(message: bytes) -> None:
        worker._heartbeat.hear(message)
        worker._obey()

    yield Target(make, read, declared=())
    worker._threads.close()

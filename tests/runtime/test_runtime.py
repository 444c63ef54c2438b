"""The parts of a runtime: opened when they are first used, each once, and closed at the end."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from pathlib import Path
from threading import Barrier, Event

import pytest

from offers_cli.config import load_config
from offers_cli.errors import QueueUnavailable
from offers_cli.fetch.pace import LocalPace
from offers_cli.runtime import Runtime, open_runtime


@pytest.fixture
def runtime(tmp_path: Path) -> Iterator[Runtime]:
    """Its Redis is one that nobody has started."""
    settings = {"OFFERS_HOME": str(tmp_path), "REDIS_URL": "redis://127.0.0.1:1/0"}
    with open_runtime(load_config(settings, tmp_path)) as opened:
        yield opened


def test_a_part_is_opened_when_it_is_asked_for_and_kept(runtime: Runtime) -> None:
    assert not runtime.config.database.sqlite_path.exists()
    assert runtime.storage is runtime.storage
    assert runtime.config.database.sqlite_path.exists()


def test_a_part_of_later_is_opened_when_something_is_asked_of_it(runtime: Runtime) -> None:
    storage = runtime.later.storage
    assert not runtime.config.database.sqlite_path.exists()
    assert storage.counts().total == 0
    assert runtime.later.storage.counts() == runtime.storage.counts()


def test_what_cannot_be_opened_says_so_when_it_is_used(runtime: Runtime) -> None:
    queue = runtime.later.registries
    for _ in range(2):
        with pytest.raises(QueueUnavailable, match=r"127\.0\.0\.1:1"):
            queue.counts()
    with pytest.raises(QueueUnavailable):
        _ = runtime.registries


def test_a_redis_that_did_not_answer_is_left_alone_for_a_moment(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A command's parts do not wait for it one after another."""
    asked: list[object] = []

    def away(url: object, _home: Path) -> None:
        asked.append(url)
        raise QueueUnavailable("it is away")

    monkeypatch.setattr("offers_cli.redis.open.open_connection", away)
    for part in (runtime.later.queue, runtime.later.registries, runtime.later.shared_pace):
        with pytest.raises(QueueUnavailable):
            _ = part.keys  # type: ignore[union-attr]  # whatever is asked of it
    assert len(asked) == 1


def test_without_a_redis_the_pace_is_this_process_s_own(runtime: Runtime) -> None:
    assert isinstance(runtime.pace, LocalPace)
    assert not runtime.later.pace.is_paused("shop.test")


def test_threads_that_use_a_part_at_once_open_it_once(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    """From Python 3.12 on only our own lock sees to it: several fetchers would each have their own connections."""
    opened: list[int] = []
    all_ask, nobody = Barrier(4), Event()

    def open_snapshots(_: Runtime) -> list[int]:
        opened.append(1)
        nobody.wait(0.2)  # time for another thread to open it as well
        return opened

    part = cached_property(open_snapshots)
    part.__set_name__(Runtime, "snapshots")
    monkeypatch.setattr(Runtime, "snapshots", part)
    later = runtime.later

    def use(_: int) -> int:
        all_ask.wait()
        return later.snapshots.count(1)  # type: ignore[attr-defined,no-any-return]  # it is the list above

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(use, range(4))) == [1, 1, 1, 1]

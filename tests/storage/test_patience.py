"""How long a storage waits for a database that is busy: by a clock of the test's own."""

from __future__ import annotations

import pytest

from offers_cli.errors import StorageBusy, StorageRefused, StorageUnavailable, WorkError
from offers_cli.storage.patience import BRIEF, LONGEST_WAIT_S, Patience


class Database:
    """Fails with each error in turn, then answers; its clock moves only while somebody waits for it."""

    def __init__(self, *errors: WorkError, try_s: float = 0.0) -> None:
        self.errors = list(errors)
        self.try_s = try_s
        self.now = 0.0
        self.tries = 0
        self.waits: list[float] = []

    def patience(self, seconds: float) -> Patience:
        return Patience(seconds=seconds, sleep=self._sleep, clock=lambda: self.now)

    def _sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += seconds

    def ask(self) -> str:
        self.tries += 1
        self.now += self.try_s
        if self.errors:
            raise self.errors.pop(0)
        return "answer"


def busy(times: int, retry_after_s: float | None = None) -> list[WorkError]:
    return [StorageBusy("busy", retry_after_s=retry_after_s) for _ in range(times)]


def test_the_waits_grow_to_a_limit_each_half_of_it_by_chance() -> None:
    database = Database(*busy(8))
    assert database.patience(60)(database.ask) == "answer"
    whole = [0.25, 0.5, 1, 2, 4, LONGEST_WAIT_S, LONGEST_WAIT_S, LONGEST_WAIT_S]
    assert all(most / 2 <= wait <= most for wait, most in zip(database.waits, whole, strict=True))
    assert len({wait / most for wait, most in zip(database.waits, whole, strict=True)}) > 1


@pytest.mark.parametrize(("try_s", "outage"), [(0.0, "quick failures"), (9.0, "silence")])
def test_a_minute_of_patience_outlasts_half_a_minute_of_outage(try_s: float, outage: str) -> None:
    database = Database(try_s=try_s)

    def ask() -> str:
        if database.now < 30:
            database.errors = busy(1)
        return database.ask()

    assert database.patience(60)(ask) == "answer"


def test_a_wait_that_was_asked_for_is_kept() -> None:
    database = Database(*busy(2, retry_after_s=7))
    database.patience(60)(database.ask)
    assert all(7 <= wait <= 8 for wait in database.waits)


def test_it_ends_in_time_with_the_last_error() -> None:
    errors = busy(100)
    database = Database(*errors)
    with pytest.raises(StorageBusy) as caught:
        database.patience(60)(database.ask)
    assert caught.value is errors[database.tries - 1]
    assert 60 - LONGEST_WAIT_S <= database.now <= 60


def test_a_wait_longer_than_the_patience_is_told_at_once() -> None:
    database = Database(*busy(2, retry_after_s=600))
    with pytest.raises(StorageBusy):
        database.patience(60)(database.ask)
    assert (database.tries, database.waits) == (1, [])


@pytest.mark.parametrize("error", [StorageUnavailable("the disk is full"), StorageRefused("wrong key")])
def test_what_waiting_does_not_mend_is_told_at_once(error: WorkError) -> None:
    database = Database(error)
    with pytest.raises(type(error)):
        database.patience(60)(database.ask)
    assert database.tries == 1


def test_briefly_is_some_four_tries() -> None:
    database = Database(*busy(100))
    with pytest.raises(StorageBusy):
        database.patience(600).briefly()(database.ask)
    assert 4 <= database.tries <= 5
    assert Patience(seconds=0).briefly().seconds == 0
    assert BRIEF.briefly() == BRIEF

"""Places: threads that run one job each, and can be given up when a job hangs."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Generic, TypeVar

Job = TypeVar("Job")
Result = TypeVar("Result")


@dataclass(slots=True, eq=False)
class Task(Generic[Job]):
    """One job on its way through a place."""

    job: Job
    over: bool = False
    """Finished or given up, whichever came first."""


class Places(Generic[Job, Result]):
    """A number of threads that run jobs.

    A thread cannot be killed: one that hangs is given up, a fresh thread takes its place, and what it may still
    return is ignored.

    Args:
        run: runs one job in a thread; is not expected to raise.
        report: is given each result, in that thread.
        fail: is given what `run` raised all the same, in that thread, which ends.
    """

    def __init__(
        self,
        count: int,
        run: Callable[[Job], Result],
        report: Callable[[Result], None],
        fail: Callable[[BaseException], None],
    ) -> None:
        self._run = run
        self._report = report
        self._fail = fail
        self._tasks: SimpleQueue[Task[Job] | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._count = count
        for _ in range(count):
            self._add_thread()

    def start(self, job: Job) -> Task[Job]:
        """Hand a job to the next free thread."""
        task = Task(job)
        self._tasks.put(task)
        return task

    def give_up(self, task: Task[Job]) -> bool:
        """Free the place of a job that hangs; False when it has just finished, and its result is on its way."""
        if not self._end(task):
            return False
        self._add_thread()
        return True

    def close(self) -> None:
        """Let the threads end when they are done; waits for none."""
        for _ in range(self._count):
            self._tasks.put(None)

    def _add_thread(self) -> None:
        threading.Thread(target=self._work, name="place", daemon=True).start()

    def _work(self) -> None:
        while task := self._tasks.get():
            try:
                result = self._run(task.job)
            except BaseException as exc:  # noqa: BLE001 (told, not swallowed)
                self._fail(exc)
                return
            if not self._end(task):
                return  # given up meanwhile: a fresh thread has this place
            self._report(result)

    def _end(self, task: Task[Job]) -> bool:
        with self._lock:
            was_over, task.over = task.over, True
        return not was_over

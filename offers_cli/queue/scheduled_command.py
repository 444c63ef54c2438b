"""One run of a command on a clock: a process of its own, which ends with its worker."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Self

from offers_cli.errors import Bug, Interrupted, NotFound
from offers_cli.queue.schedule import Entry, Run, Schedule, find_command
from offers_cli.times import utc_now

PROGRAM = (sys.executable, "-m", "offers_cli.cli.scheduled")
OUTPUT_LIMIT = 4_000_000
"""Bytes of a command's document that are read."""
FIGURES = 6
DONE = (0, 1)
"""The exit codes of a command that did its work, or all of it that could be done."""
LINE = 300


class RunningCommand:
    """A command that was started; it is asked whether it has ended, and never waited for."""

    def __init__(self, process: subprocess.Popen[bytes], output: Any) -> None:
        self._process = process
        self._output = output

    @classmethod
    def start(cls, entry: Entry) -> Self:
        """Start an entry's command with this process's settings.

        Its standard input is a pipe of which this process holds the other end: when this one is no more, however it
        ended, the command sees that and ends.

        Raises:
            OSError: there is no process or no file to be had.
        """
        output = tempfile.TemporaryFile()  # noqa: SIM115 (it is closed with the command)
        try:
            process = subprocess.Popen(  # noqa: S603 (the program checks the words again)
                [*PROGRAM, entry.name, *entry.command],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.DEVNULL if sys.stderr is None or sys.stderr.isatty() else None,
                start_new_session=True,  # Ctrl-C is for the worker, which gives it time
            )
        except OSError:
            output.close()
            raise
        return cls(process, output)

    def exit_code(self) -> int | None:
        """How it ended; None while it runs. 128 and more: by a signal."""
        code = self._process.poll()
        return code if code is None or code >= 0 else 128 - code

    def terminate(self) -> None:
        """Ask it to end; what it has done stays done."""
        self._process.terminate()

    def kill(self) -> None:
        """End it now."""
        self._process.kill()

    def wait(self) -> int:
        """Wait for its end."""
        self._process.wait()
        return self.exit_code() or 0

    def close(self) -> tuple[str, str]:
        """What it said, as code of its failure (empty for none) and in one line; for one that has ended."""
        if self._process.stdin:
            self._process.stdin.close()
        with self._output as output:
            output.seek(0)
            return read_document(output.read(OUTPUT_LIMIT))


def run_to_its_end(schedule: Schedule, name: str) -> str:
    """Run an entry's command in this process's stead and wait for it; returns its result in one line.

    Raises:
        NotFound: there is no such entry.
        Bug: the command failed.
        QueueUnavailable, QueueRefused: Redis does not answer or says no.
    """
    command = find_command(schedule.look().commands, name)
    if command is None:
        raise NotFound(f"there is no entry {name} in the schedule", hint="offers schedule list")
    run = Run(started_at=utc_now())
    schedule.begin(command.entry, run)
    running = RunningCommand.start(command.entry)
    exit_code = running.wait()
    _, line = running.close()
    ended = replace(run, ended_at=utc_now(), exit_code=exit_code, status=status_of(exit_code), result=line)
    schedule.end(command.entry, run, ended)
    if exit_code not in DONE:
        raise Bug(f"offers {shlex.join(command.entry.command)} ended with {exit_code}: {line}")
    return line


def read_document(text: bytes) -> tuple[str, str]:
    """What a command's JSON document says, as code of its first error (empty for none) and in one line."""
    try:
        document = json.loads(text)
        data, errors = document["data"], document["errors"]
        figures = ", ".join(_figures(data))
        if not errors:
            return "", figures[:LINE]
        code, message = str(errors[0]["code"]), str(errors[0]["message"])
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError):
        return "bug", "it ended without a result"
    line = f"{code}: {message}" + (f" (and {len(errors) - 1} more)" if len(errors) > 1 else "")
    return code, f"{line}; {figures}"[:LINE] if figures else line[:LINE]


def _figures(data: Mapping[str, Any]) -> list[str]:
    """The first figures that are not 0, each with its name."""
    found = [f"{name.replace('_', ' ')} {value}" for name, value in data.items() if type(value) is int and value]
    return found[:FIGURES]


def status_of(exit_code: int) -> str:
    """What an exit code says of a run: ``ok``, ``partial``, ``stopped`` or ``failed``."""
    words = {0: "ok", 1: "partial", Interrupted.exit_code: "stopped"}
    return words.get(exit_code, "failed")

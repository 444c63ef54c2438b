"""What a worker starts when a command is due: ``python -m offers_cli.cli.scheduled NAME COMMAND…``.

It is the program with `--json`, which ends when its worker does and never runs twice at once on one machine.
"""

from __future__ import annotations

import fcntl
import os
import signal
import sys
import threading
import time
from pathlib import Path

from offers_cli.cli import main
from offers_cli.cli.render import Output
from offers_cli.cli.schedule import check_command
from offers_cli.config import get_config
from offers_cli.errors import OffersError, UsageError
from offers_cli.queue.schedule import NAME, OWN_ENTRY
from offers_cli.report import problems_of

END_S = 5.0
"""How long a command may take to end once its worker is gone."""
LOCK_S = 15.0
"""How long the run before, whose worker is gone, may take to end."""


def run() -> None:
    """Run the command that the arguments name."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    pipe = os.dup(sys.stdin.fileno())
    os.dup2(os.open(os.devnull, os.O_RDONLY), sys.stdin.fileno())
    threading.Thread(target=_end_with_worker, args=(pipe,), daemon=True).start()
    name, *words = sys.argv[1:]
    try:
        command = check_command(words)
        home = get_config().home
        lock = _lock(home / "schedule", name)
        _enter(home / "exports")
    except OffersError as error:
        Output(json=True).fail(words[0] if words else "", *problems_of(error), keys=tuple)
        sys.exit(error.exit_code)
    OWN_ENTRY.set(name)
    sys.argv = ["offers", *command, "--json"]
    try:
        main.run()
    finally:
        os.close(lock)


def _end_with_worker(pipe: int) -> None:
    """The worker holds the other end of the pipe and writes nothing: it closes with the worker, however that ends."""
    os.read(pipe, 1)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(END_S)
    os._exit(130)


def _lock(folder: Path, name: str) -> int:
    """The entry's lock on this machine, which ends with this process; a run that a dead worker left is waited for."""
    if not NAME.fullmatch(name):
        raise UsageError(f"{name[:80]!r} is no name of an entry", hint="offers schedule list")
    _make(folder)
    lock = os.open(folder / f"{name}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    deadline = time.monotonic() + LOCK_S
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise UsageError("the run before has not ended yet", hint="offers schedule list") from None
            time.sleep(0.1)
        else:
            return lock


def _enter(folder: Path) -> None:
    """What a command writes by a bare name goes there; the settings were read before, where the worker is."""
    _make(folder)
    os.chdir(folder)


def _make(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as exc:
        raise UsageError(f"{folder}: {exc.strerror}", hint="offers doctor") from exc


if __name__ == "__main__":
    run()

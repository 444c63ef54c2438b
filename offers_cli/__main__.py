"""`python -m offers_cli` and the installed `offers`."""

from __future__ import annotations

import gc
import os
import signal

INTERRUPTED = 130
"""The exit code of `errors.Interrupted`, which is not imported yet when it is first needed."""

OBJECTS_OF_A_START = 100_000
"""More than a short command makes: what it imports stays, and to look through it for garbage costs a tenth of it."""


def _put_off_first_collection() -> None:
    """Look for garbage first after that many objects, and once it was looked for, as often as usual.

    A worker does so before its first job: 12,000 pages later it would else hold a tenth more memory.
    """
    usual = gc.get_threshold()

    def go_on_as_usual(*_: object) -> None:
        gc.callbacks.remove(go_on_as_usual)
        gc.set_threshold(*usual)

    gc.callbacks.append(go_on_as_usual)
    gc.set_threshold(OBJECTS_OF_A_START)


def run() -> None:
    """Load the program and run it; Ctrl-C before it is loaded ends it without a word, as there is nothing to undo."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: os._exit(INTERRUPTED))
    _put_off_first_collection()
    from offers_cli.cli import main

    main.run()


if __name__ == "__main__":
    run()

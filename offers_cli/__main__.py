"""`python -m offers_cli` and the installed `offers`."""

from __future__ import annotations

import gc
import os
import signal

INTERRUPTED = 130
"""The exit code of `errors.Interrupted`, which is not imported yet when it is first needed."""

OBJECTS_OF_A_START = 100_000
"""More than a short command makes: what it imports stays, and to look through it for garbage costs a tenth of it."""


def run() -> None:
    """Load the program and run it; Ctrl-C before it is loaded ends it without a word, as there is nothing to undo."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: os._exit(INTERRUPTED))
    gc.set_threshold(OBJECTS_OF_A_START)
    from offers_cli.cli import main

    main.run()


if __name__ == "__main__":
    run()

"""`python -m offers_cli` and the installed `offers`."""

from __future__ import annotations

import os
import signal

INTERRUPTED = 130
"""The exit code of `errors.Interrupted`, which is not imported yet when it is first needed."""


def run() -> None:
    """Load the program and run it; Ctrl-C before it is loaded ends it without a word, as there is nothing to undo."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: os._exit(INTERRUPTED))
    from offers_cli.cli import main

    main.run()


if __name__ == "__main__":
    run()

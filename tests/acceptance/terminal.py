"""The installed program on a pseudo-terminal, and what a person would see of it."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import termios
import time
from types import TracebackType
from typing import Self

import pyte
from acceptance.program import PROGRAM, Program
from waiting import NEVER_S


class Terminal:
    """One command on a terminal of that size; `screen` is what stands on it now, `raw` every byte it sent."""

    def __init__(self, program: Program, *args: str, columns: int = 80, rows: int = 24, **env: str) -> None:
        self._screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self._screen)
        self.raw = b""
        self.exit_code: int | None = None
        environment = {"TERM": "xterm-256color", **program.environment(**env)}
        self.pid, self._fd = pty.fork()
        if self.pid == 0:
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
            os.chdir(program.home.parent)
            os.execve(PROGRAM, [str(PROGRAM), *args], environment)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._fd)
        if self.exit_code is None:
            os.kill(self.pid, 9)
            os.waitpid(self.pid, 0)

    @property
    def screen(self) -> str:
        """The lines on the screen, blanks at their ends cut off."""
        return "\n".join(line.rstrip() for line in self._screen.display).rstrip()

    @property
    def text(self) -> str:
        """Everything that was written, without anything that moves or colours."""
        return re.sub(rb"\x1b(\[[0-9;?]*[A-Za-z]|[()][AB0]|[=>78])", b"", self.raw).decode(errors="replace")

    @property
    def shows_cursor(self) -> bool:
        return not self._screen.cursor.hidden

    def resize(self, *, columns: int, rows: int) -> None:
        """Make the window another size, as a person would: the program is told by a signal."""
        self._screen.resize(rows, columns)
        fcntl.ioctl(self._fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def type(self, text: str) -> None:
        """Type on the keyboard; ``\\x03`` is Ctrl-C."""
        os.write(self._fd, text.encode())

    def wait_for(self, text: str, timeout_s: float = NEVER_S) -> Self:
        """Wait until that text stands on the screen."""
        deadline = time.monotonic() + timeout_s
        while text not in self.screen:
            assert time.monotonic() < deadline, f"{text!r} did not appear on:\n{self.screen}"
            assert self.read(), f"the program ended without {text!r}:\n{self.screen}"
        return self

    def answer(self, question: str, text: str) -> None:
        """Wait until it is asked and listened to (a secret's echo is turned off before the last blank), and answer."""
        self.wait_for(question)
        while not self.raw.endswith(b": "):
            assert self.read(), self.screen
        self.type(text + "\r")

    def end(self, timeout_s: float = NEVER_S) -> int:
        """Wait until the program ends; returns its exit code."""
        deadline = time.monotonic() + timeout_s
        while self.read():
            assert time.monotonic() < deadline, f"the program did not end:\n{self.screen}"
        self.exit_code = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        return self.exit_code

    def read(self) -> bool:
        """Take what was written, waiting a moment for it; False when the program has ended."""
        if select.select([self._fd], [], [], 0.1)[0]:
            try:
                part = os.read(self._fd, 65536)
            except OSError:  # how Linux tells that the other side is closed
                return False
            self.raw += part
            self._stream.feed(part)
            return bool(part)
        return True

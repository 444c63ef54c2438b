"""Record the real program on a real (pseudo-)terminal, as pictures for the docs: `python docs/record.py`."""

from __future__ import annotations

import fcntl
import io
import os
import pty
import re
import shlex
import struct
import subprocess
import sys
import tempfile
import termios
from pathlib import Path

from rich.console import Console
from rich.text import Text

from offers_cli.demo.catalogue import Catalogue
from offers_cli.demo.inventory import Inventory
from offers_cli.demo.run import BRISK
from offers_cli.demo.shop import DemoShop
from offers_cli.redis.embedded import stop_server

SIZES = ((80, 24), (120, 40), (200, 50))
FOLDER = Path(__file__).parent / "recordings"
SCENES = {
    "first-run": ["scrape ofertas --pages 3", "worker --burst", "stats"],
    "offers": ["list --limit 6 --sort -discount", "failed", "runs"],
}
SCREEN = re.compile(r"\x1b\[\?1049h(.*)\x1b\[\?1049l", re.DOTALL)
"""What a program draws on a screen of its own, which is gone when it ends."""


def run_on_terminal(command: str, env: dict[str, str], *, columns: int, rows: int, folder: Path | None = None) -> str:
    """What one command writes to a terminal, all of it; run in that folder."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    program = str(Path(sys.executable).with_name("offers"))
    typed = [program, *shlex.split(command)]
    process = subprocess.Popen(typed, stdin=theirs, stdout=theirs, stderr=theirs, env=env, cwd=folder)
    os.close(theirs)
    shown = bytearray()
    while True:
        try:
            part = os.read(ours, 65536)
        except OSError:  # Linux ends a terminal whose last program is gone with EIO
            break
        if not part:
            break
        shown += part
    process.wait()
    os.close(ours)
    return shown.decode()


def left_standing(text: str) -> str:
    """What the terminal shows when the command is over: a screen of its own is gone then."""
    return last_frame(SCREEN.split(text)[-1])


def picture_of(text: str) -> str:
    """The same, below a moment of the screen of its own where there was one."""
    return "\n".join([*map(busy_frame, SCREEN.findall(text)[-1:]), left_standing(text)])


def busy_frame(text: str) -> str:
    """A moment of a live screen when most of the work is done and some is not."""
    frames = text.split("\x1b[H")
    return last_frame(frames[len(frames) * 2 // 3]).rstrip() + "\n"


def last_frame(text: str) -> str:
    """Drop what a live display drew over: whatever stands before the last line that was erased."""
    return text.rpartition("\x1b[2K")[2].replace("\r\n", "\n").replace("\x1b[?25h", "").replace("\x1b[?25l", "")


def record(name: str, commands: list[str], env: dict[str, str], *, columns: int, rows: int) -> None:
    """Write one scene as a picture."""
    console = Console(record=True, width=columns, file=io.StringIO(), force_terminal=True)
    for command in commands:
        console.print(Text(f"$ offers {command}", style="bold"))
        console.print(Text.from_ansi(picture_of(run_on_terminal(command, env, columns=columns, rows=rows))))
    picture = re.sub(r"@font-face \{.*?\}\s*", "", console.export_svg(title="offers"), flags=re.DOTALL)
    file = FOLDER / f"{name}-{columns}x{rows}.svg"
    file.write_text(picture, encoding="utf-8")  # with the reader's own fonts: nothing is fetched


def main() -> None:
    """Write every scene at every size, against a shop and a home of its own."""
    FOLDER.mkdir(exist_ok=True)
    for columns, rows in SIZES:
        with tempfile.TemporaryDirectory() as home, DemoShop(Inventory(Catalogue(40))) as shop:
            env = {**os.environ, **BRISK, "OFFERS_HOME": home, "ML_BASE_URL": shop.url, "TERM": "xterm-256color"}
            env["OFFERS_ALLOW_PRIVATE_HOSTS"] = "true"
            try:
                for name, commands in SCENES.items():
                    record(name, commands, env, columns=columns, rows=rows)
            finally:
                stop_server(Path(home))


if __name__ == "__main__":
    main()

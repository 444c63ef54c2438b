"""Record the real program on a real (pseudo-)terminal, as pictures for the docs: `python docs/record.py`."""

from __future__ import annotations

import fcntl
import io
import os
import pty
import re
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

COLUMNS, ROWS = 110, 40
FOLDER = Path(__file__).parent / "recordings"
SCENES = {
    "first-run": ["scrape ofertas --pages 3", "worker --burst --quiet", "stats"],
    "offers": ["list --limit 6 --sort -discount", "failed"],
}


def run_on_terminal(command: str, env: dict[str, str]) -> str:
    """What the terminal shows of one command, colours included."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    program = str(Path(sys.executable).with_name("offers"))
    process = subprocess.Popen([program, *command.split()], stdin=theirs, stdout=theirs, stderr=theirs, env=env)
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
    return last_frame(shown.decode())


def last_frame(text: str) -> str:
    """Drop what a live display drew over: whatever stands before the last line that was erased."""
    return text.rpartition("\x1b[2K")[2].replace("\r\n", "\n").replace("\x1b[?25h", "").replace("\x1b[?25l", "")


def record(name: str, commands: list[str], env: dict[str, str]) -> None:
    """Write one scene as a picture."""
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True)
    for command in commands:
        console.print(Text(f"$ offers {command}", style="bold"))
        console.print(Text.from_ansi(run_on_terminal(command, env)))
    picture = re.sub(r"@font-face \{.*?\}\s*", "", console.export_svg(title="offers"), flags=re.DOTALL)
    (FOLDER / f"{name}.svg").write_text(picture, encoding="utf-8")  # with the reader's own fonts: nothing is fetched


def main() -> None:
    """Write every scene, against a shop and a home of their own."""
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as home, DemoShop(Inventory(Catalogue(40))) as shop:
        env = {**os.environ, **BRISK, "OFFERS_HOME": home, "ML_BASE_URL": shop.url, "TERM": "xterm-256color"}
        env["OFFERS_ALLOW_PRIVATE_HOSTS"] = "true"
        for name, commands in SCENES.items():
            record(name, commands, env)
        stop_server(Path(home))


if __name__ == "__main__":
    main()

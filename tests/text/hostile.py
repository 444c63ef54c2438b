"""Titles as a hostile shop writes them, and what a terminal must not get of them."""

from __future__ import annotations

import re

C1 = [chr(code) for code in (0x80, 0x84, 0x85, 0x90, 0x98, 0x9B, 0x9C, 0x9D, 0x9E, 0x9F)]
TURNING = list("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
SEQUENCES = [
    "\x1b]52;c;Y2FsYw==\a",  # writes to the clipboard
    "\x1b]0;owned\a",  # the window's title
    "\x1b]8;;http://evil.test\x1b\\link\x1b]8;;\x1b\\",
    "\x1b[2J\x1b[H",  # clears the screen
    "\x1b[31mred",
    "\x1b[6n",  # makes the terminal type
    "\x1bP$qm\x1b\\",
    "\x1b_G\x1b\\",
    "\x1bc",
    "\x9b31m",
    "\x9d0;owned\x9c",
    "\x07",
    "\x08\x08\x08R$ 1,00",  # writes over what stands before it
    "\rR$ 1,00",
    "\x0b\x0c\x0e\x0f\x7f",
    "\x00",
]
TITLES = [f"Fone {number} {evil} fim" for number, evil in enumerate([*SEQUENCES, *C1, *TURNING])]

OBEYED = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""What a terminal obeys, but for the ends of lines (a terminal's driver makes them CR LF) and tabs."""

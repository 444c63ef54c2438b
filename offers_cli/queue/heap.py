"""The C library's heap, kept small while many threads read pages of megabytes.

glibc gives up to eight heaps a core to the threads of a process, and each grows to what its thread once needed: a
worker with 16 places held 170 MB after 3,000 pages, of which 11 MB were in use, and still grew. With two heaps, trimmed
now and then, it holds half of that at most and stays there, for the same CPU time (see docs/benchmarks.md).
Source: mallopt(3), malloc_trim(3). Other C libraries have neither, and nothing is done.
"""

from __future__ import annotations

import ctypes

M_ARENA_MAX = -8
HEAPS = 2

_c_library = ctypes.CDLL(None)


def share_heaps() -> None:
    """Let all threads that start from now on share two heaps."""
    if hasattr(_c_library, "mallopt"):
        _c_library.mallopt(M_ARENA_MAX, HEAPS)


def trim_heaps() -> None:
    """Give the pages of memory that are free back to the system."""
    if hasattr(_c_library, "malloc_trim"):
        _c_library.malloc_trim(0)

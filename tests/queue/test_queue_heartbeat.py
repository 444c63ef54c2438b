"""A worker's memory: the threads of a process share two heaps, and no page leaves a gap in them."""

import platform
import subprocess
import sys
from pathlib import Path

import pytest

COUNT_HEAPS = """
import ctypes, os, sys, threading
from offers_cli.queue.heartbeat import limit_heap, trim_heap
if sys.argv[1] == "shared":
    limit_heap()
c_library = ctypes.CDLL(None)
c_library.malloc.restype = ctypes.c_void_p
barrier = threading.Barrier(16)
def allocate():
    barrier.wait()
    c_library.malloc(100_000)
    barrier.wait()
threads = [threading.Thread(target=allocate) for _ in range(16)]
for thread in threads: thread.start()
for thread in threads: thread.join()
trim_heap()
c_library.fopen.restype = ctypes.c_void_p
told = ctypes.c_void_p(c_library.fopen(sys.argv[2].encode(), b"w"))
c_library.malloc_info(0, told)
c_library.fclose(told)
print(open(sys.argv[2]).read().count("<heap "))
"""

COUNT_MAPPED = """
import ctypes, re, sys
from offers_cli.queue.heartbeat import limit_heap
if sys.argv[1] == "limited":
    limit_heap()
c_library = ctypes.CDLL(None)
c_library.malloc.restype = ctypes.c_void_p
c_library.fopen.restype = ctypes.c_void_p
def count():
    told = ctypes.c_void_p(c_library.fopen(sys.argv[2].encode(), b"w"))
    c_library.malloc_info(0, told)
    c_library.fclose(told)
    return int(re.findall(r'type="mmap" count="([0-9]+)"', open(sys.argv[2]).read())[-1])
first = ctypes.c_void_p(c_library.malloc(2_500_000))
c_library.free(first)
before = count()
c_library.malloc(2_500_000)
print(count() - before)
"""
on_glibc = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc has such heaps")


@on_glibc
def test_sixteen_threads_share_two_heaps(tmp_path: Path) -> None:
    def count(how: str) -> int:
        command = [sys.executable, "-c", COUNT_HEAPS, how, str(tmp_path / "heaps.xml")]
        return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)

    assert count("shared") <= 2 < count("as they are")


@on_glibc
def test_the_text_of_each_page_stands_outside_of_the_heaps_and_leaves_no_gap(tmp_path: Path) -> None:
    """As they are, only the first is: once it is freed, the next of its size stands between what stays."""

    def count(how: str) -> int:
        command = [sys.executable, "-c", COUNT_MAPPED, how, str(tmp_path / "heaps.xml")]
        return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)

    assert (count("limited"), count("as they are")) == (1, 0)

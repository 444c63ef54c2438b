"""A worker's memory: the threads of a process share one heap, in which no block is as large as a page."""

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
from offers_cli.fetch.response import PIECE_BYTES
from offers_cli.queue.heartbeat import limit_heap
if sys.argv[1] == "limited":
    limit_heap()
c_library = ctypes.CDLL(None)
c_library.fopen.restype = ctypes.c_void_p
def count():
    told = ctypes.c_void_p(c_library.fopen(sys.argv[2].encode(), b"w"))
    c_library.malloc_info(0, told)
    c_library.fclose(told)
    return int(re.findall(r'type="mmap" count="([0-9]+)"', open(sys.argv[2]).read())[-1])
def count_mapped(size):
    before = count()
    blocks = [bytes(size) for _ in range(10)]
    return count() - before
page = bytes(2_500_000)
del page
print(count_mapped(300_000), count_mapped(2_500_000), count_mapped(PIECE_BYTES))
"""

LEAVE_ROOM = """
import ctypes, sys
from offers_cli.queue.heartbeat import limit_heap, trim_heap
if sys.argv[1] == "limited":
    limit_heap()
c_library = ctypes.CDLL(None)
c_library.malloc.restype = ctypes.c_void_p
c_library.sbrk.restype = ctypes.c_void_p
def heap_end():
    return c_library.sbrk(ctypes.c_long(0))
def allocate():
    return ctypes.c_void_p(c_library.malloc(24_000))
held, tree, start = [None] * 10_000, [None] * 170, heap_end()
for number in range(len(held)):  # until what is free within the heap is used up, and it grows
    held[number] = allocate()
    if heap_end() != start:
        break
for number in range(len(tree)):
    tree[number] = allocate()
for part in tree:
    c_library.free(part)
before = heap_end()
trim_heap()
print((before - heap_end()) // 2**20)
"""
on_glibc = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc has such heaps")


def tell(script: str, how: str, tmp_path: Path) -> list[int]:
    """What a process of its own prints, whose heaps are limited or as they are."""
    command = [sys.executable, "-c", script, how, str(tmp_path / "heaps.xml")]
    return [int(word) for word in subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()]


@on_glibc
def test_sixteen_threads_share_one_heap(tmp_path: Path) -> None:
    assert tell(COUNT_HEAPS, "shared", tmp_path) == [1]
    assert tell(COUNT_HEAPS, "as they are", tmp_path)[0] > 2


@on_glibc
def test_pages_and_their_texts_stand_outside_of_the_heap_and_leave_no_gap_but_their_pieces_cost_no_mapping(
    tmp_path: Path,
) -> None:
    """Of ten blocks of each size; as they are, none is mapped once a larger one was freed."""
    assert tell(COUNT_MAPPED, "limited", tmp_path) == [10, 10, 0]
    assert tell(COUNT_MAPPED, "as they are", tmp_path) == [0, 0, 0]


@on_glibc
def test_the_room_of_a_tree_is_kept_for_the_next_until_the_heartbeat_gives_it_back(tmp_path: Path) -> None:
    """As they are, 4 MB go back to the system at the end of each page, to be fetched again for the next."""
    assert (tell(LEAVE_ROOM, "limited", tmp_path), tell(LEAVE_ROOM, "as they are", tmp_path)) == ([3], [0])

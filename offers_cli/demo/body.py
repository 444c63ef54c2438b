"""The body of an answer, gzipped without gzipping the same filler again for every page."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from functools import cached_property

_GZIP_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"


def _deflate(data: bytes, flush: int) -> bytes:
    compressor = zlib.compressobj(6, zlib.DEFLATED, -zlib.MAX_WBITS)
    return compressor.compress(data) + compressor.flush(flush)


class Filler:
    """Bytes shared by many pages, compressed once.

    Ended by a full flush, deflated pieces can be strung together into one valid stream (RFC 1951, zlib manual).
    """

    def __init__(self, text: str) -> None:
        self.plain = text.encode()
        self.deflated = _deflate(self.plain, zlib.Z_FULL_FLUSH)


@dataclass(frozen=True)
class Body:
    """An answer's body: its own bytes and, for heavy pages, the filler and the end of the document after it."""

    head: bytes
    filler: Filler | None = None
    end: bytes = b""

    @property
    def plain(self) -> tuple[bytes, ...]:
        """The pieces of the body, to be sent one after the other."""
        return (self.head, self.filler.plain, self.end) if self.filler else (self.head, self.end)

    @cached_property
    def gzipped(self) -> tuple[bytes, ...]:
        """The pieces of the body as one gzip member (RFC 1952)."""
        checksum = size = 0
        for piece in self.plain:
            checksum, size = zlib.crc32(piece, checksum), size + len(piece)
        return (
            _GZIP_HEADER + _deflate(self.head, zlib.Z_FULL_FLUSH),
            self.filler.deflated if self.filler else b"",
            _deflate(self.end, zlib.Z_FINISH) + struct.pack("<II", checksum, size & 0xFFFFFFFF),
        )

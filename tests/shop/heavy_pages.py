"""Weight as real pages carry it, gzipped once for all pages that hold it."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from functools import cached_property
from random import Random

from offers_cli.demo.amounts import Era, amount
from offers_cli.demo.catalogue import seeded_random
from offers_cli.demo.server import Body

END = "</body></html>"
"""What follows a page and its filler."""

_GZIP_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
_WORDS = (
    "render", "module", "exports", "props", "children", "onClick", "__PRELOADED_STATE__", "price", "useMemo", "key",
)  # fmt: skip


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


@dataclass(frozen=True, kw_only=True)
class HeavyBody(Body):
    """A page with the filler before the end of its document."""

    filler: Filler
    end: bytes = END.encode()

    @property
    def plain(self) -> tuple[bytes, ...]:
        return (self.data, self.filler.plain, self.end)

    @cached_property
    def gzipped(self) -> tuple[bytes, ...]:
        """The pieces of the body as one gzip member (RFC 1952)."""
        checksum = size = 0
        for piece in self.plain:
            checksum, size = zlib.crc32(piece, checksum), size + len(piece)
        return (
            _GZIP_HEADER + _deflate(self.data, zlib.Z_FULL_FLUSH),
            self.filler.deflated,
            _deflate(self.end, zlib.Z_FINISH) + struct.pack("<II", checksum, size & 0xFFFFFFFF),
        )


def filler_html(size_bytes: int) -> str:
    """Four parts inline bundles, one part a carousel of decoys with struck prices."""
    rng = seeded_random("filler")
    decoys = ""
    while len(decoys) < size_bytes // 5:
        decoys += _decoy(rng)
    bundle = ""
    while len(decoys) + len(bundle) < size_bytes:
        bundle += _statement(rng)
    return f'<div class="ui-recommendations-footer">{decoys}</div><script>{bundle}</script>' if size_bytes else ""


def _decoy(rng: Random) -> str:
    now, era = rng.randrange(1_000, 900_000), Era.Y2026
    before = amount(now * 2, era, classes="andes-money-amount--previous", label="Antes:", tag="s", small=True)
    return (
        '<div class="poly-card poly-card--grid-card"><a class="poly-component__title" href="#">Visto recentemente</a>'
        f'<div class="poly-component__price">{before}<div class="poly-price__current">'
        f"{amount(now, era, label='Agora:')}</div></div></div>"
    )


def _statement(rng: Random) -> str:
    name, other = rng.choice(_WORDS), rng.choice(_WORDS)
    return f'function {name}{rng.randrange(9999)}(t,e){{return t.{other}&&e("{rng.getrandbits(48):x}")}}\n'

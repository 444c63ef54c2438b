"""The body of an answer: inflated once, never more than allowed, and only if it is a page."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator

from offers_cli.errors import NotHtml, SiteUnavailable, TooLarge

MAX_PAGE_BYTES = 10 * 2**20
"""Four times the largest page seen."""
PIECE_BYTES = 256 * 1024
MAX_PIECES = 50_000
"""A body in millions of tiny chunks costs a thousand times the work of its bytes."""


PAGE_TYPES = frozenset({"text/html", "application/xhtml+xml", "application/json"})
CODINGS = frozenset({"", "gzip", "x-gzip", "deflate"})
BLANK = b" \t\r\n\f\0\xef\xbb\xbf\xfe\xff"
"""What may stand before the first character: white space, byte-order marks, the zeros of UTF-16."""


def check_content_type(content_type: str | None) -> None:
    """Refuse what does not even claim to be HTML or JSON; a missing claim is left to the first bytes."""
    kind = (content_type or "").partition(";")[0].strip().lower()
    if kind and kind not in PAGE_TYPES and not kind.endswith("+json"):
        raise NotHtml(f"the answer is {kind[:60]}, neither HTML nor JSON")


def check_length(content_length: str | None, *, max_bytes: int) -> None:
    """Refuse a body that announces itself as too large, before any of it is read."""
    if content_length is not None and int(content_length) > max_bytes:
        raise TooLarge(f"the answer is {int(content_length) / 2**20:.0f} MB, more than {max_bytes / 2**20:.0f} MB")


def content_coding(values: Iterable[str]) -> str:
    """The one coding of a body: empty, ``gzip`` or ``deflate``.

    Raises:
        NotHtml: several layers, or a coding that nobody asked for.
    """
    names = [name.strip().lower() for value in values for name in value.split(",")]
    codings = [name for name in names if name not in {"", "identity"}]
    coding = ", ".join(codings)
    if coding not in CODINGS:
        raise NotHtml(f"the answer is packed as {coding[:60]!r}; one layer of gzip or deflate is what we read")
    return coding


def read_body(chunks: Iterable[bytes], coding: str, *, max_bytes: int = MAX_PAGE_BYTES, is_page: bool = True) -> bytes:
    """Read and inflate a body, `max_bytes` at most; a page is refused at its first bytes when they are not a page's.

    Raises:
        TooLarge, NotHtml: also for bytes that do not inflate.
        SiteUnavailable: the packed body ends too early.
    """
    pieces: list[bytes] = []
    size, begun = 0, not is_page
    for piece in inflated(chunks, coding):
        size += len(piece)
        pieces.append(piece)
        if size > max_bytes or len(pieces) > MAX_PIECES:
            raise TooLarge(f"the answer is larger than {max_bytes / 2**20:.3g} MB, or in too many pieces")
        begun = begun or _begins_page(piece)
    if not begun:
        raise NotHtml("the answer is empty")
    return b"".join(pieces)


def _begins_page(piece: bytes) -> bool:
    """Whether HTML (``<``) or JSON (``{``, ``[``) begins here; raises `NotHtml` when something else does."""
    start = piece.lstrip(BLANK)[:1]
    if start and start not in b"<{[":
        raise NotHtml("the answer does not begin as HTML or JSON does")
    return bool(start)


def inflated(chunks: Iterable[bytes], coding: str) -> Iterator[bytes]:
    """The chunks without their packing, in pieces of bounded size: the limit is inside the decompressor."""
    if not coding:
        yield from chunks
        return
    try:
        yield from _inflate(chunks, coding)
    except zlib.error as exc:
        raise NotHtml(f"the answer says it is {coding}, but does not inflate ({exc})") from exc


def _inflate(chunks: Iterable[bytes], coding: str) -> Iterator[bytes]:
    inflater = None
    for chunk in chunks:
        inflater = inflater or zlib.decompressobj(_window_bits(coding, chunk))
        rest = chunk
        while rest and not inflater.eof:
            yield inflater.decompress(rest, PIECE_BYTES)
            rest = inflater.unconsumed_tail
        if inflater.unused_data or rest:
            raise NotHtml("the answer goes on after its packed body has ended")
    if inflater is not None:
        yield inflater.flush()
    if inflater is None or not inflater.eof:
        raise SiteUnavailable("the answer was cut short: its packed body has no end")


def _window_bits(coding: str, first: bytes) -> int:
    """``deflate`` means the zlib format (RFC 9110), but some servers send bare deflate data: the first byte tells."""
    if coding != "deflate":
        return 16 + zlib.MAX_WBITS
    is_zlib = first[0] & 0x0F == zlib.DEFLATED
    return zlib.MAX_WBITS if is_zlib else -zlib.MAX_WBITS

"""The body of an answer: inflated once, never more than allowed, and only if it is a page."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator

from offers_cli.errors import NotHtml, SiteUnavailable, TooLarge

MAX_PAGE_BYTES = 16 * 2**20
PIECE_BYTES = 256 * 1024
SNIFFED_BYTES = 64

PAGE_TYPES = frozenset({"text/html", "application/xhtml+xml", "application/json"})
CODINGS = frozenset({"", "gzip", "x-gzip", "deflate"})
BYTE_ORDER_MARKS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")


def check_content_type(content_type: str | None) -> None:
    """Refuse what does not even claim to be HTML or JSON; a missing claim is left to the first bytes."""
    kind = (content_type or "").partition(";")[0].strip().lower()
    if kind and kind not in PAGE_TYPES and not kind.endswith("+json"):
        raise NotHtml(f"the answer is {kind[:60]}, neither HTML nor JSON")


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
    size, head = 0, b""
    sniffed = not is_page
    for piece in inflated(chunks, coding):
        size += len(piece)
        if size > max_bytes:
            raise TooLarge(f"the answer is larger than {max_bytes / 2**20:.3g} MB")
        pieces.append(piece)
        if not sniffed:
            head += piece[:SNIFFED_BYTES]
            sniffed = len(head) >= SNIFFED_BYTES and check_first_bytes(head)
    if not sniffed:
        check_first_bytes(head)
    return b"".join(pieces)


def check_first_bytes(head: bytes) -> bool:
    """True when a body may be HTML (``<``) or JSON (``{``, ``[``); raises `NotHtml` otherwise."""
    for mark in BYTE_ORDER_MARKS:
        head = head.removeprefix(mark)
    start = head.replace(b"\0", b"").lstrip()[:1]  # UTF-16 puts a zero beside each ASCII character
    if start not in {b"<", b"{", b"["}:
        raise NotHtml("the answer is empty" if not start else "the answer does not begin as HTML or JSON does")
    return True


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

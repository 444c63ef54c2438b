"""From a response to a page: what its status and headers mean, its body inflated within limits, its bytes as text."""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urljoin, urlsplit

from offers_cli.errors import NotHtml, OfferGone, PageBlocked, RateLimited, Redirected, SiteUnavailable, TooLarge
from offers_cli.fetch.guard import SafeUrl
from offers_cli.fetch.proxies import DIRECT

try:
    from isal import isal_zlib as zlib  # the same in less than half the time
except ImportError:
    import zlib  # type: ignore[no-redef]

RETRY_AFTER_RANGE_S = (1.0, 900.0)
SECONDS = re.compile(r"[+-]?\d+(\.\d+)?", re.ASCII)
"""Whole by the standard, but meant the same with a sign or a fraction."""
REDIRECTS = frozenset({301, 302, 303, 307, 308})

SESSION_HINT = "wait for the pause to end; `offers doctor` shows what answers and what is blocked"

MAX_WIRE_BYTES = 8 * 2**20
"""Of a body as it is sent."""
MAX_PAGE_BYTES = 10 * 2**20
"""Of a body decompressed: four times the largest page seen."""
PIECE_BYTES = 64 * 1024
"""Larger ones are dear in memory: see `MAPPED_BYTES` of `queue/heartbeat.py`."""
MAX_PIECES = 50_000
"""A body in millions of tiny chunks costs a thousand times the work of its bytes."""
PAGE_TYPES = frozenset({"text/html", "application/xhtml+xml", "application/json"})
CODINGS = frozenset({"", "gzip", "x-gzip", "deflate"})
BLANK = b" \t\r\n\f\0\xef\xbb\xbf\xfe\xff"
"""What may stand before the first character: white space, byte-order marks, the zeros of UTF-16."""

META_BYTES = 4096
_META = re.compile(rb"<meta[^>]{0,500}?charset\s*=\s*[\"']?\s*([\w.:-]{1,40})", re.IGNORECASE | re.ASCII)
_HEADER = re.compile(r"charset\s*=\s*[\"']?\s*([\w.:-]{1,40})", re.IGNORECASE | re.ASCII)
_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))

_MANY_BYTES = re.compile(r"utf-8|utf-16(-[bl]e)?|shift_jis|euc_(jp|kr)|gb2312|gbk|gb18030|big5")
_ONE_BYTE = re.compile(r"ascii|iso8859-\d+|cp125\d|koi8-[ru]|cp874")
_AS_BROWSERS_READ_THEM = {"ascii": "cp1252", "iso8859-1": "cp1252", "iso8859-9": "cp1254", "gb2312": "gbk"}
"""A page that claims Latin-1 is Windows-1252 (WHATWG Encoding, names and labels)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """Status, headers and unread body of one exchange."""

    url: SafeUrl
    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    chunks: Iterable[bytes]

    def values(self, name: str) -> Iterator[str]:
        """Every value of a header, in order; `name` in lower case."""
        wanted = name.encode("ascii")
        return (value.decode("latin-1").strip() for key, value in self.headers if key.lower() == wanted)

    def value(self, name: str) -> str | None:
        """The first value of a header."""
        return next(self.values(name), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One response, decoded.

    Attributes:
        url: the address asked for.
        final_url: the address that responded, after redirects.
        status: HTTP status of that response (2xx; others raise).
        body: the text, in UTF-8 whatever it came in.
        encoding: the encoding it came in.
        fetched_at: when the request was sent (UTC).
        egress: ``direct``, or the label of the proxy it came through.
        redirects: host and egress of each request that was redirected on the way here.
    """

    url: str
    final_url: str
    status: int
    body: bytes
    encoding: str
    fetched_at: datetime
    egress: str = DIRECT
    redirects: tuple[tuple[str, str], ...] = ()

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode()

    @property
    def host(self) -> str:
        """The host that responded, with its port when that is not the usual one."""
        return urlsplit(self.final_url).netloc


def retry_after_s(text: str | None, *, now: datetime) -> float | None:
    """Seconds of a ``Retry-After`` header (seconds or an HTTP date), clamped to 1 s..15 min; None when unreadable."""
    if text is None:
        return None
    if SECONDS.fullmatch(text):
        seconds = float(text)
    else:
        try:
            moment = parsedate_to_datetime(text)
            seconds = (moment.replace(tzinfo=moment.tzinfo or UTC) - now).total_seconds()
        except (ValueError, OverflowError):
            return None
    least, most = RETRY_AFTER_RANGE_S
    return min(max(seconds, least), most)


def redirect_target(response: Response, is_wall: Callable[[str], bool]) -> str | None:
    """Where a redirect leads, absolute and not yet checked; None when the response is no redirect.

    Args:
        is_wall: whether the path of an address is that of a login, captcha or verification.

    Raises:
        PageBlocked: it leads to a wall.
        Redirected: it leads nowhere, or to several places at once.
    """
    if response.status not in REDIRECTS:
        return None
    locations = set(response.values("location"))
    if len(locations) != 1 or not (location := locations.pop()):
        raise Redirected(f"{response.url.netloc} redirects without a single Location header")
    target = _absolute(response.url, location)
    path = urlsplit(target).path
    if is_wall(path):
        raise PageBlocked(f"{response.url.netloc} redirected us to a block page ({path[:80]})", hint=SESSION_HINT)
    return target


def _absolute(url: SafeUrl, location: str) -> str:
    """Join a ``Location``, whose raw bytes may be UTF-8 and hold spaces; the fragment is inherited (RFC 9110)."""
    try:
        text = location.encode("latin-1").decode("utf-8", errors="strict")
    except UnicodeDecodeError:
        text = location
    try:
        target = urljoin(url.url, text.replace(" ", "%20"))
        urlsplit(target)
    except ValueError as exc:
        raise Redirected(f"{url.netloc} redirects to an invalid address") from exc
    fragment = urlsplit(url.url).fragment
    return target if "#" in target or not fragment else f"{target}#{fragment}"


def check_status(response: Response, *, now: datetime) -> None:
    """Return when the response is a page (2xx), raise what it is otherwise.

    Raises:
        PageBlocked (401, 403), RateLimited (429), OfferGone (404, 410), SiteUnavailable (all others).
    """
    status, host = response.status, response.url.netloc
    if 200 <= status < 300 and status != 206:
        return
    said = f"{host} answered {status}"
    wait_s = retry_after_s(response.value("retry-after"), now=now)
    if status in {404, 410}:
        raise OfferGone(f"{said}: the page does not exist (any more)")
    if status in {401, 403}:
        raise PageBlocked(f"{said}: access denied", hint=SESSION_HINT, retry_after_s=wait_s)
    if status == 429:
        raise RateLimited(f"{said}: too many requests", hint=SESSION_HINT, retry_after_s=wait_s)
    raise SiteUnavailable(said, hint="try again later", retry_after_s=wait_s if status == 503 else None)


def read_beginning(response: Response, max_bytes: int) -> bytes:
    """The first `max_bytes` of a body that is no page, decompressed; what stands behind them is not read.

    Raises:
        NotHtml, SiteUnavailable: as `read_body`.
    """
    found = bytearray()
    for piece, _ in zip(_decompressed(response.chunks, _coding(response)), range(MAX_PIECES), strict=False):
        found += piece
        if len(found) >= max_bytes:
            break
    return bytes(found[:max_bytes])


def read_body(response: Response, *, max_bytes: int = MAX_PAGE_BYTES, is_page: bool = True) -> bytes:
    """The body, decompressed once, of `max_bytes` at most; a page is refused as soon as it proves to be none.

    Raises:
        NotHtml: another Content-Type than a page's, an unsupported Content-Encoding, bytes that do not decompress; or a
            page whose first bytes are neither HTML's nor JSON's. Without a Content-Type the first bytes alone decide.
        TooLarge: more bytes or pieces, as sent or decompressed.
        SiteUnavailable: the compressed body ends too early.
    """
    kind = (response.value("content-type") or "").partition(";")[0].strip().lower()
    if is_page and kind and kind not in PAGE_TYPES and not kind.endswith("+json"):
        raise NotHtml(f"the response is {kind[:60]}, neither HTML nor JSON")
    length = int(response.value("content-length") or 0)
    if length > MAX_WIRE_BYTES:
        raise TooLarge(f"the response has {length / 2**20:.0f} MB, more than {MAX_WIRE_BYTES / 2**20:.0f} MB")
    pieces: list[bytes] = []
    size, begun = 0, not is_page
    for piece in _decompressed(response.chunks, _coding(response)):
        size += len(piece)
        pieces.append(piece)
        if size > max_bytes or len(pieces) > MAX_PIECES:
            raise TooLarge(f"the response is larger than {max_bytes / 2**20:.3g} MB, or in too many pieces")
        begun = begun or _begins_page(piece)
    if not begun:
        raise NotHtml("the response is empty")
    return b"".join(pieces)


def _coding(response: Response) -> str:
    """How the body is compressed; empty when it is not."""
    names = [name.strip().lower() for value in response.values("content-encoding") for name in value.split(",")]
    coding = ", ".join(name for name in names if name not in {"", "identity"})
    if coding not in CODINGS:
        raise NotHtml(f"unsupported Content-Encoding {coding[:60]!r} (only one of gzip and deflate)")
    return coding


def _begins_page(piece: bytes) -> bool:
    """Whether HTML (``<``) or JSON (``{``, ``[``) begins here; raises `NotHtml` when something else does."""
    start = piece.lstrip(BLANK)[:1]
    if start and start not in b"<{[":
        raise NotHtml("the response does not start like HTML or JSON")
    return bool(start)


def _decompressed(chunks: Iterable[bytes], coding: str) -> Iterator[bytes]:
    """The chunks in pieces of bounded size: a small body that grows a thousandfold is never held as a whole."""
    if not coding:
        yield from chunks
        return
    inflater = None
    try:
        for chunk in chunks:
            inflater = inflater or zlib.decompressobj(_window_bits(coding, chunk))
            rest = chunk
            while rest and not inflater.eof:
                yield inflater.decompress(rest, PIECE_BYTES)
                rest = inflater.unconsumed_tail
            if inflater.unused_data or rest:
                raise NotHtml("trailing data after the compressed body")
        if inflater is not None:
            yield inflater.flush()
    except zlib.error as exc:  # type: ignore[misc]  # its types call it no class
        raise NotHtml(f"the response is not valid {coding} ({exc})") from exc
    if inflater is None or not inflater.eof:
        raise SiteUnavailable("truncated response: incomplete compressed body")


def _window_bits(coding: str, first: bytes) -> int:
    """``deflate`` means the zlib format (RFC 9110), but some servers send bare deflate data; the first byte differs."""
    if coding != "deflate":
        return 16 + zlib.MAX_WBITS
    is_zlib = first[0] & 0x0F == zlib.DEFLATED
    return zlib.MAX_WBITS if is_zlib else -zlib.MAX_WBITS


def to_utf8(data: bytes, content_type: str | None = None) -> tuple[bytes, str, bool]:
    """The text of a page in UTF-8, the encoding it came in, and whether a character of it is U+FFFD.

    What already is UTF-8 stays as it is: its text, which may take four bytes for each character, is not kept.

    Raises:
        NotHtml: as `decode`.
    """
    text, encoding = decode(data, content_type)
    is_broken = "\N{REPLACEMENT CHARACTER}" in text
    if encoding == "utf-8" and not is_broken:
        return data.removeprefix(codecs.BOM_UTF8), encoding, False
    return text.encode(), encoding, is_broken


def decode(data: bytes, content_type: str | None = None) -> tuple[str, str]:
    """Text of a page and the encoding it was read in.

    A single-byte charset turns any bytes into some text, so a claim of one is believed only where the bytes carry no
    mark and are not valid UTF-8. Bytes that fit nowhere become U+FFFD, for everyone to see.

    Raises:
        NotHtml: the bytes are text in no encoding at all.
    """
    claims = _claims(data, content_type)
    for encoding in (*filter(_MANY_BYTES.fullmatch, claims), "utf-8", *filter(_ONE_BYTE.fullmatch, claims)):
        text = _decode_strictly(data, encoding)
        if text is not None:
            return text, encoding
    return _guess(data)


def _claims(data: bytes, content_type: str | None) -> list[str]:
    """Codecs that header, mark and meta name, in that order."""
    header = _HEADER.search(content_type or "")
    mark = next((encoding for bom, encoding in _MARKS if data.startswith(bom)), None)
    meta = _META.search(data, 0, META_BYTES)
    labels = (header and header[1], mark, meta and meta[1].decode("ascii"))
    return [codec for label in labels if label and (codec := _codec(label))]


def _codec(label: str) -> str | None:
    try:
        name = codecs.lookup(label).name
    except LookupError:
        return None
    return _AS_BROWSERS_READ_THEM.get(name, name)


def _decode_strictly(data: bytes, encoding: str) -> str | None:
    # Plain ASCII read as UTF-16 is "valid" Chinese; real UTF-16 markup holds zeros.
    if encoding.startswith("utf-16") and b"\0" not in data[:64]:
        return None
    try:
        return data.decode(encoding).removeprefix("\N{ZERO WIDTH NO-BREAK SPACE}")
    except UnicodeDecodeError:
        return None


def _guess(data: bytes) -> tuple[str, str]:
    """UTF-8 with a few broken places, else Windows-1252."""
    text = data.decode("utf-8", errors="replace")
    broken = text.count("\N{REPLACEMENT CHARACTER}")
    if broken <= sum(1 for c in text if ord(c) > 0x7F) - broken:
        return text, "utf-8"
    try:
        return data.decode("cp1252"), "cp1252"
    except UnicodeDecodeError as exc:
        raise NotHtml("the response is text in no known encoding") from exc

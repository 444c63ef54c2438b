"""Bytes to text: header, then byte-order mark, then meta, then a sound guess."""

from __future__ import annotations

import codecs
import re

from offers_cli.errors import NotHtml

META_BYTES = 4096
_META = re.compile(rb"<meta[^>]{0,500}?charset\s*=\s*[\"']?\s*([\w.:-]{1,40})", re.IGNORECASE | re.ASCII)
_HEADER = re.compile(r"charset\s*=\s*[\"']?\s*([\w.:-]{1,40})", re.IGNORECASE | re.ASCII)
_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))

_MANY_BYTES = re.compile(r"utf-8|utf-16(-[bl]e)?|shift_jis|euc_(jp|kr)|gb2312|gbk|gb18030|big5")
_ONE_BYTE = re.compile(r"ascii|iso8859-\d+|cp125\d|koi8-[ru]|cp874")
_AS_BROWSERS_READ_THEM = {"ascii": "cp1252", "iso8859-1": "cp1252", "iso8859-9": "cp1254", "gb2312": "gbk"}
"""A page that claims Latin-1 is Windows-1252 (WHATWG Encoding, names and labels)."""


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
        raise NotHtml("the answer is text in no encoding that we know") from exc

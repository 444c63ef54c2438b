"""Kept pages, for `explain` and `replay`: the page as it was fetched, with its address, time and outcome.

Two folders: ``pages`` holds each different page once, gzipped, named by the SHA-256 of its text; ``kept`` holds one
small JSON file for each time a page was kept, whose name sorts by time and names the offer and the outcome, so that
looking one up reads names alone. Files appear whole, by rename, and several processes may keep and prune at once.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import re
import time
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from offers_cli.errors import NotFound
from offers_cli.fetch.response import Page
from offers_cli.files import write_atomic
from offers_cli.log import get_log
from offers_cli.text import json_text

MAX_BYTES = 500 * 2**20
MAX_AGE_S = 30 * 86400.0
GZIP_LEVEL = 3
UNFINISHED_S = 3600.0
"""Pages nothing refers to yet, and temporary files, are another process's work in hand until they are this old."""

_TOKEN = re.compile(rb"""("csrf-?token"\s*(?::|content=)\s*")[^"]+""", re.IGNORECASE)
_UNSAFE = re.compile(r"[^A-Za-z0-9-]")

log = get_log("enrichment")


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """One kept page, without its text.

    Attributes:
        id: its name; sorts by time.
        code: the failure it was kept for; None for a page that was read.
        digest: SHA-256 of the text, in hex.
    """

    id: str
    url: str
    final_url: str
    status: int
    offer_id: str | None
    code: str | None
    fetched_at: datetime
    digest: str


class Snapshots:
    """The folder of kept pages; safe for several threads and processes.

    Args:
        mode: which pages `keep` keeps: none, those with a failure code, or all.
        max_bytes: what the compressed pages may take together; the oldest go first.
        max_age_s: how long a page is kept.
    """

    def __init__(
        self,
        folder: Path,
        *,
        mode: Literal["off", "failures", "all"] = "failures",
        max_bytes: int = MAX_BYTES,
        max_age_s: float = MAX_AGE_S,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._pages = folder / "pages"
        self._kept = folder / "kept"
        self._mode = mode
        self._max_bytes = max_bytes
        self._max_age_s = max_age_s
        self._clock = clock
        self._unpruned_bytes = max_bytes

    def keep(self, page: Page, *, offer_id: str | None, code: str | None) -> str | None:
        """Keep a page and return its id; None when the mode leaves it out or the disk refuses (a warning, no error)."""
        if self._mode == "off" or (self._mode == "failures" and code is None):
            return None
        raw = _TOKEN.sub(rb"\1", page.body)
        digest = hashlib.sha256(raw).hexdigest()
        name = f"{_moment(page.fetched_at)}_{_safe(offer_id)}_{_safe(code)}_{digest[:16]}"
        about = {
            "url": page.url,
            "final_url": page.final_url,
            "status": page.status,
            "offer_id": offer_id,
            "code": code,
            "fetched_at": page.fetched_at.isoformat(),
            "digest": digest,
        }
        try:
            self._write_page(digest, raw)
            _write(self._kept / f"{name}.json", json_text(about).encode())
            # At the first page of a process, then whenever a twentieth of the room was filled.
            if self._unpruned_bytes > self._max_bytes // 20:
                self._unpruned_bytes = 0
                self.prune()
        except OSError as exc:
            log.warning("page not kept", url=page.final_url, offer_id=offer_id, reason=exc.strerror)
            return None
        return name

    def _write_page(self, digest: str, raw: bytes) -> None:
        path = self._page_path(digest)
        try:
            os.utime(path)
        except FileNotFoundError:
            packed = gzip.compress(raw, GZIP_LEVEL)
            _write(path, packed)
            self._unpruned_bytes += len(packed)

    def _page_path(self, digest: str) -> Path:
        return self._pages / f"{digest}.html.gz"

    def find(self, offer_id: str) -> Snapshot | None:
        """The newest snapshot of an offer."""
        wanted = f"_{_safe(offer_id)}_"
        return next((found for name in reversed(self._names()) if wanted in name and (found := self._load(name))), None)

    def iterate(self, code: str | None = None) -> Iterator[Snapshot]:
        """Snapshots, oldest first: all of them, or those kept for one failure code."""
        for name in self._names():
            if code is None or name.split("_")[2:3] == [_safe(code)]:
                snapshot = self._load(name)
                if snapshot is not None:
                    yield snapshot

    def read(self, snapshot_id: str) -> tuple[str, Snapshot]:
        """Text of a snapshot, and what is known of it.

        Raises:
            NotFound: no such snapshot (any more), or its file is damaged.
        """
        snapshot = self._load(snapshot_id)
        if snapshot is None:
            raise NotFound(f"no snapshot {snapshot_id}", hint="snapshots are pruned by age and size")
        try:
            raw = gzip.decompress(self._page_path(snapshot.digest).read_bytes())
        except (OSError, EOFError, zlib.error) as exc:
            raise NotFound(f"the page of snapshot {snapshot_id} is gone or damaged") from exc
        if hashlib.sha256(raw).hexdigest() != snapshot.digest:
            raise NotFound(f"the page of snapshot {snapshot_id} is damaged")
        return raw.decode("utf-8", errors="surrogatepass"), snapshot

    def _names(self) -> list[str]:
        """Ids of all snapshots, oldest first."""
        return sorted(path.stem for path in self._kept.glob("*.json"))

    def _load(self, name: str) -> Snapshot | None:
        if Path(name).name != name:
            return None
        try:
            about = json.loads((self._kept / f"{name}.json").read_bytes())
            about["fetched_at"] = datetime.fromisoformat(about["fetched_at"])
            return Snapshot(id=name, **about)
        except (OSError, ValueError, KeyError, TypeError):
            return None  # pruned since its name was read, or not one of ours

    def prune(self) -> int:
        """Remove what is too old, then the oldest until the rest fits; returns how many snapshots went."""
        pages = ((path.name.partition(".")[0], _stat(path)) for path in self._pages.glob("*.html.gz"))
        sizes = {digest: facts.st_size for digest, facts in pages if facts}
        digests = {name: snapshot.digest for name in self._names() if (snapshot := self._load(name))}
        users = Counter(digests.values())
        room = self._max_bytes - sum(sizes.get(digest, 0) for digest in users)
        oldest_kept = _moment(datetime.fromtimestamp(self._clock() - self._max_age_s, UTC))
        removed = 0
        for name, digest in digests.items():
            if room >= 0 and name >= oldest_kept:
                break
            (self._kept / f"{name}.json").unlink(missing_ok=True)
            removed += 1
            users[digest] -= 1
            if users[digest] == 0:
                room += sizes.get(digest, 0)
                self._page_path(digest).unlink(missing_ok=True)
        self._sweep(used={digest for digest, count in users.items() if count})
        return removed

    def _sweep(self, used: set[str]) -> None:
        """Remove pages that nothing refers to and temporary files that nobody finishes."""
        stale_before = self._clock() - UNFINISHED_S
        for path in (*self._pages.glob("*"), *self._kept.glob("*.tmp")):
            facts = _stat(path)
            if path.name.partition(".")[0] not in used and facts and facts.st_mtime < stale_before:
                path.unlink(missing_ok=True)


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y%m%dT%H%M%S%f")


def _safe(text: str | None) -> str:
    return _UNSAFE.sub("-", text or "-")[:64]


def _write(path: Path, data: bytes) -> None:
    """Write a file that only its owner can read, and that appears whole or not at all.

    It is not made to survive a power cut: a page that did not is found damaged, and is no loss.
    """
    for folder in (path.parent.parent, path.parent):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_atomic(path, data, durable=False)


def _stat(path: Path) -> os.stat_result | None:
    """Facts about a file; None when another process has removed it meanwhile."""
    try:
        return path.stat()
    except FileNotFoundError:
        return None

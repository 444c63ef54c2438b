"""Pages: one place that gets a page, keeps what failed, and slows everyone down when the site says so."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, TypeVar

import tenacity

from offers_cli.errors import (
    HostPaused,
    NotFound,
    NotHtml,
    OfferGone,
    PageBlocked,
    PageError,
    SiteUnavailable,
    TooLarge,
    UsageError,
)
from offers_cli.fetch.pace import Pace, record_refusal
from offers_cli.fetch.response import MAX_PAGE_BYTES, Page, decode
from offers_cli.fetch.snapshots import Snapshots
from offers_cli.log import get_log
from offers_cli.marketplaces.base import Html, Marketplace
from offers_cli.services.sources import Source

if TYPE_CHECKING:
    from offers_cli.fetch.client import Fetcher

T = TypeVar("T")
ANY_SHOP = "https://shop.invalid/"
"""An address that no marketplace owns but the last, which reads pages of any shop."""
PATIENCE_S = 15.0
"""The longest pause of a host that a person at the terminal is made to wait out."""


log = get_log("scrape")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pages:
    """Gets pages over the network or from files.

    Attributes:
        snapshots: where pages are kept for `explain` and `replay`.
        sleep: waits between short retries, in seconds.
        product_fetcher: what gets the pages of addresses that name a product; None for `fetcher` as well.
    """

    fetcher: Fetcher
    marketplace_for: Callable[[str], Marketplace]
    snapshots: Snapshots
    pace: Pace
    sleep: Callable[[float], None]
    product_fetcher: Fetcher | None = None

    def load_listing(self, source: Source, address: str | None, reader: Callable[[Html, str], T]) -> T:
        """Read a source's first page (no `address`) or one of its later pages.

        Raises:
            UsageError: a later page of a saved file.
            NotFound, TooLarge, UsageError: the saved file cannot be read.
            WorkError: what became of the request, or of the page.
        """
        if source.path is not None and address is None:
            with reading_file(source.path):
                return reader(*self.open_saved(source.path))
        if source.path is not None:
            raise UsageError(f"{source.path} is one saved page; its next page is not at hand")
        with _advising():
            return self._read(self.fetch_patiently(address or self._listing_address(source)), reader)

    def _listing_address(self, source: Source) -> str:
        return source.label if source.kind == "listing" else self.marketplace_for("").listing_url(source.label)

    def fetch_patiently(self, url: str) -> Page:
        """Fetch a page for someone who waits; raises as `Fetcher.get`."""
        with _advising():
            return self.patiently(lambda: self.fetch(url))

    def patiently(self, ask: Callable[[], T]) -> T:
        """Ask for someone who waits: three tries when the site does not answer, short pauses waited out."""
        tries = tenacity.Retrying(
            retry=tenacity.retry_if_exception(_is_worth_waiting),
            stop=tenacity.stop_after_attempt(3),
            wait=_patience_s,
            sleep=self.sleep,
            reraise=True,
        )
        return tries(ask)

    def fetch(self, url: str) -> Page:
        """Fetch a page once, where its marketplace is configured to be; raises as `Fetcher.get`."""
        shop = self.marketplace_for(url)
        fetcher = self.product_fetcher if self.product_fetcher and shop.locate(url) else self.fetcher
        return fetcher.get(shop.fetch_url(url))

    def read(self, page: Page, reader: Callable[[Html, str], T], *, offer_id: str | None = None) -> T:
        """Read a fetched page; one that fails is kept, a wall is noted for everyone."""
        try:
            result = self._read(page, reader)
        except PageError as error:
            self.snapshots.keep(page, offer_id=offer_id, code=error.code)
            raise
        self.snapshots.keep(page, offer_id=offer_id, code=None)
        return result

    def _read(self, page: Page, reader: Callable[[Html, str], T]) -> T:
        """Read a page, and note how its host behaved: a wall comes with status 200 as well."""
        try:
            result = reader(page.body, page.final_url)
        except PageBlocked as error:
            record_refusal(self.pace, error, host=page.host, url=page.url, egress=page.egress)
            raise
        except OfferGone:
            self.pace.note_served(page)
            raise
        self.pace.note_served(page)
        return result

    def marketplace_of(self, text: str, url: str) -> Marketplace:
        """Who reads a page: the owner of its address; without one any shop's reader where only its marks are there."""
        owner, last = self.marketplace_for(url), self.marketplace_for(ANY_SHOP)
        return last if not url and last.looks_own(text) and not owner.looks_own(text) else owner

    def open_saved(self, path: Path, *, url: str | None = None) -> tuple[str, str]:
        """Text and address of a saved page; the address is `url`, or what the page contains, or empty.

        Raises:
            NotHtml: there is nothing in it.
            NotFound, TooLarge, UsageError: the file cannot be read.
        """
        content = read_file(path)
        if not content.strip():
            raise NotHtml(f"{path} is empty", hint="save the page again with your browser")
        text = decode(content, content_type=None)[0]
        return text, url or self.marketplace_for("").page_url(text) or ""


@contextmanager
def _advising() -> Iterator[None]:
    """Around an address that someone gave: where it leads to nothing, they can look at it themselves."""
    try:
        yield
    except PageError as error:
        error.hint = error.hint or "open the address in your browser, and see what it shows"
        raise


@contextmanager
def reading_file(path: Path) -> Iterator[None]:
    """Around the reading of a saved page: an error names the file, and advises one who has a file, not an address."""
    try:
        yield
    except PageError as error:
        if str(path) not in error.message:
            error.message = f"{path}: {error.message}"
        if isinstance(error, PageBlocked):
            error.hint = "open the page in your browser, answer what it asks, and save it again"
        elif error.hint.startswith("offers explain"):
            error.hint = f"offers explain {shlex.quote(str(path))}"
        raise


def _is_worth_waiting(error: BaseException) -> bool:
    if isinstance(error, HostPaused):
        return error.seconds <= PATIENCE_S
    return isinstance(error, SiteUnavailable) and (error.retry_after_s or 0.0) <= PATIENCE_S


_short_wait = tenacity.wait_random_exponential(multiplier=0.3, max=2)


def _patience_s(tried: tenacity.RetryCallState) -> float:
    """How long to wait before the next try: to the end of a pause, else a moment, with jitter."""
    error = tried.outcome.exception() if tried.outcome else None
    if isinstance(error, HostPaused):
        log.info("host paused, waiting", host=error.host, seconds=round(error.seconds, 1), reason=error.reason)
        return error.seconds + 0.01
    return _short_wait(tried)


def read_file(path: Path) -> bytes:
    """Read a file that the operator named, of the size of a page at the most.

    Raises:
        NotFound: no such file.
        TooLarge: it holds more than a page may, or never ends.
        UsageError: it cannot be read, with the system's reason.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MAX_PAGE_BYTES + 1)
    except FileNotFoundError as exc:
        raise NotFound(f"{path}: no such file", hint=_near_file(path)) from exc
    except IsADirectoryError as exc:
        raise UsageError(f"{path} is a folder, not a file", hint=f"ls {shlex.quote(str(path))}") from exc
    except OSError as exc:
        raise UsageError(f"{path} cannot be read: {exc.strerror}", hint=f"ls -l {shlex.quote(str(path))}") from exc
    if len(content) > MAX_PAGE_BYTES:
        raise TooLarge(f"{path} is larger than a page may be ({MAX_PAGE_BYTES // 2**20} MB)", hint="is it a page?")
    return content


def _near_file(path: Path) -> str:
    """The file beside it that may have been meant, or how to look for it."""
    try:
        near = get_close_matches(path.name, [file.name for file in path.parent.iterdir()], n=1, cutoff=0.8)
    except OSError:
        near = []
    return f"did you mean {path.parent / near[0]}?" if near else f"ls {shlex.quote(str(path.parent))}"


def read_text(path: Path | None, *, stdin: BinaryIO) -> str:
    """The text of a file, or of the standard input where there is no path; raises as `read_file`."""
    content = read_file(path) if path else stdin.read(MAX_PAGE_BYTES + 1)
    if len(content) > MAX_PAGE_BYTES:
        raise TooLarge(f"the standard input holds more than {MAX_PAGE_BYTES // 2**20} MB", hint="give it in parts")
    return decode(content, content_type=None)[0]


def first_owner(marketplaces: Sequence[Marketplace], url: str) -> Marketplace:
    """The first marketplace that reads pages of that address; the first of all for a page without an address."""
    return next((m for m in marketplaces if url and m.owns(url)), marketplaces[0])

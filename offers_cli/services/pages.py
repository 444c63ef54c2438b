"""Pages: one place that gets a page, keeps what failed, and slows everyone down when the site says so."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar
from urllib.parse import urlsplit

import tenacity

from offers_cli.errors import (
    NotFound,
    PageBlocked,
    PageError,
    RateLimited,
    SiteUnavailable,
    UsageError,
)
from offers_cli.fetch.encoding import decode
from offers_cli.fetch.page import Fetcher, Page
from offers_cli.marketplaces.base import Marketplace
from offers_cli.services.sources import Source

T = TypeVar("T")
NO_ADDRESS = "https://saved.page.invalid/"
"""The address of a saved page that does not tell its own."""


class PageKeeper(Protocol):
    """Where pages are kept for `explain` and `replay`."""

    def keep(self, page: Page, *, offer_id: str | None, code: str | None) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Pages:
    """Gets pages over the network or from files.

    Attributes:
        get_fetcher: opens the fetcher when the first page is fetched; a saved page needs none.
        pause: pauses a host for everyone: (host, seconds asked for or None, reason).
        sleep: waits between short retries, in seconds.
    """

    get_fetcher: Callable[[], Fetcher]
    marketplace_for: Callable[[str], Marketplace]
    keeper: PageKeeper
    pause: Callable[[str, float | None, str], None]
    sleep: Callable[[float], None]

    def load_listing(self, source: Source, address: str | None) -> tuple[str, str]:
        """Text and address of a source's first page (no `address`) or of one of its later pages."""
        if source.path is not None and address is None:
            return self.open_saved(source.path)
        if source.path is not None:
            raise UsageError(f"{source.path} is one saved page; its next page is not at hand")
        page = self.fetch_patiently(address or self._listing_address(source))
        return page.text, page.final_url

    def _listing_address(self, source: Source) -> str:
        return source.label if source.kind == "listing" else self.marketplace_for("").listing_url(source.label)

    def fetch_patiently(self, url: str) -> Page:
        """Fetch a page for someone who waits: three short tries when the site does not answer."""
        tries = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(SiteUnavailable),
            stop=tenacity.stop_after_attempt(3),
            wait=tenacity.wait_random_exponential(multiplier=0.3, max=2),
            sleep=self.sleep,
            reraise=True,
        )
        return tries(self.fetch, url)

    def fetch(self, url: str) -> Page:
        """Fetch a page once; a wall or a rate limit pauses its host for everyone."""
        address = self.marketplace_for(url).fetch_url(url)
        return self._heed(address, lambda: self.get_fetcher().get(address))

    def read(self, page: Page, reader: Callable[[str, str], T], *, offer_id: str | None = None) -> T:
        """Read a fetched page; a page that fails is kept, one that is a wall pauses its host for everyone."""
        try:
            result = self._heed(page.final_url, lambda: reader(page.text, page.final_url))
        except PageError as error:
            self.keeper.keep(page, offer_id=offer_id, code=error.code)
            raise
        self.keeper.keep(page, offer_id=offer_id, code=None)
        return result

    def _heed(self, url: str, work: Callable[[], T]) -> T:
        try:
            return work()
        except (PageBlocked, RateLimited) as error:
            self.pause(urlsplit(url).netloc, error.retry_after_s, error.code)
            raise

    def open_saved(self, path: Path, *, url: str | None = None) -> tuple[str, str]:
        """Text and address of a saved page; the address is `url`, or what the page tells of itself."""
        text = decode(read_file(path), content_type=None)[0]
        return text, url or self.marketplace_for("").page_url(text) or NO_ADDRESS


def read_file(path: Path) -> bytes:
    """Read a file that the operator named.

    Raises:
        NotFound: no such file.
        UsageError: it cannot be read, with the system's reason.
    """
    try:
        return path.read_bytes()
    except FileNotFoundError as exc:
        raise NotFound(f"{path}: no such file", hint="check the path, or give a URL, ofertas or search:TERM") from exc
    except OSError as exc:
        raise UsageError(f"{path} cannot be read: {exc.strerror}") from exc


def first_owner(marketplaces: Sequence[Marketplace], url: str) -> Marketplace:
    """The first marketplace that reads pages of that address; the first of all for an address that tells nothing."""
    return next((m for m in marketplaces if m.owns(url)), marketplaces[0])

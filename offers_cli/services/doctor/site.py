"""The outside: the marketplace answers, its pages are as they were, and the affiliate's session is accepted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol

from offers_cli.errors import ForbiddenUrl, HostPaused, SessionExpired
from offers_cli.marketplaces.base import ListingReading, Marketplace
from offers_cli.services.doctor.examine import Finding
from offers_cli.services.pages import Pages

OLD_SESSION_DAYS = 25


def look_at_source(pages: Pages, marketplace: Marketplace) -> Sequence[Finding]:
    """Ask for the public offers page, once, as a scrape would; raises what is wrong with the answer."""
    url = marketplace.listing_url("ofertas")
    try:
        page = pages.fetch(url)
    except HostPaused as error:
        return [Finding.of("source", error, advice="offers stats")]
    except ForbiddenUrl as error:
        return [Finding.of("source", error)]
    reading = pages.read(page, marketplace.read)
    cards = len(reading.offers) if isinstance(reading, ListingReading) else 0
    return [Finding(name="source", state="ok", evidence=f"{url} answers: {cards} offers read")]


class Session(Protocol):
    """What is asked of a session: when it was imported, and when the site refused it."""

    @property
    def imported_at(self) -> datetime: ...

    @property
    def refused_at(self) -> datetime | None: ...


def look_at_session(load: Callable[[], Session | None], *, now: datetime) -> Sequence[Finding]:
    """How old the session is, and whether the site still accepts it; a session is not needed for public pages."""
    session = load()
    if session is None:
        return [Finding(name="session", state="ok", evidence="no session: public pages only, no affiliate links")]
    days = (now - session.imported_at).days
    advice = "offers session import FILE"
    if session.refused_at:
        return [Finding.of("session", SessionExpired("the site refused the session lately", hint=advice))]
    if days >= OLD_SESSION_DAYS:
        evidence = f"imported {days} days ago: it may end soon"
        return [Finding(name="session", state="warning", evidence=evidence, advice=advice)]
    return [Finding(name="session", state="ok", evidence=f"imported {days} days ago")]


class DriftWarning(Protocol):
    """One field of one source that is no longer found as it was."""

    @property
    def source(self) -> str: ...
    @property
    def message(self) -> str: ...


class DriftView(Protocol):
    """The part of the drift store that the doctor needs."""

    def warnings(self) -> Sequence[DriftWarning]: ...


def look_at_pages(drift: DriftView) -> Finding:
    """Whether a shop has changed its pages; for when Redis answers."""
    warnings = drift.warnings()
    if not warnings:
        return Finding(name="pages", state="ok", evidence="their fields are found as usual")
    told = "; ".join(f"{warning.source}: {warning.message}" for warning in warnings)
    return Finding(name="pages", state="warning", evidence=told, advice="offers failed --reason page_changed")

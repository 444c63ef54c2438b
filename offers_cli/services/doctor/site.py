"""The outside: the marketplace answers, its pages are as they were, and the affiliate's session is accepted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from offers_cli.affiliate.session import Session
from offers_cli.drift.store import DriftStore
from offers_cli.errors import MEND_LABEL, ForbiddenUrl, HostPaused, LabelRefused, PageChanged, SessionExpired
from offers_cli.marketplaces.base import ListingReading
from offers_cli.queue.registries import PutOff
from offers_cli.services.doctor.examine import Finding
from offers_cli.services.pages import Pages

OLD_SESSION_DAYS = 25


def look_at_source(pages: Pages) -> Sequence[Finding]:
    """Ask for the public offers page, once, as a scrape would; raises what is wrong with the answer."""
    marketplace = pages.marketplace_for("")
    url = marketplace.listing_url("ofertas")
    try:
        page = pages.fetch(url)
    except HostPaused as error:
        return [Finding.of("source", error, advice="offers stats")]
    except ForbiddenUrl as error:
        return [Finding.of("source", error)]
    reading = pages.read(page, marketplace.read)
    cards = len(reading.offers) if isinstance(reading, ListingReading) else 0
    return [Finding("source", "ok", f"{url} answers: {cards} offers read")]


def look_at_session(load: Callable[[], Session | None], *, now: datetime) -> Sequence[Finding]:
    """How old the session is, and whether the site still accepts it; a session is not needed for public pages."""
    session = load()
    if session is None:
        return [Finding("session", "ok", "no session: public pages only, no affiliate links")]
    days = (now - session.imported_at).days
    advice = "offers session import FILE"
    if session.refused_at:
        return [Finding.of("session", SessionExpired("the site refused the session lately", hint=advice))]
    if days >= OLD_SESSION_DAYS:
        evidence = f"imported {days} days ago: it may end soon"
        return [Finding("session", "warning", evidence, advice)]
    return [Finding("session", "ok", f"imported {days} days ago")]


def look_at_label(label: str | None, put_off: Sequence[PutOff]) -> Finding:
    """Whether the programme refused the label; the jobs that wait for another one tell."""
    refused = next((jobs for jobs in put_off if jobs.code == LabelRefused.code), None)
    if label is None:
        return Finding("label", "ok", "no ML_AFFILIATE_TAG: no affiliate links are made")
    if refused is None:
        return Finding("label", "ok", f"{label}; no link was refused for it")
    waiting = "1 link waits" if refused.jobs == 1 else f"{refused.jobs} links wait"
    if f"the label {label}:" not in refused.message:
        return Finding("label", "warning", f"{label}; {waiting} since another label was refused", "offers worker")
    return Finding.of("label", LabelRefused(f"{refused.message}; {waiting}", hint=MEND_LABEL))


def look_at_pages(drift: DriftStore) -> Finding:
    """Whether a shop has changed its pages; for when Redis answers."""
    warnings = drift.warnings()
    changed = "; ".join(f"{warning.source}: {warning.message}" for warning in warnings)
    advice = "offers failed --reason page_changed"
    if any(warning.is_broken for warning in warnings):
        return Finding.of("pages", PageChanged(changed, hint=advice))
    if warnings:
        return Finding("pages", "warning", changed, advice)
    return Finding("pages", "ok", "of those that were read lately none lacks what is usual")

"""The offers: the list with its filters, page by page, and one offer with its prices, facts, kept page and job."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from flask import Blueprint, abort, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from offers_cli.errors import NotFound, OffersError, UsageError
from offers_cli.language import translate
from offers_cli.queue.job import EnrichmentJob
from offers_cli.queue.keys import JOB_ID_PREFIX
from offers_cli.services.explain import explain_kept
from offers_cli.services.offers import find_page, history, show
from offers_cli.storage.base import SORTS, Place
from offers_cli.web.chart import HEIGHT, WIDTH, Chart, draw
from offers_cli.web.forms import list_address, without_empty

if TYPE_CHECKING:
    from offers_cli.queue.admin import QueueAdmin
    from offers_cli.runtime import Runtime
    from offers_cli.services.offers import HistoryReport
    from offers_cli.storage.base import StoredOffer
    from offers_cli.web.words import Words

PAGE_SIZE = 50
DAYS = {"30": 30, "90": 90, "365": 365, "all": 3650}
"""The windows of the chart, by their names in its address."""
SHOWN_PRICES = 200
"""Rows of the table below the chart, the latest ones."""
LONGEST_NAME = 2_000
FILTERS = (
    *("search", "condition", "source", "status", "missing", "since", "min-price", "max-price", "min-discount"),
    *("min-rating", "min-commission", "free-shipping", "official", "coupon", "sort"),
)
"""The options of `offers list` that the form has."""
OURS = frozenset(
    {
        *("status", "source", "price condition", "discount kind", "interest free", "free shipping", "full"),
        *("official store", "badge until", "enrich error message", "by", "facts", "verdict"),
    }
)
"""The values whose words are the program's; those of all others the shop wrote, or they are typed as they stand."""
Answer = str | Response | tuple[str, int]
NO_SUCH_PLACE = UsageError("the address of this page of the list is not whole, or was changed", hint="")


def offer_pages(runtime: Runtime, words: Words, *, jobs: QueueAdmin) -> Blueprint:
    """The pages of offers. Nothing is fetched; nothing is changed but by a button, which queues a job."""
    offers = OfferPages(runtime, words, jobs)
    pages = Blueprint("offers", __name__, url_prefix="/offers")
    for name, shown_as in words.formats.items():
        pages.app_template_filter(name)(partial(_said, shown_as))
    pages.app_template_filter("said_of")(_said_of)
    pages.add_url_rule("/", "index", offers.index)
    pages.add_url_rule("/open", "named", lambda: offers.offer(request.args.get("id", "")))
    pages.add_url_rule("/<name>", "offer", offers.offer)
    pages.add_url_rule("/<name>/page", "kept_page", offers.kept_page)
    pages.add_url_rule("/<name>/requeue", "requeue", offers.requeue, methods=["POST"])
    return pages


def _said(shown_as: Callable[..., Any], *values: Any) -> str:
    """What a format of the command line makes of the values, in the language that is spoken."""
    return translate(shown_as(*values))


def _said_of(value: object, name: str) -> object:
    """The value of that name, in the language that is spoken where its words are the program's."""
    return translate(value) if isinstance(value, str) and name.replace("_", " ") in OURS else value


class OfferPages:
    """The pages, made with the parts of one runtime; several threads may ask."""

    def __init__(self, runtime: Runtime, words: Words, jobs: QueueAdmin) -> None:
        self._runtime = runtime
        self._words = words
        self._jobs = jobs
        self._choices = {name: words.choices("list", name) for name in FILTERS}

    def index(self) -> Answer:
        """The list; a form that was sent with empty fields leads to the address without them."""
        if (fields := without_empty(request.args)) is not None:
            return redirect(list_address(".index", fields), 302)
        given = request.args.to_dict(flat=False)
        after = given.pop("after", [])
        form = {"given": given, "choices": self._choices, "sorts": SORTS, "is_first": not after}
        form["first"] = list_address(".index", given)
        try:
            wanted = self._words.offer_filter(given, limit=PAGE_SIZE)
            place = _place(after[-1]) if after else None
            page = find_page(wanted, after=place, storage=self._runtime.brief_storage)
        except UsageError as error:
            return render_template("offers.html", page=None, problem=error, behind=None, **form), 400
        except ValueError:
            return render_template("offers.html", page=None, problem=NO_SUCH_PLACE, behind=None, **form), 400
        behind = page.after and list_address(".index", {**given, "after": _text(page.after)})
        return render_template("offers.html", page=page, problem=None, behind=behind, **form)

    def offer(self, name: str) -> Answer:
        """One offer, at the address of its own id, whatever it was called."""
        days = DAYS.get(request.args.get("days", "90")) or abort(404)
        storage, marketplaces = self._runtime.brief_storage, self._runtime.marketplaces
        try:
            shown = show(name[:LONGEST_NAME], storage=storage, marketplaces=marketplaces)
        except NotFound as error:
            return render_template("failed.html", message=error.message, hint=error.hint), 404
        if shown.offer is None:
            return render_template("offers_called.html", name=name, offers=shown.candidates), 409
        if request.path != (own := url_for(".offer", name=shown.offer.id)):
            return redirect(own, 302)
        prices = history(shown.offer.id, days=days, storage=storage, marketplaces=marketplaces, now=self._runtime.now())
        return render_template(
            "offer.html",
            offer=shown.offer,
            groups=self._words.value_groups(shown),
            prices=prices,
            shown_prices=prices.points[: -SHOWN_PRICES - 1 : -1],
            findings=self._words.findings(prices),
            chart=_chart(prices),
            size=(WIDTH, HEIGHT),
            windows=DAYS,
            kept=self._runtime.snapshots.find(shown.offer.id),
            **self._job(shown.offer),
        )

    def _job(self, offer: StoredOffer) -> dict[str, Any]:
        """The offer's job; without a queue that answers the offer is shown all the same."""
        try:
            return {"job": self._jobs.find(f"{JOB_ID_PREFIX}{offer.id}".encode()), "queue_answers": True}
        except OffersError:
            return {"job": None, "queue_answers": False}

    def kept_page(self, name: str) -> Answer:
        """What the offer's kept page says. The page itself is a stranger's, and is not handed out."""
        offer, snapshots = self._own(name), self._runtime.snapshots
        kept = snapshots.find(offer.id) or abort(404)
        try:
            report = explain_kept(kept, pages=self._runtime.pages, snapshots=snapshots)
        except NotFound as error:  # pruned meanwhile, or damaged
            return render_template("failed.html", message=error.message, hint=error.hint), 404
        blocks = self._words.explanation(report)
        return render_template("kept_page.html", offer=offer, kept=kept, blocks=blocks, problems=report.problems)

    def requeue(self, name: str) -> Answer:
        """Queue the offer, whatever it lacks; one that waits or runs already is left alone."""
        offer = self._own(name)
        job = EnrichmentJob(offer_id=offer.id, url=offer.url, current_price_cents=offer.price_cents)
        if refused := self._runtime.queue.enqueue([job]).refused:
            message = f"This offer cannot be queued: {refused[offer.id]}."
            return render_template("failed.html", message=message, hint="offers explain ID"), 409
        return redirect(url_for(".offer", name=offer.id), 303)

    def _own(self, name: str) -> StoredOffer:
        """The offer with that very id."""
        [found] = self._runtime.brief_storage.offers_by_id([name]) or abort(404)
        return found


def _text(place: Place) -> str:
    return json.dumps([place.value, place.external_id, place.id], ensure_ascii=False, separators=(",", ":"))


def _place(text: str) -> Place:
    """Raises `ValueError` for what `_text` cannot have made."""
    try:
        told = json.loads(text)
    except RecursionError as exc:
        raise ValueError("no place") from exc
    match told:
        case [int() | str() | None as value, str(external_id), str(offer_id)]:
            return Place(value=value, external_id=external_id, id=offer_id)
    raise ValueError(text)


def _chart(prices: HistoryReport) -> Chart | None:
    """The drawing of the days that were asked for, as far as they were watched."""
    if not prices.points:
        return None
    begin = max(prices.now - timedelta(days=prices.days), prices.points[0].observed_at)
    confirmed = max(prices.offer.last_seen_at, prices.offer.enriched_at or prices.offer.last_seen_at)
    return draw(
        prices.points,
        since=begin,
        until=prices.now,
        seen_until=min(confirmed, prices.now),
        lows=list(dict.fromkeys(point for point in (prices.lowest, prices.lowest_in_days) if point)),
    )

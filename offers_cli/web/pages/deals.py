"""The deals: the offers worth showing, best first, each with the reasons of its points."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, redirect, render_template, request
from werkzeug.wrappers import Response

from offers_cli.errors import UsageError
from offers_cli.services.deals import DEAL_SORTS
from offers_cli.web.forms import list_address, without_empty

if TYPE_CHECKING:
    from offers_cli.web.words import Words

PAGE_SIZE = 50
FILTERS = (
    *("class", "search", "condition", "source", "since", "drop", "lowest-since", "min-price", "max-price"),
    *("min-discount", "min-rating", "min-commission", "free-shipping", "official", "coupon", "sort"),
)
"""The options of `offers deals` that the form has."""


def deal_pages(words: Words) -> Blueprint:
    """The page of deals: of the offers whose price changed last, so that it costs the same for any catalogue."""
    pages = Blueprint("deals", __name__, url_prefix="/deals")
    choices = {name: words.choices("deals", name) for name in FILTERS}

    @pages.get("/")
    def index() -> str | Response | tuple[str, int]:
        if (fields := without_empty(request.args)) is not None:
            return redirect(list_address(".index", fields), 302)
        given = request.args.to_dict(flat=False)
        form = {"given": given, "choices": choices, "sorts": tuple(DEAL_SORTS)}
        try:
            report = words.find_deals({"limit": [str(PAGE_SIZE)], **given})
        except UsageError as error:
            return render_template("deals.html", report=None, why={}, problem=error, **form), 400
        why = {deal.offer.id: words.reasons(deal) for deal in report.offers}
        return render_template("deals.html", report=report, why=why, problem=None, **form)

    return pages

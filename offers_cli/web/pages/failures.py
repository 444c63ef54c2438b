"""Failures: how many jobs failed for which reason, which they are, and the way back to the queue."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from flask import Blueprint, abort, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from offers_cli.services.failed import FINAL, describe, find_titles, requeue_failed

if TYPE_CHECKING:
    from offers_cli.queue.registries import Registries
    from offers_cli.storage.base import Storage

PAGE_SIZE = 50
CODE = re.compile(r"[a-z_]{1,60}", re.ASCII)
NUMBER = re.compile(r"[0-9]{1,9}", re.ASCII)


def failures_pages(registries: Registries, storage: Storage) -> Blueprint:
    """The page of failed jobs; a database that does not answer hides the titles alone."""
    pages = Blueprint("failures", __name__, url_prefix="/failures")

    @pages.get("/")
    def index() -> str:
        reason = _reason(request.args.get("reason", ""))
        first = _number(request.args.get("from", "0"))
        requeued = request.args.get("requeued")
        groups = registries.failures_with_newest()
        page = registries.failed_page(reasons={reason} if reason else (), first=first, size=PAGE_SIZE)
        offers = find_titles(storage, [*page.jobs, *(group.newest for group in groups)])
        return render_template(
            "failures.html",
            groups=describe(groups, offers),
            page=page,
            offers=offers,
            reason=reason,
            first=first,
            requeued=None if requeued is None else _number(requeued),
            final=sum(group.jobs for group in groups if group.code in FINAL),
            total=sum(group.jobs for group in groups),
        )

    @pages.post("/requeue")
    def requeue() -> Response:
        """Those of the form's reason; without one all but those whose reason is final."""
        if reason := _reason(request.form.get("reason", "")):
            done = registries.requeue_failed(reasons={reason})
        else:
            done = requeue_failed((), queue=registries, storage=storage, marketplaces=())
        return redirect(url_for(".index", requeued=done.requeued), 303)

    return pages


def _reason(text: str) -> str:
    return text if not text or CODE.fullmatch(text) else abort(404)


def _number(text: str) -> int:
    return int(text) if NUMBER.fullmatch(text) else abort(404)

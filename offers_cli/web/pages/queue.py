"""The queue: its registries, jobs and workers, and the buttons that change them."""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import TYPE_CHECKING

from flask import Blueprint, abort, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from offers_cli.queue.admin import QueueAdmin, Registry, StoredJob

if TYPE_CHECKING:
    from offers_cli.queue.registries import Registries

PLAIN_ID = re.compile(r"[A-Za-z0-9_-]{1,200}", re.ASCII)
ODD_ID = re.compile(r"~[A-Za-z0-9_-]{1,4000}", re.ASCII)
"""An id that RQ does not allow, in a URL: its bytes in base64."""
LONGEST_ODD_ID = 3000
PAGE_NUMBER = re.compile(r"[1-9][0-9]{0,8}", re.ASCII)
CANCELABLE = frozenset({Registry.QUEUED, Registry.STARTED, Registry.SCHEDULED, Registry.DEFERRED})


def queue_pages(jobs: QueueAdmin, registries: Registries) -> Blueprint:
    """The pages of that queue; what is not its own is not found, whatever the URL says."""
    pages = Blueprint("queue", __name__, url_prefix="/rq")
    actions = {"requeue": jobs.requeue, "cancel": jobs.cancel, "delete": jobs.delete}
    pages.app_template_filter("job_name")(_job_name)
    pages.app_template_filter("actions")(_actions_for)

    @pages.get("/")
    def index() -> str:
        counts, suspended = jobs.counts(), registries.suspended()
        return render_template("queue.html", name=jobs.name, counts=counts, suspended=suspended)

    @pages.get("/workers")
    def workers() -> str:
        return render_template("workers.html", workers=registries.workers(), suspended=registries.suspended())

    @pages.get("/<name>/")
    def registry(name: str) -> str:
        which = _registry(name)
        page = jobs.page(which, _page_number(request.args.get("page", "1")))
        return render_template("registry.html", name=jobs.name, registry=which, page=page)

    @pages.post("/<name>/empty")
    def empty(name: str) -> Response:
        which = _registry(name)
        jobs.empty(which)
        return _go(url_for(".registry", name=which))

    @pages.post("/failed/requeue")
    def requeue_failed() -> Response:
        registries.requeue_failed()
        return _go(url_for(".index"))

    @pages.get("/job/<name>")
    def job(name: str) -> str:
        found = jobs.find(_job_id(name)) or abort(404)
        return render_template("job.html", job=found)

    @pages.post("/job/<name>/<action>")
    def change(name: str, action: str) -> Response:
        do = actions.get(action) or abort(404)
        if not do(_job_id(name)):
            abort(404)
        if "registry" in request.form:
            page = _page_number(request.form.get("page", "1"))
            return _go(url_for(".registry", name=_registry(request.form["registry"]), page=page))
        return _go(url_for(".index") if action == "delete" else url_for(".job", name=name))

    return pages


def _go(where: str) -> Response:
    return redirect(where, 303)


def _registry(name: str) -> Registry:
    try:
        return Registry(name)
    except ValueError:
        abort(404)


def _page_number(text: str) -> int:
    return int(text) if PAGE_NUMBER.fullmatch(text) else abort(404)


def _job_id(name: str) -> bytes:
    if PLAIN_ID.fullmatch(name):
        return name.encode()
    if not ODD_ID.fullmatch(name) or len(name) % 4 == 2:
        abort(404)
    return urlsafe_b64decode(name[1:] + "=" * (-len(name[1:]) % 4))


def _job_name(job_id: bytes) -> str | None:
    """A job's id in a URL; None for one that is too long."""
    if PLAIN_ID.fullmatch(text := job_id.decode(errors="replace")):
        return text
    return "~" + urlsafe_b64encode(job_id).rstrip(b"=").decode() if 0 < len(job_id) <= LONGEST_ODD_ID else None


def _actions_for(job: StoredJob) -> list[str]:
    """What can be done with a job as it stands."""
    found = []
    if job.status == Registry.FAILED and not job.broken:
        found.append("requeue")
    if job.status in CANCELABLE and not job.broken:
        found.append("cancel")
    return [*found, "delete"]
